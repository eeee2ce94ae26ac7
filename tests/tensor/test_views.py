"""Views and in-place operations behave as numpy's do, with gradients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tricord.functions.reduction import sum as sum_
from tricord.tensor import record, recording_gradients, tensor


def total(x):
    return record(sum_, (x,), (None, False))


def pair():
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    return array, tensor(array)


def test_a_write_to_a_view_is_seen_by_base_and_other_views():
    a, t = pair()
    av, tv = a[1:], t[1:]
    aw, tw = a[:, 1], t[:, 1]
    av[0] = -1
    tv[0] = -1
    np.testing.assert_array_equal(t.numpy(), a)
    np.testing.assert_array_equal(tw.numpy(), aw)
    aw += 10
    tw += 10
    np.testing.assert_array_equal(t.numpy(), a)
    np.testing.assert_array_equal(tv.numpy(), av)


def test_views_of_views_and_of_pending_tensors():
    a, t = pair()
    a2, t2 = a * 2, t * 2
    va, vt = a2[::2][:, ::-1][0], t2[::2][:, ::-1][0]
    va[1:3] = 7
    vt[1:3] = 7
    np.testing.assert_array_equal(t2.numpy(), a2)


def test_an_alias_sees_in_place_operations_and_identity_stays():
    t = tensor([1.0, 2.0])
    alias = t
    t += 1
    assert alias is t and alias.tolist() == [2.0, 3.0]


def test_a_leaf_that_wants_gradients_is_protected():
    t = tensor([1.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="in-place"):
        t += 1
    with pytest.raises(RuntimeError, match="in-place"):
        t[0] = 3.0
    with recording_gradients(False):
        t += 1
    assert t.requires_grad and t.tolist() == [2.0]
    total(t * 3).backward()
    assert t.grad.tolist() == [3.0]


def test_an_update_and_the_next_forward_pass_without_an_observation_between():
    w = tensor([1.0], requires_grad=True)
    for _ in range(3):
        w.grad = None
        total(w * w).backward()
        with recording_gradients(False):
            w -= 0.25 * w.grad
    np.testing.assert_allclose(w.tolist(), [0.125])


def test_gradients_flow_through_writes():
    x = tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 2
    y[1] = y[0] * 10
    total(y * y).backward()
    # y = (2a, 20a, 2c)
    np.testing.assert_allclose(x.grad.numpy(), [8.0 + 800.0, 0.0, 24.0])


def test_data_and_detach_write_through_to_a_parameter():
    p = tensor([1.0, 2.0], requires_grad=True)
    p.data[0] = 9.0
    assert p.tolist() == [9.0, 2.0]
    p.data = tensor([4.0, 5.0])
    assert p.tolist() == [4.0, 5.0] and p.requires_grad
    total(p * p).backward()
    assert p.grad.tolist() == [8.0, 10.0]


def test_in_place_keeps_the_dtype_or_refuses():
    t = tensor([1, 2])
    with pytest.raises(TypeError, match="can't be cast"):
        t += 0.5
    t += 1
    assert t.dtype == "int64" and t.tolist() == [2, 3]
    h = tensor(np.ones(2, np.float16))
    h *= tensor(np.full(2, 3, np.float64))
    assert h.dtype == "float16"


def test_many_views_of_one_base_do_not_pile_up():
    _, t = pair()
    for _ in range(5000):
        t[0:2]
    assert len(t._views) < 200


INDICES = st.one_of(
    st.integers(-3, 2), st.slices(3), st.none(), st.just(Ellipsis),
    st.lists(st.integers(-3, 2), min_size=0, max_size=4))


def usable(array, key):
    if any(isinstance(k, list) for k in key) and any(isinstance(k, int) for k in key):
        return False  # integers beside arrays: a view is taken first, as PyTorch does
    try:
        array[key]
    except IndexError:
        return False
    return True


@given(st.lists(INDICES, max_size=4).map(tuple))
def test_reading_equals_numpy(key):
    a = np.arange(27, dtype=np.float32).reshape(3, 3, 3)
    t = tensor(a)
    if not usable(a, key):
        return
    np.testing.assert_array_equal(t[key].numpy(), a[key])


@given(st.lists(INDICES, max_size=4).map(tuple))
def test_writing_equals_numpy(key):
    a = np.arange(27, dtype=np.float32).reshape(3, 3, 3)
    t = tensor(a)
    if not usable(a, key):
        return
    a[key] = -5
    t[key] = -5
    np.testing.assert_array_equal(t.numpy(), a)


def test_masks():
    a, t = pair()
    mask = a % 3 == 0
    np.testing.assert_array_equal(t[tensor(mask)].numpy(), a[mask])
    np.testing.assert_array_equal(t[t % 3 == 0].numpy(), a[mask])
    a[mask] = 0
    t[tensor(mask)] = 0
    np.testing.assert_array_equal(t.numpy(), a)
    np.testing.assert_array_equal(t[tensor(np.array([True, False, True]))].numpy(),
                                  a[[True, False, True]])
    with pytest.raises(IndexError, match="mask"):
        t[tensor(np.ones((4, 4), bool))]


def test_index_errors_say_what_is_wrong():
    _, t = pair()
    with pytest.raises(IndexError, match="index 5 is out of bounds for dimension 0 with size 3"):
        t[5]
    with pytest.raises(IndexError, match="too many indices"):
        t[0, 0, 0]
    with pytest.raises(TypeError, match="integer or bool"):
        t[tensor([0.5])]
