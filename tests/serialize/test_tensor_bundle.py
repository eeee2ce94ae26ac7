"""TensorFlow checkpoints: a golden one is read, ours TensorFlow reads, damage is refused."""

import itertools
import shutil
import struct
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.serialize.damage import equal
from tricord.errors import ArgumentError, FileFormatError
from tricord.serialize import list_bundle, load_bundle, save_bundle
from tricord.serialize._crc32c import crc32c, mask, unmask
from tricord.serialize._table import table_bytes

GOLDEN = Path(__file__).parent / "golden" / "tensorflow-2.21"
DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16",
          ml_dtypes.bfloat16, ml_dtypes.float8_e5m2, ml_dtypes.float8_e4m3fn]


@st.composite
def arrays(draw):
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    if dtype.kind == "b":
        return draw(hnp.arrays(dtype, shape))
    return draw(hnp.arrays(np.uint8, (*shape, dtype.itemsize))).view(dtype).reshape(shape)


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
BUNDLES = st.dictionaries(NAMES, arrays() | st.binary(max_size=5), max_size=40)


@given(BUNDLES)
def test_every_bundle_comes_back(tmp_path_factory, values):
    prefix = tmp_path_factory.mktemp("bundle") / "ckpt-1"
    save_bundle(prefix, values)
    back = load_bundle(prefix)
    assert equal(back, {name: values[name] for name in sorted(values, key=str.encode)})
    assert {name: shape for name, (_, shape) in list_bundle(prefix).items()} == {
        name: getattr(value, "shape", ()) for name, value in values.items()}


def test_arrays_of_text_and_big_endian_arrays(tmp_path):
    save_bundle(tmp_path / "a", {"words": np.array([["ab", ""], ["c", "é" * 200]]), "one": "x",
                                 "big": np.arange(3, dtype=">i4"), "t": np.ones((2, 3)).T})
    back = load_bundle(tmp_path / "a.index")
    assert back["words"].tolist() == [[b"ab", b""], [b"c", "é".encode() * 200]]
    assert back["one"] == b"x"
    assert back["big"].tolist() == [0, 1, 2]
    assert list_bundle(tmp_path / "a")["words"] == ("string", (2, 2))


def test_many_variables_take_several_blocks(tmp_path):
    values = {f"model/layer_{index}/" + "x" * 100: np.full(2, index) for index in range(3000)}
    save_bundle(tmp_path / "a", values)
    back = load_bundle(tmp_path / "a")
    assert len(back) == 3000
    assert all(back[name].tolist() == value.tolist() for name, value in values.items())


def test_what_tensorflow_wrote_is_read():
    """Written by TensorFlow 2.21: tf.train.Checkpoint(w=..., b=..., h=..., s=...).write(prefix)."""
    values = load_bundle(GOLDEN)
    graph = values.pop("_CHECKPOINTABLE_OBJECT_GRAPH")
    assert b"VARIABLE_VALUE" in graph
    tail = "/.ATTRIBUTES/VARIABLE_VALUE"
    expected = {"b": np.arange(3), "h": np.ones(3, ml_dtypes.bfloat16), "s": np.float32(2.5),
                "w": np.arange(6, dtype=np.float32).reshape(2, 3)}
    assert equal(values, {name + tail: np.asarray(value) for name, value in expected.items()})


def copied(tmp_path) -> Path:
    for path in GOLDEN.parent.glob("tensorflow-2.21.*"):
        shutil.copy(path, tmp_path / path.name)
    return tmp_path / GOLDEN.name


@pytest.mark.parametrize("ending", [".index", ".data-00000-of-00001"])
def test_every_truncation_and_every_flipped_byte_is_refused_or_harmless(ending, tmp_path):
    prefix = copied(tmp_path)
    path = Path(f"{prefix}{ending}")
    raw = path.read_bytes()
    whole = load_bundle(prefix)
    for size in range(len(raw)):
        path.write_bytes(raw[:size])
        with pytest.raises(FileFormatError):
            load_bundle(prefix)
    errors = 0
    for position, change in itertools.product(range(len(raw)), (0x01, 0xFF)):
        damaged = bytearray(raw)
        damaged[position] ^= change
        path.write_bytes(damaged)
        try:
            # The footer's place of the unused block and its padding have no checksum.
            assert equal(load_bundle(prefix), whole)
        except FileFormatError:
            errors += 1
    assert errors > len(raw) * 2 - 100


def test_missing_files_and_other_files_say_so(tmp_path):
    prefix = copied(tmp_path)
    Path(f"{prefix}.data-00000-of-00001").unlink()
    with pytest.raises(FileNotFoundError, match="data-00000-of-00001"):
        load_bundle(prefix)
    Path(f"{prefix}.index").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(50))
    with pytest.raises(FileFormatError, match="the index of a TensorFlow checkpoint, but this is"):
        load_bundle(prefix)


def forged(tmp_path, items: dict[bytes, bytes], data=bytes(8)):
    (tmp_path / "x.index").write_bytes(table_bytes(items))
    (tmp_path / "x.data-00000-of-00001").write_bytes(data)
    return tmp_path / "x"


HEADER = b"\x08\x01\x1a\x02\x08\x01"
CHECKSUM = b"\x35" + struct.pack("<I", mask(crc32c(bytes(8))))
ENTRY = b"\x08\x01\x12\x04\x12\x02\x08\x02\x28\x08" + CHECKSUM  # float32, shape (2,), 8 bytes


def test_the_forger_can_write_a_good_one(tmp_path):
    assert load_bundle(forged(tmp_path, {b"": HEADER, b"w": ENTRY}))["w"].tolist() == [0, 0]


