"""Results as tables: aligned text for the terminal, Markdown for the page."""

from __future__ import annotations

import datetime
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .interleave import CaseResult, ProgramResult, Start
from .programs.catalogue import FLOOR, FRAMEWORKS, IMPORT_MOST, OURS

__all__ = ["Table", "duration", "goals", "imports_table", "machine", "page", "tables"]

_AT_THE_FLOOR = 0.85


@dataclass
class Table:
    title: str
    header: list[str]
    rows: list[list[str]]
    notes: list[str]

    def text(self) -> str:
        widths = [max(len(r[i]) for r in [self.header, *self.rows])
                  for i in range(len(self.header))]

        def line(cells: Sequence[str]) -> str:
            rest = [c.rjust(w) for c, w in zip(cells[1:], widths[1:])]
            return "  ".join([cells[0].ljust(widths[0]), *rest]).rstrip()

        rule = "-" * len(line(["-" * w for w in widths]))
        return "\n".join([self.title, rule, line(self.header), rule, *map(line, self.rows), rule,
                          *self.notes]) + "\n"

    def markdown(self) -> str:
        def line(cells: Sequence[str]) -> str:
            return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"

        rule = "|---" + "|---:" * (len(self.header) - 1) + "|"
        lines = [line(self.header), rule, *map(line, self.rows)]
        return "\n".join(lines) + "\n" + "".join(f"\n{note}\n" for note in self.notes)


