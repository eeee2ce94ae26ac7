"""The same programs on tricord, PyTorch, JAX and Keras, side by side in one run.

    python -m benchmarks.compare [--only NAME ...] [--rounds N] [--threads N]
                                 [--peers-python PATH] [--markdown docs/performance.md]

Each framework is a process of its own; they take turns in short blocks (`interleave`), what they
compute is compared, and the tables (`report`) say how their times relate. The programs are in
`programs/`, the list of them in `programs/catalogue.py`. tricord runs in this interpreter; the
peers too if it has them, else in the one that ``--peers-python`` names. What is not installed is
left out. The exit code is 1 if tricord failed or somebody computed something else.

Run it alone on a quiet machine: the load is printed before and after.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from .interleave import ProgramResult, Run, interpreters, measure_imports, measure_program
from .programs.catalogue import FLOOR, FRAMEWORKS, OURS, PROGRAMS, Program
from .report import goals, imports_table, machine, page, tables

__all__ = ["compare", "main"]

_IMPORTS = (("tricord", "tricord"), ("tricord", "tricord.torch"), ("tricord", "tricord.keras"),
            ("torch", "torch"), ("jax", "jax"), ("keras_jax", "keras"))
_IMPORT_REPEATS = 5


def compare(run: Run, programs: Sequence[Program]) -> list[ProgramResult]:
    """Measure the programs one after the other, printing each one's tables when it is done."""
    results = []
    for program in programs:
        run.say(f"{program.name}: {program.title}")
        started = time.monotonic()
        result = measure_program(run, program)
        run.say(f"  {time.monotonic() - started:.0f} s")
        for table in tables(result) if result.cases else []:
            print("\n" + table.text(), flush=True)
        results.append(result)
    return [r for r in results if r.cases]


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = [p.name for p in PROGRAMS] + ["imports"]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compare", description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=names, metavar="NAME",
                        help=f"one of {', '.join(names)}; may be given several times")
    parser.add_argument("--rounds", type=int, help="blocks of each framework and case; by default "
                                                   "as many as fit into the program's time")
    parser.add_argument("--threads", type=int, help="by default as many as there are processors")
    parser.add_argument("--peers-python", metavar="PATH",
                        help="the interpreter that has the peers, if this one has not")
    parser.add_argument("--without", action="append", choices=[f for f in FRAMEWORKS if f != OURS],
                        default=[], metavar="FRAMEWORK", help="leave a framework out")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the page")
    chosen = parser.parse_args(arguments)
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") \
        else os.cpu_count() or 1
    chosen.threads = chosen.threads or available
    if not 1 <= chosen.threads <= available:
        parser.error(f"--threads: from 1 to {available} on this machine")
    if chosen.rounds is not None and chosen.rounds < 1:
        parser.error("--rounds: at least 1")
    return chosen


def _load() -> str:
    return f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "unknown"


def _bad(results: Sequence[ProgramResult]) -> bool:
    """Whether tricord failed or a peer's values are not ours."""
    for result in results:
        for found in result.cases:
            if not found.good(OURS):
                return True
            if any(found.good(peer) and found.difference(OURS, peer) > result.program.tolerance
                   for peer in found.by_framework if peer not in (OURS, FLOOR)):
                return True
    return False


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = _arguments(arguments)
    python, versions = interpreters(chosen.peers_python)
    python = {f: path for f, path in python.items() if f not in chosen.without}
    facts = machine(chosen.threads, versions)
    print("\n".join([*facts, f"Load before: {_load()}"]))
    missing = [f.title for name, f in FRAMEWORKS.items()
               if name not in python and name not in chosen.without]
    if missing:
        print(f"Not installed: {', '.join(missing)}")
    started = time.monotonic()
    wanted = chosen.only or [p.name for p in PROGRAMS] + ["imports"]
    imports: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="tricord-compare-") as scratch:
        run = Run(python, chosen.threads, Path(scratch), chosen.rounds,
                  lambda text: print(text, file=sys.stderr, flush=True))
        results = compare(run, [p for p in PROGRAMS if p.name in wanted])
        if "imports" in wanted:
            repeat = min(chosen.rounds or _IMPORT_REPEATS, _IMPORT_REPEATS)
            imports = measure_imports(run, _IMPORTS, repeat)
            print("\n" + imports_table(imports).text())
    print("\n" + goals(results, imports).text())
    print(f"Load after: {_load()}; {time.monotonic() - started:.0f} s")
    if chosen.markdown:
        _write(chosen.markdown, page(results, imports_table(imports) if imports else None, facts))
    return 1 if _bad(results) else 0


def _write(path: Path, text: str) -> None:
    """All of it or nothing."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


if __name__ == "__main__":
    sys.exit(main())
