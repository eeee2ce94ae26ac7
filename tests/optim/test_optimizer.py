"""The protocol of optimizers: groups, state, closures, failures, and what a step costs."""

from __future__ import annotations

import copy
import sys
from typing import Any

import numpy as np
import pytest

from tricord.errors import (
    ArgumentError,
    DTypeError,
    IndexRangeError,
    NonFiniteError,
    ShapeError,
    StateError,
)
from tricord.functions.reduction import sum as sum_
from tricord.ir.node import node_count
from tricord.ir.ops.indexing import gather
from tricord.optim import SGD, Adam, AdamW, Optimizer, RMSprop
from tricord.tensor import Parameter, Tensor, record, recording_gradients, tensor, wrap
from tricord.tensor.recorder import TraceSegment, cut, state


def parameters(*shapes: tuple[int, ...]) -> list[Parameter]:
    random = np.random.RandomState(0)
    return [Parameter(random.standard_normal(s).astype("float32"))
            for s in shapes or [(3,), (2, 2)]]


def squares(params: list[Any]) -> Any:
    total = None
    for p in params:
        term = record(sum_, (p * p,), (None, False))
        total = term if total is None else total + term
    return total


def step(optimizer: Any, params: list[Any]) -> Any:
    optimizer.zero_grad()
    loss = squares(params)
    loss.backward()
    optimizer.step()
    return loss


def test_sgd_is_the_formula() -> None:
    params = parameters()
    before = [p.numpy() for p in params]
    step(SGD(params, lr=0.25), params)
    for p, old in zip(params, before, strict=True):
        np.testing.assert_array_equal(p.numpy(), old - np.float32(0.25) * (2 * old))


def test_adam_is_the_formula() -> None:
    (p,) = parameters((5,))
    value, m, v = p.numpy().astype(np.float64), 0.0, 0.0
    optimizer = Adam([p], lr=0.01)
    for t in range(1, 15):
        step(optimizer, [p])
        g = 2 * value
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        value = value - 0.01 * (m / (1 - 0.9 ** t)) / (np.sqrt(v / (1 - 0.999 ** t)) + 1e-8)
    np.testing.assert_allclose(p.numpy(), value, rtol=1e-5)


def test_a_step_is_evaluated_at_its_end_and_its_gradients_stay() -> None:
    params = parameters()
    optimizer = Adam(params)
    step(optimizer, params)
    cuts = state.cuts
    loss = step(optimizer, params)
    assert state.cuts == cuts + 1
    assert params[0]._value is not None and params[0].grad._value is not None
    assert loss._value is not None and params[0].requires_grad


def test_a_step_seen_before_builds_and_records_nothing_new() -> None:
    params = parameters()
    optimizer = Adam(params)
    for _ in range(2):
        step(optimizer, params)
    built, nodes, memo = state.programs_built, node_count(), len(state.memo_without_gradients)
    for i in range(20):
        optimizer.param_groups[0]["lr"] = 0.01 / (i + 1)
        step(optimizer, params)
    assert (state.programs_built, node_count()) == (built, nodes)
    assert len(state.memo_without_gradients) == memo


def test_a_new_optimizer_of_the_same_kind_finds_the_old_program() -> None:
    params = parameters()
    for _ in range(2):
        step(AdamW(params), params)
    built = state.programs_built
    step(AdamW(params), params)
    assert state.programs_built == built


def test_changed_options_count_from_the_next_step() -> None:
    (p,) = parameters((2,))
    optimizer = SGD([p], lr=0.5)
    step(optimizer, [p])
    old = p.numpy()
    optimizer.param_groups[0]["weight_decay"] = 1.0
    step(optimizer, [p])
    np.testing.assert_allclose(p.numpy(), old - 0.5 * (2 * old + old), atol=1e-7)


def test_groups_have_options_of_their_own() -> None:
    p, q = parameters((2,), (2,))
    before = [p.numpy(), q.numpy()]
    optimizer = SGD([{"params": [p]}, {"params": q, "lr": 0.25}], lr=0.125)
    step(optimizer, [p, q])
    np.testing.assert_allclose(p.numpy(), before[0] * 0.75)
    np.testing.assert_allclose(q.numpy(), before[1] * 0.5)
    (r,) = parameters((3,))
    optimizer.add_param_group({"params": [r], "lr": 0.5})
    step(optimizer, [p, q, r])
    np.testing.assert_array_equal(r.numpy(), np.zeros(3))


