"""The tensor as the standard's array object: operators, attributes, conversions, indexing."""

import operator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tricord as tc
from tests.array_api.support import arrays, pairs, same, shapes

QUICK = settings(max_examples=20, deadline=None)
with_axes = shapes.filter(bool)

BINARY = {"add": "ifc", "sub": "ifc", "mul": "if", "truediv": "f", "eq": "bifc", "ne": "bifc",
          "lt": "if", "le": "if", "gt": "if", "ge": "if", "and_": "bi", "or_": "bi", "xor": "bi"}


# ---- operators

@pytest.mark.parametrize("name", BINARY)
@given(data=st.data())
@QUICK
def test_operators_are_numpys(name, data):
    function = getattr(operator, name)
    x, y = data.draw(pairs(BINARY[name]))
    with np.errstate(all="ignore"):
        expected = np.asarray(function(x, y))
    same(function(tc.asarray(x), tc.asarray(y)), expected)


@pytest.mark.parametrize("name", [n for n in BINARY if n not in ("eq", "ne", "lt", "le", "gt",
                                                                  "ge")])
@given(data=st.data())
@QUICK
def test_operators_take_numbers_on_either_side_and_work_in_place(name, data):
    x = data.draw(arrays(BINARY[name], low=1, high=5))
    number = {"b": True, "i": 3, "u": 3, "f": 2.5, "c": 1 + 2j}[x.dtype.kind]
    function = getattr(operator, name)
    with np.errstate(all="ignore"):
        left, right = np.asarray(function(x, number)), np.asarray(function(number, x))
    same(function(tc.asarray(x), number), left)
    same(function(number, tc.asarray(x)), right)
    target = handle = tc.asarray(x)
    target = getattr(operator, f"i{name.strip('_')}")(target, number)
    assert target is handle
    same(handle, left)


@pytest.mark.parametrize(("name", "function"), [("floordiv", operator.floordiv),
                                                ("mod", operator.mod), ("pow", operator.pow)])
def test_division_remainder_power(name, function):
    x, y = np.array([7, -7, 5]), np.array([2, 2, 3])
    for dtype in ("int16", "int64", "float32"):
        a, b = x.astype(dtype), y.astype(dtype)
        same(function(tc.asarray(a), tc.asarray(b)), function(a, b))
        same(function(tc.asarray(a), 2), function(a, a.dtype.type(2)))
        same(function(2, tc.asarray(b)), function(a.dtype.type(2), b))
        handle = tc.asarray(a)
        result = getattr(operator, f"i{name}")(handle, tc.asarray(b))
        assert result is handle
        same(handle, function(a, b))


@pytest.mark.parametrize("name", ["lshift", "rshift"])
def test_shifts(name):
    x, function = np.array([1, 5, -9], np.int32), getattr(operator, name)
    same(function(tc.asarray(x), 2), function(x, 2))
    same(function(3, tc.asarray(np.abs(x) % 4)), function(np.int32(3), np.abs(x) % 4))
    handle = tc.asarray(x)
    assert getattr(operator, f"i{name}")(handle, 1) is handle
    same(handle, function(x, 1))


@given(arrays("ifc"))
@QUICK
def test_signs(x):
    t = tc.asarray(x)
    same(-t, -x)
    same(+t, +x)
    same(abs(t), np.abs(x))


@given(arrays("bi"))
@QUICK
def test_inversion(x):
    same(~tc.asarray(x), ~x)


def test_matmul_in_place_keeps_identity():
    x = handle = tc.asarray([[1.0, 2.0], [3.0, 4.0]])
    x @= tc.eye(2) * 2
    assert x is handle
    assert x.tolist() == [[2, 4], [6, 8]]


def test_in_place_keeps_dtype_or_refuses():
    x = tc.zeros(2, dtype=tc.int8)
    x += tc.ones(2, dtype=tc.int64)
    assert (x.dtype, x.tolist()) == (tc.int8, [1, 1])
    with pytest.raises(TypeError, match="can't be cast"):
        x += tc.ones(2)


# ---- attributes

@given(arrays())
@QUICK
def test_attributes(x):
    t = tc.asarray(x)
    assert t.dtype == x.dtype
    assert (t.ndim, t.shape, t.size) == (x.ndim, x.shape, x.size)
    assert isinstance(t.size, int)
    assert isinstance(t.shape, tuple)
    assert t.size() == x.shape
    assert t.device == "cpu" == t.device.type
    same(t.T, x.T)
    if x.ndim >= 2:
        same(t.mT, np.swapaxes(x, -1, -2))


def test_size_serves_both_conventions():
    x = tc.zeros((2, 3))
    assert x.size == 6
    assert x.size() == (2, 3)
    assert x.size(0) == 2
    assert x.size(dim=-1) == 3
    with pytest.raises(ValueError, match="out of range"):
        x.size(2)


def test_transposes_need_their_axes():
    with pytest.raises(ValueError, match="two axes"):
        tc.zeros(3).mT  # noqa: B018


def test_the_namespace_and_the_device():
    x = tc.zeros(2)
    assert x.__array_namespace__() is tc
    assert x.__array_namespace__(api_version="2023.12") is tc
    with pytest.raises(ValueError, match="api_version"):
        x.__array_namespace__(api_version="2020.01")
    assert x.to_device("cpu") is x
    with pytest.raises(ValueError, match="streams"):
        x.to_device("cpu", stream=1)


# ---- conversions

@pytest.mark.parametrize(("value", "function"), [
    (True, bool), (3, int), (3, operator.index), (2.5, float), (1 + 2j, complex), (2.5, complex),
    (3, float), (0, bool), (np.nan, bool), (True, int)])
