"""Data sets: ``mnist.load_data()``. Files come from TRICORD_DATA, the cache, or their address."""

from . import boston_housing, mnist
from ._absent import AbsentDataset as _AbsentDataset

fashion_mnist = _AbsentDataset("fashion_mnist")
cifar10 = _AbsentDataset("cifar10", "tricord.data.load_cifar10_subset() has 12 000 of its images")
cifar100 = _AbsentDataset("cifar100")
imdb = _AbsentDataset("imdb", "tricord.data.load_movie_reviews() has 10 662 sentences of film "
                     "reviews")
reuters = _AbsentDataset("reuters")
california_housing = _AbsentDataset("california_housing", "keras.datasets.boston_housing, or "
                                   "sklearn.datasets.fetch_california_housing()")

__all__ = ["boston_housing", "california_housing", "cifar10", "cifar100", "fashion_mnist", "imdb",
           "mnist", "reuters"]
