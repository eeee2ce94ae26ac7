"""What a layer expects of its input, and the message when it gets something else."""

from __future__ import annotations

from typing import Any

from ..errors import ShapeError
from ._arguments import Checked
from .graph import known_shape, leaves_of

__all__ = ["InputSpec", "assert_compatible"]


class InputSpec(metaclass=Checked):
    """Rank, sizes of some axes, or the whole shape that a layer takes."""

    def __init__(self, dtype: Any = None, shape: Any = None, ndim: int | None = None,
                 max_ndim: int | None = None, min_ndim: int | None = None,
                 axes: dict[int, int | None] | None = None,
                 allow_last_axis_squeeze: bool = False, name: str | None = None,
                 optional: bool = False):
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(k): axes[k] for k in axes} if axes else {}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional

    def get_config(self) -> dict[str, Any]:
        return {"dtype": self.dtype, "shape": self.shape, "ndim": self.ndim,
                "max_ndim": self.max_ndim, "min_ndim": self.min_ndim, "axes": self.axes}

    def __repr__(self) -> str:
        facts = [f"{k}={v}" for k, v in self.get_config().items() if v]
        return f"InputSpec({', '.join(facts)})"


def assert_compatible(spec: Any, inputs: Any, layer_name: str) -> None:
    """Raise in Keras's words if the inputs do not fit the layer."""
    specs = leaves_of(spec)
    tensors = leaves_of(inputs)
    if len(tensors) != len(specs):
        raise ShapeError(f'Layer "{layer_name}" expects {len(specs)} input(s), but it received '
                         f"{len(tensors)} input tensors. Inputs received: "
                         f"{[tuple(getattr(t, 'shape', ())) for t in tensors]}")
    for index, (one, tensor) in enumerate(zip(specs, tensors, strict=True)):
        if one is None or (tensor is None and one.optional) or not hasattr(tensor, "shape"):
            continue
        problem = _problem(one, known_shape(tensor.shape))
        if problem:
            raise ShapeError(f'Input {index} of layer "{layer_name}" is incompatible with the '
                             f"layer: {problem}", hint=_hint(one, tuple(tensor.shape)))


def _problem(spec: InputSpec, shape: tuple[int | None, ...]) -> str | None:
    rank = len(shape)
    if spec.ndim is not None and rank != spec.ndim and not spec.allow_last_axis_squeeze:
        if spec.shape is not None:
            return f"expected shape={spec.shape}, found shape={shape}"
        return (f"expected ndim={spec.ndim}, found ndim={rank}. Full shape received: {shape}")
    if spec.max_ndim is not None and rank > spec.max_ndim:
        return f"expected max_ndim={spec.max_ndim}, found ndim={rank}"
    if spec.min_ndim is not None and rank < spec.min_ndim:
        return (f"expected min_ndim={spec.min_ndim}, found ndim={rank}. "
                f"Full shape received: {shape}")
    for axis, value in spec.axes.items():
        if value is not None and -rank <= axis < rank and shape[axis] not in (value, None):
            return (f"expected axis {axis} of input shape to have value {value}, but received "
                    f"input with shape {shape}")
    if spec.shape is not None and rank == len(spec.shape):
        for expected, got in zip(spec.shape, shape, strict=True):
            if expected is not None and got is not None and expected != got:
                return f"expected shape={spec.shape}, found shape={shape}"
    return None


def _hint(spec: InputSpec, shape: tuple[int | None, ...]) -> str | None:
    expected = spec.ndim or spec.min_ndim
    if expected is not None and len(shape) == expected - 1:
        return ("an axis is missing: x[None] adds the batch axis to one sample, "
                "np.expand_dims(x, -1) a channel axis")
    if spec.axes.get(-1) and None not in shape[1:]:
        size = 1
        for n in shape[1:]:
            size *= n or 1
        if size == spec.axes[-1] and len(shape) > 2:
            return "a Flatten layer in front makes one axis of all but the first"
    return None