def test_a_0d_tensor_becomes_a_python_number(value, function):
    result = function(tc.asarray(value))
    assert result == function(value)
    assert type(result) is type(function(value))


@pytest.mark.parametrize(("value", "function", "error"), [
    (1j, float, TypeError), (1j, int, TypeError), (2.5, operator.index, TypeError),
    (np.nan, int, ValueError), (np.inf, int, OverflowError), (True, operator.index, TypeError)])
def test_what_python_refuses_is_refused(value, function, error):
    with pytest.raises(error):
        function(tc.asarray(value))


def test_several_elements_have_no_truth():
    with pytest.raises(ValueError, match="ambiguous"):
        bool(tc.zeros(2))
    with pytest.raises(TypeError):
        operator.index(tc.asarray([1, 2]))


def test_a_tensor_iterates_and_has_a_length():
    x = tc.asarray([[1, 2], [3, 4]])
    assert [row.tolist() for row in x] == [[1, 2], [3, 4]]
    assert len(x) == 2
    with pytest.raises(TypeError):
        len(tc.asarray(1))


# ---- indexing

@given(st.data())
@QUICK
def test_basic_indexing(data):
    x = data.draw(arrays(shape=with_axes))
    key = data.draw(hnp.basic_indices(x.shape, allow_newaxis=True, allow_ellipsis=True))
    same(tc.asarray(x)[key], np.asarray(x[key]))


@given(st.data())
@QUICK
def test_assignment_to_a_box(data):
    x = data.draw(arrays(shape=with_axes))
    key = data.draw(hnp.basic_indices(x.shape))
    value = data.draw(arrays(dtype=x.dtype.name, shape=np.shape(x[key])))
    t = tc.asarray(x)
    t[key] = tc.asarray(value)
    expected = x.copy()
    expected[key] = value
    same(t, expected)


@given(st.data())
@QUICK
def test_masks(data):
    x = data.draw(arrays(shape=shapes))
    covered = data.draw(st.integers(0, x.ndim))
    mask = data.draw(arrays(dtype="bool", shape=x.shape[:covered]))
    t = tc.asarray(x)
    same(t[tc.asarray(mask)], x[mask])
    t[tc.asarray(mask)] = 0
    expected = x.copy()
    expected[mask] = 0
    same(t, expected)


@given(st.data())
@QUICK
def test_integer_arrays(data):
    x = data.draw(arrays(shape=with_axes.filter(lambda s: 0 not in s)))
    n = x.shape[0]
    places = data.draw(hnp.arrays(np.int64, shapes, elements=st.integers(-n, n - 1)))
    same(tc.asarray(x)[tc.asarray(places)], x[places])
    if x.ndim > 1:
        m = x.shape[1]
        others = data.draw(hnp.arrays(np.int64, places.shape, elements=st.integers(-m, m - 1)))
        same(tc.asarray(x)[tc.asarray(places), tc.asarray(others)], x[places, others])
        same(tc.asarray(x)[:, tc.asarray(others)], x[:, others])
        if places.ndim:
            same(tc.asarray(x)[tc.asarray(places), 0], x[places, 0])


def test_indices_out_of_range():
    x = tc.zeros((2, 3))
    for key in (2, -3, (0, 3), (0, 0, 0)):
        with pytest.raises(IndexError):
            x[key]
    with pytest.raises(IndexError):
        x[tc.asarray([2])].tolist()
    with pytest.raises(IndexError):
        x[tc.asarray([True, False, True])]


@pytest.mark.parametrize("truth", [True, False])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_a_single_truth_value_indexes_a_new_axis(truth, shape):
    x = np.arange(6.0, dtype=np.float32)[:int(np.prod(shape))].reshape(shape)
    same(tc.asarray(x)[truth], x[truth])
    same(tc.asarray(x)[tc.asarray(truth)], x[truth])
    t, expected = tc.asarray(x), x.copy()
    t[tc.asarray(truth)] = 7
    expected[truth] = 7
    same(t, expected)


@pytest.mark.parametrize(("shape", "mask"), [((3,), (0,)), ((3, 2), (3, 0)), ((3, 2), (0, 2))])
def test_an_empty_mask_takes_nothing(shape, mask):
    x, key = np.ones(shape, np.float32), np.zeros(mask, bool)
    same(tc.asarray(x)[tc.asarray(key)], x[key])


@pytest.mark.parametrize("version", [None, (0, 8), (1, 0)])
def test_dlpack_capsules(version):
    x = tc.zeros((2, 3))
    for copy in (None, True, False):
        assert "dltensor" in repr(x.__dlpack__(max_version=version, copy=copy, dl_device=(1, 0)))
    repeated = tc.broadcast_to(tc.zeros(()), (2,))
    assert "dltensor" in repr(repeated.__dlpack__(max_version=version))


@pytest.mark.parametrize(("left", "right"), [((3, 3), (3,)), ((1, 3, 3), (2, 3, 3)),
                                             ((2, 3), (3, 2)), ((3,), (3,)), ((2, 3), (1, 3))])
def test_matmul_in_place_refuses_another_shape(left, right):
    x = tc.ones(left)
    with pytest.raises(ValueError, match=r"keeps the shape of x|inner sizes differ"):
        x @= tc.ones(right)
    assert x.shape == left
    assert tc.all(x == 1)


@pytest.mark.parametrize(("left", "right"), [((1,), (3,)), ((3, 1), (3, 3)), ((), (1,))])
def test_in_place_refuses_to_grow(left, right):
    x = tc.ones(left)
    with pytest.raises(ValueError, match="does not fit into"):
        x += tc.ones(right)
    assert x.shape == left


def test_a_0d_tensor_indexed_with_nothing_stays_an_array():
    found = np.asarray(tc.asarray(True)[()])
    assert found.shape == ()
    assert found.dtype == bool
