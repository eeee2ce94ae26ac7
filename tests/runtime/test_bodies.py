"""Graphs inside control primitives, compiled (tests/compiler/test_samples.py runs them all)."""

from __future__ import annotations

import numpy as np

from tricord.ir.dtypes import float32
from tricord.ir.graph import Graph
from tricord.ir.ops.contraction import dot_general
from tricord.ir.ops.elementwise import tanh
from tricord.ir.ops.structural import constant
from tricord.ir.shapes import tensor_type
from tricord.runtime.bodies import CompiledBody
from tricord.runtime.compiled import CompiledProgram


def test_what_depends_on_fixed_inputs_alone_is_computed_at_the_start():
    def body(w, b, h, x):
        return tanh(dot_general(h, w * 0.5, ((0,), (0,))) + b + x), h

    types = [tensor_type(s, float32) for s in ((3, 3), (3,), (3,), (3,))]
    graph = Graph.trace(body, types)
    made = []

    def compiled(outputs):
        made.append(len(outputs))
        return CompiledProgram(outputs)

    program = CompiledBody(graph.outputs, graph.inputs, 2, compiled)
    rng = np.random.default_rng(0)
    w, b, h, x = (rng.standard_normal(t.shape).astype(np.float32) for t in types)
    started = program.start([w, b])
    assert made[0] >= 1 and len(made) == 2 and any(
        np.array_equal(np.asarray(s), w * np.float32(0.5)) for s in started)
    for _ in range(3):
        new, old = program.step(started, [h, x])
        np.testing.assert_allclose(new, np.tanh(h @ (w * 0.5) + b + x), rtol=1e-5)
        np.testing.assert_array_equal(old, h)
        h = np.array(new)


def test_a_body_may_give_back_its_inputs_and_constants():
    graph = Graph.trace(lambda a, b: (b, a, constant(2.0, float32), a),
                        [tensor_type((2,), float32)] * 2)
    program = CompiledBody(graph.outputs, graph.inputs, 1, CompiledProgram)
    a, b = np.array([1, 2], np.float32), np.array([3, 4], np.float32)
    found = program([a, b])
    assert [np.asarray(f).tolist() for f in found] == [[3, 4], [1, 2], 2.0, [1, 2]]
