"""``tricord demo``: one network, three faces, the same graph and the same weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from .. import torch
from ..data import load_digits
from ..errors import TricordError
from .pictures import confusion_picture, learning_curves
from .programs import FACES, Outcome, Task

__all__ = ["run", "show"]


def run(folder: Path, epochs: int = 12, seed: int = 0) -> dict[str, Outcome]:
    """Train on the handwritten digits that come with tricord; files go to ``folder``."""
    (x_train, y_train), (x_test, y_test) = load_digits()
    task = Task(x_train.reshape(len(x_train), -1), y_train, x_test.reshape(len(x_test), -1),
                y_test, hidden=64, epochs=epochs, batch_size=32, learning_rate=0.3, seed=seed)
    return show("handwritten digits", task, folder)


def show(what: str, task: Task, folder: Path) -> dict[str, Outcome]:
    """Train through every face, compare, and write pictures and models."""
    console = Console()
    folder.mkdir(parents=True, exist_ok=True)
    console.print(f"{len(task.x_train)} {what} to learn from, {len(task.x_test)} to test on: "
                  f"a network {task.x_train.shape[1]}-{task.hidden}-{task.classes}, "
                  f"{task.epochs} epochs, through each face.\n")
    outcomes = {name: train(task) for name, train in FACES.items()}
    console.print(_table(outcomes))
    _compare(outcomes, console)
    for path in _files(outcomes, task, folder):
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)
    return outcomes


def _table(outcomes: dict[str, Outcome]) -> Table:
    table = Table("face", "first loss", "last loss", "test accuracy", "seconds")
    for name, outcome in outcomes.items():
        table.add_row(name, f"{outcome.losses[0]:.6f}", f"{outcome.losses[-1]:.6f}",
                      f"{outcome.accuracies[-1]:.4f}", f"{outcome.seconds:.1f}")
    return table


def _compare(outcomes: dict[str, Outcome], console: Console) -> None:
    """Say whether all three recorded one graph and ended in one place; it is an error if not."""
    first, *others = outcomes.values()
    lines = first.program.splitlines()
    if any(o.program != first.program for o in others):
        raise TricordError("the faces recorded different graphs:\n" + "\n\n".join(
            f"{name}:\n{o.program}" for name, o in outcomes.items()))
    console.print(f"All three recorded the same graph: {len(lines) - 1} nodes for the loss and its "
                  "gradients.")
    if any(not np.array_equal(a, b) for o in others
           for a, b in zip(first.weights, o.weights, strict=True)):
        raise TricordError("the faces ended with different weights")
    console.print("All three ended with the same weights, bit for bit.\n")


def _files(outcomes: dict[str, Outcome], task: Task, folder: Path) -> list[Path]:
    keras_model, torch_model = outcomes["Keras"].model, outcomes["PyTorch"].model
    files = [learning_curves(outcomes, folder),
             confusion_picture(task.y_test, outcomes["Keras"].predictions, folder)]
    torch.save(torch_model.state_dict(), folder / "model.pt")
    keras_model.save(folder / "model.keras")
    keras_model.save(folder / "model.h5")
    return [*files, folder / "model.pt", folder / "model.keras", folder / "model.h5"]
