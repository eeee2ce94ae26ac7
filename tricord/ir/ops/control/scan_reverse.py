"""The body of a reversed scan: the transposed body, and what it needs of each forward step.

The transposed body needs some values of the forward body. Three kinds are told apart: slices of the
operands, which are there already; what depends on constants alone, which is computed once, outside;
and the rest, the residuals, which the forward scan stacks as additional outputs. Cheap arithmetic
and what is larger than what it is made from (a broadcast) is computed again instead.

before:  c, ys = scan(body, w, c0, xs)
after:   c, ys, residuals = scan(body with residuals, w, c0, xs)
         dc0, dw, dxs = scan reversed(transposed body, w, (dc, 0), (dys, xs, residuals))

A constant's cotangent is a sum over steps. Where its terms are matrix products of stacked values,
as for the weights of a recurrent layer, the sum is one product outside instead of one per step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ...graph import Graph, depends_on, is_input, make_input, substitute, toposort
from ...node import Node
from ...record import pick
from ...shapes import TensorType
from ..contraction import Dot, dot_general
from ..elementwise import add
from ..movement import Transpose, transpose
from .bodies import Flags, fixpoint, or_zeros, sum_of, vjp_graph

__all__ = ["Plan", "Product", "Source", "backward_plan"]

#: Where a value per step comes from: a scanned operand, a residual, an output of the new body.
Source = Literal["operand", "kept", "emitted"]

#: Costs less to do again than to write and read; worth it when no more than one operand is kept.
_CHEAP = frozenset(("add", "subtract", "multiply", "negative", "equal", "not_equal", "less",
                    "less_equal", "greater", "greater_equal", "where", "cast", "broadcast",
                    "transpose", "reshape", "slice", "conj", "real", "imag"))
#: So many cheap nodes in a row are done again at most.
_LONG = 8


@dataclass(frozen=True)
class Product:
    """A term of a constant's cotangent: at each step a dot, then transposes."""

    const: int
    dot: Dot
    orders: tuple[tuple[int, ...], ...]
    left: tuple[Source, int]
    right: tuple[Source, int]

    def sum_over_steps(self, left: Node, right: Node) -> Node:
        """One dot that also contracts the axis of steps."""
        d = self.dot
        after = [tuple(a + 1 for a in axes) for axes in (
            d.left_contract, d.right_contract, d.left_batch, d.right_batch)]
        total = dot_general(left, right, ((0, *after[0]), (0, *after[1])), (after[2], after[3]))
        for order in self.orders:
            total = transpose(total, order)
        return total


@dataclass(frozen=True)
class Plan:
    """The body to run backwards. Its operands, and its outputs, in this order:

    constants  the forward constants numbered ``consts``, then the values of ``hoisted``
    carries    cotangents of the forward ``carries``, then sums for the constants ``summed``
    slices     cotangents of stacked outputs, the operands numbered ``xs``, values of ``residuals``
    stacked    cotangents of the operands numbered ``sliced``, then what ``products`` need
    """

    body: Graph
    consts: tuple[int, ...]
    hoisted: tuple[Node, ...]
    carries: tuple[int, ...]
    summed: tuple[int, ...]
    xs: tuple[int, ...]
    residuals: tuple[Node, ...]
    sliced: tuple[int, ...]
    products: tuple[Product, ...]


def backward_plan(body: Graph, consts: int, carries: int, wanted: Flags, given: Flags) -> Plan:
    """The plan for cotangents of the ``wanted`` operands from those of the ``given`` outputs."""
    key = ("backward", consts, carries, wanted, given)
    plan: Plan | None = body.memo.get(key)
    if plan is None:
        plan = body.memo[key] = _Planner(body, consts, carries, wanted, given).plan()
    return plan


