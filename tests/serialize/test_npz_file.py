"""numpy's own files: numpy reads what we write, and what it writes we read, pickles excepted."""

import io
import zipfile

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.serialize.damage import equal, notices_every_flip, refuses_every_truncation
from tricord.errors import ArgumentError, FileFormatError, UnsafeFileError
from tricord.serialize import load_npy, load_npz, save_npy, save_npz

ARRAYS = hnp.arrays(
    hnp.scalar_dtypes() | hnp.nested_dtypes(max_itemsize=40),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
).filter(lambda array: array.dtype.itemsize and not array.dtype.hasobject)
ANY_ORDER = ARRAYS | ARRAYS.map(np.asfortranarray) | ARRAYS.map(lambda array: array.T)


def npy(array) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@given(ANY_ORDER.filter(lambda array: array.dtype.kind != "V" or array.dtype.names))
@settings(max_examples=25)
def test_npy_both_ways(array):
    file = io.BytesIO()
    save_npy(array, file)
    assert equal(np.load(io.BytesIO(file.getvalue())), array)
    assert equal(load_npy(io.BytesIO(file.getvalue())), array)
    assert equal(load_npy(io.BytesIO(npy(array))), array)


@given(st.dictionaries(st.text("ab.é ", min_size=1, max_size=4).filter(lambda name: name != ".."),
                       hnp.arrays(np.float32, 3), max_size=3), st.booleans())
def test_npz_both_ways(arrays, compress):
    file = io.BytesIO()
    save_npz(arrays, file, compress=compress)
    assert equal(load_npz(io.BytesIO(file.getvalue())), arrays)
    with np.load(io.BytesIO(file.getvalue())) as theirs:
        assert equal(dict(theirs), arrays)
    file = io.BytesIO()
    (np.savez_compressed if compress else np.savez)(file, **arrays)
    assert equal(load_npz(io.BytesIO(file.getvalue())), arrays)


def test_loaded_arrays_are_writable(tmp_path):
    save_npz({"a": np.zeros(2)}, tmp_path / "a.npz")
    array = load_npz(tmp_path / "a.npz")["a"]
    array += 1
    assert array.tolist() == [1, 1]


@pytest.mark.parametrize("compress", [False, True])
def test_damage_is_noticed(compress):
    file = io.BytesIO()
    arrays = {"a": np.arange(3.0)}
    save_npz(arrays, file, compress=compress)
    raw = file.getvalue()
    refuses_every_truncation(raw, load_npz)
    # The name's bytes are the one part that no checksum covers; another name is another key.
    notices_every_flip(raw, load_npz, lambda back: equal(list(back.values()), [np.arange(3.0)]))
    refuses_every_truncation(npy(np.arange(3)), load_npy)
    notices_every_flip(npy(np.arange(3)), load_npy)


def header(text: str, version=b"\x01\x00", data=b"") -> io.BytesIO:
    raw = text.encode("latin1")
    return io.BytesIO(b"\x93NUMPY" + version + len(raw).to_bytes(2, "little") + raw + data)


@pytest.mark.parametrize(("text", "words"), [
    ("{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776,), }", "but 8 follow"),
    ("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }", "shape"),
    ("{'descr': '<f8', 'fortran_order': False, 'shape': (True,), }", "shape"),
    ("{'descr': '<f8', 'fortran_order': False, 'shape': 3, }", "shape"),
    ("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", "but 8 follow"),
    ("{'descr': '<f8', 'fortran_order': 0, 'shape': (1,), }", "fortran_order"),
    ("{'descr': '<f8', 'shape': (1,), }", "without descr"),
    ("{'descr': 'nonsense', 'fortran_order': False, 'shape': (1,), }", "dtype 'nonsense'"),
    ("{'descr': '|S0', 'fortran_order': False, 'shape': (1,), }", "dtype"),
    ("__import__('os').system('x')", "unreadable header"),
    ("{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,), }", "unreadable header"),
    ("(" * 9000, "unreadable header"),
    ("-" * 9000 + "1", "unreadable header"),
    ("x" * 20_000, "header of 20000 bytes"),
])
def test_forged_headers_are_refused(text, words):
    with pytest.raises(FileFormatError, match=words):
        load_npy(header(text, data=bytes(8)))


def test_an_unknown_version_of_npy_is_refused():
    with pytest.raises(FileFormatError, match=r"format version 9\.0"):
        load_npy(header("{}", version=b"\x09\x00", data=bytes(8)))


