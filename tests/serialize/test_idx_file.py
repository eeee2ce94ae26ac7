"""The MNIST format, plain and gzipped."""

import gzip
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.serialize.damage import equal, notices_every_flip, refuses_every_truncation
from tricord.errors import ArgumentError, FileFormatError
from tricord.serialize import load_idx, save_idx

ARRAYS = hnp.arrays(st.sampled_from(["u1", "i1", "i2", "i4", "f4", "f8"]),
                    hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5))


def saved(array) -> bytes:
    file = io.BytesIO()
    save_idx(array, file)
    return file.getvalue()


@given(ARRAYS)
def test_every_array_comes_back_plain_and_gzipped(array):
    assert equal(load_idx(io.BytesIO(saved(array))), array)
    assert equal(load_idx(io.BytesIO(gzip.compress(saved(array)))), array)


def test_the_bytes_are_those_of_the_description():
    assert saved(np.array([[1, 2]], np.uint8)) == bytes.fromhex("00000802 00000001 00000002 0102")
    assert saved(np.array([258], np.int16)) == bytes.fromhex("00000b01 00000001 0102")


def test_mnist_is_read(data_file):
    images = load_idx(data_file("mnist/t10k-images-idx3-ubyte.gz"))
    labels = load_idx(data_file("mnist/t10k-labels-idx1-ubyte.gz"))
    assert images.shape == (10_000, 28, 28)
    assert labels.shape == (10_000,)
    assert labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert images.dtype == labels.dtype == np.uint8
    assert images.flags.writeable


def test_damage_is_refused():
    raw = saved(np.arange(6, dtype=np.int32).reshape(2, 3))
    refuses_every_truncation(raw, load_idx)
    notices_every_flip(raw, load_idx)
    packed = gzip.compress(raw, mtime=0)
    refuses_every_truncation(packed, load_idx)
    notices_every_flip(packed, load_idx, lambda array: equal(array, load_idx(io.BytesIO(raw))))
    for extra in (raw + b"x", packed + b"x", gzip.compress(raw + b"x")):
        with pytest.raises(FileFormatError):
            load_idx(io.BytesIO(extra))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("header", [
    "00000803 7fffffff 7fffffff 7fffffff", "00000801 7fffffff", "00000e01 00000009"])
def test_sizes_beyond_the_file_are_refused_before_memory_is_taken(pack, header):
    with pytest.raises(FileFormatError, match="idx file"):
        load_idx(io.BytesIO(pack(bytes.fromhex(header) + bytes(8))))


def test_other_files_are_named(tmp_path):
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"hello hello hello"))
    with pytest.raises(FileFormatError, match=r"x.gz: expected an idx array.*this is a gzip file"):
        load_idx(tmp_path / "x.gz")


@pytest.mark.parametrize("array", [np.array(1, np.uint8), np.ones(2, np.int64), np.array(["x"])])
def test_what_cannot_be_saved_is_named(array):
    with pytest.raises(ArgumentError, match="cannot be an idx file"):
        saved(array)
