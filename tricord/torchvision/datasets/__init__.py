"""``torchvision.datasets``: MNIST, and the part of CIFAR-10 that tricord has."""

from __future__ import annotations

from ...torch._names import unknown_name as _unknown_name
from .pictures import CIFAR10, MNIST, FakeData, VisionDataset

__all__ = ["CIFAR10", "MNIST", "FakeData", "VisionDataset"]

__getattr__ = _unknown_name("torchvision.datasets", lambda: __all__, {
    "FashionMNIST": "torchvision.datasets.MNIST; other files are read with "
                    "tricord.serialize.load_idx",
    "ImageFolder": "a torch.utils.data.Dataset of your own over PIL.Image.open"})
