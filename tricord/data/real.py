"""The real data sets as arrays. ``load_digits`` is in the package; the others are fetched once."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..serialize.idx_file import load_idx
from ..serialize.npz_file import load_npz
from .seeds import Purpose, permutation
from .sources import read_source

__all__ = [
    "CIFAR10_CLASSES",
    "HOUSING_FEATURES",
    "Series",
    "load_airline_passengers",
    "load_cifar10_subset",
    "load_digits",
    "load_housing",
    "load_min_temperatures",
    "load_mnist",
    "load_movie_reviews",
    "load_tinyshakespeare",
]

Part = tuple[np.ndarray, np.ndarray]

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer",
                   "dog", "frog", "horse", "ship", "truck")
HOUSING_FEATURES = ("CRIM", "ZN", "INDUS", "CHAS", "NOX", "RM", "AGE",
                    "DIS", "RAD", "TAX", "PTRATIO", "B", "LSTAT")


def load_digits() -> tuple[Part, Part]:
    """1 797 handwritten digits of 8 x 8 pixels; part of the package, needs no network.

    Shapes:  images (1438, 8, 8) and (359, 8, 8), labels (1438,) and (359,)
    Dtypes:  images float32 in 0..1, labels int64
    Source:  E. Alpaydin and C. Kaynak, UCI repository, CC BY 4.0 (see README.md in this folder)

    >>> (x_train, y_train), (x_test, y_test) = load_digits()
    >>> x_train.shape, x_test.shape, int(y_train[0])
    ((1438, 8, 8), (359, 8, 8), 9)
    """
    arrays = _digits_file()
    return tuple(  # type: ignore[return-value]
        (arrays[f"x_{part}"].astype(np.float32) / 16, arrays[f"y_{part}"].astype(np.int64))
        for part in ("train", "test"))


@lru_cache(maxsize=1)
def _digits_file() -> dict[str, np.ndarray]:
    return load_npz(Path(__file__).with_name("digits.npz"))


def load_mnist() -> tuple[Part, Part]:
    """60 000 + 10 000 handwritten digits of 28 x 28 pixels.

    Shapes:  images (n, 28, 28), labels (n,)
    Dtypes:  images uint8 in 0..255, labels int64
    Raises:  DownloadError if the files are not at hand and cannot be fetched
    """
    def part(prefix: str) -> Part:
        images = load_idx(io.BytesIO(read_source(f"mnist/{prefix}-images-idx3-ubyte.gz")))
        labels = load_idx(io.BytesIO(read_source(f"mnist/{prefix}-labels-idx1-ubyte.gz")))
        return images, labels.astype(np.int64)

    return part("train"), part("t10k")


def load_cifar10_subset() -> tuple[Part, Part]:
    """10 000 + 2 000 colour photographs of 32 x 32 pixels in ten classes (``CIFAR10_CLASSES``).

    Shapes:  images (n, 32, 32, 3), channels last; labels (n,)
    Dtypes:  images uint8 in 0..255, labels int64
    """
    arrays = load_npz(io.BytesIO(read_source("cifar10_subset.npz")))
    return ((arrays["x_train"], arrays["y_train"].astype(np.int64)),
            (arrays["x_test"], arrays["y_test"].astype(np.int64)))


def load_housing(test_split: float = 0.2, seed: int = 113) -> tuple[Part, Part]:
    """506 districts of Boston: 13 features (``HOUSING_FEATURES``) and the price in 1000 dollars.

    Shapes:  features (n, 13), prices (n,); float32. Shuffled by ``seed``, then split.
    """
    text = read_source("housing.data").decode("ascii")
    table = np.array(text.split(), np.float64).reshape(-1, 14).astype(np.float32)
    table = table[permutation(len(table), seed, Purpose.SPLIT)]
    kept = len(table) - int(len(table) * test_split)
    return ((table[:kept, :13], table[:kept, 13]), (table[kept:, :13], table[kept:, 13]))


def load_tinyshakespeare() -> str:
    """1.1 million characters of Shakespeare's plays, for models of text."""
    return read_source("tinyshakespeare.txt").decode("ascii")


def load_movie_reviews() -> tuple[list[str], np.ndarray]:
    """10 662 sentences of film reviews, and whether they praise: label 1 (int64), else 0.

    The 5 331 negative ones come first; split them with ``stratify=labels``.
    """
    negative, positive = (
        [line.strip() for line in read_source(f"rt-polarity.{end}").decode("latin-1").split("\n")
         if line.strip()] for end in ("neg", "pos"))
    labels = np.repeat(np.array([0, 1], np.int64), [len(negative), len(positive)])
    return negative + positive, labels


@dataclass(frozen=True)
class Series:
    """A time series: dates as ``numpy.datetime64``, values as float32."""

    dates: np.ndarray
    values: np.ndarray


def _series(name: str) -> Series:
    rows = [line.replace('"', "").split(",")
            for line in read_source(name).decode("ascii").splitlines()[1:] if line.strip()]
    return Series(np.array([row[0] for row in rows], "datetime64"),
                  np.array([row[1] for row in rows], np.float64).astype(np.float32))


def load_airline_passengers() -> Series:
    """144 months, 1949 to 1960: airline passengers in thousands."""
    return _series("airline-passengers.csv")


def load_min_temperatures() -> Series:
    """3 650 days, 1981 to 1990: the lowest temperature in Melbourne in degrees Celsius."""
    return _series("daily-min-temperatures.csv")
