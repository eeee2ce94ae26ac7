"""What a recorded function says of an argument that is of no use to it."""

import numpy as np
import pytest

import tricord as tc
from tricord.errors import ArgumentError, OutOfMemoryError, ShapeError
from tricord.ir.memory import readable_bytes
from tricord.ir.node import Node
from tricord.tensor.recorder import record

X = tc.asarray([[1.0, 2.0], [3.0, 4.0]])


def _scaled(x: Node, factor: float, axes: int | tuple[int, ...] | None = None) -> Node:
    return x * (factor + 0)


def _buggy(x: Node, factor: float) -> Node:
    return x.no_such_attribute


@pytest.mark.parametrize(("static", "says"), [
    (("much",), "scaled: factor must be a number, got 'much'"),
    (([2.0],), "scaled: factor must be a number, got \\[2.0\\]"),
    ((None,), "scaled: factor must be a number, got None"),
    ((object(),), "scaled: factor must be a number, got a object"),
    ((1.0, [0]), "scaled: does not work with 1.0, \\[0\\]: unhashable"),
    ((1.0, {}), "scaled: axes must be an integer or a tuple of integers or None, got a dict"),
    ((X,), "scaled: takes a plain number here, got a tensor"),
])
def test_the_argument_is_named_with_what_it_should_be(static, says):
    with pytest.raises(ArgumentError, match=says) as caught:
        record(_scaled, (X,), static)
    assert "test_explain.py" in caught.value.where


def test_our_own_bugs_are_not_called_the_users():
    with pytest.raises(AttributeError, match="no_such_attribute") as caught:
        record(_buggy, (X,), (1.0,))
    assert not isinstance(caught.value, tc.TricordError)


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
    with pytest.raises(OutOfMemoryError, match=r"add: no memory left for its result, .*\(2, 2\)"):
        y.numpy()


def test_units_of_memory():
    assert [readable_bytes(n) for n in (0, 999, 1000, 1_500_000, 10**21)] == [
        "0 B", "999 B", "1.0 kB", "1.5 MB", "1000.0 EB"]


def test_the_largest_allowed_rank_works():
    assert np.asarray(tc.zeros((1,) * 64)).shape == (1,) * 64
