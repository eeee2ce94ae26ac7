"""``tricord run FILE``: an unmodified script, with the faces in the frameworks' places."""

from __future__ import annotations

import runpy
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from .. import settings
from ..errors import TricordError
from . import imports

__all__ = ["run_script"]

_OURS = str(Path(__file__).resolve().parent.parent)


def run_script(file: Path, arguments: Sequence[str]) -> int:
    """Run a script as ``python FILE ARGUMENTS`` would; returns the exit code."""
    if not file.is_file():
        print(f"tricord run: there is no file {file}", file=sys.stderr)
        return 2
    imports.install()
    sys.argv = [str(file), *arguments]
    sys.path.insert(0, str(file.resolve().parent))
    try:
        runpy.run_path(str(file), run_name="__main__")
    except SystemExit as stop:
        return _exit_code(stop)
    except BaseException as error:  # noqa: BLE001 - shown, and turned into an exit code
        _show(error)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _exit_code(stop: SystemExit) -> int:
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code
    print(stop.code, file=sys.stderr)
    return 1


def _show(error: BaseException) -> None:
    """The traceback without the frames of this program; of tricord's own only the last."""
    frames: list[traceback.FrameSummary] = []
    if settings.get().debug:
        traceback.print_exception(error)
        return
    inside = _skip_runner(error.__traceback__)
    frames = traceback.extract_tb(inside)
    if isinstance(error, TricordError):
        frames = [f for f in frames if not f.filename.startswith(_OURS)]
    print("Traceback (most recent call last):", file=sys.stderr)
    print("".join(traceback.format_list(frames)), end="", file=sys.stderr)
    print("".join(traceback.format_exception_only(error)), end="", file=sys.stderr)
    if error.__cause__ is not None and not isinstance(error, TricordError):
        print(f"caused by {error.__cause__!r}", file=sys.stderr)


def _skip_runner(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from the script on: without this file and runpy."""
    while trace is not None and (
            trace.tb_frame.f_code.co_filename == __file__
            or "runpy" in trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return trace
