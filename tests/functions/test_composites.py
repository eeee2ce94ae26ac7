"""Functions over nodes that the top-level namespace does not show, and derivatives at corners."""

import math

import numpy as np
import pytest

from tricord.errors import ArgumentError, ShapeError
from tricord.functions import creation as cr
from tricord.functions import elementwise as ew
from tricord.functions import manipulation as mv
from tricord.functions import reduction as rd
from tricord.functions import searching as se
from tricord.functions import sorting as so
from tricord.functions import statistics as stats
from tricord.ir.evaluate import Program
from tricord.ir.ops.structural import constant
from tricord.tensor import record, tensor, wrap


def node(array, dtype=None):
    array = np.asarray(array, dtype)
    return constant(array, array.dtype)


def run(found):
    if isinstance(found, tuple):
        return [run(n) for n in found]
    return Program([found])([])[0]


def close(found, expected, tolerance=1e-12):
    value = run(found)
    assert np.shape(value) == np.shape(expected)
    np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance)


def slope(function, x, *more):
    """The derivative at the elements of ``x``, which each result element depends on alone."""
    t = tensor(np.asarray(x, np.float64), requires_grad=True)
    others = [wrap(np.asarray(m, np.float64)) for m in more]
    record(rd.sum, (record(function, (t, *others)),)).backward()
    return t.grad.tolist()


# ---- elementwise

@pytest.mark.parametrize("x", [-30.0, -3.0, -0.5, -0.0, 0.0, 0.5, 1.0, 3.0, 9.0, 26.0, np.inf,
                               -np.inf])
def test_erfc_keeps_its_digits(x):
    assert float(run(ew.erfc(node(x)))) == pytest.approx(math.erfc(x), rel=1e-12, abs=0)
    single = float(run(ew.erfc(node(x, np.float32))))
    assert single == pytest.approx(math.erfc(x), rel=1e-6, abs=1e-45)


def test_logarithms_of_powers_are_exact():
    exponents = np.arange(-30, 31)
    for dtype in (np.float32, np.float64):
        np.testing.assert_array_equal(run(ew.log2(node(2.0 ** exponents, dtype))), exponents)
        small = exponents[(exponents >= 0) & (exponents <= 10)]
        np.testing.assert_array_equal(run(ew.log10(node(10.0 ** small, dtype))), small)


@pytest.mark.parametrize(("function", "x", "more", "expected"), [
    (ew.log2, [8.0], (), [1 / (8 * math.log(2))]),
    (ew.erfc, [0.0], (), [-2 / math.sqrt(math.pi)]),
    (ew.sinc, [0.0], (), [0.0]),
    (ew.logaddexp, [1.0, -np.inf], ([1.0, 2.0],), [0.5, 0.0]),
    (ew.hypot, [3.0, 0.0], ([4.0, 2.0],), [0.6, 0.0]),
    (ew.xlogy, [0.0, 2.0], ([3.0, 3.0],), [math.log(3), math.log(3)]),
    (ew.clip, [0.0, 1.0, 2.0], ([0.0] * 3, [1.0] * 3), [1, 1, 0]),
    (ew.fmax, [1.0, np.nan, 3.0], ([2.0, 2.0, np.nan],), [0, 0, 1]),
    (ew.lerp, [1.0, 1.0], ([2.0, 2.0], [0.25, 0.75]), [0.75, 0.25]),
    (ew.frac, [1.25, -1.25], (), [1, 1]),
    (ew.float_power, [2.0], ([3.0],), [12.0]),
])
def test_derivatives_at_corners(function, x, more, expected):
    np.testing.assert_allclose(slope(function, x, *more), expected, rtol=1e-9)