def test_a_rate_may_be_a_tensor() -> None:
    (p,) = parameters((2,))
    old = p.numpy()
    step(SGD([p], lr=tensor(0.25)), [p])
    np.testing.assert_allclose(p.numpy(), old * 0.5)


def test_parameters_without_gradient_stay() -> None:
    p, q = parameters((2,), (2,))
    old = q.numpy()
    optimizer = Adam([p, q])
    squares([p]).backward()
    optimizer.step()
    np.testing.assert_array_equal(q.numpy(), old)
    assert list(optimizer.state_dict()["state"]) == [0]
    step(optimizer, [p, q])
    saved = optimizer.state_dict()["state"]
    assert (saved[0]["step"].item(), saved[1]["step"].item()) == (2.0, 1.0)


def test_nothing_to_do_is_no_error() -> None:
    params = parameters()
    Adam(params).step()
    assert params[0].requires_grad


def test_closure_is_run_with_gradients_and_its_loss_returned() -> None:
    params = parameters()
    optimizer = SGD(params, lr=0.1)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = squares(params)
        loss.backward()
        return loss

    first = optimizer.step(closure)
    assert optimizer.step(closure).item() < first.item()


def test_zero_grad_to_zeros() -> None:
    params = parameters()
    optimizer = SGD(params)
    squares(params).backward()
    optimizer.zero_grad(set_to_none=False)
    assert params[0].grad.tolist() == [0.0, 0.0, 0.0]
    optimizer.zero_grad()
    assert params[0].grad is None


def pick(logits: Any, label: Any) -> Any:
    return sum_(gather(logits, label, axes=(0,)), None, False)


def test_a_failing_evaluation_leaves_weights_and_state_as_they_were() -> None:
    (p,) = parameters((3,))
    optimizer = Adam([p])
    step(optimizer, [p])
    before, saved = p.numpy(), optimizer.state_dict()["state"][0]
    moments = {k: v.numpy() for k, v in saved.items()}
    optimizer.zero_grad()
    record(pick, (p * p, tensor([7]))).backward()
    with pytest.raises(IndexRangeError):
        optimizer.step()
    np.testing.assert_array_equal(p.numpy(), before)
    for name, value in moments.items():
        np.testing.assert_array_equal(optimizer.state[p][name].numpy(), value)
    step(optimizer, [p])
    assert optimizer.state[p]["step"].item() == 2.0
    assert not np.array_equal(p.numpy(), before)


def test_views_of_a_parameter_see_the_step() -> None:
    (p,) = parameters((4,))
    alias, old = p.data, p.numpy()
    step(SGD([p], lr=0.25), [p])
    np.testing.assert_allclose(alias.numpy(), old * 0.5)
    assert p.requires_grad and p.grad is not None


def test_parameters_may_be_pending() -> None:
    (p,) = parameters((2,))
    old = p.numpy()
    optimizer = SGD([p], lr=0.25)
    p.grad = wrap(np.ones(2, np.float32))
    alias = p.data
    alias *= 2.0
    optimizer.step()
    np.testing.assert_allclose(p.numpy(), old * 2 - 0.25)
    step(optimizer, [p])
    assert p.requires_grad


def test_half_precision_is_rounded_once() -> None:
    p = Parameter(np.ones(2, np.float16))
    p.grad = wrap(np.full(2, 1e-3, np.float16))
    Adam([p], lr=1e-3, eps=1e-8).step()
    assert p.dtype.name == "float16"
    np.testing.assert_allclose(p.numpy(), np.float16(1 - 1e-3))


def test_state_round_trip_is_exact() -> None:
    params = parameters()
    optimizer = RMSprop(params, momentum=0.9, centered=True)
    for _ in range(3):
        step(optimizer, params)
    other = [Parameter(p.numpy()) for p in params]
    second = RMSprop(other, lr=7.0)
    second.load_state_dict(optimizer.state_dict())
    for _ in range(3):
        step(optimizer, params)
        step(second, other)
    for p, q in zip(params, other, strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy())


def test_state_written_by_hand_counts() -> None:
    (p,) = parameters((2,))
    optimizer = Adam([p])
    step(optimizer, [p])
    held = optimizer.state[p]["step"]
    step(optimizer, [p])
    assert optimizer.state[p]["step"].item() == 2.0
    optimizer.state[p]["exp_avg"] = wrap(np.zeros(2, np.float32))
    optimizer.state[p]["step"] = tensor(10.0)
    step(optimizer, [p])
    assert optimizer.state[p]["step"].item() == 11.0
    assert held.item() >= 1.0


