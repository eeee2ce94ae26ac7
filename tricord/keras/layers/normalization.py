"""Normalisation over batches, features and groups."""

from __future__ import annotations

from typing import Any

from ...errors import ArgumentError, NotSupportedError, ShapeError
from ...functions import batch_normalization as batch
from ...functions import normalization as composites
from ...functions.mixed import mixed
from ...functions.places import l2_normalize
from ...nn.functional._record import in_place, record_several, record_some
from ...tensor import record
from .. import config
from ..graph import is_tracing
from ..initializers import TruncatedNormal
from ..input_spec import InputSpec
from .base import Layer
from .standard import keep, weight
from .wrapper import Wrapper

__all__ = ["BatchNormalization", "GroupNormalization", "LayerNormalization", "RMSNormalization",
           "SpectralNormalization", "UnitNormalization"]

_layer_norm = mixed(composites.layer_norm)
_rms_norm = mixed(composites.rms_norm)
_l2_normalize = mixed(l2_normalize)


def _known(layer: Layer, input_shape: Any, axis: int) -> int:
    """The size of an axis, which must be known."""
    rank = len(input_shape)
    if not -rank <= axis < rank:
        raise ShapeError(f"Axis {axis} is out of bounds for input shape {tuple(input_shape)}. "
                         f"Received: axis={axis}")
    if input_shape[axis] is None:
        raise ShapeError(f'layer "{layer.name}": Axis {axis} of input tensor should have a defined '
                         f"dimension but the layer received an input with shape "
                         f"{tuple(input_shape)}.")
    return int(input_shape[axis])


def _axis(axis: Any) -> Any:
    if isinstance(axis, (list, tuple)):
        return list(axis)
    if isinstance(axis, int):
        return axis
    raise ArgumentError(f"Expected an int or a list/tuple of ints for the argument 'axis', but "
                        f"received: {axis!r}")


class BatchNormalization(Layer):
    """Features brought to mean 0 and variance 1 over the batch, then scaled and moved.

    In evaluation moving statistics are used: ``moving = moving * momentum + batch * (1 -
    momentum)``. A frozen layer (``trainable = False``) uses them in training as well.

    Shapes:  (*) -> (*); gamma, beta, moving_mean and moving_variance have the size of ``axis``
    """

    def __init__(self, axis: int = -1, momentum: float = 0.99, epsilon: float = 1e-3,
                 center: bool = True, scale: bool = True, beta_initializer: Any = "zeros",
                 gamma_initializer: Any = "ones", moving_mean_initializer: Any = "zeros",
                 moving_variance_initializer: Any = "ones", beta_regularizer: Any = None,
                 gamma_regularizer: Any = None, beta_constraint: Any = None,
                 gamma_constraint: Any = None, renorm: bool = False, renorm_clipping: Any = None,
                 renorm_momentum: float = 0.99, synchronized: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        if synchronized:
            raise NotSupportedError("Argument synchronized=True is not offered: a model is trained "
                                    "by one process")
        if isinstance(axis, (list, tuple)) and len(axis) == 1:
            axis = axis[0]  # files of Keras 2
        keep(self, axis=int(axis), momentum=float(momentum), epsilon=float(epsilon),
             center=center, scale=scale, beta_initializer=beta_initializer,
             gamma_initializer=gamma_initializer, beta_regularizer=beta_regularizer,
             moving_mean_initializer=moving_mean_initializer,
             moving_variance_initializer=moving_variance_initializer,
             gamma_regularizer=gamma_regularizer, beta_constraint=beta_constraint,
             gamma_constraint=gamma_constraint, renorm=renorm, renorm_clipping=renorm_clipping,
             renorm_momentum=renorm_momentum, synchronized=synchronized)
        self.supports_masking = True
        self.gamma: Any = None
        self.beta: Any = None
        self.moving_stddev: Any = None
        self.renorm_mean: Any = None
        self.renorm_stddev: Any = None
        bounds = dict(renorm_clipping or {})
        if renorm and set(bounds) - {"rmin", "rmax", "dmax"}:
            raise ArgumentError("Received invalid keys for `renorm_clipping` argument: "
                                f"{renorm_clipping}. Supported values: ['rmax', 'rmin', 'dmax'].")
        limits = (bounds.get("rmin"), bounds.get("rmax"), bounds.get("dmax")) if renorm else None
        self._spec = batch.BatchNorm(self.axis, self.momentum, self.epsilon, config.epsilon(),
                                     limits, renorm_momentum)

    def build(self, input_shape: Any) -> None:
        size = (_known(self, input_shape, self.axis),)
        if self.scale:
            self.gamma = weight(self, "gamma", size)
        if self.center:
            self.beta = weight(self, "beta", size)
        self.moving_mean = weight(self, "moving_mean", size, trainable=False)
        self.moving_variance = weight(self, "moving_variance", size, trainable=False)
        if self.renorm:
            self.moving_stddev = self._deviation("moving_stddev", size)
            self.renorm_mean = weight(self, "renorm_mean", size, "moving_mean", trainable=False)
            self.renorm_stddev = self._deviation("renorm_stddev", size)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size[0]})

    def _deviation(self, name: str, size: tuple[int, ...]) -> Any:
        """A statistic that starts at the root of the moving variance."""
        variable = weight(self, name, size, "moving_variance", trainable=False)
        variable.assign(variable.numpy() ** 0.5)
        return variable

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        mean, variance = self.moving_mean, self.moving_variance
        if not (training and self._trainable):
            return record_some(batch.steady_batch_norm,
                               (inputs, mean, variance, self.gamma, self.beta), (self._spec,))
        statistics = (mean, variance, self.moving_stddev, self.renorm_mean, self.renorm_stddev)
        result, *new = record_several(
            batch.kept_batch_norm,
            (inputs, mean, variance, self.gamma, self.beta, mask, *statistics[2:]), (self._spec,))
        if not is_tracing():
            for variable, value in zip(statistics, new, strict=False):
                in_place(variable, value)
        return result

    def _prepare_quick_calls(self, first: Any, args: Any, kwargs: Any) -> None:
        # An input with a mask never takes the quick way, so that this layer may take it.
        if self.activity_regularizer is None and len(args) == 1 and not is_tracing():
            object.__setattr__(self, "_seen", first._type)
            object.__setattr__(self, "_ready", True)


