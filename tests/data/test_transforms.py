"""Transforms of images, against Pillow and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tricord.data import DataLoader, Dataset
from tricord.data import transforms as T
from tricord.data.seeds import SampleContext, current_sample
from tricord.errors import ArgumentError, NotSupportedError, ShapeError
from tricord.tensor import Tensor, tensor


@pytest.fixture
def photo(rng):
    return rng.integers(0, 256, (11, 8, 3)).astype(np.uint8)


@pytest.fixture
def sample():
    """Random transforms draw from the generator of one sample."""
    token = current_sample.set(SampleContext(0, 0, 0))
    yield
    current_sample.reset(token)


def test_to_tensor_moves_channels_and_scales_bytes(photo):
    image = T.ToTensor()(photo)
    assert isinstance(image, Tensor) and image.shape == (3, 11, 8)
    np.testing.assert_array_equal(
        image.numpy(), photo.transpose(2, 0, 1).astype(np.float32) / np.float32(255))
    assert T.ToTensor()(photo[:, :, 0]).shape == (1, 11, 8)
    assert T.ToTensor()(photo.astype(np.float32)).numpy().max() > 1


def test_to_tensor_takes_pil_images(photo):
    image = pytest.importorskip("PIL.Image").fromarray(photo)
    np.testing.assert_array_equal(T.ToTensor()(image).numpy(), T.ToTensor()(photo).numpy())


def test_normalize_is_per_channel(photo):
    mean, std = (0.1, 0.2, 0.3), (1.0, 2.0, 4.0)
    image = T.ToTensor()(photo)
    expected = (image.numpy() - np.float32(mean)[:, None, None]) / np.float32(std)[:, None, None]
    result = T.Compose([T.ToTensor(), T.Normalize(mean, std)])(photo)
    assert isinstance(result, Tensor) and result.numpy().dtype == np.float32
    np.testing.assert_array_equal(result.numpy(), expected)


@pytest.mark.parametrize(("size", "shape"), [((5, 13), (5, 13)), (4, (5, 4)), ((22, 4), (22, 4)),
                                             (16, (22, 16))])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_resizing_is_that_of_pillow(photo, size, shape, mode):
    images = pytest.importorskip("PIL.Image")
    result = T.Resize(size, mode)(photo)
    assert result.shape == (*shape, 3) and result.dtype == np.uint8
    expected = np.asarray(images.fromarray(photo).resize(
        shape[::-1], images.Resampling.BILINEAR if mode == "bilinear"
        else images.Resampling.NEAREST))
    # Pillow rounds between its two passes.
    assert np.abs(result.astype(int) - expected).max() <= (1 if mode == "bilinear" else 0)


@pytest.mark.peers("torch")
@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("size", [(5, 13), (22, 4)])
def test_resizing_tensors_is_that_of_pytorch(photo, size, antialias):
    torch = pytest.importorskip("torch")
    planes = photo.transpose(2, 0, 1).astype(np.float32)
    expected = torch.nn.functional.interpolate(
        torch.tensor(planes)[None], size, mode="bilinear", antialias=antialias)[0].numpy()
    result = T.Resize(size, antialias=antialias)(tensor(planes))
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-4, atol=1e-3)


def test_crops_and_padding(photo):
    assert (T.CenterCrop((5, 4))(photo) == photo[3:8, 2:6]).all()
    padded = T.Pad((1, 2, 3, 4), fill=7)(photo)
    assert padded.shape == (17, 12, 3) and (padded[2:13, 1:9] == photo).all()
    assert (padded[:2] == 7).all() and (padded[:, 9:] == 7).all()
    assert (T.Pad(2, padding_mode="reflect")(photo)[0, 2:-2] == photo[2]).all()
    assert T.CenterCrop(20)(photo).shape == (20, 20, 3)
    planes = T.ToTensor()(photo)
    assert (T.CenterCrop((5, 4))(planes).numpy() == planes.numpy()[:, 3:8, 2:6]).all()


@pytest.mark.usefixtures("sample")
def test_a_random_crop_is_a_window_and_reaches_every_place(photo):
    crop = T.RandomCrop((9, 7))
    windows = {photo[i:i + 9, j:j + 7].tobytes() for i in range(3) for j in range(2)}
    assert {crop(photo).tobytes() for _ in range(100)} == windows
    assert T.RandomCrop(12, pad_if_needed=True)(photo).shape == (12, 12, 3)
    assert T.RandomCrop((11, 8), padding=2)(photo).shape == photo.shape
    with pytest.raises(ShapeError, match=r"crop size \(12, 12\) is larger than input .*\(11, 8\)"):
        T.RandomCrop(12)(photo)


@pytest.mark.usefixtures("sample")
def test_flips_happen_as_often_as_asked(photo):
    for flip, turned in ((T.RandomHorizontalFlip, photo[:, ::-1]),
                         (T.RandomVerticalFlip, photo[::-1])):
        assert (flip(1.0)(photo) == turned).all() and (flip(0.0)(photo) == photo).all()
        half = flip()
        count = sum((half(photo) == turned).all() for _ in range(400))
        assert 150 < count < 250
    planes = T.ToTensor()(photo)
    assert (T.RandomHorizontalFlip(1.0)(planes).numpy() == planes.numpy()[..., ::-1]).all()


def test_outside_a_loader_random_transforms_vary_and_repeat(photo):
    def draws():
        flip = T.RandomHorizontalFlip()
        return [(flip(photo) == photo).all() for _ in range(40)]

    assert draws() == draws() and 5 < sum(draws()) < 35


class Photos(Dataset):
    transform = T.Compose([T.RandomCrop(4), T.RandomHorizontalFlip(), T.ToTensor()])

    def __len__(self):
        return 6

    def __getitem__(self, index):
        return self.transform(np.arange(108, dtype=np.uint8).reshape(6, 6, 3))


def test_in_a_loader_an_augmentation_belongs_to_the_sample():  # P6.2
    def epoch(**options):
        return np.concatenate([b.numpy() for b in DataLoader(Photos(), **options)])

    one = epoch(batch_size=2)
    assert (one == epoch(batch_size=3, prefetch=False)).all()
    assert len({image.tobytes() for image in one}) > 2


@pytest.mark.parametrize(("make", "error", "says"), [
    (lambda: T.ToTensor()(np.zeros(3)), ShapeError, "2 or 3 axes, got 1"),
    (lambda: T.Normalize([0], [0]), ArgumentError, "std evaluated to zero"),
    (lambda: T.Normalize([0], [1])(np.zeros((1, 2, 2), np.uint8)), ArgumentError, "got uint8"),
    (lambda: T.Normalize([0, 0], [1, 1])(np.zeros((3, 2, 2))), ShapeError, "2 means for 3"),
    (lambda: T.RandomHorizontalFlip(2), ArgumentError, "0 <= p <= 1"),
    (lambda: T.RandomCrop(0), ArgumentError, "positive size"),
    (lambda: T.Pad(1, padding_mode="wrap"), ArgumentError, "padding_mode"),
    (lambda: T.Resize(3, "bicubic"), NotSupportedError, "bilinear or nearest"),
    (lambda: T.Lambda(3), ArgumentError, "expected a function"),
])
def test_misuse_says_what_is_wrong(make, error, says):
    with pytest.raises(error, match=says):
        make()
