"""``tf.float32`` and the other dtypes: tricord's own, under TensorFlow's rules for their names."""

from __future__ import annotations

from typing import Any

from ..ir.dtypes import (
    DType,
    bfloat16,
    bool_,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from ..ir.dtypes import as_dtype as _as_dtype

__all__ = ["ALIASES", "DType", "as_dtype"]

#: names in the namespace; ``bool`` would hide Python's own inside this package
ALIASES: dict[str, DType] = {
    "bool": bool_, "int8": int8, "int16": int16, "int32": int32, "int64": int64, "uint8": uint8,
    "uint16": uint16, "uint32": uint32, "uint64": uint64, "float16": float16, "half": float16,
    "bfloat16": bfloat16, "float32": float32, "float64": float64, "double": float64,
    "complex64": complex64, "complex128": complex128}

_OWN: dict[Any, DType] = {"float": float32, float: float32}


def as_dtype(type_value: Any) -> DType:
    """The dtype that a name, a numpy dtype or a Python type stands for; ``float`` is float32.

    >>> as_dtype("float"), as_dtype(int)
    (tricord.float32, tricord.int64)
    """
    if isinstance(type_value, DType):
        return type_value
    if isinstance(type_value, (str, type)) and type_value in _OWN:
        return _OWN[type_value]
    if isinstance(type_value, str):
        type_value = type_value.removesuffix("_ref")
    return _as_dtype(type_value)
