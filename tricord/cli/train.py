"""``tricord train --data FOLDER``: the demo on MNIST's own files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import ArgumentError
from ..serialize.idx_file import load_idx
from .demo import show
from .programs import Outcome, Task

__all__ = ["run"]


def _find(folder: Path, name: str) -> Path:
    for candidate in (folder / f"{name}.gz", folder / name, folder / "mnist" / f"{name}.gz",
                      folder / "mnist" / name):
        if candidate.is_file():
            return candidate
    raise ArgumentError(f"--data {folder}: there is no {name}.gz (or {name}) in it",
                        hint="give the folder that holds MNIST's four idx files")


def run(data: Path, folder: Path, epochs: int = 10, seed: int = 0) -> dict[str, Outcome]:
    """Train on the 60 000 images of MNIST, test on its 10 000."""
    parts = []
    for part in ("train", "t10k"):
        images = load_idx(_find(data, f"{part}-images-idx3-ubyte"))
        labels = load_idx(_find(data, f"{part}-labels-idx1-ubyte"))
        parts += [images.reshape(len(images), -1).astype(np.float32) / 255,
                  labels.astype(np.int64)]
    task = Task(*parts, hidden=64, epochs=epochs, batch_size=32, learning_rate=0.2, seed=seed)
    return show("MNIST images", task, folder)
