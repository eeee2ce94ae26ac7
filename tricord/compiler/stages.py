"""In which pass over a row each value of a nest is computed.

The *stage* of a value is the number of reductions that it waits for, one after another. A nest that
reduces over its last loops goes over each row once per stage; a value that is costly and wanted in
several stages is kept in scratch memory, a row long.
"""

from __future__ import annotations

from collections.abc import Sequence

from . import scalars
from .loops import Apply, Given, Load, Nest, Position, Reduce

__all__ = ["Stages", "stage_numbers"]

#: A value cheaper than this is computed again rather than kept in memory between stages.
_WORTH_KEEPING = 8
_ALIGN = 64


def stage_numbers(nest: Nest) -> list[int]:
    """The stage of each value."""
    stage: list[int] = []
    for value in nest.values:
        if isinstance(value, Reduce):
            stage.append(stage[value.operand] + 1)
        else:
            stage.append(max((stage[o] for o in value.operands), default=0)
                         if isinstance(value, Apply) else 0)
    return stage


class Stages:
    """Which value is computed where: see the module's text. ``lane``: the loop that is taken in
    vectors, of so many ``lanes``."""

    def __init__(self, nest: Nest, lane: int | None, lanes: int):
        self.nest, self.lane, self.lanes = nest, lane, lanes
        count = len(nest.values)
        reduced = set(nest.reduced)
        #: per value: loops it depends on; whether on the lane; whether on a reduced loop
        self.loops: list[frozenset[int]] = []
        self.depends = [False] * count
        self.inner = [False] * count
        self.stage = stage_numbers(nest)
        kept = frozenset(nest.kept)
        for number, value in enumerate(nest.values):
            loops: frozenset[int] = frozenset()
            if isinstance(value, (Load, Position)):
                loops = value.at.loops
            elif isinstance(value, Apply):
                for o in value.operands:
                    loops |= self.loops[o]
            elif isinstance(value, Reduce):
                loops = kept
            elif isinstance(value, Given):
                loops = frozenset(range(len(nest.extents)))
            self.loops.append(loops)
            self.depends[number] = self.lane in loops
            self.inner[number] = bool(loops & reduced)
        self.by_rows = bool(reduced) and self.lane in reduced
        self._roots()
        self._keep()

    def _roots(self) -> None:
        """Reductions and inner stores of each stage."""
        nest = self.nest
        self.reductions: dict[int, list[int]] = {}
        self.inner_stores: dict[int, list[int]] = {}
        self.outer_stores: list[int] = []
        for number, value in enumerate(nest.values):
            if isinstance(value, Reduce):
                self.reductions.setdefault(self.stage[value.operand], []).append(number)
        for place, store in enumerate(nest.stores):
            if store.at.loops & set(nest.reduced):
                stage = self.stage[store.value]
                self.inner_stores.setdefault(stage, []).append(place)
            else:
                self.outer_stores.append(place)
        stages = [*self.reductions, *self.inner_stores]
        self.count = max(stages, default=-1) + 1

    def _stage_roots(self, stage: int) -> list[int]:
        """Inner values that reductions and stores of a stage want."""
        values = [self.nest.values[r] for r in self.reductions.get(stage, ())]
        return ([v.operand for v in values if isinstance(v, Reduce)]
                + [self.nest.stores[s].value for s in self.inner_stores.get(stage, ())])

    def _closure(self, roots: Sequence[int], stage: int) -> list[int]:
        """Inner values that the roots need, in order, not looking behind what is kept."""
        found: set[int] = set()
        stack = [r for r in roots if self.inner[r]]
        while stack:
            number = stack.pop()
            if number in found:
                continue
            found.add(number)
            kept = self.kept_values.get(number)
            if kept is not None and kept[0] < stage:
                continue
            value = self.nest.values[number]
            if isinstance(value, Apply):
                stack += [o for o in value.operands if self.inner[o]]
        return sorted(found)

    def _keep(self) -> None:
        """A value wanted in several stages and dear is kept: (stage that makes it, offset)."""
        self.kept_values: dict[int, tuple[int, int]] = {}
        self.scratch = 0
        first: dict[int, int] = {}
        row = 1
        for loop in self.nest.reduced:
            row *= self.nest.extents[loop]
        for stage in range(self.count):
            for number in reversed(self._closure(self._stage_roots(stage), stage)):
                value = self.nest.values[number]
                made = first.setdefault(number, stage)
                if (made < stage and self.by_rows and number not in self.kept_values
                        and isinstance(value, Apply) and self._price(number) >= _WORTH_KEEPING):
                    size = (row + self.lanes) * value.dtype.itemsize
                    self.kept_values[number] = (made, self.scratch)
                    self.scratch += -(-size // _ALIGN) * _ALIGN
        self.needs: list[list[int]] = []
        for stage in range(self.count):
            roots = self._stage_roots(stage)
            roots += [k for k, (made, _) in self.kept_values.items() if made == stage]
            self.needs.append(self._closure(roots, stage))

    def _price(self, root: int) -> int:
        total, stack, seen = 0, [root], set()
        while stack:
            number = stack.pop()
            if number in seen or not self.inner[number]:
                continue
            seen.add(number)
            value = self.nest.values[number]
            if isinstance(value, Apply):
                total += scalars.cost(value.function, value.dtype)
                stack += value.operands
        return total
