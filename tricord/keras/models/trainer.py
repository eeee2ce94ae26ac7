"""compile, fit, evaluate, predict: Keras's conventions over the one training loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ... import metrics as native_metrics
from ...errors import ArgumentError, NotCompiledError, NotSupportedError
from ...tensor import backward
from ...tensor.handle import Handle
from ...tensor.recorder import recording_gradients, value_of
from ...train import loop
from ...train.arrays import to_tensors, weights_of_classes
from ...train.logs import numbers
from .. import losses as losses_module
from .. import metrics as metrics_module
from .. import optimizers
from .._arguments import checked
from ..graph import leaves_of
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from .compiled import CompiledLoss, CompiledMetrics
from .compiled_steps import CompiledSteps

__all__ = ["Trainer"]


class Trainer:
    """The part of a model that trains it. The loop drives `train_step` and its siblings."""

    compiled = False
    stop_training = False
    optimizer: Any = None
    loss: Any = None
    _compiled_loss: CompiledLoss | None = None
    _compiled_metrics: CompiledMetrics | None = None
    _compile_arguments: dict[str, Any]
    _compiled_steps: CompiledSteps | None = None
    #: attributes that say nothing of layers or weights
    _apart = frozenset({"run", "history", "_cursor", "_compiled_steps"})

    # ---- compile

    @checked
    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, loss_weights: Any = None,
                metrics: Any = None, weighted_metrics: Any = None, run_eagerly: bool = False,
                steps_per_execution: int = 1, jit_compile: Any = "auto",
                auto_scale_loss: bool = True) -> None:
        """Say how to train: names, objects or functions.

        ``run_eagerly``, ``steps_per_execution`` and ``jit_compile`` are taken and change nothing
        in the result: steps are compiled as Python records them, and replayed without their
        Python where it is tricord's own (never with ``run_eagerly``).
        """
        self.optimizer = optimizers.get(optimizer)
        self.loss = loss
        names = getattr(self, "output_names", None)
        self._compiled_loss = CompiledLoss(loss, loss_weights, names) if loss is not None else None
        self._compiled_metrics = CompiledMetrics(metrics, weighted_metrics, names)
        self._loss_tracker = native_metrics.Mean(name="loss")
        self._output_trackers: list[Any] = []
        self._compiled_steps = CompiledSteps()
        if steps_per_execution is None or int(steps_per_execution) < 1:
            raise ArgumentError("`steps_per_execution` must be a positive number. Received: "
                                f"steps_per_execution={steps_per_execution}")
        self.run_eagerly, self.steps_per_execution = bool(run_eagerly), int(steps_per_execution)
        self.jit_compile = jit_compile
        self.stop_training = False
        self.compiled = True
        self._compile_arguments = {
            "optimizer": optimizer, "loss": loss, "loss_weights": loss_weights,
            "metrics": metrics, "weighted_metrics": weighted_metrics, "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": False if jit_compile == "auto" else jit_compile}

    def _need_compile(self, method: str) -> None:
        if not self.compiled:
            raise _NotCompiledError(f"You must call `compile()` before calling `{method}()`.",
                                    hint='model.compile(optimizer="adam", loss="mse")')
        if self._compiled_loss is None and method in ("fit", "train_on_batch") and (
                type(self).compute_loss is Trainer.compute_loss) and not self._has_own_step():
            raise _NotCompiledError(f"`{method}()` needs a loss, and `compile()` was called "
                                    "without one", hint='model.compile(optimizer, loss="mse")')

    def _has_own_step(self) -> bool:
        return type(self).train_step is not Trainer.train_step or self._adds_losses()

    def _adds_losses(self) -> bool:
        # Whether a loss comes from a layer is known once it has been called.
        return True

    def get_compile_config(self) -> dict[str, Any] | None:
        """What `compile` was told, as data."""
        if not self.compiled:
            return None
        given = {**self._compile_arguments, "optimizer": self.optimizer}
        found = {k: _described(v) for k, v in given.items()}
        return found

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as `get_compile_config` said."""
        if config.get("optimizer") is None and "loss" not in config:
            return
        given = {k: _restored(k, v) for k, v in config.items()
                 if k in self._compile_names()}
        self.compile(**given)
        if getattr(self, "built", False) and self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)  # type: ignore[attr-defined]

    @staticmethod
    def _compile_names() -> tuple[str, ...]:
        return ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly",
                "steps_per_execution", "jit_compile", "auto_scale_loss")

    # ---- metrics

    @property
    def metrics(self) -> list[Any]:
        """The loss tracker, the compiled metrics, and those that layers own."""
        found: list[Any] = []
        if self.compiled:
            found = [self._loss_tracker, *self._output_trackers, *self._compiled_metrics.metrics]  # type: ignore[union-attr]
        own = self._own_metrics()
        return found + [m for m in own if all(m is not f for f in found)] if own else found

    def _own_metrics(self) -> list[Any]:
        """Metrics that this model and its layers hold as attributes."""
        def find() -> list[Any]:
            return [m for layer in self._flatten_layers()  # type: ignore[attr-defined]
                    for m in vars(layer).values() if isinstance(m, metrics_module.Metric)]
        return self._remembered("metrics", find)  # type: ignore[attr-defined,no-any-return]

    @property
    def metrics_names(self) -> list[str]:
        """Names in the order that `evaluate` gives values in."""
        return [m.name for m in self.metrics]

    def reset_metrics(self) -> None:
        """Start all metrics over."""
        for metric in self.metrics:
            metric.reset_state()

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None,
                        ) -> dict[str, Any]:
        """Update the compiled metrics, and give all results."""
        if self._compiled_metrics is not None and y is not None:
            truths, outputs, weights = self._aligned(y, y_pred, sample_weight)
            self._compiled_metrics.update(truths, outputs, weights)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """Values of all metrics by name; not looked at yet."""
        found: dict[str, Any] = {}
        if self.compiled:
            if self._compiled_loss is not None or self._loss_seen():
                found["loss"] = self._loss_tracker.result()
            for tracker in self._output_trackers:
                found[tracker.name] = tracker.result()
            if self._compiled_metrics is not None and self._compiled_metrics.built:
                found.update(self._compiled_metrics.results())
        own = self._own_metrics()
        if own:
            known = {id(m) for m in ([self._loss_tracker, *self._output_trackers,
                                      *self._compiled_metrics.metrics] if self.compiled else [])}  # type: ignore[union-attr]
            for metric in own:
                if id(metric) not in known:
                    value = metric.result()
                    found.update(value if isinstance(value, dict) else {metric.name: value})
        return found

    def _loss_seen(self) -> bool:
        return bool(self.__dict__.get("_saw_loss"))

    # ---- losses

    def _aligned(self, y: Any, y_pred: Any, sample_weight: Any,
                 ) -> tuple[list[Any], list[Any], list[Any]]:
        """Truth, outputs and weights as lists, one entry per output."""
        if isinstance(y_pred, dict):
            names = list(y_pred)
        else:
            names = list(getattr(self, "output_names", None) or [])
        outputs = leaves_of(y_pred)
        truths = _by_name("y", y, names, len(outputs))
        weights = [None] * len(outputs) if sample_weight is None else _by_name(
            "sample_weight", sample_weight, names, len(outputs))
        if len(weights) == 1 and len(outputs) > 1:
            weights = weights * len(outputs)
        return truths, outputs, weights

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None,
                     sample_weight: Any = None, training: bool = True) -> Any:
        """The compiled loss plus what layers and regularizers add."""
        total = None
        if self._compiled_loss is not None and y is not None:
            truths, outputs, weights = self._aligned(y, y_pred, sample_weight)
            total = self._compiled_loss(truths, outputs, weights)
            if len(outputs) > 1:
                self._track_outputs(outputs)
            self._compiled_loss.values.clear()  # nothing keeps the parts alive until the next step
        for extra in self.losses:  # type: ignore[attr-defined]
            total = extra if total is None else total + extra
        if total is None:
            raise ArgumentError("No loss to compute. Provide a `loss` argument in `compile()`"
                                + (", and targets `y`" if y is None else ""))
        return total

    def _track_outputs(self, outputs: list[Any]) -> None:
        compiled = self._compiled_loss
        assert compiled is not None and compiled.losses is not None
        if not self._output_trackers:
            names = compiled.output_names or [f"output_{i + 1}" for i in range(len(outputs))]
            self._output_trackers = [native_metrics.Mean(name=f"{n}_loss")
                                     for n, one in zip(names, compiled.losses, strict=True)
                                     if one is not None]
        values = [(v, o) for v, o in zip(compiled.values, outputs, strict=True) if v is not None]
        for tracker, (value, output) in zip(self._output_trackers, values, strict=False):
            tracker.update_state(value.detach() if isinstance(value, Handle) else value,
                                 sample_weight=_batch_size(output))

    # ---- steps: what the loop drives

    def train_step(self, data: Any) -> Mapping[str, Any]:
        """One update on a batch ``(x, y, sample_weight)``; returns named values."""
        x, y, sample_weight = _unpack(data)
        with recording_gradients(True):
            y_pred = self(x, training=True)  # type: ignore[operator]
            loss = self.compute_loss(x, y, y_pred, sample_weight, True)
            self.__dict__["_saw_loss"] = True
            self._loss_tracker.update_state(loss.detach(), sample_weight=_batch_size(x))
            variables = self._trained_variables()
            for v in variables:
                v._grad = None
            if variables:
                backward([loss])
        logs = self.compute_metrics(x, y, _detached(y_pred), sample_weight)
        del y_pred, loss  # what is still held when the update is evaluated would be a result of it
        if variables:
            # The gradients are gone with the step: nothing keeps them alive until the next.
            grads = [v._grad for v in variables]
            for v in variables:
                v._grad = None
            self.optimizer.apply(grads, variables)
        return logs

    def _trained_variables(self) -> list[Any]:
        return self._remembered("trained", self._trained_weights)  # type: ignore[attr-defined,no-any-return]

    def test_step(self, data: Any) -> Mapping[str, Any]:
        """Loss and metrics of a batch, without an update."""
        x, y, sample_weight = _unpack(data)
        y_pred = self(x, training=False)  # type: ignore[operator]
        if (self._compiled_loss is not None and y is not None) or self.losses:  # type: ignore[attr-defined]
            loss = self.compute_loss(x, y, y_pred, sample_weight, False)
            self._loss_tracker.update_state(loss, sample_weight=_batch_size(x))
            self.__dict__["_saw_loss"] = True
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The outputs for a batch."""
        x, _, _ = _unpack(data)
        return self(x, training=False)  # type: ignore[operator]

    def step_function(self, name: str) -> Any:
        """`train_step`, `test_step` or `predict_step`, or what computes the same without its
        Python; to be asked for again whenever somebody else's code may have run."""
        if self.__dict__.get("run_eagerly"):
            return getattr(self, name)
        if self._compiled_steps is None:
            self._compiled_steps = CompiledSteps()
        return self._compiled_steps.of(self, name)

    def set_training(self, mode: bool) -> None:
        """Nothing to do: steps say it themselves."""

    def train_state(self) -> dict[str, Any]:
        """Weights, optimizer and metrics as plain data."""
        return {"weights": [np.array(w) for w in self.get_weights()],  # type: ignore[attr-defined]
                "optimizer": [np.array(w) for w in self.optimizer.get_weights()],
                "metrics": [m.state_dict() for m in self.metrics]}

    def load_train_state(self, state: dict[str, Any]) -> None:
        """Take over what `train_state` gave."""
        self.set_weights(state["weights"])  # type: ignore[attr-defined]
        if len(state["optimizer"]) > 2:
            self.optimizer.build(self.trainable_variables)  # type: ignore[attr-defined]
        self.optimizer.set_weights(state["optimizer"])
        for metric, own in zip(self.metrics, state["metrics"], strict=False):
            metric.load_state_dict(own)

    # ---- the loop

    @checked
    def fit(self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1,
            verbose: Any = "auto", callbacks: Any = None, validation_split: float = 0.0,
            validation_data: Any = None, shuffle: Any = True, class_weight: Any = None,
            sample_weight: Any = None, initial_epoch: int = 0, steps_per_epoch: int | None = None,
            validation_steps: int | None = None, validation_batch_size: int | None = None,
            validation_freq: Any = 1, nb_epoch: int | None = None, workers: int = 1,
            use_multiprocessing: bool = False, max_queue_size: int = 10) -> Any:
        """Train for ``epochs`` passes over the data; returns the History.

        ``nb_epoch`` is the old name of ``epochs``. ``workers``, ``use_multiprocessing`` and
        ``max_queue_size`` of Keras 2 are taken; the data set's own loader decides.
        """
        self._need_compile("fit")
        self._check_first(x)
        return self._with_history(loop.fit(
            self, x, y, batch_size=batch_size, epochs=epochs if nb_epoch is None else nb_epoch,
            verbose=verbose, callbacks=callbacks, validation_split=validation_split,
            validation_data=validation_data, shuffle=shuffle, class_weight=class_weight,
            sample_weight=sample_weight, initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch, validation_steps=validation_steps,
            validation_batch_size=validation_batch_size, validation_freq=validation_freq))

    def _with_history(self, history: Any) -> Any:
        history.set_model(self)
        self.history = history
        return history

    def _check_first(self, x: Any) -> None:
        for leaf in leaves_of(x) if isinstance(x, (list, tuple, dict)) else [x]:
            if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "US":
                raise ArgumentError(f"the data are text (str, dtype {leaf.dtype}): a model takes "
                                    "numbers", hint="encode text first: StringLookup, "
                                    "TextVectorization, to_categorical")

    @checked
    def evaluate(self, x: Any = None, y: Any = None, batch_size: int | None = None,
                 verbose: Any = "auto", sample_weight: Any = None, steps: int | None = None,
                 callbacks: Any = None, return_dict: bool = False, workers: int = 1,
                 use_multiprocessing: bool = False, max_queue_size: int = 10) -> Any:
        """Loss and metrics over the data: a number, a list, or a dict."""
        self._need_compile("evaluate")
        self._check_first(x)
        logs = loop.evaluate(self, x, y, batch_size=batch_size, verbose=verbose,
                             sample_weight=sample_weight, steps=steps, callbacks=callbacks)
        return logs if return_dict else self._as_list(logs)

    def _as_list(self, logs: Mapping[str, Any]) -> Any:
        """The values in the order of the metrics, the loss first; one alone as it is."""
        names = [n for n in self.get_metrics_result() if n in logs]
        values = [logs[n] for n in [*names, *(k for k in logs if k not in names)]]
        return values[0] if len(values) == 1 else values

    @checked
    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = "auto",
                steps: int | None = None, callbacks: Any = None, workers: int = 1,
                use_multiprocessing: bool = False, max_queue_size: int = 10) -> Any:
        """The outputs for all samples as numpy arrays."""
        self._check_first(x)
        return loop.predict(self, x, batch_size=batch_size, verbose=verbose, steps=steps,
                            callbacks=callbacks)

    @checked
    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None,
                       class_weight: Any = None, return_dict: bool = False) -> Any:
        """One update; the values are those of this batch."""
        self._need_compile("train_on_batch")
        self.reset_metrics()
        if class_weight is not None:
            if sample_weight is not None:
                raise ArgumentError("Arguments `sample_weight` and `class_weight` cannot be "
                                    "specified at the same time.")
            sample_weight = weights_of_classes(class_weight, y)
        logs = numbers(self.step_function("train_step")(self._batch(x, y, sample_weight)))
        return _as_arrays(logs) if return_dict else self._as_list(_as_arrays(logs))

    @checked
    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None,
                      return_dict: bool = False) -> Any:
        """Loss and metrics of one batch."""
        self._need_compile("test_on_batch")
        self.reset_metrics()
        with recording_gradients(False):
            logs = numbers(self.step_function("test_step")(self._batch(x, y, sample_weight)))
        return _as_arrays(logs) if return_dict else self._as_list(_as_arrays(logs))

    @checked
    def predict_on_batch(self, x: Any) -> Any:
        """The outputs of one batch as numpy arrays."""
        with recording_gradients(False):
            return _values(self.step_function("predict_step")(self._batch(x, None, None)))

    def _batch(self, x: Any, y: Any, sample_weight: Any) -> tuple[Any, ...]:
        self._check_first(x)
        given = [_numpy(v) for v in (x, y, sample_weight)]
        while given and given[-1] is None:
            given.pop()
        return tuple(to_tensors(v, copy=True) for v in given)

    def make_train_function(self, force: bool = False) -> Any:
        """Not offered: there is no function to make, a step is recorded as it runs."""
        raise NotSupportedError("make_train_function is not offered: steps are recorded as they "
                                "run", hint="override train_step(self, data)")


