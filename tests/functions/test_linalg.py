"""Linear algebra against numpy, and derivatives of what the records do not cover alone."""

from __future__ import annotations

import numpy as np
import pytest

from tests.draws import spd, uniform
from tricord.autodiff import gradients
from tricord.errors import ArgumentError, DTypeError, GradientError, ShapeError, SingularMatrixError
from tricord.functions import linalg
from tricord.ir.dtypes import as_dtype
from tricord.ir.graph import make_input
from tricord.ir.ops import elementwise as ew
from tricord.ir.ops.reduce import reduce_sum
from tricord.ir.shapes import TensorType
from tricord.ir.verifier import verify
from tricord.runtime.interpreter import Interpreter


def nodes_for(*arrays):
    return [make_input(i, TensorType(a.shape, as_dtype(a.dtype)), a.dtype.kind in "fc")
            for i, a in enumerate(arrays)]


def run(function, *arrays, **keywords):
    arrays = [np.asarray(a) for a in arrays]
    found = function(*nodes_for(*arrays), **keywords)
    several = isinstance(found, tuple)
    outputs = list(found) if several else [found]
    verify(outputs)
    values = Interpreter(outputs)(arrays)
    return values if several else values[0]


def gradient(function, x):
    """Of the sum of ``function(x)``, and the same by central differences."""
    [node] = nodes_for(x)
    out = function(node)
    total = reduce_sum(out, range(out.ndim))
    program = Interpreter([total, *gradients([total], [ew.scalar_like(1, total)], [node])])
    numeric = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = 1e-6
        numeric[i] = (program([x + step])[0] - program([x - step])[0]) / 2e-6
    return program([x])[1], numeric


def double(*shape, seed=0):
    return uniform(*shape, dtype="float64", seed=seed)


# ---- products

@pytest.mark.parametrize(("left", "right"), [
    ((2, 3), (3, 4)), ((3,), (3,)), ((3,), (3, 4)), ((2, 3), (3,)), ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((6, 1, 2, 3), (5, 3, 4)), ((5, 2, 3), (3,)),
    ((3,), (5, 3, 4)), ((0, 3), (3, 2)), ((2, 0), (0, 2)), ((1, 2, 3), (5, 3, 4))])
def test_matmul_is_numpy_s(left, right):
    x, y = double(*left), double(*right, seed=1)
    np.testing.assert_allclose(run(linalg.matmul, x, y), x @ y, atol=1e-12)


def test_matmul_promotes_and_keeps_integers():
    x, y = np.arange(6).reshape(2, 3), np.arange(6, dtype=np.float32).reshape(3, 2)
    assert run(linalg.matmul, x, y).dtype == np.float32
    np.testing.assert_array_equal(run(linalg.matmul, x, x.T), x @ x.T)


def test_matmul_teaches():
    x, w = nodes_for(uniform(32, 784), uniform(10, 784))
    with pytest.raises(ShapeError) as caught:
        linalg.matmul(x, w)
    text = str(caught.value)
    assert text.startswith("matmul: inner sizes differ, left (32, 784) against right (10, 784)")
    assert "test_linalg.py" in text
    assert text.endswith("hint: right.T has shape (784, 10)")
    with pytest.raises(ShapeError, match=r"left\.T has shape \(784, 32\)"):
        linalg.matmul(*nodes_for(uniform(32, 784), uniform(32, 5)))
    with pytest.raises(ShapeError, match="0-d"):
        linalg.matmul(*nodes_for(uniform(), uniform(2, 2)))
    with pytest.raises(ShapeError, match="leading axes"):
        linalg.matmul(*nodes_for(uniform(2, 3, 3), uniform(4, 3, 3)))
    with pytest.raises(DTypeError, match="bool"):
        linalg.matmul(*nodes_for(np.ones((2, 2), bool), np.ones((2, 2), bool)))


