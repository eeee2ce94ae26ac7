"""Where in the user's program something was recorded; text is made only when it is shown."""

from __future__ import annotations

import linecache
import os
import sys
from types import CodeType, FrameType

__all__ = ["Location", "user_location"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class Location:
    """A line of the user's program: code object and line number, formatted on demand."""

    __slots__ = ("code", "line")

    def __init__(self, code: CodeType, line: int):
        self.code = code
        self.line = line

    def __str__(self) -> str:
        name = self.code.co_filename
        text = linecache.getline(name, self.line).strip()
        short = os.path.relpath(name) if name.startswith(os.getcwd() + os.sep) else name
        return f"{short}:{self.line}   {text}".rstrip()

    __repr__ = __str__


def _is_ours(frame: FrameType) -> bool:
    name = frame.f_code.co_filename
    return name.startswith((_PACKAGE, "<frozen")) or "importlib" in name


def user_location(skip: int = 1) -> Location | None:
    """The innermost frame that does not belong to tricord, or None when there is none."""
    frame: FrameType | None = sys._getframe(skip)
    while frame is not None and _is_ours(frame):
        frame = frame.f_back
    return Location(frame.f_code, frame.f_lineno) if frame is not None else None
