"""What a recorded function says of an argument that is of no use to it."""

import numpy as np
import pytest

import tricord as tc
from tricord import settings
from tricord.errors import ArgumentError, OutOfMemoryError, ShapeError
from tricord.functions import manipulation as shapes
from tricord.ir.memory import readable_bytes
from tricord.ir.node import Node
from tricord.tensor.recorder import record

X = tc.asarray([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(("call", "says"), [
    (lambda: record(shapes.diagonal, (X,), ("low",)), "diagonal: offset must be an integer"),
    (lambda: record(shapes.diagonal, (X,), (None,)), "offset must be an integer, got None"),
    (lambda: X.uniform_(generator="mine"), "generator must be Generator or None, got 'mine'"),
    (lambda: record(shapes.diagonal, (X,), (0, {})), "axis1 must be an integer, got a dict"),
    (lambda: record(shapes.diagonal, (X,), (X,)), "takes a plain number here, got a tensor"),
    (lambda: X.diagonal("low"), "diagonal: offset must be an integer, got 'low'"),
    (lambda: X.narrow(0, None, 1), "narrow: start must be an integer, got None"),
    (lambda: X.permute(object()), "permute: "), (lambda: X.mm(None), "mm: .*None"),
    (lambda: X.item("a"), "item: .* is no place in a tensor"),
    (lambda: X.split(0.5), "split: .*0.5"), (lambda: X.hsplit(2**40), "number of parts"),
    (lambda: X.mvlgamma(2**40), "order must be from 1"),
])
def test_the_argument_is_named_with_what_it_should_be(call, says):
    with pytest.raises((ArgumentError, IndexError), match=says) as caught:
        call()
    assert isinstance(caught.value, tc.TricordError)
    assert "test_explain.py" in (caught.value.where or "test_explain.py")


def test_our_own_bugs_are_not_called_the_users():
    def buggy(x: Node, factor: float) -> Node:
        return x.no_such_attribute

    with pytest.raises(AttributeError, match="no_such_attribute") as caught:
        record(buggy, (X,), (1.0,))
    assert not isinstance(caught.value, tc.TricordError)


def test_what_a_users_function_raises_comes_through():
    def fails(*_):
        raise ValueError("mine")

    w = tc.tensor([1.0, 2.0], requires_grad=True)
    w.register_hook(fails)
    with pytest.raises(ValueError, match="mine") as caught:
        (w * w).sum().backward()
    assert type(caught.value) is ValueError
    for call in (lambda: tc.grad(fails)(X), lambda: tc.vmap(fails)(X), lambda: X.map_(X, fails)):
        with pytest.raises(ValueError, match="mine") as caught:
            call()
        assert type(caught.value) is ValueError


def test_a_wrong_signature_stays_pythons_own_error():
    with pytest.raises(TypeError, match="no_such_keyword"):
        X.diagonal(no_such_keyword=1)
    with pytest.raises(TypeError, match="missing"):
        X.mvlgamma()


@pytest.mark.parametrize("make", [
    lambda: tc.zeros((10**12,)), lambda: tc.ones(10**12), lambda: tc.full((10**6, 10**6), 1.0),
    lambda: tc.arange(10**13), lambda: tc.linspace(0, 1, 10**13), lambda: tc.eye(10**7),
    lambda: tc.broadcast_to(X[0, :1], (10**13,)), lambda: tc.tile(X, (10**7, 10**6)),
    lambda: tc.repeat(X, 10**13), lambda: tc.one_hot(tc.asarray([1]), 10**13),
    lambda: tc.fft.fftfreq(10**13), lambda: tc.bincount(tc.asarray([10**13])),
    lambda: tc.pad(X, 10**13), lambda: tc.fft.fft(X, n=10**13),
])
def test_more_than_the_machine_has_is_refused_before_it_is_taken(make):
    with pytest.raises(OutOfMemoryError, match=r"takes .*B, and this machine has") as caught:
        make()
    assert isinstance(caught.value, MemoryError)
    assert "test_explain.py" in caught.value.where


@pytest.mark.parametrize("shape", [(1,) * 65, (0, 2**63), (0, 2**62, 2**62), (10**400,)])
def test_shapes_that_cannot_be_represented_are_refused(shape):
    with pytest.raises((ShapeError, OutOfMemoryError), match="zeros"):
        tc.zeros(shape)


def test_a_failed_allocation_names_the_operation(monkeypatch):
    def fails(*_):
        raise MemoryError

    y = X + 1
    op = y._node.op
    monkeypatch.setitem(op.__dict__, "reference", fails)
    with settings.override(device="numpy"), pytest.raises(
            OutOfMemoryError, match=r"add: no memory left for its result, .*\(2, 2\)"):
        y.numpy()


def test_units_of_memory():
    assert [readable_bytes(n) for n in (0, 999, 1000, 1_500_000, 10**21)] == [
        "0 B", "999 B", "1.0 kB", "1.5 MB", "1000.0 EB"]


def test_the_largest_allowed_rank_works():
    assert np.asarray(tc.zeros((1,) * 64)).shape == (1,) * 64
