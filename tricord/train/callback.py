"""Callbacks: what may happen between the batches and epochs of a run, in Keras' names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..errors import DTypeError, nearest
from .logs import Logs

__all__ = ["Callback", "CallbackList", "LambdaCallback"]


class Callback:
    """The base: every hook does nothing. ``self.model`` and ``self.params`` are there when the run
    begins.

    ``logs`` at a batch are read lazily: looking at a value makes the step wait for it.
    A callback with a memory gives it away in `state_dict`, so that a broken run can be resumed.
    """

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self._model: Any = None

    @property
    def model(self) -> Any:
        """The model that is trained."""
        return self._model

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def set_model(self, model: Any) -> None:
        self._model = model

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """An older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """An older name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None: ...

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None: ...

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None: ...

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None: ...

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None: ...

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...

    def on_train_begin(self, logs: Any = None) -> None: ...

    def on_train_end(self, logs: Any = None) -> None: ...

    def on_test_begin(self, logs: Any = None) -> None: ...

    def on_test_end(self, logs: Any = None) -> None: ...

    def on_predict_begin(self, logs: Any = None) -> None: ...

    def on_predict_end(self, logs: Any = None) -> None: ...


_HOOKS = [name for name in vars(Callback) if name.startswith("on_")]


class LambdaCallback(Callback):
    """Hooks given as functions, by their names: ``LambdaCallback(on_epoch_end=f)``."""

    def __init__(self, on_epoch_begin: Callable[..., Any] | None = None,
                 on_epoch_end: Callable[..., Any] | None = None,
                 on_train_begin: Callable[..., Any] | None = None,
                 on_train_end: Callable[..., Any] | None = None,
                 on_train_batch_begin: Callable[..., Any] | None = None,
                 on_train_batch_end: Callable[..., Any] | None = None, **hooks: Any):
        super().__init__()
        given = {"on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end,
                 "on_train_begin": on_train_begin, "on_train_end": on_train_end,
                 "on_train_batch_begin": on_train_batch_begin,
                 "on_train_batch_end": on_train_batch_end, **hooks}
        for name, function in given.items():
            if name not in _HOOKS:
                raise unknown_keyword("LambdaCallback", name, _HOOKS)
            if function is not None:
                setattr(self, name, function)


def unknown_keyword(what: str, name: str, known: Iterable[str]) -> Exception:
    return DTypeError(f"{what}: {name!r} is not a hook", hint=nearest(name, known))


def _overridden(callback: Any, *names: str) -> bool:
    """Whether this callback does anything in one of these hooks."""
    for name in names:
        own = getattr(callback, name, None)
        if own is not None and getattr(own, "__func__", own) is not getattr(Callback, name):
            return True
    return False


class CallbackList:
    """Calls each hook of all callbacks, in order. Hooks of batches are skipped if nobody has one.

    ``callbacks`` may hold objects with only some of the hooks.
    """

    def __init__(self, callbacks: Any = None, model: Any = None,
                 params: dict[str, Any] | None = None):
        given = callbacks if isinstance(callbacks, (list, tuple)) else (
            [] if callbacks is None else [callbacks])
        self.callbacks = list(given)
        for callback in self.callbacks:
            if isinstance(callback, type):
                raise DTypeError(f"callbacks: {callback.__name__} is a class",
                                 hint=f"{callback.__name__}()")
        self.params = params or {}
        for callback in self.callbacks:
            if hasattr(callback, "set_model"):
                callback.set_model(model)
            if hasattr(callback, "set_params"):
                callback.set_params(self.params)

        def users(*names: str) -> list[Any]:
            return [c for c in self.callbacks if _overridden(c, *names)]

        self._train_begin = users("on_train_batch_begin", "on_batch_begin")
        self._train_end = users("on_train_batch_end", "on_batch_end")
        self._test_begin = users("on_test_batch_begin")
        self._test_end = users("on_test_batch_end")
        self._predict_begin = users("on_predict_batch_begin")
        self._predict_end = users("on_predict_batch_end")

    def __iter__(self) -> Any:
        return iter(self.callbacks)

    def call(self, hook: str, *arguments: Any) -> None:
        """One hook of all callbacks."""
        for callback in self.callbacks:
            own = getattr(callback, hook, None)
            if own is not None:
                own(*arguments)

    def listen(self, mode: str) -> bool:
        """Whether any callback has a hook for batches of this mode."""
        return bool(getattr(self, f"_{mode}_begin") or getattr(self, f"_{mode}_end"))

    def batch_begin(self, mode: str, step: int) -> None:
        """``mode`` is train, test or predict."""
        for callback in getattr(self, f"_{mode}_begin"):
            getattr(callback, f"on_{mode}_batch_begin")(step, {})

    def batch_end(self, mode: str, step: int, logs: Mapping[str, Any]) -> None:
        users = getattr(self, f"_{mode}_end")
        if users:
            lazy = Logs(logs)
            for callback in users:
                getattr(callback, f"on_{mode}_batch_end")(step, lazy)

    def state_dict(self) -> list[dict[str, Any]]:
        """The memories of all callbacks, in order."""
        return [c.state_dict() if hasattr(c, "state_dict") else {} for c in self.callbacks]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        for callback, own in zip(self.callbacks, states, strict=False):
            if own and hasattr(callback, "load_state_dict"):
                callback.load_state_dict(own)
