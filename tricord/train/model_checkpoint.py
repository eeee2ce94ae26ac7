"""Save the model as it is trained."""

from __future__ import annotations

import os
from typing import Any

from ..errors import ArgumentError
from .callback import Callback
from .logs import number
from .monitor import Monitor

__all__ = ["BackupAndRestore", "ModelCheckpoint"]


def _save(model: Any, path: str, weights_only: bool) -> None:
    """Atomic in every case: the file is the old one or the new one, whole."""
    if weights_only and hasattr(model, "save_weights"):
        model.save_weights(path, overwrite=True)
    elif hasattr(model, "save"):
        model.save(path, overwrite=True)
    else:
        model.save_checkpoint(path, weights_only=weights_only)


class ModelCheckpoint(Callback):
    """Saves after each epoch, or after every ``save_freq`` batches.

    ``filepath`` may hold ``{epoch}`` and names of the logs, as in
    ``"w-{epoch:02d}-{val_loss:.2f}.keras"``. With ``save_best_only`` only an improvement of
    ``monitor`` is saved.
    """

    def __init__(self, filepath: Any, monitor: str = "val_loss", verbose: int = 0,
                 save_best_only: bool = False, save_weights_only: bool = False, mode: str = "auto",
                 save_freq: Any = "epoch", initial_value_threshold: float | None = None):
        super().__init__()
        self.filepath: str = os.fspath(filepath)
        self.monitor = monitor
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        if save_freq != "epoch" and not (isinstance(save_freq, int) and save_freq > 0):
            raise ArgumentError(f"Unrecognized save_freq: {save_freq}. Expected save_freq are "
                                "'epoch' or integer values")
        self.save_freq = save_freq
        self._monitor = Monitor(monitor, mode, 0.0, "ModelCheckpoint") if save_best_only else None
        self.best = initial_value_threshold
        if self.best is None and self._monitor is not None:
            self.best = self._monitor.worst
        self._seen = 0
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.save_freq != "epoch":
            self._seen += 1
            if self._seen >= self.save_freq:
                self._seen = 0
                self._maybe_save(self._epoch, batch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.save_freq == "epoch":
            self._maybe_save(epoch, None, logs)

    def _maybe_save(self, epoch: int, batch: int | None, logs: Any) -> None:
        path = self._path(epoch, batch, logs or {})
        if self._monitor is not None:
            current = self._monitor.value(logs)
            if current is None:
                return
            if not self._monitor.better(current, self.best):  # type: ignore[arg-type]
                if self.verbose > 0:
                    print(f"\nEpoch {epoch + 1}: {self.monitor} did not improve from "
                          f"{self.best:.5f}")
                return
            if self.verbose > 0:
                print(f"\nEpoch {epoch + 1}: {self.monitor} improved from {self.best:.5f} to "
                      f"{current:.5f}, saving model to {path}")
            self.best = current
        elif self.verbose > 0:
            print(f"\nEpoch {epoch + 1}: saving model to {path}")
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        _save(self.model, path, self.save_weights_only)

    def _path(self, epoch: int, batch: int | None, logs: Any) -> str:
        names: dict[str, Any] = {"epoch": epoch + 1}
        if batch is not None:
            names["batch"] = batch + 1
        if "{" in self.filepath:
            names.update({k: number(v) for k, v in logs.items()})
        try:
            return self.filepath.format(**names)
        except KeyError as error:
            raise ArgumentError(f"ModelCheckpoint: filepath {self.filepath!r} names {error}, but "
                                f"there are {', '.join(names)}") from None

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "_seen": self._seen}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


class BackupAndRestore(Callback):
    """Makes a broken run go on where it was: run the same program again.

    Keeps the state of the whole run (weights, optimizer, metrics, generator, order of the data,
    callbacks, epoch and step) in one file, written after each epoch or every ``save_freq``
    batches, and removed when the run ends well (``delete_checkpoint``). The resumed run ends with
    the same bits as one that was never broken.
    """

    def __init__(self, backup_dir: Any, save_freq: Any = "epoch", delete_checkpoint: bool = True,
                 save_before_preemption: bool = False):
        super().__init__()
        if not os.fspath(backup_dir):
            raise ArgumentError("Empty `backup_dir` argument passed")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.delete_checkpoint = delete_checkpoint
        self._seen = 0

    @property
    def path(self) -> str:
        """The file."""
        return os.path.join(self.backup_dir, "run.tricord")

    def on_train_begin(self, logs: Any = None) -> None:
        if os.path.exists(self.path):
            self.model.run.load(self.path)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.save_freq != "epoch":
            self._seen += 1
            if self._seen % self.save_freq == 0:
                self._save()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.save_freq == "epoch":
            self._save()

    def _save(self) -> None:
        os.makedirs(self.backup_dir, exist_ok=True)
        self.model.run.save(self.path)

    def on_train_end(self, logs: Any = None) -> None:
        if self.delete_checkpoint and os.path.exists(self.path):
            os.remove(self.path)
