"""Compose, ToTensor and Normalize as torchvision documents them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch


class Compose:
    def __init__(self, transforms: Sequence[Callable[[Any], Any]]):
        self.transforms = transforms

    def __call__(self, image: Any) -> Any:
        for transform in self.transforms:
            image = transform(image)
        return image


class ToTensor:
    """(H, W, C) or (H, W) bytes to (C, H, W) floats in 0..1."""

    def __call__(self, image: Any) -> Any:
        pixels = np.asarray(image)
        if pixels.ndim == 2:
            pixels = pixels[:, :, None]
        return torch.from_numpy(pixels.transpose(2, 0, 1).copy()).to(torch.float32) / 255


class Normalize:
    def __init__(self, mean: Sequence[float], std: Sequence[float]):
        self.mean, self.std = mean, std

    def __call__(self, tensor: Any) -> Any:
        mean, std = torch.tensor(self.mean), torch.tensor(self.std)
        return (tensor - mean[:, None, None]) / std[:, None, None]
