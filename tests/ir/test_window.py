"""Windowed reductions against loops written out, and against PyTorch's pooling."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ir.helpers import inputs, run
from tricord.autodiff import gradients
from tricord.ir.ops.window import (
    window_argmax,
    window_argmin,
    window_max,
    window_min,
    window_put,
    window_sum,
    window_take,
)

CASES = [
    # shape, size, strides, low, high, dilation
    ((2, 7), (1, 3), (1, 2), (0, 1), (0, 0), (1, 1)),
    ((5, 6, 2), (3, 2, 1), (2, 1, 1), (1, 1, 0), (1, 0, 0), (1, 2, 1)),
    ((6, 5), (2, 2), (3, 3), (0, 0), (0, 1), (1, 1)),
    ((41,), (18,), (3,), (5,), (2,), (2,)),
]


def windows(x, size, strides, low, high, dilation):
    """Lists of (position, values, offsets) of the elements that are not padding."""
    for position in np.ndindex(*[
            (n + a + b - (k - 1) * d - 1) // s + 1
            for n, k, s, a, b, d in zip(x.shape, size, strides, low, high, dilation, strict=True)]):
        values, offsets = [], []
        for offset, tap in enumerate(np.ndindex(*size)):
            at = tuple(o * s + t * d - a for o, s, t, d, a in zip(
                position, strides, tap, dilation, low, strict=True))
            if all(0 <= i < n for i, n in zip(at, x.shape, strict=True)):
                values.append(x[at])
                offsets.append(offset)
        yield position, values, offsets


@pytest.mark.parametrize(("build", "choose"), [
    (window_sum, lambda values, offsets: sum(values)),
    (window_max, lambda values, offsets: max(values)),
    (window_min, lambda values, offsets: min(values)),
    (window_argmax, lambda values, offsets: offsets[int(np.argmax(values))]),
    (window_argmin, lambda values, offsets: offsets[int(np.argmin(values))]),
])
@pytest.mark.parametrize("case", CASES)
def test_windows_are_reduced_as_a_loop_does(rng, build, choose, case):
    shape, *geometry = case
    # Whole numbers, so that there are ties, and the first of them must win.
    x = rng.integers(-2, 3, shape).astype(np.float64)
    node = build(*inputs(x), *geometry)
    found = run([node], [x])[0]
    for position, values, offsets in windows(x, *geometry):
        assert found[position] == choose(values, offsets)


def test_the_first_of_equals_gets_the_gradient():
    x = np.array([[3.0, 3.0, 1.0, 1.0]])
    a, g = inputs(x, np.ones((1, 2)))
    node = window_max(a, (1, 2), (1, 2))
    gradient = run(gradients([node], [g], [a]), [x, np.ones((1, 2))])[0]
    assert gradient.tolist() == [[1, 0, 1, 0]]


def test_padding_does_not_win_over_minus_infinity():
    x = np.full((3,), -np.inf)
    found = run([window_argmax(*inputs(x), (3,), low=(2,))], [x])[0]
    assert found.tolist() == [2, 1, 0]


def test_nan_is_the_maximum():
    x = np.array([1.0, np.nan, 5.0, 2.0])
    value, offset = run([window_max(*inputs(x), (2,)), window_argmax(*inputs(x), (2,))], [x])
    assert np.isnan(value).tolist() == [True, True, False]
    assert offset.tolist() == [1, 0, 0]


def test_put_is_the_transpose_of_take(rng):
    geometry = (2, 3), (1, 2), (1, 0), (0, 1)
    values = [rng.standard_normal((4, 6)), rng.integers(0, 6, (4, 3)).astype(np.int32),
              rng.standard_normal((4, 3))]
    x, offset, g = inputs(*values)
    taken, put = run([window_take(x, offset, *geometry), window_put(g, offset, (4, 6), *geometry)],
                     values)
    assert np.sum(taken * values[2]) == pytest.approx(np.sum(put * values[0]))


@pytest.mark.peers("torch")
@pytest.mark.parametrize(("size", "stride", "pad", "dilation"), [
    (2, 2, 0, 1), (3, 2, 1, 1), (3, 1, 1, 2)])
def test_pooling_is_that_of_torch(rng, size, stride, pad, dilation):
    torch = pytest.importorskip("torch")
    x = np.round(rng.standard_normal((2, 3, 9, 8)), 1).astype(np.float32)
    theirs = torch.tensor(x, requires_grad=True)
    expected, indices = torch.nn.functional.max_pool2d(
        theirs, size, stride, pad, dilation, return_indices=True)
    g = rng.standard_normal(expected.shape).astype(np.float32)
    expected.backward(torch.tensor(g))
    a, gn = inputs(x, g)
    geometry = ((1, 1, size, size), (1, 1, stride, stride), (0, 0, pad, pad), (0, 0, pad, pad),
                (1, 1, dilation, dilation))
    node = window_max(a, *geometry)
    value, offset, gradient = run(
        [node, window_argmax(a, *geometry), *gradients([node], [gn], [a])], [x, g])
    np.testing.assert_array_equal(value, expected.detach().numpy())
    np.testing.assert_allclose(gradient, theirs.grad.numpy(), rtol=1e-5, atol=1e-6)
    rows, columns = np.indices(expected.shape[2:])
    flat = ((rows * stride - pad + offset // size * dilation) * 8
            + columns * stride - pad + offset % size * dilation)
    np.testing.assert_array_equal(flat, indices.numpy())
