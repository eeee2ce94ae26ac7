"""erf for float and double registers."""

from __future__ import annotations

from ..llvm import Function, Value, element_of
from . import coefficients
from .exponentials import copysign, exp, magnitude, polynomial

__all__ = ["erf"]

#: from here on erf is 1
_ONE = {"float": 4.0, "double": 6.0}


def erf(f: Function, x: Value) -> Value:
    """An odd polynomial up to 1; beyond, one less the scaled complement times exp(-x * x)."""
    element = element_of(x.type)
    size = magnitude(f, x)
    small = f.compare("olt", size, 1.0)
    near = f.mul(x, polynomial(f, f.mul(x, x), coefficients.ERF[element]))
    one = _ONE[element]
    size = f.select(f.compare("ogt", size, one), one, size)
    t = f.div(f.constant(2.0, x.type), f.add(size, 2.0))
    scaled = polynomial(f, t, coefficients.ERFC[element])
    far = f.sub(1.0, f.mul(exp(f, f.neg(f.mul(size, size))), scaled))
    return f.select(small, near, copysign(f, far, x))
