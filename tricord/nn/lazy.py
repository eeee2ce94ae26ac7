"""Layers that learn their number of input features from the first input.

Their parameters exist from the start, empty, so that an optimizer may be given them; the first call
fills the same objects and turns the layer into the ordinary one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError, StateError
from ..tensor import Parameter
from .convolution import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from .linear import Linear
from .module import Module
from .normalization import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
)

__all__ = [
    "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyConv1d", "LazyConv2d",
    "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d",
    "LazyInstanceNorm1d", "LazyInstanceNorm2d", "LazyInstanceNorm3d", "LazyLinear",
    "UninitializedParameter",
]


class UninitializedParameter(Parameter):
    """A parameter whose shape is not known yet."""

    def __repr__(self) -> str:
        return "<UninitializedParameter>"


class _Lazy(Module):
    """``cls_to_become`` is the layer it turns into; the axis is where its features are."""

    cls_to_become: type[Module]
    _axis = 1
    _arguments: tuple[tuple[Any, ...], dict[str, Any]]

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__()
        self._arguments = (args, kwargs)
        # A stand-in with as few features as can be shows which members there will be.
        features = kwargs.get("groups", 1)
        for name, value in vars(self.cls_to_become(features, *args, **kwargs)).items():
            if isinstance(value, Parameter):
                value = UninitializedParameter(np.zeros(0, value.dtype.numpy))
            setattr(self, name, value)

    def has_uninitialized_params(self) -> bool:
        """Whether the first call is still to come."""
        return True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.materialize(args[0])
        return self(*args, **kwargs)  # an ordinary layer by now

    def materialize(self, input: Any) -> None:
        """Take the sizes from an input, and become the ordinary layer."""
        axis = self._axis if self._axis < 0 else self._axis - (
            input.ndim < getattr(self.cls_to_become, "spatial", 0) + 2)
        if not -input.ndim <= axis < input.ndim:
            raise ShapeError(f"{type(self).__name__}: an input of shape {tuple(input.shape)} has "
                             "no axis of features")
        args, kwargs = self._arguments
        made = self.cls_to_become(input.shape[axis], *args, **kwargs)
        training = self.training
        for name, value in vars(made).items():
            own = vars(self).get(name)
            if isinstance(value, Parameter) and isinstance(own, UninitializedParameter):
                own._value, own._type = value._value, value._type
                own._node = own._segment = None
                own.__class__ = Parameter
            else:
                setattr(self, name, value)
        self.training = training
        del self._arguments
        self.__class__ = self.cls_to_become

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Refused: there is no state yet."""
        raise StateError(f"{type(self).__name__}: there is no state before the first call",
                         hint="call the model once on an input")


class LazyLinear(_Lazy):
    """`Linear` without ``in_features``."""

    cls_to_become = Linear
    _axis = -1


class LazyConv1d(_Lazy):
    """`Conv1d` without ``in_channels``."""

    cls_to_become = Conv1d


class LazyConv2d(_Lazy):
    """`Conv2d` without ``in_channels``."""

    cls_to_become = Conv2d


class LazyConv3d(_Lazy):
    """`Conv3d` without ``in_channels``."""

    cls_to_become = Conv3d


class LazyConvTranspose1d(_Lazy):
    """`ConvTranspose1d` without ``in_channels``."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_Lazy):
    """`ConvTranspose2d` without ``in_channels``."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_Lazy):
    """`ConvTranspose3d` without ``in_channels``."""

    cls_to_become = ConvTranspose3d


class LazyBatchNorm1d(_Lazy):
    """`BatchNorm1d` without ``num_features``."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_Lazy):
    """`BatchNorm2d` without ``num_features``."""

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_Lazy):
    """`BatchNorm3d` without ``num_features``."""

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_Lazy):
    """`InstanceNorm1d` without ``num_features``."""

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_Lazy):
    """`InstanceNorm2d` without ``num_features``."""

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_Lazy):
    """`InstanceNorm3d` without ``num_features``."""

    cls_to_become = InstanceNorm3d
