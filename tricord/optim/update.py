"""One recorded update for all parameters of an optimizer, and its evaluation.

A `Program` is the pure function that is recorded. An `Update` holds what is mutable: handles of
parameters and state, and the numbers of the current step. Running one costs a few microseconds
of Python when it was seen before; that is why it writes to the recorder's segment itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from weakref import WeakValueDictionary, ref

import numpy as np

from ..errors import NonFiniteError, ShapeError
from ..ir.arithmetic import select
from ..ir.dtypes import float32
from ..ir.node import Node
from ..ir.ops.elementwise import (
    absolute,
    bitwise_not,
    cast,
    complex_of,
    imag,
    is_finite,
    maximum,
    minimum,
    real,
    sign,
    sqrt,
)
from ..ir.ops.movement import reshape, slice_
from ..ir.ops.reduce import reduce_sum
from ..tensor.handle import Handle
from ..tensor.recorder import assign, cut, pending, record_nodes, state, value_of, wrap
from ..tensor.views import replace
from .rule import NO_TRANSFORM, Rule, Slot, Transform

__all__ = ["Block", "Cohort", "Program", "Update"]


class Block(NamedTuple):
    """The static part of one cohort."""

    rule: Rule
    options: Any
    transform: Transform
    params: int
    slots: int
    scalars: int


class Program:
    """The update as a function on nodes; equal ones are recorded once.

    Operands: all parameters, all gradients, then per block its scalars and its slots, those of
    one parameter side by side. Results: new parameters, then new slots, in the same order.
    """

    def __init__(self, blocks: tuple[Block, ...], global_norm: float | None = None,
                 guard: bool = False):
        self.blocks = blocks
        self.global_norm = global_norm
        self.guard = guard

    @staticmethod
    def of(blocks: tuple[Block, ...], global_norm: float | None = None,
           guard: bool = False) -> Program:
        """The one program of this content; equal optimizers share what was recorded."""
        key = repr((blocks, global_norm, guard))  # tells 1 from 1.0; a rule's repr is its identity
        found = _programs.get(key)
        if found is None:
            found = _programs[key] = Program(blocks, global_norm, guard)
        return found

    def __call__(self, *nodes: Node) -> tuple[Node, ...]:
        count = sum(b.params for b in self.blocks)
        params, grads, rest = nodes[:count], list(nodes[count:2 * count]), iter(nodes[2 * count:])
        for p, g in zip(params, grads, strict=True):
            if p.shape != g.shape:
                raise ShapeError(f"optimizer: a parameter of shape {tuple(p.shape)} has a "
                                 f"gradient of shape {tuple(g.shape)}")
        if self.global_norm is not None:
            grads = clip_by_global_norm(grads, self.global_norm)
        bad = not_finite(grads) if self.guard else None
        new_params: list[Node] = []
        new_slots: list[Node] = []
        pairs = iter(zip(params, grads, strict=True))
        for block in self.blocks:
            scalars = _unpack(next(rest), block.scalars)
            for _ in range(block.params):
                p, g = next(pairs)
                slots = [next(rest) for _ in range(block.slots)]
                new, changed = _update(block, p, g, slots, scalars)
                new_params.append(_unless(bad, cast(new, p.dtype), p))
                new_slots += [_unless(bad, cast(n, s.dtype), s)
                              for n, s in zip(changed, slots, strict=True)]
        # The flag says what is wrong, so that the null device's zeros mean that nothing is.
        return (*new_params, *new_slots) if bad is None else (*new_params, *new_slots, bad)


def not_finite(grads: Sequence[Node]) -> Node:
    """Whether there is a NaN or an infinity in any gradient: their sum of sizes is then, too."""
    total = None
    for g in grads:
        size = reduce_sum(absolute(g), tuple(range(g.ndim)))
        total = size if total is None else total + size
    assert total is not None
    return bitwise_not(is_finite(total))


def _unless(bad: Node | None, new: Node, old: Node) -> Node:
    return new if bad is None else select(bad, old, new)


_programs: WeakValueDictionary[str, Program] = WeakValueDictionary()


def _unpack(scalars: Node, count: int) -> list[Node]:
    return [reshape(slice_(scalars, (i,), (i + 1,)), ()) for i in range(count)]


def _update(block: Block, p: Node, g: Node, slots: Sequence[Node], scalars: Sequence[Node],
            ) -> tuple[Node, Sequence[Node]]:
    """One parameter: the transform's steps around the rule."""
    if p.dtype.kind == "f" and p.dtype.numpy.itemsize < 4:
        # Half precision is rounded once, at the end.
        p, g = cast(p, float32), cast(g, float32)
        slots = [cast(s, float32) for s in slots]
    g = cast(g, p.dtype)
    t = block.transform
    own = list(scalars)
    momentum = own.pop() if t.average is not None else None
    lr = own.pop() if t.decay else None
    if t.clip_value is not None:
        g = maximum_number(minimum_number(g, t.clip_value), -t.clip_value)
    if t.clip_norm is not None:
        g = clip_by_norm(g, t.clip_norm)
    if t.l1:
        g = g + t.l1 * sign(p)
    if lr is not None:
        p = p - p * t.decay * lr
    changed: Sequence[Node]
    own_slots = slots[:-1] if momentum is not None else slots
    if p.dtype.kind == "c" and block.rule.elementwise:
        new, changed = _by_parts(block, p, g, own_slots, own)
    else:
        new, changed = block.rule.update(block.options, p, g, own_slots, own)
    if momentum is not None:
        changed = [*changed, momentum * slots[-1] + (1 - momentum) * new]
    return new, changed


