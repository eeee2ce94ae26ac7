"""MNIST from the files in TRICORD_DATA."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mnist_files import load_mnist


class MNIST:
    def __init__(self, root: str, train: bool = True, download: bool = False,
                 transform: Callable[[Any], Any] | None = None):
        images, self.labels = load_mnist()[0 if train else 1]
        self.images = (images.reshape(-1, 28, 28) * 255).round().astype("uint8")
        self.transform = transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        image = self.images[index]
        return (self.transform(image) if self.transform else image), int(self.labels[index])
