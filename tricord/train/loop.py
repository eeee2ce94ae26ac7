"""The one training loop: fit, evaluate and predict of the native Trainer and of Keras' Model.

Nothing in here computes: a step records, the optimizer's cut evaluates, and numbers are looked at
when they are shown or an epoch ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..errors import ArgumentError, EmptyDataError, StateError
from ..serialize.checkpoint import load_checkpoint, save_checkpoint
from ..tensor.generator import default_generator
from ..tensor.handle import Handle
from ..tensor.recorder import recording_gradients, value_of
from .arrays import is_array, split_off
from .batches import Source, source_of, unpack
from .callback import CallbackList
from .history import History
from .logs import numbers
from .progress import ProgressBar
from .protocol import Trainable

__all__ = ["FitRun", "evaluate", "fit", "predict"]


class FitRun:
    """One call of fit: what it goes over, and where it is. Can be saved and gone on with.

    ``epoch`` and ``step`` are the next to be done. ``passes`` counts passes over the data in the
    model's life, so that a second fit shuffles in another order than the first.
    """

    def __init__(self, model: Trainable, source: Source, callbacks: CallbackList, *,
                 epochs: int, epoch: int = 0, passes: int = 0):
        self.model = model
        self.source = source
        self.callbacks = callbacks
        self.epochs = epochs
        self.epoch = epoch
        self.step = 0
        self.passes = passes
        self._wanted: list[Any] = []
        self._memories: list[dict[str, Any]] | None = None

    def state_dict(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on, as plain data. Evaluates the state."""
        generator = default_generator()
        return {"model": self.model.train_state(), "epoch": self.epoch, "step": self.step,
                "stop": bool(self.model.stop_training),
                "passes": self.passes, "source": self.source.state_dict(),
                "generator": np.asarray(generator.get_state()),
                "callbacks": self.callbacks.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        missing = {"model", "epoch", "step", "passes", "source"} - set(state)
        if missing:
            raise StateError(f"the file does not hold a run: {', '.join(sorted(missing))} missing",
                             hint="a file written by save_checkpoint(...) during or after fit")
        self.model.load_train_state(state["model"])
        self.epoch, self.step, self.passes = state["epoch"], state["step"], state["passes"]
        self.source.load_state_dict(state["source"])
        default_generator().set_state(state["generator"])
        self.model.stop_training = state.get("stop", False)
        self._memories = state["callbacks"]

    def save(self, path: Any) -> None:
        """Write the state into one file, atomically, once all callbacks of this hook have run."""
        self._wanted.append(path)

    def load(self, path: Any) -> None:
        """Go on from a file that `save` wrote. To be called in ``on_train_begin``."""
        self.load_state_dict(load_checkpoint(path))

    def settle(self) -> None:
        """All callbacks of a hook have run: write what was asked for, hand out memories."""
        if self._memories is not None:
            self.callbacks.load_state_dict(self._memories)
            self._memories = None
        while self._wanted:
            save_checkpoint(self._wanted.pop(), self.state_dict())


def fit(model: Any, x: Any = None, y: Any = None, *, batch_size: int | None = None,
        epochs: int = 1, verbose: int | str = "auto", callbacks: Any = None,
        validation_split: float = 0.0, validation_data: Any = None, shuffle: bool | str = True,
        class_weight: Mapping[int, float] | None = None, sample_weight: Any = None,
        initial_epoch: int = 0, steps_per_epoch: int | None = None,
        validation_steps: int | None = None, validation_batch_size: int | None = None,
        validation_freq: Any = 1, seed: Any = None, check: bool = True,
        resume: dict[str, Any] | None = None) -> History:
    """Train ``model`` for epochs ``initial_epoch`` to ``epochs``; returns their numbers.

    All data are checked before the first step. ``resume`` is the state of a `FitRun`.
    """
    if validation_split:
        if not (is_array(x) or isinstance(x, (list, tuple, dict))):
            raise ArgumentError("`validation_split` is only supported for arrays",
                                hint="validation_data=...")
        (x, y, sample_weight), held = split_off(validation_split, x, y, sample_weight)
        validation_data = tuple(held) if validation_data is None else validation_data
    remaining = max(epochs - initial_epoch, 1)
    source = source_of(x, y, sample_weight, batch_size=batch_size, steps=steps_per_epoch,
                       epochs=remaining, shuffle=shuffle, class_weight=class_weight, seed=seed,
                       check=check)
    validation = None
    if validation_data is not None:
        checks = [e for e in range(initial_epoch, epochs) if _is_due(e, validation_freq)]
        validation = _validation_source(validation_data, validation_batch_size or batch_size,
                                        validation_steps, max(len(checks), 1), check)
    history = History()
    own = list(callbacks) if isinstance(callbacks, (list, tuple)) else (
        [] if callbacks is None else [callbacks])
    given = CallbackList([*own, history], model, {
        "verbose": verbose, "epochs": epochs, "steps": source.steps})
    run = FitRun(model, source, given, epochs=epochs, epoch=initial_epoch,
                 passes=getattr(model, "_passes", 0))
    model.run = run
    model.stop_training = False
    bar = ProgressBar(verbose)
    try:
        given.call("on_train_begin", {})
        if resume is not None:
            run.load_state_dict(resume)
        run.settle()
        logs = _epochs(run, validation, validation_freq, bar)
        model.set_training(False)
        given.call("on_train_end", logs)
    finally:
        bar.close()
        model._passes = run.passes
        model._cursor = {"epoch": run.epoch, "step": run.step, "passes": run.passes,
                         "source": source.state_dict(), "callbacks": given.state_dict()}
        model.run = None
    return history


def _epochs(run: FitRun, validation: Source | None, validation_freq: Any, bar: ProgressBar,
            ) -> dict[str, Any]:
    model, callbacks, source = run.model, run.callbacks, run.source
    logs: dict[str, Any] = {}
    while run.epoch < run.epochs and not model.stop_training:
        epoch = run.epoch
        if not run.step:
            model.reset_metrics()
            callbacks.call("on_epoch_begin", epoch, {})
        bar.begin(source.steps, f"Epoch {epoch + 1}/{run.epochs}")
        bar.step = run.step
        model.set_training(True)
        last = _train_epoch(run, bar)
        logs = numbers(last)
        if validation is not None and _is_due(epoch, validation_freq):
            held = _evaluate(model, validation, callbacks, None, pass_number=0)
            logs.update({f"val_{k}": v for k, v in held.items()})
        run.epoch, run.step, run.passes = epoch + 1, 0, run.passes + 1
        bar.end(logs)
        source.end_epoch()
        callbacks.call("on_epoch_end", epoch, logs)
        run.settle()
    return logs


def _train_epoch(run: FitRun, bar: ProgressBar) -> Mapping[str, Any]:
    model, callbacks = run.model, run.callbacks
    logs: Mapping[str, Any] = {}
    quiet = run.source.is_quiet and not callbacks.listen("train")
    train_step, batches, close = _batches(model, "train_step", run.source, run.passes, run.step,
                                          quiet)
    try:
        for batch in batches:
            step = run.step
            if quiet:
                logs = train_step(batch)
                run.step = step + 1
            else:
                callbacks.batch_begin("train", step)
                logs = _step(model, "train_step")(batch)
                run.step = step + 1
                callbacks.batch_end("train", step, logs)
                if run._wanted:
                    run.settle()
            bar.advance(logs)
            if model.stop_training:
                break
    finally:
        logs = logs if close is None else close()
    if not run.step:
        raise EmptyDataError("the data gave no batch", hint="are they empty, or used up?")
    return logs


def _step(model: Any, name: str) -> Any:
    """A step of the model, or what the model says computes the same faster, as long as nobody
    else's code runs."""
    faster = getattr(model, "step_function", None)
    return getattr(model, name) if faster is None else faster(name)


def _batches(model: Any, name: str, source: Source, number: int, start: int, quiet: bool,
             ) -> tuple[Any, Iterator[Any], Any]:
    """A step, the batches for it, and what gives the last logs afterwards. Where nobody looks on,
    the step may take arrays one after the other, if the model has such a one."""
    step = _step(model, name)
    series = getattr(step, "series", None)
    arrays = source.arrays(number, start) if quiet and series is not None else None
    if arrays is None:
        return step, source.epoch(number, start), None
    following = series()
    return following, arrays, following.close


def _is_due(epoch: int, freq: Any) -> bool:
    if isinstance(freq, int):
        if freq < 1:
            raise ArgumentError(f"validation_freq: expected a positive number, got {freq}")
        return (epoch + 1) % freq == 0
    return epoch + 1 in freq


def _validation_source(data: Any, batch_size: int | None, steps: int | None, passes: int,
                       check: bool) -> Source:
    x, y, weight = data, None, None
    if isinstance(data, (tuple, list)) and 2 <= len(data) <= 3:
        x, y, weight = unpack(data)
    if isinstance(x, Iterator):  # goes on where the last validation ended
        return source_of(x, y, weight, steps=steps, epochs=passes, shuffle=False)
    source = source_of(x, y, weight, batch_size=batch_size, shuffle=False, check=check)
    if steps is not None:  # the same first batches each time
        source.steps = min(steps, source.steps) if source.steps is not None else steps
    return source


def _evaluate(model: Any, source: Source, callbacks: CallbackList, bar: ProgressBar | None,
              pass_number: int) -> dict[str, Any]:
    model.reset_metrics()
    model.set_training(False)
    callbacks.call("on_test_begin", {})
    logs: Mapping[str, Any] = {}
    step = -1
    quiet = source.is_quiet and not callbacks.listen("test")
    with recording_gradients(False):
        test_step, batches, close = _batches(model, "test_step", source, pass_number, 0, quiet)
        try:
            for step, batch in enumerate(_limited(batches, source.steps)):
                if quiet:
                    logs = test_step(batch)
                else:
                    callbacks.batch_begin("test", step)
                    logs = _step(model, "test_step")(batch)
                    callbacks.batch_end("test", step, logs)
                if bar is not None:
                    bar.advance(logs)
        finally:
            logs = logs if close is None else close()
    if step < 0:
        raise EmptyDataError("the data gave no batch to evaluate")
    found = numbers(logs)
    callbacks.call("on_test_end", found)
    return found


def _limited(batches: Iterator[Any], steps: int | None) -> Iterator[Any]:
    for done, batch in enumerate(batches):
        if steps is not None and done >= steps:
            return
        yield batch


def evaluate(model: Any, x: Any = None, y: Any = None, *, batch_size: int | None = None,
             verbose: int | str = "auto", sample_weight: Any = None, steps: int | None = None,
             callbacks: Any = None, check: bool = True) -> dict[str, Any]:
    """The loss and metrics of ``model`` over the data, by name."""
    source = source_of(x, y, sample_weight, batch_size=batch_size, steps=steps, shuffle=False,
                       check=check)
    given = CallbackList(callbacks, model, {"verbose": verbose, "steps": source.steps})
    bar = ProgressBar(verbose)
    bar.begin(source.steps)
    try:
        logs = _evaluate(model, source, given, bar, 0)
        bar.end(logs)
    finally:
        bar.close()
    return logs


def predict(model: Any, x: Any, *, batch_size: int | None = None, verbose: int | str = "auto",
            steps: int | None = None, callbacks: Any = None, check: bool = False) -> Any:
    """The outputs for all samples, as numpy arrays in the structure that the model gives."""
    source = source_of(x, batch_size=batch_size, steps=steps, shuffle=False, check=check)
    given = CallbackList(callbacks, model, {"verbose": verbose, "steps": source.steps})
    bar = ProgressBar(verbose)
    bar.begin(source.steps)
    parts: list[Any] = []
    try:
        model.set_training(False)
        given.call("on_predict_begin", {})
        quiet = source.is_quiet and not given.listen("predict")
        predict_step = _step(model, "predict_step")
        with recording_gradients(False):
            for step, batch in enumerate(source.epoch(0)):
                if quiet:
                    parts.append(_fetched(predict_step(batch)))
                else:
                    given.batch_begin("predict", step)
                    outputs = _fetched(_step(model, "predict_step")(batch))
                    parts.append(outputs)
                    given.batch_end("predict", step, {"outputs": outputs})
                bar.advance({})
        given.call("on_predict_end", {})
        bar.end({})
    finally:
        bar.close()
    if not parts:
        raise EmptyDataError("the data gave no batch to predict")
    return _joined(parts)


def _fetched(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {k: _fetched(v) for k, v in tree.items()}
    if isinstance(tree, (tuple, list)):
        return type(tree)([_fetched(v) for v in tree]) if not hasattr(tree, "_fields") else (
            type(tree)(*[_fetched(v) for v in tree]))
    return value_of(tree) if isinstance(tree, Handle) else np.asarray(tree)


def _joined(parts: list[Any]) -> Any:
    first = parts[0]
    if isinstance(first, Mapping):
        return {k: _joined([p[k] for p in parts]) for k in first}
    if isinstance(first, (tuple, list)):
        joined = [_joined([p[i] for p in parts]) for i in range(len(first))]
        return type(first)(*joined) if hasattr(first, "_fields") else type(first)(joined)
    if first.ndim == 0:
        return np.stack(parts)
    return np.concatenate(parts) if len(parts) > 1 else first.copy()
