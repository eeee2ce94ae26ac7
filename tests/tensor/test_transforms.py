"""grad, vjp, jvp, vmap, checkpoint, custom gradients and control flow on tensors."""

from __future__ import annotations

import numpy as np
import pytest

from tricord.errors import TraceError
from tricord.functions.reduction import sum as sum_
from tricord.ir.ops import elementwise as ew
from tricord.tensor import record, tensor
from tricord.tensor.control import cond, scan, while_loop
from tricord.tensor.custom_gradients import custom_gradient
from tricord.tensor.recorder import state
from tricord.tensor.transforms import (
    checkpoint,
    grad,
    jvp,
    value_and_grad,
    vjp,
    vmap,
)


def total(x):
    return record(sum_, (x,), (None, False))


def exp(x):
    return record(ew.exp, (x,))


def test_grad_of_nested_arguments():
    def loss(weights, x):
        return total((x * weights["a"] + weights["b"]) * 2)

    g = grad(loss)({"a": tensor([2.0]), "b": tensor([1.0])}, tensor([3.0]))
    assert g["a"].tolist() == [6.0] and g["b"].tolist() == [2.0]
    value, (ga, gb) = value_and_grad(lambda a, b: total(a * b), argnums=(0, 1))(
        tensor([2.0]), tensor([5.0]))
    assert (value.item(), ga.item(), gb.item()) == (10.0, 5.0, 2.0)


def test_grad_runs_python_as_it_is():
    def f(x):
        if x > 0:
            return x * 3
        return x * 5

    assert grad(f)(tensor(1.0)).item() == 3.0
    assert grad(f)(tensor(-1.0)).item() == 5.0


def test_grad_of_grad_and_gradients_through_grad():
    cube = lambda x: x * x * x  # noqa: E731
    assert grad(grad(grad(cube)))(tensor(2.0)).item() == 6.0
    x = tensor(2.0, requires_grad=True)
    (grad(cube)(x) * 2).backward()
    assert x.grad.item() == 24.0


def test_jvp_and_vjp_agree():
    def f(x, y):
        return exp(x) * y

    x, y = tensor([0.1, 0.2]), tensor([2.0, 3.0])
    out, tangent = jvp(f, (x, y), (tensor([1.0, 0.0]), tensor([0.0, 1.0])))
    np.testing.assert_allclose(tangent.numpy(), [np.exp(0.1) * 2, np.exp(0.2)], rtol=1e-6)
    value, pull = vjp(f, x, y)
    np.testing.assert_allclose(value.numpy(), out.numpy())
    gx, gy = pull(tensor([1.0, 1.0]))
    np.testing.assert_allclose(gx.numpy(), np.exp([0.1, 0.2]) * [2, 3], rtol=1e-6)
    np.testing.assert_allclose(gy.numpy(), np.exp([0.1, 0.2]), rtol=1e-6)


def test_forward_over_reverse_is_the_hessian_product():
    f = lambda x: total(x * x * x)  # noqa: E731
    x, v = tensor([1.0, 2.0]), tensor([1.0, 10.0])
    _, hv = jvp(grad(f), (x,), (v,))
    assert hv.tolist() == [6.0, 120.0]


def test_vmap_equals_a_loop_and_nests():
    a = np.arange(12, dtype=np.float32).reshape(3, 4)
    b = np.arange(4, dtype=np.float32)
    mapped = vmap(lambda x, y: total(x * y), in_axes=(0, None))(tensor(a), tensor(b))
    np.testing.assert_allclose(mapped.numpy(), a @ b)
    pairs = vmap(lambda x: vmap(lambda y: x * y)(tensor(b)))(tensor(b))
    np.testing.assert_allclose(pairs.numpy(), np.outer(b, b))
    columns = vmap(total, in_axes=1)(tensor(a))
    np.testing.assert_allclose(columns.numpy(), a.sum(0))


def test_gradients_per_example():
    w = tensor([1.0, -2.0])
    x = tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    loss = lambda w, x: total(w * x) * total(w * x)  # noqa: E731
    g = vmap(grad(loss), in_axes=(None, 0))(w, x)
    expected = [2 * (np.array(r) @ [1, -2]) * np.array(r) for r in x.tolist()]
    np.testing.assert_allclose(g.numpy(), expected)


