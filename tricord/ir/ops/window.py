"""Reductions over sliding windows: sum, maximum, minimum, and where in its window an extreme is.

A window has a size on every axis (1 where nothing is pooled). Its elements are numbered in
row-major order; such a number is called an offset here. The derivative of a maximum takes the
element at the offset of the maximum, or puts a cotangent there: `window_take` and `window_put` are
each other's transposes, and linear, so derivatives of every order are made of these two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ...errors import DTypeError, ShapeError
from ..dtypes import DType, int32
from ..lowering import Kernel
from ..node import Node
from ..record import ErrorSample, NoGradient, Primitive, Sample, register
from ..samples import boolean, distinct, integers, uniform
from ..shapes import Shape, TensorType
from .families import NUMERIC, accept, linear_unary
from .movement import broadcast_leading, pad
from .structural import constant

__all__ = ["Window", "window_argmax", "window_argmin", "window_max", "window_min", "window_put",
           "window_sum", "window_take"]

Array = np.ndarray[Any, Any]
Ints = tuple[int, ...]


@dataclass(frozen=True)
class Window:
    """One entry per axis; ``low`` and ``high`` are widths of padding, not negative."""

    size: Ints
    strides: Ints
    low: Ints
    high: Ints
    dilation: Ints

    def reach(self) -> list[int]:
        """From a window's first element to its last, both counted."""
        return [(k - 1) * d + 1 for k, d in zip(self.size, self.dilation, strict=True)]

    def batched(self) -> Window:
        """The same windows over an array with one more leading axis."""
        return Window((1, *self.size), (1, *self.strides), (0, *self.low), (0, *self.high),
                      (1, *self.dilation))


