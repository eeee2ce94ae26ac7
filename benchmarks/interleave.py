"""Worker processes that take turns: one for each framework, short blocks, many rounds.

What else the machine does in a moment hits neighbouring blocks of all frameworks alike, so the
ratio within a round says more than the ratio of two runs. Only one worker computes at a time;
between blocks there is a pause in which the threads of the last one stop to spin.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .programs.catalogue import FLOOR, FRAMEWORKS, Case, Program

__all__ = ["CaseResult", "Measured", "ProgramResult", "Run", "Start", "WorkerProcess", "difference",
           "interpreters", "measure_imports", "measure_program", "quantile"]

ROOT = Path(__file__).resolve().parent.parent
_BLOCK = 0.04  # seconds that a block should take
_PAUSE = 0.01
_FEWEST, _MOST = 5, 40  # rounds
_PATIENCE = 300.0  # seconds for one answer
_STARTS = 3


@dataclass(frozen=True)
class Run:
    """How to measure: which interpreters, how many threads, where caches may be."""

    python: Mapping[str, str]
    """framework -> interpreter; those that are missing cannot run."""
    threads: int
    scratch: Path
    rounds: int | None = None
    say: Callable[[str], None] = lambda text: None

    def environment(self, framework: str, threads: int, cache: Path) -> dict[str, str]:
        """What a worker sees: its own object caches, its number of threads."""
        own = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        count = str(threads)
        own |= {
            "TRICORD_CACHE": str(cache / "tricord"), "TRICORD_THREADS": count,
            "OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count,
            "TORCHINDUCTOR_CACHE_DIR": str(cache / "inductor"),
            "JAX_COMPILATION_CACHE_DIR": str(cache / "jax"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
            "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        return own | dict(FRAMEWORKS[framework].environment)


class WorkerProcess:
    """One framework in a process of its own. Failures are ``RuntimeError`` with its words."""

    def __init__(self, run: Run, framework: str, threads: int, cache: Path):
        self.framework = framework
        cache.mkdir(parents=True, exist_ok=True)
        self._log = tempfile.TemporaryFile(dir=run.scratch)  # noqa: SIM115 - closed in close()
        self._waiting = b""
        self._process = subprocess.Popen(
            [run.python[framework], "-m", "benchmarks.programs.worker"], cwd=ROOT,
            env=run.environment(framework, threads, cache), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self._log)
        try:
            self.import_seconds: float = self.ask(
                do="import", framework=framework, threads=threads)["seconds"]
        except RuntimeError:
            self.close()
            raise

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request, wait for the answer."""
        process = self._process
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            answer: dict[str, Any] = json.loads(self._line())
        except (BrokenPipeError, EOFError):
            raise RuntimeError(f"the process ended ({self._ended()})") from None
        if "error" in answer:
            raise RuntimeError(answer["error"].replace(f"{ROOT}{os.sep}", ""))
        return answer

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        stream = self._process.stdout.fileno()
        until = time.monotonic() + _PATIENCE
        while b"\n" not in self._waiting:
            ready, _, _ = select.select([stream], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                self._process.kill()
                raise RuntimeError(f"no answer within {_PATIENCE:.0f} s")
            part = os.read(stream, 1 << 16)
            if not part:
                raise EOFError
            self._waiting += part
        line, _, self._waiting = self._waiting.partition(b"\n")
        return line

    def _ended(self) -> str:
        code = self._process.wait()
        self._log.seek(0)
        words = self._log.read().decode(errors="replace").strip().splitlines()
        return f"code {code}" + (f": {words[-1]}" if words else "")

    def log(self) -> str:
        """What the process has written to its standard error."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def close(self) -> None:
        """End the process; it goes by itself when its input is closed."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


# ------------------------------------------------------------------------------------ figures


def quantile(values: Sequence[float], share: float) -> float:
    """Linear between the nearest two.

    >>> quantile([1.0, 2.0, 4.0], 0.25)
    1.5
    """
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def difference(ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]]) -> float:
    """The largest difference, relative to the largest value of the list it is in.

    >>> difference([[1.0, 4.0]], [[1.0, 5.0]])
    0.2
    """
    worst = 0.0
    if [len(a) for a in ours] != [len(b) for b in theirs]:
        return float("inf")
    for a, b in zip(ours, theirs):
        largest = max((abs(v) for v in b), default=0.0) or 1.0
        worst = max(worst, max((abs(x - y) for x, y in zip(a, b)), default=0.0) / largest)
    return worst


@dataclass
class Measured:
    """One framework on one case: the median step of each round, in seconds."""

    rounds: list[float] = field(default_factory=list)
    values: list[list[float]] = field(default_factory=list)
    note: str = ""
    error: str = ""

    @property
    def step(self) -> float:
        return statistics.median(self.rounds)


