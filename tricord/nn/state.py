"""The state of a module: names and tensors out, names and tensors in.

Loading checks everything before it changes anything.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, StateError
from ..ir.dtypes import DType
from ..ir.node import Node
from ..ir.ops.elementwise import cast
from ..tensor import Parameter, Tensor, record, recording_gradients, tensor, wrap
from ..tensor.recorder import leaf_value, state
from ..tensor.views import replace

__all__ = ["IncompatibleKeys", "Stateful", "set_value"]

_EXTRA = "_extra_state"


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` did not find, and what it found no place for."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return (f"IncompatibleKeys(missing_keys={self.missing_keys}, "
                f"unexpected_keys={self.unexpected_keys})")

    __str__ = __repr__


def _copy(x: Node, dtype: DType) -> Node:
    return cast(x, dtype)


def set_value(target: Tensor, value: Any) -> None:
    """Give a tensor new elements, cast to its dtype; no gradient flows into them."""
    known = leaf_value(value) if isinstance(value, Tensor) else np.asarray(value)
    if known is not None:
        known = np.array(np.broadcast_to(known, target.shape), target.dtype.numpy, order="C")
        views = [v for r in target._views or () if (v := r()) is not None]
        if target._link is None and state.segment.parent is None and all(map(_plain, views)):
            # Nothing differentiable looks at it: it simply stands for other elements from now on.
            _stand_for(target, known)
            for view in views:
                seen = known
                for step in view._link.steps:
                    seen = step.read_array(seen)
                _stand_for(view, seen)
            return
        value = wrap(known)
    with recording_gradients(False):
        replace(target, record(_copy, (value,), (target.dtype,)))


def _plain(view: Any) -> bool:
    """Whether no gradient flows through a view."""
    return view._provenance is None and (view._node is None or not view._node.needs_grad)


def _stand_for(handle: Any, value: np.ndarray[Any, Any]) -> None:
    handle._value = value
    handle._node = handle._segment = handle._provenance = handle._error = None


class Stateful:
    """`state_dict` and `load_state_dict` of a module."""

    def get_extra_state(self) -> Any:
        """State besides tensors; a subclass that has some defines this and `set_extra_state`."""
        raise NotImplementedError

    def set_extra_state(self, extra: Any) -> None:
        """Take back what `get_extra_state` gave."""
        raise NotImplementedError

    def _has_extra_state(self) -> bool:
        return type(self).get_extra_state is not Stateful.get_extra_state

    def _saved_members(self: Any, prefix: str) -> Iterator[tuple[str, Any, Any, str]]:
        """Dotted name, tensor, module and own name of all that is saved, shared ones repeated."""
        for path, module in self.named_modules(None, prefix.removesuffix("."),
                                               remove_duplicate=False):
            lead = f"{path}." if path else ""
            for name, value in module._own_parameters():
                yield lead + name, value, module, name
            for name, value in module._own_buffers():
                if module._buffer_names[name]:
                    yield lead + name, value, module, name

    def state_dict(self: Any, *args: Any, destination: Any = None, prefix: str = "",
                   keep_vars: bool = False) -> OrderedDict[str, Any]:
        """Names and tensors of all parameters and saved buffers, in order.

        The tensors share storage with the module and carry no gradient; ``keep_vars`` gives the
        parameters themselves.
        """
        if args:
            destination, prefix, keep_vars = (*args, *(destination, prefix, keep_vars)[len(args):])
        found: OrderedDict[str, Any] = OrderedDict() if destination is None else destination
        modules = list(self.named_modules(None, prefix.removesuffix("."), remove_duplicate=False))
        for path, module in modules:
            lead = f"{path}." if path else ""
            for options in module._hooks_of("state_pre"):
                options.hook(module, lead, keep_vars)
        for path, module in modules:
            lead = f"{path}." if path else ""
            for name, value in module._own_parameters():
                found[lead + name] = value if keep_vars else value.detach()
            for name, value in module._own_buffers():
                if module._buffer_names[name]:
                    found[lead + name] = value if keep_vars else value.detach()
            if module._has_extra_state():
                found[lead + _EXTRA] = module.get_extra_state()
        for path, module in reversed(modules):
            lead = f"{path}." if path else ""
            for options in module._hooks_of("state"):
                replaced = options.hook(module, found, lead, {})
                if options.replaces and replaced is not None:
                    found = replaced
        return found

    def load_state_dict(self: Any, state_dict: Mapping[str, Any], strict: bool = True,
                        assign: bool = False) -> IncompatibleKeys:
        """Copy the tensors of a state into parameters and buffers of the same names.

        ``strict`` refuses missing and unexpected names; ``assign`` puts the given tensors in place
        of the module's instead of copying. Nothing is changed if anything is wrong.

        Raises:  StateError listing all that does not fit
        """
        if not isinstance(state_dict, Mapping):
            raise ArgumentError("Expected state_dict to be dict-like, got "
                                f"{type(state_dict).__name__}.",
                                hint="read the file first: load_state_dict(load(path))")
        given = OrderedDict(state_dict)
        missing: list[str] = []
        unexpected: list[str] = []
        problems: list[str] = []
        for path, module in self.named_modules(remove_duplicate=False):
            for options in module._hooks_of("load_pre"):
                options.hook(module, given, f"{path}." if path else "", {}, strict, missing,
                             unexpected, problems)
        plan = []
        known = set()
        for name, own, module, attribute in self._saved_members(""):
            known.add(name)
            if name not in given:
                missing.append(name)
                continue
            problem = _mismatch(name, own, given[name])
            if problem:
                problems.append(problem)
            else:
                plan.append((own, module, attribute, given[name]))
        extra = []
        for path, module in self.named_modules(remove_duplicate=False):
            if module._has_extra_state():
                name = f"{path}.{_EXTRA}" if path else _EXTRA
                known.add(name)
                if name in given:
                    extra.append((module, given[name]))
                else:
                    missing.append(name)
        unexpected.extend(n for n in given if n not in known)
        keys = IncompatibleKeys(missing, unexpected)
        _refuse(type(self).__name__, keys if strict else IncompatibleKeys([], []), problems)
        for own, module, attribute, value in plan:
            if assign:
                setattr(module, attribute, _adopted(own, value))
            else:
                set_value(own, value)
        for module, value in extra:
            module.set_extra_state(value)
        for _, module in self.named_modules(remove_duplicate=False):
            for options in module._hooks_of("load"):
                options.hook(module, keys)
        return keys


def _mismatch(name: str, own: Tensor, value: Any) -> str | None:
    if not hasattr(value, "shape"):
        return (f'While copying the parameter named "{name}", expected a tensor from checkpoint '
                f"but received {type(value).__name__}")
    shape, given = tuple(own.shape), tuple(value.shape)
    if shape != given:
        return (f"size mismatch for {name}: copying a param with shape {given} from checkpoint, "
                f"the shape in current model is {shape}.")
    return None


def _refuse(model: str, keys: IncompatibleKeys, problems: list[str]) -> None:
    lines = []
    for kind, names in (("Missing", keys.missing_keys), ("Unexpected", keys.unexpected_keys)):
        if names:
            listed = ", ".join(f'"{n}"' for n in names)
            lines.append(f"{kind} key(s) in state_dict: {listed}. ")
    lines.extend(problems)
    if lines:
        raise StateError(f"Error(s) in loading state_dict for {model}:\n\t" + "\n\t".join(lines))


def _adopted(own: Tensor, value: Any) -> Tensor:
    """The given tensor as the kind of thing that was there."""
    if not isinstance(value, Tensor):
        value = tensor(np.asarray(value))
    if isinstance(own, Parameter):
        return value if isinstance(value, Parameter) else Parameter(value.detach(),
                                                                    own.requires_grad)
    return value
