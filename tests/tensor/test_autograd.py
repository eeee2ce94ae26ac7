"""backward, grad, histories across cuts, hooks, higher orders."""

from __future__ import annotations

import numpy as np
import pytest

from tricord.errors import GradientError
from tricord.functions.reduction import sum as sum_
from tricord.ir.ops import elementwise as ew
from tricord.tensor import grad, record, recording_gradients, tensor
from tricord.tensor.recorder import state


def total(x):
    return record(sum_, (x,), (None, False))


def exp(x):
    return record(ew.exp, (x,))


def leaf(*values):
    return tensor(list(values), requires_grad=True)


def test_gradients_accumulate_and_none_clears_them():
    x = leaf(1.0, 2.0)
    total(x * x).backward()
    total(x * 3).backward()
    assert x.grad.tolist() == [5.0, 7.0]
    x.grad = None
    total(x).backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_observing_the_loss_first_gives_the_same_gradient_and_one_forward_pass():
    x = leaf(0.5, -1.0)

    def loss():
        return total(exp(x) * x)

    first = loss()
    first.backward()
    expected = x.grad.numpy()
    for _ in range(2):  # the second time all is found by look-up
        x.grad = None
        built = state.programs_built
        second = loss()
        second.item()
        second.backward()
        np.testing.assert_array_equal(x.grad.numpy(), expected)
    assert state.programs_built == built


def test_observation_in_the_middle_of_the_forward_pass():
    x = leaf(0.3, 0.7)
    h = exp(x)
    h.tolist()
    g = h * h
    g.tolist()
    total(g * x).backward()
    value = np.array([0.3, 0.7])
    np.testing.assert_allclose(x.grad.numpy(), np.exp(2 * value) * (1 + 2 * value), rtol=1e-6)


def test_two_losses_over_one_observed_value():
    x = leaf(2.0)
    h = x * x
    h.item()
    (h * 3).backward(retain_graph=True)
    (h * 5).backward()
    assert x.grad.tolist() == [32.0]


def test_a_second_backward_is_refused_unless_the_graph_is_retained():
    for observe in (False, True):
        x = leaf(2.0)
        loss = total(x * x)
        if observe:
            loss.item()
        loss.backward(retain_graph=True)
        loss.backward()
        assert x.grad.tolist() == [8.0]
        with pytest.raises(RuntimeError, match="second time"):
            loss.backward()
        loss.item()
        with pytest.raises(RuntimeError, match="second time"):
            loss.backward()


def test_backward_needs_a_scalar_or_a_gradient():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="scalar outputs"):
        (x * x).backward()
    (x * x).backward(tensor([1.0, 10.0]))
    assert x.grad.tolist() == [2.0, 40.0]


def test_nothing_to_differentiate_is_an_error():
    with pytest.raises(GradientError, match="does not require grad"):
        total(tensor([1.0])).backward()
    with recording_gradients(False):
        y = total(leaf(1.0) * 2)
    assert not y.requires_grad


def test_no_grad_results_are_constants_for_gradients():
    x = leaf(3.0)
    with recording_gradients(False):
        frozen = x * x
    total(frozen * x).backward()
    assert x.grad.tolist() == [9.0]


def test_detach_shares_the_value_and_stops_the_gradient():
    x = leaf(3.0)
    (x * x.detach()).backward()
    assert x.grad.tolist() == [3.0]


def test_higher_orders():
    x = leaf(2.0)
    y = x * x * x
    (first,) = grad([y], [x], create_graph=True)
    (second,) = grad([first], [x], create_graph=True)
    (third,) = grad([second], [x])
    assert (first.item(), second.item(), third.item()) == (12.0, 12.0, 6.0)


def test_higher_orders_through_observed_values():
    x = leaf(0.4)
    y = exp(x)
    y.item()
    z = y * y
    z.item()
    (first,) = grad([z], [x], create_graph=True)
    first.item()
    (second,) = grad([first], [x])
    np.testing.assert_allclose(second.item(), 4 * np.exp(0.8), rtol=1e-6)


def test_grad_with_respect_to_an_intermediate_value():
    for observe in (False, True):
        x = leaf(2.0)
        h = x * 3
        y = h * h
        if observe:
            y.item()
        (g,) = grad([y], [h])
        assert g.tolist() == [12.0]


def test_grad_of_something_unrelated_is_none():
    x, other = leaf(1.0), leaf(1.0)
    assert grad([x * 2], [other]) == [None]


def test_hooks_see_and_replace_gradients():
    x = leaf(1.0, 2.0)
    seen = []
    handle = x.register_hook(lambda g: seen.append(g.tolist()) or g * 10)
    total(x * x).backward()
    assert seen == [[2.0, 4.0]] and x.grad.tolist() == [20.0, 40.0]
    handle.remove()
    x.grad = None
    total(x).backward()
    assert x.grad.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("observe", [False, True])
def test_hooks_and_retained_gradients_of_intermediate_values(observe):
    x = leaf(3.0)
    h = x * 2
    h.retain_grad()
    seen = []
    h.register_hook(lambda g: seen.append(g.item()) or g * 100)
    y = total(h * h)
    if observe:
        y.item()
    y.backward()
    assert seen == [12.0]
    assert x.grad.tolist() == [2400.0]
    assert h.grad.tolist() == [1200.0]


def test_adding_up_losses_keeps_no_graph():
    x = leaf(1.0)
    running = 0
    for _ in range(30):
        loss = total(x * x)
        loss.backward()
        running = running + loss
        loss.item()
    assert running._provenance is None
    assert running.item() == 30.0
    assert len(state.segment.handles) < 16


def test_a_gradient_flows_through_a_hidden_state_that_was_observed():
    w = leaf(0.5)
    h = tensor([1.0])
    for _ in range(3):
        h = h * w
        h.item()
    total(h).backward()
    np.testing.assert_allclose(w.grad.numpy(), [3 * 0.25])


def test_changing_a_leaf_between_forward_and_backward_uses_the_old_value():
    x = leaf(2.0)
    y = leaf(5.0)
    loss = total(x * y)
    loss.item()
    with recording_gradients(False):
        x += 100
    loss.backward()
    assert y.grad.tolist() == [2.0]
    assert x.tolist() == [102.0]
