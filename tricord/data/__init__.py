"""Data sets, samplers and loaders; the real data sets that tricord knows; simple preprocessing."""

from .blood_cells import BloodCells
from .collate import default_collate, default_convert
from .dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
    train_validation_split,
)
from .loader import DataLoader
from .normalize import MinMax, Standardize
from .real import (
    CIFAR10_CLASSES,
    HOUSING_FEATURES,
    Series,
    load_airline_passengers,
    load_cifar10_subset,
    load_digits,
    load_housing,
    load_min_temperatures,
    load_mnist,
    load_movie_reviews,
    load_tinyshakespeare,
)
from .sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from .seeds import default_seed, sample_rng, seed_source
from .sources import SOURCES, DownloadError, read_source
from .steps import EpochStream, known_length, require_batches
from .worker import WorkerInfo, get_worker_info

__all__ = [
    "CIFAR10_CLASSES",
    "HOUSING_FEATURES",
    "SOURCES",
    "BatchSampler",
    "BloodCells",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "DownloadError",
    "EpochStream",
    "IterableDataset",
    "MinMax",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "Series",
    "StackDataset",
    "Standardize",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "WorkerInfo",
    "default_collate",
    "default_convert",
    "default_seed",
    "get_worker_info",
    "known_length",
    "load_airline_passengers",
    "load_cifar10_subset",
    "load_digits",
    "load_housing",
    "load_min_temperatures",
    "load_mnist",
    "load_movie_reviews",
    "load_tinyshakespeare",
    "random_split",
    "read_source",
    "require_batches",
    "sample_rng",
    "seed_source",
    "train_validation_split",
]
