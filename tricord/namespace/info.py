"""What the standard calls inspection: which devices, dtypes and abilities the namespace has."""

from __future__ import annotations

from typing import Any

from ..ir import arithmetic as ar
from ..ir.dtypes import DType, complex64, complex128, float64, int64
from ..tensor.array_attributes import CPU, as_device
from .dtypes import ALL, isdtype

__all__ = ["NamespaceInfo"]


class NamespaceInfo:
    """Answers of ``tricord.__array_namespace_info__()``."""

    def capabilities(self) -> dict[str, Any]:
        """What depends on values is allowed; numpy's limit of axes is ours."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> Any:
        """The device that tensors are made on: the CPU."""
        return CPU

    def default_dtypes(self, *, device: Any = None) -> dict[str, DType]:
        """The dtypes of Python numbers and of positions."""
        as_device(device)
        wide = ar.DEFAULT_FLOAT is float64
        return {"real floating": ar.DEFAULT_FLOAT, "complex floating":
                complex128 if wide else complex64, "integral": int64, "indexing": int64}

    def devices(self) -> list[Any]:
        """All devices there are."""
        return [CPU]

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, DType]:
        """The standard's dtypes, all or those of a kind. (There are also float16 and bfloat16.)"""
        as_device(device)
        return {name: d for name, d in ALL.items() if kind is None or isdtype(d, kind)}
