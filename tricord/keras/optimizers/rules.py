"""Keras's optimizers: names, defaults and the order of their state; the arithmetic is shared."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ArgumentError
from ...optim.adadelta import AdadeltaOptions, adadelta
from ...optim.adagrad import AdagradOptions, adagrad
from ...optim.adam import AdamOptions, adam
from ...optim.adamax import AdamaxOptions, adamax
from ...optim.ftrl import FtrlOptions, ftrl
from ...optim.lamb import LambOptions, lamb
from ...optim.lion import LionOptions, lion
from ...optim.nadam import NAdamOptions, nadam
from ...optim.rmsprop import RMSpropOptions, rmsprop
from ...optim.sgd import SGDOptions, sgd
from ..variable import Variable
from .optimizer import Optimizer

__all__ = ["SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion",
           "Nadam", "RMSprop"]


def _common(self: Any, *names: str) -> dict[str, Any]:
    return {**Optimizer.get_config(self), **{n: getattr(self, n) for n in names}}


class SGD(Optimizer):
    """``velocity = momentum * velocity - rate * g``, ``v += velocity``."""

    rule = sgd
    slot_names = ("momentum",)

    def __init__(self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False,
                 weight_decay: float | None = None, clipnorm: float | None = None,
                 clipvalue: float | None = None, global_clipnorm: float | None = None,
                 use_ema: bool = False, ema_momentum: float = 0.99,
                 ema_overwrite_frequency: int | None = None,
                 loss_scale_factor: float | None = None,
                 gradient_accumulation_steps: int | None = None, name: str | None = None,
                 **kwargs: Any):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm,
                         use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor,
                         gradient_accumulation_steps, name, **kwargs)
        if not isinstance(momentum, (int, float)) or not 0 <= momentum <= 1:
            raise ArgumentError("`momentum` must be a float between [0, 1].")
        self.momentum = momentum
        self.nesterov = nesterov

    def _options(self) -> Any:
        return SGDOptions(momentum=self.momentum, nesterov=self.nesterov, rate_in_velocity=True)

    def get_config(self) -> dict[str, Any]:
        return _common(self, "momentum", "nesterov")


class Adam(Optimizer):
    """Adaptive moments; epsilon stands beside the root of the uncorrected second moment."""

    rule = adam
    slot_names = ("momentum", "velocity", "velocity_hat")
    paired = 2

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999,
                 epsilon: float = 1e-7, amsgrad: bool = False, weight_decay: float | None = None,
                 clipnorm: float | None = None, clipvalue: float | None = None,
                 global_clipnorm: float | None = None, use_ema: bool = False,
                 ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
                 loss_scale_factor: float | None = None,
                 gradient_accumulation_steps: int | None = None, name: str | None = None,
                 **kwargs: Any):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm,
                         use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor,
                         gradient_accumulation_steps, name, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = 1e-7 if epsilon is None else epsilon
        self.amsgrad = amsgrad

    def _options(self) -> Any:
        return AdamOptions(betas=(self.beta_1, self.beta_2), eps=self.epsilon,
                           amsgrad=self.amsgrad, epsilon_hat=True)

    def get_config(self) -> dict[str, Any]:
        return _common(self, "beta_1", "beta_2", "epsilon", "amsgrad")


class AdamW(Adam):
    """Adam with decoupled weight decay."""

    def __init__(self, learning_rate: Any = 0.001, weight_decay: float = 0.004,
                 beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
                 amsgrad: bool = False, clipnorm: float | None = None,
                 clipvalue: float | None = None, global_clipnorm: float | None = None,
                 use_ema: bool = False, ema_momentum: float = 0.99,
                 ema_overwrite_frequency: int | None = None,
                 loss_scale_factor: float | None = None,
                 gradient_accumulation_steps: int | None = None, name: str | None = None,
                 **kwargs: Any):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, clipnorm,
                         clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps,
                         name, **kwargs)
        if self.weight_decay is None:
            raise ArgumentError("Argument `weight_decay` must be a float. Received: "
                                "weight_decay=None")


class _Betas(Optimizer):
    """Two betas and an epsilon."""

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999,
                 epsilon: float = 1e-7, weight_decay: float | None = None,
                 clipnorm: float | None = None, clipvalue: float | None = None,
                 global_clipnorm: float | None = None, use_ema: bool = False,
                 ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
                 loss_scale_factor: float | None = None,
                 gradient_accumulation_steps: int | None = None, name: str | None = None,
                 **kwargs: Any):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm,
                         use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor,
                         gradient_accumulation_steps, name, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = 1e-7 if epsilon is None else epsilon

    def get_config(self) -> dict[str, Any]:
        return _common(self, "beta_1", "beta_2", "epsilon")


class Adamax(_Betas):
    """Adam whose second moment is a decaying maximum."""

    rule = adamax
    slot_names = ("momentum", "norm")

    def _options(self) -> Any:
        return AdamaxOptions(betas=(self.beta_1, self.beta_2), eps=self.epsilon,
                             epsilon_after_max=True)


class Nadam(_Betas):
    """Adam with Nesterov's momentum."""

    rule = nadam
    slot_names = ("momentum", "velocity")

    def _options(self) -> Any:
        return NAdamOptions(betas=(self.beta_1, self.beta_2), eps=self.epsilon,
                            momentum_decay=1.0)

    def _extra_variables(self) -> list[Any]:
        dtype = str(self._trained[0].dtype) if self._trained else "float32"
        return [Variable(np.asarray(self._numbers[1]), dtype=dtype, trainable=False,
                         name="u_product")]

    def _take_extra(self, values: Any) -> None:
        self._numbers = (self._numbers[0], float(np.asarray(values[0])))


