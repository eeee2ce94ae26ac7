"""Data sets of pictures with labels, from the files that `tricord.data.sources` knows.

Files come from ``TRICORD_DATA``, the cache, or the network, and are checked by their SHA-256. The
folder ``root`` is not written to, and ``download=False`` fetches nothing that is not at hand.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ...data import CIFAR10_CLASSES, Dataset, load_cifar10_subset, load_mnist
from ...tensor import wrap

__all__ = ["CIFAR10", "MNIST", "FakeData", "VisionDataset"]

Transform = Callable[[Any], Any]


def as_picture(pixels: np.ndarray) -> Any:
    """What torchvision hands to a transform: a PIL image, or the array where Pillow is absent."""
    try:
        pillow = importlib.import_module("PIL.Image")
    except ImportError:
        return pixels
    return pillow.fromarray(pixels)


class VisionDataset(Dataset):
    """Pictures and labels; ``transform`` is applied to each picture, ``target_transform`` to each
    label, ``transforms`` to both."""

    def __init__(self, root: Any = None, transforms: Callable[[Any, Any], Any] | None = None,
                 transform: Transform | None = None, target_transform: Transform | None = None):
        self.root = root
        self.transforms = transforms
        self.transform = transform
        self.target_transform = target_transform

    def _finished(self, pixels: np.ndarray, label: Any) -> tuple[Any, Any]:
        picture = as_picture(pixels)
        if self.transform is not None:
            picture = self.transform(picture)
        if self.target_transform is not None:
            label = self.target_transform(label)
        return self.transforms(picture, label) if self.transforms is not None else (picture, label)

    def extra_repr(self) -> str:
        return ""

    def __repr__(self) -> str:
        lines = [f"Dataset {type(self).__name__}", f"    Number of datapoints: {len(self)}"]  # type: ignore[arg-type]
        if self.root is not None:
            lines.append(f"    Root location: {self.root}")
        if self.extra_repr():
            lines.append(f"    {self.extra_repr()}")
        if self.transform is not None:
            lines += ["    StandardTransform", f"Transform: {self.transform!r}"]
        return "\n".join(lines)


class _Labelled(VisionDataset):
    """Arrays in memory: ``data`` and ``targets``."""

    data: Any
    targets: Any
    train: bool

    def __len__(self) -> int:
        return len(self.targets)

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"


class MNIST(_Labelled):
    """60 000 + 10 000 handwritten digits of 28 x 28 pixels.

    ``data`` and ``targets`` are tensors; an item is a picture and its label.
    """

    classes = ("0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six",
               "7 - seven", "8 - eight", "9 - nine")

    def __init__(self, root: Any = None, train: bool = True, transform: Transform | None = None,
                 target_transform: Transform | None = None, download: bool = False):
        super().__init__(root, None, transform, target_transform)
        self.train = train
        images, labels = load_mnist()[0 if train else 1]
        self._images, self._labels = images, labels
        self.data, self.targets = wrap(images), wrap(labels)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._finished(self._images[index], int(self._labels[index]))

    @property
    def class_to_idx(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.classes)}


class CIFAR10(_Labelled):
    """10 000 + 2 000 of the photographs of CIFAR-10, 32 x 32 pixels: a part of the whole.

    ``data`` is an array (n, 32, 32, 3), ``targets`` a list, as in torchvision.
    """

    classes = CIFAR10_CLASSES

    def __init__(self, root: Any = None, train: bool = True, transform: Transform | None = None,
                 target_transform: Transform | None = None, download: bool = False):
        super().__init__(root, None, transform, target_transform)
        self.train = train
        self.data, labels = load_cifar10_subset()[0 if train else 1]
        self.targets = labels.tolist()

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._finished(self.data[index], self.targets[index])

    @property
    def class_to_idx(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.classes)}


class FakeData(VisionDataset):
    """Pictures of random pixels with random labels, the same for the same index."""

    def __init__(self, size: int = 1000, image_size: tuple[int, int, int] = (3, 224, 224),
                 num_classes: int = 10, transform: Transform | None = None,
                 target_transform: Transform | None = None, random_offset: int = 0):
        super().__init__(None, None, transform, target_transform)
        self.size = size
        self.image_size = image_size
        self.num_classes = num_classes
        self.random_offset = random_offset

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if not 0 <= index < self.size:
            raise IndexError(f"FakeData index out of range: {index} of {self.size}")
        rng = np.random.default_rng(index + self.random_offset)
        channels, height, width = self.image_size
        pixels = rng.integers(0, 256, (height, width, channels), np.uint8)
        label = int(rng.integers(0, self.num_classes))
        return self._finished(pixels[:, :, 0] if channels == 1 else pixels, label)
