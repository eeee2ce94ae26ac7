"""PyTorch files: what is written is read back, what is damaged or hostile is refused."""

import builtins
import codecs
import contextlib
import io
import os
import pickle
import struct
import subprocess
import zipfile
from collections import OrderedDict

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.serialize.damage import equal, notices_every_flip, refuses_every_truncation
from tricord.errors import ArgumentError, FileFormatError, UnsafeFileError
from tricord.serialize import TensorData, TorchDevice, TorchDtype, load_torch, save_torch


def saved(obj) -> bytes:
    file = io.BytesIO()
    save_torch(obj, file)
    return file.getvalue()


def reloaded(obj):
    return load_torch(io.BytesIO(saved(obj)))


def torch_zip(pickled: bytes, storages=(), **changes) -> bytes:
    """A PyTorch file around any pickle and storages."""
    entries = {"archive/data.pkl": pickled, "archive/byteorder": b"little",
               "archive/version": b"3\n"}
    entries |= {f"archive/data/{key}": raw for key, raw in enumerate(storages)} | changes
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, raw in entries.items():
            archive.writestr(name, raw)
    return file.getvalue()


def load_pickle(pickled: bytes, *storages: bytes):
    return load_torch(io.BytesIO(torch_zip(pickled, storages)))


def text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def integer(value: int) -> bytes:
    raw = value.to_bytes(9, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def integers(*values) -> bytes:
    return b"(" + b"".join(map(integer, values)) + b"t"


def tensor_pickle(*, count=6, offset=0, size=(2, 3), stride=(3, 1), storage="FloatStorage",
                  key="0", stop=b".") -> bytes:
    return (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage")
            + b"ctorch\n" + storage.encode() + b"\n" + text(key) + text("cpu") + integer(count)
            + b"tQ" + integer(offset) + integers(*size) + integers(*stride)
            + b"\x89ccollections\nOrderedDict\n)RtR" + stop)


# ------------------------------------------------------------------------------------ round trips

SCALARS = (st.none() | st.booleans() | st.integers(-(2**2000), 2**2000) | st.floats()
           | st.text(max_size=8) | st.binary(max_size=8) | st.complex_numbers()
           | st.builds(TorchDtype, st.sampled_from(["float32", "bfloat16", "int64"]))
           | st.sampled_from([TorchDevice("cpu"), TorchDevice("cuda", 1)]))
DTYPES = st.sampled_from([np.dtype(t) for t in (
    "?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16",
    ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2)])


@st.composite
def arrays(draw):
    dtype = draw(DTYPES)
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    if dtype.kind in "?b":
        return draw(hnp.arrays(np.bool_, shape))
    raw = draw(hnp.arrays(np.uint8, (*shape, dtype.itemsize)))
    return raw.view(dtype).reshape(shape)


TENSORS = st.builds(
    lambda array, grad, parameter: TensorData(array, grad and array.dtype.kind in "fcV", parameter),
    arrays(), st.booleans(), st.booleans())
KEYS = st.text(max_size=5) | st.integers() | st.tuples(st.integers(0, 9), st.text(max_size=2))
TREES = st.recursive(
    SCALARS | TENSORS,
    lambda inner: (st.lists(inner, max_size=4) | st.lists(inner, max_size=3).map(tuple)
                   | st.dictionaries(KEYS, inner, max_size=4)
                   | st.dictionaries(KEYS, inner, max_size=4).map(OrderedDict)),
    max_leaves=12)


@given(TREES)
def test_every_tree_comes_back_as_it_was(tree):
    assert equal(reloaded(tree), tree)


@given(TREES)
def test_equal_trees_give_equal_bytes(tree):
    assert saved(tree) == saved(tree)


def test_sets_and_numpy_scalars_and_plain_arrays():
    assert reloaded({"s": {3, 1, "a"}, "ba": bytearray(b"xy")}) == {
        "s": {3, 1, "a"}, "ba": bytearray(b"xy")}
    tree = reloaded([np.float32(0.5), np.int64(7), np.bool_(True), ml_dtypes.bfloat16(2)])
    assert tree == [0.5, 7, True, 2.0]
    assert [type(value) for value in tree] == [float, int, bool, float]
    assert reloaded(np.arange(3)).array.tolist() == [0, 1, 2]


def test_a_state_dict_keeps_its_metadata():
    state = OrderedDict(weight=np.ones(2))
    state._metadata = OrderedDict({"": {"version": 2}})
    assert reloaded(state)._metadata == OrderedDict({"": {"version": 2}})


def test_arrays_over_one_memory_share_it_again_and_are_stored_once():
    base = np.arange(1000, dtype=np.float32)
    state = {"whole": base, "tied": base, "part": base[100:200:3],
             "matrix": base.reshape(10, 100).T}
    raw = saved(state)
    assert len(raw) < 4000 + 2000
    back = load_torch(io.BytesIO(raw))
    for name, array in state.items():
        np.testing.assert_array_equal(back[name].array, array)
    back["whole"].array[103] = -1
    assert back["tied"].array[103] == back["part"].array[1] == back["matrix"].array[3, 1] == -1


def test_the_part_of_a_large_array_does_not_drag_it_into_the_file():
    assert len(saved(np.zeros(100_000, np.float32)[:10])) < 2000


def test_overlapping_arrays_of_two_types_are_written_apart():
    base = np.arange(4, dtype=np.float32)
    back = reloaded([base, base.view(np.int32)])
    assert back[1].array.tolist() == base.view(np.int32).tolist()


def test_odd_arrays_come_back_by_value():
    base = np.arange(24, dtype=np.float64).reshape(2, 3, 4)
    odd = [base[:, ::-1], base.T, np.broadcast_to(base[0, 0], (5, 4)), base.astype(">f8"),
           base[:0], np.full((), 3.0), base[::-1, ::2], np.broadcast_to(base, (2, 2, 3, 4))]
    for array, tensor in zip(odd, reloaded(odd)):
        np.testing.assert_array_equal(tensor.array, array)


def test_a_file_on_disk_and_the_same_in_memory(tmp_path):
    path = tmp_path / "model.pt"
    save_torch({"a": np.ones(3)}, path)
    assert path.read_bytes() == saved({"a": np.ones(3)})
    assert load_torch(str(path))["a"].array.sum() == 3


@pytest.mark.parametrize(("value", "words"), [
    ({"a": [object()]}, r"object\['a'\]\[0\] is a object"),
    ({"a": np.array(["x"])}, r"object\['a'\] is an array of dtype <U1"),
    ({object(): 1}, "a key of object is a object"),
    (2**3000, "an integer of 376 bytes"),
    ([TensorData(np.arange(2), True)], r"object\[0\] has dtype int64 and requires_grad"),
    (np.longdouble(1), "numpy longdouble scalar|numpy float128 scalar"),
])
def test_what_cannot_be_saved_is_named(value, words):
    with pytest.raises(ArgumentError, match=words):
        saved(value)


def test_a_list_that_holds_itself_and_a_deep_one_are_refused():
    loop = []
    loop.append(loop)
    with pytest.raises(ArgumentError, match="holds itself"):
        saved(loop)
    deep = []
    for _ in range(10_000):
        deep = [deep]
    with pytest.raises(ArgumentError, match="nested more than"):
        saved(deep)


# ---------------------------------------------------------------------------------- damaged files

SMALL = {"w": TensorData(np.arange(6, dtype=np.float32).reshape(2, 3), True, True), "epoch": 3}


def test_every_truncation_is_refused():
    refuses_every_truncation(saved(SMALL), load_torch)


def test_every_flipped_byte_is_refused_or_harmless():
    raw = saved(SMALL)
    assert notices_every_flip(raw, load_torch, lambda value: equal(value, SMALL)) > len(raw) // 2


@given(st.binary(max_size=80), st.integers(0, 200))
def test_any_bytes_as_a_pickle_give_a_value_or_our_error(noise, cut):
    pickled = tensor_pickle()
    patched = pickled[:cut] + noise + pickled[cut + len(noise):]
    for attempt in (noise, b"\x80\x02" + noise, patched):
        with contextlib.suppress(FileFormatError):
            load_pickle(attempt, bytes(24))


@pytest.mark.parametrize(("changes", "words"), [
    ({"size": (3, 3)}, "needs 9 elements, but its storage has 6"),
    ({"offset": 1}, "needs 7 elements"),
    ({"stride": (4, 1)}, "needs 7 elements"),
    ({"offset": -1}, "whole numbers from 0"),
    ({"stride": (-3, 1)}, "whole numbers from 0"),
    ({"size": (-2, 3)}, "whole numbers from 0"),
    ({"size": (2**62, 2**62), "stride": (0, 0)}, "over a storage of 6 elements"),
    ({"size": (2**40,), "stride": (0,)}, "over a storage of 6 elements"),
    ({"size": (0, 2**62)}, "a tensor of size"),
    ({"size": (2,)}, "with strides"),
    ({"count": 7}, "has 24 bytes, but 28 are claimed"),
    ({"count": -1}, "storage of -1 elements"),
    ({"count": 2**62}, "are claimed"),
    ({"storage": "DoubleStorage"}, "but 48 are claimed"),
    ({"storage": "QInt8Storage"}, "a quantized tensor"),
    ({"key": "1"}, "storage '1' is missing"),
    ({"key": "../data.pkl"}, "is missing"),
])
def test_impossible_tensors_are_refused(changes, words):
    with pytest.raises(FileFormatError, match=words):
        load_pickle(tensor_pickle(**changes), bytes(24))


def test_an_expanded_tensor_is_fine():
    storage = np.arange(6, dtype="f4").tobytes()
    tensor = load_pickle(tensor_pickle(size=(1000, 3), stride=(0, 1)), storage)
    assert tensor.array.shape == (1000, 3)
    assert tensor.array[999].tolist() == [0, 1, 2]


def test_a_bool_that_is_neither_becomes_true():
    raw = tensor_pickle(count=2, size=(2,), stride=(1,), storage="BoolStorage")
    assert load_pickle(raw, b"\x00\x07").array.view(np.uint8).tolist() == [0, 1]


def test_big_endian_files_are_read():
    raw = torch_zip(tensor_pickle(), [np.arange(6, dtype=">f4").tobytes()],
                    **{"archive/byteorder": b"big"})
    assert load_torch(io.BytesIO(raw)).array.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_compressed_copy_is_read_and_a_bomb_is_not():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", tensor_pickle())
        archive.writestr("archive/data/0", bytes(24))
    assert load_torch(io.BytesIO(file.getvalue())).array.sum() == 0
    with pytest.raises(FileFormatError, match=r"claims to expand to .* bytes"):
        load_torch(io.BytesIO(file.getvalue()), max_bytes=100)


# ---------------------------------------------------------------------------------- hostile files


class Calls:
    def __init__(self, function, *arguments):
        self.reduced = (function, arguments)

    def __reduce__(self):
        return self.reduced


HOSTILE = {
    "os.system": pickle.dumps(Calls(os.system, "touch ran"), 2),
    "os.system, protocol 4": pickle.dumps(Calls(os.system, "touch ran"), 4),
    "eval": pickle.dumps(Calls(builtins.eval, "open('ran', 'w')"), 2),
    "exec in a list in a dict": pickle.dumps({"w": [Calls(builtins.exec, "open('ran', 'w')")]}, 2),
    "subprocess.Popen": pickle.dumps(Calls(subprocess.Popen, ["touch", "ran"]), 2),
    "getattr": pickle.dumps(Calls(getattr, "x", "upper"), 2),
    "__import__": pickle.dumps(Calls(__import__, "os"), 2),
    "codecs.decode": pickle.dumps(Calls(codecs.decode, b"x", "zip"), 2),
    "_codecs.encode with rot13": (
        b"\x80\x02c_codecs\nencode\n" + text("a") + text("rot13") + b"\x86R."),
    "INST": b"\x80\x02(" + text("touch ran") + b"ios\nsystem\n.",
    "OBJ": b"\x80\x02(ctorch\nSize\n" + text("x") + b"o.",
    "NEWOBJ": b"\x80\x02ccollections\nOrderedDict\n)\x81.",
    "NEWOBJ_EX": b"\x80\x02ccollections\nOrderedDict\n)}\x92.",
    "EXT1": b"\x80\x02\x82\x01.",
    "EXT2": b"\x80\x02\x83\x01\x00.",
    "EXT4": b"\x80\x02\x84\x01\x00\x00\x00.",
    "PERSID": b"\x80\x02Pname\n.",
    "posix.system": b"\x80\x02cposix\nsystem\n" + text("touch ran") + b"\x85R.",
    "BUILD on a dict": b"\x80\x02}}" + text("__class__") + text("x") + b"sb.",
    "BUILD on a list": b"\x80\x02]}b.",
    "REDUCE on text": b"\x80\x02" + text("os.system") + text("x") + b"\x85R.",
    "REDUCE on a storage type": b"\x80\x02ctorch\nFloatStorage\nK\x01\x85R.",
    "a dotted name": b"\x80\x04" + b"\x8c\x05torch" + b"\x8c\x0b_utils.eval" + b"\x93.",
    "torch.load itself": b"\x80\x02ctorch\nload\n" + text("x") + b"\x85R.",
    "torch.hub.load": b"\x80\x02ctorch.hub\nload\n" + text("x") + b"\x85R.",
    "numpy.load": b"\x80\x02cnumpy\nload\n" + text("x") + b"\x85R.",
    "operator.attrgetter": b"\x80\x02coperator\nattrgetter\n" + text("x") + b"\x85R.",
    "a bare function": b"\x80\x02]ctorch._utils\n_rebuild_parameter\na.",
    "dict attributes": b"\x80\x02ccollections\nOrderedDict\n)R}" + text("items") + b"NsbcX\nY\n.",
    "a name in a function's place": (b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n(cos\n"
                                     b"system\nctorch\nTensor\n" + text("x") + b"\x85NtR."),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_are_refused_and_run_nothing(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileFormatError, match=r"refused|damaged|a dict with attributes"):
        load_pickle(HOSTILE[name])
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_call_would_have_left_a_trace_and_does_not(protocol, tmp_path):
    witness = tmp_path / "ran"
    pickled = pickle.dumps({"w": Calls(os.mkdir, str(witness))}, protocol)
    with pytest.raises(UnsafeFileError, match=r"posix.mkdir|nt.mkdir"):
        load_pickle(pickled)
    assert not witness.exists()
    pickle.loads(pickled)
    assert witness.exists()  # so the file was really hostile


@pytest.mark.parametrize(("pickled", "words"), [
    (b"\x80\x02cos\nsystem\n.", "os.system"),
    (pickle.dumps(Calls(eval, "1"), 2), "builtins.eval"),
    (b"\x80\x02ctorch.nn.modules.linear\nLinear\n.",
     r"torch.nn.modules.linear.Linear.*\n.*state_dict"),
    (b"\x80\x02(ios\nsystem\n.", "INST"),
])
def test_the_refusal_names_what_was_asked_for(pickled, words):
    with pytest.raises(UnsafeFileError, match=words):
        load_pickle(pickled)


@pytest.mark.parametrize(("pickled", "words"), [
    (b"\x80\x02]q\x00h\x00a.", "holds itself"),
    (b"\x80\x02" + b"(" * 1000 + b"t" * 1000 + b".", "nested more than"),
    (b"\x80\x02N" + b"\x85" * 100_000 + b".", "nested more than"),
    (b"\x80\x02}" + b"N" + b"\x85" * 100_000 + b"Ns.", "tuple as a dict key"),
    (b"\x80\x02(]" + b"\x32" * 10 + b"t.", "not one that data needs"),
    (b"\x80\x02\x8b\xff\xff\xff\x7f.", "does not fit into the file"),
    (b"\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "does not fit into the file"),
    (b"\x80\x02h\x05.", "never remembered"),
    (b"\x80\x02N", "ends too early"),
    (b"\x80\x09N.", "protocol 9"),
    (b"(lp0\n.", "does not start with a protocol"),
    (b"\x80\x02NN.", "in the middle"),
    (b"\x80\x02N.N", "after the end"),
    (b"\x80\x02}Nu.", "mark is missing"),
    (b"\x80\x02ctorch\nSize\n" + text("x") + b"\x85R.", "torch.Size with the wrong arguments"),
])
def test_impossible_pickles_are_refused(pickled, words):
    with pytest.raises(FileFormatError, match=words):
        load_pickle(pickled)


def test_sharing_that_explodes_is_refused():
    body = b"\x80\x02(Nq\x00"
    for i in range(1, 60):  # each holds the one before twice
        body += b"h" + bytes([i - 1]) + b"h" + bytes([i - 1]) + b"\x86q" + bytes([i])
    with pytest.raises(FileFormatError, match="without bound"):
        load_pickle(body + b"t.")


def test_copies_of_one_text_are_paid_for():
    pickled = (b"\x80\x02(X" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20) + b"q\x00"
               + b"c_codecs\nencode\nq\x01" + (b"h\x01h\x00" + text("latin1") + b"\x86R") * 3000
               + b"t.")
    with pytest.raises(FileFormatError, match="expands far beyond"):
        load_pickle(pickled)


def test_numpy_values_are_data():
    tree = {"scalar": np.float64(2.5), "array": np.arange(6, dtype=">i4").reshape(2, 3),
            "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "text": np.array(["ab"])}
    for protocol in (2, 4):
        back = load_pickle(pickle.dumps(tree, protocol))
        assert equal(back["scalar"], tree["scalar"])
        for name in ("array", "fortran", "text"):
            np.testing.assert_array_equal(back[name], tree[name])


def test_numpy_objects_are_not():
    with pytest.raises(FileFormatError, match="numpy dtype 'O8'"):
        load_pickle(pickle.dumps(np.array([None, {}]), 2))


# ------------------------------------------------------------------------------------ other files


@pytest.mark.parametrize(("raw", "words"), [
    (b"", "an empty file"),
    (b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file"),
    (b"\x93NUMPY\x01\x00" + bytes(100), "a .npy numpy array"),
    (pickle.dumps({"a": 1}, 2), "a Python pickle"),
    (b"<!DOCTYPE html><html>", "a web page"),
    (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
    (saved(SMALL)[:-30], "a zip archive without its table of contents"),
    (b"hello world, this is text", "a kind tricord does not know"),
])
def test_a_renamed_file_is_named(raw, words, tmp_path):
    path = tmp_path / "model.pt"
    path.write_bytes(raw)
    with pytest.raises(FileFormatError, match=f"model.pt: expected a PyTorch file.*{words}"):
        load_torch(path)


# --------------------------------------------------------------------------- old files, real torch


def test_a_file_of_before_1_6_is_read():
    file = io.BytesIO()
    for value in (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True}):
        pickle.dump(value, file, 2)
    file.write(tensor_pickle(key="94"))
    pickle.dump(["94"], file, 2)
    file.write(struct.pack("<q", 6) + np.arange(6, dtype="<f4").tobytes())
    raw = file.getvalue()
    assert load_torch(io.BytesIO(raw)).array.tolist() == [[0, 1, 2], [3, 4, 5]]
    refuses_every_truncation(raw, load_torch)
    notices_every_flip(raw, load_torch)
    with pytest.raises(UnsafeFileError, match=r"os\.system"):
        load_torch(io.BytesIO(raw.replace(b"ctorch._utils\n_rebuild_tensor_v2", b"cos\nsystem")))


@pytest.mark.peers("torch")
class TestAgainstTorch:
    def everything(self, torch):
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4),
                                    torch.nn.LSTM(4, 2))
        optimizer = torch.optim.Adam(model[0].parameters(), lr=0.1)
        model[0](torch.ones(2, 3)).sum().backward()
        optimizer.step()
        base = torch.arange(12.0).reshape(3, 4)
        dtypes = [torch.bool, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8,
                  torch.uint16, torch.uint32, torch.uint64, torch.float16, torch.bfloat16,
                  torch.float32, torch.float64, torch.complex64, torch.complex128,
                  torch.float8_e4m3fn, torch.float8_e5m2]
        return {
            "model": model.state_dict(), "optimizer": optimizer.state_dict(),
            "tensors": {str(dtype): torch.arange(5).to(dtype) for dtype in dtypes},
            "views": [base, base.T, base[1:, ::2], base[0].expand(4, 4), base[:0],
                      torch.tensor(3.0)],
            "parameter": torch.nn.Parameter(torch.ones(2)), "frozen":
            torch.nn.Parameter(torch.ones(2), requires_grad=False),
            "leaf": torch.ones(2, requires_grad=True), "conj": torch.tensor([1 + 2j]).conj(),
            "plain": [None, True, 1, -(2**70), 2.5, "ü", b"\xff\x00", (1, 2), {1, 2}, 1j,
                      bytearray(b"q")],
            "size": torch.Size([2, 3]), "dtype": torch.bfloat16, "device": torch.device("cuda", 1),
        }

    def check(self, torch, ours, theirs):
        """Our tree says what torch's object says."""
        if isinstance(theirs, torch.Tensor):
            assert isinstance(ours, TensorData)
            assert ours.requires_grad == theirs.requires_grad
            assert ours.is_parameter == isinstance(theirs, torch.nn.Parameter)
            assert str(theirs.dtype) == f"torch.{ours.array.dtype.name}"
            detached = theirs.detach().resolve_conj().contiguous()
            assert ours.array.shape == tuple(theirs.shape)
            raw = bytes(detached.reshape(-1).view(torch.uint8).numpy()) if detached.numel() else b""
            assert np.ascontiguousarray(ours.array).tobytes() == raw
        elif isinstance(theirs, dict):
            assert type(ours) is type(theirs)
            assert list(ours) == list(theirs)
            for key in theirs:
                self.check(torch, ours[key], theirs[key])
        elif isinstance(theirs, list | tuple):
            assert len(ours) == len(theirs)
            for one, other in zip(ours, theirs):
                self.check(torch, one, other)
        elif isinstance(theirs, torch.dtype):
            assert f"torch.{ours.name}" == str(theirs)
        elif isinstance(theirs, torch.device):
            assert (ours.type, ours.index) == (theirs.type, theirs.index)
        else:
            assert type(ours) is type(theirs)
            assert repr(ours) == repr(theirs) or ours == theirs  # nan is nan here

    @pytest.mark.parametrize("zipped", [True, False])
    def test_what_torch_saves_we_load(self, zipped):
        torch = pytest.importorskip("torch")
        theirs = self.everything(torch)
        file = io.BytesIO()
        torch.save(theirs, file, _use_new_zipfile_serialization=zipped)
        ours = load_torch(io.BytesIO(file.getvalue()))
        self.check(torch, ours, theirs)
        assert ours["model"]._metadata == theirs["model"]._metadata
        ours["views"][0].array[1, 2] = -7
        assert ours["views"][1].array[2, 1] == ours["views"][2].array[0, 1] == -7

    def test_what_we_save_torch_loads(self, tmp_path):
        torch = pytest.importorskip("torch")
        theirs = self.everything(torch)
        torch.save(theirs, tmp_path / "theirs.pt")
        ours = load_torch(tmp_path / "theirs.pt")
        save_torch(ours, tmp_path / "ours.pt")
        for mmap in (False, True):
            back = torch.load(tmp_path / "ours.pt", weights_only=True, mmap=mmap)
            self.check(torch, ours, back)
        views = torch.load(tmp_path / "ours.pt", weights_only=True)["views"]
        views[0][1, 2] = -7
        assert views[1][2, 1] == views[2][0, 1] == -7
        model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4),
                                    torch.nn.LSTM(4, 2))
        model.load_state_dict(back["model"])
        optimizer = torch.optim.Adam(model[0].parameters(), lr=0.3)
        optimizer.load_state_dict(back["optimizer"])
        assert optimizer.param_groups[0]["lr"] == 0.1

    def test_a_file_without_checksums_is_read(self):
        torch = pytest.importorskip("torch")
        file = io.BytesIO()
        torch.serialization.set_crc32_options(False)
        try:
            torch.save({"a": torch.ones(3)}, file)
        finally:
            torch.serialization.set_crc32_options(True)
        assert load_torch(io.BytesIO(file.getvalue()))["a"].array.tolist() == [1, 1, 1]

    def test_whole_modules_sparse_and_quantized_tensors_say_what_to_do(self):
        torch = pytest.importorskip("torch")

        def load(value):
            file = io.BytesIO()
            torch.save(value, file)
            return load_torch(io.BytesIO(file.getvalue()))

        with pytest.raises(UnsafeFileError, match=r"modules.linear.Linear(.|\n)*state_dict"):
            load(torch.nn.Linear(2, 2))
        with pytest.raises(FileFormatError, match=r"sparse(.|\n)*to_dense"):
            load(torch.eye(2).to_sparse())
        with pytest.raises(FileFormatError, match="meta"):
            load(torch.ones(2, device="meta"))

    def test_the_property_trees_load_in_torch(self):
        torch = pytest.importorskip("torch")

        @given(TREES)
        def check(tree):
            back = torch.load(io.BytesIO(saved(tree)), weights_only=True)
            self.check(torch, load_torch(io.BytesIO(saved(tree))), back)

        check()
