"""What the standard says of elementwise functions at the corners of the complex plane.

The tables follow the section "Special cases" of each function. A value in brackets has a sign that
the standard leaves open. The cases for other quadrants follow from the symmetries, which are
checked for all pairs of special values.
"""

import itertools
import math

import numpy as np
import pytest

import tricord as tc
from tricord.functions import elementwise as functions
from tricord.tensor.recorder import record

INF, NAN, PI = math.inf, math.nan, math.pi
ZEROS, POSITIVE = [0.0, -0.0], [0.5, 1.0, 3.0]
NONZERO = [*POSITIVE, -0.5, -3.0]
FINITE = [*ZEROS, *NONZERO]
EITHER = [INF, -INF]


def cis(size, angle):
    """``size * (cos + j sin)``, with the zero angle kept out of infinity times zero."""
    with np.errstate(all="ignore"):
        sine = angle if angle == 0 else size * math.sin(angle)
        return size * math.cos(angle), sine


#: function -> (real parts, imaginary parts, real part and imaginary part of the result)
CASES = {
    "acos": [
        (ZEROS, [0.0], (PI / 2, -0.0)), (ZEROS, [NAN], (PI / 2, NAN)),
        (FINITE, [INF], (PI / 2, -INF)), (NONZERO, [NAN], (NAN, NAN)),
        ([-INF], POSITIVE, (PI, -INF)), ([INF], POSITIVE, (0.0, -INF)),
        ([-INF], [INF], (3 * PI / 4, -INF)), ([INF], [INF], (PI / 4, -INF)),
        (EITHER, [NAN], (NAN, [INF])), ([NAN], FINITE, (NAN, NAN)), ([NAN], [INF], (NAN, -INF)),
        ([NAN], [NAN], (NAN, NAN))],
    "acosh": [
        (ZEROS, [0.0], (0.0, PI / 2)), (FINITE, [INF], (INF, PI / 2)),
        (NONZERO, [NAN], (NAN, NAN)), ([0.0], [NAN], (NAN, [PI / 2])),
        ([-INF], POSITIVE, (INF, PI)), ([INF], POSITIVE, (INF, 0.0)),
        ([-INF], [INF], (INF, 3 * PI / 4)), ([INF], [INF], (INF, PI / 4)),
        (EITHER, [NAN], (INF, NAN)), ([NAN], FINITE, (NAN, NAN)), ([NAN], [INF], (INF, NAN)),
        ([NAN], [NAN], (NAN, NAN))],
    "asinh": [
        ([0.0], [0.0], (0.0, 0.0)), (POSITIVE, [INF], (INF, PI / 2)), (FINITE, [NAN], (NAN, NAN)),
        ([INF], POSITIVE, (INF, 0.0)), ([INF], [INF], (INF, PI / 4)), ([NAN], [0.0], (NAN, 0.0)),
        ([NAN], NONZERO, (NAN, NAN)), ([NAN], [INF], ([INF], NAN)), ([NAN], [NAN], (NAN, NAN))],
    "atanh": [
        ([0.0], [0.0], (0.0, 0.0)), ([0.0], [NAN], (0.0, NAN)), ([1.0], [0.0], (INF, 0.0)),
        (POSITIVE, [INF], (0.0, PI / 2)), (NONZERO, [NAN], (NAN, NAN)),
        ([INF], POSITIVE, (0.0, PI / 2)), ([INF], [INF], (0.0, PI / 2)), ([INF], [NAN], (0.0, NAN)),
        ([NAN], FINITE, (NAN, NAN)), ([NAN], [INF], ([0.0], PI / 2)), ([NAN], [NAN], (NAN, NAN))],
    "cosh": [
        ([0.0], [0.0], (1.0, 0.0)), ([0.0], [INF], (NAN, [0.0])), ([0.0], [NAN], (NAN, [0.0])),
        (NONZERO, [INF], (NAN, NAN)), (NONZERO, [NAN], (NAN, NAN)), ([INF], [0.0], (INF, 0.0)),
        ([INF], NONZERO, lambda a, b: cis(INF, b)), ([INF], [INF], ([INF], NAN)),
        ([INF], [NAN], (INF, NAN)), ([NAN], ZEROS, (NAN, [0.0])), ([NAN], NONZERO, (NAN, NAN)),
        ([NAN], [NAN], (NAN, NAN))],
    "sinh": [
        ([0.0], [0.0], (0.0, 0.0)), ([0.0], [INF], ([0.0], NAN)), ([0.0], [NAN], ([0.0], NAN)),
        (POSITIVE, [INF], (NAN, NAN)), (POSITIVE, [NAN], (NAN, NAN)), ([INF], [0.0], (INF, 0.0)),
        ([INF], POSITIVE, lambda a, b: cis(INF, b)), ([INF], [INF], ([INF], NAN)),
        ([INF], [NAN], ([INF], NAN)), ([NAN], [0.0], (NAN, 0.0)), ([NAN], NONZERO, (NAN, NAN)),
        ([NAN], [NAN], (NAN, NAN))],
    # At 0 + j inf and 0 + j nan the standard allows what older C libraries give.
    "tanh": [
        ([0.0], [0.0], (0.0, 0.0)), (NONZERO, [INF], (NAN, NAN)), (NONZERO, [NAN], (NAN, NAN)),
        ([INF], POSITIVE, (1.0, [0.0])), ([INF], [INF], (1.0, [0.0])), ([INF], [NAN], (1.0, [0.0])),
        ([NAN], [0.0], (NAN, 0.0)), ([NAN], NONZERO, (NAN, NAN)), ([NAN], [NAN], (NAN, NAN))],
    "exp": [
        (ZEROS, [0.0], (1.0, 0.0)), (FINITE, [INF], (NAN, NAN)), (FINITE, [NAN], (NAN, NAN)),
        ([INF], [0.0], (INF, 0.0)), ([-INF], FINITE, lambda a, b: cis(0.0, b)),
        ([INF], NONZERO, lambda a, b: cis(INF, b)), ([-INF], [INF], ([0.0], [0.0])),
        ([INF], [INF], ([INF], NAN)), ([-INF], [NAN], ([0.0], [0.0])), ([INF], [NAN], ([INF], NAN)),
        ([NAN], [0.0], (NAN, 0.0)), ([NAN], NONZERO, (NAN, NAN)), ([NAN], [NAN], (NAN, NAN))],
    "expm1": [
        (ZEROS, [0.0], ([0.0], 0.0)), (FINITE, [INF], (NAN, NAN)), (FINITE, [NAN], (NAN, NAN)),
        ([INF], [0.0], (INF, 0.0)),
        ([-INF], FINITE, lambda a, b: (-1.0, cis(0.0, b)[1])),
        ([INF], NONZERO, lambda a, b: cis(INF, b)), ([-INF], [INF], (-1.0, [0.0])),
        ([INF], [INF], ([INF], NAN)), ([-INF], [NAN], (-1.0, [0.0])), ([INF], [NAN], ([INF], NAN)),
        ([NAN], [0.0], (NAN, 0.0)), ([NAN], NONZERO, (NAN, NAN)), ([NAN], [NAN], (NAN, NAN))],
    "log": [
        ([-0.0], [0.0], (-INF, PI)), ([0.0], [0.0], (-INF, 0.0)), (FINITE, [INF], (INF, PI / 2)),
        (FINITE, [NAN], (NAN, NAN)), ([-INF], POSITIVE, (INF, PI)), ([INF], POSITIVE, (INF, 0.0)),
        ([-INF], [INF], (INF, 3 * PI / 4)), ([INF], [INF], (INF, PI / 4)),
        (EITHER, [NAN], (INF, NAN)), ([NAN], FINITE, (NAN, NAN)), ([NAN], [INF], (INF, NAN)),
        ([NAN], [NAN], (NAN, NAN))],
    "log1p": [
        ([-1.0], [0.0], (-INF, 0.0)), (FINITE, [INF], (INF, PI / 2)), (FINITE, [NAN], (NAN, NAN)),
        ([-INF], POSITIVE, (INF, PI)), ([INF], POSITIVE, (INF, 0.0)),
        ([-INF], [INF], (INF, 3 * PI / 4)), ([INF], [INF], (INF, PI / 4)),
        (EITHER, [NAN], (INF, NAN)), ([NAN], FINITE, (NAN, NAN)), ([NAN], [INF], (INF, NAN)),
        ([NAN], [NAN], (NAN, NAN))],
    # Where the text of the standard swaps two cases or contradicts itself, C99 (annex G) counts.
    "sqrt": [
        (ZEROS, [0.0], (0.0, 0.0)), ([*FINITE, *EITHER, NAN], [INF], (INF, INF)),
        (FINITE, [NAN], (NAN, NAN)), ([-INF], POSITIVE, (0.0, INF)), ([INF], POSITIVE, (INF, 0.0)),
        ([-INF], [NAN], (NAN, [INF])), ([INF], [NAN], (INF, NAN)), ([NAN], FINITE, (NAN, NAN)),
        ([NAN], [NAN], (NAN, NAN))],
    "sign": [
        (ZEROS, ZEROS, ([0.0], [0.0])), ([NAN], [*FINITE, NAN], (NAN, NAN)),
        (FINITE, [NAN], (NAN, NAN)), ([3.0], [0.0], (1.0, 0.0)), ([0.0], [-3.0], ([0.0], -1.0))],
    "round": [
        ([0.5, 1.5, -0.5, INF, NAN, -0.0], [2.5, -INF, NAN, 0.0],
         lambda a, b: (float(np.rint(a)), float(np.rint(b))))],
}


