"""Loops and choices written as Python functions that use what is in sight."""

from __future__ import annotations

import numpy as np
import pytest

from tricord.autodiff import gradients
from tricord.errors import ArgumentError
from tricord.functions.control import cond, scan, while_loop
from tricord.ir.dtypes import bool_, float64
from tricord.ir.graph import make_input
from tricord.ir.ops import elementwise as ew
from tricord.ir.shapes import tensor_type
from tricord.runtime.interpreter import Interpreter

SCALAR = tensor_type((), float64)


def scalars(count):
    return [make_input(i, SCALAR, True) for i in range(count)]


def value_and_gradients(out, inputs, *values):
    grads = gradients([out], [ew.scalar_like(1, out)], inputs)
    return [float(v) for v in Interpreter([out, *grads])([np.array(v) for v in values])]


def test_outside_nodes_get_gradients():
    a, c = scalars(2)
    [last], _ = scan(lambda carry, _: ([carry[0] * ew.exp(a)], []), [c], length=3)
    value, da, dc = value_and_gradients(last, [a, c], 0.5, 2.0)
    assert value == pytest.approx(2 * np.exp(1.5))
    assert (da, dc) == pytest.approx((6 * np.exp(1.5), np.exp(1.5)))


def test_what_does_not_depend_on_the_arguments_moves_out_of_the_body():
    a, c = scalars(2)
    [last], _ = scan(lambda carry, _: ([carry[0] * ew.exp(a)], []), [c], length=3)
    body = last.parents[0].params.body
    assert [n.op.name for n in last.parents[0].parents] == ["exp", "input"]
    assert len(body.inputs) == 2


def test_an_inner_function_tells_its_arguments_from_the_outer_ones():
    a, c = scalars(2)

    def outer(carry, _):
        def inner(state, _):
            return [state[0] * carry[0] + a], []

        [result], _ = scan(inner, [carry[0] + 1], length=2)
        return [result], []

    [last], _ = scan(outer, [c], length=2)

    def by_hand(a, c):
        for _ in range(2):
            state = c + 1
            for _ in range(2):
                state = state * c + a
            c = state
        return c

    value, da, dc = value_and_gradients(last, [a, c], 0.3, 0.7)
    step = 1e-6
    assert value == pytest.approx(by_hand(0.3, 0.7))
    assert da == pytest.approx((by_hand(0.3 + step, 0.7) - by_hand(0.3 - step, 0.7)) / 2 / step)
    assert dc == pytest.approx((by_hand(0.3, 0.7 + step) - by_hand(0.3, 0.7 - step)) / 2 / step)


def test_the_branches_of_a_choice_may_use_different_nodes():
    a, b, x = scalars(3)
    p = make_input(3, tensor_type((), bool_))
    [out] = cond(p, lambda x: x * a, lambda x: x * b * b, x)
    assert value_and_gradients(out, [a, b, x], 2.0, 3.0, 5.0, True) == [10, 5, 0, 2]
    assert value_and_gradients(out, [a, b, x], 2.0, 3.0, 5.0, False) == [45, 0, 30, 9]


def test_a_while_loop_uses_nodes_from_outside():
    a, x = scalars(2)
    [out] = while_loop(lambda x: x < 100, lambda x: x * a, [x], max_iterations=20)
    value, da, dx = value_and_gradients(out, [a, x], 2.0, 3.0)
    assert (value, dx) == (192, 64)
    assert da == pytest.approx(6 * 3 * 2.0 ** 5)


def test_a_carry_that_comes_out_another_number_is_refused():
    [c] = scalars(1)
    with pytest.raises(ArgumentError, match="takes 1 carries and gives 2"):
        scan(lambda carry, _: ([carry[0], carry[0]], []), [c], length=2)