class _NotCompiledError(NotCompiledError, ValueError):
    """Keras raises a ValueError here."""


def _unpack(data: Any) -> tuple[Any, Any, Any]:
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    return (*data, None, None, None)[:3]


def _batch_size(x: Any) -> Any:
    for leaf in leaves_of(x):
        shape = getattr(leaf, "shape", ())
        if len(shape):
            return int(shape[0])
    return 1


def _detached(tree: Any) -> Any:
    if isinstance(tree, Handle):
        return tree
    if isinstance(tree, dict):
        return {k: _detached(v) for k, v in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_detached(v) for v in tree]
    return tree


def _by_name(what: str, given: Any, names: list[str], count: int) -> list[Any]:
    if isinstance(given, dict):
        if names:
            unknown = [k for k in given if k not in names]
            if unknown:
                raise ArgumentError(f"`{what}` has the key {unknown[0]!r}, which is no output; "
                                    f"there are {', '.join(names)}")
            return [given.get(n) for n in names]
        return list(given.values())
    if isinstance(given, (list, tuple)):
        flat = leaves_of(list(given))
        if len(flat) != count and what == "y":
            raise ArgumentError(f"the model has {count} outputs, but `{what}` has {len(flat)} "
                                "arrays")
        return flat
    return [given, *[None] * (count - 1)] if what == "y" else [given] * count