@pytest.mark.parametrize("axes", [0, 1, 2, ((0, 2), (2, 0)), (1, -1), ((), ())])
def test_tensordot_is_numpy_s(axes):
    x = double(3, 3, 3)
    y = double(3, 3, 3, seed=1)
    np.testing.assert_allclose(run(linalg.tensordot, x, y, axes=axes), np.tensordot(x, y, axes))


def test_other_products_are_numpy_s():
    x, y = uniform(4, 3, dtype="complex128"), uniform(2, 4, 3, dtype="complex128", seed=1)
    np.testing.assert_allclose(run(linalg.vecdot, x, y), np.vecdot(x, y))
    np.testing.assert_allclose(run(linalg.vecdot, x, x, axis=0), np.vecdot(x, x, axis=0))
    np.testing.assert_allclose(run(linalg.inner, x, y), np.inner(x, y))
    np.testing.assert_allclose(run(linalg.outer, x[0], y[0, 0]), np.outer(x[0], y[0, 0]))
    np.testing.assert_allclose(run(linalg.kron, x, y), np.kron(x, y))
    np.testing.assert_allclose(run(linalg.cross, x, y), np.cross(x, y))
    np.testing.assert_allclose(run(linalg.cross, x.T, y[0].T, axis=0),
                               np.cross(x.T, y[0].T, axis=0))
    chain = [double(2, 30), double(30, 3, seed=1), double(3, 40, seed=2), double(40, seed=3)]
    np.testing.assert_allclose(run(linalg.multi_dot, *chain), np.linalg.multi_dot(chain))


@pytest.mark.parametrize(("call", "says"), [
    (lambda x: linalg.tensordot(x, x, 1), "do not pair"),
    (lambda x: linalg.vecdot(x, linalg.matrix_transpose(x)), "differ, 3 against 2"),
    (lambda x: linalg.cross(x, x, axis=0), "must have size 3"),
    (lambda x: linalg.multi_dot(x), "two factors"),
    (lambda x: linalg.det(x), "det: expected square"),
    (lambda x: linalg.solve(x, x), "solve: expected square"),
    (lambda x: linalg.qr(x, "raw"), "reduced or"),
    (lambda x: linalg.matrix_norm(x, 3), "matrix_norm: order"),
    (lambda x: linalg.matrix_power(x, 2), "matrix_power: expected square")])
def test_wrong_operands_are_refused(call, says):
    [x] = nodes_for(uniform(2, 3))
    with pytest.raises((ShapeError, ArgumentError), match=says):
        call(x)


# ---- einsum

EQUATIONS = [
    ("ij,jk->ik", [(2, 3), (3, 4)]), ("ij,jk", [(2, 3), (3, 4)]), ("ii->i", [(3, 3)]),
    ("ii", [(3, 3)]), ("ij->ji", [(2, 3)]), ("ij->", [(2, 3)]), ("i,j->ij", [(2,), (3,)]),
    ("bij,bjk->bik", [(5, 2, 3), (5, 3, 4)]), ("b...i,...ij->b...j", [(5, 2, 3), (2, 3, 4)]),
    ("...ij->...ji", [(5, 2, 3)]), ("ij,ij->i", [(2, 3), (2, 3)]), ("i,i,i->", [(3,)] * 3),
    ("ij,jk,kl,lm->im", [(2, 3), (3, 4), (4, 5), (5, 2)]), ("iij,jk->ik", [(2, 2, 3), (3, 4)]),
    ("bhqd,bhkd->bhqk", [(2, 3, 4, 5), (2, 3, 6, 5)]), ("ij,j->ij", [(2, 3), (3,)]),
    ("...,...->...", [(2, 3), (3,)]), ("ab,cb,db->acd", [(2, 3), (4, 3), (5, 3)]),
    ("iji->j", [(2, 3, 2)]), (",ij->ij", [(), (2, 3)]), ("ba", [(2, 3)]),
    ("...i,...i", [(4, 3), (1, 3)]), (" i j , j k -> k i ", [(2, 3), (3, 4)])]


