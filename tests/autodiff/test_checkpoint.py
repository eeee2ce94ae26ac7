"""A checkpoint changes what is kept, and nothing else."""

from __future__ import annotations

import numpy as np

from tricord.autodiff import batch_graph, checkpoint, gradients, push_forward
from tricord.ir.dtypes import float64
from tricord.ir.graph import make_input, toposort
from tricord.ir.ops import elementwise as ew
from tricord.ir.shapes import tensor_type
from tricord.runtime.interpreter import Interpreter

TYPE = tensor_type((3,), float64)


def setting():
    x, w = make_input(0, TYPE, True), make_input(1, TYPE, True)
    values = [np.array([0.3, -1.0, 2.0]), np.array([1.5, 0.2, -0.7])]

    def block(x):
        return ew.tanh(x * w) * ew.exp(x)

    return x, w, values, block


def test_values_and_gradients_are_those_of_the_plain_function():
    x, w, values, block = setting()
    plain, [kept] = block(x), checkpoint(block, x)
    for out in (gradients, push_forward):
        if out is gradients:
            a, b = (gradients([y], [ew.scalar_like(1, y)], [x, w]) for y in (plain, kept))
        else:
            a, b = (push_forward([y], {x: w}) for y in (plain, kept))
        for one, other in zip(Interpreter(a)(values), Interpreter(b)(values), strict=True):
            np.testing.assert_array_equal(one, other)


def test_nothing_inside_is_shared_between_forward_and_backward():
    x, w, _, block = setting()
    [out] = checkpoint(block, checkpoint(block, x)[0])
    found = gradients([out], [ew.scalar_like(1, out)], [x, w])
    assert not {n.op.name for n in toposort([out, *found])} & {"tanh", "exp"}


def test_second_derivatives_go_through_a_checkpoint():
    x, _, values, block = setting()
    seconds = []
    for y in (block(x), checkpoint(block, x)[0]):
        [first] = gradients([y], [ew.scalar_like(1, y)], [x])
        seconds += gradients([first], [ew.scalar_like(1, first)], [x])
    a, b = Interpreter(seconds)(values)
    np.testing.assert_allclose(a, b, rtol=1e-12)


def test_a_checkpoint_is_batched_by_its_body():
    x, _, values, block = setting()
    stands = {x: make_input(2, tensor_type((4, 3), float64))}
    xs = np.random.default_rng(0).standard_normal((4, 3))
    a, b = Interpreter(batch_graph([block(x), checkpoint(block, x)[0]], stands, 4))([*values, xs])
    np.testing.assert_array_equal(a, b)
