"""Maxima and means over windows, or over all of space."""

from __future__ import annotations

from typing import Any

from ...functions import masked
from ...functions import pooling as composites
from ...ir.node import Node
from ...ir.ops.movement import move_axis
from ...tensor import record
from .. import config
from ..input_spec import InputSpec
from .base import Layer
from .standard import one_of, several

__all__ = ["AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D",
           "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D",
           "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "GlobalAveragePooling1D",
           "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalMaxPooling1D",
           "GlobalMaxPooling2D", "GlobalMaxPooling3D", "MaxPooling1D", "MaxPooling2D",
           "MaxPooling3D"]


class _Spatial(Layer):
    """Input with ``rank`` axes of space, in a layout."""

    rank = 0

    def _keep_layout(self, data_format: str | None) -> None:
        self.data_format = config.standardize_data_format(data_format)
        self.layout = "N*C" if self.data_format == "channels_last" else "NC*"
        self.input_spec = InputSpec(ndim=self.rank + 2)


class _Pooling(_Spatial):
    """Shapes:  (N, *, C) -> (N, *, C), one result per window"""

    def _keep_windows(self, pool_size: Any, strides: Any, padding: str,
                      data_format: str | None) -> None:
        self.pool_size = several("pool_size", pool_size, self.rank)
        self.strides = (self.pool_size if strides is None
                        else several("strides", strides, self.rank))
        self.padding = one_of("padding", padding, ("valid", "same"))
        self._keep_layout(data_format)


class _MaxPooling(_Pooling):
    """The maximum of each window."""

    def __init__(self, pool_size: Any = 2, strides: Any = None, padding: str = "valid",
                 data_format: str | None = None, name: str | None = None, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self._keep_windows(pool_size, strides, padding, data_format)

    def call(self, inputs: Any) -> Any:
        return record(composites.max_pool, (inputs,), (
            self.rank, self.pool_size, self.strides, self.padding, 1, False, self.layout))


class MaxPooling1D(_MaxPooling):
    """The maximum of each window of one axis."""

    rank = 1


class MaxPooling2D(_MaxPooling):
    """The maximum of each window of an image.

    >>> import numpy as np
    >>> MaxPooling2D()(np.arange(16.0).reshape(1, 4, 4, 1)).numpy().ravel().tolist()
    [5.0, 7.0, 13.0, 15.0]
    """

    rank = 2


class MaxPooling3D(_MaxPooling):
    """The maximum of each window of a volume."""

    rank = 3


class _AveragePooling(_Pooling):
    """The mean of each window; padding is not counted."""

    def __init__(self, pool_size: Any, strides: Any = None, padding: str = "valid",
                 data_format: str | None = None, name: str | None = None, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self._keep_windows(pool_size, strides, padding, data_format)

    def call(self, inputs: Any) -> Any:
        return record(composites.avg_pool, (inputs,), (
            self.rank, self.pool_size, self.strides, self.padding, False, False, None,
            self.layout))


class AveragePooling1D(_AveragePooling):
    """The mean of each window of one axis."""

    rank = 1


class AveragePooling2D(_AveragePooling):
    """The mean of each window of an image."""

    rank = 2


class AveragePooling3D(_AveragePooling):
    """The mean of each window of a volume."""

    rank = 3


# ---- all of space

class _GlobalPooling(_Spatial):
    """Shapes:  (N, *, C) -> (N, C), or with ``keepdims`` (N, 1..., C)"""

    _kind = ""

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.keepdims = keepdims
        self._keep_layout(data_format)

    def call(self, inputs: Any) -> Any:
        return record(composites.global_pool, (inputs,), (self._kind, self.keepdims, self.layout))


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean over time; steps that a mask leaves out are not counted."""

    rank = 1
    _kind = "avg"

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any):
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return super().call(inputs)
        return record(masked.mean_of_kept, (inputs, mask),
                      (1 if self.layout == "N*C" else 2, self.keepdims))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None


class GlobalAveragePooling2D(_GlobalPooling):
    """The mean over an image."""

    rank = 2
    _kind = "avg"


class GlobalAveragePooling3D(_GlobalPooling):
    """The mean over a volume."""

    rank = 3
    _kind = "avg"


class GlobalMaxPooling1D(_GlobalPooling):
    """The maximum over time."""

    rank = 1
    _kind = "max"


class GlobalMaxPooling2D(_GlobalPooling):
    """The maximum over an image."""

    rank = 2
    _kind = "max"


class GlobalMaxPooling3D(_GlobalPooling):
    """The maximum over a volume."""

    rank = 3
    _kind = "max"


# ---- to a size

def _last(composite: Any) -> Any:
    """The composite for channels that come last."""
    def moved(x: Node, count: int, size: Any) -> Node:
        return move_axis(composite(move_axis(x, x.ndim - 1, 1), count, size), 1, x.ndim - 1)

    return moved


class _AdaptivePooling(_Spatial):
    """As many equal windows as the result is to have elements.

    Shapes:  (N, *, C) -> (N, *output_size, C)
    """

    #: the composites for channels first and last
    _composites: tuple[Any, Any]

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.output_size = several("output_size", output_size, self.rank)
        self._keep_layout(data_format)

    def call(self, inputs: Any) -> Any:
        return record(self._composites[self.layout == "N*C"], (inputs,),
                      (self.rank, self.output_size))


class AdaptiveAveragePooling1D(_AdaptivePooling):
    """Means over windows of one axis."""

    rank = 1
    _composites = (composites.adaptive_avg_pool, _last(composites.adaptive_avg_pool))


class AdaptiveAveragePooling2D(AdaptiveAveragePooling1D):
    """Means over windows of an image."""

    rank = 2


class AdaptiveAveragePooling3D(AdaptiveAveragePooling1D):
    """Means over windows of a volume."""

    rank = 3


class AdaptiveMaxPooling1D(_AdaptivePooling):
    """Maxima over windows of one axis."""

    rank = 1
    _composites = (composites.adaptive_max_pool, _last(composites.adaptive_max_pool))


class AdaptiveMaxPooling2D(AdaptiveMaxPooling1D):
    """Maxima over windows of an image."""

    rank = 2


class AdaptiveMaxPooling3D(AdaptiveMaxPooling1D):
    """Maxima over windows of a volume."""

    rank = 3
