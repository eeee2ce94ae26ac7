"""Scalar functions as machine code against numpy: special values exactly, others within ulps."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from tests.compiler.helpers import RUNNABLE, compiled, ulps
from tricord.compiler import scalars
from tricord.errors import TricordError
from tricord.ir.dtypes import ALL, as_dtype
from tricord.ir.graph import make_input
from tricord.ir.lowering import Scalar
from tricord.ir.ops.elementwise import cast
from tricord.ir.record import primitives
from tricord.ir.shapes import tensor_type

RECORDS = {p.name: p for p in primitives() if isinstance(p.lower, Scalar)}
#: units in the last place that results may differ from numpy's, by name; the others must be equal
ULPS = {
    "float32": {"exp": 3, "expm1": 3, "log": 3, "log1p": 3, "logistic": 3, "tanh": 3, "erf": 5,
                "rsqrt": 2},
    "float64": {"exp": 3, "expm1": 3, "log": 3, "log1p": 4, "logistic": 3, "tanh": 3, "erf": 4,
                "rsqrt": 2, "sin": 3, "cos": 3, "tan": 4, "asin": 3, "acos": 3, "atan": 3,
                "atan2": 3, "sinh": 4, "cosh": 4, "asinh": 4, "acosh": 4, "atanh": 4},
}
ONE_ULP = {"sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "asinh", "acosh",
           "atanh", "power"}
#: which of two zeros, numpy itself decides by the machine, or by the dtype
SIGN_IS_FREE = {"maximum", "minimum", "nextafter"}
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.0, -2.0, 2.5, -2.5, 3.0, 7.0, -7.0, 0.1, -0.1,
           100.0, -100.0, 1e-30, -1e-30, 1e30, -1e30, np.inf, -np.inf, np.nan, 1e-42, -1e-42, 88.7,
           -103.0, 127.0, 128.0, -129.0, 2.0**31, -2.0**31, 2.0**23 + 1, 0.49999997]


def values(dtype: np.dtype) -> np.ndarray:
    rng = np.random.default_rng(5)
    if dtype.kind == "b":
        return np.array([False, True, True])
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        some = [0, 1, 2, 3, 5, 7, 8, 31, 63, info.max, info.max - 1, info.min]
        some += [-1, -2, -3, -7] if info.min else []
        return np.array(some, dtype)
    with np.errstate(all="ignore"):
        special = np.array(SPECIAL).astype(dtype)
        limits = np.finfo(dtype)
        edges = np.array([limits.max, limits.min, limits.tiny, limits.smallest_subnormal,
                          limits.eps, -limits.tiny], dtype)
        random = (rng.standard_normal(20) * 10.0 ** rng.integers(-3, 3, 20)).astype(dtype)
    return np.concatenate([special, edges, random])


def accepted(record, dtype, first=0):
    """A node of the record over inputs of a dtype and the numbers for it; None where it refuses."""
    arity = {"where": 3}.get(record.name) or len(record.samples[0].arrays)
    v = values(dtype)
    if record.name == "where":
        arrays = [np.arange(len(v)) % 3 == 0, v, v[::-1].copy()]
    else:
        arrays = [np.array(c) for c in zip(*itertools.product(v, repeat=arity), strict=True)]
        arrays = [a.astype(dtype) for a in arrays]
    nodes = [make_input(i, tensor_type(a.shape, as_dtype(a.dtype)))
             for i, a in enumerate(arrays, first)]
    try:
        return record(*nodes), arrays
    except TricordError:
        return None


DTYPES = [d.name for d in ALL if d.kind != "c" and d.name != "bfloat16"]
NAMES = [name for name in sorted(RECORDS) if name not in ("cast", "bitcast")]


def allowed(name: str, dtype: str) -> float:
    if dtype == "float16" and name != "floor_divide":
        return 1 if name in ULPS["float32"] or name in ONE_ULP else 0
    if dtype in ("float16", "float32") and name == "floor_divide":
        return 1  # numpy rounds the quotient of large ones twice
    if dtype == "float32" and name in ONE_ULP:
        return 2 if name == "atan2" else 1  # numpy's own error
    return ULPS.get(dtype, {}).get(name, 0)


@pytest.mark.parametrize("target", RUNNABLE)
@pytest.mark.parametrize("name", NAMES)
def test_a_scalar_function_gives_what_numpy_gives(name, target):
    nodes, slots, dtypes = [], [], []
    for dtype in DTYPES:
        found = accepted(RECORDS[name], np.dtype(dtype), len(slots))
        if found is None or not scalars.supports(
                name, [p.dtype for p in found[0].parents], found[0].dtype):
            continue
        nodes.append(found[0])
        slots += found[1]
        dtypes.append(dtype)
    if not nodes:
        pytest.skip(f"{name} runs through numpy")
    results = compiled(nodes, slots, target=target)
    for node, dtype, result in zip(nodes, dtypes, results, strict=True):
        check(name, dtype, node, [slots[p.params.slot] for p in node.parents], result)


def check(name, dtype, node, arrays, result):
    with np.errstate(all="ignore"):
        expected = node.op.reference(node.params, *arrays)
    tolerance = allowed(name, dtype)
    if not tolerance:
        np.testing.assert_array_equal(result, expected, err_msg=dtype)
    else:
        distance = ulps(result, np.asarray(expected, np.longdouble))
        worst = int(np.argmax(distance))
        assert distance[worst] <= tolerance, (
            f"{name}({[a[worst] for a in arrays]}) = {result[worst]}, numpy {expected[worst]}, "
            f"{distance[worst]} ulp")
    if result.dtype.kind == "f" and name not in SIGN_IS_FREE:  # zeros have signs
        sign = np.signbit(result) == np.signbit(expected)
        wrong = np.flatnonzero(~sign & ~np.isnan(expected))
        assert not len(wrong), [(tuple(a[i] for a in arrays), result[i], expected[i])
                                for i in wrong[:5]]


@pytest.mark.parametrize("target", RUNNABLE)
def test_casts_between_all_dtypes(target):
    for source, to in itertools.product(ALL, ALL):
        if "c" in (source.kind, to.kind) or source is to:
            continue
        numbers = values(np.dtype("float32")) if source.name == "bfloat16" else values(
            source.numpy)
        if source.kind == "f" and to.kind in "iu":  # what does not fit is the processor's affair
            numbers = numbers[np.isfinite(numbers) & (np.abs(numbers) < 100) & (numbers > -0.9)]
        with np.errstate(all="ignore"):
            numbers = numbers.astype(source.numpy)
            expected = numbers.astype(to.numpy)
        x = make_input(0, tensor_type(numbers.shape, source))
        result, = compiled([cast(x, to)], [numbers], target=target)
        if to.name == "bfloat16":
            result, expected = result.astype(np.float32), expected.astype(np.float32)
        np.testing.assert_array_equal(result, expected, err_msg=f"{source} to {to}")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(ULPS["float64"] | dict.fromkeys(ONE_ULP)))
def test_errors_stay_within_what_is_stated(name, dtype):
    record = RECORDS[name]
    if len(record.samples[0].arrays) > 1:
        pytest.skip("of one operand only")
    rng = np.random.default_rng(7)
    low, high = {"asin": (-1, 1), "acos": (-1, 1), "atanh": (-1, 1), "acosh": (1, 50),
                 "log": (0, 50), "rsqrt": (0, 50), "log1p": (-1, 20)}.get(name, (-30, 30))
    x = rng.uniform(low, high, 40000).astype(dtype)
    x = np.concatenate([x, (x * 0.01).astype(dtype) if low <= 0 else x])
    if name in ("sin", "cos", "tan"):
        x = np.concatenate([x, (10.0 ** rng.uniform(5, 35, 5000)).astype(dtype)])
    node = record(make_input(0, tensor_type(x.shape, as_dtype(dtype))))
    with np.errstate(all="ignore"):
        exact = record.reference(None, x.astype(np.float64 if dtype == "float32"
                                               else np.longdouble))
    if name == "erf":
        exact = np.vectorize(math.erf)(x)
    result, = compiled([node], [x])
    distance = ulps(result, exact)
    limit = allowed(name, dtype)
    worst = int(np.argmax(distance))
    assert distance[worst] <= limit, f"{name}({x[worst]!r}): {distance[worst]:.2f} ulp"
