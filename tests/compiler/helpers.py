"""Run graphs as machine code, and compare with numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tricord import settings
from tricord.compiler.target import TARGETS, host_features
from tricord.ir.node import Node
from tricord.runtime.compiled import CompiledProgram
from tricord.runtime.interpreter import Interpreter

__all__ = ["RUNNABLE", "compiled", "native_and_numpy", "ulps"]

#: the targets that this machine can run
RUNNABLE = [t.name for t in TARGETS.values() if all(n in host_features() for n in t.needs)]


def compiled(nodes: Sequence[Node], arrays: Sequence[Any], *, target: str = "",
             threads: int | None = None) -> list[np.ndarray]:
    """Values of nodes, compiled for a target and run on so many threads."""
    changes: dict[str, Any] = {"target": target, "denormals": "keep"}
    if threads is not None:
        changes["threads"] = threads
    with settings.override(**changes):
        program = CompiledProgram(nodes)
        return [np.array(r) for r in program(list(arrays))]


def native_and_numpy(nodes: Sequence[Node], arrays: Sequence[Any],
                     **options: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of what the machine code and what the interpreter gives."""
    with np.errstate(all="ignore"):
        expected = Interpreter(nodes)(list(arrays))
    return list(zip(compiled(nodes, arrays, **options), expected, strict=True))


def ulps(found: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """How far results are from exact ones (of a wider type), in units in the last place; zero
    where both are the same special value, infinite where only one is."""
    with np.errstate(all="ignore"):
        rounded = exact.astype(found.dtype)
    same = (found == rounded) | (np.isnan(found) & np.isnan(rounded))
    with np.errstate(all="ignore"):
        unit = np.spacing(np.abs(np.where(np.isfinite(rounded), rounded, 0)))
        unit = np.maximum(unit, np.finfo(found.dtype).smallest_subnormal)
        distance = np.abs(found.astype(exact.dtype) - exact) / unit
    distance = np.where(np.isfinite(found) & np.isfinite(rounded), distance, np.inf)
    return np.minimum(np.where(same, 0, distance), 1e300).astype(float)
