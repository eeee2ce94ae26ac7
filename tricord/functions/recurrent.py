"""Recurrent layers as scans: the step is one small graph, whatever the length of the sequence.

The input's part of all gates is one matrix product outside of the loop (`project`); the loop adds
the state's part. Gate orders: LSTM input, forget, cell, output (PyTorch's and Keras's); GRU reset,
update, new (PyTorch's), or update, reset, new with ``order="zrn"`` (Keras's).

Sequences are time-major here: (length, batch, features).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..errors import ArgumentError, ShapeError
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.contraction import dot_general
from ..ir.ops.movement import broadcast, concatenate, reshape, slice_, transpose
from ..ir.ops.structural import constant
from .control import scan
from .random import dropout_mask

__all__ = ["Network", "gru", "gru_cell", "lstm", "lstm_cell", "network", "project", "rnn",
           "rnn_cell"]

Activation = Callable[[Node], Node]


def relu(x: Node) -> Node:
    """``max(x, 0)``."""
    zero = ew.zeros_like(x)
    return ew.where(ew.less_equal(x, zero), zero, x)


def project(x: Node, weight: Node, bias: Node | None = None, transposed: bool = True) -> Node:
    """``x @ weight.T + bias``, or ``x @ weight`` if not ``transposed``."""
    y = dot_general(x, weight, ((x.ndim - 1,), (1 if transposed else 0,)))
    return y if bias is None else y + bias


def _parts(x: Node, count: int) -> list[Node]:
    """Equal parts of the last axis."""
    size = x.shape[-1] // count
    lead = (0,) * (x.ndim - 1)
    return [slice_(x, (*lead, i * size), (*x.shape[:-1], (i + 1) * size)) for i in range(count)]


# ---- one step

def rnn_cell(projected: Node, h: Node, recurrent: Node, bias: Node | None = None,
             activation: Activation = ew.tanh) -> Node:
    """``activation(projected + h @ recurrent + bias)``; recurrent is (units, units)."""
    return activation(projected + project(h, recurrent, bias, False))


def lstm_cell(projected: Node, h: Node, c: Node, recurrent: Node, bias: Node | None = None,
              activation: Activation = ew.tanh, gate: Activation = ew.logistic,
              shrink: Node | None = None) -> tuple[Node, Node]:
    """The next h and c.

    ``c' = f * c + i * activation(g)``, ``h' = o * activation(c')``, times ``shrink`` if given.

    Shapes:  projected (N, 4 units), recurrent (units or projection, 4 units), shrink
             (units, projection)
    """
    i, f, g, o = _parts(projected + project(h, recurrent, bias, False), 4)
    c = gate(f) * c + gate(i) * activation(g)
    h = gate(o) * activation(c)
    return (h if shrink is None else project(h, shrink, None, False)), c


def gru_cell(projected: Node, h: Node, recurrent: Node, bias: Node | None = None,
             activation: Activation = ew.tanh, gate: Activation = ew.logistic,
             order: str = "rzn", reset_after: bool = True) -> Node:
    """``h' = z * h + (1 - z) * n``.

    ``n = activation(x_n + r * (h @ U_n + b_n))``; with ``reset_after`` false, as in the first
    paper, ``n = activation(x_n + (r * h) @ U_n)``.
    """
    xs = dict(zip(order, _parts(projected, 3), strict=True))
    if reset_after:
        hs = dict(zip(order, _parts(project(h, recurrent, bias, False), 3), strict=True))
        r, z = gate(xs["r"] + hs["r"]), gate(xs["z"] + hs["z"])
        n = activation(xs["n"] + r * hs["n"])
    else:
        us = dict(zip(order, _parts(recurrent, 3), strict=True))
        r = gate(xs["r"] + project(h, us["r"], None, False))
        z = gate(xs["z"] + project(h, us["z"], None, False))
        n = activation(xs["n"] + project(r * h, us["n"], None, False))
    return z * h + (1 - z) * n


# ---- one layer in one direction: (outputs, last states)

def _kept(mask: Node | None, new: Node, old: Node) -> Node:
    """The new state where the step counts, else the old one."""
    if mask is None:
        return new
    return ew.where(broadcast(mask, new.shape, (0,)), new, old)


def rnn(projected: Node, h: Node, recurrent: Node, bias: Node | None = None,
        activation: Activation = ew.tanh, reverse: bool = False,
        mask: Node | None = None) -> tuple[Node, Node]:
    """Shapes:  projected (L, N, units), h (N, units), mask (L, N) bool -> (L, N, units), (N, units)
    """
    def step(carry: Sequence[Node], xs: Sequence[Node]) -> tuple[list[Node], list[Node]]:
        new = _kept(xs[1] if mask is not None else None,
                    rnn_cell(xs[0], carry[0], recurrent, bias, activation), carry[0])
        return [new], [new]

    (last,), (outputs,) = scan(step, [h], _with_mask(projected, mask), reverse=reverse)
    return outputs, last


def _with_mask(projected: Node, mask: Node | None) -> list[Node]:
    return [projected] if mask is None else [projected, mask]


def lstm(projected: Node, h: Node, c: Node, recurrent: Node, bias: Node | None = None,
         activation: Activation = ew.tanh, gate: Activation = ew.logistic, reverse: bool = False,
         mask: Node | None = None, shrink: Node | None = None) -> tuple[Node, Node, Node]:
    """Shapes:  projected (L, N, 4 units), h and c (N, units) -> (L, N, units), h, c"""
    def step(carry: Sequence[Node], xs: Sequence[Node]) -> tuple[list[Node], list[Node]]:
        h, c = lstm_cell(xs[0], carry[0], carry[1], recurrent, bias, activation, gate, shrink)
        keep = xs[1] if mask is not None else None
        h, c = _kept(keep, h, carry[0]), _kept(keep, c, carry[1])
        return [h, c], [h]

    (h, c), (outputs,) = scan(step, [h, c], _with_mask(projected, mask), reverse=reverse)
    return outputs, h, c


def gru(projected: Node, h: Node, recurrent: Node, bias: Node | None = None,
        activation: Activation = ew.tanh, gate: Activation = ew.logistic, order: str = "rzn",
        reset_after: bool = True, reverse: bool = False,
        mask: Node | None = None) -> tuple[Node, Node]:
    """Shapes:  projected (L, N, 3 units), h (N, units) -> (L, N, units), h"""
    def step(carry: Sequence[Node], xs: Sequence[Node]) -> tuple[list[Node], list[Node]]:
        new = gru_cell(xs[0], carry[0], recurrent, bias, activation, gate, order, reset_after)
        new = _kept(xs[1] if mask is not None else None, new, carry[0])
        return [new], [new]

    (last,), (outputs,) = scan(step, [h], _with_mask(projected, mask), reverse=reverse)
    return outputs, last


# ---- PyTorch's stack of layers

class Network(NamedTuple):
    """What a stack of recurrent layers is made of, besides its tensors."""

    mode: str
    hidden: int
    layers: int = 1
    bidirectional: bool = False
    bias: bool = True
    batch_first: bool = False
    #: rate of dropout between layers; a key comes with the operands if it is not zero
    dropout: float = 0.0
    ordinal: int = 0
    projection: int = 0
    #: how many states come with the operands: 0, 1 or 2 (zeros otherwise)
    states: int = 0
    #: whether a mask of the steps that count (L, N) comes with the operands
    masked: bool = False

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def tensors_each(self) -> int:
        """Parameters of one layer in one direction."""
        return 2 + 2 * self.bias + bool(self.projection)


def network(*arguments: object) -> tuple[Node, ...]:
    """``network(x, *states, *weights, [mask], [key], spec)``: output, last h and, for LSTM, last c.

    Weights per layer and direction: w_ih, w_hh, then b_ih, b_hh, then w_hr, as PyTorch has them.

    Shapes:  x (L, N, in), or (N, L, in) with ``batch_first``, or (L, in); states
             (layers * directions, N, hidden) -> output (L, N, directions * hidden), states
    """
    *operands, spec = arguments
    assert isinstance(spec, Network)
    nodes = [o for o in operands if isinstance(o, Node)]
    x, rest = nodes[0], nodes[1:]
    states, rest = rest[:spec.states], rest[spec.states:]
    count = spec.layers * spec.directions * spec.tensors_each
    weights, rest = rest[:count], rest[count:]
    mask = rest.pop(0) if spec.masked else None
    key = rest.pop(0) if spec.dropout else None
    batched = x.ndim == 3
    x, states = _time_major(x, states, spec, weights[0].shape[1])
    starts = _starts(x, states, spec, weights[0])
    drops = _drop_masks(x, key, spec)
    last: list[tuple[Node, ...]] = []
    for layer in range(spec.layers):
        outputs = []
        for direction in range(spec.directions):
            at = layer * spec.directions + direction
            own = weights[at * spec.tensors_each:(at + 1) * spec.tensors_each]
            result = _layer(x, [s[at] for s in starts], own, spec, bool(direction), mask)
            outputs.append(result[0])
            last.append(result[1:])
        x = outputs[0] if len(outputs) == 1 else concatenate(outputs, 2)
        if layer < len(drops):
            x = ew.where(drops[layer], x * (1 / (1 - spec.dropout)), ew.zeros_like(x))
    if mask is not None:
        x = ew.where(broadcast(mask, x.shape, (0, 1)), x, ew.zeros_like(x))
    final = [concatenate([reshape(s[i], (1, *s[i].shape)) for s in last], 0)
             for i in range(len(last[0]))]
    if not batched:
        return (reshape(x, (x.shape[0], x.shape[2])),
                *(reshape(s, (s.shape[0], s.shape[2])) for s in final))
    return (transpose(x, (1, 0, 2)) if spec.batch_first else x, *final)


def _time_major(x: Node, states: list[Node], spec: Network,
                features: int) -> tuple[Node, list[Node]]:
    what = spec.mode.lower()
    if x.ndim not in (2, 3):
        raise ShapeError(f"{what}: Expected input to be 2D or 3D, got {x.ndim}D tensor instead")
    if x.shape[-1] != features:
        raise ShapeError(f"{what}: input.size(-1) must be equal to input_size. Expected "
                         f"{features}, got {x.shape[-1]}")
    if x.ndim == 2:
        x = reshape(x, (x.shape[0], 1, x.shape[1]))
        if any(s.ndim != 2 for s in states):
            raise ShapeError(f"{what}: For unbatched 2-D input, hx should also be 2-D but got "
                             f"shape {tuple(states[0].shape)}")
        states = [reshape(s, (s.shape[0], 1, s.shape[1])) for s in states]
    elif spec.batch_first:
        x = transpose(x, (1, 0, 2))
    return x, states


def _starts(x: Node, states: list[Node], spec: Network, weight: Node) -> list[list[Node]]:
    """For each kind of state, one start per layer and direction."""
    runs = spec.layers * spec.directions
    sizes = [spec.projection or spec.hidden]
    if spec.mode == "LSTM":
        sizes.append(spec.hidden)
    if not states:
        return [[broadcast(constant(0, weight.dtype), (x.shape[1], size), ())] * runs
                for size in sizes]
    result = []
    for state, size in zip(states, sizes, strict=True):
        wanted = (runs, x.shape[1], size)
        if tuple(state.shape) != wanted:
            raise ShapeError(f"{spec.mode.lower()}: Expected hidden size {wanted}, got "
                             f"{tuple(state.shape)}")
        result.append([reshape(slice_(state, (i, 0, 0), (i + 1, *wanted[1:])), wanted[1:])
                       for i in range(runs)])
    return result


def _drop_masks(x: Node, key: Node | None, spec: Network) -> list[Node]:
    if key is None or spec.layers == 1:
        return []
    width = (spec.projection or spec.hidden) * spec.directions
    shape = (spec.layers - 1, x.shape[0], x.shape[1], width)
    masks = dropout_mask(key, shape, spec.ordinal, spec.dropout)
    return [reshape(slice_(masks, (i, 0, 0, 0), (i + 1, *shape[1:])), shape[1:])
            for i in range(spec.layers - 1)]


def _layer(x: Node, starts: list[Node], weights: Sequence[Node], spec: Network, reverse: bool,
           mask: Node | None) -> tuple[Node, ...]:
    w_ih, w_hh, *more = weights
    b_ih, b_hh = more[:2] if spec.bias else (None, None)
    recurrent = transpose(w_hh, (1, 0))
    if spec.mode == "GRU":  # its recurrent bias is inside the reset
        return gru(project(x, w_ih, b_ih), starts[0], recurrent, b_hh, reverse=reverse, mask=mask)
    both = None if b_ih is None or b_hh is None else b_ih + b_hh
    projected = project(x, w_ih, both)
    if spec.mode == "LSTM":
        shrink = transpose(more[-1], (1, 0)) if spec.projection else None
        return lstm(projected, starts[0], starts[1], recurrent, reverse=reverse, mask=mask,
                    shrink=shrink)
    if spec.mode not in ("RNN_TANH", "RNN_RELU"):
        raise ArgumentError(f"recurrent: unknown mode {spec.mode!r}")
    activation = ew.tanh if spec.mode == "RNN_TANH" else relu
    return rnn(projected, starts[0], recurrent, None, activation, reverse, mask)


# ---- PyTorch's cells

def torch_cell(mode: str, x: Node, h: Node, c: Node | None, weights: Sequence[Node],
               bias: bool) -> tuple[Node, ...]:
    """One step with PyTorch's weights: w_ih, w_hh and, with ``bias``, b_ih and b_hh."""
    w_ih, w_hh, *more = weights
    b_ih, b_hh = more if bias else (None, None)
    recurrent = transpose(w_hh, (1, 0))
    projected = project(x, w_ih, b_ih)
    if mode == "GRU":
        return (gru_cell(projected, h, recurrent, b_hh),)
    if mode == "LSTM":
        assert c is not None
        return lstm_cell(projected, h, c, recurrent, b_hh)
    return (rnn_cell(projected, h, recurrent, b_hh, ew.tanh if mode == "RNN_TANH" else relu),)