def test_gradients_flow_through_vmap():
    w = tensor([2.0], requires_grad=True)
    out = vmap(lambda x: x * w)(tensor([[1.0], [2.0]]))
    total(out * out).backward()
    assert w.grad.tolist() == [20.0]


def test_asking_for_a_value_while_tracing_is_an_error_that_says_so():
    with pytest.raises(TraceError, match=r"tricord\.where"):
        vmap(lambda x: x if x > 0 else -x)(tensor([1.0, -1.0]))
    leaked = []
    vmap(lambda x: leaked.append(x) or x)(tensor([1.0]))
    with pytest.raises(TraceError, match="return it"):
        leaked[0] + 1


def test_checkpoint_gives_the_same_gradient():
    x = tensor([0.3, 0.5], requires_grad=True)
    w = tensor([2.0, 3.0], requires_grad=True)
    total(checkpoint(lambda t: exp(exp(t) * w), x)).backward()
    got = x.grad.numpy(), w.grad.numpy()
    x.grad = w.grad = None
    total(exp(exp(x) * w)).backward()
    np.testing.assert_allclose(got[0], x.grad.numpy(), rtol=1e-6)
    np.testing.assert_allclose(got[1], w.grad.numpy(), rtol=1e-6)


def test_custom_gradient_replaces_the_real_one():
    @custom_gradient
    def straight(x):
        return record(ew.floor, (x,)), lambda g: g * 7

    x = tensor([1.5, 2.5], requires_grad=True)
    out = straight(x)
    assert out.tolist() == [1.0, 2.0]
    total(out).backward()
    assert x.grad.tolist() == [7.0, 7.0]


def test_scan_with_captured_weights_and_gradients():
    w = tensor(0.5, requires_grad=True)
    xs = tensor([1.0, 2.0, 3.0], requires_grad=True)
    final, ys = scan(lambda h, x: (h * w + x, h * x), tensor(1.0), xs)
    loop = 1.0
    outs = []
    for x in [1.0, 2.0, 3.0]:
        outs.append(loop * x)
        loop = loop * 0.5 + x
    assert final.item() == loop
    np.testing.assert_allclose(ys.numpy(), outs)
    final.backward()
    # h3 = ((1 w + 1) w + 2) w + 3
    np.testing.assert_allclose(w.grad.item(), 3 * 0.25 + 2 * 0.5 + 2)
    np.testing.assert_allclose(xs.grad.numpy(), [0.25, 0.5, 1.0])


def test_cond_runs_one_branch_and_differentiates():
    for p, expected in ((True, 3.0), (False, 10.0)):
        x = tensor(5.0, requires_grad=True)
        cond(tensor(p), lambda t: t * 3, lambda t: t * t, x).backward()
        assert x.grad.item() == expected


def test_while_loop_and_its_gradient():
    x = tensor(1.5, requires_grad=True)
    y = while_loop(lambda v: v < 10, lambda v: v * x, x)
    y.backward()
    n = round(np.log(y.item()) / np.log(1.5))
    np.testing.assert_allclose(x.grad.item(), n * 1.5 ** (n - 1), rtol=1e-5)


def test_a_custom_gradient_of_an_observed_value():
    factor = tensor([2.0, 3.0])

    @custom_gradient
    def scaled(x):
        def backward(upstream):
            return upstream * factor * 0.7

        return x * factor, backward

    x = tensor([1.0, 1.0], requires_grad=True)
    y = scaled(x) * x
    total(y).item()
    total(y).backward()
    np.testing.assert_allclose(x.grad.numpy(), np.array([2.0, 3.0]) * 1.7, rtol=1e-6)


def test_a_gradient_of_ones_own_is_recorded_once_and_follows_its_numbers():
    def scaled(factor):
        return custom_gradient(lambda x: (x * 1.0, lambda upstream: upstream * factor))

    w = tensor([1.0, 2.0], requires_grad=True)
    built = []
    for factor in (2.0, 2.0, 2.0, 5.0, 5.0):
        w.grad = None
        scaled(factor)(w).sum().backward()
        assert w.grad.tolist() == [factor, factor]
        built.append(state.programs_built)
    assert built[2] == built[1] and built[4] == built[3]
