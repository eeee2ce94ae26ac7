"""Device two: machine code. A graph is compiled and its steps run as native functions.

What only a library can do (LAPACK, the Fourier transform), complex numbers and control primitives
run between native parts: the graph is cut there, and each part is a program of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import settings
from ..compiler.fusion import is_opaque
from ..compiler.kernels import GENERATORS
from ..compiler.pipeline import PASSES, Compilation, Options, run_pass, run_passes
from ..compiler.program import STATUS_HEAD, NativePlan
from ..compiler.target import host_target
from ..ir.evaluate import bodies_prepared_by, evaluate_node
from ..ir.graph import is_input, make_input, toposort
from ..ir.lowering import Alias, Control, Kernel, Leaf, Regions
from ..ir.node import Node, rewriting
from ..ir.ops.structural import constant_value
from ..ir.record import pick
from .bodies import CompiledBody
from .executable import Array, Donated
from .native.clock import HAS_CLOCK, clock_symbols
from .native.entry import Entry, as_argument
from .native.entry_code import BUSY, REFUSED
from .native.machine import is_kept, loaded, machine
from .native.memory import Pool, is_own
from .native.processors import threads_wanted
from .native.threads_code import NO_WORKERS
from .profile import current_profile, timed_call
from .reports import PartFacts, digest_of, report, wants_reports

__all__ = ["CompiledProgram", "NativePart"]

#: Contexts kept for calls of one program from several threads at once.
_SPARE_ENTRIES = 8


class NativePart:
    """A graph without library calls, as one native function."""

    def __init__(self, outputs: Sequence[Node], simplified: bool = False):
        self._profile = current_profile()
        begin = time.perf_counter_ns()
        self.target = host_target()
        made = run_passes(outputs, Options(self.target, self._profile is not None and HAS_CLOCK),
                          simplified=simplified)
        self.plan: NativePlan = made.plan
        self.types = [(tuple(o.shape), o.dtype.numpy) for o in outputs]
        self._machine = machine(self.target)
        cached = is_kept(self.plan.text, self.target) if wants_reports() else None
        externals = self._machine.externals
        if self.plan.timed:
            externals = {**externals, **clock_symbols(self.target)}
        self._image = loaded(self.plan.text, self.target, externals)
        self.facts = self._facts(made, begin, cached)
        self._constants = [np.ascontiguousarray(constant_value(c)) for c in self.plan.constants]
        self.threads = threads_wanted() if self.plan.parallel else 1
        #: result number -> the output that it is first
        firsts: dict[int, int] = {}
        for number, (kind, index) in enumerate(self.plan.outputs):
            if kind == "result":
                firsts.setdefault(index, number)
        taken = {n.params.slot: n.type for n in toposort(made.nodes) if is_input(n)}
        self._given = [(tuple(taken[s].shape), taken[s].dtype.numpy) for s in self.plan.arguments]
        self._pools = [Pool(*self.types[firsts[i]]) for i in range(self.plan.results)]
        self._result_of = {output: i for i, output in firsts.items()}
        #: whether the outputs are the results, in order
        self.is_direct = self.plan.outputs == tuple(
            ("result", i) for i in range(self.plan.results))
        self._first = self._entry()
        #: for calls while the first is at work in another thread
        self._spare: list[Entry] = []

    def _facts(self, made: Compilation, begin: int, cached: bool | None) -> PartFacts:
        """What is reported about the program, which is now compiled."""
        end = time.perf_counter_ns()
        where = next((n.where for n in reversed(made.nodes) if n.where is not None), None)
        facts = PartFacts(digest_of(self.plan.text), self.plan.kernels, (end - begin) / 1e9,
                          cached, where)
        report(made, facts, self.target)
        if self._profile is not None:
            self._profile.span("compile", "compile", begin, end, program=facts.name)
            for name, started, ended in made.times:
                self._profile.span(name, "compile", started, ended)
            self._profile.span("machine code", "compile", made.times[-1][2], end)
        return facts

    def _entry(self) -> Entry:
        p = self.plan
        entry = Entry(self._machine, self._image, self._given,
                      [(pool.shape, pool.dtype) for pool in self._pools], self._constants,
                      arena_bytes=p.arena_bytes, status_bytes=STATUS_HEAD + 16 * len(p.checks),
                      scratch_bytes=p.scratch_bytes, threads=self.threads,
                      flush=settings.get().denormals == "flush", times_bytes=p.times_bytes)
        if self._profile is not None and p.timed:
            entry.call = timed_call(entry, self.facts, self._profile)
        return entry

    def __call__(self, arguments: Sequence[Array],
                 donated: Donated = ()) -> list[Array]:
        slots = self.plan.arguments
        given = [arguments[s] for s in slots]
        results: list[Any] = [None] * len(self._pools)
        may = self.plan.may_donate
        for output, slot, alone in donated:
            if (output, slot) in may:
                number = self._result_of[output]
                results[number] = arguments[slot] if alone else self.memory_for(number)
        self.call(given, results)
        if self.is_direct:
            return results
        return self._outputs(arguments, results)

    def call(self, given: list[Array], results: list[Any]) -> None:
        """Run with the arguments of ``plan.arguments``. Where a result is None it gets memory; the
        others are written to."""
        for i, result in enumerate(results):
            if result is None:
                results[i] = self._pools[i].take()
        code = self._first.call(given, results)
        if code:
            self._again(code, given, results)

    def memory_for(self, number: int) -> Array:
        """Memory for a result that is to stay, as the value of a variable does."""
        return self._pools[number].part_with()

    def _outputs(self, arguments: Sequence[Array], results: Sequence[Array]) -> list[Array]:
        found = []
        given: set[int] = set()
        for kind, index in self.plan.outputs:
            value = arguments[index] if kind == "argument" else results[index]
            if kind == "result":
                if index in given:  # one value twice: the second a copy
                    value = value.copy()
                given.add(index)
            found.append(value)
        return found

    def _again(self, code: int, given: list[Array], results: list[Array]) -> None:
        """A call that did not run: an array was not as it must be, the program is at work in
        another thread, or there are too few workers; or that ran and refused a value."""
        entry, repaired = self._first, False
        try:
            while code < 0:
                if code == BUSY:
                    try:
                        entry = self._spare.pop()
                    except IndexError:
                        entry = self._entry()
                elif code == NO_WORKERS:
                    entry.grow()
                else:
                    assert code == REFUSED and not repaired, f"the native call answered {code}"
                    self._repair(given, results)
                    repaired = True
                code = entry.call(given, results)
            if code:
                self._refuse(entry, code)
        finally:
            if entry is not self._first and len(self._spare) < _SPARE_ENTRIES:
                self._spare.append(entry)

    def _repair(self, given: list[Array], results: list[Array]) -> None:
        """Replace what native code does not take."""
        given[:] = map(as_argument, given, self._given)
        for i, (result, pool) in enumerate(zip(results, self._pools, strict=True)):
            if not (is_own(result) and result.dtype is pool.dtype and result.shape == pool.shape):
                results[i] = pool.part_with()

    def _refuse(self, entry: Entry, code: int) -> None:
        node = self.plan.checks[code - 1]
        words = entry.status.view(np.int64)
        value = int(words[STATUS_HEAD // 8 + 2 * (code - 1) + 1])
        words[:] = 0
        entry.release()
        way = node.op.lower
        assert isinstance(way, Kernel) and way.refusal is not None
        error = way.refusal(node.params, value)
        error.where = str(node.where or "") or None
        raise error


def runs_on_host(node: Node) -> bool:
    """Whether a node runs between native parts."""
    if node.op is pick or isinstance(node.op.lower, (Leaf, Alias)):
        return False
    if not is_opaque(node):
        return False
    if any(t.dtype.kind == "c" for t in node.types) or any(
            t.dtype.kind == "c" for p in node.parents for t in p.types):
        return True
    way = node.op.lower
    if isinstance(way, Regions):
        return False
    if isinstance(way, Kernel):
        return way.name != "dot" and way.name not in GENERATORS
    return True


_Source = tuple[str, int]


class CompiledProgram:
    """A program ready to run: native parts and library calls, by the values they hand on.

    Values are numbered; the arguments come first.
    """

    def __init__(self, outputs: Sequence[Node]):
        profile = current_profile()
        begin = time.perf_counter_ns()
        nodes = run_pass(PASSES[0], outputs, Options(host_target()))
        if profile is not None:
            profile.span("simplify", "compile", begin, time.perf_counter_ns())
        order = toposort(nodes)
        level = _levels(order)
        self.parts: list[NativePart] = []
        #: what runs through numpy, in order
        self.host_nodes = tuple(n for n in order if runs_on_host(n))
        if not any(level.values()):
            self.only: NativePart | None = NativePart(nodes, simplified=True)
            self.parts.append(self.only)
            return
        self.only = None
        self._compile(nodes, order, level)

    def _compile(self, nodes: Sequence[Node], order: Sequence[Node],
                 level: dict[Node, int]) -> None:
        """Level by level: a native part, then the host's nodes that it makes possible."""
        self.steps: list[Callable[[dict[Node, Any], Sequence[Array]], None]] = []
        handed = {p for n in order if runs_on_host(n) for p in n.parents}
        handed |= set(nodes)
        for node in order:
            for parent in node.parents:
                if level[parent] < level[node]:
                    handed.add(parent)
        for number in range(max(level.values()) + 1):
            mine = [n for n in order if level[n] == number and n in handed
                    and not _is_value_of_host(n) and not isinstance(n.op.lower, Leaf)]
            if mine:
                self.steps.append(self._native(mine, level, number))
            self.steps += [_host_step(n) for n in order
                           if runs_on_host(n) and level[n] == number + 1]
        self.nodes = list(nodes)

    def _native(self, wanted: Sequence[Node], level: dict[Node, int], number: int,
                ) -> Callable[[dict[Node, Any], Sequence[Array]], None]:
        """A part over stand-ins for what earlier levels gave."""
        stand_ins: dict[Node, Node] = {}
        new: dict[Node, Node] = {}
        with rewriting() as at:
            for node in toposort(wanted, stop=lambda n: level[n] < number or _is_value_of_host(n)):
                at(node.where)
                if is_input(node) or level[node] < number or _is_value_of_host(node):
                    if constant_value(node) is not None:
                        new[node] = node
                        continue
                    slot = len(stand_ins)
                    new[node] = stand_ins[node] = make_input(slot, node.type)
                else:
                    parents = tuple(new[p] for p in node.parents)
                    new[node] = node.op(*parents, **_fields(node))
        part = NativePart([new[w] for w in wanted])
        self.parts.append(part)
        sources = list(stand_ins)

        def run(values: dict[Node, Any], arguments: Sequence[Array]) -> None:
            given = [_value(s, values, arguments) for s in sources]
            values.update(zip(wanted, part(given), strict=True))

        return run

    def __call__(self, arguments: Sequence[Array],
                 donated: Donated = ()) -> list[Array]:
        if self.only is not None:
            return self.only(arguments, donated)
        values: dict[Node, Any] = {}
        with np.errstate(all="ignore"):
            for step in self.steps:
                step(values, arguments)
        return [_value(n, values, arguments) for n in self.nodes]


