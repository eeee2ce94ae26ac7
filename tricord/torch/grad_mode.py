"""Switches of gradient recording: each is a context manager, a decorator, or a plain call."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from ..tensor.recorder import gradients_enabled, state

__all__ = ["enable_grad", "inference_mode", "is_grad_enabled", "is_inference_mode_enabled",
           "no_grad", "set_grad_enabled"]

is_grad_enabled = gradients_enabled


def is_inference_mode_enabled() -> bool:
    """Whether gradients are off; there is no separate inference mode."""
    return not gradients_enabled()


def _switch(on: bool) -> Any:
    """Set the mode of this thread; returns what to restore."""
    before = state.memo
    state.memo = state.memo_with_gradients if on else state.memo_without_gradients
    return before


class _Mode:
    """``with mode():``, ``@mode()`` and ``@mode``."""

    _on = False
    __slots__ = ("_before",)

    def __new__(cls, function: Any = None) -> Any:
        made = object.__new__(cls)
        made._before = []
        return made(function) if callable(function) else made

    def __enter__(self) -> None:
        self._before.append(_switch(self._on))

    def __exit__(self, *exc: object) -> None:
        state.memo = self._before.pop()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return _decorated(function, self._on)


def _decorated(function: Callable[..., Any], on: bool) -> Callable[..., Any]:
    """The function with the mode set while it runs (a generator: while it is inside)."""
    if inspect.isgeneratorfunction(function):
        @functools.wraps(function)
        def generator(*args: Any, **kwargs: Any) -> Any:
            inner = function(*args, **kwargs)
            sent = None
            while True:
                before = _switch(on)
                try:
                    value = inner.send(sent)
                except StopIteration as stop:
                    return stop.value
                finally:
                    state.memo = before
                sent = yield value

        return generator

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        before = _switch(on)
        try:
            return function(*args, **kwargs)
        finally:
            state.memo = before

    return call


class no_grad(_Mode):
    """Operations inside are not recorded for differentiation.

    >>> from tricord import torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    __slots__ = ()


class enable_grad(_Mode):
    """Operations inside are recorded for differentiation, also within `no_grad`."""

    __slots__ = ()
    _on = True


class inference_mode(_Mode):
    """As `no_grad`. ``mode=False`` leaves gradients as they are on."""

    __slots__ = ("_on",)

    def __new__(cls, mode: Any = True) -> Any:
        made = object.__new__(cls)
        made._before = []
        made._on = not mode
        if callable(mode):
            made._on = False
            return made(mode)
        return made


class set_grad_enabled:
    """Switch gradients on or off at once; as a context manager, until the block ends."""

    __slots__ = ("_before", "_on")

    def __init__(self, mode: bool):
        self._on = bool(mode)
        self._before = _switch(self._on)

    def __enter__(self) -> None:
        _switch(self._on)

    def __exit__(self, *exc: object) -> None:
        state.memo = self._before

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        state.memo = self._before  # as a decorator it acts when the function is called
        return _decorated(function, self._on)
