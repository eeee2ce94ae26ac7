"""Looking at values: item, numpy, print, truth, iteration, and the exchange protocols."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import (
    DTypeError,
    GradientError,
    IndexRangeError,
    ShapeError,
    TraceError,
    TricordError,
)
from ..ir import arithmetic as ar
from ..ir.dtypes import bool_, complex64, int64
from ..ir.shapes import broadcast_shapes
from ..ir.source import user_location
from .formatting import format_values, options
from .handle import Handle
from .recorder import value_of, wrap

__all__ = ["Observable"]


class Observable(Handle):
    """The part of a tensor that gives its value away. Each of these evaluates what is pending."""

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """A copy as a numpy array (bfloat16 comes as ml_dtypes' bfloat16)."""
        return value_of(self).copy()

    @property
    def is_computed(self) -> bool:
        """Whether the value exists already; asking does not compute it."""
        return self._value is not None

    def item(self, *index: int) -> Any:
        """The only element, as a Python number.

        Raises:  ShapeError if there are more elements, or none
        """
        value = value_of(self)
        if index:
            try:
                return value.item(*index)
            except (IndexError, ValueError, TypeError, OverflowError) as error:
                raise IndexRangeError(f"item: {index} is no place in a tensor of shape "
                                      f"{tuple(self.shape)}: {error}",
                                      where=str(user_location() or "") or None) from None
        if value.size != 1:
            raise ShapeError(f"item: a Tensor with {value.size} elements cannot be converted to "
                             f"Scalar; its shape is {tuple(self.shape)}",
                             where=str(user_location() or "") or None,
                             hint="tolist(), or reduce it first: x.sum().item()")
        return value.item() if value.dtype.kind != "V" else float(value)

    def tolist(self) -> Any:
        """Nested lists of Python numbers; a number for a 0-d tensor."""
        return value_of(self).tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        value = value_of(self)
        if dtype is not None and np.dtype(dtype) != value.dtype:
            return value.astype(dtype)
        if copy:
            return value.copy()
        shared = value.view()
        shared.flags.writeable = False  # a tensor never changes behind its own back
        return shared

    def __dlpack__(self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None,
                   copy: bool | None = None) -> Any:
        value = value_of(self)
        shared = value if copy is False else value.copy()
        return shared.__dlpack__(max_version=max_version)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)

    def __bool__(self) -> bool:
        value = value_of(self)
        if value.size != 1:
            raise ShapeError(f"bool: Boolean value of Tensor with {value.size} values is "
                             "ambiguous", where=str(user_location() or "") or None,
                             hint="x.any() or x.all()")
        return bool(value)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __index__(self) -> int:
        if self.dtype.kind not in "iu" or self._type.size != 1:
            raise DTypeError("only integer tensors of a single element can be converted to an "
                             f"index, this one is {self.dtype} of shape {tuple(self.shape)}")
        return int(self.item())

    def __len__(self) -> int:
        if not self.ndim:
            raise DTypeError("len() of a 0-d tensor")
        return self._type.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise DTypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(self._type.shape[0]))  # type: ignore[index]

    def __contains__(self, value: Any) -> bool:
        try:
            own, wanted = value_of(self), np.asarray(value)
        except ValueError:
            raise DTypeError("in: nested lists of different lengths") from None
        if wanted.dtype.kind not in "biufcV":
            raise DTypeError(f"in: a tensor holds numbers, not {type(value).__name__}")
        if wanted.ndim:
            broadcast_shapes(own.shape, wanted.shape, what="in")
        return bool(np.any(own == wanted))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if not self.ndim else format(str(self), spec)

    def __repr__(self) -> str:
        # Evaluates: at a prompt, in a list that is printed, users want to see numbers.
        return _describe(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if self._provenance is not None or (self._node is not None and self._node.needs_grad
                                            and not self._wants_grad):
            raise GradientError("deepcopy: only leaf tensors can be copied; this one is the result "
                                "of a computation that needs gradients", hint="x.detach().clone()")
        new = self.__class__.__new__(self.__class__)
        memo[id(self)] = new
        for name, own in self.__dict__.items():
            if not name.startswith("_"):
                setattr(new, name, own)
        new._value = value_of(self)
        new._type = self._type
        new._wants_grad = self._wants_grad
        if self._grad is not None:
            new._grad = self._grad.__deepcopy__({})  # type: ignore[attr-defined]
        return new

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.__class__, value_of(self), self._wants_grad)


def _rebuild(cls: type[Handle], value: np.ndarray[Any, Any], wants_grad: bool) -> Any:
    from_array = wrap(value, cls)
    from_array._wants_grad = wants_grad
    return from_array


def _describe(handle: Handle) -> str:
    """The value and what is special about the tensor; never raises."""
    facts = []
    value, missing = None, ""
    try:
        value = value_of(handle)
    except TraceError:
        missing = "<no value while a function is traced>"
    except TricordError as error:
        missing = f"<no value, its evaluation failed: {error.message}>"
    plain = handle.dtype in (int64, bool_, ar.DEFAULT_FLOAT, complex64)
    if value is None:
        facts.append(f"dtype={handle.dtype.name}")
    else:
        if not value.size and handle.ndim != 1:
            facts.append(f"size={tuple(handle.shape)}")
        if not plain or (not value.size and handle.dtype is not ar.DEFAULT_FLOAT):
            facts.append(f"dtype={handle.dtype.name}")
    if handle._wants_grad:
        facts.append("requires_grad=True")
    elif handle.requires_grad:
        facts.append("grad_fn=<recorded>")
    if value is None:
        inner = f"{missing}, shape={tuple(handle.shape)}"
    else:
        inner = format_values(value, len("tensor("))
    text = f"tensor({inner}"
    for fact in facts:
        last = len(text) - text.rfind("\n") - 1
        fits = last + len(fact) + 3 <= options().linewidth
        text += f", {fact}" if fits else ",\n       " + fact
    return text + ")"