def test_hooks_around_a_step() -> None:
    params = parameters()
    optimizer, seen = SGD(params), []
    first = optimizer.register_step_pre_hook(lambda o, a, k: seen.append("before"))
    optimizer.register_step_post_hook(lambda o, a, k: seen.append("after"))
    step(optimizer, params)
    first.remove()
    step(optimizer, params)
    assert seen == ["before", "after", "after"]


@pytest.mark.parametrize(("options", "says"), [
    ({"clip_value": 0.5}, [0.5, -0.5]), ({"clip_norm": 1.0}, [0.6, -0.8]),
    ({"global_clip_norm": 10.0}, [3.0, -4.0]), ({"global_clip_norm": 2.5}, [1.5, -2.0]),
    ({"l1": 1.0}, [4.0, -3.0]), ({"decay": 0.5}, [3.5, -3.5])])
def test_transform_of_gradients(options: dict[str, float], says: list[float]) -> None:
    p = Parameter(np.ones(2, np.float32))
    p.grad = tensor([3.0, -4.0])
    SGD([p], lr=1.0).transform(**options).step()
    np.testing.assert_allclose(1 - p.numpy(), says, rtol=1e-6)


def test_global_norm_is_over_all_parameters() -> None:
    p, q = Parameter(np.zeros(1, np.float32)), Parameter(np.zeros(1, np.float32))
    p.grad, q.grad = tensor([3.0]), tensor([4.0])
    SGD([p, q], lr=1.0).transform(global_clip_norm=1.0).step()
    np.testing.assert_allclose([p.item(), q.item()], [-0.6, -0.8], rtol=1e-6)


@pytest.mark.parametrize(("params", "error", "says"), [
    ([], ArgumentError, "optimizer got an empty parameter list"),
    ([1.0], DTypeError, "optimizer can only optimize Tensors, but one of the params is float"),
    ([{"params": {1}}], DTypeError, "ordered collections")])
