"""Pooling on tensors, with PyTorch's names and defaults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...errors import ShapeError
from ...functions import pooling as composites
from ...tensor import Tensor, record
from ._record import record_several

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d",
    "adaptive_max_pool2d", "adaptive_max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d",
    "lp_pool1d", "lp_pool2d", "lp_pool3d", "max_pool1d", "max_pool2d", "max_pool3d",
    "max_unpool1d", "max_unpool2d", "max_unpool3d",
]

Ints = int | Sequence[int]


def _static(value: Any) -> Any:
    return tuple(value) if isinstance(value, (list, tuple)) else value


def _named(apply: Callable[..., Any], name: str, doc: str) -> Callable[..., Any]:
    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = doc
    return apply


def _check(name: str, input: Tensor, spatial: int) -> None:
    if input.ndim not in (spatial + 1, spatial + 2):
        raise ShapeError(f"{name}: Expected {spatial + 1}D or {spatial + 2}D input, got shape "
                         f"{tuple(input.shape)}")


def _max(spatial: int) -> Callable[..., Any]:
    name = f"max_pool{spatial}d"

    def apply(input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
              dilation: Ints = 1, ceil_mode: bool = False, return_indices: bool = False) -> Any:
        _check(name, input, spatial)
        static = (spatial, *map(_static, (kernel_size, stride, padding, dilation)), ceil_mode)
        if return_indices:
            return tuple(record_several(composites.max_pool_with_indices, (input,), static))
        return record(composites.max_pool, (input,), static)

    return _named(apply, name, f"""The maximum of each window over {spatial} spatial axes.

    ``return_indices`` gives the places of the maxima in their planes as well.
    """)


max_pool1d, max_pool2d, max_pool3d = map(_max, (1, 2, 3))


def _avg(spatial: int) -> Callable[..., Any]:
    name = f"avg_pool{spatial}d"

    def apply(input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
              ceil_mode: bool = False, count_include_pad: bool = True,
              divisor_override: int | None = None) -> Any:
        _check(name, input, spatial)
        return record(composites.avg_pool, (input,), (
            spatial, *map(_static, (kernel_size, stride, padding)), ceil_mode, count_include_pad,
            divisor_override))

    return _named(apply, name, f"The mean of each window over {spatial} spatial axes.")


avg_pool1d, avg_pool2d, avg_pool3d = map(_avg, (1, 2, 3))


def _lp(spatial: int) -> Callable[..., Any]:
    name = f"lp_pool{spatial}d"

    def apply(input: Tensor, norm_type: float, kernel_size: Ints, stride: Ints | None = None,
              ceil_mode: bool = False) -> Any:
        _check(name, input, spatial)
        return record(composites.lp_pool, (input,), (
            spatial, norm_type, _static(kernel_size), _static(stride), ceil_mode))

    return _named(apply, name, f"``sum(x**p) ** (1/p)`` of each window over {spatial} axes.")


lp_pool1d, lp_pool2d, lp_pool3d = map(_lp, (1, 2, 3))


def _adaptive_avg(spatial: int) -> Callable[..., Any]:
    name = f"adaptive_avg_pool{spatial}d"

    def apply(input: Tensor, output_size: Any) -> Any:
        _check(name, input, spatial)
        return record(composites.adaptive_avg_pool, (input,), (spatial, _static(output_size)))

    return _named(apply, name, f"Means over {spatial} spatial axes divided into ``output_size``.")


adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = map(_adaptive_avg, (1, 2, 3))


def _adaptive_max(spatial: int) -> Callable[..., Any]:
    name = f"adaptive_max_pool{spatial}d"

    def apply(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        _check(name, input, spatial)
        static = (spatial, _static(output_size))
        if return_indices:
            return tuple(record_several(composites.adaptive_max_pool_with_indices, (input,),
                                        static))
        return record(composites.adaptive_max_pool, (input,), static)

    return _named(apply, name, f"Maxima over {spatial} spatial axes divided into ``output_size``.")


adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = map(_adaptive_max, (1, 2, 3))


def _unpooled(spatial: int) -> Callable[..., Any]:
    name = f"max_unpool{spatial}d"

    def apply(input: Tensor, indices: Tensor, kernel_size: Ints, stride: Ints | None = None,
              padding: Ints = 0, output_size: Sequence[int] | None = None) -> Any:
        _check(name, input, spatial)

        def each(value: Ints) -> tuple[int, ...]:
            return (value,) * spatial if isinstance(value, int) else tuple(value)

        taps = each(kernel_size)
        steps = taps if stride is None else each(stride)
        if output_size is None:
            sizes = tuple((n - 1) * s - 2 * p + k for n, s, p, k in zip(
                input.shape[-spatial:], steps, each(padding), taps))
        else:
            sizes = tuple(output_size)[-spatial:]
        return record(composites.max_unpool, (input, indices), (sizes,))

    return _named(apply, name, "Maxima put back at their places, zero elsewhere.")


max_unpool1d, max_unpool2d, max_unpool3d = map(_unpooled, (1, 2, 3))
