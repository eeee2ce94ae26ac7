"""Initial values of weights. The distributions are Keras's; the random numbers are our own."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..random import Generator, default_generator
from ..tensor.aside import aside
from ..tensor.recorder import value_of, wrap
from . import config
from ._arguments import Checked
from ._lookup import getter, serialize
from .saving.registry import register_builtins

__all__ = ["Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity",
           "IdentityInitializer", "Initializer", "LecunNormal", "LecunUniform", "Ones",
           "Orthogonal", "OrthogonalInitializer", "RandomNormal", "RandomUniform",
           "TruncatedNormal", "VarianceScaling", "Zeros", "deserialize", "get", "serialize"]


class Initializer(metaclass=Checked):
    """Base class: ``initializer(shape, dtype)`` gives a tensor."""

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        raise NotImplementedError("Initializer subclasses must implement `__call__()`.")

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)

    def clone(self) -> Any:
        """An equal initializer."""
        return type(self).from_config(self.get_config())


def _full(shape: Any, value: Any, dtype: Any) -> Any:
    return wrap(np.full(tuple(shape), value, _numpy_dtype(dtype)))


def _numpy_dtype(dtype: Any) -> Any:
    return config.as_dtype(config.standardize_dtype(dtype)).numpy


class Zeros(Initializer):
    """All zero."""

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return _full(shape, 0, dtype)


class Ones(Initializer):
    """All one."""

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return _full(shape, 1, dtype)


class Constant(Initializer):
    """One value everywhere, or an array that broadcasts."""

    def __init__(self, value: Any = 0.0):
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return _full(shape, np.asarray(self.value), dtype)

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}


class Identity(Initializer):
    """``gain`` on the diagonal of a matrix, zero elsewhere."""

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        if len(shape) != 2:
            raise ShapeError("Identity matrix initializer can only be used for 2D matrices. "
                             f"Received: shape={tuple(shape)} of rank {len(shape)}.")
        return wrap((self.gain * np.eye(*shape)).astype(_numpy_dtype(dtype)))

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}


IdentityInitializer = Identity


def fresh_seed() -> int:
    """A seed that depends on this thread's generator alone, which it moves on."""
    generator = default_generator()
    generator.next_key()
    text = f"{generator.initial_seed()}/{generator.draws}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=4).digest(), "little") >> 1


class _Random(Initializer):
    """Calling it twice gives the same numbers, as in Keras."""

    def __init__(self, seed: Any = None):
        self._init_seed = seed
        self.seed = fresh_seed() if seed is None else seed

    def _generator(self) -> Generator:
        if hasattr(self.seed, "next_generator"):
            return self.seed.next_generator()
        return Generator(int(self.seed))

    def _uniform(self, shape: Any, low: float, high: float, dtype: Any) -> Any:
        with aside():
            drawn = self._generator().uniform(tuple(shape), float(low), float(high))
            return wrap(value_of(drawn).astype(_numpy_dtype(dtype), copy=False))

    def _normal(self, shape: Any, mean: float, stddev: float, dtype: Any,
                truncated: bool = False) -> Any:
        with aside():
            generator = self._generator()
            drawn = (generator.truncated_normal(tuple(shape)) if truncated
                     else generator.normal(tuple(shape)))
            value = value_of(drawn) * np.float32(stddev) + np.float32(mean)
            return wrap(value.astype(_numpy_dtype(dtype), copy=False))