def _by_parts(block: Block, p: Node, g: Node, slots: Sequence[Node], scalars: Sequence[Node],
              ) -> tuple[Node, list[Node]]:
    """A complex number is two real parameters."""
    new_real, real_slots = block.rule.update(block.options, real(p), real(g),
                                             [real(s) for s in slots], scalars)
    new_imag, imag_slots = block.rule.update(block.options, imag(p), imag(g),
                                             [imag(s) for s in slots], scalars)
    return complex_of(new_real, new_imag), [
        complex_of(r, i) for r, i in zip(real_slots, imag_slots, strict=True)]


def maximum_number(x: Node, number: float) -> Node:
    return maximum(x, _full(number, x))


def minimum_number(x: Node, number: float) -> Node:
    return minimum(x, _full(number, x))


def _full(number: float, like: Node) -> Node:
    return select(like < like, like, number)


def _squares(g: Node) -> Node:
    wide = cast(g, float32) if g.dtype.numpy.itemsize < 4 else g
    size = absolute(wide)
    return reduce_sum(size * size, tuple(range(g.ndim)))


def _scaled(g: Node, norm: Node, limit: float) -> Node:
    factor = select(norm > limit, limit / norm, 1.0)
    return g * cast(factor, real(g).dtype if g.dtype.kind == "c" else g.dtype)


def clip_by_norm(g: Node, limit: float) -> Node:
    """``g`` scaled down to an L2 norm of ``limit``, if it is longer."""
    return _scaled(g, sqrt(_squares(g)), limit)


def clip_by_global_norm(grads: Sequence[Node], limit: float) -> list[Node]:
    """All gradients scaled alike so that their joint L2 norm is at most ``limit``."""
    total = None
    for g in grads:
        squares = _squares(g)
        total = squares if total is None else total + squares
    return [_scaled(g, sqrt(total), limit) for g in grads] if total is not None else []


