"""``tricord info``: what a bug report needs."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from dataclasses import fields
from pathlib import Path

from .. import settings

__all__ = ["report"]

_PACKAGES = ("tricord", "numpy", "llvmlite", "ml_dtypes", "h5py", "rich")


def report() -> str:
    """Versions, processor and settings as text."""
    lines = [f"Python      {platform.python_version()} ({platform.python_implementation()})",
             f"System      {platform.system()} {platform.release()} {platform.machine()}",
             f"Processor   {_processor()}, {_usable_cores()} of {os.cpu_count()} cores usable"]
    for name in _PACKAGES:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            version = "not installed"
        lines.append(f"{name:<12}{version}")
    current = settings.get()
    lines += [f"TRICORD_{f.name.upper():<16}{getattr(current, f.name)}" for f in fields(current)]
    return "\n".join(lines)


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
