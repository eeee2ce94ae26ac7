"""Callbacks that write numbers down, or stop on a bad one."""

from __future__ import annotations

import csv
import os
from typing import Any

import numpy as np

from .callback import Callback
from .logs import number

__all__ = ["CSVLogger", "TerminateOnNaN"]


class CSVLogger(Callback):
    """Writes one row per epoch; readable while training goes on."""

    def __init__(self, filename: Any, separator: str = ",", append: bool = False):
        super().__init__()
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self.keys: list[str] | None = None
        self._file: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        fresh = not (self.append and os.path.exists(self.filename)
                     and os.path.getsize(self.filename))
        self._file = open(self.filename, "a" if self.append else "w", newline="")  # noqa: SIM115
        self._header = fresh
        self.keys = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
            val = [k for k in self.keys if k.startswith("val_")]
            self.keys = [k for k in self.keys if k not in val] + val
        writer = csv.DictWriter(self._file, ["epoch", *self.keys], delimiter=self.sep,
                                extrasaction="ignore", lineterminator="\n", restval="NA")
        if self._header:
            writer.writeheader()
            self._header = False
        writer.writerow({"epoch": epoch, **{k: _cell(logs[k]) for k in self.keys if k in logs}})
        self._file.flush()

    def on_train_end(self, logs: Any = None) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _cell(value: Any) -> Any:
    value = number(value)
    return '"[' + ", ".join(map(str, value)) + ']"' if isinstance(value, list) else value


class TerminateOnNaN(Callback):
    """Stops when the loss of a batch is NaN or infinite."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not np.all(np.isfinite(loss)):
            print(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True