class LayerNormalization(Layer):
    """Each example brought to mean 0 and variance 1 over ``axis``, then scaled and moved."""

    def __init__(self, axis: Any = -1, epsilon: float = 1e-3, center: bool = True,
                 scale: bool = True, beta_initializer: Any = "zeros",
                 gamma_initializer: Any = "ones", beta_regularizer: Any = None,
                 gamma_regularizer: Any = None, beta_constraint: Any = None,
                 gamma_constraint: Any = None, **kwargs: Any):
        rms_scaling = kwargs.pop("rms_scaling", False)
        super().__init__(**kwargs)
        keep(self, axis=_axis(axis), epsilon=epsilon, center=center, scale=scale,
             rms_scaling=rms_scaling, beta_initializer=beta_initializer,
             gamma_initializer=gamma_initializer, beta_regularizer=beta_regularizer,
             gamma_regularizer=gamma_regularizer, beta_constraint=beta_constraint,
             gamma_constraint=gamma_constraint)
        self.supports_masking = True
        self.gamma: Any = None
        self.beta: Any = None

    def build(self, input_shape: Any) -> None:
        self.axis = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        sizes = tuple(_known(self, input_shape, a) for a in self.axis)
        if self.scale or self.rms_scaling:
            self.gamma = weight(self, "gamma", sizes)
        if self.center and not self.rms_scaling:
            self.beta = weight(self, "beta", sizes)
        self._static = (tuple(self.axis), float(self.epsilon))

    def call(self, inputs: Any) -> Any:
        if self.rms_scaling:
            return record_some(batch.variance_scaled, (inputs, self.gamma), self._static)
        return record_some(_layer_norm, (inputs, self.gamma, self.beta), self._static)

    def _settings(self) -> dict[str, Any]:
        return {**super()._settings(), "rms_scaling": self.rms_scaling}


def _grouped(x: Any, gamma: Any, beta: Any, groups: int, epsilon: float, axis: int) -> Any:
    return composites.group_norm(x, groups, gamma, beta, epsilon, axis)


_group_norm = mixed(_grouped)


