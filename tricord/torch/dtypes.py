"""``torch.float32`` and the other dtypes, under all their names."""

from __future__ import annotations

from typing import Any

from ..errors import DTypeError
from ..ir import arithmetic
from ..ir.dtypes import (
    DType,
    as_dtype,
    bfloat16,
    bool_,
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
    uint8,
    uint16,
    uint32,
    uint64,
)

__all__ = ["ALIASES", "dtype", "finfo", "get_default_dtype", "iinfo", "set_default_dtype",
           "set_default_tensor_type"]

dtype = DType

#: names in the namespace; ``float`` and the like would hide Python's own inside this package
ALIASES: dict[str, DType] = {
    "bool": bool_, "uint8": uint8, "uint16": uint16, "uint32": uint32, "uint64": uint64,
    "int8": int8, "int16": int16, "short": int16, "int32": int32, "int": int32, "int64": int64,
    "long": int64, "float16": float16, "half": float16, "bfloat16": bfloat16,
    "float32": float32, "float": float32, "float64": float64, "double": float64,
    "complex64": complex64, "cfloat": complex64, "complex128": complex128, "cdouble": complex128}


def get_default_dtype() -> DType:
    """The dtype of tensors made of Python floats."""
    return arithmetic.DEFAULT_FLOAT


def set_default_dtype(d: Any) -> None:
    """Set the dtype of tensors made of Python floats."""
    wanted = as_dtype(d)
    if not wanted.is_floating_point:
        raise DTypeError(f"set_default_dtype: only floating-point types are supported as the "
                         f"default type, got {wanted}")
    arithmetic.DEFAULT_FLOAT = wanted


def set_default_tensor_type(t: Any) -> None:
    """The old way to say `set_default_dtype`."""
    name = t if isinstance(t, str) else t.__name__
    kinds = {"FloatTensor": float32, "DoubleTensor": float64, "HalfTensor": float16,
             "BFloat16Tensor": bfloat16}
    kind = name.rsplit(".", 1)[-1]
    if kind not in kinds:
        raise DTypeError(f"set_default_tensor_type: {name} is not a floating-point tensor type")
    set_default_dtype(kinds[kind])
