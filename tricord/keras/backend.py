"""keras.backend, as old programs use it: K.clear_session, K.epsilon, K.get_value."""

from __future__ import annotations

from typing import Any

from ._arguments import checked
from ._module import names_of
from ._names import auto_name
from .config import (  # noqa: F401 - named in __all__
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
    standardize_dtype,
)
from .graph import is_keras_tensor  # noqa: F401
from .ops import *  # noqa: F403
from .ops import __all__ as _ops
from .ops import convert_to_numpy
from .utils import clear_session  # noqa: F401
from .variable import Variable

_OWN = ["backend", "clear_session", "epsilon", "floatx", "get_uid", "get_value",
        "image_data_format", "int_shape", "is_float_dtype", "is_int_dtype", "is_keras_tensor",
        "learning_phase", "set_epsilon", "set_floatx", "set_image_data_format", "set_value",
        "standardize_dtype", "variable"]
__all__ = [*_OWN, *(n for n in _ops if n not in _OWN)]  # noqa: PLE0604


def get_uid(prefix: str = "") -> int:
    """A number that was not given out for this prefix yet."""
    name = auto_name(f"uid_{prefix}")
    return int(name.rpartition("_")[2]) + 1 if name != f"uid_{prefix}" else 1


@checked
def get_value(x: Any) -> Any:
    """The value as a numpy array."""
    return convert_to_numpy(x)


@checked
def set_value(x: Any, value: Any) -> None:
    """Give a variable another value."""
    x.assign(value)


@checked
def variable(value: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable."""
    return Variable(value, dtype=dtype, name=name)


def int_shape(x: Any) -> tuple[int | None, ...]:
    """The shape as a tuple."""
    return tuple(x.shape)


def learning_phase() -> int:
    """Layers are told by ``training=``; outside of a call nothing trains."""
    return 0


def is_float_dtype(dtype: Any) -> bool:
    """Whether a dtype is a floating one."""
    return "float" in standardize_dtype(dtype)


def is_int_dtype(dtype: Any) -> bool:
    """Whether a dtype is one of whole numbers."""
    return "int" in standardize_dtype(dtype)


__getattr__ = names_of(__name__, __all__, {
    "get_session": "there are no sessions; tensorflow.compat.v1 has them",
    "set_session": "there are no sessions; tensorflow.compat.v1 has them",
    "function": "call the model"})