class _Planner:
    def __init__(self, body: Graph, consts: int, carries: int, wanted: Flags, given: Flags):
        self.inputs, self.first_carry, self.first_slice = body.inputs, consts, consts + carries
        active = fixpoint(body, wanted, consts, carries, lambda type: type.dtype.is_inexact)
        self.carries = tuple(i for i in range(carries) if active[consts + i])
        # A carry has a cotangent from the step after, whether or not one came from outside.
        seeded = (*active[consts:self.first_slice], *given[carries:])
        transposed, found = vjp_graph(body, active, seeded)
        cotangents = iter(transposed.outputs)
        self.cotangents = [next(cotangents) if f else None for f in found]
        self.seeds = transposed.inputs[len(body.inputs):]
        self._mark(transposed.outputs)

    def _mark(self, nodes: Sequence[Node]) -> None:
        """Which nodes depend on a cotangent, on any input, on what changes from step to step."""
        self.backward = depends_on(nodes, self.seeds)
        self.touched = depends_on(nodes, self.inputs)
        self.moving = depends_on(nodes, self.inputs[self.first_carry:])

    def plan(self) -> Plan:
        consts = self.first_carry
        products, sums = self._split_sums()
        carried = [or_zeros(self.cotangents[consts + i], self.inputs[consts + i].type)
                   for i in self.carries]
        sliced = {i: c for i, c in enumerate(self.cotangents[self.first_slice:]) if c is not None}
        operands = [o for _, dot in products for o in _peel(dot)[1].parents]
        emitted = list(dict.fromkeys(o for o in operands if o in self.backward))
        outputs = [*carried, *sums.values(), *sliced.values(), *emitted]
        self._mark([*outputs, *operands])  # there are new sums among them
        leaves = self._leaves(outputs, [o for o in operands if o not in self.backward])

        position = {n: i for i, n in enumerate(self.inputs)}
        const_leaves = [n for n in leaves if is_input(n) and position[n] < self.first_carry]
        x_leaves = [n for n in leaves if is_input(n) and position[n] >= self.first_slice]
        hoisted = [n for n in leaves if n not in self.moving and not is_input(n)]
        known = {*const_leaves, *x_leaves, *hoisted}
        residuals = [n for n in leaves if n not in known]
        sources: dict[Node, tuple[Source, int]] = {
            **{n: ("operand", position[n] - self.first_slice) for n in x_leaves},
            **{n: ("kept", i) for i, n in enumerate(residuals)},
            **{n: ("emitted", i) for i, n in enumerate(emitted)}}

        split = len(self.carries)
        places = [*const_leaves, *hoisted, *self.seeds[:split], *(None for _ in sums),
                  *self.seeds[split:], *x_leaves, *residuals]
        body = _assemble(places, [self.inputs[i].type for i in sums], outputs, split)
        return Plan(body, tuple(position[n] for n in const_leaves), tuple(hoisted), self.carries,
                    tuple(sums), tuple(position[n] - self.first_slice for n in x_leaves),
                    tuple(residuals), tuple(sliced),
                    tuple(_product(i, dot, sources) for i, dot in products))

    def _split_sums(self) -> tuple[list[tuple[int, Node]], dict[int, Node]]:
        """Terms of constants' cotangents that are products over steps, and sums of the others."""
        products: list[tuple[int, Node]] = []
        sums: dict[int, Node] = {}
        for i, cotangent in enumerate(self.cotangents[:self.first_carry]):
            for term in _terms(cotangent):
                _, dot = _peel(term)
                if isinstance(dot.params, Dot) and all(
                        p in self.moving or p in self.backward for p in dot.parents):
                    products.append((i, term))
                else:
                    total = sum_of(sums.get(i), term)
                    assert total is not None
                    sums[i] = total
        return products, sums

    def _leaves(self, outputs: Sequence[Node], forced: Iterable[Node]) -> list[Node]:
        """The forward nodes whose values the new body takes from outside."""
        leaves = dict.fromkeys(forced)  # a dict, not a set: the order is part of the program
        kept = set(leaves)
        stack = [n for n in outputs if n not in self.backward]
        for node in toposort(outputs, stop=lambda n: n not in self.backward):
            if node in self.backward:
                stack.extend(p for p in node.parents if p not in self.backward)
        seen: set[Node] = set()
        while stack:
            node = stack.pop()
            if node in seen or node in leaves or node not in self.touched:
                continue  # what no input touches is a constant, and stays inside
            seen.add(node)
            if self._again(node):
                stack.extend(node.parents)
            else:
                leaves[node] = None
        for node in [n for n in leaves if n not in kept and n.op.name in _CHEAP]:
            bases = self._bases(node)
            if bases is not None and bases.issubset(leaves):
                del leaves[node]
        return list(leaves)

    def _again(self, node: Node) -> bool:
        """Whether to compute a node again from its parents instead of keeping it."""
        if is_input(node) or node.op is pick:
            return False
        if sum(p.type.nbytes for p in set(node.parents) & self.touched) < node.type.nbytes:
            return True
        bases = self._bases(node) if node.op.name in _CHEAP else None
        return bases is not None and sum(n.type.nbytes for n in bases) <= node.type.nbytes

    def _bases(self, node: Node) -> set[Node] | None:
        """What a cheap node is made from by cheap arithmetic; None if that is long."""
        bases: set[Node] = set()
        cheap = [node]
        for n in cheap:  # grows while it is walked
            for p in n.parents:
                if p in self.touched and p not in cheap:
                    if p.op.name in _CHEAP:
                        cheap.append(p)
                    else:
                        bases.add(p)
            if len(cheap) > _LONG:
                return None
        return bases


def _terms(total: Node | None) -> Iterator[Node]:
    stack = [] if total is None else [total]
    while stack:
        node = stack.pop()
        if node.op is add:
            stack.extend(node.parents)
        else:
            yield node


def _peel(node: Node) -> tuple[list[tuple[int, ...]], Node]:
    """The transposes around a node, innermost first, and the node."""
    orders = []
    while isinstance(node.params, Transpose):
        orders.append(node.params.axes)
        node = node.parents[0]
    return orders[::-1], node


def _product(const: int, term: Node, sources: dict[Node, tuple[Source, int]]) -> Product:
    orders, dot = _peel(term)
    left, right = dot.parents
    return Product(const, dot.params, tuple(orders), sources[left], sources[right])


def _assemble(places: Sequence[Node | None], sums: Sequence[TensorType], outputs: Sequence[Node],
              before: int) -> Graph:
    """A graph of ``outputs`` over ``places``; None among them is a sum, which its output joins.

    ``before``: how many outputs come before the sums.
    """
    types = iter(sums)
    inputs = [make_input(i, next(types) if n is None else n.type,
                         n is None or n.dtype.is_inexact) for i, n in enumerate(places)]
    new = substitute(outputs, {n: i for n, i in zip(places, inputs) if n is not None})
    totals = [i for n, i in zip(places, inputs) if n is None]
    for k, total in enumerate(totals):
        new[before + k] = total + new[before + k]
    return Graph(tuple(inputs), tuple(new))
