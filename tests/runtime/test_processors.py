"""How many threads: the setting, else affinity and what control groups grant."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.runtime.support import answer_of_child, interpreter, linux
from tricord import settings
from tricord.runtime.native import processors
from tricord.runtime.native.processors import (
    MOST_THREADS,
    available_threads,
    quota,
    threads_wanted,
)

INFINITY = float("inf")


def tree(top: Path, own: str, files: dict[str, str]) -> float:
    """The quota of a process, from control groups in a folder."""
    for name, content in files.items():
        path = top / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (top / "own").write_text(own)
    return quota(top / "cgroup", top / "own")


V1 = "12:memory:/a/b\n4:cpu,cpuacct:/a/b\n1:name=systemd:/a\n"


@pytest.mark.parametrize(("own", "files", "expected"), [
    ("0::/\n", {}, INFINITY),
    ("0::/\n", {"cpu.max": "max 100000\n"}, INFINITY),
    ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
    ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "400000 100000\n"}, 4),
    ("0::/a/b\n", {"a/b/cpu.max": "50000 100000\n", "a/cpu.max": "400000 100000\n"}, 0.5),
    ("0::/a/b\n", {"a/b/cpu.max": "500000 100000\n", "a/cpu.max": "200000 100000\n"}, 2),
    ("0::/not/seen/from/here\n", {"cpu.max": "300000 100000\n"}, 3),
    ("0::/../outside\n", {"cpu.max": "300000 100000\n"}, 3),
    ("0::/a\n", {"a/cpu.max": "nonsense\n"}, INFINITY),
    ("0::/a\n", {"a/cpu.max": "100000 0\n"}, INFINITY),
    ("0::/a\n", {"a/cpu.max": ""}, INFINITY),
    ("0::/a\n", {"b/cpu.max": "100000 100000\n"}, INFINITY),
    ("", {"cpu.max": "200000 100000\n"}, 2),
    ("rubbish\n", {"cpu.max": "200000 100000\n"}, 2),
    (V1, {"cpu,cpuacct/a/b/cpu.cfs_quota_us": "250000\n",
          "cpu,cpuacct/a/b/cpu.cfs_period_us": "100000\n"}, 2.5),
    (V1, {"cpu/a/b/cpu.cfs_quota_us": "-1\n", "cpu/a/b/cpu.cfs_period_us": "100000\n",
          "cpu/a/cpu.cfs_quota_us": "300000\n", "cpu/a/cpu.cfs_period_us": "100000\n"}, 3),
    (V1, {"memory/a/b/cpu.max": "100000 100000\n"}, INFINITY),
])
def test_control_groups(tmp_path, own, files, expected):
    assert tree(tmp_path, own, files) == expected


def test_no_control_groups_at_all(tmp_path):
    assert quota(tmp_path / "nothing", tmp_path / "nowhere") == INFINITY


@pytest.mark.parametrize(("granted", "expected"), [
    (INFINITY, 8), (2.9, 2), (1.0, 1), (0.2, 1), (100.0, 8)])
def test_the_smaller_of_affinity_and_quota(monkeypatch, granted, expected):
    monkeypatch.setattr(processors, "quota", lambda: granted)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(3, 11)), raising=False)
    assert available_threads() == expected


def test_never_more_than_the_pool_takes(monkeypatch):
    monkeypatch.setattr(processors, "quota", lambda: INFINITY)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(500)), raising=False)
    assert available_threads() == MOST_THREADS
    with settings.override(threads=1000):
        assert threads_wanted() <= MOST_THREADS


@linux
def test_the_setting_comes_first():
    with settings.override(threads=5):
        assert threads_wanted() == 5
    with settings.override(threads=0):
        assert threads_wanted() == available_threads()


def test_where_no_pool_is_possible_there_is_one_thread(monkeypatch):
    monkeypatch.setattr(processors, "POOL_POSSIBLE", False)
    with settings.override(threads=5):
        assert threads_wanted() == 1


@linux
def test_affinity_is_asked_each_time():
    def work() -> list[int]:
        one = min(os.sched_getaffinity(0))
        before = threads_wanted()
        os.sched_setaffinity(0, {one})
        return [before, threads_wanted()]

    assert answer_of_child(work) == [available_threads(), 1]


@linux
def test_a_process_on_one_processor_starts_no_workers():
    print_threads = """
import os, threading
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import numpy as np
from tests.ir.helpers import inputs
from tricord.ir.ops.elementwise import exp
from tricord.runtime.compiled import CompiledProgram
x = np.ones(2_000_000, np.float32)
program = CompiledProgram([exp(*inputs(x))])
assert abs(program([x])[0] - np.e).max() < 1e-5
print(program.only.threads, threading.active_count())
"""
    assert interpreter(print_threads) == "1 1\n"
