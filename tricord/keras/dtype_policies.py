"""The dtype of a layer's weights, and the one it computes in."""

from __future__ import annotations

from typing import Any

from ..errors import NotSupportedError
from ..ir.dtypes import as_dtype
from . import config
from ._arguments import Checked

__all__ = ["DTypePolicy", "deserialize", "get", "serialize"]


class DTypePolicy(metaclass=Checked):
    """``DTypePolicy("float32")``: one dtype for weights and computation.

    >>> DTypePolicy("float64").compute_dtype
    'float64'
    """

    def __init__(self, name: Any = None, source_name: str | None = None):
        name = config.dtype_policy() if name is None else getattr(name, "name", name)
        if str(name).startswith("mixed_"):
            raise NotSupportedError(f"dtype policy {name!r}: computing in another dtype than that "
                                    "of the weights is not offered yet",
                                    hint=f"dtype={str(name).removeprefix('mixed_')!r} for both")
        self.name = as_dtype(name).name
        self.compute_dtype = self.variable_dtype = self.name

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicy:
        return cls(**config)

    def _serialized(self) -> dict[str, Any]:
        return {"module": "keras", "class_name": "DTypePolicy", "config": {"name": self.name},
                "registered_name": None}

    def __eq__(self, other: object) -> bool:
        return getattr(other, "name", other) == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self.name}">'


def get(identifier: Any) -> DTypePolicy:
    """The policy meant by a name, a dtype, a configuration or a policy."""
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        inner = identifier.get("config", identifier)
        return DTypePolicy(inner.get("name"))
    return DTypePolicy(identifier)


def serialize(policy: DTypePolicy) -> Any:
    """The configuration of a policy."""
    return policy._serialized()


def deserialize(config: Any, custom_objects: Any = None) -> DTypePolicy:
    """The policy of a configuration."""
    return get(config)