def test_reductions_have_derivatives_where_roots_and_logarithms_are_steep():
    assert slope(rd.norm, [0.0, 0.0]) == [0.0, 0.0]
    np.testing.assert_allclose(slope(rd.norm, [3.0, 4.0]), [0.6, 0.8])
    np.testing.assert_allclose(slope(rd.logsumexp, [-np.inf, 0.0]), [0.0, 1.0])
    assert slope(rd.max, [1.0, 3.0, 3.0]) == [0, 0.5, 0.5]
    assert slope(rd.prod, [0.0, 2.0, 3.0]) == [6, 0, 0]


def test_trunc_divide_is_exact_for_integers():
    x = np.array([7, -7, 7, -7, 2**62 + 1])
    y = np.array([2, 2, -2, -2, 1])
    np.testing.assert_array_equal(run(ew.trunc_divide(node(x), node(y))), [3, -3, -3, 3, 2**62 + 1])
    np.testing.assert_array_equal(run(ew.trunc_divide(node([7.5]), node([-2.0]))), [-3])


def test_further_elementwise_functions():
    x, y = np.array([0.2, 0.5, 0.9]), np.array([1.0, 2.0, 0.0])
    close(ew.logit(node(x)), np.log(x / (1 - x)))
    close(ew.logit(node([0.0, 1.0]), 0.25), np.log([1 / 3, 3]))
    close(ew.xlog1py(node([0.0, 2.0]), node([-1.0, 1.0])), [0, 2 * math.log(2)])
    close(ew.logaddexp2(node(x), node(y)), np.logaddexp2(x, y))
    close(ew.heaviside(node([-1.0, 0.0, 2.0]), 0.5), [0, 0.5, 1])
    close(ew.ldexp(node(x), node([1, 2, 3])), x * [2, 4, 8])
    close(ew.nan_to_num(node([np.nan, np.inf, 1.0]), 7.0, 8.0), [7, 8, 1])
    close(ew.round(node([1.25, 1.35]), 1), np.round([1.25, 1.35], 1))
    close(ew.round(node([1250.0]), -2), [1200])
    close(ew.squared_difference(node(x), node(y)), (x - y) ** 2)
    close(ew.degrees(ew.radians(node(x))), x)
    assert run(ew.is_real(node([1j, 1 + 0j]))).tolist() == [False, True]
    assert run(ew.is_posinf(node([np.inf, -np.inf]))).tolist() == [True, False]
    assert run(ew.is_neginf(node([np.inf, -np.inf]))).tolist() == [False, True]


# ---- shapes

def test_flatten_and_unflatten():
    x = node(np.zeros((2, 3, 4)))
    assert mv.flatten(x, 1).shape == (2, 12)
    assert mv.flatten(x, 0, 1).shape == (6, 4)
    assert mv.flatten(node(1.0)).shape == (1,)
    assert mv.unflatten(x, 2, (2, -1)).shape == (2, 3, 2, 2)
    with pytest.raises(ShapeError, match="comes after"):
        mv.flatten(x, 2, 1)
    with pytest.raises(ShapeError, match="does not make up"):
        mv.unflatten(x, 1, (2, 2))


@pytest.mark.parametrize(("n", "chunks"), [(5, 2), (5, 3), (6, 4), (3, 7), (0, 2)])
def test_chunk_is_torchs(n, chunks):
    found = [p.shape[0] for p in mv.chunk(node(np.zeros(n)), chunks)]
    size = -(-n // chunks)
    expected = [min(size, n - start) for start in range(0, n, size)] if n else [0] * chunks
    assert found == expected


@pytest.mark.parametrize("offset", [-2, 0, 1])
def test_diagonals_of_other_axes(offset):
    x = np.arange(24.0).reshape(2, 3, 4)
    close(mv.diagonal(node(x), offset, 0, 2), np.diagonal(x, offset, 0, 2))
    embedded = run(mv.diagonal_embed(node(x), offset, 0, 2))
    np.testing.assert_array_equal(np.diagonal(embedded, offset, 0, 2), x)
    assert np.count_nonzero(embedded) == np.count_nonzero(x)


def test_windows_of_any_step():
    x = np.arange(14.0).reshape(2, 7)
    for size in range(1, 8):
        for step in (1, 2, 5):
            close(mv.sliding_windows(node(x), 1, size, step),
                  np.lib.stride_tricks.sliding_window_view(x, size, 1)[:, ::step])
    with pytest.raises(ShapeError, match="windows of size 8"):
        mv.sliding_windows(node(x), 1, 8)


def test_padding_that_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match="reflect padding"):
        mv.pad(node(np.zeros(3)), [(3, 0)], "reflect")
    with pytest.raises(ArgumentError, match="mode is one of"):
        mv.pad(node(np.zeros(3)), [(1, 1)], "mirror")
    close(mv.pad(node(np.arange(5.0)), [(-1, -2)], "replicate"), [1, 2])


