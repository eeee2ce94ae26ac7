"""The native way to train: a module, a loss, an optimizer, and what to measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, NonFiniteError
from ..metrics import Mean, Metric
from ..nn.module import Module
from ..serialize.checkpoint import load_checkpoint, save_checkpoint
from ..tensor.generator import default_generator
from ..tensor.handle import Handle
from ..tensor.recorder import cut, value_of
from ..tensor.tensor import tensor
from .arrays import check_finite as check_rows
from .arrays import map_leaves
from .batches import unpack
from .callback import Callback
from .history import History
from .logs import MetricLogs, number
from .loop import FitRun, evaluate, fit, predict
from .protocol import set_rate

__all__ = ["Trainer"]


class Trainer:
    """Fits a module.

    ``loss(outputs, targets)`` gives a scalar; where sample weights come along it gives one value
    per sample (``reduction="none"``), and their weighted mean is taken. ``metrics`` are objects of
    `tricord.metrics`, a list or a dict by name. ``schedule`` is a schedule of
    `tricord.optim.lr_scheduler`, stepped after each epoch (``schedule_every="step"``: batch), or a
    function from the step to the rate.

    A batch is ``(x, y)`` or ``(x, y, weight)``; a tuple, list or dict ``x`` becomes the arguments
    of the module.

    A step whose gradients hold NaN or infinity is refused with the epoch, the step and the first
    bad row of the batch, and changes nothing; ``check_finite=False`` lets it pass.
    """

    def __init__(self, module: Module, loss: Callable[..., Any] | None = None,
                 optimizer: Any = None, metrics: Any = None, *, schedule: Any = None,
                 schedule_every: str = "epoch", check_finite: bool = True):
        if schedule_every not in ("epoch", "step"):
            raise ArgumentError(f"schedule_every: 'epoch' or 'step', got {schedule_every!r}")
        self.module = module
        self.loss = loss
        self.optimizer = optimizer
        if check_finite and hasattr(optimizer, "guard"):
            optimizer.guard()
        self.metrics: dict[str, Metric] = _named(metrics)
        self.schedule = schedule
        self.schedule_every = schedule_every
        self.stop_training = False
        self.run: FitRun | None = None
        self._loss_mean = Mean("loss")
        self._sizes: dict[int, Any] = {}
        self._passes = 0
        self._steps = 0
        self._cursor: dict[str, Any] | None = None
        self._resume: dict[str, Any] | None = None

    # ---- the loop's protocol

    def _forward(self, x: Any) -> Any:
        if isinstance(x, (tuple, list)):
            return self.module(*x)
        if isinstance(x, Mapping):
            return self.module(**x)
        return self.module(x)

    def _loss_of(self, outputs: Any, y: Any, weight: Any) -> Any:
        assert self.loss is not None
        loss = self.loss(outputs, y)
        if weight is None:
            if loss.ndim:
                loss = loss.mean()
        else:
            if not loss.ndim:
                raise ArgumentError("there are sample weights, but the loss is one number for the "
                                    "whole batch", hint='a loss with reduction="none"')
            if loss.ndim > weight.ndim:
                loss = loss.mean(tuple(range(weight.ndim, loss.ndim)))
            loss = (loss * weight).mean()
        return loss

    def _measure(self, loss: Any, outputs: Any, y: Any, weight: Any) -> Mapping[str, Any]:
        rows = y if isinstance(y, Handle) else outputs
        size = rows.shape[0] if isinstance(rows, Handle) and rows.ndim else 1
        weight_of_batch = self._sizes.get(size)
        if weight_of_batch is None:
            weight_of_batch = self._sizes[size] = tensor(float(size))
        self._loss_mean.update_state(loss, weight_of_batch)
        for metric in self.metrics.values():
            metric.update_state(y, outputs, weight)
        return MetricLogs({**self.metrics, "loss": self._loss_mean})

    def train_step(self, batch: Any) -> Mapping[str, Any]:
        """One update."""
        x, y, weight = unpack(batch)
        if self.optimizer is None or self.loss is None:
            raise ArgumentError("Trainer: fit needs a loss and an optimizer",
                                hint="Trainer(module, loss, optimizer)")
        self.optimizer.zero_grad()
        outputs = self._forward(x)
        loss = self._loss_of(outputs, y, weight)
        loss.backward()
        logs = self._measure(loss, outputs, y, weight)  # before the step, to be evaluated with it
        if self.schedule is not None and not hasattr(self.schedule, "step"):
            set_rate(self.optimizer, self.schedule(self._steps))
        try:
            self.optimizer.step()
        except NonFiniteError as error:
            self._explain(error, x, y, weight)
            raise
        self._steps += 1
        if self.schedule_every == "step" and hasattr(self.schedule, "step"):
            self.schedule.step()
        return logs

    def _explain(self, error: NonFiniteError, x: Any, y: Any, weight: Any) -> None:
        """Say where a bad step was, and whether its data are to blame."""
        if self.run is not None:
            error.message += f" (epoch {self.run.epoch + 1}, step {self.run.step + 1})"
        try:
            for name, tree in (("x", x), ("y", y), ("sample_weight", weight)):
                check_rows(f"the batch's {name}", map_leaves(
                    lambda _, leaf: value_of(leaf) if isinstance(leaf, Handle) and leaf.ndim
                    else None, tree, name))
        except NonFiniteError as data:
            error.message += f": {data.message}"
            error.hint = data.hint

    def test_step(self, batch: Any) -> Mapping[str, Any]:
        """Loss and metrics of a batch."""
        x, y, weight = unpack(batch)
        outputs = self._forward(x)
        if self.loss is None:
            raise ArgumentError("Trainer: evaluate needs a loss", hint="Trainer(module, loss)")
        logs = self._measure(self._loss_of(outputs, y, weight), outputs, y, weight)
        cut()
        return logs

    def predict_step(self, batch: Any) -> Any:
        """The module's outputs for a batch."""
        return self._forward(unpack(batch)[0])

    def reset_metrics(self) -> None:
        """Start over with all metrics."""
        self._loss_mean.reset_state()
        for metric in self.metrics.values():
            metric.reset_state()

    def set_training(self, mode: bool) -> None:
        """Dropout and batch normalisation on or off."""
        if self.module.training is not mode:
            self.module.train(mode)

    def train_state(self) -> dict[str, Any]:
        """Weights, optimizer, schedule and metrics as plain data."""
        state = {
            "weights": _plain(self.module.state_dict()),
            "metrics": {n: m.state_dict() for n, m in [("loss", self._loss_mean),
                                                       *self.metrics.items()]},
            "steps": self._steps}
        if self.optimizer is not None:
            state["optimizer"] = _plain(self.optimizer.state_dict())
        if hasattr(self.schedule, "state_dict"):
            state["schedule"] = _plain(self.schedule.state_dict())
        return state

    def load_train_state(self, state: dict[str, Any]) -> None:
        """Take over what `train_state` gave."""
        self.module.load_state_dict(state["weights"])
        for name, own in state.get("metrics", {}).items():
            metric = self._loss_mean if name == "loss" else self.metrics.get(name)
            if metric is not None:
                metric.load_state_dict(own)
        self._steps = state.get("steps", 0)
        if self.optimizer is not None and "optimizer" in state:
            self.optimizer.load_state_dict(state["optimizer"])
        if "schedule" in state and hasattr(self.schedule, "load_state_dict"):
            self.schedule.load_state_dict(state["schedule"])

    # ---- for the user

    def fit(self, x: Any = None, y: Any = None, *, callbacks: Any = None, **options: Any,
            ) -> History:
        """Train; options are those of `tricord.train.fit`: epochs, batch_size, validation_data,
        validation_split, shuffle, class_weight, sample_weight, steps_per_epoch, verbose, seed, ...

        After `resume` it goes on with the epoch and step where the saved run was.
        """
        own = list(callbacks) if isinstance(callbacks, (list, tuple)) else (
            [] if callbacks is None else [callbacks])
        if self.schedule_every == "epoch" and hasattr(self.schedule, "step"):
            own.append(_StepSchedule(self.schedule))
        resume, self._resume = self._resume, None
        return fit(self, x, y, callbacks=own, resume=resume, **options)

    def evaluate(self, x: Any = None, y: Any = None, **options: Any) -> dict[str, Any]:
        """Loss and metrics over the data, by name."""
        return evaluate(self, x, y, **options)

    def predict(self, x: Any, **options: Any) -> Any:
        """The outputs for all samples, as numpy arrays."""
        return predict(self, x, **options)

    def save_checkpoint(self, path: Any, *, weights_only: bool = False) -> None:
        """Write weights, optimizer, schedule, generator and where the run is into one file.

        Atomic. In a callback it is written once all callbacks of the hook have run.
        """
        if weights_only:
            save_checkpoint(path, {"weights": _plain(self.module.state_dict())})
        elif self.run is not None:
            self.run.save(path)
        else:
            cursor = self._cursor or {"epoch": 0, "step": 0, "passes": 0, "source": {},
                                      "callbacks": []}
            save_checkpoint(path, {
                **cursor, "model": self.train_state(), "stop": False,
                "generator": np.asarray(default_generator().get_state())})

    def resume(self, path: Any) -> Trainer:
        """Take over a file that `save_checkpoint` wrote; the next `fit` goes on from there.

        That fit is to be given the same data and options, with ``epochs`` counted from the start.
        """
        state = load_checkpoint(path)
        if set(state) == {"weights"}:
            self.module.load_state_dict(state["weights"])
            return self
        self.load_train_state(state["model"])
        self._resume = state
        return self


class _StepSchedule(Callback):
    """Steps a schedule after each epoch; one that watches a number gets the validation loss."""

    def __init__(self, schedule: Any):
        super().__init__()
        self._schedule = schedule

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if hasattr(self._schedule, "is_better"):
            logs = logs or {}
            self._schedule.step(logs.get("val_loss", logs.get("loss")))
        else:
            self._schedule.step()


def _named(metrics: Any) -> dict[str, Metric]:
    if metrics is None:
        return {}
    if isinstance(metrics, Mapping):
        return dict(metrics)
    listed: Sequence[Metric] = metrics if isinstance(metrics, (list, tuple)) else [metrics]
    named: dict[str, Metric] = {}
    for metric in listed:
        name, n = metric.name, 0
        while name in named:
            n += 1
            name = f"{metric.name}_{n}"
        named[name] = metric
    return named


def _plain(tree: Any) -> Any:
    """Tensors as arrays, or numbers among the options of a group."""
    if isinstance(tree, Mapping):
        return {k: float(number(v)) if k == "lr" and isinstance(v, Handle) else _plain(v)
                for k, v in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(_plain(v) for v in tree)
    return value_of(tree).copy() if isinstance(tree, Handle) else tree
