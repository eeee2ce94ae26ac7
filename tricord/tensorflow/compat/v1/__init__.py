"""TensorFlow 1: graphs, placeholders, sessions.

>>> from tricord.tensorflow.compat import v1 as tf
>>> with tf.Graph().as_default(), tf.Session() as session:
...     x = tf.placeholder(tf.float32, [None, 2])
...     total = tf.reduce_sum(x, 1)
...     session.run(total, {x: [[1, 2], [3, 4]]}).tolist()
[3.0, 7.0]
"""

# ruff: noqa: F401 - what is imported here is what the namespace holds

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

from ....errors import NotSupportedError
from ... import (
    array_ops,
    bitwise,
    control_ops,
    debugging,
    errors,
    graph_losses,
    image,
    linalg_ops,
    math_ops,
    random_ops,
    signal,
)
from ... import config as config
from ... import data as data
from ... import graph_layers as layers
from ... import math as math
from ..._names import public_names, refusal, unknown_name, words
from ..._op import modes
from ...dtypes import ALIASES, DType, as_dtype
from ...function import TensorSpec, function
from ...graph import (
    Graph,
    GraphKeys,
    Operation,
    current_graph,
    default_graph,
    reset_default_graph,
)
from ...graph_gradients import gradients
from ...graph_variables import *  # noqa: F403
from ...module import Module
from ...random_state import set_seed
from ...session import (
    ConfigProto,
    GPUOptions,
    InteractiveSession,
    Session,
    get_default_session,
)
from ...shapes import Dimension, TensorShape
from ...tape import GradientTape, custom_gradient
from ...tensors import EagerTensor as Tensor
from ...variables import Variable, VariableAggregation, VariableSynchronization
from . import initializers, linalg, logging, metrics, nn, random, summary, train

__version__ = "2.21.0"
losses = graph_losses

_MATH = words("""
    abs acos acosh add add_n argmax argmin asin asinh atan atan2 atanh cast ceil
    clip_by_average_norm clip_by_global_norm clip_by_norm clip_by_value complex confusion_matrix
    conj cos cosh count_nonzero cumprod cumsum digamma divide equal erf erfc exp expm1 floor
    floordiv floormod global_norm greater greater_equal imag is_finite is_inf is_nan less
    less_equal lgamma log log1p log_sigmoid logical_and logical_not logical_or logical_xor
    matmul maximum minimum multiply negative not_equal pow real reciprocal reduce_all reduce_any
    reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod reduce_sum rint round rsqrt
    saturate_cast segment_max segment_mean segment_min segment_prod segment_sum sigmoid sign sin
    sinh sqrt square squared_difference stop_gradient subtract tan tanh tensordot to_double
    to_float to_int32 to_int64 truediv unsorted_segment_max unsorted_segment_mean
    unsorted_segment_min unsorted_segment_prod unsorted_segment_sum argsort sort""")
_ARRAY = words("""
    bitcast boolean_mask broadcast_dynamic_shape broadcast_static_shape broadcast_to concat
    constant convert_to_tensor depth_to_space ensure_shape expand_dims eye fill gather gather_nd
    identity identity_n invert_permutation linspace meshgrid newaxis one_hot ones ones_like pad
    range rank repeat reshape reverse roll scatter_nd searchsorted sequence_mask shape shape_n
    size slice space_to_depth split squeeze stack strided_slice tensor_scatter_nd_add
    tensor_scatter_nd_sub tensor_scatter_nd_update tile transpose unique unique_with_counts
    unstack where zeros zeros_like""")
_LINALG = words("""
    cholesky cholesky_solve cross diag diag_part einsum norm qr svd trace""")

_CONTROL = words("""
    Assert Print case cond control_dependencies foldl foldr group map_fn no_op numpy_function print
    py_function scan switch_case tuple vectorized_map while_loop""")

globals().update(ALIASES)
globals().update({name: getattr(math_ops, name) for name in _MATH})
globals().update({name: getattr(array_ops, name) for name in _ARRAY})
globals().update({name: getattr(linalg_ops, name) for name in _LINALG})
globals().update({name: getattr(control_ops, name) for name in _CONTROL})

