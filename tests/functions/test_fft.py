"""Fourier transforms against numpy, and their gradients against what linear maps must have."""

from __future__ import annotations

import numpy as np
import pytest

from tests.draws import uniform
from tricord.autodiff import gradients
from tricord.errors import ArgumentError, DTypeError, ShapeError
from tricord.functions import fft
from tricord.ir.dtypes import as_dtype
from tricord.ir.graph import make_input
from tricord.ir.shapes import TensorType
from tricord.runtime.interpreter import Interpreter

NORMS = ["backward", "ortho", "forward"]


def node_for(x):
    return make_input(0, TensorType(x.shape, as_dtype(x.dtype)), True)


def run(function, x, **keywords):
    return Interpreter([function(node_for(x), **keywords)])([x])[0]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n", [None, 3, 7, 8, 1])
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_transforms_of_one_axis_are_numpy_s(name, n, norm):
    dtype = "float64" if name in ("rfft", "ihfft") else "complex128"
    x = uniform(5, 6, dtype=dtype)
    for axis in (0, -1):
        found = run(getattr(fft, name), x, n=n, axis=axis, norm=norm)
        expected = getattr(np.fft, name)(x, n, axis, norm)
        np.testing.assert_allclose(found, expected, atol=1e-12)
        assert found.dtype == expected.dtype


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("s", "axes"), [(None, (0, 1, 2)), (None, (2, 0)), ((4, 6), (0, 2)),
                                         ((3,), (-1,))])
@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn"])
def test_transforms_of_several_axes_are_numpy_s(name, s, axes, norm):
    x = uniform(3, 4, 5, dtype="float64" if name == "rfftn" else "complex128")
    found = run(getattr(fft, name), x, s=s, axes=axes, norm=norm)
    np.testing.assert_allclose(found, getattr(np.fft, name)(x, s, axes, norm), atol=1e-12)


def test_all_axes_are_the_default():
    x = uniform(3, 4, dtype="complex128")
    np.testing.assert_allclose(run(fft.fftn, x), np.fft.fftn(x), atol=1e-12)


@pytest.mark.parametrize(("dtype", "result"), [
    ("float32", "complex64"), ("float64", "complex128"), ("int32", "complex64"),
    ("float16", "complex64"), ("complex64", "complex64")])
def test_dtypes_of_results(dtype, result):
    assert run(fft.fft, np.ones(4, dtype)).dtype == result


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_gradients_are_the_transposed_map(name):
    """For real-linear f, the cotangent of x along d equals the cotangent of f along f(d)."""
    dtype = "float64" if name in ("rfft", "ihfft") else "complex128"
    x, direction = uniform(6, dtype=dtype), uniform(6, dtype=dtype, seed=1)
    node = node_for(x)
    out = getattr(fft, name)(node)
    weight = uniform(*out.shape, dtype=out.dtype, seed=2)
    seed = make_input(1, out.type)
    [gradient] = gradients([out], [seed], [node])
    found = np.vdot(Interpreter([gradient])([x, weight])[0], direction).real
    expected = np.vdot(weight, run(getattr(fft, name), direction)).real
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("n", [1, 4, 5])
def test_frequencies_and_shifts_are_numpy_s(n):
    for name in ("fftfreq", "rfftfreq"):
        found = Interpreter([getattr(fft, name)(n, 0.5, "float64")])([])[0]
        np.testing.assert_allclose(found, getattr(np.fft, name)(n, 0.5))
    x = uniform(n, 3)
    for name in ("fftshift", "ifftshift"):
        for axes in (None, 0, (1,)):
            np.testing.assert_array_equal(run(getattr(fft, name), x, axes=axes),
                                          getattr(np.fft, name)(x, axes))


@pytest.mark.parametrize(("call", "error", "says"), [
    (lambda x: fft.fft(x, norm="half"), ArgumentError, "norm is"),
    (lambda x: fft.fft(x, n=0), ShapeError, "must be positive"),
    (lambda x: fft.fft(x, axis=2), ShapeError, "axis 2"),
    (lambda x: fft.rfft(x), DTypeError, "takes real numbers"),
    (lambda x: fft.fftn(x, (1, 2), (0,)), ArgumentError, "2 lengths for 1 axes"),
    (lambda x: fft.irfft(x, n=0), ShapeError, "must be positive"),
    (lambda x: fft.fftfreq(0), ArgumentError, "must be positive")])
def test_wrong_arguments_are_refused(call, error, says):
    with pytest.raises(error, match=says):
        call(node_for(uniform(3, dtype="complex64")))
