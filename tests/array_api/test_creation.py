"""Creation functions, dtypes and their promotion."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tricord as tc
from tests.array_api.support import ALL, COMPLEX, FLOAT, INTEGER, NUMERIC, arrays, same, shapes

QUICK = settings(max_examples=25, deadline=None)
sizes = st.one_of(st.integers(0, 4), shapes)


@given(sizes, st.sampled_from(ALL))
@QUICK
def test_zeros_ones_full_and_their_likes(shape, dtype):
    same(tc.zeros(shape, dtype=getattr(tc, dtype)), np.zeros(shape, dtype))
    same(tc.ones(shape, dtype=getattr(tc, dtype)), np.ones(shape, dtype))
    same(tc.full(shape, 1, dtype=getattr(tc, dtype)), np.ones(shape, dtype))
    assert tc.empty(shape, dtype=getattr(tc, dtype)).shape == np.zeros(shape).shape
    x = tc.zeros(shape, dtype=getattr(tc, dtype))
    same(tc.ones_like(x), np.ones(shape, dtype))
    same(tc.zeros_like(x, dtype=tc.int8), np.zeros(shape, np.int8))
    same(tc.full_like(x, 1), np.ones(shape, dtype))
    assert tc.empty_like(x).dtype == dtype


@pytest.mark.parametrize(("value", "dtype"), [(True, tc.bool), (2, tc.int64), (2.5, tc.float32),
                                              (1j, tc.complex64)])
def test_the_default_dtypes_of_numbers(value, dtype):
    assert tc.full(2, value).dtype is tc.asarray(value).dtype is tc.asarray([value]).dtype is dtype


def test_the_default_dtype_of_creation_is_float32():
    assert {f.dtype for f in (tc.zeros(2), tc.ones(2), tc.empty(2), tc.eye(2), tc.linspace(0, 1, 3),
                              tc.arange(2.0))} == {tc.float32}
    assert tc.arange(3).dtype is tc.int64


@given(st.integers(-20, 20), st.integers(-20, 20), st.integers(-5, 5).filter(bool),
       st.sampled_from(INTEGER + FLOAT))
@QUICK
def test_arange_of_integers(start, stop, step, dtype):
    if dtype.startswith("u"):
        start, stop, step = abs(start), abs(stop), abs(step)
    same(tc.arange(start, stop, step, dtype=getattr(tc, dtype)),
         np.arange(start, stop, step).astype(dtype))
    same(tc.arange(abs(stop)), np.arange(abs(stop)))


def test_arange_of_floats_is_rounded_once():
    x = tc.arange(0, 1000, 0.1).numpy()
    assert x.shape == (10000,)
    np.testing.assert_array_equal(x, (0.1 * np.arange(10000)).astype(np.float32))


def test_arange_holds_the_largest_integers():
    assert tc.arange(2**64 - 3, 2**64 - 1, dtype=tc.uint64).tolist() == [2**64 - 3, 2**64 - 2]


@given(st.floats(-9, 9, width=32), st.floats(-9, 9, width=32), st.integers(0, 9), st.booleans())
@QUICK
def test_linspace(start, stop, num, endpoint):
    result = tc.linspace(start, stop, num, endpoint=endpoint)
    same(result, np.linspace(start, stop, num, endpoint).astype(np.float32))
    if endpoint and num > 1:
        assert result.numpy()[-1] == np.float32(stop)
    assert tc.linspace(0, 1j, 3).dtype is tc.complex64


@given(st.integers(0, 4), st.one_of(st.none(), st.integers(0, 4)), st.integers(-4, 4))
@QUICK
def test_eye(rows, columns, k):
    same(tc.eye(rows, columns, k=k, dtype=tc.int16), np.eye(rows, columns, k, np.int16))


@given(arrays(shape=shapes.filter(lambda s: len(s) >= 2)), st.integers(-4, 4))
@QUICK
def test_triangles(x, k):
    same(tc.tril(tc.asarray(x), k=k), np.tril(x, k))
    same(tc.triu(tc.asarray(x), k=k), np.triu(x, k))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=3), st.sampled_from(["ij", "xy"]))
@QUICK
def test_meshgrid(lengths, indexing):
    lines = [np.arange(n, dtype=np.float32) for n in lengths]
    for actual, expected in zip(tc.meshgrid(*map(tc.asarray, lines), indexing=indexing),
                                np.meshgrid(*lines, indexing=indexing)):
        same(actual, expected)


# ---- asarray and exchange

@given(arrays())
@QUICK
def test_asarray_keeps_dtype_and_values(x):
    same(tc.asarray(x), x)
    if x.size:  # nested empty lists do not say all sizes
        same(tc.asarray(x.tolist(), dtype=getattr(tc, x.dtype.name)), x)


def test_asarray_with_and_without_copy():
    x = tc.asarray([1, 2, 3])
    assert tc.asarray(x) is x
    copied = tc.asarray(x, copy=True)
    x[0] = 9
    assert copied.tolist() == [1, 2, 3]
    assert tc.asarray(x, copy=False).tolist() == [9, 2, 3]
    for bad in ([1, 2], np.zeros(2)):
        with pytest.raises(ValueError, match="copy=False"):
            tc.asarray(bad, dtype=tc.int8, copy=False)
    array = np.zeros(2)
    assert np.shares_memory(np.asarray(tc.asarray(array, copy=False)), array)
    assert not np.shares_memory(np.asarray(tc.asarray(array)), array)


def test_asarray_takes_lists_that_hold_tensors():
    assert tc.asarray([tc.asarray(1), 2], dtype=tc.float64).tolist() == [1.0, 2.0]
    assert tc.asarray([[tc.ones(2), tc.zeros(2)]]).shape == (1, 2, 2)


@given(arrays())
@QUICK
def test_dlpack_there_and_back(x):
    t = tc.asarray(x)
    same(tc.from_dlpack(t), x)
    np.testing.assert_array_equal(np.from_dlpack(t), x)
    same(tc.from_dlpack(x), x)
    same(tc.from_dlpack(x, copy=True), x)
    same(tc.from_dlpack(x, copy=False), x)
    shared = np.asarray(tc.from_dlpack(x, copy=False))
    assert np.shares_memory(shared, x) == bool(x.size)
    assert not np.shares_memory(np.asarray(tc.from_dlpack(x)), x)
    assert t.__dlpack_device__() == (1, 0)


def test_an_unknown_device_is_refused():
    assert tc.zeros(2, device="cpu").device == "cpu"
    assert tc.zeros(2, device=tc.ones(1).device).device.type == "cpu"
    with pytest.raises(NotImplementedError, match="CPU"):
        tc.zeros(2, device="cuda")


# ---- dtypes

SAME_KIND = [(a, b) for names in (INTEGER, FLOAT + COMPLEX) for a in names for b in names
             if not ("uint64" in (a, b) and {a, b} & {"int8", "int16", "int32", "int64"})]


@pytest.mark.parametrize(("first", "second"), SAME_KIND)
def test_promotion_is_the_standards(first, second):
    expected = np.result_type(first, second).name
    assert tc.result_type(getattr(tc, first), getattr(tc, second)) == expected
    assert tc.result_type(tc.zeros(1, dtype=first), getattr(tc, second)) == expected
    assert (tc.zeros(1, dtype=first) + tc.zeros((), dtype=second)).dtype == expected


@pytest.mark.parametrize(("first", "second"), SAME_KIND)
def test_can_cast_is_promotion(first, second):
    assert tc.can_cast(getattr(tc, first), getattr(tc, second)) == (
        np.result_type(first, second).name == second)
    assert tc.can_cast(tc.zeros(1, dtype=first), getattr(tc, second)) is tc.can_cast(
        getattr(tc, first), getattr(tc, second))


def test_result_type_with_numbers():
    assert tc.result_type(tc.int8, 1) is tc.int8
    assert tc.result_type(tc.float32, 1, 2.5) is tc.float32
    assert tc.result_type(tc.float64, 1j) is tc.complex128
    with pytest.raises(ValueError, match="at least one"):
        tc.result_type(1, 2)


@pytest.mark.parametrize("name", ALL)
def test_isdtype_agrees_with_numpy(name):
    dtype = getattr(tc, name)
    for kind in ("bool", "signed integer", "unsigned integer", "integral", "real floating",
                 "complex floating", "numeric"):
        assert tc.isdtype(dtype, kind) is np.isdtype(np.dtype(name), kind)
    assert tc.isdtype(dtype, dtype)
    assert tc.isdtype(dtype, ("bool", "numeric"))
    with pytest.raises(ValueError, match="unknown kind"):
        tc.isdtype(dtype, "floating")


@pytest.mark.parametrize("name", FLOAT + COMPLEX)
def test_finfo(name):
    info, expected = tc.finfo(getattr(tc, name)), np.finfo(name)
    assert (info.bits, info.eps, info.max, info.min, info.smallest_normal) == (
        expected.bits, expected.eps, expected.max, expected.min, expected.smallest_normal)
    assert isinstance(info.eps, float)
    assert info.dtype == expected.dtype.name
    assert tc.finfo(tc.zeros(1, dtype=name)) == info


@pytest.mark.parametrize("name", INTEGER)
def test_iinfo(name):
    info, expected = tc.iinfo(getattr(tc, name)), np.iinfo(name)
    assert (info.bits, info.max, info.min) == (expected.bits, expected.max, expected.min)
    assert info.dtype == name


@given(arrays(kinds="bif", low=0, high=1), st.sampled_from(NUMERIC + ["bool"]))
@QUICK
def test_astype(x, dtype):
    same(tc.astype(tc.asarray(x), getattr(tc, dtype)), x.astype(dtype))


def test_astype_copies_unless_told_not_to():
    x = tc.asarray([1.5, 0.0, np.nan])
    assert tc.astype(x, tc.float32, copy=False) is x
    copied = tc.astype(x, tc.float32)
    x[0] = 7
    assert copied.numpy()[0] == 1.5
    assert tc.astype(x, tc.bool).tolist() == [True, False, True]
    with pytest.raises(TypeError, match="imaginary"):
        tc.astype(tc.asarray([1j]), tc.float32)


def test_a_dtype_is_hashable_and_equals_its_names():
    assert len({tc.float32, tc.float64, tc.asarray(1.0).dtype}) == 2
    assert tc.float32 == "float32" == tc.float32
    assert tc.float32 != tc.float64


# ---- inspection

def test_the_namespace_describes_itself():
    info = tc.__array_namespace_info__()
    assert set(info.capabilities()) == {"boolean indexing", "data-dependent shapes",
                                        "max dimensions"}
    assert info.default_device() == tc.zeros(1).device
    assert info.default_device() in info.devices()
    assert info.default_dtypes() == {"real floating": tc.float32, "complex floating": tc.complex64,
                                     "integral": tc.int64, "indexing": tc.int64}
    assert set(info.dtypes()) == set(ALL)
    assert set(info.dtypes(kind="signed integer")) == {"int8", "int16", "int32", "int64"}
    assert set(info.dtypes(kind=("bool", "real floating"), device="cpu")) == {"bool", *FLOAT}


def test_constants():
    assert (tc.e, tc.pi, tc.inf, tc.newaxis) == (np.e, np.pi, np.inf, None)
    assert tc.nan != tc.nan
    assert tc.__array_api_version__ == "2024.12"


def test_a_mistyped_name_gets_a_hint():
    with pytest.raises(AttributeError, match="did you mean 'zeros'"):
        tc.zeroes  # noqa: B018


def test_linspace_of_large_integers_has_exact_ends():
    low, high = 2**53 + 1, 2**60 + 1
    x = tc.linspace(low, high, 4, dtype=tc.int64).tolist()
    assert (x[0], x[-1]) == (low, high)


def test_arange_of_fractions_in_an_integer_dtype_truncates():
    assert tc.arange(0.5, 3.2, 0.7, dtype=tc.int32).tolist() == [0, 1, 1, 2]
