"""``tf.debugging``: assertions on values and shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import DTypeError, InvalidArgumentError, ShapeError
from ..tensor.handle import Handle
from ..tensor.recorder import value_of
from ._names import explain_keywords, public_names, unknown_name
from ._op import modes, op
from .control_ops import Assert as Assert
from .dtypes import as_dtype
from .tensors import convert, pair, where_now


def _probing() -> bool:
    return modes.run is not None and modes.run.probing


def _compare(name: str, sign: str, holds: Callable[[Any, Any], Any]) -> Any:
    def call(x: Any, y: Any, message: str | None = None, summarize: int | None = None) -> None:
        if _probing():
            return
        first, second = (value_of(v) for v in pair(name, x, y))
        if not np.all(holds(first, second)):
            raise InvalidArgumentError(f"{message or ''} Condition x {sign} y did not hold. "
                                       f"x = {first!r:.200}, y = {second!r:.200}".strip(),
                                       where=where_now())

    call.__name__ = name
    call.__doc__ = f"Fail unless ``x {sign} y`` everywhere."
    return op(call, host=True)


assert_equal = _compare("assert_equal", "==", np.equal)
assert_none_equal = _compare("assert_none_equal", "!=", np.not_equal)
assert_less = _compare("assert_less", "<", np.less)
assert_less_equal = _compare("assert_less_equal", "<=", np.less_equal)
assert_greater = _compare("assert_greater", ">", np.greater)
assert_greater_equal = _compare("assert_greater_equal", ">=", np.greater_equal)
assert_near = _compare("assert_near", "~", lambda x, y: np.isclose(x, y, 1e-5, 1e-5))


def _sign(name: str, holds: Callable[[Any], Any]) -> Any:
    def call(x: Any, message: str | None = None, summarize: int | None = None) -> None:
        if _probing():
            return
        value = value_of(convert(x))
        if not np.all(holds(value)):
            raise InvalidArgumentError(f"{message or name}: it does not hold for {value!r:.200}",
                                       where=where_now())

    call.__name__ = name
    return op(call, host=True)


assert_positive = _sign("assert_positive", lambda x: x > 0)
assert_negative = _sign("assert_negative", lambda x: x < 0)
assert_non_negative = _sign("assert_non_negative", lambda x: x >= 0)
assert_non_positive = _sign("assert_non_positive", lambda x: x <= 0)


@op(host=True)
def assert_all_finite(x: Any, message: str = "") -> Any:
    """The tensor itself, once it holds neither NaN nor infinity."""
    found = convert(x)
    if not _probing() and not np.isfinite(value_of(found)).all():
        raise InvalidArgumentError(f"{message} : Tensor had NaN or Inf values", where=where_now())
    return found


check_numerics = assert_all_finite


def assert_rank(x: Any, rank: Any, message: str | None = None) -> None:
    """Fail unless the tensor has this many axes."""
    found = x.ndim if hasattr(x, "ndim") else convert(x).ndim
    wanted = int(rank)
    if found is not None and found != wanted:
        raise ShapeError(f"{message or ''} Tensor must have rank {wanted}. Received rank {found}, "
                         f"shape {x.shape}".strip(), where=where_now())


def assert_rank_at_least(x: Any, rank: Any, message: str | None = None) -> None:
    """Fail if the tensor has fewer axes."""
    if x.ndim is not None and x.ndim < int(rank):
        raise ShapeError(f"{message or ''} Tensor must have rank at least {rank}. Received rank "
                         f"{x.ndim}".strip(), where=where_now())


def assert_type(tensor: Any, tf_type: Any, message: str | None = None) -> None:
    """Fail unless the tensor has this dtype."""
    if tensor.dtype is not as_dtype(tf_type):
        raise DTypeError(f"{message or ''} tensor must be of type {as_dtype(tf_type).name}, got "
                         f"{tensor.dtype.name}".strip(), where=where_now())


def assert_shapes(shapes: Any, data: Any = None, summarize: Any = None,
                  message: str | None = None) -> None:
    """Fail unless every tensor has its shape; equal letters stand for equal sizes."""
    sizes: dict[Any, int] = {}
    for tensor, shape in shapes.items() if isinstance(shapes, dict) else shapes:
        actual = tuple(tensor.shape)
        symbols = tuple(shape)
        if len(actual) != len(symbols):
            raise ShapeError(f"{message or ''} shape {actual} is not {symbols}".strip(),
                             where=where_now())
        for size, symbol in zip(actual, symbols, strict=True):
            wanted = symbol if isinstance(symbol, int) else sizes.setdefault(symbol, size)
            if symbol is not None and wanted != size:
                raise ShapeError(f"{message or ''} shape {actual} is not {symbols}".strip(),
                                 where=where_now())


def is_numeric_tensor(tensor: Any) -> bool:
    return isinstance(tensor, Handle) and tensor.dtype.kind in "iufc"


def enable_check_numerics(*args: Any, **kwargs: Any) -> None:
    """Not here: ``TRICORD_CHECK=2`` names the first operation whose result is not finite."""
    raise InvalidArgumentError("tf.debugging.enable_check_numerics is not offered",
                               hint="set TRICORD_CHECK=2 before the program starts")


def set_log_device_placement(enabled: bool) -> None:
    """Accepted: everything is on the CPU."""



explain_keywords(globals())

__getattr__ = unknown_name(__name__, lambda: public_names(globals()))
