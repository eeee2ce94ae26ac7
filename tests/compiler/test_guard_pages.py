"""Programs touch nothing outside of their memory: run between pages that may not be touched."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.compiler.helpers import RUNNABLE
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mprotect by its Linux name")


def run(*arguments):
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True,
                          timeout=300, check=False)


@pytest.mark.parametrize("target", RUNNABLE)
@pytest.mark.parametrize(("what", "first", "last"), [("graphs", 0, 20), ("products", 0, 25)])
def test_nothing_is_read_or_written_outside(what, first, last, target):
    done = run("-m", "tests.compiler.guard_pages", what, str(first), str(last), target)
    words = done.stdout.split("\n")[-3:]
    assert done.returncode == 0, f"{words}: status {done.returncode}\n{done.stderr[-3000:]}"
    assert "done" in done.stdout


def test_the_fence_holds():
    done = run("-c", "from tests.compiler.guard_pages import too_little; too_little()")
    assert done.returncode == -signal.SIGSEGV, done.stderr
