"""What is kept of an evaluated segment so that gradients can still flow through it.

When a value that needs gradients is observed before ``backward()``, the forward pass has run and
must not run again. So at the cut the program also puts out the *residuals*: the forward values
that the reverse rules will want. They are found by building the gradient graph once, with
symbolic cotangents, and looking at which forward nodes it reads.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..autodiff import gradients, reachable_roots
from ..ir.graph import is_input, make_input, substitute, toposort
from ..ir.node import Node
from ..ir.ops.structural import custom_gradient

if TYPE_CHECKING:
    from .handle import Handle
    from .recorder import Segment

__all__ = ["History", "HistoryPlan", "Linearization", "Provenance", "ancestors", "as_it_is", "mark"]

Array = np.ndarray[Any, Any]
_COTANGENT_SLOT = 1 << 30
_serial = itertools.count()


class Linearization:
    """The gradient of some forward nodes as a function of residuals and cotangents.

    Called on nodes (residuals first, then one cotangent per output) it gives one node per root
    that the outputs reach. One object per program, so that recording it is a look-up.
    """

    def __init__(self, outputs: Sequence[Node]):
        cotangents = [make_input(_COTANGENT_SLOT + i, o.type) for i, o in enumerate(outputs)]
        roots = reachable_roots(outputs)
        found = gradients(outputs, cotangents, roots)
        self.roots = [r for r, g in zip(roots, found, strict=True) if g is not None]
        self.gradients = [g for g in found if g is not None]
        forward = set(toposort(outputs))
        self.residuals = [n for n in toposort(self.gradients, stop=forward.__contains__)
                          if n in forward and (n.parents or is_input(n))]
        self._arguments = [*self.residuals, *cotangents]

    def __call__(self, *nodes: Node) -> tuple[Node, ...]:
        return tuple(substitute(self.gradients, dict(zip(self._arguments, nodes, strict=True))))


class HistoryPlan:
    """Which outputs of a program carry history, and what must be saved for them."""

    def __init__(self, outputs: Sequence[Node], backward_done: Sequence[Node]):
        # The graph of a loss whose backward pass has run is not kept: paths through it are dead.
        freed = {n for n in toposort(backward_done) if n.needs_grad and n.op.follows_parents}
        alive: set[Node] = set()
        for node in toposort(outputs):
            if node.needs_grad and node not in freed and (
                    not node.op.follows_parents or any(p in alive for p in node.parents)):
                alive.add(node)
        self.carrying = [(i, n) for i, n in enumerate(outputs)
                         if n in alive and n.op.follows_parents]
        #: outputs that are roots: their owners, or others that stand for the same value (a clone)
        self.aliases = [(i, n) for i, n in enumerate(outputs)
                        if n.needs_grad and not n.op.follows_parents]
        #: outputs that needed gradients and whose graph is gone
        self.freed = [i for i, n in enumerate(outputs) if n in freed]
        #: whether gradients come from recording the forward graph again instead of from residuals
        self.replayed = False
        self._linearizations: dict[tuple[Node, ...], Linearization] = {}
        self.residuals: list[Node] = []
        if self.carrying or self.aliases:
            known = {n: i for i, n in enumerate(outputs)}
            # A user's own backward function must run when backward does, not now, at the cut.
            self.replayed = any(n.op is custom_gradient for n in alive)
            residuals = [] if self.replayed else self.linearization(
                tuple(dict.fromkeys(n for _, n in self.carrying))).residuals
            carrying = [n for _, n in (*self.carrying, *self.aliases)]
            self._roots = reachable_roots(carrying)
            wanted = [n for n in dict.fromkeys([*residuals, *self._roots])
                      if not is_input(n)]
            self.residuals = [n for n in wanted if n not in known]
            self._saved = [(n, known.get(n)) for n in wanted]
            self._leaves = [n for n in toposort(carrying) if is_input(n)]

    def linearization(self, outputs: tuple[Node, ...]) -> Linearization:
        found = self._linearizations.get(outputs)
        if found is None:
            found = self._linearizations[outputs] = Linearization(outputs)
        return found

    def provenances(self, segment: Segment, results: Sequence[Array], live: Sequence[Handle],
                    ) -> list[tuple[int, Provenance]]:
        """One provenance per carrying output, sharing one history."""
        carrying = self.carrying
        if self.aliases:
            carrying = carrying + [(i, n) for i, n in self.aliases
                                   if segment.owner(n) is not live[i]]
        if not carrying:
            return []
        first = len(results) - len(self.residuals)
        extra = dict(zip(self.residuals, results[first:], strict=True))
        saved = {n: extra[n] if at is None else results[at] for n, at in self._saved}
        for leaf in self._leaves:
            saved[leaf] = segment.values[leaf.params.slot]
        owners = {r: as_it_is(segment.owner(r)) for r in self._roots}
        starts = {leaf: segment.owners[leaf.params.slot] for leaf in self._leaves} | owners
        history = History(self, saved, owners, starts)
        return [(i, Provenance(history, n)) for i, n in carrying]


def as_it_is(handle: Handle) -> Handle:
    """A leaf itself; of an observed result a stand-in, because it may be written to later.

    Gradients of what used the old value belong to the old value's history.
    """
    if handle._provenance is None:
        return handle
    old = handle.__class__.__new__(handle.__class__)
    old._value, old._type, old._provenance = handle._value, handle._type, handle._provenance
    return old


class History:
    """One evaluated segment: saved values by node, and the handles its gradients go to.

    ``starts`` are the nodes to record it again from, leaves and roots, with their handles.
    """

    __slots__ = ("freed", "owners", "plan", "saved", "serial", "starts")

    def __init__(self, plan: HistoryPlan, saved: dict[Node, Array], owners: dict[Node, Handle],
                 starts: dict[Node, Handle | None]):
        self.plan = plan
        self.saved = saved
        self.owners = owners
        self.starts = starts
        self.serial = next(_serial)
        self.freed = False

    def free(self) -> None:
        """Let go of everything: the backward pass has run."""
        self.freed = True
        self.saved = {}
        self.owners = {}
        self.starts = {}


class Provenance(NamedTuple):
    """Where a concrete handle came from: a node of an evaluated segment."""

    history: History
    node: Node


def mark() -> int:
    """A number above those of all histories so far and below those to come."""
    return next(_serial)


def ancestors(provenances: Iterable[Provenance], since: int = -1) -> list[History]:
    """All histories that gradients from here can reach, those after the mark, oldest first."""
    found: dict[int, History] = {}
    stack = [p.history for p in provenances]
    while stack:
        history = stack.pop()
        if history.serial in found or history.serial <= since:
            continue
        found[history.serial] = history
        stack.extend(h._provenance.history for h in history.owners.values()
                     if h._provenance is not None)
    return [found[s] for s in sorted(found)]
