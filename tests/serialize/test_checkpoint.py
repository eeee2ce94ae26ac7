"""tricord's checkpoints: plain data in, the same data out, now and in every later version."""

import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.serialize.damage import equal, notices_every_flip, refuses_every_truncation
from tricord.errors import ArgumentError, FileFormatError, UnsafeFileError
from tricord.serialize import load_checkpoint, save_checkpoint, save_npz

GOLDEN = Path(__file__).parent / "golden"


def saved(tree) -> bytes:
    file = io.BytesIO()
    save_checkpoint(file, tree)
    return file.getvalue()


def reloaded(tree):
    return load_checkpoint(io.BytesIO(saved(tree)))


DTYPES = st.sampled_from([np.dtype(t) for t in (
    "i1", "<i4", ">i4", "u8", "f2", "f4", ">f8", "c8", "S3", "U2", "M8[s]",
    ml_dtypes.bfloat16, ml_dtypes.float8_e5m2, [("a", "<i2"), ("b", "f4", (2,))])])


@st.composite
def arrays(draw):
    dtype = draw(DTYPES)
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    if dtype.kind == "U":  # not every 4 bytes are a character
        return draw(hnp.arrays(dtype, shape))
    raw = draw(hnp.arrays(np.uint8, (*shape, dtype.itemsize)))
    array = raw.view(dtype).reshape(shape)
    return draw(st.sampled_from([array, array.T, array[..., ::-1] if array.ndim else array]))


SCALARS = (st.none() | st.booleans() | st.integers(-(2**200), 2**200) | st.integers() | st.floats()
           | st.text(max_size=8) | st.binary(max_size=8)
           | st.sampled_from([np.float32(1.5), np.int8(-3), ml_dtypes.bfloat16(2), np.bool_(True)]))
KEYS = (st.text(max_size=5) | st.integers() | st.floats() | st.sampled_from(["$array", "$", ""])
        | st.tuples(st.integers(0, 9), st.text(max_size=2)))
