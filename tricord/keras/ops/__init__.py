"""keras.ops: functions on tensors, arrays and symbolic tensors alike."""

from __future__ import annotations

from .. import graph
from .._module import names_of
from . import core, creation, elementwise, linalg, nn, products, reductions, searching, shapes

_MODULES = (elementwise, reductions, shapes, products, creation, searching, core, nn, linalg)
_own: dict[str, object] = {}
for _module in _MODULES:
    _listed = getattr(_module, "__all__", None)
    for _name, _value in vars(_module).items():
        mine = (_listed is not None and _name in _listed) or (_listed is None and (
            callable(_value) and not isinstance(_value, type) and (
                getattr(_value, "__module__", "") == _module.__name__)))
        if mine and not _name.startswith("_"):
            _own[_name] = _value
for _helper in ("apply_binary", "floats", "layout_of", "ints", "transposed"):
    _own.pop(_helper, None)
for _alias in ("max", "min", "amax", "amin", "abs", "fabs", "conjugate"):
    _own[_alias] = vars(elementwise).get(_alias) or vars(reductions)[_alias]
globals().update(_own)
__all__ = sorted(_own)  # noqa: PLE0605

graph.use_operators({n: _own[n] for n in (  # type: ignore[misc]
    "add", "subtract", "multiply", "true_divide", "floor_divide", "mod", "power", "matmul",
    "logical_and", "logical_or", "logical_xor", "equal", "not_equal", "less", "less_equal",
    "greater", "greater_equal", "negative", "absolute", "logical_not", "get_item", "reshape",
    "squeeze")})

__getattr__ = names_of(__name__, __all__)

