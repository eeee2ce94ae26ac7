"""One network, written through each of the three faces as their users write it.

Each trainer starts from the same weights, takes the same batches in the same order, and returns
what it learned together with the text of the program that one step recorded.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import keras, torch
from .. import tensorflow as tf
from ..ir.printer import print_nodes
from ..train.progress import ProgressBar

__all__ = ["FACES", "Outcome", "Task", "initial_weights"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Task:
    """Data and hyperparameters. Images are float32 rows, labels int64.

    ``targets`` are the training labels as rows of probabilities: the one form of label that means
    the same in all three frameworks (PyTorch's class indices have one that is ignored).
    """

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array
    hidden: int
    epochs: int
    batch_size: int
    learning_rate: float
    seed: int

    @property
    def classes(self) -> int:
        return int(self.y_train.max()) + 1

    @property
    def targets(self) -> Array:
        return np.eye(self.classes, dtype=np.float32)[self.y_train]


@dataclass
class Outcome:
    """What one face gave: losses and accuracies per epoch, weights, predictions, its program."""

    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    weights: list[Array] = field(default_factory=list)
    predictions: Array = field(default_factory=lambda: np.zeros(0))
    program: str = ""
    seconds: float = 0.0
    model: Any = None


def initial_weights(task: Task) -> list[Array]:
    """Glorot-uniform matrices and zero biases."""
    random = np.random.default_rng(task.seed)
    weights: list[Array] = []
    sizes = (task.x_train.shape[1], task.hidden, task.classes)
    for inputs, outputs in itertools.pairwise(sizes):
        bound = np.sqrt(6 / (inputs + outputs))
        weights.append(random.uniform(-bound, bound, (inputs, outputs)).astype(np.float32))
        weights.append(np.zeros(outputs, np.float32))
    return weights


def _batches(task: Task) -> list[slice]:
    count = len(task.x_train)
    return [slice(i, min(i + task.batch_size, count)) for i in range(0, count, task.batch_size)]


def _program(loss: Any, parameters: list[Any]) -> str:
    """The text of a step: the loss and the gradient of each parameter."""
    loss.backward()
    text = print_nodes([loss._node, *(p.grad._node for p in parameters)])
    for p in parameters:
        p.grad = None
    return text


def _epochs(task: Task, outcome: Outcome, name: str,
            step: Callable[[Any, Any], Any], logits: Callable[[Any], Any]) -> None:
    """The loop that PyTorch and TensorFlow users write themselves, with a bar for each epoch."""
    batches, targets = _batches(task), task.targets
    bar = ProgressBar()
    for epoch in range(task.epochs):
        total = 0.0
        bar.begin(len(batches), f"{name}, epoch {epoch + 1}/{task.epochs}")
        for batch in batches:
            loss = step(task.x_train[batch], targets[batch]).item()
            total += loss * len(task.x_train[batch])
            bar.advance({"loss": loss})
        guesses = np.asarray(logits(task.x_test)).argmax(1)
        outcome.losses.append(total / len(task.x_train))
        outcome.accuracies.append(float((guesses == task.y_test).mean()))
        bar.end({"loss": outcome.losses[-1], "accuracy": outcome.accuracies[-1]})
    bar.close()


# ---- PyTorch

class TorchMLP(torch.nn.Module):
    """Two layers, with matrices of shape (inputs, outputs) as the other two faces keep them."""

    def __init__(self, weights: list[Array]):
        super().__init__()
        self.w1, self.b1, self.w2, self.b2 = (
            torch.nn.Parameter(torch.tensor(w)) for w in weights)

    def forward(self, x: Any) -> Any:
        return torch.relu(x @ self.w1 + self.b1) @ self.w2 + self.b2


def train_torch(task: Task) -> Outcome:
    """A Module, an optimizer and a loop."""
    outcome, start = Outcome(), time.perf_counter()
    model = outcome.model = TorchMLP(initial_weights(task))
    optimizer = torch.optim.SGD(model.parameters(), lr=task.learning_rate)
    loss_of = torch.nn.CrossEntropyLoss()
    first = _batches(task)[0]
    outcome.program = _program(
        loss_of(model(torch.tensor(task.x_train[first])), torch.tensor(task.targets[first])),
        list(model.parameters()))

    def step(x: Array, y: Array) -> Any:
        optimizer.zero_grad()
        loss = loss_of(model(torch.tensor(x)), torch.tensor(y))
        loss.backward()
        optimizer.step()
        return loss

    def logits(x: Array) -> Any:
        with torch.no_grad():
            return model(torch.tensor(x)).numpy()

    _epochs(task, outcome, "PyTorch", step, logits)
    outcome.predictions = logits(task.x_test).argmax(1)
    outcome.weights = [p.numpy() for p in model.parameters()]
    outcome.seconds = time.perf_counter() - start
    return outcome


# ---- Keras

def train_keras(task: Task) -> Outcome:
    """Sequential, compile, fit."""
    outcome, start = Outcome(), time.perf_counter()
    model = outcome.model = keras.Sequential([
        keras.layers.Dense(task.hidden, activation="relu"), keras.layers.Dense(task.classes)])
    model.build((None, task.x_train.shape[1]))
    model.set_weights(initial_weights(task))
    model.compile(optimizer=keras.optimizers.SGD(task.learning_rate),
                  loss=keras.losses.CategoricalCrossentropy(from_logits=True),
                  metrics=["accuracy"])
    first = _batches(task)[0]
    x, y = torch.tensor(task.x_train[first]), torch.tensor(task.targets[first])
    outcome.program = _program(model.compute_loss(x=x, y=y, y_pred=model(x)),
                               list(model.trainable_weights))
    history = model.fit(task.x_train, task.targets, epochs=task.epochs,
                        batch_size=task.batch_size, shuffle=False,
                        validation_data=(task.x_test, np.eye(task.classes)[task.y_test]))
    outcome.losses = list(history.history["loss"])
    outcome.accuracies = list(history.history["val_accuracy"])
    outcome.predictions = model.predict(task.x_test, verbose=0).argmax(1)
    outcome.weights = model.get_weights()
    outcome.seconds = time.perf_counter() - start
    return outcome


# ---- TensorFlow

def train_tensorflow(task: Task) -> Outcome:
    """Variables, a GradientTape and an optimizer."""
    outcome, start = Outcome(), time.perf_counter()
    w1, b1, w2, b2 = variables = [tf.Variable(w) for w in initial_weights(task)]
    optimizer = tf.keras.optimizers.SGD(task.learning_rate)

    def forward(x: Any) -> Any:
        return tf.matmul(tf.nn.relu(tf.matmul(x, w1) + b1), w2) + b2

    cross_entropy = tf.keras.losses.CategoricalCrossentropy(from_logits=True)

    def loss_of(x: Array, y: Array) -> Any:
        return cross_entropy(tf.constant(y), forward(tf.constant(x)))

    first = _batches(task)[0]
    outcome.program = _program(loss_of(task.x_train[first], task.targets[first]), variables)

    @tf.function
    def step(x: Array, y: Array) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(x, y)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    _epochs(task, outcome, "TensorFlow", step, lambda x: forward(tf.constant(x)).numpy())
    outcome.predictions = forward(tf.constant(task.x_test)).numpy().argmax(1)
    outcome.weights = [v.numpy() for v in variables]
    outcome.seconds = time.perf_counter() - start
    outcome.model = variables
    return outcome


#: the faces by name
FACES: dict[str, Callable[[Task], Outcome]] = {
    "PyTorch": train_torch, "Keras": train_keras, "TensorFlow": train_tensorflow}
