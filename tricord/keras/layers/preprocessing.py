"""Scaling, normalising, binning and encoding of inputs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...errors import ArgumentError, EmptyDataError, NotSupportedError, ShapeError, StateError
from ...functions import binning
from ...ir.dtypes import as_dtype
from ...nn.functional._record import record_some
from ...tensor import record
from ...tensor.handle import Handle
from ...tensor.recorder import value_of, wrap
from .. import config
from ..saving.serialization import plain_config
from .base import Layer
from .standard import one_of

__all__ = ["CategoryEncoding", "Discretization", "Normalization", "Rescaling"]


def array_of(data: Any) -> Any:
    """A tensor's or array's numbers; None if the data are neither."""
    if isinstance(data, Handle):
        return np.asarray(value_of(data))
    return np.asarray(data) if hasattr(data, "__array__") else None


def batches_of(data: Any, steps: int | None = None) -> Iterable[Any]:
    """One array, or the arrays that a data set or list of batches gives (inputs only)."""
    whole = array_of(data)
    if whole is not None:
        return [whole]
    if isinstance(data, (str, bytes)) or (not hasattr(data, "__iter__") and not hasattr(
            data, "__getitem__")):
        raise ArgumentError(f"Unsupported data type: {type(data).__name__}. `adapt` takes an "
                            "array, a tensor, or an iterable of batches")
    return _listed(data, steps)


def _listed(data: Any, steps: int | None) -> Iterable[Any]:
    for place, batch in enumerate(data):
        if steps is not None and place >= steps:
            return
        batch = batch[0] if isinstance(batch, (tuple, list)) and len(batch) and (
            array_of(batch[0]) is not None) else batch
        yield np.asarray(array_of(batch) if array_of(batch) is not None else batch)


class Rescaling(Layer):
    """``x * scale + offset``.

    >>> import numpy as np
    >>> Rescaling(1 / 255)(np.array([[0, 255]], "uint8")).numpy().tolist()
    [[0.0, 1.0]]
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        dtype = as_dtype(self.compute_dtype)
        factors = [wrap(np.asarray(v, dtype.numpy)) for v in (self.scale, self.offset)]
        return record(binning.scaled, (inputs, *factors), (dtype,))


