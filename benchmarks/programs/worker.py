"""The process that runs one framework: a line of JSON in, a line of JSON out.

    python -m benchmarks.programs.worker

    {"do": "import", "framework": ..., "threads": ...}    seconds that importing it took
    {"do": "open", "module": ..., "parameters": ...}      build a case; the one before is let go
    {"do": "check"}                                       its first steps, and what they computed
    {"do": "run", "steps": ..., "warm": ...}              the median of so many steps
    {"do": "memory"}                                      the most that was ever resident, bytes

What frameworks print goes to the standard error. The process ends when its input does.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import statistics
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, TextIO

import numpy as np

from .case import Case

__all__ = ["Worker", "peak_memory"]

#: framework -> what a user of it imports
_PACKAGES = {
    "tricord": "tricord.torch", "torch": "torch", "torch_fused": "torch", "torch_compile": "torch",
    "jax": "jax.numpy", "keras_jax": "keras", "keras_torch": "keras", "keras_tensorflow": "keras",
    "floor": "llvmlite.binding",
}


def peak_memory() -> int:
    """Bytes. On Linux not ``ru_maxrss``, which counts the process that we were forked from."""
    try:
        with open("/proc/self/status", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    resource = importlib.import_module("resource")
    unit = 1 if sys.platform == "darwin" else 1024
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * unit


def _keep_to(threads: int) -> None:
    """As many processors as threads: the one limit that every framework respects."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


class Worker:
    """Answers the requests above."""

    def __init__(self) -> None:
        self.framework = ""
        self.case: Case | None = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        do = request.pop("do")
        known: dict[str, Callable[..., dict[str, Any]]] = {
            "import": self._import, "open": self._open, "check": self._check,
            "run": self._run, "memory": self._memory}
        return known[do](**request)

    def _import(self, framework: str, threads: int) -> dict[str, Any]:
        self.framework, self.threads = framework, threads
        _keep_to(threads)
        started = time.perf_counter()
        package = importlib.import_module(_PACKAGES[framework])
        seconds = time.perf_counter() - started
        if _PACKAGES[framework] == "torch":
            package.set_num_threads(threads)
        return {"seconds": seconds}

    def _open(self, module: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self.case = None
        gc.collect()
        started = time.perf_counter()
        builder = importlib.import_module(f".{module}", __package__)
        self.case = builder.build(self.framework, {**parameters, "threads": self.threads})
        return {"seconds": time.perf_counter() - started}

    def _check(self) -> dict[str, Any]:
        case = self._opened()
        values = case.check()
        finite = all(bool(np.isfinite(v).all()) for v in values)
        if not finite:
            raise ArithmeticError("a value that should be finite is not")
        return {"values": values, "first": case.first, "note": case.note}

    def _run(self, steps: int, warm: int) -> dict[str, Any]:
        seconds = self._opened().run(steps, warm)
        return {"median": statistics.median(seconds), "least": min(seconds)}

    def _memory(self) -> dict[str, Any]:
        return {"peak": peak_memory()}

    def _opened(self) -> Case:
        if self.case is None:
            raise LookupError("no case is open")
        return self.case


def _told(error: BaseException) -> str:
    """The last line of the message; the whole goes to the standard error."""
    traceback.print_exception(error)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]


def _serve(requests: TextIO, answers: TextIO) -> None:
    worker = Worker()
    for line in requests:
        try:
            answer = worker.answer(json.loads(line))
        except Exception as error:  # noqa: BLE001 - told to the other process, which decides
            answer = {"error": _told(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def main() -> int:
    # What a framework prints may not come between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    _serve(sys.stdin, answers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
