"""Special functions of statistics, greatest common divisors, and distances between rows."""

from __future__ import annotations

import math

from ..errors import ArgumentError, DTypeError, ShapeError
from ..ir import arithmetic as ar
from ..ir.dtypes import bool_, float64, int64
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.movement import broadcast_to, expand_dims, reshape
from ..ir.ops.reduce import cumulative_sum, reduce_any
from ..ir.ops.structural import attach_gradient, constant, iota
from ..ir.shapes import normalise_axis
from .control import while_loop
from .elementwise import complex_of, erfc, erfc_factors, floating, xlog1py
from .elementwise import sign as plain_sign
from .manipulation import narrow
from .reduction import diff, norm
from .reduction import sum as sum_over

__all__ = ["cdist", "cumulative_trapezoid", "degrees", "digamma", "entr", "gcd", "i0", "is_real",
           "lcm", "log_ndtr", "multigammaln", "ndtr", "ndtri", "polar", "radians",
           "sign", "trapezoid", "trigamma", "vander", "xlog1py"]


def trigamma(x: Node) -> Node:
    """The derivative of `digamma`: recurrence to x >= 8, then A&S 6.4.12; reflected below 1/2."""
    x = floating(x)
    reflected = ew.less(x, ew.scalar_like(0.5, x))
    y = ew.where(reflected, 1 - x, x)
    total = y * 0
    for _ in range(8):
        total = total + 1 / (y * y)
        y = y + 1
    inverse = 1 / y
    square = inverse * inverse
    series = inverse * (1 + inverse * 0.5 + square * (
        1 / 6 - square * (1 / 30 - square * (1 / 42 - square / 30))))
    total = total + series
    sine = ew.sin(x * math.pi)
    return ew.where(reflected, math.pi ** 2 / (sine * sine) - total, total)


def _through_trigamma(cotangent: Node, value: Node, x: Node) -> list[Node]:
    return [cotangent * trigamma(x)]


def digamma(x: Node) -> Node:
    """The derivative of ``lgamma``, with a gradient of its own."""
    x = floating(x)
    return attach_gradient(ew.digamma(x), [x], _through_trigamma) if x.needs_grad else ew.digamma(x)


def sign(x: Node) -> Node:
    """-1, 0 or 1; 0 for NaN, as in PyTorch."""
    if x.dtype.kind == "f":
        x = ew.where(ew.is_nan(x), ew.zeros_like(x), x)
    return plain_sign(x)


def radians(x: Node) -> Node:
    """Degrees as radians."""
    return floating(x) * (math.pi / 180)


def degrees(x: Node) -> Node:
    """Radians as degrees."""
    return floating(x) * (180 / math.pi)


def is_real(x: Node) -> Node:
    """Whether the imaginary part is zero; always, for real numbers."""
    if x.dtype.is_complex:
        return ew.equal(ew.imag(x), ew.zeros_like(ew.imag(x)))
    return broadcast_to(constant(True, bool_), x.shape)


def entr(x: Node) -> Node:
    """``-x * log(x)``; 0 at 0, -inf below."""
    x = floating(x)
    positive = ew.greater(x, ew.zeros_like(x))
    safe = ew.where(positive, x, ew.scalar_like(1, x))
    below = ew.where(ew.less(x, ew.zeros_like(x)), ew.scalar_like(-math.inf, x),
                     ew.where(ew.is_nan(x), x, ew.zeros_like(x)))
    return ew.where(positive, -safe * ew.log(safe), below)


def ndtr(x: Node) -> Node:
    """The probability that a standard normal number is below ``x``."""
    x = floating(x)
    return erfc(x * -math.sqrt(0.5)) * 0.5


def ndtri(p: Node) -> Node:
    """The inverse of `ndtr`."""
    return ew.erf_inverse(floating(p) * 2 - 1) * math.sqrt(2)


def log_ndtr(x: Node) -> Node:
    """``log(ndtr(x))``, also where ``ndtr`` itself is too small. Computed in float64."""
    x = floating(x)
    scaled = ew.cast(x, float64) * math.sqrt(0.5)
    low = ew.less(scaled, ew.zeros_like(scaled))
    t, log_of_rest = erfc_factors(ew.where(low, -scaled, ew.zeros_like(scaled)))
    tail = ew.log(t * 0.5) + log_of_rest
    usual = ew.log1p(erfc(ew.where(low, ew.zeros_like(scaled), scaled)) * -0.5)
    return ew.cast(ew.where(low, tail, usual), x.dtype)


def multigammaln(x: Node, order: int) -> Node:
    """The logarithm of the multivariate gamma function of that order."""
    if not 1 <= order <= 10_000:  # one term each
        raise ArgumentError(f"multigammaln: the order must be from 1 to 10000, got {order}")
    x = floating(x)
    total = x * 0 + order * (order - 1) / 4 * math.log(math.pi)
    for j in range(order):
        total = total + ew.lgamma(x - j / 2)
    return total