def test_names_in_the_errors_of_joining():
    a, b = node(np.zeros((2, 3))), node(np.zeros((3, 3)))
    with pytest.raises(ShapeError, match=r"stack: tensors have one shape, got \(2, 3\), \(3, 3\)"):
        mv.stack(a, b, 0)
    with pytest.raises(ShapeError, match="split: sizes"):
        mv.split(a, (1, 3), 1)
    with pytest.raises(ArgumentError, match="at least one"):
        mv.concat(0)


# ---- searching, sorting, statistics

def test_writing_at_computed_places():
    x = np.zeros((3, 2))
    close(se.index_add(node(x), node([0, 2, 0]), node(np.ones((3, 2)))), [[2, 2], [0, 0], [1, 1]])
    close(se.index_add(node(x), node([1, 1]), node(np.ones((3, 2))), 1), [[0, 2]] * 3)
    close(se.put_along_axis(node(x), node([[1], [0], [1]]), node([[5.0], [6.0], [7.0]]), 1),
          [[0, 5], [6, 0], [0, 7]])


def test_the_kth_value():
    x = np.array([[3.0, 1.0, 2.0], [9.0, 7.0, 8.0]])
    values, places = so.kth_value(node(x), 2, 1)
    close(values, [2, 8])
    close(places, [2, 2])


def test_histograms():
    x = np.random.default_rng(0).normal(size=200)
    edges = (-2.0, -0.5, 0.0, 0.25, 3.0)
    close(stats.histogram(node(x), edges), np.histogram(x, edges)[0])
    close(stats.histogram(node(x), edges, node(x * x)), np.histogram(x, edges, weights=x * x)[0])
    close(stats.histogram(node([0.0, 1.0, 2.0]), (0.0, 1.0, 2.0)), [1, 2])
    with pytest.raises(ArgumentError, match="ascending"):
        stats.histogram(node(x), (1.0, 0.0))


def test_cumulative_from_the_end():
    x = np.array([1.0, 2.0, 3.0])
    close(rd.cumulative_sum(node(x), 0, False, True), [6, 5, 3])
    close(rd.cumulative_prod(node(x), 0, True, True), [6, 6, 3, 1])
    close(rd.logcumsumexp(node(x), 0), np.log(np.cumsum(np.exp(x))))
    close(rd.nanmean(node([1.0, np.nan, 3.0])), 2.0)


def test_creation():
    close(cr.arange(5), np.arange(5))
    close(cr.arange(2, 11, 3), np.arange(2, 11, 3))
    close(cr.arange(0.0, 1.0, 0.3), np.arange(0, 1, 0.3), 1e-6)
    close(cr.linspace(1, 2, 5), np.linspace(1, 2, 5), 1e-6)
    close(cr.linspace(1, 2, 5, False), np.linspace(1, 2, 5, False), 1e-6)
    close(cr.logspace(0, 2, 3), [1, 10, 100])
    close(cr.tri(2, 3, 1), np.tri(2, 3, 1))
    close(cr.full_like(cr.eye(2), 3), np.full((2, 2), 3.0))
    assert cr.full((1,), 1j).dtype == "complex64"
    with pytest.raises(ArgumentError, match="step"):
        cr.arange(0, 1, 0)