class Lamb(_Betas):
    """Adam whose steps have the size of the weights."""

    rule = lamb
    slot_names = ("momentum", "velocity")

    def _options(self) -> Any:
        return LambOptions(betas=(self.beta_1, self.beta_2), eps=self.epsilon)


class RMSprop(Optimizer):
    """The gradient divided by a running root mean square of itself."""

    rule = rmsprop
    paired = 0

    def __init__(self, learning_rate: Any = 0.001, rho: float = 0.9, momentum: float = 0.0,
                 epsilon: float = 1e-7, centered: bool = False, weight_decay: float | None = None,
                 clipnorm: float | None = None, clipvalue: float | None = None,
                 global_clipnorm: float | None = None, use_ema: bool = False,
                 ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
                 loss_scale_factor: float | None = None,
                 gradient_accumulation_steps: int | None = None, name: str | None = None,
                 **kwargs: Any):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm,
                         use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor,
                         gradient_accumulation_steps, name, **kwargs)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = 1e-7 if epsilon is None else epsilon
        self.centered = centered
        self.slot_names = ("velocity", *["momentum"] * (momentum > 0),
                           *["average_gradient"] * bool(centered))

    def _options(self) -> Any:
        return RMSpropOptions(alpha=self.rho, eps=self.epsilon, momentum=self.momentum,
                              centered=self.centered, epsilon_in_root=True, rate_in_velocity=True)

    def get_config(self) -> dict[str, Any]:
        return _common(self, "rho", "momentum", "epsilon", "centered")


class Adagrad(Optimizer):
    """The gradient divided by the root of the sum of all its squares."""

    rule = adagrad
    slot_names = ("accumulator",)

    def __init__(self, learning_rate: Any = 0.001, initial_accumulator_value: float = 0.1,
                 epsilon: float = 1e-7, weight_decay: float | None = None,
                 clipnorm: float | None = None, clipvalue: float | None = None,
                 global_clipnorm: float | None = None, use_ema: bool = False,
                 ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
                 loss_scale_factor: float | None = None,
                 gradient_accumulation_steps: int | None = None, name: str | None = None,
                 **kwargs: Any):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm,
                         use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor,
                         gradient_accumulation_steps, name, **kwargs)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = 1e-7 if epsilon is None else epsilon

    def _options(self) -> Any:
        return AdagradOptions(eps=self.epsilon, epsilon_in_root=True,
                              initial_accumulator_value=self.initial_accumulator_value)

    def get_config(self) -> dict[str, Any]:
        return _common(self, "initial_accumulator_value", "epsilon")