def duration(seconds: float) -> str:
    """Three digits and a unit.

    >>> duration(0.0000815), duration(0.0421), duration(7.0)
    ('81.5 us', '42.1 ms', '7 s')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{_digits(seconds / size)} {unit}"
    return f"{_digits(seconds * 1e6)} us"


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.0f} MB" if size else ""


def _ratio(ratio: tuple[float, float, float]) -> str:
    middle, low, high = ratio
    return f"{middle:.2f} ({low:.2f}-{high:.2f})"


def _agreement(result: ProgramResult) -> tuple[float, list[str]]:
    """The largest difference, and a line for every case and peer that computed something else."""
    worst, wrong = 0.0, []
    for found in result.cases:
        for peer in found.by_framework:
            if peer in (OURS, FLOOR) or not (found.good(peer) and found.good(OURS)):
                continue
            far = found.difference(OURS, peer)
            worst = max(worst, far)
            if far > result.program.tolerance:
                wrong.append(f"DIFFERENT RESULTS: {found.case.name}, {FRAMEWORKS[peer].title}: "
                             f"{far:.1e} apart, {result.program.tolerance:.0e} is allowed.")
    return worst, wrong


def _notes(result: ProgramResult) -> list[str]:
    worst, wrong = _agreement(result)
    notes = [f"Compared: {result.program.checked}; the largest difference is {worst:.1e} of the "
             f"largest value, allowed is {result.program.tolerance:.0e}.", *wrong]
    told: dict[str, None] = {}
    for found in result.cases:
        for framework, measured in found.by_framework.items():
            title = FRAMEWORKS[framework].title
            if measured.note:
                told[f"{title}: {measured.note}."] = None
            if measured.error:
                told[f"{title} failed in {found.case.name}: {measured.error}"] = None
    for framework, start in result.starts.items():
        if start.error:
            told[f"{FRAMEWORKS[framework].title} failed at its first step: {start.error}"] = None
    return notes + list(told)


def _same(found: CaseResult, peer: str, tolerance: float) -> bool:
    return peer in (OURS, FLOOR) or found.difference(OURS, peer) <= tolerance


def _by_framework(result: ProgramResult) -> Table:
    """One case: a row for each framework."""
    found = result.cases[0]
    rows = []
    for framework, measured in found.by_framework.items():
        row = [FRAMEWORKS[framework].title]
        if not found.good(framework):
            rows.append([*row, "failed", "", "", ""])
            continue
        row.append(duration(measured.step))
        if framework == OURS or not found.good(OURS):
            row += ["", ""]
        elif not _same(found, framework, result.program.tolerance):
            row += ["differs", ""]
        else:
            middle, low, high = found.ratio(framework, OURS)
            row += [f"{middle:.2f}", f"{low:.2f}-{high:.2f}"]
        row.append("" if framework == FLOOR else _megabytes(result.memory.get(framework, 0)))
        rows.append(row)
    return Table(result.program.title, [found.case.name, "step, median", "over tricord's",
                                        "10-90 %", "peak memory"], rows, _notes(result))


def _by_case(result: ProgramResult) -> Table:
    """Many cases: a row for each, columns for the frameworks."""
    seen = {f for found in result.cases for f in found.by_framework}
    peers = [f for f in result.program.frameworks if f in seen and f not in (OURS, FLOOR)]
    header = ["", "tricord"]
    for peer in peers:
        header += [FRAMEWORKS[peer].title, "over tricord's (10-90 %)"]
    rate = _rate(result)
    header += [rate] if rate else []
    header += ["share of floor"] if FLOOR in seen else []
    rows = []
    for found in result.cases:
        ours = found.good(OURS)
        row = [found.case.name, _step(found, OURS)]
        for peer in peers:
            ratio = ""
            if ours and found.good(peer):
                same = _same(found, peer, result.program.tolerance)
                ratio = _ratio(found.ratio(peer, OURS)) if same else "differs"
            row += [_step(found, peer), ratio]
        if rate:
            amount = found.case.flops if rate == "GFLOP/s" else found.case.bytes
            row.append(_digits(amount / found.by_framework[OURS].step / 1e9) if ours else "")
        if FLOOR in seen:
            share = ours and found.good(FLOOR)
            row.append(f"{found.ratio(FLOOR, OURS)[0]:.0%}" if share else "")
        rows.append(row)
    memory = ", ".join(f"{FRAMEWORKS[f].title} {_megabytes(size)}"
                       for f, size in result.memory.items() if size and f != FLOOR)
    notes = _notes(result) + ([f"Peak memory over all cases: {memory}."] if memory else [])
    return Table(result.program.title, header, rows, notes)


def _rate(result: ProgramResult) -> str:
    if all(found.case.flops for found in result.cases):
        return "GFLOP/s"
    return "GB/s" if all(found.case.bytes for found in result.cases) else ""


def _step(found: CaseResult, framework: str) -> str:
    if framework not in found.by_framework:
        return ""
    return duration(found.by_framework[framework].step) if found.good(framework) else "failed"


def _starts(result: ProgramResult) -> Table:
    rows, counts = [], set()
    for framework, start in result.starts.items():
        rows.append([FRAMEWORKS[framework].title, *_start_cells(start)])
        counts.add(start.steps)
    several = f"first {max(counts, default=0)}"
    noun = "calls of fit" if result.program.name == "mlp_fit" else "steps"
    return Table(f"{result.program.title}: first steps in a new process",
                 ["", "import", "build", "first, cold", "first, warm", f"{several}, cold",
                  f"{several}, warm"], rows,
                 ["Medians of new processes. Cold: nothing compiled is kept from before; warm: the "
                  f"files that the process before it left are there. {several.capitalize()}: "
                  f"{noun} together, with what is compiled only at the second."])


def _start_cells(start: Start) -> list[str]:
    parts = (start.imported, start.built, start.cold, start.warm, start.cold_first,
             start.warm_first)
    return [duration(statistics.median(p)) if p else "failed" for p in parts]


def imports_table(found: Mapping[tuple[str, str], Sequence[float]]) -> Table:
    """Seconds of importing each module after numpy."""
    rows = [[f"import {module}", duration(statistics.median(seconds)), duration(min(seconds))]
            if seconds else [f"import {module}", "failed", ""]
            for (_, module), seconds in found.items()]
    return Table("Import time, over numpy's", ["", "median", "least"], rows,
                 ["Each in new processes that have imported numpy."])


def tables(result: ProgramResult) -> list[Table]:
    """The tables of one program."""
    found = [_by_framework(result) if len(result.cases) == 1 else _by_case(result)]
    return found + ([_starts(result)] if result.starts else [])


def goals(results: Sequence[ProgramResult],
          imports: Mapping[tuple[str, str], Sequence[float]]) -> Table:
    """What is wanted of tricord, and what was measured; for the terminal."""
    rows = []
    for result in results:
        for found in result.cases:
            rows += _case_goals(result, found)
        rows += _start_goals(result)
    seconds = imports.get((OURS, "tricord"))
    if seconds:
        rows.append(_limit("import tricord", IMPORT_MOST, statistics.median(seconds)))
    return Table("Goals", ["", "against", "goal", "measured", "met"], rows, [])


def _limit(name: str, most: float, seconds: float) -> list[str]:
    return [name, "the clock", duration(most), duration(seconds),
            "yes" if seconds <= most else "NO"]


def _case_goals(result: ProgramResult, found: CaseResult) -> list[list[str]]:
    """A ratio counts as reached too at 85 % of the floor, where no peer can be left behind."""
    name = f"{result.program.name}: {found.case.name}"
    if not found.good(OURS):
        return [[name, "", "", "", "tricord failed"]]
    rows = []
    share = found.ratio(FLOOR, OURS)[0] if found.good(FLOOR) else 0.0
    for peer, goal in found.case.goals.items():
        if not found.good(peer):
            if peer in found.by_framework:
                rows.append([name, FRAMEWORKS[peer].title, f"{goal:g}", "", "not measured"])
            continue
        ratio = found.ratio(peer, OURS)[0]
        met = "yes" if ratio >= goal else ("at the floor" if share >= _AT_THE_FLOOR else "NO")
        if not _same(found, peer, result.program.tolerance):
            met = "results differ"
        rows.append([name, FRAMEWORKS[peer].title, f"{goal:g}", f"{ratio:.2f}", met])
    if found.case.most:
        rows.append(_limit(name, found.case.most, found.by_framework[OURS].step))
    return rows


def _start_goals(result: ProgramResult) -> list[list[str]]:
    """The first step alone, and the first ones together: compiling may wait for the second."""
    start = result.starts.get(OURS)
    rows: list[list[str]] = []
    if start is None or start.error:
        return rows
    for most, state, *parts in zip(result.program.first_most, ("cold", "warm"),
                                   (start.cold, start.warm), (start.cold_first, start.warm_first)):
        for count, seconds in zip(("first step", f"first {start.steps} steps"), parts):
            if most:
                rows.append(_limit(f"{result.program.name}: {count}, {state}", most,
                                   statistics.median(seconds)))
    return rows


# --------------------------------------------------------------------------------- the machine


def machine(threads: int, versions: Mapping[str, str]) -> list[str]:
    """What was measured on, and when: one fact a line."""
    memory = ""
    if hasattr(os, "sysconf"):
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        memory = f", {size / 2**30:.0f} GB"
    packages = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return [
        f"Date: {today}",
        f"Machine: {_processor()}, {os.cpu_count()} cores{memory}; "
        f"{platform.system()} {platform.machine()}",
        f"Threads: {threads}",
        f"Python {platform.python_version()}; {packages}",
    ]


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    names = {key.strip(): value.strip() for key, _, value in
             (line.partition(":") for line in text.split("\n\n")[0].splitlines())}
    name = names.get("model name", platform.machine())
    wide = {"avx512f", "avx2", "amx_tile"} & set(names.get("flags", "").split())
    family = f" (family {names['cpu family']}, model {names['model']})" if "model" in names else ""
    return name + family + (f" with {', '.join(sorted(wide))}" if wide else "")


_ABOUT = """\
# Performance