arg_max, arg_min = math_ops.argmax, math_ops.argmin
mod, div, floor_div = math_ops.floormod, math_ops.floordiv, math_ops.floordiv
scalar_mul, lin_space = math_ops.multiply, array_ops.linspace
matrix_inverse, matrix_solve = linalg_ops.inv, linalg_ops.solve
matrix_determinant, matrix_transpose = linalg_ops.det, linalg_ops.matrix_transpose
matrix_diag, matrix_diag_part = linalg_ops.diag, linalg_ops.diag_part
matrix_band_part, matrix_set_diag = linalg_ops.band_part, linalg_ops.set_diag
matrix_triangular_solve = linalg_ops.triangular_solve
self_adjoint_eig = linalg_ops.eigh
random_normal, random_uniform = random_ops.normal, random_ops.uniform
truncated_normal, random_shuffle = random_ops.truncated_normal, random_ops.shuffle
multinomial = random_ops.categorical
random_crop = image.random_crop
random_poisson = random_ops.poisson
reverse_v2, where_v2, py_func = array_ops.reverse, array_ops.where, control_ops.numpy_function
tables_initializer = control_ops.no_op
assert_equal, assert_less = debugging.assert_equal, debugging.assert_less
assert_greater, assert_rank = debugging.assert_greater, debugging.assert_rank
assert_non_negative, assert_positive = debugging.assert_non_negative, debugging.assert_positive
verify_tensor_all_finite = check_numerics = debugging.assert_all_finite
initialize_all_variables = global_variables_initializer  # noqa: F405
initialize_variables = variables_initializer  # noqa: F405
all_variables = global_variables  # noqa: F405
_BY_NAME = (signal, bitwise, errors, linalg, initializers)


# ---- modes

def disable_eager_execution() -> None:
    """Build a graph with everything that follows, in this thread."""
    modes.eager = False
    modes.lifting = True


def enable_eager_execution(config: Any = None, device_policy: Any = None,
                           execution_mode: Any = None) -> None:
    """Run operations at once."""
    modes.eager = True


def disable_v2_behavior() -> None:
    """Behave as TensorFlow 1."""
    disable_eager_execution()


def enable_v2_behavior() -> None:
    """Behave as TensorFlow 2."""
    enable_eager_execution()


def executing_eagerly() -> bool:
    """Whether operations give values at once."""
    return modes.run is not None or (modes.eager and not modes.graphs)


executing_eagerly_outside_functions = executing_eagerly


def _accept() -> None:
    """Accepted: there is one behaviour."""


disable_resource_variables = enable_resource_variables = _accept
disable_control_flow_v2 = enable_control_flow_v2 = _accept
disable_tensor_equality = enable_tensor_equality = _accept
disable_v2_tensorshape = enable_v2_tensorshape = _accept


def get_default_graph() -> Graph:
    """The graph that is being built."""
    return default_graph()


def set_random_seed(seed: int) -> None:
    """The seed of the default graph's random numbers."""
    set_seed(seed)
    graph = current_graph()
    if graph is not None:
        graph.seed = int(seed)


def get_collection(key: Any, scope: str | None = None) -> list[Any]:
    return default_graph().get_collection(key, scope)


def get_collection_ref(key: Any) -> list[Any]:
    return default_graph().get_collection_ref(key)


def add_to_collection(name: Any, value: Any) -> None:
    default_graph().add_to_collection(name, value)


def device(device_name_or_function: Any) -> Any:
    """A block for a device; everything is on the CPU."""
    return default_graph().device(device_name_or_function)


def colocate_with(op: Any, ignore_existing: bool = False) -> Any:
    return default_graph().device(None)


def is_tensor(x: Any) -> bool:
    """Whether this is a tensor or a variable."""
    return hasattr(x, "dtype") and hasattr(x, "shape") and not hasattr(x, "tobytes")


def _run_app(main: Any = None, argv: list[str] | None = None) -> None:
    """Call ``main(argv)`` and end the program."""
    chosen = main or sys.modules["__main__"].main  # type: ignore[attr-defined]
    sys.exit(chosen(argv or sys.argv))


app = SimpleNamespace(run=_run_app)
test = SimpleNamespace(is_gpu_available=lambda *a, **k: False, is_built_with_cuda=lambda: False)
saved_model = SimpleNamespace(
    simple_save=refusal("tf.saved_model.simple_save", "tf.compat.v1.train.Saver"),
    load=refusal("tf.saved_model.load", "tf.compat.v1.train.Saver"))


def import_graph_def(*args: Any, **kwargs: Any) -> Any:
    raise NotSupportedError("import_graph_def is not supported by tricord",
                            hint="build the graph in Python and restore its variables with "
                            "tf.compat.v1.train.Saver")


__getattr__ = unknown_name(__name__, lambda: public_names(globals()), {
    "contrib": "tf.contrib is gone from TensorFlow too; tf.compat.v1.layers, losses and train "
    "have what most programs used of it",
    "estimator": "tf.keras", "feature_column": "tf.keras layers", "flags": "argparse",
    "string_split": "Python's own str.split", "FIFOQueue": "tf.data.Dataset"})
