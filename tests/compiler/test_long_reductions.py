"""Long reductions in parts: digits, tasks, and what is fused with them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.compiler.helpers import compiled, native_and_numpy
from tests.ir.helpers import inputs
from tricord.ir.ops.elementwise import exp
from tricord.ir.ops.movement import broadcast
from tricord.ir.ops.reduce import reduce_sum
from tricord.ir.record import primitives
from tricord.runtime.compiled import CompiledProgram

RECORDS = {p.name: p for p in primitives()}
SHAPES = [((40_000,), (0,)), ((40_009,), (0,)), ((131_072,), (0,)), ((300, 200), (0, 1)),
          ((20_000, 3), (0, 1)), ((20_000, 3), (0,)), ((3, 20_011), (1,)), ((9000, 2, 5), (0, 2)),
          ((16, 8, 30, 31), (0, 2, 3)), ((16, 30, 31, 8), (0, 1, 2)), ((4, 9, 1000, 7), (1, 2)),
          ((2, 5000, 4), (1,)), ((1, 70_000, 1), (0, 1, 2))]


@pytest.mark.parametrize(("shape", "axes"), SHAPES)
def test_parts_give_what_the_whole_gives(shape, axes):
    rng = np.random.default_rng(3)
    x = rng.standard_normal(shape).astype(np.float32)
    whole = rng.integers(-9, 9, shape)
    node, other = inputs(x, whole)
    nodes = [RECORDS["reduce_sum"](node, axes=axes), RECORDS["reduce_max"](node, axes=axes),
             RECORDS["reduce_sum"](other, axes=axes), RECORDS["reduce_min"](other, axes=axes)]
    pairs = native_and_numpy(nodes, [x, whole])
    for found, expected in pairs[1:]:
        np.testing.assert_array_equal(found, expected)
    exact = x.sum(axis=axes, dtype=np.float64)
    assert np.abs(pairs[0][0] - exact).max() <= 2e-6 * np.abs(x).sum(axis=axes).max()


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_long_sum_keeps_its_digits(dtype):
    x = np.random.default_rng(0).uniform(7, 8, 30_000 if dtype == "float32" else 8300).astype(dtype)
    node, = inputs(x)
    total, = compiled([reduce_sum(node, (0,))], [x])
    exact = x.astype(np.float64).sum()
    limit = 3e-7 if dtype == "float32" else 5e-4
    assert abs(float(total) - exact) <= limit * exact or np.isinf(np.float16(exact))


def test_a_long_sum_is_many_tasks_and_stores_no_operand():
    x, b = np.ones((2000, 300), np.float32), np.ones(300, np.float32)
    node, bias = inputs(x, b)
    total = reduce_sum(exp(node + broadcast(bias, (2000, 300), (1,))), (0, 1))
    plan = CompiledProgram([total]).only.plan
    assert plan.kernels[0].tasks >= 100
    assert plan.arena_bytes <= 4 * 2000 + 64 and len(plan.kernels) <= 2
