"""Matrix products of every way, against numpy in a wider type, on any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

from tests.compiler.helpers import RUNNABLE, compiled
from tricord.compiler.kernels.matmul import Matrix, matmul
from tricord.compiler.kernels.matmul_columns import ColumnsMatmul
from tricord.compiler.target import TARGETS
from tricord.ir.dtypes import as_dtype
from tricord.ir.graph import make_input
from tricord.ir.node import Node
from tricord.ir.ops import elementwise as ew
from tricord.ir.ops.contraction import dot_general
from tricord.ir.ops.movement import broadcast, transpose
from tricord.ir.shapes import tensor_type

#: Rows, columns, inner: small, odd, one over and one under what fills vectors, panels and blocks.
SIZES = [(1, 1, 1), (1, 300, 40), (3, 2, 700), (14, 1000, 40), (15, 31, 33), (60, 300, 70),
         (57, 512, 65), (100, 257, 33), (129, 129, 129), (200, 260, 3), (70, 40, 300),
         (60, 520, 1024)]
LAYOUTS = ["NN", "NT", "TN", "TT"]


def product(m: int, n: int, k: int, layout: str, dtype: str, batch: int = 0,
            ) -> tuple[Node, list[np.ndarray], np.ndarray]:
    """A product of operands that lie in memory as the layout says, its arrays, and its exact
    value."""
    rng = np.random.default_rng([m, n, k])
    lead = (batch,) if batch else ()
    arrays, operands, exact = [], [], []
    for slot, (rows, columns) in enumerate([(m, k), (k, n)]):
        turned = layout[slot] == "T"
        shape = (*lead, columns, rows) if turned else (*lead, rows, columns)
        array = (rng.standard_normal(shape) * 4).astype(dtype)
        x = make_input(slot, tensor_type(shape, as_dtype(dtype)))
        order = (*range(len(lead)), len(lead) + 1, len(lead))
        arrays.append(array)
        operands.append(transpose(x, order) if turned else x)
        wide = array.astype(np.longdouble if array.dtype.kind == "f" else np.int64)
        exact.append(wide.transpose(order) if turned else wide)
    b = tuple(range(len(lead)))
    y = dot_general(*operands, ((len(lead) + 1,), (len(lead),)), (b, b))
    return y, arrays, exact[0] @ exact[1]


def assert_close(found: np.ndarray, exact: np.ndarray, k: int) -> None:
    if found.dtype.kind != "f":
        np.testing.assert_array_equal(found, exact.astype(found.dtype))
        return
    bound = 4 * np.finfo(found.dtype).eps * k * 16
    np.testing.assert_allclose(found, exact.astype(float), rtol=0, atol=float(bound))


@pytest.mark.parametrize("target", RUNNABLE)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_layout_and_size(size, layout, target):
    y, arrays, exact = product(*size, layout, "float32")
    one, two = (compiled([y], arrays, target=target, threads=t)[0] for t in (1, 2))
    assert_close(one, exact, size[2])
    assert one.tobytes() == two.tobytes()


@pytest.mark.parametrize("dtype", ["float64", "int32", "int64"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("batch", [0, 3])
def test_other_types_and_batches(dtype, layout, batch):
    for size in ((40, 290, 37), (7, 5, 90)):
        y, arrays, exact = product(*size, layout, dtype, batch)
        assert_close(compiled([y], arrays)[0], exact, size[2])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_follows_a_product_is_computed_on_its_tiles(layout):
    m, n, k = 90, 300, 65
    y, arrays, exact = product(m, n, k, layout, "float32")
    bias = np.linspace(-30, 30, n, dtype=np.float32)
    b = make_input(2, tensor_type((n,), as_dtype("float32")))
    y = y + broadcast(b, (m, n), (1,))
    node = ew.maximum(y, y * 0.5)
    exact = exact + bias
    assert_close(compiled([node], [*arrays, bias])[0], np.maximum(exact, exact / 2), k)


@pytest.mark.parametrize("target", RUNNABLE)
def test_the_sizes_above_go_every_way(target):
    found = set()
    for m, n, k in SIZES:
        for layout in LAYOUTS:
            strides = [(1, rows) if turned == "T" else (columns, 1) for turned, rows, columns in (
                (layout[0], m, k), (layout[1], k, n))]
            kernel = matmul(m, n, k, Matrix("float", *strides[0]), Matrix("float", *strides[1]),
                            "float", TARGETS[target])
            found.add((kernel.packs_left, kernel.packs_right, kernel.asks) if isinstance(
                kernel, ColumnsMatmul) else "inner")
    assert found >= {"inner", (False, "", False), (False, "before", False), (False, "here", True),
                     (True, "here", True)}