The same programs on tricord and on other frameworks, on one machine, in one run. This page is
written by

```sh
python -m benchmarks.compare --markdown docs/performance.md
```

{machine}

## How it is measured

Each framework runs in a process of its own. The processes take turns in blocks of some 40 ms, for
many rounds, so that whatever else the machine does meets all of them alike; only one computes at a
time. A step's time is the median over the rounds of the median within a block. "Over tricord's" is
a framework's time divided by tricord's: 2.00 means that it takes twice as long. The range beside it
goes from the 10 % to the 90 % quantile of the ratios within the rounds.

All start from the same weights and see the same data, and what they compute is compared; where it
differs by more than the stated tolerance, no ratio is shown. Every framework is held to the same
number of threads, and to as many processors. Peak memory is the most that a process ever had
resident, the framework itself included.

The *floor* is what the machine itself takes, measured in the same rounds by loops of machine code
that do nothing else: the multiplications at the peak of its arithmetic units, then each array moved
once between memory and processor. "Share of floor" is that time divided by tricord's.
"""


def page(results: Sequence[ProgramResult], imports: Table | None, facts: Sequence[str]) -> str:
    """The Markdown page."""
    parts = [_ABOUT.format(machine="\n".join(f"- {fact}" for fact in facts))]
    for result in results:
        first, *rest = tables(result)
        parts.append(f"## {first.title}\n\n{result.program.about}\n\n{first.markdown()}")
        parts += [f"### First steps in a new process\n\n{t.markdown()}" for t in rest]
    if imports is not None:
        parts.append(f"## {imports.title}\n\n{imports.markdown()}")
    return "\n".join(parts)
