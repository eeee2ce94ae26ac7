"""Hooks of a module: functions called before and after ``forward``, and around its gradient.

A module without hooks pays one look at a flag for all of this.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import NotSupportedError
from ..ir.node import Node
from ..ir.ops.structural import attach_gradient
from ..tensor import Tensor, record
from ..tensor.differentiable import HookHandle

__all__ = ["Hooked"]

Hook = Callable[..., Any]
_serial = itertools.count()


@dataclass(frozen=True)
class _Passage:
    """Where a gradient leaves one module; modules that read the same tensor have one each."""

    serial: int

    def __call__(self, cotangent: Node, *_: Node) -> tuple[Node]:
        return (cotangent,)


def _through(x: Node, passage: _Passage) -> Node:
    return attach_gradient(x, (x,), passage)


@dataclass(frozen=True)
class _Options:
    hook: Hook
    with_kwargs: bool = False
    always_call: bool = False
    #: whether the result of a state hook replaces the state
    replaces: bool = False


class Hooked:
    """The hooks of one module, by kind; None until there is one."""

    _hooks: dict[str, OrderedDict[int, _Options]] | None = None
    #: handles of the latest call that gradients are watched on, kept alive for the backward pass
    _watched: tuple[Any, ...] = ()

    def _add_hook(self, kind: str, options: _Options, prepend: bool = False) -> HookHandle:
        if self._hooks is None:
            self._hooks = {}
        table = self._hooks.setdefault(kind, OrderedDict())
        handle = HookHandle(table)
        table[handle.id] = options
        if prepend:
            table.move_to_end(handle.id, last=False)
        return handle

    def _hooks_of(self, kind: str) -> list[_Options]:
        return list(self._hooks.get(kind, {}).values()) if self._hooks else []

    def register_forward_pre_hook(self, hook: Hook, *, prepend: bool = False,
                                  with_kwargs: bool = False) -> HookHandle:
        """Call ``hook(module, args)`` before `forward`; what it returns replaces the arguments."""
        return self._add_hook("pre", _Options(hook, with_kwargs), prepend)

    def register_forward_hook(self, hook: Hook, *, prepend: bool = False,
                              with_kwargs: bool = False, always_call: bool = False) -> HookHandle:
        """Call ``hook(module, args, output)`` after `forward`; what it returns replaces the output.
        """
        return self._add_hook("forward", _Options(hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> HookHandle:
        """Call ``hook(module, grad_output)`` when the gradient of the output is known."""
        return self._add_hook("backward_pre", _Options(hook), prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> HookHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the input's gradient is known.

        What it returns replaces the gradient, if the module takes one tensor.
        """
        return self._add_hook("backward", _Options(hook), prepend)

    register_backward_hook = register_full_backward_hook

    def register_state_dict_pre_hook(self, hook: Hook) -> HookHandle:
        """Call ``hook(module, prefix, keep_vars)`` before `state_dict` collects."""
        return self._add_hook("state_pre", _Options(hook))

    def register_state_dict_post_hook(self, hook: Hook) -> HookHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` after `state_dict`."""
        return self._add_hook("state", _Options(hook))

    def _register_state_dict_hook(self, hook: Hook) -> HookHandle:
        """Like `register_state_dict_post_hook`; what the hook returns replaces the state."""
        return self._add_hook("state", _Options(hook, replaces=True))

    def register_load_state_dict_pre_hook(self, hook: Hook) -> HookHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys,
        unexpected_keys, error_msgs)`` before `load_state_dict`; it may change the dictionary."""
        return self._add_hook("load_pre", _Options(hook))

    def register_load_state_dict_post_hook(self, hook: Hook) -> HookHandle:
        """Call ``hook(module, incompatible_keys)`` after `load_state_dict`."""
        return self._add_hook("load", _Options(hook))

    # ---- calling them

    def _call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for pre in self._hooks_of("pre"):
            if pre.with_kwargs:
                replaced = pre.hook(self, args, kwargs)
                if replaced is not None:
                    args, kwargs = replaced
            else:
                replaced = pre.hook(self, args)
                if replaced is not None:
                    args = replaced if isinstance(replaced, tuple) else (replaced,)
        watching = self._hooks_of("backward") or self._hooks_of("backward_pre")
        watch = _Watch(self, args) if watching else None
        if watch:
            args = watch.args
        output = None
        called = False
        try:
            output = self.forward(*args, **kwargs)  # type: ignore[attr-defined]
            called = True
        finally:
            if not called:
                for after in self._hooks_of("forward"):
                    if after.always_call:
                        self._run_forward_hook(after, args, kwargs, None)
        for after in self._hooks_of("forward"):
            replaced = self._run_forward_hook(after, args, kwargs, output)
            output = output if replaced is None else replaced
        if watch:
            watch.watch_output(output)
            self._watched = watch.handles()
        return output

    def _run_forward_hook(self, options: _Options, args: Any, kwargs: Any, output: Any) -> Any:
        if options.with_kwargs:
            return options.hook(self, args, kwargs, output)
        return options.hook(self, args, output)


class _Watch:
    """One call of a module whose gradients somebody looks at."""

    def __init__(self, module: Hooked, args: Sequence[Any]):
        self.module = module
        passage = _Passage(next(_serial))
        self.args = tuple(record(_through, (a,), (passage,)) if isinstance(a, Tensor)
                          and a.requires_grad else a for a in args)
        self.inputs = [a for a in self.args if isinstance(a, Tensor)]
        self.flowing = [i for i, a in enumerate(self.inputs) if a.requires_grad]
        self.outputs: list[Any] = []
        self.grad_output: list[Any] = []
        self.grad_input: list[Any] = [None] * len(self.inputs)
        self.waiting = set(self.flowing)
        for i in self.flowing:
            self.inputs[i].register_hook(_InputHook(self, i))

    def handles(self) -> tuple[Any, ...]:
        return (*self.inputs, *self.outputs)

    def watch_output(self, output: Any) -> None:
        found = output if isinstance(output, (tuple, list)) else [output]
        self.outputs = [o for o in found if isinstance(o, Tensor)]
        self.grad_output = [None] * len(self.outputs)
        for i, o in enumerate(self.outputs):
            if o.requires_grad:
                o.register_hook(_OutputHook(self, i))

    def output_arrived(self, index: int, gradient: Any) -> Any:
        self.grad_output[index] = gradient
        replaced = None
        for pre in self.module._hooks_of("backward_pre"):
            found = pre.hook(self.module, tuple(self.grad_output))
            if found is not None:
                self.grad_output = list(found) if isinstance(found, (tuple, list)) else [found]
                replaced = self.grad_output[index]
        if not self.flowing:
            self._tell()
        return replaced

    def input_arrived(self, index: int, gradient: Any) -> Any:
        self.grad_input[index] = gradient
        self.waiting.discard(index)
        if self.waiting:
            return None
        self.waiting = set(self.flowing)  # for a second backward pass
        replaced = self._tell()
        if replaced is None:
            return None
        if len(self.flowing) > 1:
            raise NotSupportedError("full backward hook: the gradients of several inputs cannot be "
                                    "replaced", hint="register_hook on each input tensor")
        return replaced[index] if isinstance(replaced, (tuple, list)) else replaced

    def _tell(self) -> Any:
        last = None
        for options in self.module._hooks_of("backward"):
            found = options.hook(self.module, tuple(self.grad_input), tuple(self.grad_output))
            if found is not None:
                last = found
                self.grad_input = list(found) if isinstance(found, (tuple, list)) else [found]
        return last


@dataclass(frozen=True, eq=False)
class _InputHook:
    watch: _Watch
    index: int

    def __call__(self, gradient: Any) -> Any:
        return self.watch.input_arrived(self.index, gradient)


@dataclass(frozen=True, eq=False)
class _OutputHook:
    watch: _Watch
    index: int

    def __call__(self, gradient: Any) -> Any:
        return self.watch.output_arrived(self.index, gradient)
