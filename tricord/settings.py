"""The one reader of the environment: a short typed table, also usable as a context manager.

>>> with override(check=2):
...     get().check
2
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from .errors import SettingError, nearest

__all__ = ["Settings", "configure", "describe", "from_environment", "get", "override"]


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if text.isdecimal() and low <= int(text) <= high:
            return int(text)
        raise ValueError(f"a whole number from {low} to {high}")

    return parse


def _choice(*legal: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text in legal:
            return text
        raise ValueError(" or ".join(legal))

    return parse


def _path(text: str) -> Path | None:
    return Path(text).expanduser() if text else None


def _setting(default: str, parse: Callable[[str], Any], help: str) -> Any:
    return field(default_factory=lambda: parse(default), metadata={
        "default": default, "parse": parse, "help": help})


@dataclass(frozen=True)
class Settings:
    """All settings. Each is read once from ``TRICORD_<NAME>`` when tricord is imported."""

    check: int = _setting("0", _integer(0, 2),
                          "1: verify every graph and what the compiler makes of it; 2: and look "
                          "for NaN in each result")
    debug: int = _setting("0", _integer(0, 4),
                          "print about each compiled program: 1: a line; 2: and its kernels; "
                          "3: and its graph and loops; 4: and its LLVM assembly")
    dump: Path | None = _setting("", _path, "a folder for the graph, loops, LLVM assembly and "
                                            "machine code of each compiled program")
    profile: Path | None = _setting("", _path, "a file for a timeline of what runs, in Chrome's "
                                               "trace format")
    device: str = _setting("native", _choice("native", "numpy", "null"),
                           "where programs run: native (compiled), numpy (interpreted), or null "
                           "(shapes only)")
    target: str = _setting("", str, "the processor to compile for: avx512, avx2, sse2 or neon; "
                                    "by default what this machine has")
    interpret_first: int = _setting("1", _integer(0, 1000),
                                    "how often a small new program runs through numpy before it "
                                    "is compiled")
    threads: int = _setting("0", _integer(0, 1024),
                            "threads that compiled code runs on; 0: as many as there are cores")
    denormals: str = _setting("flush", _choice("flush", "keep"),
                              "compiled code: flush takes numbers too small for full precision as "
                              "zero, keep computes with them, on some processors many times slower")
    node_budget: int = _setting("10000", _integer(16, 10_000_000),
                                "recorded operations after which a graph is run")
    data: Path | None = _setting("", _path, "a folder with data sets, asked before any download")
    cache: Path | None = _setting("~/.cache/tricord", _path, "where downloads are kept")


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the table from environment variables; an unknown or illegal one is refused."""
    values: dict[str, Any] = {}
    known = {f"TRICORD_{f.name.upper()}": f for f in fields(Settings)}
    for variable, text in environment.items():
        if not variable.startswith("TRICORD_"):
            continue
        if variable not in known:
            raise SettingError(f"{variable} is not a setting; there are {', '.join(known)}",
                               hint=nearest(variable, known))
        setting = known[variable]
        try:
            values[setting.name] = setting.metadata["parse"](text)
        except ValueError as legal:
            raise SettingError(f"{variable}={text!r}: expected {legal}") from None
    return Settings(**values)


_process_settings = from_environment()
_current: ContextVar[Settings | None] = ContextVar("tricord_settings", default=None)


def get() -> Settings:
    """The settings in force here: the process's, or those of the innermost ``override``."""
    return _current.get() or _process_settings


def configure(**changes: Any) -> None:
    """Change settings of the whole process, for every thread without an ``override``."""
    global _process_settings
    _check_names(changes)
    _process_settings = replace(_process_settings, **changes)  # one assignment: never half done


def _check_names(changes: Mapping[str, Any]) -> None:
    for name in changes:
        if name not in Settings.__dataclass_fields__:
            raise SettingError(f"{name!r} is not a setting",
                               hint=nearest(name, Settings.__dataclass_fields__))


@contextmanager
def override(**changes: Any) -> Iterator[Settings]:
    """Change settings for the duration of a ``with`` block, in this thread or task only."""
    _check_names(changes)
    token = _current.set(replace(get(), **changes))
    try:
        yield get()
    finally:
        _current.reset(token)


def describe() -> str:
    """The table as Markdown; ``docs/settings.md`` is this text."""
    rows = ["| variable | default | effect |", "|---|---|---|"]
    rows += [f"| `TRICORD_{f.name.upper()}` | `{f.metadata['default']}` | {f.metadata['help']} |"
             for f in fields(Settings)]
    return "\n".join(rows) + "\n"
