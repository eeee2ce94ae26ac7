"""Sizes that this machine cannot hold are refused before any memory is taken."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

from ..errors import OutOfMemoryError, ShapeError
from .dtypes import DType
from .shapes import TensorType
from .source import user_location

__all__ = ["check_fits", "check_shape", "physical_memory", "readable_bytes"]

#: numpy's limit
MAX_RANK = 64
_LARGEST = 2**63 - 1


def physical_memory() -> int:
    """The bytes of main memory that the machine has; where it does not say, a large number."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**46


_MEMORY = physical_memory()


def readable_bytes(count: int) -> str:
    """A number of bytes with the unit that fits it.

    >>> readable_bytes(512), readable_bytes(4 * 10**12)
    ('512 B', '4.0 TB')
    """
    if count < 1000:
        return f"{count} B"
    power = min((len(str(count)) - 1) // 3, 6)
    return f"{count / 1000**power:.1f} {' kMGTPE'[power]}B"


def check_shape(what: str, shape: Sequence[int], dtype: DType) -> None:
    """Refuse a shape that numpy cannot represent or the machine cannot hold.

    Raises:  ShapeError, OutOfMemoryError

    >>> from .dtypes import float32
    >>> check_shape("zeros", (10**15,), float32)
    Traceback (most recent call last):
    tricord.errors.OutOfMemoryError: zeros: shape (1000000000000000,) of float32 takes 4.0 PB...
    """
    where = str(user_location() or "") or None
    if len(shape) > MAX_RANK:
        raise ShapeError(f"{what}: a tensor has at most {MAX_RANK} axes, got {len(shape)}",
                         where=where)
    if any(size > _LARGEST for size in shape):
        raise ShapeError(f"{what}: a size must be below 2**63, got {max(shape):.3g}"
                         if max(shape) < 10**300 else f"{what}: a size must be below 2**63",
                         where=where)
    # Strides are counted in bytes, even where another axis is empty.
    size = math.prod(size for size in shape if size) * dtype.itemsize
    if size > _MEMORY and (all(shape) or size > _LARGEST):
        raise OutOfMemoryError(
            f"{what}: shape {tuple(shape)} of {dtype} takes {readable_bytes(size)}, and this "
            f"machine has {readable_bytes(_MEMORY)}", where=where,
            hint="is an axis too many, or a size in the wrong place?")


def check_fits(what: str, type: TensorType) -> None:
    """`check_shape`, quick where there is nothing to refuse."""
    if type.nbytes > _MEMORY or type.ndim > MAX_RANK or not type.size:
        check_shape(what, type.shape, type.dtype)
