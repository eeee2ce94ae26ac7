"""Callbacks: those of the training loop, under Keras's names."""

from __future__ import annotations

import warnings
from typing import Any

from ..errors import ArgumentError, NotSupportedError
from ..train import callback as base
from ..train import early_stopping, history, model_checkpoint, rates, recorders
from ._arguments import Checked, checked, refuse_unknown
from ._module import names_of
from .saving.registry import register_builtins

Callback = base.Callback
LambdaCallback = base.LambdaCallback
CallbackList = base.CallbackList
History = history.History


def _face(own: type) -> Any:
    """The same class, explaining keywords that it does not take."""
    return Checked(own.__name__, (own,), {"__doc__": own.__doc__, "__module__": __name__,
                                          "__qualname__": own.__name__})


EarlyStopping = _face(early_stopping.EarlyStopping)
ModelCheckpoint = _face(model_checkpoint.ModelCheckpoint)
BackupAndRestore = _face(model_checkpoint.BackupAndRestore)
LearningRateScheduler = _face(rates.LearningRateScheduler)
CSVLogger = _face(recorders.CSVLogger)
TerminateOnNaN = _face(recorders.TerminateOnNaN)


class ReduceLROnPlateau(rates.ReduceLROnPlateau, metaclass=Checked):
    """The rate times ``factor`` after ``patience`` epochs without improvement of ``monitor``.

    ``epsilon`` is the old name of ``min_delta``.
    """

    def __init__(self, monitor: str = "val_loss", factor: float = 0.1, patience: int = 10,
                 verbose: int = 0, mode: str = "auto", min_delta: float = 1e-4, cooldown: int = 0,
                 min_lr: float = 0.0, **kwargs: Any):
        min_delta = kwargs.pop("epsilon", min_delta)
        refuse_unknown("ReduceLROnPlateau", kwargs, [
            "monitor", "factor", "patience", "verbose", "mode", "min_delta", "cooldown", "min_lr",
            "epsilon"])
        super().__init__(monitor, factor, patience, verbose, mode, min_delta, cooldown, min_lr)


class ProgbarLogger(Callback, metaclass=Checked):
    """Nothing to do: ``fit`` shows its progress by itself."""


class TensorBoard(Callback, metaclass=Checked):
    """Logs for TensorBoard are not written; the numbers are in the History and in CSVLogger."""

    def __init__(self, log_dir: Any = "logs", **kwargs: Any):
        super().__init__()
        refuse_unknown("TensorBoard", kwargs, _TENSORBOARD)
        self.log_dir = log_dir
        warnings.warn("TensorBoard logs are not written; use keras.callbacks.CSVLogger",
                      stacklevel=3)


_TENSORBOARD = ["histogram_freq", "write_graph", "write_images", "write_steps_per_second",
                "update_freq", "profile_batch", "embeddings_freq", "embeddings_metadata"]


class SwapEMAWeights(Callback, metaclass=Checked):
    """Evaluates with the optimizer's moving averages of the weights (``use_ema=True``)."""

    def __init__(self, swap_on_epoch: bool = False):
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._kept: list[Any] | None = None

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        if not getattr(model.optimizer, "use_ema", False):
            raise ArgumentError("SwapEMAWeights must be used when `use_ema=True` is set on the "
                                "optimizer")

    def _swap(self) -> None:
        optimizer = self.model.optimizer
        if self._kept is None and optimizer._averages:
            self._kept = [v.numpy() for v in optimizer._trained]
            optimizer.finalize_variable_values(optimizer._trained)

    def _back(self) -> None:
        if self._kept is not None:
            for v, value in zip(self.model.optimizer._trained, self._kept, strict=True):
                v.assign(value)
            self._kept = None

    def on_test_begin(self, logs: Any = None) -> None:
        self._swap()

    def on_test_end(self, logs: Any = None) -> None:
        self._back()

    def on_predict_begin(self, logs: Any = None) -> None:
        self._swap()

    def on_predict_end(self, logs: Any = None) -> None:
        self._back()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.swap_on_epoch:
            self._swap()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._back()


@checked
def RemoteMonitor(*args: Any, **kwargs: Any) -> Any:
    """Not offered."""
    raise NotSupportedError("RemoteMonitor is not offered: training does not open connections",
                            hint="LambdaCallback(on_epoch_end=...)")


__all__ = ["BackupAndRestore", "CSVLogger", "Callback", "CallbackList", "EarlyStopping", "History",
           "LambdaCallback", "LearningRateScheduler", "ModelCheckpoint", "ProgbarLogger",
           "ReduceLROnPlateau", "RemoteMonitor", "SwapEMAWeights", "TensorBoard", "TerminateOnNaN"]
register_builtins("callbacks", {n: globals()[n] for n in __all__ if n != "RemoteMonitor"})
__getattr__ = names_of(__name__, __all__, {
    "OrbaxCheckpoint": "use ModelCheckpoint or BackupAndRestore"})
