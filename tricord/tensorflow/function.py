"""tf.function: functions that are replayed as machine code where they do the same each time."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..ir.dtypes import float32
from ..tensor.handle import Handle
from ..tensor.replay import CompiledFunction
from ..tensor.trees import flatten, unflatten
from ._names import explain_keywords
from ._op import modes
from .dtypes import as_dtype
from .shapes import TensorShape
from .tensors import convert, where_now

__all__ = ["Function", "TensorSpec", "function", "run_functions_eagerly"]


class TensorSpec:
    """Shape, dtype and name that an argument has."""

    def __init__(self, shape: Any, dtype: Any = float32, name: str | None = None):
        self.shape = TensorShape(shape)
        self.dtype = as_dtype(dtype)
        self.name = name

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> TensorSpec:
        return cls(tensor.shape, tensor.dtype, name)

    def is_compatible_with(self, value: Any) -> bool:
        return self.shape.is_compatible_with(value.shape) and self.dtype is as_dtype(value.dtype)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorSpec) and (self.shape, self.dtype) == (
            other.shape, other.dtype)

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    def __repr__(self) -> str:
        return f"TensorSpec(shape={self.shape}, dtype={self.dtype.name}, name={self.name!r})"


class Function:
    """A function whose arrays become tensors, replayed by `tricord.compile`."""

    def __init__(self, python_function: Callable[..., Any], input_signature: Any = None):
        functools.update_wrapper(self, python_function)
        self.python_function = python_function
        self._compiled = CompiledFunction(python_function)
        self.input_signature = None if input_signature is None else list(input_signature)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.input_signature is not None:
            args = self._checked(args)
        leaves, structure = flatten((args, kwargs))
        if any(isinstance(v, np.ndarray) for v in leaves):
            args, kwargs = unflatten(structure, [
                convert(v) if isinstance(v, np.ndarray) else v for v in leaves])
        run = self.python_function if modes.eager_functions else self._compiled
        return run(*args, **kwargs)

    def _checked(self, args: Any) -> Any:
        found = list(args)
        own = 1 if _is_method(self.python_function) else 0
        if len(found) - own > len(self.input_signature or ()):
            raise ArgumentError(f"{self.__name__}: takes {len(self.input_signature or ())} "
                                f"arguments by its input_signature, got {len(found) - own}",
                                where=where_now())
        for i, spec in enumerate(self.input_signature or (), start=own):
            if i >= len(found) or not isinstance(spec, TensorSpec):
                continue
            value = found[i] if isinstance(found[i], Handle) else convert(found[i], spec.dtype)
            if hasattr(value, "shape") and not spec.is_compatible_with(value):
                raise ArgumentError(f"Binding inputs to tf.function failed: argument {i - own} has "
                                    f"shape {tuple(value.shape)} and dtype {value.dtype}, the "
                                    f"input_signature says {spec}", where=where_now())
            found[i] = value
        return tuple(found)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> Function:
        """The function itself: there is no separate trace."""
        return self

    def experimental_get_tracing_count(self) -> int:
        return 1


def _is_method(f: Callable[..., Any]) -> bool:
    parameters = list(inspect.signature(f).parameters)
    return bool(parameters) and parameters[0] == "self"


def function(func: Callable[..., Any] | None = None, input_signature: Any = None,
             autograph: bool = True, jit_compile: bool | None = None,
             reduce_retracing: bool = False, experimental_implements: Any = None,
             experimental_autograph_options: Any = None,
             experimental_attributes: Any = None, experimental_relax_shapes: bool | None = None,
             experimental_compile: bool | None = None, experimental_follow_type_hints: Any = None
             ) -> Any:
    """The function, to be called as before; `tricord.compile` replays it.

    A call that does what the last two did runs as one program, without its Python. What looks at
    a value (``if``, ``int``, `tf.print`) runs as Python each time instead of being refused.

    >>> import tricord.tensorflow as tf
    >>> square = tf.function(lambda x: x * x)
    >>> square(tf.constant([1.0, 3.0])).numpy().tolist()
    [1.0, 9.0]
    """
    if func is None:
        return functools.partial(function, input_signature=input_signature)
    return Function(func, input_signature)


def run_functions_eagerly(run_eagerly: bool) -> None:
    """Whether all functions of this thread run as Python at each call."""
    modes.eager_functions = bool(run_eagerly)


explain_keywords(globals())
