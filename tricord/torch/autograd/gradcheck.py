"""``gradcheck``: analytical gradients against finite differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import GradientError
from ...tensor import recording_gradients, wrap
from ...tensor.handle import Handle
from ...tensor.recorder import value_of
from . import functional

__all__ = ["gradcheck", "gradgradcheck"]


def gradcheck(func: Callable[..., Any], inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5,
              rtol: float = 1e-3, raise_exception: bool = True, nondet_tol: float = 0.0,
              check_undefined_grad: bool = True, check_grad_dtypes: bool = False,
              check_batched_grad: bool = False, check_batched_forward_grad: bool = False,
              check_forward_ad: bool = False, check_backward_ad: bool = True,
              fast_mode: bool = False, masked: bool | None = None) -> bool:
    """Whether the gradients of ``func`` agree with central differences of width ``eps``.

    Real inputs that require a gradient are checked; they should be float64.

    Raises:  GradientError naming the output and the input that disagree, unless told otherwise
    """
    args = (inputs,) if isinstance(inputs, Handle) else tuple(inputs)
    checked = [i for i, a in enumerate(args) if isinstance(a, Handle) and a.requires_grad]
    if not checked:
        raise GradientError("gradcheck expects at least one input tensor to require gradient, but "
                            "none of the them have requires_grad=True.")

    def of_checked(*values: Any) -> tuple[Any, ...]:
        filled = list(args)
        for i, v in zip(checked, values, strict=True):
            filled[i] = v
        result = func(*filled)
        outputs = (result,) if isinstance(result, Handle) else tuple(result)
        return tuple(o for o in outputs if o.dtype.is_inexact)

    points = tuple(args[i].detach() for i in checked)
    with recording_gradients(True):
        rows, _ = functional.matrices(of_checked, points)
    analytical = [[value_of(m) for m in row] for row in rows]
    for k, at in enumerate(checked):
        numerical = _differences(of_checked, points, k, eps)
        for o, expected in enumerate(numerical):
            got = analytical[o][k].reshape(expected.shape)
            if not np.allclose(got, expected, rtol, atol):
                if raise_exception:
                    raise GradientError(f"gradcheck: Jacobian mismatch for output {o} with respect "
                                        f"to input {at},\nnumerical:{expected}\nanalytical:{got}")
                return False
    return True


def _differences(function: Callable[..., Any], points: tuple[Any, ...], k: int,
                 eps: float) -> list[np.ndarray[Any, Any]]:
    """Columns by moving one element of one input at a time; (outputs, inputs) per output."""
    start = value_of(points[k])
    columns: list[list[np.ndarray[Any, Any]]] = []
    for element in range(start.size):
        sides = []
        for step in (eps, -eps):
            moved = start.copy()
            moved.reshape(-1)[element] += step
            values = [wrap(moved) if i == k else p for i, p in enumerate(points)]
            with recording_gradients(False):
                sides.append([value_of(o) for o in function(*values)])
        columns.append([(a - b).reshape(-1) / (2 * eps)
                        for a, b in zip(sides[0], sides[1], strict=True)])
    return [np.stack(list(column), axis=1) for column in zip(*columns, strict=True)]


def gradgradcheck(func: Callable[..., Any], inputs: Any, grad_outputs: Any = None, **options: Any,
                  ) -> bool:
    """`gradcheck` of the gradient of the sum of ``func``'s outputs."""
    args = (inputs,) if isinstance(inputs, Handle) else tuple(inputs)
    checked = [i for i, a in enumerate(args) if isinstance(a, Handle) and a.requires_grad]

    def first(*values: Any) -> tuple[Any, ...]:
        def total(*some: Any) -> Any:
            filled = list(values)
            for i, v in zip(checked, some, strict=True):
                filled[i] = v
            result = func(*filled)
            outputs = (result,) if isinstance(result, Handle) else tuple(result)
            sums = [o.sum() for o in outputs]  # type: ignore[attr-defined]
            return sums[0] if len(sums) == 1 else sum(sums[1:], sums[0])

        _, gradients = functional.vjp(total, tuple(values[i] for i in checked), create_graph=True)
        return gradients if isinstance(gradients, tuple) else (gradients,)

    return gradcheck(first, args, **options)