def _window_shape(name: str, p: Window, shape: Sequence[int]) -> Shape:
    for field in ("size", "strides", "low", "high", "dilation"):
        values = getattr(p, field)
        if len(values) != len(shape):
            raise ShapeError(f"{name}: {field} {values} for an operand of shape {tuple(shape)}",
                             hint="one entry per axis, 1 (or 0 for padding) where nothing happens")
        if any(v < (field not in ("low", "high")) for v in values):
            raise ShapeError(f"{name}: {field} {values} has an entry that is too small")
    result = []
    for n, reach, s, lo, hi in zip(shape, p.reach(), p.strides, p.low, p.high, strict=True):
        if n + lo + hi < reach and (n or reach > 1):
            raise ShapeError(f"{name}: windows of {tuple(p.reach())} do not fit an operand of "
                             f"shape {tuple(shape)} padded by {p.low} and {p.high}")
        result.append((n + lo + hi - reach) // s + 1)
    return Shape(result)


# ---- references: a loop over the elements of one window, each step vectorised over all windows

def _padded(p: Window, x: Array, value: Any) -> Array:
    if not (any(p.low) or any(p.high)):
        return x
    return np.pad(x, list(zip(p.low, p.high, strict=True)), constant_values=value)


def _taps(p: Window, shape: Sequence[int]) -> Iterator[tuple[int, tuple[slice, ...]]]:
    """Each offset, and where in the padded operand it lies for all windows at once."""
    for offset, tap in enumerate(np.ndindex(*p.size)):
        yield offset, tuple(slice(t * d, t * d + max((m - 1) * s + 1, 0), s) for t, d, m, s in zip(
            tap, p.dilation, shape, p.strides, strict=True))


def _reduce_windows(p: Window, x: Array, ufunc: np.ufunc, start: Any) -> Array:
    """Axis by axis: a box is a product of intervals."""
    shape = _window_shape("window", p, x.shape)
    x = _padded(p, x, start)
    for axis, (k, s, d, m) in enumerate(zip(p.size, p.strides, p.dilation, shape, strict=True)):
        if k == 1 and s == 1:
            continue
        lead = (slice(None),) * axis
        if k > 16:
            view = sliding_window_view(x, (k - 1) * d + 1, axis)[(*lead, slice(None, None, s))]
            x = ufunc.reduce(view[..., ::d], axis=-1)
            continue
        parts = [x[(*lead, slice(t * d, t * d + max((m - 1) * s + 1, 0), s))] for t in range(k)]
        total = parts[0].copy()
        for part in parts[1:]:
            ufunc(total, part, out=total)
        x = total
    return x


def _is_narrow(x: Array) -> bool:
    return x.dtype.itemsize == 2 and x.dtype.kind not in "iu"


def _sum_reference(p: Window, x: Array) -> Array:
    wide = x.astype(np.float32) if _is_narrow(x) else x
    return _reduce_windows(p, wide, np.add, 0).astype(x.dtype, copy=False)


def _lowest(dtype: np.dtype[Any], sign: int) -> Any:
    """The start of a maximum (of a minimum, where ``sign`` is -1)."""
    if dtype.kind == "b":
        return sign < 0
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return info.min if sign > 0 else info.max
    return -sign * math.inf


def _position_reference(p: Window, x: Array, sign: int) -> Array:
    shape = tuple(_window_shape("window", p, x.shape))
    padded = _padded(p, x, _lowest(x.dtype, sign))
    # Padding never wins over an element, not even over one that is as low.
    inside = None if padded is x else _padded(p, np.ones(x.shape, bool), False)
    has_nan = x.dtype.kind not in "biu" and bool(np.isnan(x).any())
    found = np.zeros(shape, np.int32)
    best: Any = None
    seen: Any = None
    for offset, where in _taps(p, shape):
        value = padded[where]
        if best is None:
            best, seen = value.copy(), None if inside is None else inside[where].copy()
            continue
        better = value > best if sign > 0 else value < best
        if has_nan:
            better |= np.isnan(value) & ~np.isnan(best)
        if inside is not None:
            better = inside[where] & (better | ~seen)
            seen |= inside[where]
        (np.maximum if sign > 0 else np.minimum)(best, value, out=best)
        np.maximum(found, better * np.int32(offset), out=found)  # offsets only grow
    return found


def _masked(values: Array, mask: Array) -> Array:
    """Values where the mask holds, else zero: by their bits, which is quick and spares NaN."""
    if values.dtype.itemsize > 8:
        return np.where(mask, values, np.zeros((), values.dtype))
    bits = np.dtype(f"i{values.dtype.itemsize}")
    return np.asarray((values.view(bits) & -mask.astype(bits)).view(values.dtype))


def _take_reference(p: Window, x: Array, offset: Array) -> Array:
    padded = _padded(p, x, 0)
    result = np.zeros(offset.shape, x.dtype)
    for number, where in _taps(p, offset.shape):
        result += _masked(padded[where], offset == number)
    return result


# ---- sum

def _sum_transposed(node: Node, g: Node) -> Node:
    """Every element belongs to the windows that end at most ``reach`` after it."""
    p, x = node.params, node.parents[0]
    spread = [(m - 1) * s + 1 if m else 0 for m, s in zip(g.shape, p.strides, strict=True)]
    reach = p.reach()
    widened = pad(g, constant(0, g.dtype), low=[r - 1 - lo for r, lo in zip(reach, p.low)],
                  high=[n + lo - m for n, lo, m in zip(x.shape, p.low, spread)],
                  interior=[s - 1 for s in p.strides])
    return window_sum(widened, p.size, dilation=p.dilation)


def _window(*size: int, strides: Ints | None = None, low: Ints | None = None,
            high: Ints | None = None, dilation: Ints | None = None) -> dict[str, Any]:
    zeros, ones = (0,) * len(size), (1,) * len(size)
    return {"size": size, "strides": strides or ones, "low": low or zeros, "high": high or zeros,
            "dilation": dilation or ones}


def _samples(make: Callable[..., Any]) -> list[Sample]:
    return [
        Sample((make(2, 6),), _window(1, 2, strides=(1, 2))),
        Sample((make(2, 5, 4),), _window(1, 3, 2, strides=(1, 2, 1), low=(0, 1, 0),
                                         high=(0, 1, 1))),
        Sample((make(7, 2),), _window(2, 1, dilation=(3, 1), strides=(2, 1), low=(1, 0))),
        Sample((make(5, 6),), _window(2, 2, strides=(3, 4))),
        Sample((make(40),), _window(20, dilation=(2,))),
        Sample((make(),), _window()),
        Sample((make(0, 4),), _window(1, 2)),
        Sample((integers(4, 5),), _window(2, 3, low=(1, 0))),
    ]


_ERRORS = [
    ErrorSample((uniform(3, 4),), "windows of (1, 5) do not fit", _window(1, 5), ShapeError),
    ErrorSample((uniform(3, 4),), "size (2,) for an operand of shape (3, 4)", _window(2),
                ShapeError),
    ErrorSample((uniform(4),), "strides (0,) has an entry that is too small",
                {**_window(2), "strides": (0,)}, ShapeError),
    ErrorSample((uniform(4),), "low (-1,) has an entry", _window(2, low=(-1,)), ShapeError),
]

_sum = linear_unary(
    "window_sum", lower=Kernel("window_sum"),
    params=Window, shape_rule=lambda p, x: _window_shape("window_sum", p, x.shape),
    dtype_rule=lambda p, x: (accept("window_sum", NUMERIC, x.dtype), x.dtype)[1],
    transpose=_sum_transposed,
    batch=lambda p, args, batched, size: _sum(args[0], **vars(p.batched())),
    reference=_sum_reference,
    samples=[*_samples(uniform), Sample((uniform(5, dtype="complex64"),), _window(2)),
             Sample((uniform(9, dtype="float16"),), _window(4))],
    errors=[*_ERRORS, ErrorSample((boolean(3),), "window_sum: expected", _window(2), DTypeError)])


# ---- positions of extremes

def _position(name: str, sign: int) -> Primitive:
    def dtype_rule(p: Window, x: TensorType) -> DType:
        accept(name, "biuf", x.dtype)
        return int32

    primitive = register(Primitive(
        name, lower=Kernel(name),
        params=Window, shape_rule=lambda p, x: _window_shape(name, p, x.shape),
        dtype_rule=dtype_rule, vjp=NoGradient("a position"), jvp=NoGradient("a position"),
        batch=lambda p, args, batched, size: primitive(args[0], **vars(p.batched())),
        reference=lambda p, x: _position_reference(p, x, sign),
        samples=[*_samples(distinct),
                 Sample((np.array([1, np.nan, 2, np.nan], np.float32),), _window(2)),
                 Sample((np.full(4, -sign * np.inf, np.float32),), _window(3, low=(2,)))],
        errors=_ERRORS))
    return primitive


_argmax = _position("window_argmax", 1)
_argmin = _position("window_argmin", -1)


# ---- the element at an offset, and its transpose

def _check_offset(name: str, expected: Shape, offset: TensorType) -> None:
    if offset.shape != expected:
        raise ShapeError(f"{name}: offsets have shape {tuple(offset.shape)}, there are "
                         f"{tuple(expected)} windows")


def _offset_dtype(name: str) -> Callable[..., DType]:
    def rule(p: Any, x: TensorType, offset: TensorType) -> DType:
        if offset.dtype is not int32:
            raise DTypeError(f"{name}: offsets are int32, got {offset.dtype}")
        return x.dtype

    return rule


def _take_shape(p: Window, x: TensorType, offset: TensorType) -> Shape:
    shape = _window_shape("window_take", p, x.shape)
    _check_offset("window_take", shape, offset)
    return shape


def _both(args: Sequence[Node], batched: Sequence[bool], size: int) -> list[Node]:
    return [a if b else broadcast_leading(a, size) for a, b in zip(args, batched, strict=True)]


_OFFSETS = integers(2, 3, low=0, high=4)
_PAIR = _window(2, 2, strides=(2, 2), low=(1, 0))
_OVERLAP = _window(1, 3, strides=(1, 2), high=(0, 1))

_take = register(Primitive(
    "window_take", lower=Kernel("window_take"),
    params=Window, shape_rule=_take_shape, dtype_rule=_offset_dtype("window_take"),
    vjp=lambda node, g: [_put(g, node.parents[1], shape=node.parents[0].shape,
                              window=node.params), None],
    jvp=lambda node, tx, _: None if tx is None else _take(tx, node.parents[1],
                                                          **vars(node.params)),
    batch=lambda p, args, batched, size: _take(*_both(args, batched, size), **vars(p.batched())),
    reference=_take_reference,
    samples=[Sample((uniform(3, 6), _OFFSETS), _PAIR),
             Sample((uniform(2, 6), integers(2, 3, low=0, high=3)), _OVERLAP),
             Sample((uniform(2, 6, dtype="complex64"), integers(2, 3, low=0, high=3)), _OVERLAP)],
    errors=[ErrorSample((uniform(3, 6), integers(2, 2)), "there are (2, 3) windows", _PAIR,
                        ShapeError),
            ErrorSample((uniform(3, 6), integers(2, 3, dtype="int64")), "offsets are int32", _PAIR,
                        DTypeError)]))


@dataclass(frozen=True)
class Put:
    """``shape``: of the operand that the windows slide over."""

    shape: Shape
    window: Window


def _put_shape(p: Put, g: TensorType, offset: TensorType) -> Shape:
    expected = _window_shape("window_put", p.window, p.shape)
    _check_offset("window_put", expected, offset)
    if g.shape != expected:
        raise ShapeError(f"window_put: values have shape {tuple(g.shape)}, there are "
                         f"{tuple(expected)} windows")
    return p.shape


def _put_reference(p: Put, g: Array, offset: Array) -> Array:
    w = p.window
    wide = np.dtype(np.float32) if _is_narrow(g) else g.dtype
    padded = np.zeros([n + lo + hi for n, lo, hi in zip(p.shape, w.low, w.high)], wide)
    for number, where in _taps(w, g.shape):
        padded[where] += _masked(g, offset == number)
    inside = tuple(slice(lo, lo + n) for n, lo in zip(p.shape, w.low, strict=True))
    return padded[inside].astype(g.dtype, copy=False)


_put = register(Primitive(
    "window_put", lower=Kernel("window_put"),
    params=Put, shape_rule=_put_shape, dtype_rule=_offset_dtype("window_put"),
    vjp=lambda node, g: [_take(g, node.parents[1], **vars(node.params.window)), None],
    jvp=lambda node, tg, _: None if tg is None else _put(tg, node.parents[1],
                                                         **vars(node.params)),
    batch=lambda p, args, batched, size: _put(
        *_both(args, batched, size), window=p.window.batched(), shape=Shape((size, *p.shape))),
    reference=_put_reference,
    samples=[Sample((uniform(2, 3), _OFFSETS),
                    {"shape": Shape((3, 6)), "window": Window(**_PAIR)}),
             Sample((uniform(2, 3), integers(2, 3, low=0, high=3)),
                    {"shape": Shape((2, 6)), "window": Window(**_OVERLAP)}),
             Sample((uniform(2, 3, dtype="bfloat16"), integers(2, 3, low=0, high=3)),
                    {"shape": Shape((2, 6)), "window": Window(**_OVERLAP)})],
    errors=[ErrorSample((uniform(2, 2), _OFFSETS), "values have shape (2, 2)",
                        {"shape": Shape((3, 6)), "window": Window(**_PAIR)}, ShapeError)]))


# ---- maximum and minimum

def _extreme(name: str, sign: int, position: Primitive, ufunc: np.ufunc) -> Primitive:
    def at_extreme(node: Node, t: Node) -> Node:
        return _take(t, position(node.parents[0], **vars(node.params)), **vars(node.params))

    def vjp(node: Node, g: Node) -> list[Node | None]:
        x = node.parents[0]
        offset = position(x, **vars(node.params))
        return [_put(g, offset, shape=x.shape, window=node.params)]

    primitive = register(Primitive(
        name, lower=Kernel(name),
        params=Window, shape_rule=lambda p, x: _window_shape(name, p, x.shape),
        dtype_rule=lambda p, x: (accept(name, "biuf", x.dtype), x.dtype)[1],
        vjp=vjp, jvp=at_extreme,
        batch=lambda p, args, batched, size: primitive(args[0], **vars(p.batched())),
        reference=lambda p, x: _reduce_windows(p, x, ufunc, _lowest(x.dtype, sign)),
        samples=[*_samples(distinct), Sample((boolean(5),), _window(2)),
                 Sample((distinct(2, 5, dtype="bfloat16"),), _window(1, 2, low=(0, 1)),
                        differentiable=False),
                 Sample((np.array([1, np.nan, 2, 3], np.float32),), _window(2),
                        differentiable=False)],
        errors=_ERRORS))
    return primitive


_max = _extreme("window_max", 1, _argmax, np.maximum)
_min = _extreme("window_min", -1, _argmin, np.minimum)


# ---- builders

def _filled(size: Sequence[int], strides: Sequence[int] | None, low: Sequence[int] | None,
            high: Sequence[int] | None, dilation: Sequence[int] | None) -> dict[str, Ints]:
    zeros, ones = (0,) * len(size), (1,) * len(size)
    return {"size": tuple(size), "strides": ones if strides is None else tuple(strides),
            "low": zeros if low is None else tuple(low),
            "high": zeros if high is None else tuple(high),
            "dilation": ones if dilation is None else tuple(dilation)}


def _builder(primitive: Primitive, doc: str) -> Callable[..., Node]:
    def build(x: Node, size: Sequence[int], strides: Sequence[int] | None = None,
              low: Sequence[int] | None = None, high: Sequence[int] | None = None,
              dilation: Sequence[int] | None = None) -> Node:
        return primitive(x, **_filled(size, strides, low, high, dilation))

    build.__name__ = build.__qualname__ = primitive.name
    build.__doc__ = f"""{doc}

    ``size``, ``strides``, ``low``, ``high`` and ``dilation`` have one entry per axis of ``x``;
    strides and dilation default to 1, padding to 0.

    Shapes:  (..., n, ...) -> (..., (n + low + high - dilation*(size-1) - 1) // stride + 1, ...)
    Raises:  ShapeError if a window does not fit
    """
    return build


window_sum = _builder(_sum, "Sum over each window; padding counts as zero.")
window_max = _builder(_max, """Maximum over each window; NaN if it holds one. Padding never wins.

    The gradient goes to the first of equal elements.""")
window_min = _builder(_min, """Minimum over each window; NaN if it holds one. Padding never wins.

    The gradient goes to the first of equal elements.""")
window_argmax = _builder(_argmax, """Offset in each window of its first maximum, int32.

    A NaN counts as the maximum. Offsets number a window's elements in row-major order.""")
window_argmin = _builder(_argmin, """Offset in each window of its first minimum, int32.

    A NaN counts as the minimum. Offsets number a window's elements in row-major order.""")


def window_take(x: Node, offset: Node, size: Sequence[int], strides: Sequence[int] | None = None,
                low: Sequence[int] | None = None, high: Sequence[int] | None = None,
                dilation: Sequence[int] | None = None) -> Node:
    """From each window the element at its ``offset`` (int32, one per window); padding is zero."""
    return _take(x, offset, **_filled(size, strides, low, high, dilation))


def window_put(values: Node, offset: Node, shape: Sequence[int], size: Sequence[int],
               strides: Sequence[int] | None = None, low: Sequence[int] | None = None,
               high: Sequence[int] | None = None, dilation: Sequence[int] | None = None) -> Node:
    """The transpose of `window_take`: an array of ``shape`` in which each window's value is added
    at its offset."""
    return _put(values, offset, shape=Shape(shape),
                window=Window(**_filled(size, strides, low, high, dilation)))