def i0(x: Node) -> Node:
    """The modified Bessel function of order 0 (Abramowitz and Stegun 9.8.1 and 9.8.2)."""
    x = floating(x)
    size = ew.absolute(x)
    small = ew.less(size, ew.scalar_like(3.75, x))
    t = ew.where(small, x, ew.zeros_like(x)) * (1 / 3.75)
    near = _polynomial(t * t, (1.0, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.0360768,
                               0.0045813))
    large = ew.where(small, ew.scalar_like(4, x), size)
    far = _polynomial(3.75 / large, (0.39894228, 0.01328592, 0.00225319, -0.00157565, 0.00916281,
                                     -0.02057706, 0.02635537, -0.01647633, 0.00392377))
    return ew.where(small, near, ew.exp(large) / ew.sqrt(large) * far)


def _polynomial(x: Node, coefficients: tuple[float, ...]) -> Node:
    total = x * 0 + coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = total * x + c
    return total


def gcd(x: Node, y: Node) -> Node:
    """The greatest common divisor of integers (Euclid)."""
    x, y = ar.promoted("gcd", x, y)
    if x.dtype.kind not in "iu":
        raise DTypeError(f"gcd: takes integers, got {x.dtype}")
    if x.dtype.kind == "i":
        x, y = ew.absolute(x), ew.absolute(y)

    def going(a: Node, b: Node) -> Node:
        return _any(ew.not_equal(b, ew.zeros_like(b)))

    def step(a: Node, b: Node) -> list[Node]:
        done = ew.equal(b, ew.zeros_like(b))
        rest = ew.remainder(a, ew.where(done, ew.scalar_like(1, b), b))
        return [ew.where(done, a, b), ew.where(done, b, rest)]

    # Fibonacci numbers take longest: 92 steps reach the limit of 64 bits.
    return while_loop(going, step, [x, y], max_iterations=96)[0]


def _any(x: Node) -> Node:
    return reduce_any(x, axes=tuple(range(x.ndim))) if x.ndim else x


def lcm(x: Node, y: Node) -> Node:
    """The least common multiple of integers; 0 if either is 0."""
    x, y = ar.promoted("lcm", x, y)
    divisor = gcd(x, y)
    none = ew.equal(divisor, ew.zeros_like(divisor))
    divisor = ew.where(none, ew.scalar_like(1, divisor), divisor)
    product = ew.floor_divide(x, divisor) * y
    return product if x.dtype.kind == "u" else ew.absolute(product)


def cdist(x: Node, y: Node, order: float = 2.0) -> Node:
    """Distances between all rows of one matrix and all of another, in the p-norm.

    Shapes:  (..., m, k), (..., n, k) -> (..., m, n)
    """
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ShapeError(f"cdist: expected matrices with rows of one length, got {tuple(x.shape)} "
                         f"and {tuple(y.shape)}")
    apart = expand_dims(x, x.ndim - 1) - expand_dims(y, y.ndim - 2)
    return norm(apart, -1, order)


def vander(x: Node, columns: int | None = None, increasing: bool = True) -> Node:
    """Powers of the elements of a vector, one row each.

    Shapes:  (..., n) -> (..., n, columns)
    """
    count = x.shape[-1] if columns is None else columns
    shape = (*x.shape, count)
    powers = iota(shape, int64, len(shape) - 1)
    if not increasing:
        powers = (count - 1) - powers
    base = broadcast_to(expand_dims(x, x.ndim), shape)
    return ar.power(base, powers)


def polar(magnitude: Node, angle: Node) -> Node:
    """Complex numbers by magnitude and angle."""
    magnitude, angle = ar.promoted("polar", magnitude, angle)
    return complex_of(magnitude * ew.cos(angle), magnitude * ew.sin(angle))


def _trapezia(y: Node, x: Node | None, spacing: float, at: int) -> Node:
    """The areas between neighbours."""
    count = y.shape[at] - 1
    middle = (narrow(y, at, 1, count + 1) + narrow(y, at, 0, count)) / 2
    if x is None:
        return middle * spacing
    widths = diff(x, 1, -1 if x.ndim == 1 else at)
    if x.ndim == 1:
        widths = reshape(widths, (count,) + (1,) * (y.ndim - at - 1))
    return middle * widths


def trapezoid(y: Node, x: Node | None = None, spacing: float = 1.0, axis: int = -1) -> Node:
    """The integral along an axis by the trapezoidal rule; ``x`` holds the places, if given."""
    at = normalise_axis(axis, y.ndim, "trapezoid")
    return sum_over(_trapezia(y, x, spacing, at), at)


def cumulative_trapezoid(y: Node, x: Node | None = None, spacing: float = 1.0,
                         axis: int = -1) -> Node:
    """`trapezoid` up to each place after the first."""
    at = normalise_axis(axis, y.ndim, "cumulative_trapezoid")
    return cumulative_sum(_trapezia(y, x, spacing, at), axis=at)
