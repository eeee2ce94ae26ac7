"""The one Tensor class: a handle that can be observed, computed with, indexed, differentiated."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DTypeError, ShapeError
from ..ir import arithmetic as ar
from ..ir.dtypes import DType, as_dtype, float32
from ..ir.node import Node
from ..ir.ops.elementwise import cast
from ..ir.source import user_location
from .array_attributes import ArrayAttributes
from .differentiable import Differentiable
from .handle import Handle
from .indexing import Indexable
from .methods import Methods
from .observe import Observable
from .operators import Operators
from .recorder import assign, record, state, wrap

__all__ = ["Parameter", "Tensor", "tensor"]


class Tensor(ArrayAttributes, Methods, Operators, Indexable, Differentiable, Observable, Handle):
    """An n-dimensional array that records what is computed with it.

    ``Tensor(2, 3)`` makes zeros of that shape and ``Tensor([1, 2])`` a float32 tensor, as the
    class does in PyTorch; `tensor` is the constructor for everyday use.

    >>> x = tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad.tolist()
    [2.0, 4.0]
    """

    def __init__(self, *data: Any, dtype: Any = None):
        wide = float32 if dtype is None else as_dtype(dtype)
        if len(data) == 1 and not isinstance(data[0], int):
            source = data[0]
            value = np.array(source.numpy() if isinstance(source, Handle) else source, wide.numpy)
        else:
            value = np.zeros(data, wide.numpy)
        made = wrap(value)
        self._value, self._type = made._value, made._type


Handle._result_class = Tensor


class Parameter(Tensor):
    """A tensor that a module owns and an optimizer changes.

    Results computed from it are plain tensors.
    """

    def __init__(self, data: Any = None, requires_grad: bool = True):
        source = np.zeros(0, np.float32) if data is None else data
        made = source.detach() if isinstance(source, Tensor) else wrap(np.array(source))
        self._value, self._type = made._value, made._type
        if made._value is None:
            assign(self, state.segment.node_of(made))
        if requires_grad:
            self.requires_grad_(True)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


def _cast(x: Node, dtype: DType) -> Node:
    return cast(x, dtype)


def tensor(data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False,
           pin_memory: bool = False) -> Tensor:
    """A tensor with a copy of ``data``: numbers, nested lists, numpy arrays or tensors.

    Python floats become float32, integers int64; arrays keep their dtype.

    >>> tensor([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    wanted = None if dtype is None else as_dtype(dtype)
    if isinstance(data, Handle):
        result = record(_cast, (data.detach(),), (wanted or data.dtype,))  # type: ignore[attr-defined]
    else:
        value = np.array(_plain(data))
        if value.dtype.kind in "USMm":
            raise DTypeError(f"tensor: too many dimensions or a wrong type: it holds "
                             f"{type(value.reshape(-1)[0].item()).__name__}, which is no number",
                             where=str(user_location() or "") or None,
                             hint="encode text as integers first")
        if value.dtype == object:
            raise DTypeError(f"tensor: cannot make a tensor of {type(data).__name__} "
                             f"holding {type(value.reshape(-1)[0]).__name__}"
                             if value.size else "tensor: cannot make a tensor of this",
                             hint="numbers, nested lists of one length per level, or arrays")
        if wanted is None:
            wanted = _default_dtype(data, value)
        result = wrap(value.astype(wanted.numpy, copy=False))
    if requires_grad:
        result.requires_grad_(True)
    return result  # type: ignore[no-any-return]


def _plain(data: Any) -> Any:
    """Tensors inside lists become arrays."""
    if isinstance(data, (list, tuple)) and any(
            isinstance(d, (Handle, list, tuple)) for d in data):
        try:
            return np.stack([np.asarray(_plain(d)) for d in data])
        except ValueError:
            lengths = [len(d) if hasattr(d, "__len__") else 0 for d in data]
            raise ShapeError(f"tensor: nested lists of different lengths, {lengths[:8]}",
                             where=str(user_location() or "") or None,
                             hint="pad them to one length") from None
    return data


def _default_dtype(data: Any, value: np.ndarray[Any, Any]) -> DType:
    if isinstance(data, (np.ndarray, np.generic)):
        return as_dtype(value.dtype)
    if value.dtype == np.float64 and not _holds_numpy(data):
        return ar.DEFAULT_FLOAT
    if value.dtype == np.complex128 and not _holds_numpy(data):
        return as_dtype("complex64")
    return as_dtype(value.dtype)


def _holds_numpy(data: Any) -> bool:
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return isinstance(data, (np.ndarray, np.generic, Handle))