@pytest.mark.parametrize(("equation", "shapes"), EQUATIONS)
def test_einsum_is_numpy_s(equation, shapes):
    arrays = [double(*s, seed=i) for i, s in enumerate(shapes)]
    found = run(lambda *n: linalg.einsum(*n, equation), *arrays)
    np.testing.assert_allclose(found, np.einsum(equation, *arrays), atol=1e-12)
    again = run(lambda *n: linalg.einsum(equation, *n), *arrays)
    np.testing.assert_array_equal(found, again)


def test_einsum_contracts_in_pairs():
    x, y, z = nodes_for(uniform(50, 2), uniform(2, 50), uniform(50, 2))
    # (x y) z needs a 50 x 50 intermediate; x (y z) a 2 x 2 one.
    out = linalg.einsum(x, y, z, "ij,jk,kl->il")
    assert {p.shape for p in out.parents} == {(50, 2), (2, 2)}


@pytest.mark.parametrize(("equation", "says"), [
    ("ij,jk->ik", "2 terms for 1"), ("i->i", "names 1 axes, its operand has 2"),
    ("ij->k", "'k' is in no operand"), ("ij->ii", "named twice"), ("i1->i", "not a letter"),
    ("ii->i", "sizes 2 and 3")])
def test_equations_that_cannot_be_are_refused(equation, says):
    [x] = nodes_for(uniform(2, 3))
    with pytest.raises((ArgumentError, ShapeError), match=says):
        linalg.einsum(x, equation)


# ---- factors and solutions

@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 4), (4, 2), (2, 3, 5), (0, 0), (0, 2, 2)])
def test_factors_give_the_matrix_back(shape):
    x = double(*shape)
    p, lower, upper = run(linalg.lu, x)
    np.testing.assert_allclose(p @ lower @ upper, x, atol=1e-12)
    assert np.abs(np.triu(lower, 1)).sum() == 0
    assert np.abs(lower).max(initial=0) <= 1
    if x.size:
        q, r = run(linalg.qr, x)
        np.testing.assert_allclose(q @ r, x, atol=1e-12)
        u, s, vh = run(linalg.svd, x, full_matrices=False)
        np.testing.assert_allclose(u * s[..., None, :] @ vh, x, atol=1e-12)
        assert run(linalg.svd, x)[0].shape == (*shape[:-1], shape[-2])


