"""The general convolution: any rank, any layout, strides, dilations of both operands, groups.

    out[n, o, i] = sum over c, k of  x[n, c, (i*stride + k*kernel_dilation - low) / input_dilation]
                                     * w[o, c, k]

where positions between dilated elements and outside the input hold zero. Groups are an axis of
their own, shared by both operands and the result, as the batch axes of a dot product are: with it,
both derivatives of a convolution are convolutions again, and a group needs no rule of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DTypeError, ShapeError
from ..dtypes import DType, float32
from ..lowering import Kernel
from ..node import Node
from ..record import ErrorSample, Primitive, Sample, register
from ..samples import boolean, integers, uniform
from ..shapes import Shape, TensorType
from ..source import user_location
from . import elementwise as ew
from .convolution_reference import convolve
from .families import NUMERIC, accept
from .movement import flip, move_axis, reshape

__all__ = ["Convolution", "Layout", "Padding", "convolution", "same_padding",
           "transposed_convolution"]

Array = np.ndarray[Any, Any]
Ints = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """Which axis is what. ``group`` is None for a convolution without groups.

    ======== ============== ==================== ==============
    ..       input          kernel               result
    ======== ============== ==================== ==============
    outer    batch          channels of result   batch
    inner    channels       channels of input    channels
    spatial  positions      taps                 positions
    ======== ============== ==================== ==============
    """

    outer: int
    inner: int
    spatial: Ints
    group: int | None = None

    @property
    def rank(self) -> int:
        return 2 + len(self.spatial) + (self.group is not None)

    @property
    def axes(self) -> Ints:
        """All axes: outer, inner, spatial and, if there is one, group."""
        group = () if self.group is None else (self.group,)
        return (self.outer, self.inner, *self.spatial, *group)

    def swapped(self) -> Layout:
        """The same array read with its outer and inner axes exchanged."""
        return Layout(self.inner, self.outer, self.spatial, self.group)

    def with_leading_group(self) -> Layout:
        """The layout after an axis of groups was put before all others."""
        return Layout(self.outer + 1, self.inner + 1, tuple(a + 1 for a in self.spatial), 0)


@dataclass(frozen=True)
class Convolution:
    """``low`` and ``high`` pad the dilated input with zeros, or cut it where negative."""

    input: Layout
    kernel: Layout
    result: Layout
    strides: Ints
    low: Ints
    high: Ints
    input_dilation: Ints
    kernel_dilation: Ints


def dilated(size: int, dilation: int) -> int:
    """Length of ``size`` elements with ``dilation - 1`` gaps between neighbours."""
    return (size - 1) * dilation + 1 if size else 0


def _sizes(layout: Layout, x: TensorType) -> Ints:
    return tuple(x.shape[a] for a in layout.spatial)


def _groups(layout: Layout, x: TensorType) -> int:
    return 1 if layout.group is None else x.shape[layout.group]


def _check_layouts(p: Convolution, x: TensorType, w: TensorType) -> None:
    spatial = len(p.input.spatial)
    for what, layout, rank in (("input", p.input, x.ndim), ("weight", p.kernel, w.ndim),
                               ("result", p.result, p.input.rank)):
        if sorted(layout.axes) != list(range(rank)) or len(layout.spatial) != spatial:
            raise ShapeError(f"conv: {what} of rank {rank} does not fit its layout {layout}")
    if len({la.group is None for la in (p.input, p.kernel, p.result)}) > 1:
        raise ShapeError("conv: input, weight and result have an axis of groups together or not")
    for name in ("strides", "low", "high", "input_dilation", "kernel_dilation"):
        values = getattr(p, name)
        if len(values) != spatial:
            raise ShapeError(f"conv: {name} {values} for {spatial} spatial axes")
        if name not in ("low", "high") and any(v < 1 for v in values):
            raise ShapeError(f"conv: {name} must be positive, got {values}")


def _conv_shape(p: Convolution, x: TensorType, w: TensorType) -> Shape:
    _check_layouts(p, x, w)
    groups, wanted = _groups(p.input, x), _groups(p.kernel, w)
    if groups != wanted:
        raise ShapeError(f"conv: input has {groups} groups, weight has {wanted}")
    channels, taken = x.shape[p.input.inner], w.shape[p.kernel.inner]
    if channels != taken:
        raise ShapeError(
            f"conv: input has {channels * groups} channels, weight wants {taken * groups} "
            f"(groups={groups}): input {tuple(x.shape)}, weight {tuple(w.shape)}")
    shape = [0] * x.ndim
    shape[p.result.outer] = x.shape[p.input.outer]
    shape[p.result.inner] = w.shape[p.kernel.outer]
    if p.result.group is not None:
        shape[p.result.group] = groups
    fits = zip(p.result.spatial, _sizes(p.input, x), _sizes(p.kernel, w), p.strides, p.low, p.high,
               p.input_dilation, p.kernel_dilation, strict=True)
    for axis, size, taps, stride, low, high, gap, kernel_gap in fits:
        padded, reach = dilated(size, gap) + low + high, dilated(taps, kernel_gap)
        if padded < reach or not size or not taps:
            raise ShapeError(
                f"conv: the kernel {_sizes(p.kernel, w)} reaches over {reach} positions, the "
                f"padded input has {max(padded, 0)}: input {tuple(x.shape)}, weight "
                f"{tuple(w.shape)}",
                hint="pad the input or use a smaller kernel")
        shape[axis] = (padded - reach) // stride + 1
    return Shape(shape)


def _conv_dtype(p: Convolution, x: TensorType, w: TensorType) -> DType:
    accept("conv", NUMERIC, x.dtype)
    if x.dtype is not w.dtype:
        raise DTypeError(f"conv: input is {x.dtype}, weight is {w.dtype}",
                         hint=f"cast one, e.g. the weight to {x.dtype}")
    return x.dtype


# ---- derivatives: both are convolutions

def _input_cotangent(p: Convolution, g: Node, w: Node, x: TensorType) -> Node:
    """Convolve the cotangent, dilated by the strides, with the mirrored kernel.

    Where out[o] reads x[i] through tap k: i*gap + low = o*stride + k*kernel_gap. Solved for i, with
    the taps counted from the other end.
    """
    reach = [dilated(k, d) for k, d in zip(_sizes(p.kernel, w.type), p.kernel_dilation)]
    spread = [dilated(o, s) for o, s in zip(_sizes(p.result, g.type), p.strides)]
    whole = [dilated(n, d) for n, d in zip(_sizes(p.input, x), p.input_dilation)]
    return _conv(
        g, flip(w, axes=p.kernel.spatial), input=p.result, kernel=p.kernel.swapped(),
        result=p.input, strides=p.input_dilation, input_dilation=p.strides,
        kernel_dilation=p.kernel_dilation,
        low=tuple(k - 1 - lo for k, lo in zip(reach, p.low)),
        high=tuple(n + lo - o for n, lo, o in zip(whole, p.low, spread)))


def _kernel_cotangent(p: Convolution, g: Node, x: Node, w: TensorType) -> Node:
    """Convolve the input with the cotangent as the kernel, summing over the batch."""
    reach = [dilated(k, d) for k, d in zip(_sizes(p.kernel, w), p.kernel_dilation)]
    spread = [dilated(o, s) for o, s in zip(_sizes(p.result, g.type), p.strides)]
    whole = [dilated(n, d) for n, d in zip(_sizes(p.input, x.type), p.input_dilation)]
    return _conv(
        x, g, input=p.input.swapped(), kernel=p.result.swapped(), result=p.kernel.swapped(),
        strides=p.kernel_dilation, input_dilation=p.input_dilation, kernel_dilation=p.strides,
        low=p.low,
        high=tuple(k - 1 + o - n - lo for k, o, n, lo in zip(reach, spread, whole, p.low)))


def _conv_vjp(node: Node, g: Node) -> list[Node | None]:
    x, w = node.parents
    conj = ew.conj if node.dtype.is_complex else (lambda n: n)
    return [_input_cotangent(node.params, g, conj(w), x.type) if x.needs_grad else None,
            _kernel_cotangent(node.params, g, conj(x), w.type) if w.needs_grad else None]


def _conv_jvp(node: Node, tx: Node | None, tw: Node | None) -> Node | None:
    x, w = node.parents
    fields = vars(node.params)
    parts = []
    if tx is not None:
        parts.append(_conv(tx, w, **fields))
    if tw is not None:
        parts.append(_conv(x, tw, **fields))
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


# ---- batching: one operand folds into its outer axis, both together into the groups

def _fold(x: Node, axis: int) -> Node:
    """Merge the leading axis into ``axis`` (as counted without the leading one), ahead of it."""
    moved = move_axis(x, 0, axis)
    shape = list(moved.shape)
    shape[axis:axis + 2] = [shape[axis] * shape[axis + 1]]
    return reshape(moved, shape)


def _unfold(x: Node, axis: int, size: int) -> Node:
    """Undo `_fold`."""
    shape = list(x.shape)
    shape[axis:axis + 1] = [size, shape[axis] // size]
    return move_axis(reshape(x, shape), axis, 0)


def _conv_batch(p: Convolution, args: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    x, w = args
    fields = dict(vars(p))
    if all(batched):
        if p.input.group is None or p.kernel.group is None or p.result.group is None:
            for name in ("input", "kernel", "result"):
                fields[name] = fields[name].with_leading_group()
            return _conv(x, w, **fields)
        together = _conv(_fold(x, p.input.group), _fold(w, p.kernel.group), **fields)
        return _unfold(together, p.result.group, size)
    if batched[0]:
        return _unfold(_conv(_fold(x, p.input.outer), w, **fields), p.result.outer, size)
    return _unfold(_conv(x, _fold(w, p.kernel.outer), **fields), p.result.inner, size)


def _reference(p: Convolution, x: Array, w: Array) -> Array:
    shape = _conv_shape(p, TensorType(x.shape, float32), TensorType(w.shape, float32))
    result = convolve(
        x.transpose(_canonical(p.input)), w.transpose(_canonical(p.kernel)),
        tuple(shape[a] for a in p.result.spatial), p.strides, p.low, p.high, p.input_dilation,
        p.kernel_dilation, grouped=p.input.group is not None)
    return result.transpose(np.argsort(_canonical(p.result)))


def _canonical(layout: Layout) -> Ints:
    """Axes in the order of the reference: group, outer, inner, spatial."""
    group = () if layout.group is None else (layout.group,)
    return (*group, layout.outer, layout.inner, *layout.spatial)


# ---- samples

def _pattern(letters: str, first: str, second: str, spatial: int) -> Layout:
    """Axes by letter: ``N*C`` with two spatial axes is (N, spatial, spatial, C)."""
    spread = letters.replace("*", "".join(str(i) for i in range(spatial)))
    group = spread.index("G") if "G" in spread else None
    return Layout(spread.index(first), spread.index(second),
                  tuple(spread.index(str(i)) for i in range(spatial)), group)


def _layouts(spatial: int, input: str, kernel: str, result: str) -> dict[str, Layout]:
    return {"input": _pattern(input, "N", "C", spatial),
            "kernel": _pattern(kernel, "O", "I", spatial),
            "result": _pattern(result, "N", "C", spatial)}


def _case(spatial: int = 1, layouts: tuple[str, str, str] = ("NC*", "OI*", "NC*"),
          **fields: Ints) -> dict[str, Any]:
    zeros, ones = (0,) * spatial, (1,) * spatial
    return {**_layouts(spatial, *layouts), "strides": ones, "low": zeros, "high": zeros,
            "input_dilation": ones, "kernel_dilation": ones, **fields}


_LAST = ("N*C", "*IO", "N*C")


def _samples() -> list[Sample]:
    def pair(x: Ints, w: Ints, *, dtype: str = "float32", **fields: Any) -> Sample:
        return Sample((uniform(*x, dtype=dtype), uniform(*w, dtype=dtype, seed=1)),
                      _case(**fields))

    everything: dict[str, Any] = {
        "spatial": 2, "strides": (2, 1), "low": (1, -1), "high": (2, 0), "input_dilation": (1, 2),
        "kernel_dilation": (2, 1)}
    grouped = ("NGC*", "GOI*", "NGC*")
    return [
        pair((2, 3, 5), (4, 3, 2)),
        pair((2, 3, 7), (4, 3, 3), strides=(2,), low=(1,), high=(1,)),
        pair((2, 3, 7), (4, 3, 3), strides=(3,), low=(1,), high=(0,)),
        pair((2, 5, 4, 3), (3, 2, 3, 4), spatial=2, layouts=_LAST, low=(1, 1), high=(1, 0)),
        pair((2, 3, 6, 5), (2, 3, 2, 3), **everything),
        pair((2, 6, 4, 3), (3, 2, 3, 2), layouts=_LAST, **everything),
        pair((2, 2, 3, 4), (2, 2, 3, 2), layouts=grouped, low=(1,), strides=(2,)),
        pair((2, 5, 2, 2), (3, 2, 2, 3), layouts=("N*GC", "*GIO", "N*GC"), kernel_dilation=(2,)),
        pair((1, 2, 3, 3, 3), (2, 2, 2, 2, 2), spatial=3, low=(1, 0, 0)),
        pair((2, 3), (4, 3), spatial=0),
        pair((0, 3, 5), (4, 3, 2)),
        pair((2, 0, 5), (4, 0, 2)),
        pair((1, 2, 4), (2, 2, 2), dtype="complex64", low=(1,)),
        pair((1, 2, 4), (2, 2, 2), dtype="bfloat16"),
        Sample((integers(1, 2, 4), integers(2, 2, 2, seed=1)), _case()),
    ]


def _errors() -> list[ErrorSample]:
    def bad(x: Ints, w: Ints, says: str, **fields: Any) -> ErrorSample:
        return ErrorSample((uniform(*x), uniform(*w)), says, _case(**fields), ShapeError)

    return [
        bad((2, 3, 8, 8), (5, 4, 3, 3), "input has 3 channels, weight wants 4 (groups=1)",
            spatial=2),
        bad((2, 2, 3, 4), (2, 2, 4, 2), "input has 6 channels, weight wants 8 (groups=2)",
            layouts=("NGC*", "GOI*", "NGC*")),
        bad((2, 2, 3, 4), (3, 2, 3, 2), "input has 2 groups, weight has 3",
            layouts=("NGC*", "GOI*", "NGC*")),
        bad((2, 3, 4), (5, 3, 6), "reaches over 6 positions, the padded input has 4"),
        bad((2, 3, 0), (5, 3, 1), "padded input has 0"),
        bad((2, 3, 4), (5, 3, 2), "strides must be positive", strides=(0,)),
        bad((2, 3, 4), (5, 3, 2), "low (1, 1) for 1 spatial axes", low=(1, 1)),
        bad((2, 3), (5, 3, 2), "input of rank 2 does not fit its layout"),
        ErrorSample((uniform(1, 1, 2), uniform(1, 1, 2, dtype="float64")),
                    "input is float32, weight is float64", _case(), DTypeError),
        ErrorSample((boolean(1, 1, 2), boolean(1, 1, 2)), "conv: expected", _case(), DTypeError),
    ]


_conv = register(Primitive(
    "conv", lower=Kernel("conv"),
    params=Convolution, shape_rule=_conv_shape, dtype_rule=_conv_dtype, vjp=_conv_vjp,
    jvp=_conv_jvp, batch=_conv_batch, reference=_reference, samples=_samples, errors=_errors))


# ---- builders

#: ``"valid"``, ``"same"``, one width, a width per axis, or a (before, after) pair per axis.
Padding = str | int | Sequence[int] | Sequence[Sequence[int]]


def same_padding(sizes: Sequence[int], taps: Sequence[int], strides: Sequence[int],
                 dilation: Sequence[int]) -> list[tuple[int, int]]:
    """Widths that make the result ``ceil(size / stride)`` long; an odd one goes after.

    >>> same_padding((28,), (5,), (1,), (1,)), same_padding((28,), (3,), (2,), (1,))
    ([(2, 2)], [(0, 1)])
    """
    pairs = []
    for size, k, stride, gap in zip(sizes, taps, strides, dilation, strict=True):
        total = max((-(-size // stride) - 1) * stride + dilated(k, gap) - size, 0)
        pairs.append((total // 2, total - total // 2))
    return pairs


def _refusal(message: str, hint: str | None = None) -> ShapeError:
    return ShapeError(message, hint=hint, where=str(user_location() or "") or None)


def _per_axis(what: str, value: int | Sequence[int], spatial: int) -> Ints:
    values = (value,) * spatial if isinstance(value, int) else tuple(value)
    if len(values) != spatial:
        raise _refusal(f"conv: {what} {values} for {spatial} spatial axes")
    return values


def _pairs(padding: Padding, sizes: Ints, taps: Ints, strides: Ints,
           dilation: Ints) -> list[tuple[int, int]]:
    if isinstance(padding, str):
        if padding not in ("valid", "same"):
            raise _refusal(f"conv: padding {padding!r} is not 'valid', 'same' or widths")
        return (same_padding(sizes, taps, strides, dilation) if padding == "same"
                else [(0, 0)] * len(sizes))
    widths: Any = (padding,) * len(sizes) if isinstance(padding, int) else tuple(padding)
    if len(widths) != len(sizes):
        raise _refusal(f"conv: padding {widths} for {len(sizes)} spatial axes")
    return [(p, p) if isinstance(p, int) else (p[0], p[1]) for p in widths]


def _grouped(what: str, x: Node, layout: Layout, axis: int, groups: int) -> tuple[Node, Layout]:
    """Split the axis of channels into groups and channels of each, in place."""
    if groups == 1:
        return x, layout
    channels = x.shape[axis]
    if channels % groups:
        raise _refusal(f"conv: {channels} {what} channels do not divide into {groups} groups")
    shape = [*x.shape[:axis], groups, channels // groups, *x.shape[axis + 1:]]
    return reshape(x, shape), _split(layout, axis)


def _split(layout: Layout, axis: int) -> Layout:
    """The layout after ``axis`` was split in two, the first of them being the groups."""
    def moved(a: int) -> int:
        return a + (a >= axis)

    return Layout(moved(layout.outer), moved(layout.inner), tuple(map(moved, layout.spatial)), axis)


def _apply(x: Node, w: Node, layout: Layout, kernel: Layout, groups: int, split: int,
           fields: dict[str, Any]) -> Node:
    """Groups split off, the primitive applied, and the groups of the result merged again."""
    xs, input_layout = _grouped("input", x, layout, layout.inner, groups)
    ws, kernel_layout = _grouped("output", w, kernel, split, groups)
    result = _conv(xs, ws, input=input_layout, kernel=kernel_layout, result=input_layout, **fields)
    if groups == 1:
        return result
    shape = list(result.shape)
    shape[layout.inner:layout.inner + 2] = [groups * shape[input_layout.inner]]
    return reshape(result, shape)


def _check_ranks(x: Node, w: Node) -> None:
    if x.ndim < 2 or w.ndim != x.ndim:
        raise _refusal(f"conv: input and weight have as many axes, got input {tuple(x.shape)} and "
                       f"weight {tuple(w.shape)}",
                       f"the input wants a batch axis first: rank {w.ndim}"
                       if x.ndim == w.ndim - 1 else None)


def convolution(x: Node, w: Node, *, strides: int | Sequence[int] = 1, padding: Padding = 0,
                dilation: int | Sequence[int] = 1, groups: int = 1, layout: str = "NC*",
                kernel: str = "OI*") -> Node:
    """Convolution (cross-correlation, as the field has it) over any number of spatial axes.

    Shapes:  x (batch N, channels C, spatial *) in the order of ``layout``, ``"NC*"`` or ``"N*C"``;
             w (output channels O, input channels per group I, taps *) in the order of ``kernel``,
             ``"OI*"`` as in PyTorch or ``"*IO"`` as in Keras; the result has the layout of x
    Dtypes:  equal, any but bool
    Raises:  ShapeError if channels, groups or sizes do not fit
    Cost:    2 flops per result element, tap and channel of a group
    """
    spatial = x.ndim - 2
    _check_ranks(x, w)
    at, taps = _pattern(layout, "N", "C", spatial), _pattern(kernel, "O", "I", spatial)
    if x.shape[at.inner] != w.shape[taps.inner] * groups:
        raise _refusal(
            f"conv: input has {x.shape[at.inner]} channels, weight wants "
            f"{w.shape[taps.inner] * groups} (groups={groups}): input {tuple(x.shape)}, weight "
            f"{tuple(w.shape)}", f"the input is read as {layout}, the weight as {kernel}")
    stride = _per_axis("strides", strides, spatial)
    gap = _per_axis("dilation", dilation, spatial)
    pairs = _pairs(padding, _sizes(at, x.type), _sizes(taps, w.type), stride, gap)
    return _apply(x, w, at, taps, groups, taps.outer, {
        "strides": stride, "kernel_dilation": gap, "input_dilation": (1,) * spatial,
        "low": tuple(a for a, _ in pairs), "high": tuple(b for _, b in pairs)})


def transposed_convolution(x: Node, w: Node, *, strides: int | Sequence[int] = 1,
                           padding: int | Sequence[int] | Sequence[Sequence[int]] = 0,
                           output_padding: int | Sequence[int] = 0,
                           dilation: int | Sequence[int] = 1, groups: int = 1,
                           layout: str = "NC*", kernel: str = "IO*") -> Node:
    """The transpose of `convolution` with respect to its input: upsampling by the strides.

    Spatial sizes become ``(n-1)*stride - before - after + dilation*(k-1) + 1 + output_padding``.

    Shapes:  x as for `convolution`; w (input channels I, output channels per group O, taps *) in
             the order of ``kernel``: ``"IO*"`` as in PyTorch, ``"*OI"`` as in Keras
    Dtypes:  equal, any but bool
    Raises:  ShapeError if channels, groups or sizes do not fit
    """
    spatial = x.ndim - 2
    _check_ranks(x, w)
    at, taps = _pattern(layout, "N", "C", spatial), _pattern(kernel, "O", "I", spatial)
    if x.shape[at.inner] != w.shape[taps.inner]:
        raise _refusal(
            f"conv: input has {x.shape[at.inner]} channels, weight wants {w.shape[taps.inner]} "
            f"(transposed, groups={groups}): input {tuple(x.shape)}, weight {tuple(w.shape)}",
            f"the input is read as {layout}, the weight as {kernel}")
    stride = _per_axis("strides", strides, spatial)
    gap = _per_axis("dilation", dilation, spatial)
    more = _per_axis("output_padding", output_padding, spatial)
    sizes = _sizes(taps, w.type)
    pairs = _pairs(padding, _sizes(at, x.type), sizes, stride, gap)
    reach = [dilated(k, g) for k, g in zip(sizes, gap)]
    return _apply(x, flip(w, axes=taps.spatial), at, taps, groups, taps.inner, {
        "strides": (1,) * spatial, "kernel_dilation": gap, "input_dilation": stride,
        "low": tuple(k - 1 - a for k, (a, _) in zip(reach, pairs)),
        "high": tuple(k - 1 - b + m for k, (_, b), m in zip(reach, pairs, more))})