def test_pickled_objects_are_refused_in_both():
    file = io.BytesIO()
    np.savez(file, a=np.array([None, {}]))
    with pytest.raises(UnsafeFileError, match=r"'a.npy'.*an array of Python objects"):
        load_npz(io.BytesIO(file.getvalue()))
    with pytest.raises(UnsafeFileError, match="an array of Python objects"):
        load_npy(io.BytesIO(npy(np.array([("a", None)], [("x", "U1"), ("y", "O")]))))


def zipped(entries, method=zipfile.ZIP_STORED) -> bytearray:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, raw in entries:
            archive.writestr(name, raw)
    return bytearray(file.getvalue())


@pytest.mark.parametrize("name", ["../a.npy", "/a.npy", "x/../../a.npy", "..\\a.npy", "C:/a.npy"])
def test_names_that_leave_the_archive_are_refused(name):
    with pytest.raises(FileFormatError, match="leaves the archive"):
        load_npz(io.BytesIO(zipped([(name, npy(np.ones(2)))])))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_entry_that_is_there_twice_is_refused():
    with pytest.raises(FileFormatError, match="there twice"):
        load_npz(io.BytesIO(zipped([("a.npy", npy(np.ones(2)))] * 2)))


def patched(raw: bytearray, what: bytes, offset: int, value: bytes) -> io.BytesIO:
    """The archive with some bytes of its table of contents changed, relative to ``what``."""
    at = raw.rindex(what) + offset
    raw[at:at + len(value)] = value
    return io.BytesIO(bytes(raw))


def test_sizes_that_cannot_be_true_are_refused():
    entries = [("a.npy", npy(np.ones(2))), ("b.npy", npy(np.ones(2)))]
    huge = (3 << 30).to_bytes(4, "little")
    with pytest.raises(FileFormatError, match="claims 3221225472 bytes out of"):
        load_npz(patched(zipped(entries), b"PK\x01\x02", 24, huge))
    with pytest.raises(FileFormatError, match="claims 3221225472 bytes out of"):
        load_npz(patched(zipped(entries, zipfile.ZIP_DEFLATED), b"PK\x01\x02", 24, huge))
    both = patched(zipped(entries), b"PK\x01\x02", 20, huge + huge)
    with pytest.raises(FileFormatError, match="claims to expand to 322"):
        load_npz(both)


def test_entries_that_overlap_are_refused():
    raw = zipped([("a.npy", npy(np.ones(2))), ("b.npy", npy(np.ones(2)))])
    first_size = len(npy(np.ones(2)))
    grown = (first_size + 40).to_bytes(4, "little") * 2
    at = raw.index(b"PK\x01\x02") + 20
    raw[at:at + 8] = grown
    with pytest.raises(FileFormatError, match="overlaps"):
        load_npz(io.BytesIO(bytes(raw)))


def test_a_bomb_is_refused_before_memory_is_taken():
    raw = zipped([("a.npy", npy(np.zeros(4_000_000)))], zipfile.ZIP_DEFLATED)
    assert load_npz(io.BytesIO(raw))["a"].shape == (4_000_000,)
    with pytest.raises(FileFormatError, match="claims to expand to 32000128 bytes"):
        load_npz(io.BytesIO(raw), max_bytes=10**7)


def test_encrypted_and_oddly_compressed_entries_are_refused():
    with pytest.raises(FileFormatError, match="compression 14"):
        load_npz(io.BytesIO(zipped([("a.npy", npy(np.ones(2)))], zipfile.ZIP_LZMA)))
    raw = zipped([("a.npy", npy(np.ones(2)))])
    with pytest.raises(FileFormatError, match="encrypted"):
        load_npz(patched(raw, b"PK\x01\x02", 8, b"\x01"))


@pytest.mark.parametrize(("name", "array", "words"), [
    ("a", np.array([None]), "array of Python objects"),
    ("a", np.ones(2, ml_dtypes.bfloat16), "bfloat16, which .npy cannot name"),
    ("../a", np.ones(2), "cannot be the name"),
    ("/a", np.ones(2), "cannot be the name"),
    ("", np.ones(2), "cannot be the name"),
    (3, np.ones(2), "cannot be the name"),
])
def test_what_cannot_be_saved_is_named(name, array, words):
    with pytest.raises(ArgumentError, match=words):
        save_npz({name: array}, io.BytesIO())


def test_cifar_is_read(data_folder):
    path = data_folder / "cifar10_subset.npz"
    ours = load_npz(path)
    with np.load(path, allow_pickle=False) as theirs:
        assert set(ours) == set(theirs.files)
        for name in theirs.files:
            np.testing.assert_array_equal(ours[name], theirs[name])
