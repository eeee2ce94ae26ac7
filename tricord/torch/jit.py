"""``torch.jit``: what is recorded is compiled anyway, so a scripted function is the function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import NotSupportedError
from ._names import unknown_name

__all__ = ["export", "ignore", "is_scripting", "is_tracing", "load", "save", "script", "trace",
           "unused"]


def script(obj: Any, *args: Any, **kwargs: Any) -> Any:
    """The same function or module."""
    return obj


def trace(func: Callable[..., Any], example_inputs: Any = None, **kwargs: Any) -> Any:
    """The same function or module; it goes on branching in Python."""
    return func


def export(function: Any) -> Any:
    return function


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    return drop if callable(drop) else lambda function: function


unused = export


def is_scripting() -> bool:
    return False


def is_tracing() -> bool:
    return False


def save(m: Any, f: Any, _extra_files: Any = None) -> None:
    """Refused: TorchScript archives hold code."""
    raise NotSupportedError("torch.jit.save: TorchScript files hold code, which tricord neither "
                            "writes nor runs", hint="torch.save(model.state_dict(), path)")


def load(f: Any, map_location: Any = None, _extra_files: Any = None) -> Any:
    """Refused: TorchScript archives hold code."""
    raise NotSupportedError("torch.jit.load: TorchScript files hold code, which tricord neither "
                            "writes nor runs",
                            hint="save the state_dict in PyTorch and load that")


__getattr__ = unknown_name("torch.jit", lambda: globals())
