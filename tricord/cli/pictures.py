"""The demo's two pictures. Matplotlib is optional; without it, the numbers go to a text file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .programs import Outcome

__all__ = ["confusion_picture", "learning_curves"]

Array = np.ndarray[Any, Any]


def _figure(width: float, height: float) -> Any:
    """A figure without a window system, or None if matplotlib is not installed."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return None
    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def learning_curves(outcomes: dict[str, Outcome], folder: Path) -> Path:
    """Loss and test accuracy per epoch, one line for each face; they lie on one another."""
    figure = _figure(9, 3.6)
    if figure is None:
        path = folder / "learning-curve.csv"
        rows = ["face,epoch,loss,accuracy"]
        rows += [f"{name},{epoch},{loss},{accuracy}" for name, o in outcomes.items()
                 for epoch, (loss, accuracy) in enumerate(zip(o.losses, o.accuracies), 1)]
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return path
    left, right = figure.subplots(1, 2)
    styles = ({"linewidth": 7, "alpha": 0.25}, {"linewidth": 3.5, "alpha": 0.5},
              {"linewidth": 1.2, "color": "black"})
    for (name, outcome), style in zip(outcomes.items(), styles):
        epochs = np.arange(1, len(outcome.losses) + 1)
        left.plot(epochs, outcome.losses, label=name, **style)
        right.plot(epochs, outcome.accuracies, label=name, **style)
    left.set(xlabel="epoch", ylabel="training loss", yscale="log")
    right.set(xlabel="epoch", ylabel="test accuracy")
    right.legend()
    path = folder / "learning-curve.png"
    figure.savefig(path)
    return path


def confusion_picture(labels: Array, guesses: Array, folder: Path) -> Path:
    """How often each class was taken for each other."""
    classes = int(labels.max()) + 1
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, guesses), 1)
    figure = _figure(5, 4.6)
    if figure is None:
        path = folder / "confusion.csv"
        np.savetxt(path, counts, fmt="%d", delimiter=",")
        return path
    axes = figure.subplots()
    axes.imshow(np.sqrt(counts), cmap="Blues")
    for row, column in np.ndindex(counts.shape):
        if counts[row, column]:
            axes.text(column, row, counts[row, column], ha="center", va="center",
                      color="white" if row == column else "firebrick", fontsize=8)
    axes.set(xlabel="predicted", ylabel="true", xticks=range(classes), yticks=range(classes))
    path = folder / "confusion.png"
    figure.savefig(path)
    return path