@dataclass
class CaseResult:
    case: Case
    by_framework: dict[str, Measured]

    def good(self, framework: str) -> bool:
        found = self.by_framework.get(framework)
        return found is not None and not found.error and bool(found.rounds)

    def difference(self, ours: str, peer: str) -> float:
        return difference(self.by_framework[ours].values, self.by_framework[peer].values)

    def ratio(self, over: str, under: str) -> tuple[float, float, float]:
        """Ratio of the medians, and the 10 % and 90 % quantiles of the ratios within rounds."""
        a, b = self.by_framework[over], self.by_framework[under]
        pairs = [x / y for x, y in zip(a.rounds, b.rounds)]
        return a.step / b.step, quantile(pairs, 0.1), quantile(pairs, 0.9)


@dataclass
class Start:
    """The first steps in new processes, in seconds; one figure for each process."""

    imported: list[float] = field(default_factory=list)
    built: list[float] = field(default_factory=list)
    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    cold_first: list[float] = field(default_factory=list)
    """The first ``check`` as a whole: what is put off to the second step is in it."""
    warm_first: list[float] = field(default_factory=list)
    steps: int = 0
    """How many steps that is."""
    error: str = ""


@dataclass
class ProgramResult:
    program: Program
    cases: list[CaseResult] = field(default_factory=list)
    starts: dict[str, Start] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    """framework -> bytes; the most of its processes."""


# ---------------------------------------------------------------------------------- measuring


def measure_program(run: Run, program: Program) -> ProgramResult:
    """All cases one after the other, and the first steps if the program wants them."""
    result = ProgramResult(program)
    frameworks = [f for f in program.frameworks if f in run.python]
    workers: dict[tuple[str, int], WorkerProcess] = {}
    failed: dict[str, str] = {}
    try:
        for case in program.cases:
            threads = case.threads or run.threads
            if threads > run.threads:
                continue
            case_workers = {}
            for framework in frameworks:
                if case.only and framework not in case.only:
                    continue
                worker = _worker(run, workers, failed, framework, threads)
                if worker is not None:
                    case_workers[framework] = worker
            found = _measure_case(run, program, case, case_workers)
            for framework, error in failed.items():
                found.by_framework[framework] = Measured(error=error)
            result.cases.append(found)
            _forget_the_dead(workers, found, threads)
    finally:
        for (framework, _), worker in workers.items():
            result.memory[framework] = max(result.memory.get(framework, 0), _memory(worker))
            worker.close()
    if program.startup:
        result.starts = _measure_starts(run, program, [f for f in program.startup
                                                       if f in run.python])
    return result


def _worker(run: Run, workers: dict[tuple[str, int], WorkerProcess], failed: dict[str, str],
            framework: str, threads: int) -> WorkerProcess | None:
    """The process for a framework, started when first needed."""
    key = (framework, threads)
    if key not in workers and framework not in failed:
        run.say(f"  starting {FRAMEWORKS[framework].title}")
        try:
            workers[key] = WorkerProcess(run, framework, threads, run.scratch / "shared")
        except RuntimeError as error:
            failed[framework] = str(error)
    return workers.get(key)


def _forget_the_dead(workers: dict[tuple[str, int], WorkerProcess], found: CaseResult,
                     threads: int) -> None:
    """A process that ended in one case is started again for the next."""
    for framework, measured in found.by_framework.items():
        if "process ended" in measured.error or "no answer" in measured.error:
            dead = workers.pop((framework, threads), None)
            if dead is not None:
                dead.close()


def _memory(worker: WorkerProcess) -> int:
    try:
        return int(worker.ask(do="memory")["peak"])
    except RuntimeError:
        return 0


def _measure_case(run: Run, program: Program, case: Case,
                  workers: Mapping[str, WorkerProcess]) -> CaseResult:
    result = CaseResult(case, {framework: Measured() for framework in workers})
    steps: dict[str, int] = {}
    cost = 0.0
    for framework, worker in workers.items():
        measured = result.by_framework[framework]
        try:
            worker.ask(do="open", module=program.modules[framework],
                       parameters=dict(case.parameters))
            checked = worker.ask(do="check")
            measured.values, measured.note = checked["values"], checked["note"]
            steps[framework], seconds = _calibrate(worker)
            cost += seconds + _PAUSE
        except RuntimeError as error:
            measured.error = str(error)
            run.say(f"  {case.name}: {framework}: {error}\n{_indented(worker)}")
    rounds = run.rounds or max(_FEWEST, min(_MOST, int(program.budget / max(cost, 1e-3))))
    run.say(f"  {case.name}: {rounds} rounds")
    for number in range(rounds):
        names = [f for f in workers if not result.by_framework[f].error]
        first = number % max(len(names), 1)  # who follows whom changes from round to round
        for framework in names[first:] + names[:first]:
            _block(run, workers[framework], result.by_framework[framework], steps[framework])
    for measured in result.by_framework.values():
        if measured.error:
            measured.rounds.clear()
    return result