class Adadelta(Optimizer):
    """Steps in the units of the weights."""

    rule = adadelta
    slot_names = ("accumulated_grad", "accumulated_delta_var")

    def __init__(self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7,
                 weight_decay: float | None = None, clipnorm: float | None = None,
                 clipvalue: float | None = None, global_clipnorm: float | None = None,
                 use_ema: bool = False, ema_momentum: float = 0.99,
                 ema_overwrite_frequency: int | None = None,
                 loss_scale_factor: float | None = None,
                 gradient_accumulation_steps: int | None = None, name: str | None = None,
                 **kwargs: Any):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm,
                         use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor,
                         gradient_accumulation_steps, name, **kwargs)
        self.rho = rho
        self.epsilon = 1e-7 if epsilon is None else epsilon

    def _options(self) -> Any:
        return AdadeltaOptions(rho=self.rho, eps=self.epsilon)

    def get_config(self) -> dict[str, Any]:
        return _common(self, "rho", "epsilon")


class Ftrl(Optimizer):
    """Per-element rates with a penalty that makes weights exactly zero."""

    rule = ftrl
    slot_names = ("accumulator", "linear")

    def __init__(self, learning_rate: Any = 0.001, learning_rate_power: float = -0.5,
                 initial_accumulator_value: float = 0.1, l1_regularization_strength: float = 0.0,
                 l2_regularization_strength: float = 0.0,
                 l2_shrinkage_regularization_strength: float = 0.0, beta: float = 0.0,
                 weight_decay: float | None = None, clipnorm: float | None = None,
                 clipvalue: float | None = None, global_clipnorm: float | None = None,
                 use_ema: bool = False, ema_momentum: float = 0.99,
                 ema_overwrite_frequency: int | None = None,
                 loss_scale_factor: float | None = None,
                 gradient_accumulation_steps: int | None = None, name: str | None = None,
                 **kwargs: Any):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm,
                         use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor,
                         gradient_accumulation_steps, name, **kwargs)
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta

    def _options(self) -> Any:
        return FtrlOptions(self.learning_rate_power, self.initial_accumulator_value,
                           self.l1_regularization_strength, self.l2_regularization_strength,
                           self.l2_shrinkage_regularization_strength, self.beta)

    def get_config(self) -> dict[str, Any]:
        return _common(self, "learning_rate_power", "initial_accumulator_value",
                       "l1_regularization_strength", "l2_regularization_strength",
                       "l2_shrinkage_regularization_strength", "beta")


class Lion(Optimizer):
    """The sign of an interpolated momentum."""

    rule = lion
    slot_names = ("momentum",)

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.99,
                 weight_decay: float | None = None, clipnorm: float | None = None,
                 clipvalue: float | None = None, global_clipnorm: float | None = None,
                 use_ema: bool = False, ema_momentum: float = 0.99,
                 ema_overwrite_frequency: int | None = None,
                 loss_scale_factor: float | None = None,
                 gradient_accumulation_steps: int | None = None, name: str | None = None,
                 **kwargs: Any):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm,
                         use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor,
                         gradient_accumulation_steps, name, **kwargs)
        if beta_1 <= 0 or beta_1 > 1:
            raise ArgumentError("Argument `beta_1` must be in the [0, 1] range. Otherwise, the "
                                f"optimizer degenerates to SignSGD. Received: beta_1={beta_1}.")
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    def _options(self) -> Any:
        return LionOptions(betas=(self.beta_1, self.beta_2))

    def get_config(self) -> dict[str, Any]:
        return _common(self, "beta_1", "beta_2")