class Cohort:
    """Parameters that are updated alike: same options, same numbers."""

    __slots__ = ("arrays", "dtype", "handles", "lr", "numbers", "options", "params", "rule",
                 "slots", "transform")

    def __init__(self, rule: Rule, options: Any, params: Sequence[Handle], numbers: Sequence[float],
                 slots: Sequence[Sequence[Handle]], transform: Transform = NO_TRANSFORM):
        self.rule = rule
        self.options = options
        self.transform = transform
        self.params = list(params)
        self.numbers = tuple(numbers)
        self.slots = [list(s) for s in slots]
        wide = any(p._type.dtype.numpy.itemsize // (2 if p._type.dtype.kind == "c" else 1) > 4
                   for p in params)
        self.dtype = np.dtype(np.float64 if wide else np.float32)
        #: the saved numbers as tensors, shared by the states of all these parameters
        self.arrays = [np.asarray(n, np.float32) for n in self.numbers[:len(rule.numbers)]]
        self.handles = [wrap(a) for a in self.arrays]

    def advance(self, lr: float) -> tuple[tuple[float, ...], list[float]]:
        """The numbers after one more step, and the scalars of that step."""
        for handle, array in zip(self.handles, self.arrays):
            if handle._value is not array:
                self._read_back()
                break
        numbers, scalars = self.rule.advance(self.options, lr, self.numbers)
        transform = self.transform
        if transform is not NO_TRANSFORM:
            scalars = list(scalars)
            if transform.decay:
                scalars.append(lr)
            if transform.average is not None:
                scalars.append(transform.average if self.numbers[0] else 0.0)
        return numbers, scalars  # type: ignore[return-value]

    def _read_back(self) -> None:
        # Somebody wrote to state[p]["step"].
        self.arrays = [np.asarray(h, np.float32) for h in self.handles]
        saved = [float(a) for a in self.arrays]
        self.numbers = (*saved, *self.numbers[len(saved):])
        for handle, array in zip(self.handles, self.arrays, strict=True):
            handle._value = array

    def commit(self, numbers: tuple[float, ...]) -> None:
        """After a successful step."""
        self.numbers = numbers
        arrays = self.arrays
        for i, handle in enumerate(self.handles):
            handle._value = arrays[i] = np.asarray(numbers[i], np.float32)

    def block(self) -> Block:
        _, scalars = self.advance(0.0)
        return Block(self.rule, self.rule.structure(self.options), self.transform, len(self.params),
                     len(self.slots[0]) if self.slots else 0, len(scalars))