def _calibrate(worker: WorkerProcess) -> tuple[int, float]:
    """Steps for a block, and the seconds that the block will take."""
    step = 0.0
    for count in (1, 3, 10):
        started = time.perf_counter()
        step = worker.ask(do="run", steps=count, warm=1)["least"]
        if time.perf_counter() - started > _BLOCK:
            break
    steps = max(1, min(5000, int(_BLOCK / max(step, 1e-9))))
    started = time.perf_counter()
    worker.ask(do="run", steps=steps, warm=_warm(steps))
    return steps, time.perf_counter() - started


def _warm(steps: int) -> int:
    """Steps that bring code and data back into the caches."""
    return max(1, steps // 8)


def _block(run: Run, worker: WorkerProcess, measured: Measured, steps: int) -> None:
    time.sleep(_PAUSE)
    try:
        measured.rounds.append(worker.ask(do="run", steps=steps, warm=_warm(steps))["median"])
    except RuntimeError as error:
        measured.error = str(error)
        run.say(f"  {worker.framework}: {error}\n{_indented(worker)}")


def _indented(worker: WorkerProcess) -> str:
    return "\n".join(f"    | {line}" for line in worker.log().splitlines()[-12:])


def _measure_starts(run: Run, program: Program, frameworks: Sequence[str]) -> dict[str, Start]:
    """New processes, first with empty object caches, then with what the process before left."""
    starts = {framework: Start() for framework in frameworks}
    for number in range(min(run.rounds or _STARTS, _STARTS)):
        for framework, start in starts.items():
            if start.error or (framework == "torch_compile" and number):
                continue  # its compiler takes longer than all the rest together
            run.say(f"  first steps of {FRAMEWORKS[framework].title}")
            cache = Path(tempfile.mkdtemp(dir=run.scratch))
            try:
                _start(run, program, framework, cache, start, start.cold, start.cold_first)
                _start(run, program, framework, cache, start, start.warm, start.warm_first)
            except RuntimeError as error:
                start.error = str(error)
            finally:
                shutil.rmtree(cache, ignore_errors=True)
    return starts


def _start(run: Run, program: Program, framework: str, cache: Path, start: Start,
           first: list[float], several: list[float]) -> None:
    worker = WorkerProcess(run, framework, run.threads, cache)
    try:
        built = worker.ask(do="open", module=program.modules[framework],
                           parameters=dict(program.cases[0].parameters))
        seconds = worker.ask(do="check")["first"]
        start.imported.append(worker.import_seconds)
        start.built.append(built["seconds"])
        first.append(seconds[0])
        several.append(sum(seconds))
        start.steps = len(seconds)
    finally:
        worker.close()


_IMPORT = """\
import time, importlib, sys
import numpy
started = time.perf_counter()
importlib.import_module(sys.argv[1])
print(time.perf_counter() - started)
"""


def measure_imports(run: Run, imports: Sequence[tuple[str, str]],
                    repeat: int) -> dict[tuple[str, str], list[float]]:
    """(framework, module) -> seconds that importing it takes once numpy is there, per process."""
    found: dict[tuple[str, str], list[float]] = {}
    for number in range(repeat + 1):
        for framework, module in imports:
            if framework not in run.python:
                continue
            run.say(f"  import {module}") if number == 0 else None
            done = subprocess.run(
                [run.python[framework], "-c", _IMPORT, module], cwd=ROOT, capture_output=True,
                env=run.environment(framework, run.threads, run.scratch / "shared"), text=True,
                check=False)
            seconds = found.setdefault((framework, module), [])
            if done.returncode == 0 and number:  # the first one may have written byte code
                seconds.append(float(done.stdout.split()[-1]))
    return found


def interpreters(peers: str | None) -> tuple[dict[str, str], dict[str, str]]:
    """framework -> interpreter, and package -> version as its interpreter has it."""
    packages = sorted({f.package for f in FRAMEWORKS.values()} | {"numpy", "jaxlib"})
    python, versions = {}, {}
    ours = _installed(sys.executable, packages)
    theirs = _installed(peers, packages) if peers else ours
    for name, framework in FRAMEWORKS.items():
        own = name in ("tricord", FLOOR)
        installed = ours if own or framework.package in ours else theirs
        needs = {"keras_jax": "jax", "keras_torch": "torch"}.get(name, framework.package)
        if framework.package in installed and needs in installed and (
                own or not name.startswith("keras") or "keras" in installed):
            python[name] = sys.executable if installed is ours else str(peers)
            versions[framework.package] = installed[framework.package]
    versions["numpy"] = ours.get("numpy", "")
    return python, versions


_INSTALLED = """\
import importlib.util, importlib.metadata, json, sys
def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
print(json.dumps({n: version(n) for n in sys.argv[1:] if importlib.util.find_spec(n)}))
"""


def _installed(python: str, packages: Sequence[str]) -> dict[str, str]:
    done = subprocess.run([python, "-c", _INSTALLED, *packages], cwd=ROOT, check=True, text=True,
                          capture_output=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found
