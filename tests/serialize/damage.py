"""Damaged copies of a file, and what every reader must do with them."""

import io

import numpy as np
import pytest

from tricord.errors import FileFormatError


def refuses_every_truncation(raw: bytes, load, *, step: int = 1) -> None:
    for size in range(0, len(raw), step):
        with pytest.raises(FileFormatError):
            load(io.BytesIO(raw[:size]))


def notices_every_flip(raw: bytes, load, same=None, *, step: int = 1) -> int:
    """Each byte changed: an error of ours, or a value that is the ``same``. Counts the errors."""
    errors = 0
    for position in range(0, len(raw), step):
        for mask in (0x01, 0x80, 0xFF):
            damaged = bytearray(raw)
            damaged[position] ^= mask
            try:
                value = load(io.BytesIO(bytes(damaged)))
            except FileFormatError:
                errors += 1
                continue
            if same is not None:
                assert same(value), f"byte {position} ^ {mask:#x} went unnoticed"
    return errors


def equal(left, right) -> bool:
    """Whether two trees of containers, scalars and arrays are equal, types, NaNs and all."""
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return (isinstance(left, np.ndarray) and isinstance(right, np.ndarray)
                and left.dtype == right.dtype and left.shape == right.shape
                and np.ascontiguousarray(left).tobytes() == np.ascontiguousarray(right).tobytes())
    if type(left) is not type(right):
        return False
    if hasattr(left, "array"):
        return (equal(left.array, right.array) and left.requires_grad == right.requires_grad
                and left.is_parameter == right.is_parameter)
    if isinstance(left, dict):
        return list(left) == list(right) and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(equal, left, right))
    return repr(left) == repr(right)