def agrees(actual, expected):
    if isinstance(expected, list):
        return agrees(abs(actual), abs(expected[0]))
    if math.isnan(expected):
        return math.isnan(actual)
    if expected == 0 or math.isinf(expected):
        return actual == expected and math.copysign(1, actual) == math.copysign(1, expected)
    return math.isclose(actual, expected, rel_tol=1e-6)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", CASES)
def test_special_values(name, dtype):
    for real_parts, imaginary_parts, result in CASES[name]:
        for a, b in itertools.product(real_parts, imaginary_parts):
            found = getattr(tc, name)(tc.asarray(complex(a, b), dtype=dtype)).item()
            wanted = result(a, b) if callable(result) else result
            assert agrees(found.real, wanted[0]), (a, b, found, wanted)
            assert agrees(found.imag, wanted[1]), (a, b, found, wanted)


CORNERS = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 4.0, -4.0, INF, -INF, NAN]
PLANE = np.array([complex(a, b) for a, b in itertools.product(CORNERS, CORNERS)])


def identical(actual, expected, tolerance=0.0):
    """Equal part by part, with the sign of zero; NaN equals NaN.

    Beside a NaN the standard leaves signs open.
    """
    for x, y, x_beside in ((actual.real, expected.real, actual.imag),
                           (actual.imag, expected.imag, actual.real)):
        certain = ~np.isnan(x) & ~np.isnan(x_beside)
        np.testing.assert_allclose(np.abs(x), np.abs(y), rtol=tolerance)
        np.testing.assert_array_equal(np.signbit(x[certain]), np.signbit(y[certain]))


