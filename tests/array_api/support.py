"""Strategies and comparisons for the conformance suite: numpy is the oracle."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tricord as tc

BOOL = ["bool"]
SIGNED = ["int8", "int16", "int32", "int64"]
UNSIGNED = ["uint8", "uint16", "uint32", "uint64"]
INTEGER = SIGNED + UNSIGNED
FLOAT = ["float32", "float64"]
COMPLEX = ["complex64", "complex128"]
REAL = INTEGER + FLOAT
NUMERIC = REAL + COMPLEX
ALL = BOOL + NUMERIC
KINDS = {"b": BOOL, "i": INTEGER, "f": FLOAT, "c": COMPLEX}

#: Values at which elementwise functions have corners.
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, np.inf, -np.inf, np.nan, 1e-30, -1e30]
TOLERANCE = {"float32": 4e-6, "float64": 1e-13, "complex64": 8e-6, "complex128": 1e-12}


def dtypes(kinds: str) -> list[str]:
    """Names of the dtypes of these kinds (b, i, f, c)."""
    return [name for kind in kinds for name in KINDS[kind]]


shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


def elements(dtype: str, low: float | None = None, high: float | None = None):
    kind = np.dtype(dtype).kind
    if kind == "b":
        return st.booleans()
    if kind in "iu":
        info = np.iinfo(dtype)
        return st.integers(max(info.min, -100 if low is None else int(low)),
                           min(info.max, 100 if high is None else int(high)))
    width = 32 if dtype in ("float32", "complex64") else 64
    real = st.floats(-100 if low is None else low, 100 if high is None else high, width=32)
    if low is None and high is None:
        real = st.one_of(st.sampled_from(SPECIAL), real)
    if kind == "c":
        return st.builds(complex, real, real)
    return real.map(np.float32 if width == 32 else np.float64)


@st.composite
def arrays(draw, kinds: str = "bifc", shape=shapes, low=None, high=None, dtype=None):
    """A numpy array of a dtype of these kinds."""
    name = draw(st.sampled_from(dtypes(kinds))) if dtype is None else dtype
    size = draw(shape) if hasattr(shape, "example") else shape
    with np.errstate(all="ignore"):
        return draw(hnp.arrays(name, size, elements=elements(name, low, high), fill=st.nothing()))


@st.composite
def pairs(draw, kinds: str = "bifc", low=None, high=None):
    """Two numpy arrays of one kind, whose shapes broadcast."""
    kind = draw(st.sampled_from(list(kinds)))
    names = draw(st.tuples(*[st.sampled_from(KINDS[kind])] * 2))
    if set(names) & {"uint64"} and set(names) & set(SIGNED):
        names = (names[0], names[0])
    found = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=3,
                                                   max_dims=3)).input_shapes
    return tuple(draw(arrays(shape=s, dtype=n, low=low, high=high)) for s, n in zip(found, names))


def same(actual: tc.Tensor, expected, *, tolerance: float | None = None) -> None:
    """Dtype, shape and values are those of the numpy array; NaN equals NaN."""
    expected = np.asarray(expected)
    assert isinstance(actual, tc.Tensor), type(actual)
    assert actual.dtype == expected.dtype, f"{actual.dtype} is not {expected.dtype}"
    assert actual.shape == expected.shape, f"{actual.shape} is not {expected.shape}"
    value = np.asarray(actual)
    if expected.dtype.kind in "biu":
        np.testing.assert_array_equal(value, expected)
        return
    rtol = TOLERANCE[expected.dtype.name] if tolerance is None else tolerance
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(value, expected, rtol=rtol, atol=rtol)
