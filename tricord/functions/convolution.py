"""Convolutions with bias, in both layouts, and the rearrangements that go with images.

Layouts are ``"NC*"`` (PyTorch) and ``"N*C"`` (Keras's default); kernels ``"OI*"`` and ``"*IO"``,
for transposed convolutions ``"IO*"`` and ``"*OI"``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..errors import ArgumentError, DTypeError, ShapeError
from ..ir.node import Node
from ..ir.ops.convolution import convolution, dilated, transposed_convolution
from ..ir.ops.movement import broadcast, concatenate, pad, reshape, slice_, transpose
from ..ir.ops.structural import constant

__all__ = ["channel_shuffle", "conv", "conv_transpose", "depthwise_conv", "fold",
           "keras_transpose_padding", "per_axis", "pixel_shuffle", "pixel_unshuffle",
           "separable_conv", "unfold"]

Ints = int | tuple[int, ...]
Padding = int | str | tuple[int, ...] | tuple[tuple[int, int], ...]


def per_axis(what: str, value: int | Sequence[int], count: int) -> tuple[int, ...]:
    """One whole number per spatial axis."""
    values = (value,) * count if isinstance(value, int) else tuple(value)
    if len(values) == 1:
        values = values * count
    if len(values) != count:
        raise ShapeError(f"{what}: expected one number or {count}, got {values}")
    return values


def _same_dtype(what: str, x: Node, w: Node) -> None:
    if x.dtype is not w.dtype:
        raise DTypeError(f"{what}: input type ({x.dtype}) and weight type ({w.dtype}) should be "
                         "the same", hint=f"cast the input to {w.dtype}")


def _with_bias(y: Node, bias: Node | None, layout: str) -> Node:
    if bias is None:
        return y
    axis = 1 if layout == "NC*" else y.ndim - 1
    if tuple(bias.shape) != (y.shape[axis],):
        raise ShapeError(f"conv: a bias of shape {tuple(bias.shape)} for {y.shape[axis]} output "
                         "channels")
    return y + broadcast(bias, y.shape, (axis,))


def _batched(what: str, x: Node, w: Node) -> tuple[Node, bool]:
    """x with a batch axis, and whether it was added."""
    if x.ndim == w.ndim - 1:
        return reshape(x, (1, *x.shape)), True
    if x.ndim != w.ndim:
        raise ShapeError(
            f"{what}: Expected {w.ndim - 1}D (unbatched) or {w.ndim}D (batched) input to "
            f"conv{w.ndim - 2}d, but got input of size: {tuple(x.shape)}",
            hint="the input needs an axis of channels: x.unsqueeze(1)"
            if x.ndim == w.ndim - 2 else None)
    return x, False


def _unbatched(y: Node, added: bool) -> Node:
    return reshape(y, y.shape[1:]) if added else y


def conv(x: Node, w: Node, bias: Node | None = None, stride: Ints = 1, padding: Padding = 0,
         dilation: Ints = 1, groups: int = 1, layout: str = "NC*", kernel: str = "OI*") -> Node:
    """Convolution over the spatial axes; without a batch axis one is added and taken off again.

    ``padding`` is ``"valid"``, ``"same"``, ``"causal"`` (all before, one spatial axis), a width
    for both sides, one per axis, or a pair (before, after) per axis.

    Shapes:  see `ir.ops.convolution.convolution`; bias (output channels,)
    Raises:  ShapeError, DTypeError
    """
    _same_dtype("conv", x, w)
    x, added = _batched("conv", x, w)
    if groups < 1:
        raise ArgumentError(f"conv: groups must be positive, got {groups}")
    if padding == "causal":
        taps = w.shape[2] if kernel == "OI*" else w.shape[0]
        padding = ((dilated(taps, per_axis("dilation", dilation, 1)[0]) - 1, 0),)
    count = x.ndim - 2
    y = convolution(x, w, strides=per_axis("stride", stride, count), groups=groups,
                    padding=_spread(padding, count), layout=layout, kernel=kernel,
                    dilation=per_axis("dilation", dilation, count))
    return _unbatched(_with_bias(y, bias, layout), added)


def _spread(padding: Padding, count: int) -> Padding:
    """A single width in a tuple stands for all axes."""
    if isinstance(padding, tuple) and len(padding) == 1:
        return padding * count
    return padding


def conv_transpose(x: Node, w: Node, bias: Node | None = None, stride: Ints = 1,
                   padding: Padding = 0, output_padding: Ints = 0, groups: int = 1,
                   dilation: Ints = 1, layout: str = "NC*", kernel: str = "IO*") -> Node:
    """The transpose of `conv` with respect to its input.

    Shapes:  see `ir.ops.convolution.transposed_convolution`
    """
    _same_dtype("conv_transpose", x, w)
    x, added = _batched("conv_transpose", x, w)
    count = x.ndim - 2
    stride = per_axis("stride", stride, count)
    more = per_axis("output_padding", output_padding, count)
    gaps = per_axis("dilation", dilation, count)
    for m, s, d in zip(more, stride, gaps):
        if m >= max(s, d) and m:
            raise ArgumentError(f"conv_transpose: output padding must be smaller than either "
                                f"stride or dilation, got {more} with stride {stride}")
    if isinstance(padding, str):
        raise ArgumentError("conv_transpose: padding is widths here; see keras_transpose_padding")
    y = transposed_convolution(x, w, strides=stride, padding=_spread(padding, count),
                               output_padding=more, dilation=gaps, groups=groups, layout=layout,
                               kernel=kernel)
    return _unbatched(_with_bias(y, bias, layout), added)


def keras_transpose_padding(padding: str, taps: Sequence[int], strides: Sequence[int],
                            dilation: Sequence[int],
                            output_padding: Sequence[int] | None = None,
                            ) -> tuple[tuple[int, int], ...]:
    """What Keras's "valid" and "same" mean for `conv_transpose`, as widths (before, after).

    Without ``output_padding`` "same" gives ``n * stride`` and "valid"
    ``n * stride + max(k - stride, 0)`` elements.
    """
    if padding not in ("valid", "same"):
        raise ArgumentError(f"conv_transpose: padding {padding!r} is not 'valid' or 'same'")
    pairs = []
    for axis, (k, s, d) in enumerate(zip(taps, strides, dilation, strict=True)):
        reach = dilated(k, d)
        if padding == "valid":
            more = (max(reach, s) - reach if output_padding is None else output_padding[axis])
            low, high = reach - 1, reach - 1 + more
        else:
            more = s - reach % 2 if output_padding is None else output_padding[axis]
            total = reach + reach % 2 - 2 + more
            low = min(total // 2 + total % 2, reach - 1)
            high = total - low
        # The primitive pads k-1-before and k-1-after around the spread input.
        pairs.append((reach - 1 - low, reach - 1 - high))
    return tuple(pairs)


def depthwise_conv(x: Node, w: Node, bias: Node | None = None, stride: Ints = 1,
                   padding: Padding = 0, dilation: Ints = 1, layout: str = "N*C") -> Node:
    """Each channel convolved on its own, ``multiplier`` results per channel (Keras).

    Shapes:  w (taps *, C, multiplier) -> C * multiplier channels
    """
    channels, multiplier = w.shape[-2:]
    w = reshape(w, (*w.shape[:-2], 1, channels * multiplier))
    return conv(x, w, bias, stride, padding, dilation, channels, layout, "*IO")


def separable_conv(x: Node, depthwise: Node, pointwise: Node, bias: Node | None = None,
                   stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1,
                   layout: str = "N*C") -> Node:
    """`depthwise_conv`, then a convolution with one tap (Keras)."""
    y = depthwise_conv(x, depthwise, None, stride, padding, dilation, layout)
    return conv(y, pointwise, bias, 1, 0, 1, 1, layout, "*IO")


# ---- patches

def _patch_grid(sizes: Sequence[int], taps: Sequence[int], dilation: Sequence[int],
                padding: Sequence[int], strides: Sequence[int]) -> tuple[int, ...]:
    return tuple((n + 2 * p - dilated(k, d)) // s + 1
                 for n, k, d, p, s in zip(sizes, taps, dilation, padding, strides, strict=True))


def unfold(x: Node, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0,
           stride: Ints = 1) -> Node:
    """All patches of an image as columns.

    Shapes:  (N, C, H, W) -> (N, C * taps, patches); without the batch axis likewise
    Source:  torch.nn.Unfold
    """
    if x.ndim == 3:
        result = unfold(reshape(x, (1, *x.shape)), kernel_size, dilation, padding, stride)
        return reshape(result, result.shape[1:])
    if x.ndim != 4:
        raise ShapeError(f"unfold: expected 3D or 4D input, got shape {tuple(x.shape)}")
    taps, gaps, pads, steps = (per_axis("unfold", v, 2)
                               for v in (kernel_size, dilation, padding, stride))
    grid = _patch_grid(x.shape[2:], taps, gaps, pads, steps)
    if min(grid) < 1:
        raise ShapeError(f"unfold: a kernel of {taps} does not fit into {tuple(x.shape[2:])} with "
                         f"padding {pads}")
    wide = pad(x, constant(0, x.dtype), (0, 0, *pads), (0, 0, *pads))
    n, c = x.shape[:2]
    parts = []
    for i in range(taps[0]):
        for j in range(taps[1]):
            start = (0, 0, i * gaps[0], j * gaps[1])
            stop = (n, c, *(a + (g - 1) * s + 1 for a, g, s in zip(start[2:], grid, steps)))
            parts.append(reshape(slice_(wide, start, stop, (1, 1, *steps)), (n, c, 1, *grid)))
    return reshape(concatenate(parts, 2), (n, c * math.prod(taps), math.prod(grid)))


def fold(x: Node, output_size: Ints, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0,
         stride: Ints = 1) -> Node:
    """The transpose of `unfold`: columns added up at their places.

    Shapes:  (N, C * taps, patches) -> (N, C, *output_size)
    """
    if x.ndim == 2:
        result = fold(reshape(x, (1, *x.shape)), output_size, kernel_size, dilation, padding,
                      stride)
        return reshape(result, result.shape[1:])
    sizes, taps, gaps, pads, steps = (per_axis("fold", v, 2) for v in (
        output_size, kernel_size, dilation, padding, stride))
    grid = _patch_grid(sizes, taps, gaps, pads, steps)
    if x.ndim != 3 or x.shape[1] % math.prod(taps) or x.shape[2] != math.prod(grid):
        raise ShapeError(f"fold: Given output_size={sizes}, kernel_size={taps}, dilation={gaps}, "
                         f"padding={pads}, stride={steps}, expected (N, C * {math.prod(taps)}, "
                         f"{math.prod(grid)}), got {tuple(x.shape)}")
    n, c = x.shape[0], x.shape[1] // math.prod(taps)
    blocks = reshape(x, (n, c, math.prod(taps), *grid))
    wide = tuple(size + 2 * p for size, p in zip(sizes, pads))
    total = None
    for tap in range(math.prod(taps)):
        i, j = divmod(tap, taps[1])
        part = slice_(blocks, (0, 0, tap, 0, 0), (n, c, tap + 1, *grid))
        low = (i * gaps[0], j * gaps[1])
        high = tuple(w - a - (g - 1) * s - 1 for w, a, g, s in zip(wide, low, grid, steps))
        placed = pad(reshape(part, (n, c, *grid)), constant(0, x.dtype), (0, 0, *low),
                     (0, 0, *high), (0, 0, *(s - 1 for s in steps)))
        total = placed if total is None else total + placed
    assert total is not None
    return slice_(total, (0, 0, *pads), (n, c, *(p + s for p, s in zip(pads, sizes))))


# ---- channels and pixels

def pixel_shuffle(x: Node, factor: int) -> Node:
    """Channels become pixels: (*, C*r*r, H, W) -> (*, C, H*r, W*r).

    Source:  Shi et al. 2016
    """
    if x.ndim < 3 or factor < 1 or x.shape[-3] % factor ** 2:
        raise ShapeError(f"pixel_shuffle: expects its input's 'channel' dimension to be divisible "
                         f"by the square of upscale_factor {factor}, got shape {tuple(x.shape)}")
    lead, (c, h, w) = x.shape[:-3], x.shape[-3:]
    k = len(lead)
    split = reshape(x, (*lead, c // factor ** 2, factor, factor, h, w))
    order = (*range(k), k, k + 3, k + 1, k + 4, k + 2)
    return reshape(transpose(split, order), (*lead, c // factor ** 2, h * factor, w * factor))


def pixel_unshuffle(x: Node, factor: int) -> Node:
    """The inverse of `pixel_shuffle`: (*, C, H*r, W*r) -> (*, C*r*r, H, W)."""
    if x.ndim < 3 or factor < 1 or x.shape[-1] % factor or x.shape[-2] % factor:
        raise ShapeError(f"pixel_unshuffle: expects height and width to be divisible by "
                         f"downscale_factor {factor}, got shape {tuple(x.shape)}")
    lead, (c, h, w) = x.shape[:-3], x.shape[-3:]
    k = len(lead)
    split = reshape(x, (*lead, c, h // factor, factor, w // factor, factor))
    order = (*range(k), k, k + 2, k + 4, k + 1, k + 3)
    return reshape(transpose(split, order), (*lead, c * factor ** 2, h // factor, w // factor))


def channel_shuffle(x: Node, groups: int) -> Node:
    """Channels of all groups interleaved: (N, C, *) -> (N, C, *)."""
    channels = x.shape[1]
    if groups < 1 or channels % groups:
        raise ShapeError(f"channel_shuffle: {channels} channels do not divide into {groups} groups")
    split = reshape(x, (x.shape[0], groups, channels // groups, *x.shape[2:]))
    return reshape(transpose(split, (0, 2, 1, *range(3, split.ndim))), x.shape)
