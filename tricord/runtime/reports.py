"""What is told about compilation: settings ``debug`` (to stderr) and ``dump`` (into a folder)."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

from .. import settings
from ..compiler.assemble import assembly
from ..compiler.pipeline import Compilation
from ..compiler.program import KernelFacts
from ..compiler.report import amount, kernel_table, loops_text, seconds_text
from ..compiler.target import Target
from ..ir.printer import print_nodes
from ..ir.source import Location
from .files import write_whole

__all__ = ["PartFacts", "digest_of", "report", "wants_reports"]


@dataclass(frozen=True)
class PartFacts:
    """One native function, for reports. ``name``: the same in all of them, and between runs."""

    name: str
    kernels: tuple[KernelFacts, ...]
    seconds: float
    #: whether its machine code was on the disk; None if nobody looked
    cached: bool | None
    where: Location | None

    @property
    def flops(self) -> int:
        return sum(k.flops for k in self.kernels)

    @property
    def bytes(self) -> int:
        return sum(k.bytes for k in self.kernels)

    def line(self) -> str:
        """One line without an end."""
        how = {None: "", True: " (cached)", False: " (assembled)"}[self.cached]
        count = f"{len(self.kernels)} kernel{'s' * (len(self.kernels) != 1)}"
        text = (f"{self.name}: {count}, {amount(self.flops, 'flop')}, "
                f"{amount(self.bytes, 'B')}, compiled in {seconds_text(self.seconds)}{how}")
        return text if self.where is None else f"{text}, {self.where}"


def digest_of(text: str) -> str:
    """A program's name, from its assembly."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def wants_reports() -> bool:
    """Whether any is asked for."""
    here = settings.get()
    return bool(here.debug) or here.dump is not None


def report(compilation: Compilation, facts: PartFacts, target: Target) -> None:
    """Tell what the settings ask for about a program that was just compiled."""
    here = settings.get()
    if here.debug:
        lines = [f"tricord: {facts.line()}"]
        if here.debug >= 2:
            lines.append(kernel_table(facts.kernels))
        if here.debug >= 3:
            lines += [print_nodes(compilation.nodes, where=True), loops_text(compilation.kernels)]
        if here.debug >= 4:
            lines.append(compilation.plan.text)
        _say("\n".join(lines))
    if here.dump is not None:
        _dump(Path(here.dump), compilation, facts, target)


def _say(text: str) -> None:
    """The one place that prints; a text at once, so that those of several threads stay whole."""
    sys.stderr.write(text + "\n")


def _dump(folder: Path, compilation: Compilation, facts: PartFacts, target: Target) -> None:
    text = compilation.plan.text
    for ending, content in (
            ("graph.txt", print_nodes(compilation.nodes, where=True) + "\n"),
            ("kernels.txt", kernel_table(facts.kernels) + "\n"),
            ("loops.txt", loops_text(compilation.kernels) + "\n"),
            ("ll", text), ("s", assembly(text, target))):
        write_whole(folder / f"{facts.name}.{ending}", content)
