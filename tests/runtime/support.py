"""What tests of the native runtime share: code by hand, children, fresh interpreters."""

from __future__ import annotations

import json
import os
import platform
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tricord.compiler.assemble import assemble
from tricord.compiler.target import TARGETS, Target, host_target

__all__ = ["ROOT", "aarch64_object", "answer_of_child", "interpreter", "linux", "object_of",
           "own_loader"]

ROOT = Path(__file__).resolve().parents[2]
linux = pytest.mark.skipif(sys.platform != "linux", reason="the thread pool is for Linux")
own_loader = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64",
    reason="tricord loads object files itself on Linux with x86-64 only")


def object_of(text: str, target: Target | None = None) -> bytes:
    """LLVM assembly as an object file."""
    return assemble(text, target or host_target())


def aarch64_object() -> bytes:
    return object_of("define i64 @f() { ret i64 1 }", TARGETS["neon"])


def answer_of_child(function: Callable[[], Any], seconds: float = 20) -> Any:
    """What a function returns in a forked child, as JSON; fails if the child hangs or dies."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.write(write, json.dumps(function()).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    try:
        if not select.select([read], [], [], seconds)[0]:
            os.kill(child, signal.SIGKILL)
        with open(read, "rb") as file:
            text = file.read()
    finally:
        _, status = os.waitpid(child, 0)
    assert status == 0, f"the child ended with {os.waitstatus_to_exitcode(status)}"
    return json.loads(text)


def interpreter(program: str, seconds: float = 60, **environment: str) -> str:
    """What a program prints in a fresh interpreter; fails unless it ends well."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=seconds, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, check=False)
    assert done.returncode == 0, f"{done.returncode}: {done.stderr}"
    return done.stdout
