"""How tricord and PyTorch run the same lines: which package, and how to wait for a result."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

__all__ = ["NOT_COMPILED", "compiled", "package", "wait"]

NOT_COMPILED = "`tricord.compile` is not there: the operations are recorded at every call"


def package(framework: str) -> Any:
    """The module to call ``torch``."""
    return importlib.import_module("tricord.torch" if framework == "tricord" else "torch")


def compiled(framework: str, function: Callable[..., Any]) -> tuple[Callable[..., Any], str]:
    """The function as the framework compiles it, and what the reader must know."""
    if framework == "torch_compile":
        return importlib.import_module("torch").compile(function), ""
    if framework != "tricord":
        return function, ""
    compile = getattr(importlib.import_module("tricord"), "compile", None)
    return (function, NOT_COMPILED) if compile is None else (compile(function), "")


def wait(framework: str) -> Callable[[], None]:
    """What makes sure that results are there. PyTorch computes at once, tricord when asked."""
    if framework == "tricord":
        return importlib.import_module("tricord.tensor").cut
    return lambda: None
