"""``torch.save`` and ``torch.load``: data only, whatever ``weights_only`` says."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, NotSupportedError
from ..ir.dtypes import DType, as_dtype
from ..nn import Module
from ..optim import Optimizer
from ..serialize import TensorData, TorchDevice, TorchDtype, load_torch, save_torch
from ..tensor import Parameter, wrap
from ..tensor.array_attributes import Device
from ..tensor.handle import Handle
from ..tensor.recorder import value_of
from .devices import device, refuse_device

__all__ = ["load", "save"]


def save(obj: Any, f: Any, pickle_module: Any = None, pickle_protocol: int = 2,
         _use_new_zipfile_serialization: bool = True) -> None:
    """Write tensors in dicts, lists and tuples, with numbers and text, so that PyTorch reads them.

    ``f`` is a path or an open binary file. The file appears whole or not at all.

    Raises:  NotSupportedError for a module or an optimizer itself (save its ``state_dict()``),
             ArgumentError for other objects, naming where in ``obj`` they are
    """
    if isinstance(obj, Module):
        raise NotSupportedError(f"save: a module ({type(obj).__name__}) cannot be saved whole, "
                                "because loading it would run code from the file",
                                hint="torch.save(model.state_dict(), path)")
    if isinstance(obj, Optimizer):
        raise NotSupportedError(f"save: an optimizer ({type(obj).__name__}) cannot be saved whole",
                                hint="torch.save(optimizer.state_dict(), path)")
    if not _use_new_zipfile_serialization:
        raise NotSupportedError("save: the format of before PyTorch 1.6 is read, not written")
    save_torch(_mapped(obj, _written), f)


def _written(value: Any) -> Any:
    if isinstance(value, Handle):
        array = value_of(value)
        return TensorData(array, value._wants_grad, isinstance(value, Parameter))
    if isinstance(value, DType):
        return TorchDtype(value.name)
    if isinstance(value, Device):
        return TorchDevice(value.type, value.index)
    if isinstance(value, Module):
        raise NotSupportedError(f"save: a module ({type(value).__name__}) is among what is to be "
                                "saved; loading it would run code from the file",
                                hint="save its state_dict()")
    return value


def load(f: Any, map_location: Any = None, pickle_module: Any = None, *,
         weights_only: bool | None = None, mmap: bool | None = None,
         **pickle_load_args: Any) -> Any:
    """The object in a file of PyTorch's or ours.

    Every file is read as data: with ``weights_only=False`` too, no code of a file is run. Tensors
    come to the CPU; ``map_location`` may say so.

    Raises:  UnsafeFileError if the file asks for code, FileFormatError if it is damaged
    """
    if isinstance(map_location, (str, Device)):
        refuse_device(map_location)
    source = os.fspath(f) if isinstance(f, os.PathLike) else f
    return _mapped(load_torch(source), _Reader())


class _Reader:
    """What is in a file, as what a program works with. Equal tensors are one object."""

    def __init__(self) -> None:
        self.known: dict[Any, Any] = {}

    def __call__(self, value: Any) -> Any:
        if isinstance(value, TensorData):
            array = value.array
            key = (array.ctypes.data, array.shape, array.strides, array.dtype,
                   value.requires_grad, value.is_parameter)
            if key not in self.known or not array.size:
                self.known[key] = _tensor(value)
            return self.known[key]
        if isinstance(value, TorchDtype):
            return as_dtype(value.name)
        if isinstance(value, TorchDevice):
            return device(value.type, value.index)
        return value


def _tensor(data: TensorData) -> Any:
    made = wrap(np.asarray(data.array), Parameter if data.is_parameter else None)
    return made.requires_grad_(True) if data.requires_grad else made


def _children(value: Any) -> list[Any] | None:
    """What a container holds; None for anything else."""
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return list(value) if isinstance(value, (list, tuple, set)) else None


class _Circle(ArgumentError):
    """A container holds itself."""


def _mapped(root: Any, convert: Callable[[Any], Any]) -> Any:
    """A copy of nested containers with the leaves converted; equal objects stay one object.

    A loop, not a recursion: the depth is the user's.
    """
    done: dict[int, Any] = {}
    open_: set[int] = set()
    stack: list[tuple[Any, bool]] = [(root, False)]
    while stack:
        value, filled = stack.pop()
        if id(value) in done:
            continue
        inside = _children(value)
        if inside is None:
            done[id(value)] = convert(value)
        elif filled:
            open_.discard(id(value))
            done[id(value)] = _rebuilt(value, [done[id(v)] for v in inside])
        elif id(value) in open_:
            raise _Circle("save: a container holds itself")
        else:
            open_.add(id(value))
            stack.append((value, True))
            stack.extend((v, False) for v in reversed(inside))
    return done[id(root)]


def _rebuilt(value: Any, parts: list[Any]) -> Any:
    if isinstance(value, OrderedDict):
        half = len(parts) // 2
        made: Any = OrderedDict(zip(parts[:half], parts[half:], strict=True))
        metadata = getattr(value, "_metadata", None)
        if metadata is not None:
            made._metadata = metadata
        return made
    if isinstance(value, dict):
        half = len(parts) // 2
        return dict(zip(parts[:half], parts[half:], strict=True))
    if isinstance(value, (list, set)):
        return type(value)(parts) if type(value) in (list, set) else list(parts)
    return tuple(parts)


