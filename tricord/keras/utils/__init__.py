"""Utilities."""

from __future__ import annotations

from typing import Any

from ...errors import ArgumentError, NotSupportedError
from ...random import manual_seed
from ...train.batches import BatchSequence
from ...train.progress import ProgressBar
from .._arguments import Checked, checked
from .._module import names_of
from .._names import reset_names
from ..config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
    standardize_dtype,
)
from ..graph import is_keras_tensor
from ..preprocessing.image import array_to_img, img_to_array, load_img, save_img
from ..saving.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from .arrays import (
    normalize,
    pad_sequences,
    split_dataset,
    timeseries_dataset_from_array,
    to_categorical,
)

__all__ = [
    "CustomObjectScope", "Progbar", "PyDataset", "Sequence", "array_to_img", "clear_session",
    "custom_object_scope", "deserialize_keras_object", "disable_interactive_logging",
    "enable_interactive_logging", "get_custom_objects", "get_file", "get_registered_name",
    "get_registered_object", "get_source_inputs", "img_to_array",
    "is_interactive_logging_enabled", "is_keras_tensor", "load_img", "model_to_dot", "normalize",
    "pack_x_y_sample_weight", "pad_sequences", "plot_model", "register_keras_serializable",
    "save_img", "serialize_keras_object", "set_random_seed", "split_dataset", "standardize_dtype",
    "timeseries_dataset_from_array", "to_categorical", "unpack_x_y_sample_weight"]


@checked
def set_random_seed(seed: int) -> None:
    """Start all random numbers of this thread from a seed: weights, dropout, shuffling."""
    if not isinstance(seed, int):
        raise ArgumentError(f"Expected `seed` argument to be an integer. Received: seed={seed} (of "
                            f"type {type(seed).__name__})")
    manual_seed(seed)


def clear_session(free_memory: bool = True) -> None:
    """Names are counted from the start again; models that are held stay as they are."""
    reset_names()


class PyDataset(BatchSequence, metaclass=Checked):
    """Batches by number: define ``__getitem__`` and ``__len__``.

    ``workers``, ``use_multiprocessing`` and ``max_queue_size`` are kept and change nothing.
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False,
                 max_queue_size: int = 10):
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    @property
    def num_batches(self) -> int:
        """The number of batches in an epoch."""
        return len(self)


Sequence = PyDataset


class Progbar(metaclass=Checked):
    """A progress bar for loops of one's own."""

    def __init__(self, target: int | None, width: int = 20, verbose: int = 1,
                 interval: float = 0.05, stateful_metrics: Any = None,
                 stateless_metrics: Any = None, unit_name: str = "step"):
        self.target = target
        self._bar = ProgressBar(verbose)
        self._bar.begin(target)

    def update(self, current: int, values: Any = None, finalize: bool | None = None) -> None:
        """Show how far it is."""
        logs = dict(values or [])
        self._bar.step = current - 1
        self._bar.advance(logs)
        if finalize or (finalize is None and self.target is not None and current >= self.target):
            self._bar.end(logs)

    def add(self, n: int, values: Any = None) -> None:
        """Show that so much more was done."""
        self.update(self._bar.step + n, values)


@checked
def plot_model(model: Any, to_file: str = "model.png", **kwargs: Any) -> Any:
    """Not offered: drawing needs graphviz; the table is at hand."""
    raise NotSupportedError("plot_model: drawing a model needs graphviz, which tricord does not "
                            "use", hint="model.summary(expand_nested=True)")


model_to_dot = plot_model


@checked
def get_file(fname: str | None = None, origin: str | None = None, **kwargs: Any) -> str:
    """Not offered: downloads need a known SHA-256."""
    raise NotSupportedError("get_file: tricord downloads only files whose SHA-256 it knows",
                            hint="download the file yourself, or use keras.datasets")


def get_source_inputs(tensor: Any) -> list[Any]:
    """The inputs that a symbolic tensor comes from."""
    found: list[Any] = []
    stack = [tensor]
    seen = set()
    while stack:
        t = stack.pop()
        history = t._keras_history
        if history is None or id(t) in seen:
            continue
        seen.add(id(t))
        node = history.operation._inbound_nodes[history.node_index]
        if node.is_input:
            found.append(t)
        stack.extend(reversed(node.inputs))
    return found


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """A batch as a tuple, what is None left out."""
    if y is None:
        return (x,) if isinstance(x, (tuple, list)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """A batch as (x, y, sample_weight)."""
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    return (*data, None, None)[:3]


__getattr__ = names_of(__name__, __all__, {
    "multi_gpu_model": "there is no graphics device",
    "image_dataset_from_directory": "use tricord.data with Pillow"})
