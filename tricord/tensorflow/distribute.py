"""``tf.distribute``: the one strategy there is, on one processor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ._names import explain_keywords, public_names, refusal, unknown_name


class Strategy:
    """Runs everything here."""

    num_replicas_in_sync = 1

    @contextmanager
    def scope(self) -> Iterator[Strategy]:
        """A block for making variables."""
        yield self

    def run(self, fn: Callable[..., Any], args: Any = (), kwargs: Any = None, options: Any = None
            ) -> Any:
        """Call the function."""
        return fn(*args, **(kwargs or {}))

    def reduce(self, reduce_op: Any, value: Any, axis: Any = None) -> Any:
        """The value, there being one."""
        return value

    def experimental_distribute_dataset(self, dataset: Any, options: Any = None) -> Any:
        return dataset

    def experimental_local_results(self, value: Any) -> tuple[Any, ...]:
        return (value,)


class ReduceOp:
    SUM, MEAN = "SUM", "MEAN"


class OneDeviceStrategy(Strategy):
    def __init__(self, device: str = "/cpu:0"):
        self.device = device


class MirroredStrategy(Strategy):
    """One replica: there is one device."""

    def __init__(self, devices: Any = None, cross_device_ops: Any = None):
        self.devices = devices


_default = Strategy()


def get_strategy() -> Strategy:
    return _default


def has_strategy() -> bool:
    return False


TPUStrategy = MultiWorkerMirroredStrategy = ParameterServerStrategy = refusal(
    "tf.distribute's strategies over several machines", "tf.distribute.get_strategy()")

explain_keywords(globals())

__getattr__ = unknown_name(__name__, lambda: public_names(globals()))