TREES = st.recursive(
    SCALARS | arrays(),
    lambda inner: (st.lists(inner, max_size=4) | st.lists(inner, max_size=3).map(tuple)
                   | st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12)


@given(TREES)
def test_every_tree_comes_back_as_it_was(tree):
    assert equal(reloaded(tree), tree)
    assert saved(tree) == saved(tree)


def everything():
    return {
        "step": 7, "big": -(2**100), "rate": 1e-3, "nan": float("nan"), "inf": float("-inf"),
        "text": "zażółć 🙂 \ud800", "flag": True, "nothing": None, "bytes": b"\x00\xff",
        "list": [1, [2.5, (3, "a")]], "keys": {0: "zero", (1, "b"): "pair", "$array": "dollar"},
        "float32": np.arange(6, dtype=np.float32).reshape(2, 3),
        "bfloat16": np.array([1, 2.5], ml_dtypes.bfloat16), "empty": np.zeros((0, 3)),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "scalar": np.float32(0.1),
        "bools": np.array([True, False]), "words": np.array(["ab", "c"]),
    }


def test_a_file_of_version_1_is_still_read():
    """The file was written by tricord 0.1.0. It is never to be regenerated."""
    assert equal(load_checkpoint(GOLDEN / "version-1.tricord"), everything())


def test_the_format_is_what_its_description_says():
    tree = {"a": np.ones(2), "b": (1, 2.5, float("nan"))}
    with zipfile.ZipFile(io.BytesIO(saved(tree))) as zipped:
        assert json.loads(zipped.read("format.json")) == {
            "format": "tricord checkpoint", "version": 1}
        assert json.loads(zipped.read("tree.json")) == {
            "a": {"$array": "arrays/0.npy"}, "b": {"$tuple": [1, 2.5, {"$float": "nan"}]}}
        assert np.load(io.BytesIO(zipped.read("arrays/0.npy"))).tolist() == [1, 1]
        assert {entry.compress_type for entry in zipped.infolist()} == {zipfile.ZIP_STORED}


def test_an_array_that_occurs_twice_is_stored_once():
    array = np.zeros(10_000)
    back = reloaded([array, {"again": array}])
    assert len(saved([array, {"again": array}])) < 85_000
    assert back[0] is back[1]["again"]


@pytest.mark.parametrize(("tree", "words"), [
    ({"a": [set()]}, r"tree\['a'\]\[0\] is a set"),
    ({"a": np.array([None])}, r"tree\['a'\] is an array of Python objects"),
    ({object(): 1}, "a key of tree is a object"),
    ([1j], "complex"),
    ([type], "is a type"),
])
def test_what_cannot_be_saved_is_named(tree, words):
    with pytest.raises(ArgumentError, match=words):
        saved(tree)


def test_loops_and_depth_are_refused_and_sharing_is_not():
    loop = {}
    loop["self"] = loop
    with pytest.raises(ArgumentError, match=r"tree\['self'\] holds itself"):
        saved(loop)
    deep = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(ArgumentError, match="nested more than"):
        saved(deep)
    shared = [1]
    assert reloaded([shared, shared]) == [[1], [1]]


SMALL = {"w": np.arange(3, dtype=np.float32), "n": 5}


def test_every_truncation_is_refused():
    refuses_every_truncation(saved(SMALL), load_checkpoint)


def test_every_flipped_byte_is_refused_or_harmless():
    raw = saved(SMALL)
    assert notices_every_flip(raw, load_checkpoint, lambda v: equal(v, SMALL)) > len(raw) // 2


def forged(tree_json: str, format_json='{"format": "tricord checkpoint", "version": 1}', **more):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("format.json", format_json)
        archive.writestr("tree.json", tree_json)
        for name, raw in more.items():
            archive.writestr(f"arrays/{name}.npy", raw)
    return io.BytesIO(file.getvalue())


def npy(array) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(("tree_json", "words"), [
    ("{", "tree.json is not readable"),
    ("[" * 100_000, "tree.json is not readable"),
    ("1" * 10_000, "tree.json is not readable"),
    ('{"$what": 1}', "an object with the keys"),
    ('{"$tuple": [], "x": 1}', "an object with the keys"),
    ('{"a": 1, "a": 2}', "the same key twice"),
    ('{"$array": "arrays/7.npy"}', "'arrays/7.npy' is missing"),
    ('{"$array": "../secret"}', "is missing"),
    ('{"$array": "tree.json"}', "is missing"),
    ('{"$array": 3}', "is missing"),
    ('{"$float": "1e5"}', "of '1e5'"),
    ('{"$integer": "zz"}', "of 'zz'"),
    ('{"$bytes": "%"}', "of '%'"),
    ('{"$dict": [[[], 1]]}', "a plain key"),
    ('{"$dict": [1]}', "a plain key"),
    ('{"$tuple": {}}', "of a dict"),
    ('"arrays are left over"', "entries that the tree does not name"),
    ('{"$scalar": "arrays/a.npy"}', "a scalar of shape"),
    ('{"$array": "arrays/a.npy", "dtype": "bfloat16"}', "not the bits of bfloat16"),
    ('{"$array": "arrays/a.npy", "dtype": "os"}', "dtype 'os'"),
])
def test_forged_trees_are_refused(tree_json, words):
    with pytest.raises(FileFormatError, match=words):
        load_checkpoint(forged(tree_json, a=npy(np.arange(3))))


def test_a_newer_version_says_so():
    with pytest.raises(FileFormatError, match=r"version 2 of(.|\n)*newer tricord"):
        load_checkpoint(forged("1", '{"format": "tricord checkpoint", "version": 2}'))
    with pytest.raises(FileFormatError, match="does not say"):
        load_checkpoint(forged("1", '{"version": 1}'))


def test_pickled_arrays_are_refused():
    file = io.BytesIO()
    np.save(file, np.array([{}, None]), allow_pickle=True)
    with pytest.raises(UnsafeFileError, match="Python objects"):
        load_checkpoint(forged('{"$array": "arrays/a.npy"}', a=file.getvalue()))


def test_another_kind_of_file_is_named(tmp_path):
    save_npz({"x": np.ones(2)}, tmp_path / "a.tricord")
    with pytest.raises(FileFormatError, match=r"a tricord checkpoint, but this is an \.npz"):
        load_checkpoint(tmp_path / "a.tricord")


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_kill_9_leaves_a_whole_checkpoint(tmp_path):
    path = tmp_path / "run.tricord"
    program = textwrap.dedent("""
        import sys, numpy as np
        from tricord.serialize import save_checkpoint
        step = int(sys.argv[2])
        print("ready", flush=True)
        while True:
            step += 1
            weights = [np.full(5000, step + i) for i in range(5)]
            save_checkpoint(sys.argv[1], {"step": step, "weights": weights})
    """)
    repository = str(Path(__file__).parent.parent.parent)
    step = 0
    for milliseconds in (30, 51, 72, 93, 114):
        child = subprocess.Popen(
            [sys.executable, "-c", program, str(path), str(step)], stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": repository})
        child.stdout.readline()
        time.sleep(milliseconds / 1000)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        tree = load_checkpoint(path)
        assert tree["step"] >= step
        step = tree["step"]
        for i, weights in enumerate(tree["weights"]):
            np.testing.assert_array_equal(weights, np.full(5000, step + i))
    save_checkpoint(path, {})
    assert os.listdir(tmp_path) == ["run.tricord"]
