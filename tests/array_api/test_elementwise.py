"""Elementwise functions against numpy, over dtypes, shapes and special values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tricord as tc
from tests.array_api.support import arrays, pairs, same

UNARY = {  # name -> numpy's function, kinds, (low, high) or None for everything
    "abs": (np.abs, "ifc", None), "acos": (np.arccos, "fc", None), "acosh": (np.arccosh, "f", None),
    "asin": (np.arcsin, "f", None), "asinh": (np.arcsinh, "f", None),
    "atan": (np.arctan, "f", None),
    "atanh": (np.arctanh, "f", None), "bitwise_invert": (np.invert, "bi", None),
    "ceil": (np.ceil, "f", None), "conj": (np.conj, "c", None), "cos": (np.cos, "f", (-9, 9)),
    "cosh": (np.cosh, "f", (-9, 9)), "exp": (np.exp, "f", (-9, 9)),
    "expm1": (np.expm1, "f", (-9, 9)), "floor": (np.floor, "f", None), "imag": (np.imag, "c", None),
    "isfinite": (np.isfinite, "ifc", None), "isinf": (np.isinf, "ifc", None),
    "isnan": (np.isnan, "ifc", None), "log": (np.log, "fc", None), "log1p": (np.log1p, "f", None),
    "log2": (np.log2, "f", None), "log10": (np.log10, "f", None),
    "logical_not": (np.logical_not, "b", None), "negative": (np.negative, "ifc", None),
    "positive": (np.positive, "ifc", None), "real": (np.real, "c", None),
    "reciprocal": (np.reciprocal, "fc", (0.5, 9)), "round": (np.round, "fc", None),
    "sign": (np.sign, "if", None), "signbit": (np.signbit, "f", None),
    "sin": (np.sin, "f", (-9, 9)), "sinh": (np.sinh, "f", (-9, 9)), "sqrt": (np.sqrt, "fc", None),
    "square": (np.square, "if", None), "tan": (np.tan, "f", (-1, 1)), "tanh": (np.tanh, "f", None),
    "trunc": (np.trunc, "f", None),
    # beyond the standard
    "angle": (np.angle, "c", (-9, 9)), "exp2": (np.exp2, "f", (-9, 9)),
    "sinc": (np.sinc, "f", None),
}
BINARY = {
    "add": (np.add, "bifc"), "atan2": (np.arctan2, "f"), "bitwise_and": (np.bitwise_and, "bi"),
    "bitwise_or": (np.bitwise_or, "bi"), "bitwise_xor": (np.bitwise_xor, "bi"),
    "copysign": (np.copysign, "f"), "divide": (np.divide, "f"), "equal": (np.equal, "bifc"),
    "greater": (np.greater, "if"), "greater_equal": (np.greater_equal, "if"),
    "hypot": (np.hypot, "f"), "less": (np.less, "if"), "less_equal": (np.less_equal, "if"),
    "logaddexp": (np.logaddexp, "f"), "logical_and": (np.logical_and, "b"),
    "logical_or": (np.logical_or, "b"), "logical_xor": (np.logical_xor, "b"),
    "maximum": (np.maximum, "if"), "minimum": (np.minimum, "if"), "multiply": (np.multiply, "bif"),
    "nextafter": (np.nextafter, "f"), "not_equal": (np.not_equal, "bifc"),
    "remainder": (np.remainder, "f"), "subtract": (np.subtract, "ifc"),
    "fmax": (np.fmax, "if"), "fmin": (np.fmin, "if"), "fmod": (np.fmod, "f"),
}
QUICK = settings(max_examples=12, deadline=None)


@pytest.mark.parametrize("name", UNARY)
@given(data=st.data())
@QUICK
def test_functions_of_one_tensor_are_numpys(name, data):
    function, kinds, bounds = UNARY[name]
    low, high = bounds or (None, None)
    x = data.draw(arrays(kinds, low=low, high=high))
    with np.errstate(all="ignore"):
        expected = np.asarray(function(x))
    same(getattr(tc, name)(tc.asarray(x)), expected)


@pytest.mark.parametrize("name", BINARY)
@given(data=st.data())
@QUICK
def test_functions_of_two_tensors_are_numpys(name, data):
    function, kinds = BINARY[name]
    x, y = data.draw(pairs(kinds))
    with np.errstate(all="ignore"):
        expected = np.asarray(function(x, y))
    same(getattr(tc, name)(tc.asarray(x), tc.asarray(y)), expected)


@pytest.mark.parametrize(("name", "function"), [("floor_divide", np.floor_divide),
                                                ("remainder", np.remainder)])
@given(data=st.data())
@QUICK
def test_integer_division_rounds_down(name, function, data):
    x = data.draw(arrays("i"))
    y = data.draw(arrays(dtype=x.dtype.name, shape=x.shape, low=1, high=9))
    same(getattr(tc, name)(tc.asarray(x), tc.asarray(y)), function(x, y))


@given(data=st.data())
@QUICK
def test_shifts_are_numpys(data):
    x = data.draw(arrays("i"))
    y = data.draw(arrays(dtype=x.dtype.name, shape=x.shape, low=0, high=7))
    same(tc.bitwise_left_shift(tc.asarray(x), tc.asarray(y)), np.left_shift(x, y))
    same(tc.bitwise_right_shift(tc.asarray(x), tc.asarray(y)), np.right_shift(x, y))


@given(x=arrays("f"), y=st.sampled_from([0, 1, 2, 3, -1, -2, 7, 0.5, 1.5, float("inf"),
                                         float("-inf"), float("nan")]))
@QUICK
def test_powers_with_a_number_are_numpys(x, y):
    if y == 0.5:
        x = np.abs(x)
    with np.errstate(all="ignore"):
        expected = np.power(x, np.asarray(y, x.dtype))
    same(tc.pow(tc.asarray(x), y), expected, tolerance=1e-5)
    same(tc.asarray(x) ** tc.asarray(np.asarray(y, x.dtype)), expected, tolerance=1e-5)


@pytest.mark.parametrize(("x", "y", "expected"), [
    (np.inf, 2.0, np.inf), (np.inf, -2.0, -np.inf), (-np.inf, 2.0, -np.inf),
    (-np.inf, -2.0, np.inf), (np.inf, np.inf, np.nan), (0.0, 0.0, np.nan),
    (1.0, 0.0, np.inf), (1.0, -0.0, -np.inf),
    (1.0, np.inf, 0.0), (1.0, -np.inf, -1.0), (-1.0, np.inf, -1.0), (-1.0, -np.inf, 0.0),
    (np.nan, 1.0, np.nan), (7.0, 2.0, 3.0), (-7.0, 2.0, -4.0)])
def test_floor_divide_at_the_corners(x, y, expected):
    result = tc.floor_divide(tc.asarray([x]), tc.asarray([y])).numpy()[0]
    np.testing.assert_equal(result, np.float32(expected))


def test_zeros_keep_their_sign():
    zeros = tc.asarray([0.0, -0.0])
    for name in ("sin", "tan", "asin", "atan", "sinh", "tanh", "asinh", "atanh", "expm1", "log1p",
                 "floor", "ceil", "trunc", "round", "sqrt", "positive"):
        assert np.signbit(getattr(tc, name)(zeros).numpy()).tolist() == [False, True], name
    assert np.signbit(tc.abs(zeros).numpy()).tolist() == [False, False]


@given(data=st.data())
@QUICK
def test_clip_is_numpys(data):
    x = data.draw(arrays("if"))
    low = data.draw(arrays(dtype=x.dtype.name, shape=x.shape[1:], low=0, high=50))
    high = data.draw(arrays(dtype=x.dtype.name, shape=(), low=50, high=90))
    same(tc.clip(tc.asarray(x), tc.asarray(low), tc.asarray(high)), np.clip(x, low, high))
    same(tc.clip(tc.asarray(x), max=5), np.clip(x, None, np.asarray(5, x.dtype)))
    same(tc.clip(tc.asarray(x)), x)


@pytest.mark.parametrize("bound", [300, -300])
def test_clip_takes_bounds_that_the_dtype_cannot_hold(bound):
    x = np.arange(-4, 4, dtype=np.int8)
    low, high = (None, bound) if bound > 0 else (bound, None)
    same(tc.clip(tc.asarray(x), low, high), x)


@given(data=st.data())
@QUICK
def test_where_is_numpys(data):
    x, y = data.draw(pairs("bifc"))
    condition = data.draw(arrays(dtype="bool", shape=x.shape))
    same(tc.where(tc.asarray(condition), tc.asarray(x), tc.asarray(y)), np.where(condition, x, y))
    assert tc.where(tc.asarray(condition), tc.asarray(x), x.dtype.type(1).item()).dtype == x.dtype


def test_where_takes_two_numbers():
    condition = tc.asarray([True, False])
    assert tc.where(condition, 1, 0).tolist() == [1, 0]
    assert tc.where(condition, 1.5, 0).dtype == tc.float32


def test_isclose_follows_numpy():
    x, y = [1.0, np.nan, np.inf, -np.inf, 0.0], [1.0 + 1e-6, np.nan, np.inf, np.inf, 1e-9]
    a, b = tc.asarray(x, dtype=tc.float64), tc.asarray(y, dtype=tc.float64)
    for equal_nan in (False, True):
        assert tc.isclose(a, b, equal_nan=equal_nan).tolist() == np.isclose(
            x, y, equal_nan=equal_nan).tolist()


@given(data=st.data(), dtype=st.sampled_from(["bool", "int8", "uint8", "int64", "float32",
                                              "complex64"]))
@QUICK
def test_a_python_number_is_weak(data, dtype):
    x = data.draw(arrays(dtype=dtype, shape=(3,)))
    number = {"b": True, "i": 3, "u": 3, "f": 2.5, "c": 1 + 2j}[x.dtype.kind]
    for name in ("add", "multiply", "equal", "not_equal"):
        with np.errstate(all="ignore"):
            expected = getattr(np, name)(x, np.asarray(number, x.dtype))
        same(getattr(tc, name)(tc.asarray(x), number), expected)
        with np.errstate(all="ignore"):
            expected = getattr(np, name)(np.asarray(number, x.dtype), x)
        same(getattr(tc, name)(number, tc.asarray(x)), expected)


def test_integers_are_taken_as_floats_where_floats_are_needed():
    same(tc.sqrt(tc.asarray([4, 9])), np.float32([2, 3]))
    same(tc.hypot(tc.asarray([3]), tc.asarray([4])), np.float32([5]))


@pytest.mark.parametrize("call", [
    lambda x: tc.bitwise_and(x, x), lambda x: tc.bitwise_invert(x), lambda x: x << x,
    lambda x: tc.add(x, "1"), lambda x: x + None])
def test_a_wrong_operand_is_a_type_error(call):
    with pytest.raises(TypeError):
        call(tc.asarray([1.0]))


def test_shapes_that_do_not_broadcast_are_an_error():
    with pytest.raises(ValueError, match="broadcast"):
        tc.add(tc.ones(2), tc.ones(3))


def test_xlogy_has_the_gradient_of_pytorch_at_zero():
    # At x = 0 that of x is log(y), but 0 where y is not positive; that of y is x / y.
    x, y = tc.asarray([0.0, 0.0, 0.0, 2.0]), tc.asarray([2.0, 0.0, -1.0, 3.0])
    by_x, by_y = tc.grad(lambda a, b: tc.sum(tc.xlogy(a, b)), argnums=(0, 1))(x, y)
    np.testing.assert_allclose(by_x.numpy(), [np.log(2), 0, 0, np.log(3)], rtol=1e-6)
    np.testing.assert_allclose(by_y.numpy(), [0, 0, 0, 2 / 3], rtol=1e-6)


def test_digamma_has_a_gradient():
    slope = tc.grad(lambda x: tc.sum(tc.digamma(x)))(tc.asarray([1.0, 2.0]))
    np.testing.assert_allclose(slope.numpy(), [np.pi**2 / 6, np.pi**2 / 6 - 1], rtol=1e-5)
