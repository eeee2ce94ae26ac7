"""TensorFlow's face: the names, defaults and conventions of TensorFlow 2, and of 1 in `compat.v1`.

>>> from tricord import tensorflow as tf
>>> x = tf.Variable(3.0)
>>> with tf.GradientTape() as tape:
...     y = x * x
>>> float(tape.gradient(y, x))
6.0
"""

from __future__ import annotations

import sys

from ..tensor import Tensor
from . import (
    array_ops,
    bitwise,
    config,
    control_ops,
    debugging,
    errors,
    graph_gradients,
    image,
    linalg,
    linalg_ops,
    math,
    math_ops,
    nn,
    operators,
    random,
    random_ops,
    signal,
)
from . import compat as compat
from . import data as data
from . import dtypes as dtypes
from ._names import public_names, refusal, unknown_name
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
from .dtypes import ALIASES, DType, as_dtype
from .function import Function, TensorSpec, function
from .graph import Graph, Operation, current_graph, is_symbolic
from .graph_gradients import gradients
from .module import Module
from .shapes import TensorShape
from .tape import GradientTape, UnconnectedGradients, custom_gradient, recompute_grad
from .variables import Variable, VariableAggregation, VariableSynchronization

__version__ = "2.21.0"

globals().update(ALIASES)
globals().update({name: getattr(math_ops, name) for name in """
    abs acos acosh add add_n argmax argmin argsort asin asinh atan atan2 atanh cast clip_by_norm
    clip_by_global_norm clip_by_value complex cos cosh cumsum divide equal exp floor greater
    greater_equal less less_equal logical_and logical_not logical_or matmul maximum minimum multiply
    negative not_equal pow reduce_all reduce_any reduce_logsumexp reduce_max reduce_mean reduce_min
    reduce_prod reduce_sum round saturate_cast sigmoid sign sin sinh sort sqrt square
    stop_gradient subtract tan tanh tensordot truediv""".split()})
globals().update({name: getattr(array_ops, name) for name in """
    bitcast boolean_mask broadcast_dynamic_shape broadcast_static_shape broadcast_to concat constant
    convert_to_tensor ensure_shape expand_dims eye fill gather gather_nd identity identity_n
    linspace meshgrid newaxis one_hot ones ones_like pad range rank repeat reshape reverse roll
    scatter_nd searchsorted sequence_mask shape shape_n size slice split squeeze stack strided_slice
    tensor_scatter_nd_add tensor_scatter_nd_max tensor_scatter_nd_min tensor_scatter_nd_sub
    tensor_scatter_nd_update tile transpose unique unique_with_counts unstack where zeros
    zeros_like""".split()})
compat.v2 = sys.modules[__name__]
einsum, norm = linalg_ops.einsum, linalg_ops.norm

__getattr__ = unknown_name(__name__, lambda: public_names(globals()))
