"""What a layer's ``call`` takes, and how its arguments are found among those given."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ...errors import ArgumentError
from ...tensor.handle import Handle
from ..graph import KerasTensor, known_shape, leaves_of, map_leaves

__all__ = ["CallSignature"]


def _is_tensor(value: Any) -> bool:
    return isinstance(value, (Handle, KerasTensor))


def _holds_tensors(value: Any) -> bool:
    return any(_is_tensor(v) for v in leaves_of(value))


def _shape(value: Any) -> Any:
    return known_shape(tuple(value.shape)) if hasattr(value, "shape") else None


class CallSignature:
    """Looked at once per layer."""

    __slots__ = ("default_training", "first_name", "names", "parameters", "takes_mask",
                 "takes_training")

    def __init__(self, call: Callable[..., Any]):
        self.parameters = inspect.signature(call).parameters
        self.names = [n for n, p in self.parameters.items()
                      if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        keywords = set(self.names) | {n for n, p in self.parameters.items()
                                      if p.kind is p.KEYWORD_ONLY}
        self.first_name = self.names[0] if self.names else None
        self.takes_training = "training" in keywords
        self.takes_mask = any(n == "mask" or n.endswith("_mask") for n in keywords)
        default = self.parameters["training"].default if self.takes_training else None
        self.default_training = bool(default) if default is not inspect.Parameter.empty else False

    def __deepcopy__(self, memo: dict[int, Any]) -> CallSignature:
        return self  # never changed

    def has_training(self, args: tuple[Any, ...]) -> bool:
        """Whether ``training`` is among the positional arguments."""
        return "training" in self.names[:len(args)] and (
            args[self.names.index("training")] is not None)

    def first(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The first argument, given by place or by name."""
        if args:
            return args[0]
        if self.first_name in kwargs:
            return kwargs[self.first_name]
        if kwargs and self.first_name is None:
            return next(iter(kwargs.values()))
        return None

    def tensors(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Arguments that are tensors or hold tensors, by name."""
        found = dict(zip(self.names, args, strict=False))
        if len(args) > len(self.names):
            found.update({f"argument_{i}": a for i, a in enumerate(args[len(self.names):])})
        found.update(kwargs)
        return {n: v for n, v in found.items() if _holds_tensors(v)}

    def build_arguments(self, build: Callable[..., Any], args: tuple[Any, ...],
                        kwargs: dict[str, Any]) -> dict[str, Any]:
        """The shapes that ``build`` asks for by the names of its parameters."""
        own = getattr(build, "__func__", build)
        given = inspect.signature(getattr(own, "__wrapped__", own)).parameters
        wanted = [n for n, p in given.items()
                  if n != "self" and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        tensors = self.tensors(args, kwargs)
        if len(wanted) == 1:
            first = self.first(args, kwargs)
            return {wanted[0]: map_leaves(_shape, first)}
        optional = {n for n, p in given.items() if p.default is not p.empty}
        found = {n: map_leaves(_shape, tensors[base]) for n in wanted
                 if (base := n.removesuffix("_shape")) in tensors}
        missing = [n for n in wanted if n not in found and n not in optional]
        if missing and not tensors:
            raise ArgumentError(f"build() asks for {missing[0]}, but call() got no such tensor")
        return {**found, **dict.fromkeys(missing)}

    def add_masks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Fill in masks that travel with the tensors, where ``call`` takes them."""
        if not self.takes_mask:
            return kwargs
        tensors = self.tensors(args, kwargs)
        given = set(self.names[:len(args)]) | {k for k, v in kwargs.items() if v is not None}
        found = dict(kwargs)
        if "mask" in self.parameters and "mask" not in given and len(tensors) == 1:
            mask = map_leaves(_mask, next(iter(tensors.values())))
            if any(m is not None for m in leaves_of(mask)):
                found["mask"] = mask
        else:
            for name, value in tensors.items():
                wanted = f"{name}_mask"
                if wanted in self.parameters and wanted not in given:
                    mask = map_leaves(_mask, value)
                    if any(m is not None for m in leaves_of(mask)):
                        found[wanted] = mask
        return found


def _mask(value: Any) -> Any:
    return getattr(value, "_keras_mask", None)