def test_bad_parameters(params: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        SGD(params)


def test_more_bad_parameters() -> None:
    p, q = parameters((2,), (2,))
    with pytest.raises(TypeError, match="should be an iterable of Tensors or dicts"):
        SGD(p)
    with pytest.raises(ValueError, match="appear in more than one parameter group"):
        SGD([{"params": [p]}, {"params": [q, p]}])
    with pytest.raises(ValueError, match="can't optimize a non-leaf Tensor"):
        SGD([p * 2])
    with pytest.raises(ValueError, match="different number of parameter groups"):
        SGD([p]).load_state_dict(SGD([{"params": [p]}, {"params": [q]}]).state_dict())
    with pytest.raises(ValueError, match="doesn't match the size of optimizer's group"):
        SGD([p]).load_state_dict(SGD([p, q]).state_dict())
    with pytest.raises(StateError, match="'state' is missing"):
        SGD([p]).load_state_dict({"param_groups": []})
    with pytest.raises(TypeError, match="momentun"):
        SGD([p], momentun=0.9)  # type: ignore[call-arg]


def test_a_gradient_of_another_shape_is_refused() -> None:
    (p,) = parameters((2,))
    p._grad = tensor([1.0, 2.0, 3.0])
    with pytest.raises(ShapeError, match=r"shape \(2,\) has a gradient of shape \(3,\)"):
        SGD([p]).step()


def test_named_parameters_are_kept() -> None:
    p, q = parameters((2,), (2,))
    optimizer = SGD([("a", p), ("b", q)])
    assert optimizer.param_groups[0]["param_names"] == ["a", "b"]
    assert optimizer.state_dict()["param_groups"][0]["params"] == [0, 1]


def test_memory_is_flat_over_many_steps() -> None:
    params = parameters()
    optimizer = Adam(params)
    step(optimizer, params)
    cut()
    before = len(state.segment.handles), node_count(), len(state.programs)
    for _ in range(300):
        step(optimizer, params)
    assert (len(state.segment.handles), node_count(), len(state.programs)) <= (
        before[0], before[1] + 200, before[2] + 3)


def test_repr_lists_the_groups() -> None:
    text = repr(SGD(parameters(), lr=0.5))
    assert text.startswith("SGD (\nParameter Group 0\n") and "    lr: 0.5" in text


def test_a_step_inside_a_traced_function_is_refused_and_changes_nothing() -> None:
    (p,) = parameters((2,))
    optimizer = SGD([p])
    p.grad = tensor([1.0, 1.0])
    old = p.numpy()
    outer = state.segment
    state.segment = TraceSegment(outer)
    try:
        with pytest.raises(RuntimeError, match="inside a function that vmap"):
            optimizer.step()
    finally:
        state.segment = outer
    np.testing.assert_array_equal(p.numpy(), old)


def test_tensors_that_require_grad_are_parameters_too() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    assert type(x) is Tensor
    step(SGD([x], lr=0.25), [x])
    assert x.tolist() == [0.5, 1.0]


@pytest.mark.parametrize("kind", [SGD, AdamW, RMSprop])
def test_scheduled_options_do_not_make_new_programs(kind: Any) -> None:
    (p,) = parameters((2,))
    optimizer = kind([p], lr=0.1, weight_decay=0.1, **({} if kind is AdamW else {"momentum": 0.5}))
    for _ in range(2):
        step(optimizer, [p])
    built = state.programs_built
    for i in range(5):
        group = optimizer.param_groups[0]
        if kind is AdamW:
            group["betas"] = (0.9 - i / 100, 0.99)
            group["weight_decay"] = 0.1 + i / 100
        else:
            group["momentum"] = 0.5 + i / 100
        step(optimizer, [p])
    assert state.programs_built == built


def test_an_optimizer_of_ones_own_in_torch_s_style() -> None:
    class Signs(Optimizer):
        def __init__(self, params: Any, lr: float = 0.5) -> None:
            super().__init__(params, {"lr": lr})

        def step(self, closure: Any = None) -> None:
            with recording_gradients(False):
                for group in self.param_groups:
                    for p in group["params"]:
                        if p.grad is not None:
                            own = self.state[p]
                            own["count"] = own.get("count", 0) + 1
                            p -= group["lr"] * p.grad.sign()

    (p,) = parameters((3,))
    old = p.numpy()
    optimizer = Signs([p])
    step(optimizer, [p])
    np.testing.assert_allclose(p.numpy(), old - 0.5 * np.sign(old))
    assert optimizer.state_dict()["state"] == {0: {"count": 1}} and p.requires_grad


def test_a_copy_goes_its_own_way() -> None:
    params = parameters()
    optimizer = Adam(params)
    step(optimizer, params)
    other = copy.deepcopy(optimizer)
    own = other.param_groups[0]["params"]
    before = [p.numpy() for p in params]
    step(other, own)
    assert all(np.array_equal(p.numpy(), b) for p, b in zip(params, before, strict=True))
    step(optimizer, params)
    assert all(np.array_equal(p.numpy(), q.numpy()) for p, q in zip(params, own, strict=True))


def test_a_guarded_step_refuses_nan_and_changes_nothing() -> None:
    p, q = parameters((3,), (2,))
    optimizer = Adam([p, q]).guard()
    step(optimizer, [p, q])
    saved, before = optimizer.state_dict()["state"], [p.numpy(), q.numpy()]
    for bad in (np.nan, np.inf):
        p.grad, q.grad = tensor([0.0, 1.0, 2.0]), tensor([0.0, bad])
        with pytest.raises(NonFiniteError, match="as they were before this step"):
            optimizer.step()
        assert np.array_equal(p.numpy(), before[0]) and np.array_equal(q.numpy(), before[1])
        for number, own in optimizer.state_dict()["state"].items():
            for name, value in own.items():
                assert np.array_equal(value.numpy(), saved[number][name].numpy())
    step(optimizer, [p, q])
    assert not np.array_equal(p.numpy(), before[0])


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="counts references")
def test_steps_are_taken_in_place() -> None:
    params = parameters((90, 70), (70,))
    optimizer = Adam(params, lr=0.1)

    def places() -> list[int]:
        held = [*params, *(s[k] for s in optimizer.state.values()
                           for k in ("exp_avg", "exp_avg_sq"))]
        return [np.asarray(h).ctypes.data for h in held]

    for _ in range(3):
        step(optimizer, params)
    before = places()
    for _ in range(3):
        step(optimizer, params)
    assert places() == before


def test_a_value_that_somebody_keeps_is_not_written_over() -> None:
    params = parameters((90, 70))
    optimizer = Adam(params, lr=0.1)
    kept = []
    for _ in range(5):
        step(optimizer, params)
        kept.append((np.asarray(params[0].detach()), np.array(params[0])))
    assert all((now == then).all() for now, then in kept)
    assert not (kept[-1][0] == kept[-2][0]).all()
