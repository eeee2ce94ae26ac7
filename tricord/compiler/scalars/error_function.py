"""erf for float and double registers."""

from __future__ import annotations

from ..llvm import Function, Value, element_of
from . import coefficients
from .exponentials import copysign, exp, magnitude, polynomial

__all__ = ["erf"]

#: of float32; also the end of the fit
_ONE_FROM = 3.925


def erf(f: Function, x: Value) -> Value:
    return _single(f, x) if element_of(x.type) == "float" else _double(f, x)


def _single(f: Function, x: Value) -> Value:
    """An odd rational function up to where the result is 1 to all digits."""
    x = f.select(f.compare("ogt", x, _ONE_FROM), _ONE_FROM, x)
    x = f.select(f.compare("olt", x, -_ONE_FROM), -_ONE_FROM, x)
    z = f.mul(x, x)
    above = polynomial(f, z, coefficients.ERF_ABOVE["float"])
    below = polynomial(f, z, coefficients.ERF_BELOW["float"])
    y = f.div(f.mul(x, above), below)
    y = f.select(f.compare("ogt", y, 1.0), 1.0, y)
    return f.select(f.compare("olt", y, -1.0), -1.0, y)


def _double(f: Function, x: Value) -> Value:
    """An odd polynomial up to 1; beyond, one less the scaled complement times exp(-x * x)."""
    size = magnitude(f, x)
    small = f.compare("olt", size, 1.0)
    near = f.mul(x, polynomial(f, f.mul(x, x), coefficients.ERF["double"]))
    size = f.select(f.compare("ogt", size, 6.0), 6.0, size)
    t = f.div(f.constant(2.0, x.type), f.add(size, 2.0))
    scaled = polynomial(f, t, coefficients.ERFC["double"])
    far = f.sub(1.0, f.mul(exp(f, f.neg(f.mul(size, size))), scaled))
    return f.select(small, near, copysign(f, far, x))