def test_solutions_solve():
    a, b = double(2, 4, 4), double(4, 3, seed=1)
    np.testing.assert_allclose(a @ run(linalg.solve, a, b), np.stack([b, b]))
    np.testing.assert_allclose(a @ run(linalg.inv, a), np.stack([np.eye(4)] * 2), atol=1e-10)
    v = double(4, seed=2)
    np.testing.assert_allclose(a[0] @ run(linalg.solve, a[0], v), v)
    for keywords in ({}, {"upper": True}, {"transposed": True}, {"unitriangular": True}):
        x = run(linalg.solve_triangular, a, b, **keywords)
        t = np.triu(a) if keywords.get("upper") else np.tril(a)
        if keywords.get("unitriangular"):
            t = t - t * np.eye(4) + np.eye(4)
        t = t.swapaxes(-1, -2) if keywords.get("transposed") else t
        np.testing.assert_allclose(t @ x, np.stack([b, b]), atol=1e-9)
    row = run(linalg.solve_triangular, a, b.T, left=False)
    np.testing.assert_allclose(row @ np.tril(a), np.stack([b.T, b.T]), atol=1e-9)
    tall = double(5, 3)
    expected = np.linalg.lstsq(tall, double(5), rcond=None)[0]
    np.testing.assert_allclose(run(linalg.lstsq, tall, double(5)), expected)
    p = spd(size=3, dtype="float64")
    factor = np.linalg.cholesky(p)
    np.testing.assert_allclose(p @ run(linalg.cholesky_solve, b[:3], factor), b[:3])
    np.testing.assert_allclose(run(linalg.cholesky, p, upper=True), factor.T)


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 3, 4, 4), (0, 0), (2, 0, 0)])
def test_determinants_are_numpy_s(shape):
    x = double(*shape)
    np.testing.assert_allclose(run(linalg.det, x), np.linalg.det(x), rtol=1e-10)
    for found, expected in zip(run(linalg.slogdet, x), np.linalg.slogdet(x), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_the_determinant_of_a_singular_matrix_is_zero():
    assert run(linalg.det, np.ones((3, 3))) == 0
    assert [float(v) for v in run(linalg.slogdet, np.zeros((2, 2)))] == [0, -np.inf]


@pytest.mark.parametrize("order", ["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_matrix_norms_are_numpy_s(order):
    x = double(2, 3, 4)
    for keep in (False, True):
        expected = np.linalg.norm(x, order, (-2, -1), keepdims=keep)
        np.testing.assert_allclose(run(linalg.matrix_norm, x, order=order, keepdims=keep), expected)


@pytest.mark.parametrize("order", [None, 2, -2, 1, np.inf, "fro"])
def test_condition_numbers_are_numpy_s(order):
    x = double(3, 3)
    np.testing.assert_allclose(run(linalg.cond, x, order=order), np.linalg.cond(x, order))


def test_ranks_powers_and_traces_are_numpy_s():
    x = double(4, 3) @ double(3, 4, seed=1)
    assert run(linalg.matrix_rank, x) == 3
    assert run(linalg.matrix_rank, x).dtype == np.int64
    np.testing.assert_allclose(run(linalg.pinv, x), np.linalg.pinv(x), atol=1e-9)
    y = double(3, 3)
    for n in (0, 1, 5, -2):
        np.testing.assert_allclose(run(linalg.matrix_power, y, exponent=n),
                                   np.linalg.matrix_power(y, n), rtol=1e-9)
    np.testing.assert_allclose(run(linalg.trace, x, offset=1), np.trace(x, 1))
    whole = np.arange(9).reshape(3, 3)
    np.testing.assert_array_equal(run(linalg.matrix_power, whole, exponent=3),
                                  np.linalg.matrix_power(whole, 3))


@pytest.mark.parametrize("function", [
    linalg.det, lambda x: linalg.slogdet(x)[1], linalg.inv, linalg.pinv, linalg.svdvals,
    lambda x: linalg.matrix_power(x, -2), lambda x: linalg.matrix_norm(x, "nuc"),
    lambda x: linalg.eigvalsh(x), lambda x: linalg.lu(x)[2], lambda x: linalg.cond(x)])
def test_derivatives_of_functions_of_a_matrix(function):
    found, numeric = gradient(function, double(3, 3))
    np.testing.assert_allclose(found, numeric, rtol=1e-5, atol=1e-7)


def test_the_norm_of_equal_singular_values_has_a_derivative():
    found, numeric = gradient(lambda x: linalg.matrix_norm(x, "nuc"), np.eye(3))
    np.testing.assert_allclose(found, numeric, atol=1e-6)


def test_singular_values_of_complex_matrices_have_a_derivative_and_vectors_say_no():
    [x] = nodes_for(uniform(3, 2, dtype="complex128"))
    u, s, _ = linalg.svd(x, full_matrices=False)
    [g] = gradients([s], [ew.scalar_like(1, s)], [x])
    value = uniform(3, 2, dtype="complex128")
    left, _, right = np.linalg.svd(value, full_matrices=False)
    np.testing.assert_allclose(Interpreter([g])([value])[0], left @ right)
    with pytest.raises(GradientError, match="complex singular vectors"):
        gradients([u], [u], [x])


@pytest.mark.parametrize(("function", "says"), [
    (linalg.inv, "singular"), (linalg.cholesky, "not positive definite")])
def test_matrices_that_have_no_inverse_are_named(function, says):
    with pytest.raises(SingularMatrixError, match=says) as caught:
        run(function, np.array([[1.0, 2.0], [2.0, 4.0]]) - 3 * np.eye(2) * (says != "singular"))
    assert "test_linalg.py" in str(caught.value)