def _numpy(value: Any) -> Any:
    """Lists of numbers as arrays; lists of arrays stay lists."""
    if isinstance(value, (list, tuple)) and value and all(
            isinstance(v, (int, float, bool)) or (
                isinstance(v, (list, tuple)) and all(isinstance(w, (int, float, bool, list, tuple))
                                                     for w in v)) for v in value):
        array = np.asarray(value)
        return array.astype(np.float32) if array.dtype == np.float64 else array
    return value


def _as_arrays(logs: Mapping[str, Any]) -> dict[str, Any]:
    return {k: np.float32(v) if isinstance(v, float) else np.asarray(v) for k, v in logs.items()}


def _values(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {k: _values(v) for k, v in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(_values(v) for v in tree)
    return value_of(tree).copy() if isinstance(tree, Handle) else np.asarray(tree)


def _described(value: Any) -> Any:
    """A compile argument as data: functions of ours by name."""
    if isinstance(value, dict):
        return {k: _described(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_described(v) for v in value]
    name = getattr(value, "__name__", None)
    if not isinstance(value, type) and callable(value) and name is not None and (
            getattr(losses_module, name, None) is value or
            metrics_module._functions.get(name) is value):
        return name
    if isinstance(value, type):
        value = value()
    return serialize_keras_object(value)


def _restored(key: str, value: Any) -> Any:
    """A compile argument from data."""
    kinds = {"optimizer": "keras.optimizers", "loss": "keras.losses", "metrics": "keras.metrics",
             "weighted_metrics": "keras.metrics"}
    if isinstance(value, dict) and "class_name" in value:
        module = {} if value.get("module") else {"module": kinds.get(key, "")}
        return deserialize_keras_object({**value, **module})
    if isinstance(value, dict):
        return {k: _restored(key, v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_restored(key, v) for v in value]
    return value


