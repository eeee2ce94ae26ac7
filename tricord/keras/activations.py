"""Activation functions, and ``get`` that finds one by name."""

from __future__ import annotations

from typing import Any

from ..functions import activation as composites
from ..functions import elementwise, sparse
from ..tensor import record
from ._lookup import getter
from ._operation import as_tensor, op
from .saving.registry import register_builtins
from .saving.serialization import serialize_keras_object

__all__ = ["celu", "deserialize", "elu", "exponential", "gelu", "get", "glu", "hard_shrink",
           "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "leaky_relu", "linear",
           "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "serialize", "sigmoid",
           "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus",
           "sparse_sigmoid", "sparsemax", "squareplus", "swish", "tanh", "tanh_shrink", "threshold"]


@op(1, "nn")
def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None,
         threshold: float = 0.0) -> Any:
    """``max(x, 0)``, with a slope below, a cap above, and another threshold if asked for."""
    x = as_tensor(x)
    if not negative_slope and max_value is None and not threshold:
        return record(composites.relu, (x,))
    return record(composites.clipped_relu, (x,), (negative_slope, max_value, threshold))


def _unary(name: str, composite: Any, doc: str) -> Any:
    def activation(x: Any) -> Any:
        return record(composite, (as_tensor(x),))

    activation.__name__ = activation.__qualname__ = name
    activation.__doc__ = doc
    return op(1, "nn")(activation)


sigmoid = _unary("sigmoid", composites.sigmoid, "``1 / (1 + exp(-x))``.")
tanh = _unary("tanh", composites.tanh, "Hyperbolic tangent.")
relu6 = _unary("relu6", composites.relu6, "``min(max(x, 0), 6)``.")
softplus = _unary("softplus", composites.softplus, "``log(1 + exp(x))``.")
softsign = _unary("softsign", composites.softsign, "``x / (1 + |x|)``.")
selu = _unary("selu", composites.selu, "Scaled exponential linear unit.")
exponential = _unary("exponential", elementwise.exp, "``exp(x)``.")
silu = _unary("silu", composites.silu, "``x * sigmoid(x)``.")
hard_sigmoid = _unary("hard_sigmoid", composites.hardsigmoid, "``min(max(x + 3, 0), 6) / 6``.")
hard_silu = _unary("hard_silu", composites.hardswish, "``x * hard_sigmoid(x)``.")
hard_tanh = _unary("hard_tanh", composites.hardtanh, "``x`` between -1 and 1.")
mish = _unary("mish", composites.mish, "``x * tanh(softplus(x))``.")
log_sigmoid = _unary("log_sigmoid", composites.logsigmoid, "``log(sigmoid(x))``.")
tanh_shrink = _unary("tanh_shrink", composites.tanhshrink, "``x - tanh(x)``.")
sparse_plus = _unary("sparse_plus", composites.sparse_plus, "A softplus that is zero below -1.")
sparse_sigmoid = _unary("sparse_sigmoid", composites.sparse_sigmoid, "A line between -1 and 1.")
swish, hard_swish = silu, hard_silu


def linear(x: Any) -> Any:
    """The input itself."""
    return x


@op(1, "nn")
def elu(x: Any, alpha: float = 1.0) -> Any:
    """``x`` above zero, ``alpha * (exp(x) - 1)`` below."""
    return record(composites.elu, (as_tensor(x),), (float(alpha),))


@op(1, "nn")
def celu(x: Any, alpha: float = 1.0) -> Any:
    """``x`` above zero, ``alpha * (exp(x / alpha) - 1)`` below."""
    return record(composites.celu, (as_tensor(x),), (float(alpha),))


@op(1, "nn")
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """``x`` above zero, ``negative_slope * x`` below."""
    return record(composites.leaky_relu, (as_tensor(x),), (float(negative_slope),))


@op(1, "nn")
def gelu(x: Any, approximate: bool = False) -> Any:
    """``x`` times the normal distribution function; ``approximate`` by tanh."""
    return record(composites.gelu, (as_tensor(x),), ("tanh" if approximate else "none",))


@op(1, "nn")
def glu(x: Any, axis: int = -1) -> Any:
    """The first half of an axis times the sigmoid of the second."""
    return record(composites.glu, (as_tensor(x),), (axis,))


@op(1, "nn")
def softmax(x: Any, axis: Any = -1) -> Any:
    """``exp(x) / sum(exp(x))`` along an axis or several."""
    axis = tuple(axis) if isinstance(axis, list) else axis
    x = as_tensor(x)
    return record(composites.softmax, (x,),
                  (tuple(range(x.ndim)) if axis is None else axis, None))


@op(1, "nn")
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """``log(softmax(x))``."""
    axis = tuple(axis) if isinstance(axis, list) else axis
    return record(composites.log_softmax, (as_tensor(x),), (axis, None))


@op(1, "nn")
def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """``x`` outside of ``[-threshold, threshold]``, else zero."""
    return record(composites.hardshrink, (as_tensor(x),), (float(threshold),))


@op(1, "nn")
def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """``x`` moved towards zero by ``threshold``."""
    return record(composites.softshrink, (as_tensor(x),), (float(threshold),))


@op(1, "nn")
def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """``x`` above the threshold, else ``default_value``."""
    return record(composites.threshold, (as_tensor(x),), (float(threshold), float(default_value)))


@op(1, "nn")
def squareplus(x: Any, b: float = 4) -> Any:
    """``(x + sqrt(x**2 + b)) / 2``."""
    return record(composites.squareplus, (as_tensor(x),), (float(b),))


@op(1, "nn")
def sparsemax(x: Any, axis: int = -1) -> Any:
    """The nearest point of the probability simplex."""
    return record(sparse.sparsemax, (as_tensor(x),), (axis,))


register_builtins("activations", {name: globals()[name] for name in __all__
                                  if name not in ("get", "serialize", "deserialize")})
_get, deserialize, _ = getter("activations", "activation", {"exp": exponential, "softmax": softmax})


def get(identifier: Any) -> Any:
    """The function meant by a name, a configuration, or a function; None means `linear`.

    >>> get("relu").__name__, get(None).__name__
    ('relu', 'linear')
    """
    return linear if identifier is None else _get(identifier)


def serialize(activation: Any) -> Any:
    """The name of an activation; the configuration of a custom one."""
    name = getattr(activation, "__name__", None)
    if name in __all__ and globals().get(name) is activation:
        return name
    return serialize_keras_object(activation)
