"""scan, cond, while_loop and call beyond what the sweep over all records checks."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tricord.autodiff import batch_graph, gradients, push_forward
from tricord.ir.dtypes import as_dtype, bool_, float32, float64, int32
from tricord.ir.graph import Graph, make_input, toposort
from tricord.ir.ops import elementwise as ew
from tricord.ir.ops.contraction import dot_general
from tricord.ir.ops.control import call, cond, merge_scans, scan, while_loop
from tricord.ir.ops.movement import broadcast
from tricord.ir.ops.reduce import reduce_sum
from tricord.ir.ops.structural import constant
from tricord.ir.shapes import TensorType, tensor_type
from tricord.ir.verifier import verify
from tricord.runtime.interpreter import Interpreter


def inputs_for(*arrays, first=0):
    return [make_input(first + i, TensorType(a.shape, as_dtype(a.dtype)),
                       a.dtype.kind == "f") for i, a in enumerate(arrays)]


def run(nodes, *arrays):
    verify(nodes)
    return Interpreter(nodes)(arrays)


def count(nodes, name):
    return sum(n.op.name == name for n in toposort(nodes))


def random(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(s) for s in shapes]


def recurrent_step(w, u, b, h, x):
    """One step of a plain recurrent layer: (features, hidden) weights, batch first."""
    z = dot_general(x, w, ((1,), (0,))) + dot_general(h, u, ((1,), (0,)))
    new = ew.tanh(z + broadcast(b, z.shape, (1,)))
    return new, new


def recurrent_layer(steps=5, batch=2, features=3, hidden=4):
    arrays = random((features, hidden), (hidden, hidden), (hidden,), (batch, hidden),
                    (steps, batch, features))
    w, u, b, h, xs = inputs_for(*arrays)
    types = [n.type for n in (w, u, b, h)] + [tensor_type((batch, features), float64)]
    body = Graph.trace(recurrent_step, types)
    carry, ys = scan(body, [w, u, b], [h], [xs])
    return arrays, [w, u, b, h, xs], carry[0], ys[0]


def unrolled_layer(inputs, steps):
    w, u, b, h, xs = inputs
    from_slices = []
    for t in range(steps):
        x = reduce_sum(xs * one_hot(steps, t, xs.shape), (0,))
        h, _ = recurrent_step(w, u, b, h, x)
        from_slices.append(h)
    return h, from_slices


def one_hot(size, index, shape):
    return broadcast(constant(np.eye(size)[index], float64), shape, (0,))


def test_a_recurrent_layer_and_its_gradients_equal_the_unrolled_ones():
    arrays, inputs, last, ys = recurrent_layer()
    h, each = unrolled_layer(inputs, 5)
    np.testing.assert_allclose(run([last], *arrays)[0], run([h], *arrays)[0])

    weights = np.random.default_rng(1).standard_normal(ys.shape)
    seed = make_input(9, ys.type)
    found = gradients([ys, last], [seed, last], inputs)
    seeds = [reduce_sum(seed * one_hot(5, t, seed.shape), (0,)) for t in range(5)]
    expected = gradients([*each, h], [*seeds, h], inputs)
    slots = [*arrays, *[None] * 4, weights]
    for f, e in zip(run(found, *slots), run(expected, *slots), strict=True):
        np.testing.assert_allclose(f, e, rtol=1e-10, atol=1e-12)


def test_the_forward_scan_runs_once_when_values_and_gradients_are_wanted():
    _, inputs, _, ys = recurrent_layer()
    loss = reduce_sum(ys * ys, (0, 1, 2))
    found = gradients([loss], [ew.scalar_like(1, loss)], inputs)
    assert count([loss, *found], "scan") == 3
    assert count(merge_scans([loss, *found]), "scan") == 2


def test_weight_gradients_of_a_scan_are_one_product_outside():
    _, inputs, _, ys = recurrent_layer()
    found = gradients([ys], [ys], inputs[:3])
    [backward] = [n for n in toposort(found) if n.op.name == "scan" and n.params.reverse]
    # Inside, the cotangents of state and slice are products; w and u get theirs outside.
    assert count(backward.params.body.outputs, "dot") == 2
    assert count(found, "dot") == 2


def test_what_cheap_arithmetic_gives_back_is_not_kept():
    scalar = tensor_type((), float64)
    body = Graph.trace(lambda c, x: ew.logistic(c) * ew.tanh(x), [scalar] * 2)
    start, xs = inputs_for(np.array(0.5), np.ones(3))
    carry, _ = scan(body, [], [start], [xs])
    found = gradients(carry, [carry[0]], [start, xs])
    [forward] = [n for n in toposort(merge_scans([*carry, *found]))
                 if n.op.name == "scan" and not n.params.reverse]
    # The derivatives want s, s * (1 - s), t, 1 - t * t; s = logistic and t = tanh make them all.
    assert [o.op.name for o in forward.params.body.outputs[1:]] in (
        ["logistic", "tanh"], ["tanh", "logistic"])


def test_what_depends_on_constants_alone_is_computed_once():
    body = Graph.trace(lambda w, c, x: (c * ew.exp(w) + x,), [tensor_type((3,), float64)] * 3)
    arrays = random((3,), (3,), (4, 3))
    ws, c, xs = inputs_for(*arrays)
    carry, _ = scan(body, [ws], [c], [xs])
    found = gradients(carry, [carry[0]], [ws])
    backward = [n for n in toposort(found) if n.op.name == "scan" and n.params.reverse]
    assert count(backward[0].params.body.outputs, "exp") == 0


def test_scan_inside_scan_differentiates_twice():
    scalar = tensor_type((), float64)
    inner = Graph.trace(lambda a, c, x: (ew.sin(c * a) + x,), [scalar] * 3)

    def outer_body(a, c, row):
        [c2], _ = scan(inner, [a], [c], [row])
        return c2, c2 * a

    outer = Graph.trace(outer_body, [scalar, scalar, tensor_type((3,), float64)])
    arrays = random((), (), (2, 3))
    a, c, xs = inputs_for(*arrays)
    [last], [ys] = scan(outer, [a], [c], [xs])
    loss = last * last + reduce_sum(ys, (0,))
    one = ew.scalar_like(1, loss)
    [first] = gradients([loss], [one], [a])
    [second] = gradients([first], [one], [a])

    def at(value):
        return run([loss, first, second], value, *arrays[1:])

    step = 1e-5
    _, g, h = at(arrays[0])
    (up, gup, _), (down, gdown, _) = at(arrays[0] + step), at(arrays[0] - step)
    np.testing.assert_allclose(g, (up - down) / (2 * step), rtol=1e-6)
    np.testing.assert_allclose(h, (gup - gdown) / (2 * step), rtol=1e-6)


def test_carries_that_are_not_differentiable_pass_through():
    types = [tensor_type((), int32), tensor_type((), float64)]
    body = Graph.trace(lambda i, c: (i + 1, c * c * ew.cast(i, float64)), types)
    i, c = np.int32(1).reshape(()), np.array(1.3)
    ni, nc = inputs_for(i, c)
    carry, _ = scan(body, [], [ni, nc], [], length=2)
    found = gradients([carry[1]], [ew.scalar_like(1, carry[1])], [nc])
    np.testing.assert_allclose(run(found, i, c)[0], 2 * 4 * 1.3 ** 3)


# ---- cond

def branches():
    one = [tensor_type((2,), float64)]
    return Graph.trace(lambda x: x * x, one), Graph.trace(lambda x: ew.log(x), one)


def test_cond_computes_only_the_branch_it_takes():
    x = np.array([-1.0, 2.0])
    square, log = branches()
    p, n = inputs_for(np.array(True), x)
    [out] = cond(p, square, log, [n])
    [grad] = gradients([out], [ew.scalar_like(1, out)], [n])
    np.testing.assert_allclose(run([grad], np.array(True), x)[0], 2 * x)
    np.testing.assert_allclose(run([grad], np.array(False), np.abs(x))[0], 1 / np.abs(x))


def test_a_batched_predicate_selects_per_example():
    square, log = branches()
    p, n = inputs_for(np.array(True), np.ones(2))
    outputs = cond(p, square, log, [n])
    chosen, xs = np.array([True, False, True]), np.abs(random((3, 2))[0])
    stands = dict(zip([p, n], inputs_for(chosen, xs, first=5), strict=True))
    slots = [None] * 5 + [chosen, xs]
    found = run(batch_graph(outputs, stands, 3), *slots)[0]
    np.testing.assert_allclose(found, np.where(chosen[:, None], xs * xs, np.log(xs)))


# ---- while_loop

def newton(max_iterations=None):
    """The square root of a, until it is right."""
    scalar = tensor_type((), float64)
    condition = Graph.trace(lambda a, x: ew.absolute(x * x - a) > 1e-9, [scalar] * 2)
    body = Graph.trace(lambda a, x: (x + a / x) * 0.5, [scalar] * 2)
    a, x = inputs_for(np.array(2.0), np.array(1.0))
    return a, x, while_loop(condition, body, [a], [x], max_iterations)[0]


@pytest.mark.parametrize("max_iterations", [None, 30])
def test_the_derivative_of_an_iteration_is_that_of_its_limit(max_iterations):
    a, _, root = newton(max_iterations)
    [grad] = gradients([root], [ew.scalar_like(1, root)], [a])
    tangent = push_forward([root], {a: ew.scalar_like(1, a)})[0]
    for value in (2.0, 9.0, 0.3):
        found = run([root, grad, tangent], np.array(value), np.array(1.0))
        np.testing.assert_allclose(found, [np.sqrt(value), *[0.5 / np.sqrt(value)] * 2], rtol=1e-7)


def test_a_batched_while_loop_stops_for_each_example_at_its_own_time():
    a, _, root = newton()
    values = np.array([2.0, 1e4, 1.0])
    stands = {a: make_input(5, tensor_type((3,), float64))}
    slots = [None, np.array(1.0), None, None, None, values]
    found = run(batch_graph([root], stands, 3), *slots)[0]
    for v, f in zip(values, found, strict=True):
        [alone] = run([root], np.array(v), np.array(1.0))
        assert f == alone


def test_a_while_loop_stops_at_max_iterations():
    one = [tensor_type((), int32)]
    forever = Graph.trace(lambda c: ew.greater_equal(c, c), one)
    body = Graph.trace(lambda c: c + 1, one)
    [c] = inputs_for(np.int32(0).reshape(()))
    assert run(while_loop(forever, body, [], [c], 7), np.array(0, np.int32)) == [7]
    assert forever.output_types[0].dtype is bool_


# ---- call, cost, errors

def test_a_call_is_computed_again_in_the_backward_pass():
    types = [tensor_type((3,), float64)]
    body = Graph.trace(lambda x: ew.exp(ew.sin(x)), types)
    x = random((3,))[0]
    [n] = inputs_for(x)
    [out] = call(body, [n])
    [grad] = gradients([out], [ew.scalar_like(1, out)], [n])
    assert {m.op.name for m in toposort([grad])} == {"call", "pick", "input", "broadcast",
                                                     "constant"}
    np.testing.assert_allclose(run([grad], x)[0], np.exp(np.sin(x)) * np.cos(x))


def test_a_body_that_reaches_outside_is_refused():
    x, free = make_input(0, tensor_type((), float32)), make_input(1, tensor_type((), float32))
    with pytest.raises(ValueError, match="uses float32\\[\\] from outside"):
        scan(Graph((x,), (x + free,)), [], [x], [], length=2)


def test_a_step_of_a_scan_costs_little_beside_its_arithmetic():
    types = [tensor_type((4,), float32)] * 2

    def ten(c, x):
        for _ in range(5):
            c = c * x + x
        return c

    arrays = [a.astype(np.float32) * 0.1 for a in random((4,), (2000, 4))]
    c, xs = inputs_for(*arrays)
    carry, _ = scan(Graph.trace(ten, types), [], [c], [xs])
    program = Interpreter(carry)
    program(arrays)

    def best(function):
        times = []
        for _ in range(5):
            start = time.perf_counter()
            function()
            times.append(time.perf_counter() - start)
        return min(times)

    def by_hand():
        value = arrays[0]
        for x in arrays[1]:
            for _ in range(5):
                with np.errstate(all="ignore"):
                    value = value * x
                with np.errstate(all="ignore"):
                    value = value + x

    overhead = (best(lambda: program(arrays)) - best(by_hand)) / 2000
    assert overhead < 60e-6  # about 8 us on an idle machine; the bound allows for a busy one
