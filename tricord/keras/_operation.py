"""How an operation of ``keras.ops`` is made of a function on tensors.

Called on tensors, arrays and numbers it computes; called on symbolic tensors it extends the graph
by an `OpCall`, which a model's configuration names by the class name that Keras has for it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, NotSupportedError
from ..ir.dtypes import as_dtype
from ..tensor.handle import Handle
from ..tensor.recorder import wrap
from . import config
from ._arguments import checked
from ._names import auto_name, to_snake_case
from .graph import KerasTensor, Node, any_symbolic, leaves_of, output_spec
from .saving.registry import register_builtins

__all__ = ["OpCall", "as_tensor", "op", "operand"]


def as_tensor(value: Any, dtype: Any = None) -> Any:
    """A tensor of an array, numbers or nested lists; Python floats are ``floatx``, ints int32."""
    if isinstance(value, Handle):
        return value
    if isinstance(value, KerasTensor):
        raise ArgumentError("a symbolic tensor stands where a value is needed")
    if isinstance(value, (list, tuple)) and any(isinstance(v, Handle) for v in leaves_of(value)):
        value = [np.asarray(v) for v in value] if not any(
            isinstance(v, (list, tuple)) for v in value) else _nested(value)
    array = np.array(value)
    if array.dtype.kind in "OUS":
        raise ArgumentError(f"cannot make a tensor of {type(value).__name__} {value!r:.60}")
    if dtype is not None:
        array = array.astype(as_dtype(config.standardize_dtype(dtype)).numpy)
    elif not isinstance(value, (np.ndarray, np.generic)) and not hasattr(value, "__array__"):
        if array.dtype == np.float64:
            array = array.astype(as_dtype(config.floatx()).numpy)
        elif array.dtype == np.int64:
            array = array.astype(np.int32)
    return wrap(array)


def _nested(value: Any) -> Any:
    return [_nested(v) if isinstance(v, (list, tuple)) else np.asarray(v) for v in value]


def operand(value: Any) -> Any:
    """A Python number as it is (it is weak); anything else as a tensor."""
    return value if isinstance(value, (int, float, complex)) else as_tensor(value)


class OpCall:
    """One operation in a functional model: a function on tensors, and what it is told besides."""

    def __init__(self, definition: _Definition, name: str | None = None, **static: Any):
        self._inbound_nodes: list[Node] = []
        self.definition = definition
        self.static = static
        self.name = name or auto_name(to_snake_case(definition.class_name))
        self.built = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not any_symbolic(args, kwargs):
            return self.definition.function(*args, **kwargs, **self.static)
        outputs = output_spec(self.compute, args, kwargs)
        Node(self, args, kwargs, outputs)
        return outputs

    def compute(self, *args: Any, **kwargs: Any) -> Any:
        """The function itself."""
        return self.definition.function(*args, **kwargs, **self.static)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, **self.static}

    def _serialized(self) -> dict[str, Any]:
        definition = self.definition
        module = f"keras.src.ops.{definition.module}"
        return {"module": module, "class_name": definition.class_name, "config": {
            k: list(v) if isinstance(v, tuple) else v for k, v in self.get_config().items()},
            "registered_name": definition.class_name}

    def __repr__(self) -> str:
        return f"<Operation name={self.name}>"


class _Definition:
    """What stands behind one public function; ``from_config`` makes it a class in all but name."""

    def __init__(self, function: Callable[..., Any], tensors: int, module: str, class_name: str):
        self.function = function
        self.module = module
        self.class_name = class_name
        self.names = [n for n, p in inspect.signature(function).parameters.items()
                      if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        self.tensor_names = self.names[:tensors]

    def from_config(self, config: dict[str, Any]) -> OpCall:
        known = {k: tuple(v) if isinstance(v, list) else v for k, v in config.items()
                 if k in self.names or k == "name"}
        return OpCall(self, **known)

    def symbolic(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = {**dict(zip(self.names, args, strict=False)), **kwargs}
        if len(args) > len(self.names) or not set(given) <= set(self.names):
            self.function(*args, **kwargs)  # says what is wrong with the call
        tensors = [given[n] for n in self.tensor_names if n in given]
        static = {k: v for k, v in given.items() if k not in self.tensor_names}
        if any_symbolic((), static):
            raise NotSupportedError(f"{self.class_name}: only {', '.join(self.tensor_names)} may "
                                    "be symbolic", hint="put the computation into a Layer")
        return OpCall(self, **static)(*tensors)


def op(tensors: int = 1, module: str = "numpy", class_name: str | None = None,
       ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: the function's first ``tensors`` parameters may be symbolic."""
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__.rstrip("_")
        known_as = class_name or "".join(w.capitalize() for w in name.split("_"))
        definition = _Definition(function, tensors, module, known_as)
        register_builtins("ops", {known_as: definition})
        safe = checked(function)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if any_symbolic(args, kwargs):
                return definition.symbolic(args, kwargs)
            return safe(*args, **kwargs)

        call.__name__ = name
        call.definition = definition  # type: ignore[attr-defined]
        return call
    return decorate
