"""Data sets, transforms and grids under torchvision's names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tricord import torch, torchvision
from tricord.errors import ArgumentError, ShapeError
from tricord.torch.utils.data import DataLoader
from tricord.torchvision import datasets, transforms


def test_mnist_is_a_dataset_of_pictures_and_labels(data_folder: Path) -> None:
    both = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    test = datasets.MNIST(root="data", train=False, download=True, transform=both)
    image, label = test[0]
    assert image.shape == (1, 28, 28) and image.dtype == torch.float32 and label == 7
    assert -1 <= image.min().item() < image.max().item() <= 1
    assert len(test) == 10_000 and test.targets[:4].tolist() == [7, 2, 1, 0]
    images, labels = next(iter(DataLoader(test, batch_size=4)))
    assert images.shape == (4, 1, 28, 28) and labels.tolist() == [7, 2, 1, 0]
    assert "Number of datapoints: 10000" in repr(test)


def test_a_target_transform_and_no_transform(data_folder: Path) -> None:
    test = datasets.MNIST(train=False, target_transform=lambda label: -label)
    picture, label = test[0]
    assert np.asarray(picture).shape == (28, 28) and label == -7


def test_cifar10_has_classes(data_folder: Path) -> None:
    test = datasets.CIFAR10(root="data", train=False, transform=transforms.ToTensor())
    image, label = test[0]
    assert image.shape == (3, 32, 32) and test.classes[label] in test.class_to_idx
    assert test.data.shape[1:] == (32, 32, 3)


def test_fake_data_repeats() -> None:
    made = datasets.FakeData(5, (1, 4, 4), transform=transforms.ToTensor())
    assert made[2][0].shape == (1, 4, 4)
    assert torch.equal(made[2][0], made[2][0]) and not torch.equal(made[1][0], made[2][0])
    with pytest.raises(IndexError):
        made[5]


def test_a_grid_places_pictures_row_by_row_in_a_frame() -> None:
    pictures = torch.stack([torch.full((1, 2, 3), float(i + 1)) for i in range(3)])
    grid = torchvision.utils.make_grid(pictures, nrow=2, padding=1, pad_value=9.0)
    assert grid.shape == (3, 2 * 3 + 1, 2 * 4 + 1)
    assert grid[0, :, 0].tolist() == [9.0] * 7
    assert grid[0, 1].tolist() == [9.0, 1.0, 1.0, 1.0, 9.0, 2.0, 2.0, 2.0, 9.0]
    assert grid[2, 4].tolist() == [9.0, 3.0, 3.0, 3.0, 9.0, 9.0, 9.0, 9.0, 9.0]


def test_a_grid_may_be_scaled_to_0_and_1() -> None:
    grid = torchvision.utils.make_grid(torch.arange(8.0).reshape(2, 1, 2, 2), padding=0,
                                       normalize=True)
    assert grid.min().item() == 0.0 and grid.max().item() == 1.0
    with pytest.raises(ShapeError, match="expected pictures"):
        torchvision.utils.make_grid(torch.ones(1, 1, 1, 1, 1))


def test_what_is_not_there_names_the_way_out() -> None:
    with pytest.raises(AttributeError, match=r"torch\.nn\.Sequential"):
        _ = torchvision.models
    with pytest.raises(ArgumentError, match="imsave"):
        torchvision.utils.save_image(torch.ones(3, 2, 2), "x.png")
