"""Layers that add noise in training, and a penalty on activities."""

from __future__ import annotations

from typing import Any

from ...errors import ArgumentError
from ...functions import dropout as composites
from ...functions import noise
from ...random import Generator, default_generator
from ...tensor import record
from .. import config, regularizers
from ..input_spec import InputSpec
from ..saving.serialization import plain_config
from .base import Layer
from .standard import number

__all__ = ["ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout",
           "GaussianNoise", "Randomised", "SpatialDropout1D", "SpatialDropout2D",
           "SpatialDropout3D"]


class Randomised(Layer):
    """A layer that draws: from a generator of its own if it has a seed, else from the thread's."""

    def _keep_seed(self, seed: Any) -> None:
        self.seed = seed
        self._generator = None if seed is None else Generator(int(seed))
        self.supports_masking = True

    def _draw(self) -> tuple[Any, int]:
        """The key operand and the ordinal of the next draw."""
        return (self._generator or default_generator()).next_key()


def _noise_shape(shape: Any) -> tuple[int | None, ...] | None:
    if shape is None:
        return None
    sizes = tuple(shape) if hasattr(shape, "__iter__") and not isinstance(shape, str) else ()
    if not sizes or any(n is not None and (not isinstance(n, int) or n <= 0) for n in sizes):
        raise ArgumentError("Invalid value received for argument `noise_shape`. Expected a tuple "
                            f"or list of positive integers or None. Received: noise_shape={shape}")
    return sizes


class Dropout(Randomised):
    """In training each element is zero with probability ``rate``, the others are divided by the
    probability that they stay.

    >>> import numpy as np
    >>> Dropout(0.5)(np.ones((1, 3))).numpy().tolist()
    [[1.0, 1.0, 1.0]]
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None,
                 **kwargs: Any):
        super().__init__(**kwargs)
        self.rate = number("rate", rate, 0, 1)
        self.noise_shape = _noise_shape(noise_shape)
        self._keep_seed(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or not self.rate:
            return inputs
        shape = self.noise_shape
        if shape is not None:
            shape = tuple([n if k is None else k for k, n in zip(shape, inputs.shape)])
        key, ordinal = self._draw()
        return record(composites.dropout, (inputs, key), (ordinal, float(self.rate), shape))


class _SpatialDropout(Randomised):
    """Whole channels are dropped: neighbours in space tell too much of each other."""

    rank = 0

    def _keep(self, rate: float, seed: int | None, data_format: str | None) -> None:
        self.rate = number("rate", rate, 0, 1)
        self._channels_last = config.standardize_data_format(data_format) == "channels_last"
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self._keep_seed(seed)

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), **plain_config(self._settings())}
        del config["trainable"]  # no argument of it in Keras
        return config

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or not self.rate:
            return inputs
        batch, *rest = inputs.shape
        ones = (1,) * self.rank
        shape = (batch, *ones, rest[-1]) if self._channels_last else (batch, rest[0], *ones)
        key, ordinal = self._draw()
        return record(composites.dropout, (inputs, key), (ordinal, float(self.rate), shape))


class SpatialDropout1D(_SpatialDropout):
    """Whole channels of (N, L, C) are dropped."""

    rank = 1

    def __init__(self, rate: float, seed: int | None = None, name: str | None = None,
                 dtype: Any = None, **kwargs: Any):
        super().__init__(name=name, dtype=dtype, **kwargs)
        self._keep(rate, seed, "channels_last")


class SpatialDropout2D(_SpatialDropout):
    """Whole channels of images are dropped."""

    rank = 2

    def __init__(self, rate: float, data_format: str | None = None, seed: int | None = None,
                 name: str | None = None, dtype: Any = None, **kwargs: Any):
        super().__init__(name=name, dtype=dtype, **kwargs)
        self._keep(rate, seed, data_format)
        self.data_format = config.standardize_data_format(data_format)


class SpatialDropout3D(SpatialDropout2D):
    """Whole channels of volumes are dropped."""

    rank = 3


class AlphaDropout(Randomised):
    """Dropout to SELU's lowest value that keeps mean and variance."""

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None,
                 **kwargs: Any):
        super().__init__(**kwargs)
        self.rate = number("rate", rate, 0, 1)
        self.noise_shape = _noise_shape(noise_shape)
        self._keep_seed(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or not self.rate:
            return inputs
        key, ordinal = self._draw()
        if self.noise_shape is None:
            return record(composites.alpha_dropout, (inputs, key), (ordinal, float(self.rate)))
        shape = tuple([n if k is None else k for k, n in zip(self.noise_shape, inputs.shape)])
        return record(noise.alpha_dropped, (inputs, key), (ordinal, float(self.rate), shape))


class GaussianDropout(Randomised):
    """In training multiplied by normal noise of mean 1."""

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.rate = number("rate", rate, 0, 1)
        if rate == 1:
            raise ArgumentError("GaussianDropout: with rate=1 the noise would be infinite")
        self._keep_seed(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or not self.rate:
            return inputs
        key, ordinal = self._draw()
        return record(noise.gaussian_dropped, (inputs, key), (ordinal, float(self.rate)))


class GaussianNoise(Randomised):
    """In training normal noise of mean 0 is added."""

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.stddev = number("stddev", stddev, 0, 1)
        self._keep_seed(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or not self.stddev:
            return inputs
        key, ordinal = self._draw()
        return record(noise.noisy, (inputs, key), (ordinal, float(self.stddev)))


class ActivityRegularization(Layer):
    """The input itself; its absolute values and squares are added to the loss."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any):
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.supports_masking = True
        self.l1 = l1
        self.l2 = l2

    def call(self, inputs: Any) -> Any:
        return inputs
