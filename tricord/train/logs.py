"""Numbers that training shows: computed when somebody looks at them, not before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ..tensor.handle import Handle
from ..tensor.recorder import value_of

__all__ = ["Logs", "MetricLogs", "number", "numbers"]


def number(value: Any) -> Any:
    """A tensor's (or array's) value as a Python number, or as a list where it has several."""
    if isinstance(value, Mapping):  # a metric that gives several
        return {k: number(v) for k, v in value.items()}
    if isinstance(value, Handle):
        value = value_of(value)
    elif callable(getattr(value, "numpy", None)):
        value = value.numpy()
    if isinstance(value, (np.ndarray, np.generic)):
        return value.item() if value.size == 1 else np.asarray(value).tolist()
    return value


class MetricLogs(Mapping[str, Any]):
    """The results of metrics by name, recorded when they are read."""

    def __init__(self, metrics: Mapping[str, Any]):
        self._metrics = metrics

    def __getitem__(self, name: str) -> Any:
        return self._metrics[name].result()

    def __iter__(self) -> Iterator[str]:
        return iter(self._metrics)

    def __len__(self) -> int:
        return len(self._metrics)


class Logs(dict[str, Any]):
    """Named tensors that turn into numbers when they are read.

    >>> logs = Logs({"loss": np.float32(0.5)})
    >>> logs["loss"], dict(logs)
    (0.5, {'loss': 0.5})
    """

    def __getitem__(self, key: str) -> Any:
        return number(super().__getitem__(key))

    def __iter__(self) -> Iterator[str]:  # also what makes dict(logs) ask for each value
        return super().__iter__()

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key in self else default  # noqa: SIM401 - this is get

    def values(self) -> Any:
        return [self[k] for k in self.keys()]

    def items(self) -> Any:
        return [(k, self[k]) for k in self.keys()]

    def pop(self, key: str, *default: Any) -> Any:
        return number(super().pop(key, *default))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self) == dict(other)

    __hash__ = None

    def copy(self) -> Any:
        return Logs(self.raw())

    def raw(self) -> dict[str, Any]:
        """The tensors themselves."""
        return {k: super(Logs, self).__getitem__(k) for k in self.keys()}

    def __repr__(self) -> str:
        return repr(dict(self))


def numbers(logs: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """All of them, looked at now, sorted by name as Keras does."""
    return {k: number(v) for k, v in sorted(dict(logs).items())}
