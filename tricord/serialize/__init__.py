"""Every reader and writer of a file format, one bounded reader each.

Data only: no reader imports a class or runs code from a file, sizes are checked against the file
before memory is taken, and every bad file raises ``FileFormatError`` (``UnsafeFileError`` if it
asks for code to be run). Everything speaks numpy arrays and plain Python data.
"""

from .atomic import atomic_write
from .checkpoint import load_checkpoint, save_checkpoint
from .detect import sniff
from .hdf5_file import H5Group, load_hdf5, read_names, save_hdf5, write_names
from .idx_file import load_idx, save_idx
from .keras_zip import KerasArchive, load_keras_zip, parse_json, refuse_code, save_keras_zip
from .npz_file import load_npy, load_npz, save_npy, save_npz
from .safetensors_file import load_safetensors, load_safetensors_metadata, save_safetensors
from .tensor_bundle import list_bundle, load_bundle, save_bundle
from .torch_file import TensorData, TorchDevice, TorchDtype, load_torch, save_torch

__all__ = [
    "H5Group",
    "KerasArchive",
    "TensorData",
    "TorchDevice",
    "TorchDtype",
    "atomic_write",
    "list_bundle",
    "load_bundle",
    "load_checkpoint",
    "load_hdf5",
    "load_idx",
    "load_keras_zip",
    "load_npy",
    "load_npz",
    "load_safetensors",
    "load_safetensors_metadata",
    "load_torch",
    "parse_json",
    "read_names",
    "refuse_code",
    "save_bundle",
    "save_checkpoint",
    "save_hdf5",
    "save_idx",
    "save_keras_zip",
    "save_npy",
    "save_npz",
    "save_safetensors",
    "save_torch",
    "sniff",
    "write_names",
]