class GroupNormalization(Layer):
    """Each group of channels of each example brought to mean 0 and variance 1, space included.

    ``groups=-1`` makes every channel a group (instance normalisation).
    """

    def __init__(self, groups: int = 32, axis: int = -1, epsilon: float = 1e-3,
                 center: bool = True, scale: bool = True, beta_initializer: Any = "zeros",
                 gamma_initializer: Any = "ones", beta_regularizer: Any = None,
                 gamma_regularizer: Any = None, beta_constraint: Any = None,
                 gamma_constraint: Any = None, **kwargs: Any):
        if not isinstance(groups, int) or (groups <= 0 and groups != -1):
            raise ArgumentError(
                "Received an invalid value for argument `groups`, expected a positive integer (or "
                f"`-1` for instance normalization). Received: groups={groups}")
        super().__init__(**kwargs)
        keep(self, groups=groups, axis=axis, epsilon=epsilon, center=center, scale=scale,
             beta_initializer=beta_initializer, gamma_initializer=gamma_initializer,
             beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer,
             beta_constraint=beta_constraint, gamma_constraint=gamma_constraint)
        self.supports_masking = True
        self.gamma: Any = None
        self.beta: Any = None

    def build(self, input_shape: Any) -> None:
        size = _known(self, input_shape, self.axis)
        if self.groups == -1:
            self.groups = size
        if size < self.groups:
            raise ShapeError(f"Number of groups ({self.groups}) cannot be more than the number of "
                             f"channels ({size}).")
        if size % self.groups:
            raise ShapeError(f"Number of groups ({self.groups}) must be a divisor of the number of "
                             f"channels ({size}).")
        if self.scale:
            self.gamma = weight(self, "gamma", (size,))
        if self.center:
            self.beta = weight(self, "beta", (size,))
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})
        self._static = (self.groups, float(self.epsilon), self.axis)

    def call(self, inputs: Any) -> Any:
        return record_some(_group_norm, (inputs, self.gamma, self.beta), self._static)


class RMSNormalization(Layer):
    """``x / sqrt(mean(x**2) + epsilon) * scale``, the mean over ``axis`` of each example."""

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        self.axis = sorted(self.axis) if isinstance(self.axis, (list, tuple)) else [self.axis]
        self.scale = self.add_weight(tuple(_known(self, input_shape, a) for a in self.axis),
                                     "ones", name="scale")
        self._static = (tuple(self.axis), float(self.epsilon))

    def call(self, x: Any) -> Any:
        return record(_rms_norm, (x, self.scale), self._static)


class UnitNormalization(Layer):
    """Each example divided by its length along ``axis``."""

    def __init__(self, axis: Any = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = _axis(axis)
        self.supports_masking = True
        self._static = (tuple(axis) if isinstance(axis, (list, tuple)) else axis, 1e-24)

    def call(self, inputs: Any) -> Any:
        return record(_l2_normalize, (inputs,), self._static)


class SpectralNormalization(Wrapper):
    """A layer whose kernel is divided by its largest singular value at every training step."""

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any):
        super().__init__(layer, **kwargs)
        if power_iterations <= 0:
            raise ArgumentError("`power_iterations` should be greater than zero. Received: "
                                f"`power_iterations={power_iterations}`")
        self.power_iterations = power_iterations

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        kernel = getattr(self.layer, "kernel", None)
        if kernel is None:
            kernel = getattr(self.layer, "embeddings", None)
        if kernel is None:
            raise ArgumentError(f"{type(self.layer).__name__} object has no attribute 'kernel' nor "
                                "'embeddings'")
        self.kernel = kernel
        self.vector_u = self.add_weight((1, kernel.shape[-1]), TruncatedNormal(stddev=0.02),
                                        trainable=False, name="vector_u")

    def normalized_weights(self) -> tuple[Any, Any]:
        """The next ``vector_u`` and the kernel divided by its largest singular value."""
        kernel, u = record_several(batch.spectral_norm, (self.kernel, self.vector_u),
                                   (self.power_iterations,))
        return u, kernel

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training and not is_tracing():
            u, kernel = self.normalized_weights()
            self.vector_u.assign(u)
            self.kernel.assign(kernel)
        return self.layer(inputs)
