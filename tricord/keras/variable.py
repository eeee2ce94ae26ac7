"""keras.Variable: a parameter with Keras's attributes, one that can be assigned to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..functions.elementwise import cast
from ..ir import arithmetic as ar
from ..ir.dtypes import as_dtype
from ..tensor import Parameter, Tensor, record, recording_gradients
from ..tensor.aside import aside
from ..tensor.handle import Handle
from ..tensor.recorder import state, value_of, wrap
from ..tensor.views import replace
from . import config
from ._names import auto_name, current_path, to_snake_case

__all__ = ["Variable", "as_array", "structure"]


class _Structure:
    """Counts changes to any layer's tree or to what is trained, so that lists may be kept."""

    __slots__ = ("version",)

    def __init__(self) -> None:
        self.version = 0

    def changed(self) -> None:
        self.version += 1


structure = _Structure()


def as_array(value: Any, dtype: Any = None) -> np.ndarray[Any, Any]:
    """The numbers of whatever the user gave, as a numpy array; never a view on a tensor."""
    found = value_of(value) if isinstance(value, Handle) else np.asarray(value)
    wanted = None if dtype is None else as_dtype(dtype).numpy
    return np.array(found, dtype=wanted)


class Variable(Parameter):
    """A tensor with a name that layers and optimizers keep and change.

    ``initializer`` is a value, or a function of shape and dtype if ``shape`` is given.

    >>> v = Variable([1.0, 2.0], name="scale")
    >>> v.assign_add([1.0, 1.0]).numpy().tolist(), v.name, v.path
    ([2.0, 3.0], 'scale', 'scale')
    """

    def __init__(self, initializer: Any, shape: Any = None, dtype: Any = None,
                 trainable: bool = True, autocast: bool = True, aggregation: Any = "none",
                 synchronization: Any = "auto", name: str | None = None):
        if callable(initializer) and not isinstance(initializer, (Handle, np.ndarray)):
            if shape is None:
                raise ArgumentError("Variable: an initializer that is a function needs shape=")
            with aside():
                made = initializer(tuple(shape), dtype=config.standardize_dtype(dtype))
                value = as_array(made, config.standardize_dtype(dtype))
        else:
            with aside():
                value = as_array(initializer, dtype if dtype is not None else _dtype(initializer))
        if shape is not None and tuple(value.shape) != tuple(shape):
            raise ShapeError(f"Variable: the value has shape {tuple(value.shape)}, not "
                             f"{tuple(shape)}")
        made = wrap(value)
        self._value, self._type = made._value, made._type
        self.name = name or auto_name(to_snake_case(type(self).__name__))
        if "/" in self.name:
            raise ArgumentError(f"Argument `name` cannot contain character `/`. Received: {name}")
        scope = current_path()
        self.path = f"{scope}/{self.name}" if scope else self.name
        self.regularizer: Any = None
        self.constraint: Any = None
        self.autocast = autocast
        self.aggregation = aggregation
        self.synchronization = synchronization
        self._trainable = bool(trainable)
        self._frozen = False
        self._watch()

    def _watch(self) -> None:
        """Ask for gradients if this is trained, and its layer is not frozen."""
        wanted = self._trainable and not self._frozen and self.dtype.is_inexact
        if wanted != self._wants_grad:
            self._wants_grad = wanted
            if self._value is None:
                value_of(self)
            self._node = self._segment = None

    @property
    def trainable(self) -> bool:
        """Whether training changes it."""
        return self._trainable

    @trainable.setter
    def trainable(self, trainable: bool) -> None:
        self._trainable = bool(trainable)
        structure.changed()
        self._watch()

    @property
    def value(self) -> Any:
        """The variable itself, which is a tensor."""
        return self

    def assign(self, value: Any) -> Variable:
        """Take over a value of the same shape.

        Raises:  ShapeError if the shape is another
        """
        shape = tuple(value.shape) if hasattr(value, "shape") else np.shape(value)
        if shape != tuple(self.shape):
            raise ShapeError(
                "The shape of the target variable and the shape of the target value in "
                f"`variable.assign(value)` must match. variable.shape={tuple(self.shape)}, "
                f"Received: value.shape={shape}. Target variable: {self.path}")
        if isinstance(value, Handle) and (value._value is None or state.watch is not None
                                          or state.segment.parent is not None):
            with recording_gradients(False):
                replace(self, record(cast, (value,), (self.dtype,)))
            return self
        self._set(as_array(value, self.dtype))
        return self

    def _set(self, value: np.ndarray[Any, Any]) -> None:
        """Hold a value from now on; what was recorded with the old one keeps it."""
        if (self._views or self._link is not None or state.segment.parent is not None
                or state.watch is not None):
            with recording_gradients(False):
                replace(self, wrap(value))
            return
        if self._value is None:
            value_of(self)
        made = wrap(value)
        self._node = self._segment = None
        self._value, self._type = made._value, made._type
        self._provenance = None

    def assign_add(self, value: Any) -> Variable:
        """Add a value in place."""
        with recording_gradients(False):
            return self._changed(ar.add, value)

    def assign_sub(self, value: Any) -> Variable:
        """Subtract a value in place."""
        with recording_gradients(False):
            return self._changed(ar.subtract, value)

    def _changed(self, function: Callable[..., Any], value: Any) -> Variable:
        other = value if isinstance(value, Handle) else wrap(as_array(value, self.dtype))
        return self.assign(record(function, (self, other)))

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """A copy of the value."""
        return value_of(self).copy()

    def __repr__(self) -> str:
        value = "..." if self._value is None else np.array2string(
            self._value, separator=", ", threshold=20)
        return (f"<Variable path={self.path}, shape={tuple(self.shape)}, dtype={self.dtype.name}, "
                f"value={value}>")

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        new = super().__deepcopy__(memo)
        new._trainable, new._frozen = self._trainable, self._frozen
        return new


def _dtype(value: Any) -> str | None:
    """The dtype that a variable with this value has if none is given."""
    if isinstance(value, (Tensor, np.ndarray, np.generic)):
        return config.standardize_dtype(value.dtype)
    kind = np.asarray(value).dtype.kind
    return {"f": config.floatx(), "i": "int32", "b": "bool"}.get(kind)
