"""A file is known by its content, whatever its name is."""

import gzip
import io
import pickle
import zipfile

import numpy as np
import pytest

from tricord import serialize
from tricord.errors import FileFormatError
from tricord.serialize import sniff
from tricord.serialize.detect import DESCRIPTIONS

ARRAY = np.arange(3, dtype=np.float32)


def made(write, *arguments) -> bytes:
    file = io.BytesIO()
    write(*arguments, file)
    return file.getvalue()


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    return file.getvalue()


OURS = {
    "torch": made(serialize.save_torch, {"a": ARRAY}),
    "checkpoint": made(lambda file: serialize.save_checkpoint(file, {"a": ARRAY})),
    "npz": made(serialize.save_npz, {"a": ARRAY}),
    "npy": made(serialize.save_npy, ARRAY),
    "safetensors": made(serialize.save_safetensors, {"a": ARRAY}),
    "hdf5": made(lambda file: serialize.save_hdf5(file, serialize.H5Group())),
    "keras": made(lambda file: serialize.save_keras_zip(file, serialize.KerasArchive({}))),
    "idx": made(serialize.save_idx, ARRAY),
}
OURS["idx-gzip"] = gzip.compress(OURS["idx"])
OTHERS = {
    "torchscript": zipped("m/data.pkl", "m/constants.pkl", "m/code/x.py"),
    "zip": zipped("readme.txt"),
    "broken-zip": OURS["npz"][:-10],
    "gzip": gzip.compress(b"text"),
    "pickle": pickle.dumps([1]),
    "tar": bytes(257) + b"ustar" + bytes(300),
    "git-lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    "html": b"\n<HTML><body>not found</body>",
    "gguf": b"GGUF" + bytes(20),
    "tflite": bytes(4) + b"TFL3" + bytes(20),
    "onnx": b"\x08\x08\x12\x07pytorch",
    "empty": b"",
    "unknown": b"just some text",
}
READERS = {
    "torch": serialize.load_torch, "checkpoint": serialize.load_checkpoint,
    "npz": serialize.load_npz, "npy": serialize.load_npy, "hdf5": serialize.load_hdf5,
    "safetensors": serialize.load_safetensors, "keras": serialize.load_keras_zip,
    "idx": serialize.load_idx,
}


@pytest.mark.parametrize("kind", [*OURS, *OTHERS])
def test_each_kind_is_known(kind, tmp_path):
    raw = (OURS | OTHERS)[kind]
    (tmp_path / "file.bin").write_bytes(raw)
    assert sniff(tmp_path / "file.bin") == sniff(io.BytesIO(raw)) == kind
    assert kind in DESCRIPTIONS


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", [*OURS, *OTHERS])
def test_every_reader_names_what_it_was_given_instead(reader, kind):
    if kind in (reader, "idx-gzip" if reader == "idx" else reader):
        READERS[reader](io.BytesIO((OURS | OTHERS)[kind]))
        return
    with pytest.raises(FileFormatError) as refused:
        READERS[reader](io.BytesIO((OURS | OTHERS)[kind]))
    described = DESCRIPTIONS[kind][0]
    assert described in str(refused.value) or (reader, kind) == ("npz", "zip")


def test_readers_take_file_objects_where_they_stand(tmp_path):
    for kind, reader in READERS.items():
        file = io.BytesIO(b"header" + OURS[kind])
        file.seek(6)
        reader(file)
        (tmp_path / kind).write_bytes(OURS[kind])
        with open(tmp_path / kind, "rb") as opened:
            reader(opened)
        with open(tmp_path / kind, encoding="latin1") as text, pytest.raises(
                serialize.checkpoint.ArgumentError, match="mode 'rb'"):
            reader(text)


def test_a_missing_file_is_a_missing_file(tmp_path):
    for reader in READERS.values():
        with pytest.raises(FileNotFoundError):
            reader(tmp_path / "none")
