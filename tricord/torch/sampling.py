"""Random tensors under PyTorch's names, and the default generator."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from .. import random as source
from ..errors import ArgumentError
from ..functions import random as composites
from ..ir import arithmetic as ar
from ..ir.dtypes import DType, as_dtype, int64
from ..ir.node import Node
from ..random import Generator, default_generator
from ..tensor import Tensor
from ..tensor.handle import Handle
from .creation import _sizes, finished
from .devices import refuse_device

__all__ = ["Generator", "bernoulli", "default_generator", "fork_rng", "get_rng_state",
           "initial_seed", "manual_seed", "multinomial", "normal", "poisson", "rand", "rand_like",
           "randint", "randint_like", "randn", "randn_like", "randperm", "seed", "set_rng_state"]

manual_seed = source.manual_seed
seed = source.seed
initial_seed = source.initial_seed
get_rng_state = source.get_state
set_rng_state = source.set_state


@contextmanager
def fork_rng(devices: Iterable[Any] | None = None, enabled: bool = True,
             device_type: str = "cpu") -> Iterator[None]:
    """Draw inside the block without disturbing the generator outside of it."""
    if not enabled:
        yield
        return
    with source.fork():
        yield


def _dtype(dtype: Any) -> DType:
    return ar.DEFAULT_FLOAT if dtype is None else as_dtype(dtype)


def _size(size: tuple[Any, ...], keywords: dict[str, Any], what: str) -> tuple[int, ...]:
    if keywords:
        given = keywords.pop("size", None)
        if keywords or given is None or size:
            wrong = next(iter(keywords), "size")
            raise ArgumentError(f"{what}() got an unexpected keyword argument {wrong!r}",
                                hint="size, generator, dtype, device, requires_grad")
        size = (given,)
    return _sizes(size, what)


def rand(*size: Any, generator: Generator | None = None, out: Any = None, dtype: Any = None,
         layout: Any = None, device: Any = None, requires_grad: bool = False,
         pin_memory: bool = False, **keywords: Any) -> Tensor:
    """Uniform numbers in [0, 1)."""
    refuse_device(device)
    made = (generator or default_generator()).uniform(_size(size, keywords, "rand"),
                                                      dtype=_dtype(dtype))
    return finished(made, requires_grad)  # type: ignore[no-any-return]


def randn(*size: Any, generator: Generator | None = None, out: Any = None, dtype: Any = None,
          layout: Any = None, device: Any = None, requires_grad: bool = False,
          pin_memory: bool = False, **keywords: Any) -> Tensor:
    """Normal numbers with mean 0 and deviation 1."""
    refuse_device(device)
    made = (generator or default_generator()).normal(_size(size, keywords, "randn"),
                                                     dtype=_dtype(dtype))
    return finished(made, requires_grad)  # type: ignore[no-any-return]


def rand_like(input: Tensor, *, dtype: Any = None, device: Any = None,
              requires_grad: bool = False, generator: Generator | None = None) -> Tensor:
    """Uniform numbers in the shape and dtype of a tensor."""
    return rand(tuple(input.shape), dtype=dtype or input.dtype, device=device,
                requires_grad=requires_grad, generator=generator)


def randn_like(input: Tensor, *, dtype: Any = None, device: Any = None,
               requires_grad: bool = False, generator: Generator | None = None) -> Tensor:
    """Normal numbers in the shape and dtype of a tensor."""
    return randn(tuple(input.shape), dtype=dtype or input.dtype, device=device,
                 requires_grad=requires_grad, generator=generator)


def randint(*arguments: Any, low: int | None = None, high: int | None = None, size: Any = None,
            generator: Generator | None = None, dtype: Any = None, device: Any = None,
            requires_grad: bool = False) -> Tensor:
    """Whole numbers: ``randint(high, size)`` or ``randint(low, high, size)``."""
    refuse_device(device)
    given = list(arguments)
    if given and isinstance(given[-1], (tuple, list)):
        size = given.pop()
    if size is None:
        raise ArgumentError("randint(): missing the size", hint="torch.randint(0, 10, (2, 3))")
    if len(given) == 2:
        low, high = given
    elif len(given) == 1:
        if high is None:
            high = given[0]
        else:
            low = given[0]
    if high is None or len(given) > 2:
        raise ArgumentError(f"randint(): got {len(given)} bounds; it takes (high, size) or "
                            "(low, high, size)")
    made = (generator or default_generator()).randint(
        operator.index(low or 0), operator.index(high), _sizes((size,), "randint"),
        int64 if dtype is None else as_dtype(dtype))
    return finished(made, requires_grad)  # type: ignore[no-any-return]


def randint_like(input: Tensor, *bounds: Any, low: int = 0, high: int | None = None,
                 dtype: Any = None, device: Any = None) -> Tensor:
    """Whole numbers in the shape and dtype of a tensor."""
    if bounds:
        low, high = bounds if len(bounds) == 2 else (low, bounds[0])
    return randint(low, high, tuple(input.shape), dtype=dtype or input.dtype, device=device)


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = None,
             device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """The numbers 0 ... n - 1 in random order."""
    refuse_device(device)
    made = (generator or default_generator()).permutation(
        operator.index(n), int64 if dtype is None else as_dtype(dtype))
    return finished(made, requires_grad)  # type: ignore[no-any-return]


def _normal_around(key: Node, *rest: Any) -> Node:
    """``rest``: mean and deviation, those that are nodes; the ordinal; and those that are not."""
    *nodes, ordinal, mean, std = rest
    given = iter(nodes)
    centre = next(given) if mean is None else mean
    spread = next(given) if std is None else std
    return composites.normal_around(key, centre, spread, ordinal)


def normal(mean: Any, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None,
           out: Any = None, dtype: Any = None, device: Any = None,
           requires_grad: bool = False) -> Tensor:
    """Normal numbers: of numbers and a size, or around each element of tensors."""
    refuse_device(device)
    drawn_from = generator or default_generator()
    tensors = [v for v in (mean, std) if isinstance(v, Handle)]
    if not tensors:
        if size is None:
            raise ArgumentError("normal(): mean and std are numbers, so the size is missing",
                                hint="torch.normal(0.0, 1.0, size=(2, 3))")
        made = drawn_from.normal(_sizes((size,), "normal"), float(mean), float(std),
                                 _dtype(dtype))
    else:
        fixed = tuple(None if isinstance(v, Handle) else float(v) for v in (mean, std))
        made = drawn_from.draw(_normal_around, fixed, tensors)  # type: ignore[arg-type]
    return finished(made, requires_grad)  # type: ignore[no-any-return]


def bernoulli(input: Tensor, p: float | None = None, *, generator: Generator | None = None,
              out: Any = None) -> Tensor:
    """1 with the probability that stands in ``input``, or ``p`` everywhere; else 0."""
    drawn_from = generator or default_generator()
    if p is None:
        return drawn_from.bernoulli(input)  # type: ignore[no-any-return]
    return drawn_from.bernoulli(float(p), tuple(input.shape), input.dtype)  # type: ignore[no-any-return]


def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *,
                generator: Generator | None = None, out: Any = None) -> Tensor:
    """Indices with probability proportional to ``input`` along its last axis."""
    return (generator or default_generator()).multinomial(  # type: ignore[no-any-return]
        input, operator.index(num_samples), replacement)


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Counts with these expectations."""
    return (generator or default_generator()).poisson(input)  # type: ignore[no-any-return]
