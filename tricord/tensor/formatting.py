"""How a tensor's values are printed: aligned columns, one format for all elements.

The layout is the one PyTorch documents for ``torch.set_printoptions``: whole numbers as ``1.``,
fixed notation where the spread allows it, else scientific; large tensors show their edges.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

__all__ = ["PRESETS", "PrintOptions", "format_values", "options", "set_options"]

Array = np.ndarray[Any, Any]


@dataclass
class PrintOptions:
    """``threshold``: elements above which only ``edgeitems`` at each end are shown."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


PRESETS: Mapping[str, PrintOptions] = MappingProxyType({
    "default": PrintOptions(), "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=float("inf"))})


class _Local(threading.local):
    def __init__(self) -> None:
        self.options = PrintOptions()


_local = _Local()


def options() -> PrintOptions:
    """The options of this thread."""
    return _local.options


def set_options(chosen: PrintOptions) -> None:
    """Print with these options in this thread."""
    _local.options = chosen


def _real_format(values: Array, opts: PrintOptions) -> Callable[[Any], str]:
    """One format for all elements: the shortest that shows each in the wanted precision."""
    wide = values.astype(np.float64).reshape(-1)
    finite = np.abs(wide[np.isfinite(wide) & (wide != 0)])
    whole = bool(np.all(finite == np.ceil(finite)))
    spread = bool(finite.size and (finite.max() / finite.min() > 1000 or finite.max() > 1e8
                                   or (not whole and finite.min() < 1e-4)))
    scientific = spread if opts.sci_mode is None else opts.sci_mode
    digits = opts.precision

    def show(x: Any) -> str:
        x = float(x)
        if scientific:
            return f"{x:.{digits}e}"
        if whole:
            return f"{x:.0f}." if np.isfinite(x) else f"{x:.0f}"
        return f"{x:.{digits}f}"

    considered = wide[np.isfinite(wide) & (wide != 0)]
    width = max((len(show(x)) for x in considered), default=1)
    return lambda x: show(x).rjust(width)


def _format(values: Array, opts: PrintOptions) -> Callable[[Any], str]:
    if values.dtype.kind == "c":
        real, imaginary = _real_format(values.real, opts), _real_format(np.abs(values.imag), opts)

        def show(x: Any) -> str:
            sign = "-" if np.signbit(x.imag) else "+"
            return f"{real(x.real)}{sign}{imaginary(abs(x.imag)).lstrip()}j"

        return show
    if values.dtype.kind in "biu":
        width = max((len(str(x)) for x in values.reshape(-1)), default=1)
        return lambda x: str(x).rjust(width)
    return _real_format(values, opts)


def _edges(values: Array, opts: PrintOptions) -> Array:
    """The elements that are shown of a large array: the corners."""
    for axis, size in enumerate(values.shape):
        if size > 2 * opts.edgeitems:
            kept = [*range(opts.edgeitems), *range(size - opts.edgeitems, size)]
            values = np.take(values, kept, axis)
    return values


def format_values(values: Array, indent: int) -> str:
    """The elements in brackets, continuation lines indented by that many columns."""
    opts = _local.options
    if values.dtype.kind == "V":  # bfloat16
        values = values.astype(np.float32)
    if not values.size:
        return "[]"
    short = values.size > opts.threshold
    show = _format(_edges(values, opts) if short else values, opts)
    return _nested(values, show, indent, short, opts)


def _nested(values: Array, show: Callable[[Any], str], indent: int, short: bool,
            opts: PrintOptions) -> str:
    if not values.ndim:
        return show(values[()])
    if values.ndim == 1:
        return _row(values, show, indent, short, opts)
    edge = opts.edgeitems
    if short and len(values) > 2 * edge:
        parts = [_nested(v, show, indent + 1, short, opts) for v in values[:edge]]
        parts.append("...")
        parts += [_nested(v, show, indent + 1, short, opts) for v in values[-edge:]]
    else:
        parts = [_nested(v, show, indent + 1, short, opts) for v in values]
    gap = "," + "\n" * (values.ndim - 1) + " " * (indent + 1)
    return "[" + gap.join(parts) + "]"


def _row(values: Array, show: Callable[[Any], str], indent: int, short: bool,
         opts: PrintOptions) -> str:
    edge = opts.edgeitems
    if short and len(values) > 2 * edge:
        words = [*map(show, values[:edge]), " ...", *map(show, values[-edge:])]
    else:
        words = [show(x) for x in values]
    per_line = max((opts.linewidth - indent) // (len(show(values[0])) + 2), 1)
    lines = [", ".join(words[i:i + per_line]) for i in range(0, len(words), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
