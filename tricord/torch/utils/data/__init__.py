"""``torch.utils.data``: tricord's data sets, samplers and loaders, which follow PyTorch's."""

from __future__ import annotations

from ....data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    default_convert,
    get_worker_info,
    random_split,
)
from ..._names import unknown_name as _unknown_name
from . import dataloader, dataset, sampler

__all__ = ["BatchSampler", "ChainDataset", "ConcatDataset", "DataLoader", "Dataset",
           "IterableDataset", "RandomSampler", "Sampler", "SequentialSampler", "StackDataset",
           "Subset", "SubsetRandomSampler", "TensorDataset", "WeightedRandomSampler", "dataloader",
           "dataset", "default_collate", "default_convert", "get_worker_info", "random_split",
           "sampler"]

__getattr__ = _unknown_name("torch.utils.data", lambda: __all__, {
    "DistributedSampler": "RandomSampler: there is one process"})
