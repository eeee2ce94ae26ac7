"""safetensors: the package reads what we write and the other way round; damage is refused."""

import io
import json
import struct

import ml_dtypes
import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.serialize.damage import equal, notices_every_flip, refuses_every_truncation
from tricord.errors import ArgumentError, FileFormatError
from tricord.serialize import load_safetensors, load_safetensors_metadata, save_safetensors

PLAIN = ["?", "i1", "u1", "i2", "u2", "f2", "i4", "u4", "f4", "i8", "u8", "f8", "c8"]
EXTRA = [ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2]


@st.composite
def arrays(draw, kinds):
    dtype = np.dtype(draw(st.sampled_from(kinds)))
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    if dtype.kind == "b":
        return draw(hnp.arrays(dtype, shape))
    return draw(hnp.arrays(np.uint8, (*shape, dtype.itemsize))).view(dtype).reshape(shape)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


def saved(tensors, metadata=None) -> bytes:
    file = io.BytesIO()
    save_safetensors(tensors, file, metadata)
    return file.getvalue()


@given(st.dictionaries(TEXT, arrays(PLAIN), max_size=4))
def test_both_ways_with_the_package(tensors):
    raw = saved(tensors)
    assert raw == saved(dict(reversed(tensors.items())))
    ours, theirs = load_safetensors(io.BytesIO(raw)), safetensors.numpy.load(raw)
    again = load_safetensors(io.BytesIO(safetensors.numpy.save(tensors)))
    assert set(ours) == set(theirs) == set(again) == set(tensors)
    for name, array in tensors.items():
        assert equal(ours[name], array)
        assert equal(theirs[name], array)
        assert equal(again[name], array)


@given(st.dictionaries(TEXT, arrays(EXTRA), max_size=4), st.dictionaries(TEXT, TEXT, max_size=3))
def test_small_floats_and_metadata_come_back(tensors, metadata):
    raw = saved(tensors, metadata)
    back = load_safetensors(io.BytesIO(raw))
    assert all(equal(back[name], array) for name, array in tensors.items())
    assert load_safetensors_metadata(io.BytesIO(raw)) == metadata
    safetensors.deserialize(raw)  # the package's own checks


def test_views_and_big_endian_arrays_are_written_by_value(tmp_path):
    base = np.arange(12.0).reshape(3, 4)
    tensors = {"t": base.T, "reverse": base[::-1, ::2], "big": base.astype(">f8")}
    save_safetensors(tensors, tmp_path / "a.safetensors")
    back = load_safetensors(tmp_path / "a.safetensors")
    for name, array in tensors.items():
        np.testing.assert_array_equal(back[name], array)
    back["t"] += 1  # writable


def test_damage_is_noticed_where_the_format_allows_it():
    tensors = {"a": np.arange(3, dtype=np.float32), "b": np.ones(2, np.int8)}
    raw = saved(tensors)
    refuses_every_truncation(raw, load_safetensors)
    notices_every_flip(raw, load_safetensors)


def forged(header, data=b"", size=None) -> io.BytesIO:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return io.BytesIO(struct.pack("<Q", len(text) if size is None else size) + text + data)


def tensor(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


@pytest.mark.parametrize(("header", "words"), [
    (b"{nonsense", "header is not readable"),
    (b'{"a":' + b"[" * 100_000, "header is not readable"),
    (b'{"a":1,"a":2}', "the same key twice"),
    ({"a": 3}, "without dtype, shape and data_offsets"),
    ({"a": tensor(dtype="OBJECT")}, "dtype 'OBJECT'"),
    ({"a": tensor(dtype=["F32"])}, "dtype"),
    ({"a": tensor(shape=(3,))}, "takes 12 bytes, not 8"),
    ({"a": tensor(shape=(-2,))}, "has shape"),
    ({"a": tensor(shape=(2**47, 2**47, 2**47, 2**47))}, "has shape"),
    ({"a": tensor(shape=(0, 2**47, 2**47))}, "has shape"),
    ({"a": tensor(shape=(2.0,))}, "has shape"),
    ({"a": tensor(shape=(True, 2))}, "has shape"),
    ({"a": tensor(offsets=(8, 16))}, "starts at 8, but 0 was expected"),
    ({"a": tensor(offsets=(8, 0))}, "takes 8 bytes, not -8"),
    ({"a": tensor(), "b": tensor()}, "starts at 0, but 8 was expected"),
    ({"a": tensor(shape=(1,), offsets=(0, 4))}, "take 4 bytes, but 8 follow"),
    ({"a": tensor(), "__metadata__": {"x": 1}}, "metadata that is not text"),
])
def test_forged_headers_are_refused(header, words):
    with pytest.raises(FileFormatError, match=words):
        load_safetensors(forged(header, bytes(8)))


def test_a_header_larger_than_the_file_is_refused():
    with pytest.raises(FileFormatError, match="expected a safetensors file"):
        load_safetensors(forged({}, size=2**60))


@pytest.mark.parametrize(("tensors", "metadata", "words"), [
    ({"a": np.array(["x"])}, None, "'a' has dtype <U1"),
    ({"a": np.ones(2, np.complex128)}, None, "'a' has dtype complex128"),
    ({"__metadata__": np.ones(2)}, None, "cannot be the name"),
    ({3: np.ones(2)}, None, "3 cannot be the name"),
    ({}, {"a": 1}, "metadata 'a': 1 is not text"),
])
def test_what_cannot_be_saved_is_named(tensors, metadata, words):
    with pytest.raises(ArgumentError, match=words):
        saved(tensors, metadata)


@pytest.mark.peers("torch")
def test_torch_reads_ours_and_we_read_torchs():
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("safetensors.torch")
    raw = saved({"a": np.array([1, 2.5], ml_dtypes.bfloat16),
                 "b": np.array([1, 2], ml_dtypes.float8_e4m3fn)})
    back = theirs.load(raw)
    assert back["a"].dtype == torch.bfloat16
    assert back["a"].tolist() == [1, 2.5]
    assert back["b"].dtype == torch.float8_e4m3fn
    again = load_safetensors(io.BytesIO(theirs.save(back)))
    assert again["a"].dtype == ml_dtypes.bfloat16
    assert again["a"].tolist() == [1, 2.5]