class Normalization(Layer):
    """``(x - mean) / sqrt(variance)``, one mean and variance per index of ``axis``.

    They are given, or found by ``adapt(data)``. ``axis=None`` has one of each for all.
    """

    def __init__(self, axis: Any = -1, mean: Any = None, variance: Any = None,
                 invert: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        if (mean is None) != (variance is None):
            raise ArgumentError("When setting values directly, both `mean` and `variance` must be "
                                f"set. Received: mean={mean} and variance={variance}")
        self.input_mean, self.input_variance = mean, variance
        if mean is not None and np.shape(mean) != np.shape(variance):
            raise ShapeError("When setting values directly, `mean` and `variance` must have the "
                             f"same shape. Received: mean shape {np.shape(mean)} and variance "
                             f"shape {np.shape(variance)}")
        self.invert = invert
        self.supports_masking = True
        self._fixed: Any = None

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        if any(not -rank <= a < rank for a in self.axis):
            raise ShapeError("All `axis` values must be in the range [-ndim, ndim). Received "
                             f"inputs with ndim={rank}, while axis={self.axis}")
        self._kept = tuple(sorted(a % rank for a in self.axis))
        sizes = tuple(input_shape[a] for a in self._kept)
        if None in sizes:
            raise ShapeError("All `axis` values to be kept must have a known shape. Received "
                             f"axis={self.axis}, inputs.shape={tuple(input_shape)}")
        if self.input_mean is None:
            self.adapt_mean = self.add_weight(sizes, "zeros", name="mean", trainable=False)
            self.adapt_variance = self.add_weight(sizes, "ones", name="variance", trainable=False)
            self.count = self.add_weight((), "zeros", dtype="int32", name="count",
                                         trainable=False)
        else:
            dtype = as_dtype(self.compute_dtype).numpy
            self._fixed = [wrap(np.array(np.broadcast_to(np.asarray(v, dtype), sizes)))
                           for v in (self.input_mean, self.input_variance)]

    @property
    def mean(self) -> Any:
        """The mean in use."""
        return self._fixed[0] if self._fixed is not None else self.adapt_mean

    @property
    def variance(self) -> Any:
        """The variance in use."""
        return self._fixed[1] if self._fixed is not None else self.adapt_variance

    def adapt(self, data: Any) -> None:
        """Find mean and variance of the data: an array, or batches of them."""
        if self.input_mean is not None:
            raise StateError(f'layer "{self.name}": `mean` and `variance` were given, there is '
                             "nothing to adapt", hint="Normalization() without them")
        total, mean, spread = 0, np.zeros(()), np.zeros(())
        for batch in batches_of(data):
            if not self.built:
                self.build((None, *batch.shape[1:]))
            if [batch.shape[a] for a in self._kept] != list(self.adapt_mean.shape):
                raise ShapeError(f'layer "{self.name}" was built for sizes '
                                 f"{tuple(self.adapt_mean.shape)} on axis {self.axis}, but adapt() "
                                 f"is being called with data of shape {batch.shape}")
            others = tuple(a for a in range(batch.ndim) if a not in self._kept)
            # Chan et al. 1983: moments of a union from those of its parts.
            wide = batch.astype(np.float64)
            now, own = wide.mean(others), wide.var(others)
            share = (batch.size // max(now.size, 1)) / (total + batch.size // max(now.size, 1))
            apart = now - mean
            mean = mean + apart * share
            spread = spread * (1 - share) + own * share + apart * apart * share * (1 - share)
            total += batch.size // max(now.size, 1)
        if not total:
            raise EmptyDataError("adapt() received no data. Expected at least one batch.")
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(spread)

    def call(self, inputs: Any) -> Any:
        return record(binning.standardised, (inputs, self.mean, self.variance), (
            self._kept, config.epsilon(), bool(self.invert), as_dtype(self.compute_dtype)))

    def _settings(self) -> dict[str, Any]:
        return {"axis": self.axis, "invert": self.invert,
                "mean": np.array(self.input_mean).tolist(),
                "variance": np.array(self.input_variance).tolist()}


class _Encoding(Layer):
    """Whole numbers out, or rows that say which of them occurred."""

    _casts_inputs = False

    def _keep_output(self, mode: str, known: tuple[str, ...], sparse: bool) -> None:
        self.output_mode = one_of("output_mode", mode, known)
        self.sparse = sparse
        if sparse:
            raise NotSupportedError(f"{type(self).__name__}: sparse=True is not offered",
                                    hint="sparse=False gives the same numbers")


class CategoryEncoding(_Encoding):
    """Whole numbers below ``num_tokens`` as rows: ``one_hot``, ``multi_hot`` or ``count``."""

    _not_settings = ("sparse",)

    def __init__(self, num_tokens: int | None = None, output_mode: str = "multi_hot",
                 sparse: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        if num_tokens is None or num_tokens < 1:
            raise ArgumentError("num_tokens must be set to use this layer, to 1 or more. Received: "
                                f"num_tokens={num_tokens}.",
                                hint="IntegerLookup finds the tokens itself")
        self.num_tokens = num_tokens
        self._keep_output("multi_hot" if output_mode == "binary" else output_mode,
                          ("count", "one_hot", "multi_hot"), sparse)

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        return record_some(binning.encoded, (inputs, count_weights), (
            self.output_mode, int(self.num_tokens), as_dtype(self.compute_dtype)))


class Discretization(_Encoding):
    """Numbers as the number of the bin they fall into.

    Boundaries are given, or ``adapt(data)`` finds them so that ``num_bins`` bins hold about as
    many elements each.
    """

    def __init__(self, bin_boundaries: Any = None, num_bins: int | None = None,
                 epsilon: float = 0.01, output_mode: str = "int", sparse: bool = False,
                 dtype: Any = None, name: str | None = None, **kwargs: Any):
        self._is_default = dtype is None
        super().__init__(name=name, dtype=dtype if dtype is None or "float" in str(dtype)
                         else None, **kwargs)
        if (bin_boundaries is None) == (num_bins is None):
            raise ArgumentError("You need to set either `bin_boundaries` or `num_bins`. Received: "
                                f"bin_boundaries={bin_boundaries} and num_bins={num_bins}")
        if num_bins is not None and num_bins < 0:
            raise ArgumentError("`num_bins` must be greater than or equal to 0. Received: "
                                f"`num_bins={num_bins}`")
        self.bin_boundaries = None if bin_boundaries is None else sorted(
            float(b) for b in bin_boundaries)
        self.num_bins = num_bins
        self.epsilon = epsilon
        self._keep_output(output_mode, ("int", "one_hot", "multi_hot", "count"), sparse)
        if dtype is not None and not self._is_default and "float" not in str(dtype):
            self._output_dtype = str(dtype)
        else:
            self._output_dtype = "int64" if output_mode == "int" else self.compute_dtype

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Find the boundaries in the data."""
        if self.num_bins is None:
            raise StateError("Cannot adapt a Discretization layer that has been initialized with "
                             "`bin_boundaries`, use `num_bins` instead.")
        values = [np.asarray(b, np.float32).ravel() for b in batches_of(data, steps)]
        if not sum(v.size for v in values):
            raise EmptyDataError("adapt() received no data. Expected at least one batch.")
        ordered = np.sort(np.concatenate(values))
        shares = np.arange(1, self.num_bins) / self.num_bins
        seen = np.arange(1, ordered.size + 1) / ordered.size
        self.bin_boundaries = np.interp(shares, seen, ordered).tolist()

    def call(self, inputs: Any) -> Any:
        if self.bin_boundaries is None:
            raise StateError("You need to either pass the `bin_boundaries` argument at "
                             "construction time or call `adapt(dataset)` before you can start "
                             "using the `Discretization` layer.")
        found = record(binning.binned, (inputs,), (tuple(self.bin_boundaries),))
        return record_some(binning.encoded, (found, None), (
            self.output_mode, len(self.bin_boundaries) + 1, as_dtype(self._output_dtype)))

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), **plain_config(self._settings())}
        del config["trainable"]
        return {**config, "dtype": self._output_dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        config = dict(config)
        if config.get("bin_boundaries") is not None and config.get("num_bins") is not None:
            boundaries = config.pop("bin_boundaries")  # it was adapted
            made = super().from_config(config)
            made.bin_boundaries = boundaries
            return made
        return super().from_config(config)
