"""From a graph to a program: the passes, one after another.

========  ================================================  ==========================
pass      makes                                             described in
========  ================================================  ==========================
simplify  a graph with fewer and simpler nodes              `compiler.simplify`
fuse      units: what is computed in the same loops         `compiler.fusion`
schedule  steps in order, and what they store               `compiler.schedule`
kernels   kernels and what they read and write              `compiler.steps`, `.kernels`
memory    a place for everything that is stored             `compiler.memory`
program   LLVM assembly, and how to call it                 `compiler.program`
========  ================================================  ==========================

With ``TRICORD_CHECK=1`` or more, what a pass made is verified before the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .. import settings
from ..errors import VerifierError
from ..ir.node import Node
from ..ir.verifier import verify
from .fusion import fuse
from .memory import Kernels, Layout, kernels, memory
from .program import NativePlan, write
from .recompute import recompute
from .schedule import schedule
from .simplify import simplify
from .target import Target
from .verifier import (
    verify_fusion,
    verify_kernels,
    verify_memory,
    verify_program,
    verify_schedule,
)

__all__ = ["PASSES", "Compilation", "Options", "Pass", "run_pass", "run_passes"]


@dataclass(frozen=True)
class Options:
    """What all passes may ask. ``timed``: whether kernels note when they run."""

    target: Target
    timed: bool = False


@dataclass(frozen=True)
class Pass:
    """A step of compilation. ``verify`` raises `VerifierError` if what it made breaks a rule."""

    name: str
    run: Callable[[Any, Options], Any]
    verify: Callable[[Any], None]


PASSES: tuple[Pass, ...] = (
    Pass("simplify", lambda nodes, _: simplify(nodes), lambda nodes: verify(nodes, "simplify")),
    Pass("fuse", lambda nodes, _: fuse(nodes), verify_fusion),
    Pass("recompute", lambda fusion, _: recompute(fusion), verify_fusion),
    Pass("schedule", lambda fusion, _: schedule(fusion), verify_schedule),
    Pass("kernels", lambda steps, options: kernels(steps, options.target), verify_kernels),
    Pass("memory", lambda calls, _: memory(calls), verify_memory),
    Pass("program", lambda layout, options: write(layout, options.target, options.timed),
         verify_program),
)


@dataclass(frozen=True)
class Compilation:
    """What became of a graph, pass by pass."""

    nodes: tuple[Node, ...]
    kernels: Kernels
    layout: Layout
    plan: NativePlan
    #: (pass, begin, end): nanoseconds of `time.perf_counter_ns`
    times: tuple[tuple[str, int, int], ...]


def run_pass(which: Pass, value: Any, options: Options) -> Any:
    """One pass, and its verifier if that is wanted."""
    made = which.run(value, options)
    if settings.get().check:
        which.verify(made)
        if which.name == "simplify" and [n.types for n in made] != [n.types for n in value]:
            raise VerifierError("after simplify: the outputs have other types than before")
    return made


def run_passes(outputs: Sequence[Node], options: Options, *,
               simplified: bool = False) -> Compilation:
    """All passes over a graph; the first is left out if it is ``simplified`` already."""
    value: Any = list(outputs)
    made: dict[str, Any] = {"simplify": value}
    times = []
    for which in PASSES[simplified:]:
        begin = time.perf_counter_ns()
        value = made[which.name] = run_pass(which, value, options)
        times.append((which.name, begin, time.perf_counter_ns()))
    return Compilation(tuple(made["simplify"]), made["kernels"], made["memory"], made["program"],
                       tuple(times))
