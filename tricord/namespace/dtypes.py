"""Dtypes, their limits and their promotion, as the standard names them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError
from ..functions.elementwise import identity
from ..functions.manipulation import broadcast_to as broadcast_node
from ..functions.manipulation import broadcast_together
from ..ir import arithmetic as ar
from ..ir import dtypes as dt
from ..ir.dtypes import (
    DType,
    as_dtype,
    bfloat16,
    complex64,
    complex128,
    finfo,
    float16,
    float32,
    float64,
    iinfo,
    int8,
    int16,
    int32,
    int64,
    promote,
    promote_scalar,
    uint8,
    uint16,
    uint32,
    uint64,
)
from ..ir.dtypes import bool_ as bool  # the standard's name
from ..ir.shapes import broadcast_shapes as stretched_shape
from ..tensor.array_attributes import as_device
from ..tensor.handle import Handle
from ..tensor.recorder import record
from ..tensor.tensor import Tensor
from ._arguments import NUMBERS, shape_of, tensor_of, where_now
from ._results import several

__all__ = ["DType", "astype", "bfloat16", "bool", "broadcast_arrays", "broadcast_shapes",
           "broadcast_to", "can_cast", "complex64", "complex128", "finfo", "float16", "float32",
           "float64", "iinfo", "int8", "int16", "int32", "int64", "isdtype", "result_type",
           "uint8", "uint16", "uint32", "uint64"]

_KINDS = {"bool": "b", "signed integer": "i", "unsigned integer": "u", "integral": "iu",
          "real floating": "f", "complex floating": "c", "numeric": "iufc"}


def astype(x: Tensor, dtype: Any, /, *, copy: Any = True, device: Any = None) -> Tensor:
    """``x`` in another dtype; with ``copy=False``, ``x`` itself if it has that dtype already."""
    as_device(device)
    wanted = as_dtype(dtype)
    x = tensor_of(x)
    if wanted is x.dtype:
        return record(identity, (x,)) if copy else x  # type: ignore[no-any-return]
    if x.dtype.is_complex and not wanted.is_complex and wanted is not bool:
        raise DTypeError(f"astype: {x.dtype} to {wanted} would drop the imaginary part",
                         where=where_now(), hint="tricord.real(x) or tricord.abs(x)")
    return record(_cast, (x,), (wanted,))  # type: ignore[no-any-return]


def _cast(x: Any, dtype: DType) -> Any:
    if dtype is bool:
        return ar.truth(x)
    return ar.as_node(x, dtype)


def broadcast_arrays(*arrays: Tensor) -> list[Tensor]:
    """All stretched to their common shape."""
    return list(several(broadcast_together, [tensor_of(a) for a in arrays])) if arrays else []


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The common shape that shapes stretch to."""
    sizes = [shape_of(s, "broadcast_shapes") for s in shapes]
    return tuple(stretched_shape(*sizes, what="broadcast_shapes"))


def broadcast_to(x: Tensor, /, shape: tuple[int, ...]) -> Tensor:
    """``x`` stretched to a shape: axes aligned at the end, sizes of one repeat."""
    return record(broadcast_node, (tensor_of(x),),  # type: ignore[no-any-return]
                  (shape_of(shape, "broadcast_to"),))


def can_cast(from_: Any, to: Any, /) -> Any:
    """Whether a dtype (or a tensor's) promotes to another; never across kinds but real to complex.

    >>> can_cast(int8, int16), can_cast(int64, float32)
    (True, False)
    """
    source = from_.dtype if isinstance(from_, Handle) else as_dtype(from_)
    target = as_dtype(to)
    kinds = {source.kind, target.kind}
    return (len(kinds) == 1 or kinds in ({"i", "u"}, {"f", "c"})) and (
        promote(source, target) is target)


def isdtype(dtype: Any, kind: Any) -> Any:
    """Whether a dtype is of a kind: a dtype, one of the standard's names, or a tuple of these.

    >>> isdtype(float32, "real floating"), isdtype(int8, ("bool", int8))
    (True, True)
    """
    own = as_dtype(dtype)
    if isinstance(kind, tuple):
        return any(isdtype(own, k) for k in kind)
    if isinstance(kind, str):
        if kind not in _KINDS:
            raise ArgumentError(f"isdtype: unknown kind {kind!r}", where=where_now(),
                                hint="there are " + ", ".join(_KINDS))
        return own.kind in _KINDS[kind]
    return own is as_dtype(kind)


def result_type(*arrays_and_dtypes: Any) -> DType:
    """The dtype that tensors, dtypes and Python numbers meet in.

    >>> result_type(int8, uint8), result_type(float32, 2.5)
    (tricord.int16, tricord.float32)
    """
    dtype: DType | None = None
    numbers = []
    for item in arrays_and_dtypes:
        if isinstance(item, NUMBERS):
            numbers.append(item)
            continue
        own = item.dtype if isinstance(item, Handle) else as_dtype(
            item.dtype if isinstance(item, np.ndarray) else item)
        dtype = own if dtype is None else promote(dtype, own)
    if dtype is None:
        raise ArgumentError("result_type: needs at least one tensor or dtype", where=where_now())
    for number in numbers:
        dtype = promote_scalar(dtype, number, ar.DEFAULT_FLOAT)
    return dtype


ALL = {"bool": bool, **{d.name: d for d in dt.ALL if d not in (bool, float16, bfloat16)}}