def _fields(node: Node) -> dict[str, Any]:
    return {name: getattr(node.params, name) for name in getattr(
        node.params, "__dataclass_fields__", {})}


def _value(node: Node, values: dict[Node, Any], arguments: Sequence[Array]) -> Any:
    if is_input(node):
        return arguments[node.params.slot]
    found = values.get(node)
    return constant_value(node) if found is None else found


def _is_value_of_host(node: Node) -> bool:
    return runs_on_host(node.parents[0]) if node.op is pick else runs_on_host(node)


def _levels(order: Sequence[Node]) -> dict[Node, int]:
    """How many host steps are before each node; a host step itself counts."""
    level: dict[Node, int] = {}
    for node in order:
        base = max((level[p] for p in node.parents), default=0)
        level[node] = base + 1 if runs_on_host(node) else base
    return level


def _body(outputs: Sequence[Node], inputs: Sequence[Node], fixed: int) -> CompiledBody:
    return CompiledBody(outputs, inputs, fixed, CompiledProgram)


def _host_step(node: Node) -> Callable[[dict[Node, Any], Sequence[Array]], None]:
    profile = current_profile()

    def run(values: dict[Node, Any], arguments: Sequence[Array]) -> None:
        operands = [_value(p, values, arguments) for p in node.parents]
        if isinstance(node.op.lower, Control):
            with bodies_prepared_by(_body):
                result = evaluate_node(node, operands)
        else:
            result = evaluate_node(node, operands)
        if node.op.several_outputs:
            for output, value in zip(node.outputs, result, strict=True):
                values[output] = value
        else:
            values[node] = result

    def recorded(values: dict[Node, Any], arguments: Sequence[Array]) -> None:
        assert profile is not None
        with profile.spanning(node.op.name, "host", where=str(node.where or "")):
            run(values, arguments)

    return run if profile is None else recorded


