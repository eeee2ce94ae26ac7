"""Options that families of layers share: windows, kernels, biases."""

from __future__ import annotations

from typing import Any

from ...errors import ArgumentError
from .. import config, constraints, initializers, regularizers

__all__ = ["layout_name", "set_weight_options", "standardize_padding", "standardize_tuple"]


def standardize_tuple(value: Any, n: int, name: str, allow_zero: bool = False) -> tuple[int, ...]:
    """A number repeated n times, or n numbers; positive unless zero is allowed."""
    if isinstance(value, int):
        found = (value,) * n
    else:
        try:
            found = tuple(int(v) for v in value)
        except (TypeError, ValueError):
            found = ()
        if len(found) != n:
            raise ArgumentError(f"The `{name}` argument must be a tuple of {n} integers. Received "
                                f"{name}={value}")
    if any(v < 0 or (v == 0 and not allow_zero) for v in found):
        raise ArgumentError(f"The `{name}` argument must be a tuple of {n} "
                            f"{'non-negative' if allow_zero else 'positive'} integers. Received "
                            f"{name}={value}")
    return found


def standardize_padding(value: Any, causal: bool = False) -> str:
    """valid, same, or causal where that makes sense."""
    padding = str(value).lower()
    allowed = {"valid", "same", *(["causal"] if causal else [])}
    if padding not in allowed:
        raise ArgumentError(f"The `padding` argument must be one of {sorted(allowed)}. Received: "
                            f"{value}")
    return padding


def layout_name(data_format: str) -> str:
    """How the composites name a layout."""
    return "NC*" if data_format == "channels_first" else "N*C"


def set_weight_options(layer: Any, given: dict[str, Any]) -> None:
    """Initializers, regularizers and constraints by their full names: ``kernel_initializer``..."""
    for name, value in given.items():
        if name.endswith("initializer"):
            value = initializers.get(value)
        elif name.endswith("regularizer"):
            value = regularizers.get(value)
        elif name.endswith("constraint"):
            value = constraints.get(value)
        setattr(layer, name, value)


data_format_of = config.standardize_data_format
