"""Fit the polynomials of `tricord/compiler/scalars/coefficients.py`, and print that file.

Needs mpmath. Each function is brought to a form that is smooth and of the size of one on a short
interval, so that a small absolute error of the fit is a small relative error of the function.

    python scripts/fit_polynomials.py > tricord/compiler/scalars/coefficients.py
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpmath import (
    asin,
    atan,
    atanh,
    chebyfit,
    cos,
    erf,
    erfc,
    exp,
    log,
    log1p,
    matrix,
    mp,
    mpf,
    nstr,
    pi,
    polyval,
    qr_solve,
    sin,
    sqrt,
    tan,
)

mp.dps = 60
Number = Any


def patched(function: Callable[[Number], Number], at_zero: Number) -> Callable[[Number], Number]:
    """The function with its limit at zero, where its formula has none."""
    return lambda t: at_zero if abs(t) < mpf(10) ** -18 else function(t)


def of_square(function: Callable[[Number], Number], at_zero: Number) -> Callable[[Number], Number]:
    """An even function of x as a function of z = x * x."""
    return patched(lambda z: function(sqrt(z)), at_zero)


def _erfc_scaled(t: Number) -> Number:
    x = 2 / t - 2
    return exp(x * x) * erfc(x)


_HALF_LN2 = log(2) / 2 * mpf("1.01")
_QUARTER = (pi / 4 * mpf("1.01")) ** 2
_SINGLE_M = (sqrt(mpf(1) / 2) - 1, sqrt(mpf(2)) - 1)

#: name, what is fitted, on which interval, and how many coefficients for float32 and float64
TABLES = [
    ("EXP", "(exp(r) - 1 - r) / r**2",
     patched(lambda r: (exp(r) - 1 - r) / r**2, mpf(1) / 2), (-_HALF_LN2, _HALF_LN2), 5, 11),
    ("LOG_SINGLE", "(log(1 + r) - r + r**2 / 2) / r**3",
     patched(lambda r: (log1p(r) - r + r * r / 2) / r**3, mpf(1) / 3), _SINGLE_M, 9, None),
    ("LOG_DOUBLE", "2 (atanh(s) / s - 1) / s**2, of s**2",
     of_square(lambda s: 2 * (atanh(s) / s - 1) / s**2, mpf(2) / 3), (0, mpf("0.02945")), None, 8),
    ("SIN", "(sin(x) - x) / x**3, of x**2",
     of_square(lambda x: (sin(x) - x) / x**3, -mpf(1) / 6), (0, _QUARTER), None, 6),
    ("COS", "(cos(x) - 1 + x**2 / 2) / x**4, of x**2",
     of_square(lambda x: (cos(x) - 1 + x * x / 2) / x**4, mpf(1) / 24), (0, _QUARTER), None, 6),
    ("ASIN", "(asin(x) - x) / x**3, of x**2",
     of_square(lambda x: (asin(x) - x) / x**3, mpf(1) / 6), (0, mpf(1) / 4), None, 13),
    ("ATAN", "(atan(x) - x) / x**3, of x**2",
     of_square(lambda x: (atan(x) - x) / x**3, -mpf(1) / 3), (0, tan(pi / 8) ** 2), None, 12),
    ("ERF", "erf(x) / x, of x**2",
     of_square(lambda x: erf(x) / x, 2 / sqrt(pi)), (0, 1), None, 12),
    ("ERFC", "exp(x**2) erfc(x), of 2 / (2 + x)", _erfc_scaled, (mpf(1) / 4, mpf(2) / 3), None, 17),
]


def rational(function: Callable[[Number], Number], top: int, bottom: int, high: int,
             ) -> tuple[list[Number], list[Number], Number]:
    """``function(x)`` as a quotient of polynomials in x**2, its relative error spread evenly over
    0 to ``high``: least squares, with the weights moved to where the error is large."""
    count = 120
    points = [mpf(high) * (1 - cos(pi * (i + mpf(1) / 2) / count)) / 2 for i in range(count)]
    values = [function(x) for x in points]
    scaled = [(x / high) ** 2 for x in points]
    scale, weight = [mpf(1)] * count, [mpf(1)] * count
    for _ in range(8):
        system, right = matrix(count, top + bottom + 1), matrix(count, 1)
        for i, (z, y) in enumerate(zip(scaled, values, strict=True)):
            factor = scale[i] / y * sqrt(weight[i])
            for k in range(top + 1):
                system[i, k] = factor * z**k
            for k in range(1, bottom + 1):
                system[i, top + k] = -factor * y * z**k
            right[i] = factor * y
        solution = qr_solve(system, right)[0]
        above = [solution[k] for k in range(top + 1)]
        below = [mpf(1), *[solution[top + k] for k in range(1, bottom + 1)]]
        under = [polyval(below[::-1], z) for z in scaled]
        errors = [abs(polyval(above[::-1], z) / u / y - 1)
                  for z, u, y in zip(scaled, under, values, strict=True)]
        scale = [1 / abs(u) for u in under]
        mean = sum(errors) / count
        weight = [w * (e / mean + mpf("1e-3")) for w, e in zip(weight, errors, strict=True)]
    return ([c / mpf(high) ** (2 * k) for k, c in enumerate(above)][::-1],
            [c / mpf(high) ** (2 * k) for k, c in enumerate(below)][::-1], max(errors))


def main() -> None:
    print('"""Coefficients of polynomials, the highest power first.\n\n'
          'Made by scripts/fit_polynomials.py; the largest error of each fit stands beside it.\n'
          '"""')
    print("\nfrom __future__ import annotations\n\nfrom typing import Final")
    tables: dict[str, list[tuple[str, str, list[Number], Number]]] = {}
    for name, text, function, interval, single, double in TABLES:
        for element, count in (("float", single), ("double", double)):
            if count:
                found, error = chebyfit(function, list(interval), count, error=True)
                tables.setdefault(name, []).append((element, text, found, error))
    above, below, error = rational(lambda x: erf(x) / x, 5, 5, mpf("3.925"))
    tables["ERF_ABOVE"] = [("float", "numerator of erf(x) / x, of x**2", above, error)]
    tables["ERF_BELOW"] = [("float", "its denominator", below, error)]
    for name, rows in tables.items():
        print(f"\n#: {rows[0][1]}")
        print(f"{name}: Final[dict[str, list[float]]] = {{")
        for element, _, found, error in rows:
            print(f'    "{element}": [  # error {nstr(error, 2)}')
            for number in found:
                print(f"        {float(number)!r},")
            print("    ],")
        print("}")
    print("\n#: 2 / pi, 64 bits at a time; the first are those before the point")
    print("TWO_OVER_PI: Final[list[int]] = [\n    0,")
    mp.prec = 1400
    for i in range(1, 19):
        print(f"    0x{int(2 / pi * mpf(2) ** (64 * i)) % 2**64:016X},")
    print("]")


if __name__ == "__main__":
    main()
