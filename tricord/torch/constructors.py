"""``torch.FloatTensor`` and the other constructors of before ``dtype=``; ``torch.is_*``."""

from __future__ import annotations

from typing import Any

from ..ir.dtypes import (
    DType,
    bfloat16,
    bool_,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
)
from ..tensor import Tensor
from .creation import empty, tensor

__all__ = ["BFloat16Tensor", "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor",
           "FloatTensor", "HalfTensor", "IntTensor", "LongTensor", "ShortTensor"]


class _OfDType(type):
    """``isinstance(x, torch.FloatTensor)`` asks for the dtype."""

    kind: DType

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.kind

    def __call__(cls, *data: Any) -> Tensor:
        if len(data) == 1 and not isinstance(data[0], int):
            return tensor(data[0], dtype=cls.kind)
        return empty(*data, dtype=cls.kind)


def _constructor(name: str, dtype: DType) -> _OfDType:
    return _OfDType(name, (), {"kind": dtype, "dtype": dtype,
                               "__doc__": f"A tensor of {dtype}, from data or of a size."})


FloatTensor = _constructor("FloatTensor", float32)
DoubleTensor = _constructor("DoubleTensor", float64)
HalfTensor = _constructor("HalfTensor", float16)
BFloat16Tensor = _constructor("BFloat16Tensor", bfloat16)
LongTensor = _constructor("LongTensor", int64)
IntTensor = _constructor("IntTensor", int32)
ShortTensor = _constructor("ShortTensor", int16)
CharTensor = _constructor("CharTensor", int8)
ByteTensor = _constructor("ByteTensor", uint8)
BoolTensor = _constructor("BoolTensor", bool_)
