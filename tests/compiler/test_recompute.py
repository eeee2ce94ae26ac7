"""Which values are computed again where they are read, told by what programs store."""

from __future__ import annotations

import numpy as np
import pytest

from tests.compiler.helpers import native_and_numpy
from tricord.compiler.fusion import fuse
from tricord.compiler.recompute import recompute
from tricord.compiler.schedule import Step, schedule
from tricord.compiler.simplify import simplify
from tricord.compiler.verifier import verify_fusion
from tricord.ir.dtypes import float32
from tricord.ir.graph import make_input
from tricord.ir.node import Node
from tricord.ir.ops import elementwise as ew
from tricord.ir.ops.movement import broadcast
from tricord.ir.ops.reduce import reduce_max, reduce_sum
from tricord.ir.shapes import tensor_type

ROWS, COLUMNS = 90, 70


def given(slot: int, *shape: int) -> Node:
    return make_input(slot, tensor_type(shape, float32))


def along_rows(x: Node) -> Node:
    return broadcast(x, (ROWS, COLUMNS), (0,))


def steps(outputs: list[Node]) -> list[Step]:
    fusion = recompute(fuse(simplify(outputs)))
    verify_fusion(fusion)
    return schedule(fusion).steps


def stored(outputs: list[Node]) -> list[Node]:
    """Whole matrices that are written to memory, but for the outputs."""
    return [n for step in steps(outputs) for n in step.stored
            if n.shape == (ROWS, COLUMNS) and n not in outputs]


def agree(outputs: list[Node]) -> None:
    rng = np.random.default_rng(3)
    arrays = [rng.standard_normal((ROWS, COLUMNS)).astype(np.float32) for _ in range(2)]
    for found, expected in native_and_numpy(outputs, arrays):
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-4)


def centred() -> tuple[Node, Node]:
    """A matrix less the mean of each row, and that times a second one."""
    x, g = given(0, ROWS, COLUMNS), given(1, ROWS, COLUMNS)
    c = x - along_rows(reduce_sum(x, (1,)) * (1 / COLUMNS))
    return c, c * g


def test_sums_of_columns_repeat_what_rows_have_made():
    c, product = centred()
    outputs = [ew.exp(c), reduce_sum(product, (0,)), reduce_sum(given(1, ROWS, COLUMNS), (0,))]
    assert not stored(outputs)
    assert len(steps(outputs)) == 2, "both sums of columns read the same, and share their loops"
    agree(outputs)


def test_what_is_dear_is_stored():
    c, product = centred()
    tanh = ew.tanh(product)
    outputs = [ew.exp(c) + tanh, reduce_sum(tanh, (0,))]
    assert stored(outputs)
    agree(outputs)


def test_what_somebody_wants_in_memory_is_read_from_there():
    c, product = centred()
    outputs = [product, ew.exp(c), reduce_sum(product, (0,))]
    assert not stored(outputs)
    readers = [s for s in steps(outputs) if s.unit.axes == (0,)]
    assert [product in s.unit.leaves for s in readers] == [True]
    agree(outputs)


def test_much_memory_is_not_read_again_to_save_little():
    """A value of four matrices: to write and read it once is less."""
    matrices = [given(i, ROWS, COLUMNS) for i in range(4)]
    largest = along_rows(reduce_max(matrices[0], axes=(1,)))
    value = (matrices[0] - largest) + matrices[1] + (matrices[2] + matrices[3])
    outputs = [ew.exp(value), reduce_sum(value, (0,))]
    assert len(stored(outputs)) == 1


@pytest.mark.parametrize("reader", [reduce_sum, reduce_max])
def test_several_readers_of_one_value(reader):
    c, product = centred()
    outputs = [ew.exp(c), reader(product, axes=(0,)), reduce_sum(product * product, (0,))]
    assert not stored(outputs)
    agree(outputs)
