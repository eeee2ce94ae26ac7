"""``tf.data``: data sets as lazy pipelines."""

from __future__ import annotations

from types import SimpleNamespace

from .._names import public_names as _public_names
from .._names import unknown_name as _unknown_name
from .dataset import (
    AUTOTUNE,
    INFINITE_CARDINALITY,
    UNKNOWN_CARDINALITY,
    Dataset,
    NumpyIterator,
    Options,
    OwnedIterator,
)
from .graph_iterator import (
    Iterator,
    get_output_shapes,
    get_output_types,
    make_initializable_iterator,
    make_one_shot_iterator,
)

__all__ = ["AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "Dataset", "Iterator",
           "NumpyIterator", "Options", "OwnedIterator", "experimental", "get_output_shapes",
           "get_output_types", "make_initializable_iterator", "make_one_shot_iterator"]


def _cardinality(dataset: Dataset) -> object:
    """How many elements a data set has, -1 for infinitely many, -2 for unknown."""
    return dataset.cardinality()


experimental = SimpleNamespace(
    AUTOTUNE=AUTOTUNE, INFINITE_CARDINALITY=INFINITE_CARDINALITY,
    UNKNOWN_CARDINALITY=UNKNOWN_CARDINALITY, cardinality=_cardinality)

__getattr__ = _unknown_name(__name__, lambda: _public_names(globals()), {
    "TFRecordDataset": "tf.data.Dataset.from_generator", "TextLineDataset":
    "tf.data.Dataset.from_generator over the lines of a file",
    "FixedLengthRecordDataset": "numpy.fromfile and tf.data.Dataset.from_tensor_slices"})
