"""Small graphs that once were compiled wrongly, each named after what was wrong."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.compiler.graph_maker import Case
from tests.compiler.helpers import RUNNABLE
from tests.compiler.random_graphs import complaint
from tricord import settings
from tricord.ir.dtypes import as_dtype, bool_
from tricord.ir.graph import make_input
from tricord.ir.ops import elementwise as ew
from tricord.ir.ops import movement as mv
from tricord.ir.ops.contraction import dot_general
from tricord.ir.ops.dynamic_slice import dynamic_slice, dynamic_update_slice
from tricord.ir.ops.reduce import reduce_max, reduce_sum
from tricord.ir.ops.structural import constant
from tricord.ir.shapes import tensor_type

FLOAT, HALF, BRAIN, INT = (as_dtype(n) for n in ("float32", "float16", "bfloat16", "int32"))


class Graph:
    """Inputs and arrays as they are asked for."""

    def __init__(self):
        self.rng = np.random.default_rng(11)
        self.arrays = []

    def input(self, *shape, dtype=FLOAT, value=None):
        value = self.rng.standard_normal(shape) * 3 if value is None else value
        self.arrays.append(np.asarray(value).astype(dtype.numpy).reshape(shape))
        return make_input(len(self.arrays) - 1, tensor_type(shape, dtype))

    def check(self, *outputs):
        wrong = complaint(Case(0, list(outputs), self.arrays))
        assert not wrong, wrong


@pytest.fixture
def g():
    return Graph()


@pytest.mark.parametrize("target", RUNNABLE)
@pytest.mark.parametrize("narrow", ["int16", "int8", "bool", "float16", "bfloat16"])
@pytest.mark.parametrize("columns", [17, 33, 65])
def test_one_lane_left_over_of_a_narrower_type(g, target, narrow, columns):
    x = g.input(2, 3, columns)
    with settings.override(target=target):
        g.check(reduce_max(x, axes=(1,)), ew.cast(ew.absolute(x), as_dtype(narrow)))


@pytest.mark.parametrize("move", [
    lambda x: mv.slice_(x, (2, 1), (33, 3)), lambda x: mv.flip(x, axes=(1,)),
    lambda x: mv.transpose(x, (1, 0)), lambda x: mv.broadcast(x, (2, 33, 3), (1, 2)),
    lambda x: ew.negative(x)])
@pytest.mark.parametrize("follow", [lambda x: x, lambda x: reduce_max(x, axes=(0,)), ew.exp])
def test_a_reshape_that_no_index_describes(g, move, follow):
    x = move(g.input(33, 3))
    g.check(follow(mv.reshape(x, (x.size,))), x)


def test_a_slice_of_nothing_of_a_product(g):
    y = ew.maximum(dot_general(g.input(13, 8), g.input(8, 1), ((1,), (0,))), g.input(13, 1))
    g.check(mv.slice_(y, (10, 1), (13, 1)))


@pytest.mark.parametrize("sizes", [(11, 0, 5), (0, 4, 5), (3, 4, 0), (0, 0, 0)])
@pytest.mark.parametrize("dtype", [FLOAT, HALF, INT])
def test_products_of_empty_operands(g, sizes, dtype):
    m, k, n = sizes
    y = dot_general(g.input(2, m, k, dtype=dtype), g.input(n, k, dtype=dtype), ((2,), (1,)))
    g.check(y, reduce_sum(y, (0, 2)))


@pytest.mark.parametrize("dtype", [HALF, BRAIN])
@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 33)])
def test_narrow_floats_through_memory_and_registers(g, dtype, shape):
    x, y = g.input(*shape, dtype=dtype), g.input(*shape, dtype=dtype)
    less = ew.less(x, y)
    g.check(ew.where(less, x, x * y), ew.negative(x), x + 1.5,
            reduce_sum(x, tuple(range(len(shape)))), less)


@pytest.mark.parametrize("dtype", [HALF, BRAIN])
def test_products_of_narrow_floats_sum_in_float32(g, dtype):
    x = g.input(5, 300, dtype=dtype, value=np.ones((5, 300)))
    w = g.input(300, 7, dtype=dtype, value=np.full((300, 7), 2.0))
    wide = g.input(3, 40, dtype=dtype)
    g.check(dot_general(x, w, ((1,), (0,))) * 0.5, dot_general(wide, wide, ((1,), (1,))))


@pytest.mark.parametrize("value", [[1, 2], [[0.5], [-0.0]], True, np.zeros((0, 3))])
def test_constants_that_are_results(g, value):
    array = np.asarray(value)
    node = constant(array, as_dtype(array.dtype))
    g.check(node, node, ew.equal(node, node))


def test_a_copy_in_the_epilogue_of_a_product(g):
    y = dot_general(g.input(6, 5), g.input(5, 6), ((1,), (0,)))
    g.check(y + mv.transpose(y, (1, 0)), mv.flip(y, axes=(0,)))


def test_a_product_whose_result_is_read_under_another_shape(g):
    y = dot_general(g.input(2), g.input(3), ((), ()))
    g.check(y, mv.reshape(y, (6,)), mv.reshape(y, (3, 2)))


def test_groups_that_depend_on_each_other_are_not_merged(g):
    true = mv.broadcast(constant(True, bool_), (1, 1), ())
    starts = [g.input(dtype=INT, value=0) for _ in range(2)]
    box = dynamic_slice(ew.not_equal(true, true), starts, (1, 1))
    chosen = ew.where(ew.not_equal(true, true), true, box)
    g.check(true, reduce_sum(ew.cast(chosen, INT), (0,)))


@pytest.mark.parametrize("box", [(1, 1), (3, 2)])
def test_a_box_of_one_number_is_written(g, box):
    starts = [g.input(dtype=INT, value=v) for v in (1, 7)]
    updates = mv.broadcast(constant(1.0, FLOAT), box, ())
    g.check(dynamic_update_slice(g.input(3, 8), updates, starts))


SPECIAL = [0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 1e-42, -3.5, 3e38]
IDENTITIES = {
    "x + n": lambda x, n: x + n, "n + x": lambda x, n: n + x, "x - n": lambda x, n: x - n,
    "n - x": lambda x, n: n - x, "x * n": lambda x, n: x * n, "n * x": lambda x, n: n * x,
    "x / n": lambda x, n: x / n, "n / x": lambda x, n: n / x,
    "max": ew.maximum, "min": ew.minimum, "where": lambda x, n: ew.where(ew.less(x, n), x, x),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_what_is_simplified_keeps_every_bit(g, name):
    x = g.input(len(SPECIAL), value=SPECIAL)
    numbers = [mv.broadcast(constant(v, FLOAT), x.shape, ()) for v in SPECIAL]
    outputs = [IDENTITIES[name](x, n) for n in numbers]
    outputs += [IDENTITIES[name](n, m) for n, m in itertools.product(numbers, numbers)]
    with settings.override(denormals="keep"):
        g.check(*outputs, ew.negative(ew.negative(x)))