SYMMETRIC = ["acosh", "asinh", "atanh", "cosh", "exp", "expm1", "log", "log1p", "log2", "log10",
             "sinh", "sqrt", "tanh"]


@pytest.mark.parametrize("name", SYMMETRIC)
def test_the_conjugate_of_the_argument_gives_the_conjugate(name):
    plane = PLANE[~np.isnan(PLANE.real) & ~np.isnan(PLANE.imag) & (PLANE != 0)]
    upper = plane[~np.signbit(plane.imag)]
    function = getattr(tc, name)
    with np.errstate(all="ignore"):
        identical(function(tc.asarray(np.conj(upper))).numpy(),
                  np.conj(function(tc.asarray(upper)).numpy()))


#: function -> the function of the argument turned by 90 degrees, and how it is turned back
TURNED = {"asin": "asinh", "atan": "atanh", "sin": "sinh", "tan": "tanh", "cos": "cosh"}


def rotated(z):
    """``z * 1j``, component by component."""
    result = np.empty_like(z)
    result.real, result.imag = -z.imag, z.real
    return result


@pytest.mark.parametrize("name", TURNED)
def test_circular_functions_are_hyperbolic_ones_turned(name):
    turned = getattr(tc, TURNED[name])(tc.asarray(rotated(PLANE))).numpy()
    expected = turned if name == "cos" else -rotated(turned)
    actual = getattr(tc, name)(tc.asarray(PLANE)).numpy()
    identical(actual, expected, 1e-14)


@pytest.mark.parametrize("name", ["log2", "log10"])
def test_logarithms_change_base_part_by_part(name):
    base = math.log({"log2": 2, "log10": 10}[name])
    plain = tc.log(tc.asarray(PLANE)).numpy()
    actual = getattr(tc, name)(tc.asarray(PLANE)).numpy()
    np.testing.assert_allclose(actual.real, plain.real / base, rtol=1e-14)
    np.testing.assert_allclose(actual.imag, plain.imag / base, rtol=1e-14)


def test_abs_and_the_tests_look_at_both_parts():
    z = tc.asarray(PLANE)
    infinite = np.isinf(PLANE.real) | np.isinf(PLANE.imag)
    missing = np.isnan(PLANE.real) | np.isnan(PLANE.imag)
    np.testing.assert_array_equal(tc.isinf(z).numpy(), infinite)
    np.testing.assert_array_equal(tc.isnan(z).numpy(), missing)
    np.testing.assert_array_equal(tc.isfinite(z).numpy(), ~infinite & ~missing)
    np.testing.assert_array_equal(tc.abs(z).numpy(), np.hypot(PLANE.real, PLANE.imag))


@pytest.mark.parametrize("re", [0.0, -0.0, 1.0, INF, -INF, NAN])
@pytest.mark.parametrize("im", [0.0, -0.0, 1.0, INF, -INF, NAN])
def test_parts_are_joined_as_they_are(re, im):
    z = record(functions.complex_of, (tc.asarray(re), tc.asarray(im))).item()
    assert agrees(z.real, re)
    assert agrees(z.imag, im)
