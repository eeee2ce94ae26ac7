"""Scalar functions of elements, lane by lane, spelled in LLVM's instructions.

Transcendental functions are our own polynomials, so that they are vectors like everything else
and no library is called. The largest errors found by the tests, in units in the last place:

========================================================  =======  =======
function                                                  float32  float64
========================================================  =======  =======
exp, log, logistic, tanh, expm1, log1p                    3        3
erf                                                       5        4
sin, cos, tan, asin, acos, atan, atan2                    1        3
sinh, cosh, asinh, acosh, atanh                           1        4
power                                                     1        (host)
add, subtract, multiply, divide, sqrt                     0.5      0.5
========================================================  =======  =======

Special values (NaN, infinities, signed zeros, subnormals, integer division by zero) behave as in
numpy.
"""

from .casts import constant, is_narrow, memory_of, narrow, register_of, widen
from .table import apply, cost, supports

__all__ = ["apply", "constant", "cost", "is_narrow", "memory_of", "narrow", "register_of",
           "supports", "widen"]