class RandomUniform(_Random):
    """Uniform in [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None):
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return self._uniform(shape, self.minval, self.maxval, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self._init_seed, "minval": self.minval, "maxval": self.maxval}


class RandomNormal(_Random):
    """Normal with this mean and deviation."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None):
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return self._normal(shape, self.mean, self.stddev, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self._init_seed, "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomNormal):
    """Normal, drawn again beyond two deviations."""

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return self._normal(shape, self.mean, self.stddev, dtype, truncated=True)


class VarianceScaling(_Random):
    """Spread such that the variance of a layer's output is ``scale`` times that of its input.

    Source: Glorot and Bengio 2010; He et al. 2015
    """

    def __init__(self, scale: float = 1.0, mode: str = "fan_in",
                 distribution: str = "truncated_normal", seed: Any = None, input_axes: Any = None,
                 output_axes: Any = None):
        if scale <= 0.0:
            raise ArgumentError(f"Argument `scale` must be positive float. Received: scale={scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ArgumentError(f"Invalid `mode` argument: {mode}. Please use one of fan_in, "
                                "fan_out, fan_avg")
        distribution = distribution.lower()
        if distribution == "normal":
            distribution = "truncated_normal"
        if distribution not in ("uniform", "truncated_normal", "untruncated_normal"):
            raise ArgumentError(f"Invalid `distribution` argument: {distribution}. Please use one "
                                "of uniform, truncated_normal, untruncated_normal")
        super().__init__(seed)
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        fan_in, fan_out = _fans(tuple(shape), self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return self._uniform(shape, -limit, limit, dtype)
        if self.distribution == "untruncated_normal":
            return self._normal(shape, 0.0, math.sqrt(variance), dtype)
        # A normal cut off at two deviations has this deviation itself.
        return self._normal(shape, 0.0, math.sqrt(variance) / 0.87962566103423978, dtype, True)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self._init_seed, "scale": self.scale, "mode": self.mode,
                "distribution": self.distribution, "input_axes": self.input_axes,
                "output_axes": self.output_axes}


def _fans(shape: tuple[int, ...], input_axes: Any, output_axes: Any) -> tuple[float, float]:
    """How many inputs an output has, and the other way round, for a weight of this shape."""
    if input_axes is not None and output_axes is not None:
        rest = math.prod(n for i, n in enumerate(shape)
                         if i not in (*input_axes, *output_axes))
        return (math.prod(shape[i] for i in input_axes) * rest,
                math.prod(shape[i] for i in output_axes) * rest)
    if len(shape) < 1:
        return 1, 1
    if len(shape) == 1:
        return shape[0], shape[0]
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


class _Named(VarianceScaling):
    _settings: tuple[float, str, str] = (1.0, "fan_in", "truncated_normal")

    def __init__(self, seed: Any = None, input_axes: Any = None, output_axes: Any = None):
        super().__init__(*self._settings, seed=seed, input_axes=input_axes, output_axes=output_axes)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self._init_seed, "input_axes": self.input_axes,
                "output_axes": self.output_axes}


class GlorotUniform(_Named):
    """Uniform within ``sqrt(6 / (fan_in + fan_out))``; also called Xavier."""

    _settings = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Named):
    """Truncated normal of deviation ``sqrt(2 / (fan_in + fan_out))``."""

    _settings = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Named):
    """Uniform within ``sqrt(6 / fan_in)``."""

    _settings = (2.0, "fan_in", "uniform")


class HeNormal(_Named):
    """Truncated normal of deviation ``sqrt(2 / fan_in)``."""

    _settings = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Named):
    """Uniform within ``sqrt(3 / fan_in)``."""

    _settings = (1.0, "fan_in", "uniform")


class LecunNormal(_Named):
    """Truncated normal of deviation ``sqrt(1 / fan_in)``."""

    _settings = (1.0, "fan_in", "truncated_normal")


class Orthogonal(_Random):
    """An orthogonal matrix times ``gain``; leading axes are taken together.

    Source: Saxe et al. 2013
    """

    def __init__(self, gain: float = 1.0, seed: Any = None):
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        if len(shape) < 2:
            raise ShapeError("The tensor to initialize must be at least two-dimensional. "
                             f"Received: shape={tuple(shape)} of rank {len(shape)}.")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        drawn = value_of(self._normal((max(rows, columns), min(rows, columns)), 0.0, 1.0,
                                      "float64"))
        q, r = np.linalg.qr(drawn)
        # Signs are made unique, so that the distribution is uniform over orthogonal matrices.
        q = q * np.sign(np.diagonal(r))
        q = q.T if rows < columns else q
        return wrap((self.gain * q).reshape(tuple(shape)).astype(_numpy_dtype(dtype)))

    def get_config(self) -> dict[str, Any]:
        return {"seed": self._init_seed, "gain": self.gain}


OrthogonalInitializer = Orthogonal
uniform, normal = RandomUniform, RandomNormal

_CLASSES = [Zeros, Ones, Constant, Identity, RandomUniform, RandomNormal, TruncatedNormal,
            VarianceScaling, GlorotUniform, GlorotNormal, HeUniform, HeNormal, LecunUniform,
            LecunNormal, Orthogonal]
register_builtins("initializers", {c.__name__: c for c in _CLASSES} | {
    "OrthogonalInitializer": Orthogonal, "IdentityInitializer": Identity,
    "Initializer": Initializer})

get, deserialize, aliases = getter("initializers", "initializer", {
    "one": Ones, "zero": Zeros, "uniform": RandomUniform, "normal": RandomNormal,
    "glorotuniform": GlorotUniform, "xavier_uniform": GlorotUniform})
globals().update(aliases)