class Update:
    """A prepared step: run it with the gradients and the rates of the day."""

    def __init__(self, cohorts: Sequence[Cohort], global_norm: float | None = None,
                 guard: bool = False, rates: Callable[[], list[float] | None] | None = None,
                 committed: Callable[[], None] | None = None):
        self.cohorts = list(cohorts)
        #: called after a step that was replayed, as its optimizer did not take it itself
        self._committed = committed
        #: the rates of the day; None once this update does not fit its optimizer any more
        self._rates = rates
        self.program = Program.of(tuple(c.block() for c in self.cohorts), global_norm, guard)
        self._flag: Any = None
        self.params = [p for c in self.cohorts for p in c.params]
        self.slots = [s for c in self.cohorts for own in c.slots for s in own]
        self.targets = [*self.params, *self.slots]
        self._references = [ref(h) for h in self.targets]
        self._nothing: list[Handle | None] = [None] * (len(self.slots) + len(self.cohorts))
        #: leaf nodes of scalars and slots, good while they start at the same number
        self._inputs: list[Node] = []
        self._inputs_from = -1

    def run(self, grads: Sequence[Handle], rates: Sequence[float]) -> None:
        """Record the step, let parameters and state stand for the results, and evaluate.

        If evaluation fails, everything has its old value.

        Raises:  NonFiniteError for NaN or infinity in a gradient, if this update is guarded
        """
        here = state
        if here.segment.parent is not None:
            cut()  # refuses, and says why
        advanced = []
        values: list[Any] = []
        simple = not here.held
        for cohort, lr in zip(self.cohorts, rates):
            numbers, scalars = cohort.advance(lr)
            advanced.append(numbers)
            values.append(np.array(scalars, cohort.dtype))
            for own in cohort.slots:
                for slot in own:
                    if slot._value is None:
                        simple = False
                    values.append(slot._value)
        memo = here.memo
        here.memo = here.memo_without_gradients
        try:
            if not simple or not self._quick(grads, values):
                self._careful(grads, values)
        finally:
            here.memo = memo
        if self._flag is not None:
            flag, self._flag = self._flag, None
            if value_of(flag):
                raise NonFiniteError("a gradient holds NaN or infinity; parameters and state are "
                                     "as they were before this step",
                                     hint="TRICORD_CHECK=2 names the operation it comes from")
        for cohort, numbers in zip(self.cohorts, advanced):
            cohort.commit(numbers)

    def _quick(self, grads: Sequence[Handle], values: list[Any]) -> bool:
        """The usual case: all targets are concrete, stand for themselves, and are evaluated at
        once. False, with nothing done, if it is not the usual case."""
        here = state
        segment = here.segment
        key: list[Any] = [self.program]
        for h in self.params:
            if h._value is None or h._views or h._link is not None:
                return False
            node = h._node
            key.append(node if h._segment is segment else segment.enter(h))
        for h in grads:
            node = h._node
            key.append(node if h._segment is segment else segment.enter(h))
        first = len(segment.values)
        if first == self._inputs_from:
            segment.values += values
            segment.owners += self._nothing
        else:
            self._inputs = [segment.enter(wrap(v)) for v in values]
            self._inputs_from = first
            segment.owners[first:] = self._nothing
        values.clear()  # the segment alone has them now, so that they may be written over
        key += self._inputs
        found = tuple(key)
        nodes = here.memo.get(found)
        if nodes is None:
            nodes = self._first_sight(found)
        before, handles = segment.before, segment.handles
        for h, node, reference in zip(self.targets, nodes, self._references):
            before.append((h, h._value, h._provenance))  # type: ignore[arg-type]
            h._value = None
            h._node = node
            h._segment = segment
            handles.append(reference)
        if self.program.guard:
            self._flag = pending(nodes[-1], Handle._result_class)
        if here.watch is not None:
            here.watch.stepped(self, first)
        cut()
        return True

    # ---- a step as part of a program that is replayed, see `tensor.replay`

    def may_repeat(self) -> bool:
        """Whether later steps can be taken by replaying this one."""
        return self._rates is not None and not self.program.guard and self._rates() is not None

    def operands(self, first: int) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """What the operands from ``first`` on are."""
        slot = first
        for number, cohort in enumerate(self.cohorts):
            yield slot, ("scalars", (self, number))
            slot += 1
            for own in cohort.slots:
                for handle in own:
                    yield slot, ("slot", handle)
                    slot += 1

    def advance_again(self) -> tuple[list[Any], list[Any]] | None:
        """Operands of the next step and what to commit after it; None if this update does not
        fit any more."""
        rates = self._rates() if self._rates is not None else None
        if rates is None:
            return None
        operands, advanced = [], []
        for cohort, lr in zip(self.cohorts, rates):
            numbers, scalars = cohort.advance(lr)
            operands.append(np.array(scalars, cohort.dtype))
            advanced.append(numbers)
        return operands, advanced

    def commit_again(self, advanced: Sequence[Any]) -> None:
        """After a successful step."""
        for cohort, numbers in zip(self.cohorts, advanced):
            cohort.commit(numbers)
        if self._committed is not None:
            self._committed()

    def _first_sight(self, key: tuple[Any, ...]) -> Any:
        stand_ins = [pending(n, Handle._result_class) for n in key[1:]]
        nodes = record_nodes(self.program, stand_ins)
        state.memo[key] = nodes
        return nodes

    def _careful(self, grads: Sequence[Handle], values: list[Any]) -> None:
        """Some targets are pending, are views or have views, or somebody holds the segment."""
        slots = iter(self.slots)
        operands: list[Handle] = [*self.params, *grads]
        at = 0
        for cohort in self.cohorts:
            operands.append(wrap(values[at]))
            own = len(cohort.slots) * (len(cohort.slots[0]) if cohort.slots else 0)
            operands += [next(slots) for _ in range(own)]
            at += 1 + own
        nodes = record_nodes(self.program, operands)
        results = [pending(n, Handle._result_class) for n in nodes]
        if self.program.guard:
            self._flag = results.pop()
        for h, new in zip(self.targets, results, strict=True):
            if h._views or h._link is not None:
                replace(h, new)
            else:
                assign(h, new._node)
        if state.watch is not None:
            state.watch.refuse("the optimizer's parameters are views, or are not evaluated yet")
        del results, new  # or they would be outputs of the program, too
        if not state.held:
            cut()


def new_slots(param: Handle, slots: Sequence[Slot]) -> Iterator[tuple[str, Handle]]:
    """Fresh state for a parameter."""
    for slot in slots:
        shape = tuple(param._type.shape if slot.shape is None else slot.shape)
        yield slot.name, wrap(np.full(shape, slot.fill, param._type.dtype.numpy))
