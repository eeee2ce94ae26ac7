"""Recurrent layers over whole sequences as Keras has them: a scan over one small step.

The input's part of all gates is one matrix product outside of the loop. Gates are ordered input,
forget, cell, output (LSTM) and update, reset, new (GRU). Matrices are (in, gates * units).

Where a mask is false a step keeps the states and repeats the last output. Dropout masks are drawn
once per sequence and hold for all of its steps; with recurrent dropout each gate has its own
(Gal & Ghahramani 2016).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..errors import ArgumentError, ShapeError
from ..ir import arithmetic  # noqa: F401 - gives nodes their operators
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.movement import broadcast, concatenate, flip, reshape, slice_, transpose
from ..ir.ops.structural import constant
from .control import scan
from .mixed import same_dtype
from .random import dropout_mask
from .recurrent import project

__all__ = ["GATES", "Recurrence", "one_step", "whole_sequence"]

Activation = Callable[[Node], Node]

#: how many gates each kind of cell has
GATES = {"simple": 1, "lstm": 4, "gru": 3}


class Recurrence(NamedTuple):
    """What a recurrent layer is told besides its tensors."""

    kind: str
    activation: Activation
    gate: Activation | None = None
    bias: bool = True
    #: GRU: whether the reset gate comes after the matrix product
    reset_after: bool = True
    #: how many states come with the operands; zeros otherwise
    states: int = 0
    masked: bool = False
    reverse: bool = False
    #: all outputs, or the last one only
    sequences: bool = False
    zero_masked: bool = False
    #: rates and ordinals of dropout on the input and on the state; a key comes for each above zero
    rates: tuple[float, float] = (0.0, 0.0)
    ordinals: tuple[int, int] = (0, 0)


class _Operands(NamedTuple):
    x: Node
    states: list[Node]
    kernel: Node
    recurrent: Node
    bias: Node | None
    mask: Node | None
    #: factors per gate, or one for all gates, or none
    on_input: list[Node]
    on_state: list[Node]


def _taken(nodes: Sequence[Node], spec: Recurrence) -> _Operands:
    """Operands by name: x, states, kernel, recurrent, [bias], [mask], [keys]."""
    x, rest = nodes[0], list(nodes[1:])
    states, rest = rest[:spec.states], rest[spec.states:]
    kernel, recurrent, *rest = rest
    bias = rest.pop(0) if spec.bias else None
    mask = rest.pop(0) if spec.masked else None
    keys = [rest.pop(0) if rate else None for rate in spec.rates]
    if x.shape[-1] != kernel.shape[0]:
        raise ShapeError(f"{spec.kind}: the input has {x.shape[-1]} features, the layer was built "
                         f"for {kernel.shape[0]}")
    x, kernel, recurrent, *more = same_dtype(x, kernel, recurrent,
                                             *([] if bias is None else [bias]))
    batch, units = x.shape[0], recurrent.shape[0]
    wanted = 2 if spec.kind == "lstm" else 1
    if not states:
        states = [broadcast(constant(0, x.dtype), (batch, units), ())] * wanted
    for state in states:
        if tuple(state.shape) != (batch, units) or len(states) != wanted:
            raise ShapeError(f"{spec.kind}: expected {wanted} initial state(s) of shape "
                             f"{(batch, units)}, got {[tuple(s.shape) for s in states]}")
    states = [ew.cast(s, x.dtype) if s.dtype is not x.dtype else s for s in states]
    each = GATES[spec.kind] if spec.rates[1] else 1
    drops = [_factors(key, (each, batch, width), ordinal, rate, x) for key, width, ordinal, rate
             in zip(keys, (x.shape[-1], units), spec.ordinals, spec.rates, strict=True)]
    return _Operands(x, states, kernel, recurrent, more[0] if more else None, mask, *drops)


def _factors(key: Node | None, shape: tuple[int, ...], ordinal: int, rate: float,
             like: Node) -> list[Node]:
    """0 with probability ``rate``, else ``1 / (1 - rate)``: one tensor per gate."""
    if key is None:
        return []
    kept = ew.cast(dropout_mask(key, shape, ordinal, rate), like.dtype)
    kept = kept * (1 / (1 - rate) if rate < 1 else 0.0)
    return [reshape(slice_(kept, (i, 0, 0), (i + 1, *shape[1:])), shape[1:])
            for i in range(shape[0])]


def _parts(x: Node, count: int) -> list[Node]:
    """Equal parts of the last axis."""
    size = x.shape[-1] // count
    lead = (0,) * (x.ndim - 1)
    return [slice_(x, (*lead, i * size), (*x.shape[:-1], (i + 1) * size)) for i in range(count)]


def _projected(x: Node, weight: Node, bias: Node | None, factors: list[Node]) -> Node:
    """``x @ weight + bias``, where x, or what each gate sees of it, is multiplied first."""
    if len(factors) <= 1:
        return project(_times(x, factors[0]) if factors else x, weight, bias, False)
    columns = _parts(weight, len(factors))
    joined = concatenate([project(_times(x, f), w, None, False)
                          for f, w in zip(factors, columns, strict=True)], x.ndim - 1)
    return joined if bias is None else joined + bias


def _times(x: Node, factor: Node) -> Node:
    """The same factor (N, width) for all steps of x (L, N, width), or for one step."""
    return x * (factor if x.ndim == factor.ndim else broadcast(factor, x.shape, (1, 2)))


def _biases(bias: Node | None, spec: Recurrence) -> tuple[Node | None, Node | None]:
    """Of the input and of the state; a GRU with ``reset_after`` has both."""
    if bias is None or not (spec.kind == "gru" and spec.reset_after):
        return bias, None
    width = bias.shape[1]
    own = [reshape(slice_(bias, (i, 0), (i + 1, width)), (width,)) for i in range(2)]
    return own[0], own[1]


def _step(projected: Node, states: Sequence[Node], given: _Operands, recurrent_bias: Node | None,
          spec: Recurrence) -> list[Node]:
    """The next states, the first of which is the output."""
    h, act = states[0], spec.activation
    if spec.kind == "simple":
        return [act(projected + _projected(h, given.recurrent, None, given.on_state))]
    gate = spec.gate
    if gate is None:
        raise ArgumentError(f"{spec.kind}: a recurrent activation is needed")
    if spec.kind == "lstm":
        i, f, c, o = _parts(projected + _projected(h, given.recurrent, None, given.on_state), 4)
        new = gate(f) * states[1] + gate(i) * act(c)
        return [gate(o) * act(new), new]
    xz, xr, xn = _parts(projected, 3)
    if spec.reset_after:
        hz, hr, hn = _parts(_projected(h, given.recurrent, recurrent_bias, given.on_state), 3)
        n = act(xn + gate(xr + hr) * hn)
    else:
        columns = _parts(given.recurrent, 3)
        seen = [h * f for f in given.on_state] or [h] * 3
        hz, hr = (project(s, w, None, False) for s, w in zip(seen[:2], columns[:2], strict=True))
        n = act(xn + project(gate(xr + hr) * seen[2], columns[2], None, False))
    z = gate(xz + hz)
    return [z * h + (1 - z) * n]


def one_step(*arguments: object) -> tuple[Node, ...]:
    """``one_step(x, *states, kernel, recurrent, [bias], [keys], spec)``: the next states.

    Shapes:  x (N, in), states (N, units) -> (N, units) each; the first is the output
    """
    *operands, spec = arguments
    assert isinstance(spec, Recurrence)
    given = _taken([o for o in operands if isinstance(o, Node)], spec)
    bias, recurrent_bias = _biases(given.bias, spec)
    projected = _projected(given.x, given.kernel, bias, given.on_input)
    return tuple(_step(projected, given.states, given, recurrent_bias, spec))


def whole_sequence(*arguments: object) -> tuple[Node, ...]:
    """``whole_sequence(x, *states, kernel, recurrent, [bias], [mask], [keys], spec)``.

    Gives the output, then the last states. With ``spec.reverse`` the sequence is gone through from
    its end, and outputs come in that order.

    Shapes:  x (N, L, in), mask (N, L) -> (N, L, units) with ``sequences``, else (N, units)
    """
    *operands, spec = arguments
    assert isinstance(spec, Recurrence)
    given = _taken([o for o in operands if isinstance(o, Node)], spec)
    if given.x.ndim != 3:
        raise ShapeError(f"{spec.kind}: expected sequences of shape (batch, steps, features), got "
                         f"{tuple(given.x.shape)}")
    bias, recurrent_bias = _biases(given.bias, spec)
    x = transpose(given.x, (1, 0, 2))
    projected = _projected(x, given.kernel, bias, given.on_input)
    mask = None if given.mask is None else transpose(_whether(given.mask, x), (1, 0))

    def step(carry: Sequence[Node], xs: Sequence[Node]) -> tuple[list[Node], list[Node]]:
        new = _step(xs[0], carry, given, recurrent_bias, spec)
        if mask is not None:
            kept = broadcast(xs[1], new[0].shape, (0,))
            new = [ew.where(kept, n, o) for n, o in zip(new, carry, strict=True)]
        return new, [new[0]] if spec.sequences else []

    last, outputs = scan(step, given.states, [projected] if mask is None else [projected, mask],
                         reverse=spec.reverse)
    if not spec.sequences:
        return _last(last[0], mask, spec), *last
    output = transpose(_shown(outputs[0], mask, spec), (1, 0, 2))
    return (flip(output, axes=(1,)) if spec.reverse else output), *last


def _whether(mask: Node, x: Node) -> Node:
    """A mask as bools (N, L)."""
    if mask.ndim == 3 and mask.shape[2] == 1:
        mask = reshape(mask, mask.shape[:2])
    if tuple(mask.shape) != (x.shape[1], x.shape[0]):
        raise ShapeError(f"recurrent: expected a mask of shape {(x.shape[1], x.shape[0])}, got "
                         f"{tuple(mask.shape)}")
    return mask if mask.dtype.kind == "b" else ew.not_equal(mask, ew.zeros_like(mask))


def _shown(output: Node, mask: Node | None, spec: Recurrence) -> Node:
    if mask is None or not spec.zero_masked:
        return output
    return ew.where(broadcast(mask, output.shape, (0, 1)), output, ew.zeros_like(output))


def _last(h: Node, mask: Node | None, spec: Recurrence) -> Node:
    """The last output: the last state, zeros if its step is masked and they are asked for."""
    if mask is None or not spec.zero_masked:
        return h
    at = 0 if spec.reverse else mask.shape[0] - 1
    row = slice_(mask, (at, 0), (at + 1, mask.shape[1]))
    kept = broadcast(reshape(row, (mask.shape[1],)), h.shape, (0,))
    return ew.where(kept, h, ew.zeros_like(h))
