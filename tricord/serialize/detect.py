"""What a file really is, by its first bytes and not by its name."""

from __future__ import annotations

import math
import re
import struct
import zipfile
import zlib

from ..errors import FileFormatError
from ._source import Source, open_source
from .atomic import PathOrFile

__all__ = ["DESCRIPTIONS", "sniff", "sniff_source", "wrong_format"]

# name: (what a message calls it, what to do with it)
DESCRIPTIONS: dict[str, tuple[str, str]] = {
    "checkpoint": ("a tricord checkpoint", "tricord.serialize.load_checkpoint reads it"),
    "torch": ("a PyTorch file", "tricord.torch.load reads it"),
    "torch-legacy": ("a PyTorch file of before 1.6", "tricord.torch.load reads it"),
    "torchscript": ("a TorchScript program", "save model.state_dict() in PyTorch instead"),
    "keras": ("a .keras model", "tricord.keras.models.load_model reads it"),
    "hdf5": ("an HDF5 file (.h5)", "tricord.keras.models.load_model reads Keras's .h5 files"),
    "safetensors": ("a safetensors file", "tricord.serialize.load_safetensors reads it"),
    "npz": ("an .npz archive of numpy arrays", "tricord.serialize.load_npz reads it"),
    "npy": ("a .npy numpy array", "tricord.serialize.load_npy reads it"),
    "idx": ("an idx array (MNIST)", "tricord.serialize.load_idx reads it"),
    "idx-gzip": ("a gzipped idx array (MNIST)", "tricord.serialize.load_idx reads it"),
    "tensor-bundle": ("the index of a TensorFlow checkpoint",
                      "tricord.serialize.load_bundle reads it, given the name without .index"),
    "onnx": ("an ONNX model", "tricord.onnx reads it"),
    "gguf": ("a GGUF model", "convert it to safetensors"),
    "tflite": ("a TensorFlow Lite model", "convert it to ONNX or Keras"),
    "pickle": ("a Python pickle", "tricord runs no code from files; save the arrays with "
                                  "numpy.savez"),
    "git-lfs": ("a Git LFS pointer, not the file itself", "run `git lfs pull`"),
    "html": ("a web page", "the download went to an error or login page; fetch the file itself"),
    "zip": ("a zip archive of another kind", "unpack it first"),
    "broken-zip": ("a zip archive without its table of contents",
                   "it was cut off or damaged; save or fetch it again"),
    "gzip": ("a gzip file", "unpack it first"),
    "tar": ("a tar archive", "unpack it first"),
    "empty": ("an empty file", "it was not written to its end; save or fetch it again"),
    "unknown": ("of a kind tricord does not know", "it may be damaged; save or fetch it again"),
}

_LEGACY_MAGIC = bytes.fromhex("8a0a6cfc9c46f9206aa850192e")  # LONG1 0x1950a86a20f9469cfc6c, STOP
_TABLE_MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
_IDX_SIZES = {0x08: 1, 0x09: 1, 0x0B: 2, 0x0C: 4, 0x0D: 4, 0x0E: 8}
_ONNX_FIELDS = b"\x12\x1a\x22\x2a\x32\x3a\x42"


def sniff(path: PathOrFile) -> str:
    """The name of a file's format, a key of ``DESCRIPTIONS``; ``"unknown"`` if it is none of them.

    >>> import io
    >>> sniff(io.BytesIO(b"\\x93NUMPY\\x01\\x00"))
    'npy'
    """
    with open_source(path) as source:
        return sniff_source(source)


def sniff_source(source: Source) -> str:
    """The same, for a file that is open already."""
    if source.size == 0:
        return "empty"
    head = source.read_at(0, min(source.size, 4096), "the first bytes")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(source)
    if any(head[at:at + 8] == b"\x89HDF\r\n\x1a\n" for at in (0, 512, 1024, 2048)):
        return "hdf5"
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if head.startswith(b"\x80") and head[2:2 + len(_LEGACY_MAGIC)] == _LEGACY_MAGIC:
        return "torch-legacy"
    if head.startswith(b"\x1f\x8b"):
        return "idx-gzip" if _is_idx_head(_gunzip_head(head)) else "gzip"
    header_size = int.from_bytes(head[:8], "little")
    if head[8:9] == b"{" and header_size <= source.size - 8:
        return "safetensors"
    if _is_idx(head, source.size):
        return "idx"
    if source.size >= 48 and source.read_at(source.size - 8, 8, "the last bytes") == _TABLE_MAGIC:
        return "tensor-bundle"
    return _other_kind(head)


def _other_kind(head: bytes) -> str:
    if head[:4] == b"GGUF":
        return "gguf"
    if head[4:8] == b"TFL3":
        return "tflite"
    if head[257:262] == b"ustar":
        return "tar"
    if head.startswith(b"version https://git-lfs"):
        return "git-lfs"
    if re.match(rb"\s*<(!doctype|html)", head, re.IGNORECASE):
        return "html"
    if head[0] == 0x80 and len(head) > 1 and 2 <= head[1] <= 5:
        return "pickle"
    if len(head) > 2 and head[0] == 0x08 and 1 <= head[1] <= 20 and head[2] in _ONNX_FIELDS:
        return "onnx"
    return "unknown"


def _zip_kind(source: Source) -> str:
    try:
        with zipfile.ZipFile(source.file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, EOFError,
            struct.error, IndexError, OSError):
        return "broken-zip"
    if "tree.json" in names and "format.json" in names:
        return "checkpoint"
    if "config.json" in names and "metadata.json" in names:
        return "keras"
    last = {name.rsplit("/", 1)[-1] for name in names}
    if "constants.pkl" in last:
        return "torchscript"
    if "data.pkl" in last:
        return "torch"
    return "npz" if last and all(name.endswith(".npy") for name in last) else "zip"


def _gunzip_head(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(head, 4)
    except zlib.error:
        return b""


def _is_idx_head(head: bytes) -> bool:
    return len(head) >= 4 and head[:2] == b"\0\0" and head[2] in _IDX_SIZES and 1 <= head[3] <= 8


def _is_idx(head: bytes, size: int) -> bool:
    if not _is_idx_head(head) or len(head) < 4 + 4 * head[3]:
        return False
    shape = struct.unpack_from(f">{head[3]}I", head, 4)
    return 4 + 4 * head[3] + math.prod(shape) * _IDX_SIZES[head[2]] == size


def wrong_format(source: Source, wanted: str, *, problem: str = "") -> FileFormatError:
    """The error for a file that is not ``wanted``: says what it is instead, and who reads that."""
    found = sniff_source(source)
    expected = DESCRIPTIONS[wanted][0]
    if found == wanted:
        return FileFormatError(f"{source.name}: {expected}, but damaged{problem and ': '}{problem}",
                               hint="save or fetch it again")
    description, hint = DESCRIPTIONS[found]
    return FileFormatError(
        f"{source.name}: expected {expected}, but this is {description}", hint=hint)
