"""What fit and evaluate print. A terminal gets a bar; anything else one plain line per epoch.

Source of the format: Keras' progress bar. A log file never gets control characters.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from .logs import number

__all__ = ["ProgressBar", "format_value", "is_live"]

#: seconds between two drawings of the bar, each of which looks at values
_INTERVAL = 0.05
_WIDTH = 20


def is_live(stream: TextIO) -> bool:
    """Whether a line that was written can be drawn over: a terminal or a notebook."""
    if getattr(stream, "isatty", lambda: False)():
        return os.environ.get("TERM") != "dumb"
    # ipykernel's stream is no terminal, but a notebook honours the carriage return.
    return type(stream).__module__.startswith("ipykernel")


def format_value(value: Any) -> str:
    """As Keras shows it: four places, or an exponent below 1e-3."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {format_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(format_value, value)) + "]"
    if not isinstance(value, (int, float)):
        return str(value)
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"


def format_time(seconds: float) -> str:
    """Whole seconds, minutes and hours: 5s, 1:05, 1:00:05."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, seconds_left = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{seconds_left:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds_left:02d}"


def format_step(seconds: float) -> str:
    """The time of a step in s, ms or us."""
    if seconds >= 1 or seconds == 0:
        return f"{round(seconds)}s/step"
    return f"{round(seconds * 1e3)}ms/step" if seconds >= 1e-3 else f"{round(seconds * 1e6)}us/step"


class ProgressBar:
    """Writes the progress of one run; ``verbose`` 0 nothing, 1 a bar, 2 a line, "auto" a bar.

    ``clock`` and ``stream`` are for tests.
    """

    def __init__(self, verbose: int | str = "auto", stream: TextIO | None = None,
                 clock: Callable[[], float] = time.monotonic):
        self.verbose = 1 if verbose in ("auto", True) else int(verbose)
        self._given = stream
        self._clock = clock
        self._open = False
        self._drawn = 0
        self._heading = ""
        self._start = self._last = 0.0
        self.step = 0
        self.total: int | None = None
        self.live = False

    @property
    def _stream(self) -> TextIO:
        return self._given or sys.stdout

    def begin(self, total: int | None, heading: str = "") -> None:
        """A pass begins; ``heading`` is for example ``Epoch 1/10``."""
        self.step, self.total, self._heading = 0, total, heading
        self._start = self._clock()
        self._last = -1e9
        self._drawn = 0
        self.live = self.verbose == 1 and is_live(self._stream)
        if self.live and heading:
            self._write(heading + "\n")

    def advance(self, logs: Mapping[str, Any]) -> None:
        """One more batch. ``logs`` are looked at only when the bar is drawn."""
        self.step += 1
        if not self.live:
            return
        now = self._clock()
        if now - self._last < _INTERVAL and self.step != self.total:
            return
        self._last = now
        self._draw(logs, now)

    def end(self, logs: Mapping[str, Any]) -> None:
        """The pass is over: the last state of the bar, or the only line."""
        if not self.verbose:
            return
        now = self._clock()
        if self.total is None:
            self.total = self.step
        if self.live:
            self._draw(logs, now)
            self._write("\n")
            self._open = False
            return
        spent = now - self._start
        parts = [self._heading] if self._heading else []
        parts += [f"{self.step}/{self.total}", format_time(spent),
                  format_step(spent / max(self.step, 1)), *self._values(logs)]
        self._write(" - ".join(parts) + "\n")

    def close(self) -> None:
        """After an interruption: leave the cursor on a line of its own."""
        if self._open:
            self._write("\n")
            self._open = False

    def _values(self, logs: Mapping[str, Any]) -> list[str]:
        shown = dict(logs)  # all of them first, then one evaluation
        return [f"{name}: {format_value(number(value))}" for name, value in shown.items()]

    def _draw(self, logs: Mapping[str, Any], now: float) -> None:
        spent = now - self._start
        each = spent / max(self.step, 1)
        if self.total:
            filled = _WIDTH * min(self.step, self.total) // self.total
            left = (self.total - self.step) * each
            shown = format_time(spent if self.step >= self.total else left)
            head = (f"{self.step}/{self.total} {'━' * filled}{' ' * (_WIDTH - filled)} "
                    f"{shown} {format_step(each)}")
        else:
            head = f"{self.step}/Unknown {format_time(spent)} {format_step(each)}"
        line = " - ".join([head, *self._values(logs)])
        # Spaces over the rest of a longer line: no escape sequence is needed.
        self._write("\r" + line + " " * max(0, self._drawn - len(line)))
        self._drawn = len(line)
        self._open = True

    def _write(self, text: str) -> None:
        stream = self._stream
        try:
            stream.write(text)
        except UnicodeEncodeError:
            stream.write(text.replace("━", "="))
        stream.flush()
