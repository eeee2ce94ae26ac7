"""TensorFlow's face: the names, defaults and conventions of TensorFlow 2, and of 1 in `compat.v1`.

>>> from tricord import tensorflow as tf
>>> x = tf.Variable(3.0)
>>> with tf.GradientTape() as tape:
...     y = x * x
>>> float(tape.gradient(y, x))
6.0
"""

# ruff: noqa: F401 - what is imported here is what the namespace holds

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from typing import Any

from .. import keras as keras
from ..tensor import Tensor as Tensor
from ..tensor.handle import Handle
from . import array_ops, linalg_ops, math_ops
from . import autodiff as autodiff
from . import bitwise as bitwise
from . import compat as compat
from . import config as config
from . import data as data
from . import debugging as debugging
from . import distribute as distribute
from . import dtypes as dtypes
from . import errors as errors
from . import image as image
from . import io as io
from . import linalg as linalg
from . import math as math
from . import nest as nest
from . import nn as nn
from . import operators as operators
from . import random as random
from . import saved_model as saved_model
from . import signal as signal
from . import summary as summary
from . import test as test
from . import train as train
from . import version as version
from ._names import public_names, refusal, unknown_name, words
from .config import executing_eagerly as executing_eagerly
from .control_ops import (
    Assert,
    case,
    cond,
    control_dependencies,
    foldl,
    foldr,
    group,
    map_fn,
    no_op,
    numpy_function,
    print,
    py_function,
    scan,
    switch_case,
    tuple,
    vectorized_map,
    while_loop,
)
from .dtypes import ALIASES
from .dtypes import DType as DType
from .dtypes import as_dtype as as_dtype
from .function import TensorSpec as TensorSpec
from .function import function as function
from .graph import Graph as Graph
from .graph import GraphValue, current_graph
from .graph import Operation as Operation
from .graph_gradients import gradients as gradients
from .module import Module as Module
from .module import name_scope as _variables_scope
from .shapes import TensorShape as TensorShape
from .tape import GradientTape as GradientTape
from .tape import UnconnectedGradients as UnconnectedGradients
from .tape import custom_gradient as custom_gradient
from .tape import recompute_grad as recompute_grad
from .variables import Variable as Variable
from .variables import VariableAggregation as VariableAggregation
from .variables import VariableSynchronization as VariableSynchronization

__version__ = "2.21.0"

# `tf.keras` is that very package: `import tensorflow.keras.layers` must find the same modules.
for _name, _module in list(sys.modules.items()):
    if _name == keras.__name__ or _name.startswith(f"{keras.__name__}."):
        sys.modules[__name__ + _name.removeprefix("tricord")] = _module

globals().update(ALIASES)
globals().update({name: getattr(math_ops, name) for name in words("""
    abs acos acosh add add_n argmax argmin argsort asin asinh atan atan2 atanh cast clip_by_norm
    clip_by_global_norm clip_by_value complex cos cosh cumsum divide equal exp floor greater
    greater_equal less less_equal logical_and logical_not logical_or matmul maximum minimum
    multiply negative not_equal pow reduce_all reduce_any reduce_logsumexp reduce_max
    reduce_mean reduce_min reduce_prod reduce_sum round saturate_cast sigmoid sign sin sinh sort
    sqrt square stop_gradient subtract tan tanh tensordot truediv""")})
globals().update({name: getattr(array_ops, name) for name in words("""
    bitcast boolean_mask broadcast_dynamic_shape broadcast_static_shape broadcast_to concat
    constant convert_to_tensor ensure_shape expand_dims eye fill gather gather_nd identity
    identity_n linspace meshgrid newaxis one_hot ones ones_like pad range rank repeat reshape
    reverse roll scatter_nd searchsorted sequence_mask shape shape_n size slice split squeeze
    stack strided_slice space_to_depth depth_to_space tensor_scatter_nd_add
    tensor_scatter_nd_max tensor_scatter_nd_min tensor_scatter_nd_sub tensor_scatter_nd_update
    tile transpose unique unique_with_counts unstack where zeros zeros_like""")})
scalar_mul = math_ops.multiply
einsum, norm = linalg_ops.einsum, linalg_ops.norm
compat.v2 = sys.modules[__name__]
newaxis = None


def is_tensor(x: Any) -> bool:
    """Whether this is a tensor or a variable."""
    return isinstance(x, (Handle, GraphValue))


def is_symbolic_tensor(tensor: Any) -> bool:
    """Whether this stands for a value in a graph."""
    return isinstance(tensor, GraphValue)


@contextlib.contextmanager
def device(device_name: Any) -> Iterator[None]:
    """A block for a device; everything is on the CPU."""
    yield


@contextlib.contextmanager
def name_scope(name: str) -> Iterator[str]:
    """Names given inside have ``name/`` before them."""
    graph = current_graph()
    if graph is not None:
        with graph.name_scope(name) as opened:
            yield opened
    else:
        with _variables_scope(name) as opened:
            yield opened


@contextlib.contextmanager
def init_scope() -> Iterator[None]:
    """A block outside of functions; functions run as Python here, so it changes nothing."""
    yield


def no_gradient(op_type: str) -> None:
    """Accepted: operations know whether they have a gradient."""


def get_logger() -> logging.Logger:
    """Python's logger of this name."""
    return logging.getLogger("tensorflow")


class IndexedSlices:
    """Never made here: gradients of look-ups are tensors."""


class RaggedTensor:
    """Never made here: all rows of a tensor have one length."""


class SparseTensor:
    """Never made here."""

    def __init__(self, *args: Any, **kwargs: Any):
        refusal("tf.SparseTensor", "a dense tensor")()


_INSTEAD = {
    "placeholder": "tf.compat.v1.placeholder", "Session": "tf.compat.v1.Session",
    "global_variables_initializer": "tf.compat.v1.global_variables_initializer",
    "get_variable": "tf.compat.v1.get_variable", "ConfigProto": "tf.compat.v1.ConfigProto",
    "set_random_seed": "tf.random.set_seed", "layers": "tf.keras.layers",
    "log": "tf.math.log", "random_normal": "tf.random.normal",
    "random_uniform": "tf.random.uniform", "truncated_normal": "tf.random.truncated_normal",
    "to_float": "tf.cast(x, tf.float32)", "mul": "tf.multiply", "sub": "tf.subtract",
    "neg": "tf.negative", "arg_max": "tf.argmax", "contrib": "tf.keras",
    "estimator": "tf.keras, with fit and evaluate", "feature_column": "tf.keras.layers",
    "strings": "Python's own strings", "string": "tensors of numbers; Python's own strings",
    "ragged": "tf.keras.utils.pad_sequences", "sparse": "dense tensors",
    "lookup": "a dict, or tf.keras.layers.IntegerLookup", "lite": "tricord has no TFLite writer",
    "experimental": "tf.data, tf.function and tf.linalg without it",
    "TensorArray": "a Python list and tf.stack"}

_missing = unknown_name(__name__, lambda: public_names(globals()), _INSTEAD)
_OF_KERAS = ("initializers", "losses", "metrics", "optimizers")


def __getattr__(name: str) -> Any:
    return getattr(keras, name) if name in _OF_KERAS else _missing(name)
