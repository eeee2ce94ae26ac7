"""How many processors this process may use."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from ... import settings

__all__ = ["MOST_THREADS", "POOL_POSSIBLE", "available_threads", "quota", "threads_wanted"]

MOST_THREADS: Final = 64
#: Whether the generated thread pool knows how to sleep here.
POOL_POSSIBLE: Final = sys.platform == "linux"
_NO_LIMIT: Final = float("inf")


def quota(mounts: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> float:
    """Processors that the process's control groups grant, or infinity.

    Source: Linux, Documentation/admin-guide/cgroup-v2.rst (cpu.max) and
    scheduler/sched-bwc.rst (cpu.cfs_quota_us); a group's limit holds for all groups below it.
    """
    try:
        lines = own.read_text().splitlines()
    except OSError:
        lines = []
    least = _NO_LIMIT
    for line in lines or ["0::/"]:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if not controllers:  # version 2
            top = mounts
        elif "cpu" in controllers.split(","):
            top = mounts / controllers
            top = top if top.is_dir() else mounts / "cpu"
        else:
            continue
        folder = top / path.strip("/")
        # Inside a container the path may be the host's: then only the top can be looked at.
        for place in [folder, *folder.parents]:
            if place.is_relative_to(top):
                least = min(least, _limit(place))
    return least


def _limit(folder: Path) -> float:
    """The limit of one control group, of either version."""
    try:
        if (folder / "cpu.max").exists():
            limit, period = (folder / "cpu.max").read_text().split()
        else:
            limit = (folder / "cpu.cfs_quota_us").read_text().strip()
            period = (folder / "cpu.cfs_period_us").read_text()
        if limit in ("max", "-1"):
            return _NO_LIMIT
        return int(limit) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return _NO_LIMIT


def available_threads() -> int:
    """Processors that this process may use: affinity and control groups considered."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    return max(1, int(min(count, quota(), MOST_THREADS)))


def threads_wanted() -> int:
    """Threads for the next program: the setting, or all there are."""
    if not POOL_POSSIBLE:
        return 1
    return min(settings.get().threads or available_threads(), MOST_THREADS)
