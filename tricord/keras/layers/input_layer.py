"""Where data enter a functional model."""

from __future__ import annotations

from typing import Any

from ...errors import ArgumentError
from .. import config
from .._arguments import checked
from ..graph import KerasTensor, Node
from .base import Layer

__all__ = ["Input", "InputLayer"]


class InputLayer(Layer):
    """The start of a graph: a symbolic tensor of a given shape."""

    def __init__(self, shape: Any = None, batch_size: int | None = None, dtype: Any = None,
                 sparse: bool | None = None, ragged: bool | None = None, batch_shape: Any = None,
                 input_tensor: Any = None, optional: bool = False, name: str | None = None,
                 **kwargs: Any):
        kwargs.pop("trainable", None)
        if "input_shape" in kwargs:
            shape = kwargs.pop("input_shape")
        if "batch_input_shape" in kwargs:
            batch_shape = kwargs.pop("batch_input_shape")
        super().__init__(name=name, **kwargs)
        if shape is not None and batch_shape is not None:
            raise ArgumentError("You cannot pass both `shape` and `batch_shape` at the same time.")
        if isinstance(shape, int):
            shape = (shape,)
        if shape is None and batch_shape is None:
            if input_tensor is None:
                raise ArgumentError("You must pass a `shape` argument.", hint="shape=(784,)")
            batch_shape = input_tensor.shape
        self.batch_shape = (tuple(batch_shape) if batch_shape is not None
                            else (batch_size, *tuple(shape)))
        self._dtype = config.standardize_dtype(dtype)
        self.sparse, self.ragged, self.optional = bool(sparse), bool(ragged), optional
        tensor = input_tensor if input_tensor is not None else KerasTensor(
            self.batch_shape, self._dtype, name=self.name)
        Node(self, (), {}, tensor, is_input=True)
        self.built = True

    def call(self) -> Any:
        """Nothing to compute."""

    @property
    def dtype(self) -> str:
        return self._dtype

    def get_config(self) -> dict[str, Any]:
        return {"batch_shape": list(self.batch_shape), "dtype": self._dtype, "sparse": self.sparse,
                "ragged": self.ragged, "name": self.name, "optional": self.optional}

    def get_build_config(self) -> None:
        return None


@checked
def Input(shape: Any = None, batch_size: int | None = None, dtype: Any = None,
          sparse: bool | None = None, ragged: bool | None = None, batch_shape: Any = None,
          name: str | None = None, tensor: Any = None, optional: bool = False) -> Any:
    """A symbolic tensor: the input of a functional model. ``shape`` leaves out the batch axis.

    >>> Input((28, 28)).shape
    (None, 28, 28)
    """
    layer = InputLayer(shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional,
                       name)
    return layer._inbound_nodes[0].outputs[0]