@pytest.mark.parametrize(("items", "words"), [
    ({b"w": ENTRY}, "no header"),
    ({b"": b"\x08\x00"}, "0 data files"),
    ({b"": b"\x08\xff\xff\xff\xff\x0f"}, "4294967295 data files"),
    ({b"": HEADER + b"\x10\x01"}, "big-endian"),
    ({b"": HEADER, b"w": b"\x08\x15" + ENTRY[2:]}, "data type 21"),
    ({b"": HEADER, b"w": ENTRY + b"\x18\x01"}, "in data file 1"),
    ({b"": HEADER, b"w": ENTRY + b"\x20\x01"}, "should be 8 bytes at offset 1"),
    ({b"": HEADER, b"w": ENTRY + b"\x28\x04"}, "takes 8 bytes, not 4"),
    ({b"": HEADER, b"w": ENTRY + b"\x28" + b"\xff" * 8 + b"\x7f"}, "fewer than its variables take"),
    ({b"": HEADER, b"v": ENTRY, b"w": ENTRY}, "fewer than its variables take"),
    ({b"": HEADER, b"w": ENTRY + b"\x35\x00\x00\x00\x00"}, "does not match its checksum"),
    ({b"": HEADER, b"w": ENTRY + b"\x3a\x00"}, "cut into slices"),
    ({b"": HEADER, b"w": ENTRY + b"\x12\x02\x18\x01"}, "unknown rank"),
    ({b"": HEADER, b"w": ENTRY + b"\x12\x0b\x12\x09\x08" + b"\xff" * 7 + b"\x7f"}, "shape"),
    ({b"": HEADER, b"w": ENTRY + b"\x12\x7f"}, "does not end"),
    ({b"": HEADER, b"w": ENTRY + b"\x0b"}, "wire type 3"),
    ({b"": HEADER, b"w": b"\x08\x07" + ENTRY[2:]}, r"'w': its strings|does not match"),
    ({b"": HEADER, b"\xff": ENTRY}, "utf-8"),
])
def test_forged_entries_are_refused(items, words, tmp_path):
    with pytest.raises(FileFormatError, match=words):
        load_bundle(forged(tmp_path, items))


@pytest.mark.parametrize(("values", "words"), [
    ({"a": np.array([object()])}, "'a' has dtype object"),
    ({"a": np.zeros(2, "M8[s]")}, "'a' has dtype datetime64"),
    ({"": np.zeros(2)}, "needs a name"),
])
def test_what_cannot_be_saved_is_named(values, words, tmp_path):
    with pytest.raises(ArgumentError, match=words):
        save_bundle(tmp_path / "a", values)


# ------------------------------------------------------------------------------------- checksum


def slow_crc32c(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def test_the_checksum_is_that_of_the_standard(rng):
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    for size in (0, 1, 1023, 1024, 1025, 3000, 7 * 1024, 10_000):
        data = rng.integers(0, 256, size, dtype=np.uint8).tobytes()
        assert crc32c(data) == slow_crc32c(data)
        for cut in (0, 1, size // 2, size):
            assert crc32c(data[cut:], crc32c(data[:cut])) == crc32c(data)


def test_more_lanes_than_are_run_at_once(rng):
    data = rng.integers(0, 256, 17_000 * 1024 + 5, dtype=np.uint8)
    assert crc32c(data) == crc32c(data[9_000_001:], crc32c(data[:9_000_001]))


@given(st.integers(0, 2**32 - 1))
def test_masking_is_undone(checksum):
    assert unmask(mask(checksum)) == checksum


# ----------------------------------------------------------------------------------- TensorFlow


@pytest.mark.peers("tensorflow")
class TestAgainstTensorFlow:
    def test_tensorflow_reads_ours_and_we_read_its(self, tmp_path):
        tf = pytest.importorskip("tensorflow")
        values = {f"name/{dtype.name}": np.arange(6).astype(dtype).reshape(2, 3)
                  for dtype in map(np.dtype, DTYPES)}
        values |= {"text": b"some bytes", "words": np.array([b"a", b"bc"], object),
                   "empty": np.zeros((0, 2), np.float32)}
        save_bundle(tmp_path / "ours", values)
        reader = tf.train.load_checkpoint(str(tmp_path / "ours"))
        assert set(reader.get_variable_to_shape_map()) == set(values)
        for name, value in values.items():
            theirs = reader.get_tensor(name)
            if isinstance(value, bytes) or value.dtype.kind == "O":
                assert np.asarray(theirs).tolist() == np.asarray(value).tolist()
            else:
                assert equal(np.asarray(theirs), value), name
        theirs = tf.train.Checkpoint(a=tf.Variable(tf.ones((3, 4))), b=tf.Variable(["x", "yz"]))
        prefix = theirs.write(str(tmp_path / "theirs"))
        back = load_bundle(prefix)
        assert back["a/.ATTRIBUTES/VARIABLE_VALUE"].tolist() == np.ones((3, 4)).tolist()
        assert back["b/.ATTRIBUTES/VARIABLE_VALUE"].tolist() == [b"x", b"yz"]
        back["a/.ATTRIBUTES/VARIABLE_VALUE"] += 1
        save_bundle(tmp_path / "changed", back)
        theirs.restore(str(tmp_path / "changed")).expect_partial()
        assert float(theirs.a[0, 0]) == 2

    def test_many_variables(self, tmp_path):
        tf = pytest.importorskip("tensorflow")
        values = {f"model/layer_{index}/" + "x" * 100: np.full(2, index) for index in range(3000)}
        save_bundle(tmp_path / "a", values)
        reader = tf.train.load_checkpoint(str(tmp_path / "a"))
        for name, value in values.items():
            assert reader.get_tensor(name).tolist() == value.tolist()
