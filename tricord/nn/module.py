"""The one Module base: a tree of parameters, buffers and submodules under PyTorch's protocol.

Parameters, buffers and submodules are plain instance attributes: reading ``self.weight`` costs what
reading an attribute costs, and a subclass that forgets ``super().__init__()`` still works. The tree
is found by walking ``vars(self)``, own parameters first, then children, both in the order in which
they were set. Trees are walked with loops: a stack of blocks may be deeper than Python's.
"""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, NotSupportedError, StateError, TricordError, nearest
from ..ir.dtypes import ALL, DType, as_dtype, bfloat16, float16, float32, float64
from ..ir.node import Node
from ..ir.ops.elementwise import cast
from ..tensor import Parameter, Tensor, record, recording_gradients
from .hooks import Hooked
from .state import Stateful

__all__ = ["MemberError", "Module"]


class MemberError(TricordError, AttributeError):
    """A path names a submodule, parameter or buffer that is not there."""


_DTYPE_NAMES = frozenset(d.name for d in ALL)


def _cast(x: Node, dtype: DType) -> Node:
    return cast(x, dtype)


def check_device(device: Any, what: str) -> None:
    """Refuse every device but the processor."""
    name = getattr(device, "type", None) or str(device).partition(":")[0]
    if name != "cpu":
        raise NotSupportedError(f"{what}: device {str(device)!r} is not available; tricord runs on "
                                "the processor", hint='device="cpu"')


@lru_cache(maxsize=512)
def _keywords(cls: type) -> tuple[str, ...] | None:
    """The keywords a class takes; None if it takes any."""
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]  # type: ignore[misc]
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters):
        return None
    return tuple(p.name for p in parameters if p.kind is not inspect.Parameter.VAR_POSITIONAL)


class Module(Hooked, Stateful):
    """Base class of layers and models.

    Set parameters and submodules as attributes, compute in ``forward``, call the module.

    >>> from tricord.tensor import tensor
    >>> class Scale(Module):
    ...     def __init__(self):
    ...         self.factor = Parameter(tensor([2.0]))
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> scale = Scale()
    >>> scale(tensor([1.0, 3.0])).tolist(), [name for name, _ in scale.named_parameters()]
    ([2.0, 6.0], ['factor'])
    """

    #: whether layers behave as in training; see `train` and `eval`
    training: bool = True
    #: names of buffers, and whether they are saved
    _buffer_names: Mapping[str, bool] = {}

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if kwargs:
            known = _keywords(cls)
            for name in kwargs:
                if known is not None and name not in known:
                    raise ArgumentError(f"{cls.__name__}() got an unexpected keyword argument "
                                        f"{name!r}", hint=nearest(name, known)
                                        or "it takes " + ", ".join(known))
        return object.__new__(cls)

    def __init__(self) -> None:
        self.training = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._hooks:
            return self._call_with_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The computation; subclasses define it."""
        raise NotSupportedError(f"Module [{type(self).__name__}] is missing the required "
                                '"forward" function', hint="def forward(self, x): ...")

    # ---- the tree

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The immediate submodules; one that is set under two names comes once."""
        seen = set()
        for name, value in list(vars(self).items()):
            if isinstance(value, Module) and value not in seen:
                seen.add(value)
                yield name, value

    def children(self) -> Iterator[Module]:
        """The immediate submodules."""
        return (child for _, child in self.named_children())

    def _all_children(self) -> list[tuple[str, Module]]:
        """Immediate submodules under each of their names. Subclasses that keep submodules
        elsewhere (in lists, say) extend this and `named_children`."""
        return [(n, v) for n, v in list(vars(self).items()) if isinstance(v, Module)]

    def named_modules(self, memo: set[Module] | None = None, prefix: str = "",
                      remove_duplicate: bool = True) -> Iterator[tuple[str, Module]]:
        """This module and everything below it, a parent before its children."""
        seen: set[Module] = set() if memo is None else memo
        stack: list[tuple[str, Module, tuple[int, ...]]] = [(prefix, self, ())]
        while stack:
            path, module, above = stack.pop()
            if remove_duplicate:
                if module in seen:
                    continue
                seen.add(module)
            elif id(module) in above:
                raise ArgumentError(f"{type(module).__name__}: a module contains itself, at "
                                    f"{path!r}")
            yield path, module
            lead = f"{path}." if path else ""
            inside = above if remove_duplicate else (*above, id(module))
            stack.extend((lead + n, c, inside) for n, c in reversed(module._all_children()))

    def modules(self) -> Iterator[Module]:
        """This module and everything below it."""
        return (module for _, module in self.named_modules())

    def _own_parameters(self) -> list[tuple[str, Parameter]]:
        return [(n, v) for n, v in vars(self).items() if isinstance(v, Parameter)]

    def _own_buffers(self) -> list[tuple[str, Tensor]]:
        own = vars(self)
        return [(n, own[n]) for n in self._buffer_names if own.get(n) is not None]

    def _named_members(self, members: Callable[[Module], list[tuple[str, Any]]], prefix: str,
                       recurse: bool, remove_duplicate: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        owners = (self.named_modules(None, prefix, remove_duplicate) if recurse
                  else [(prefix, self)])
        for path, module in owners:
            lead = f"{path}." if path else ""
            for name, value in members(module):
                if not remove_duplicate or id(value) not in seen:
                    seen.add(id(value))
                    yield lead + name, value

    def named_parameters(self, prefix: str = "", recurse: bool = True,
                         remove_duplicate: bool = True) -> Iterator[tuple[str, Parameter]]:
        """Names and parameters; a shared parameter comes once, under its first name."""
        return self._named_members(lambda m: m._own_parameters(), prefix, recurse,
                                   remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, each once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True,
                      remove_duplicate: bool = True) -> Iterator[tuple[str, Tensor]]:
        """Names and buffers: tensors that belong to the state but are not trained."""
        return self._named_members(lambda m: m._own_buffers(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    # What code written for PyTorch looks into; a snapshot, not a place to write to.
    @property
    def _parameters(self) -> dict[str, Parameter]:
        return dict(self._own_parameters())

    @property
    def _buffers(self) -> dict[str, Tensor | None]:
        return {n: vars(self).get(n) for n in self._buffer_names}

    @property
    def _modules(self) -> dict[str, Module]:
        return dict(self._all_children())

    # ---- adding members

    def _check_name(self, kind: str, name: object) -> None:
        if not isinstance(name, str):
            raise ArgumentError(f"{kind} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise ArgumentError(f'{kind} name can\'t contain ".", got: {name}')
        if not name:
            raise ArgumentError(f'{kind} name can\'t be empty string ""')
        known = vars(self).get(name)
        taken = hasattr(self, name) and not (
            isinstance(known, (Module, Parameter)) or name in self._buffer_names or (
                known is None and name in vars(self)))
        if taken:
            raise StateError(f"attribute '{name}' already exists")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Set a parameter; None reserves the name (a layer without bias)."""
        self._check_name("parameter", name)
        if param is not None and not isinstance(param, Parameter):
            raise DTypeError(f"cannot assign '{type(param).__name__}' object to parameter "
                             f"'{name}' (Parameter or None required)", hint="Parameter(tensor)")
        setattr(self, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Set a tensor that is part of the state but is not trained.

        It is saved by `state_dict` if ``persistent``, and moves and casts with the module.
        """
        self._check_name("buffer", name)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise DTypeError(f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' "
                             "(Tensor or None required)")
        self._buffer_names = {**self._buffer_names, name: persistent}
        setattr(self, name, tensor)

    def add_module(self, name: str, module: Module | None) -> None:
        """Set a submodule under any name, ``"0"`` for example."""
        if module is not None and not isinstance(module, Module):
            raise DTypeError(f"{type(module).__name__} is not a Module subclass",
                             hint="pass a module object, not a class or a function")
        self._check_name("module", name)
        setattr(self, name, module)

    register_module = add_module

    # ---- finding members

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path; the module itself for an empty one."""
        module: Module = self
        for name in target.split(".") if target else ():
            found = getattr(module, name, None)
            if found is None:
                raise MemberError(f"{type(module).__name__} has no attribute `{name}`",
                                   hint=nearest(name, [n for n, _ in module._all_children()]))
            if not isinstance(found, Module):
                raise MemberError(f"`{name}` is not a Module")
            module = found
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module at a dotted path; ``strict`` wants one to be there already."""
        path, _, name = target.rpartition(".")
        if not name:
            raise ArgumentError("set_submodule: cannot set the submodule without a target name")
        parent = self.get_submodule(path)
        if strict:
            parent.get_submodule(name)
        setattr(parent, name, module)

    def _get_member(self, target: str, kind: type, what: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        found = getattr(module, name, None)
        if not isinstance(found, kind):
            raise MemberError(f"{type(module).__name__} has no {what} `{name}`",
                               hint=nearest(name, vars(module)))
        return found

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path."""
        return self._get_member(target, Parameter, "parameter")  # type: ignore[no-any-return]

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a dotted path."""
        return self._get_member(target, Tensor, "buffer")  # type: ignore[no-any-return]

    # ---- modes

    def train(self, mode: bool = True) -> Any:
        """Switch this module and everything below to training (or evaluation) behaviour."""
        if not isinstance(mode, bool):
            raise ArgumentError("training mode is expected to be boolean")
        stack: list[Module] = [self]
        seen = set()
        while stack:
            module = stack.pop()
            if module in seen:
                continue
            seen.add(module)
            if module is not self and type(module).train is not Module.train:
                module.train(mode)  # it has a mind of its own
                continue
            module.training = mode
            stack.extend(module.children())
        return self

    def eval(self) -> Any:
        """Switch to evaluation behaviour: dropout off, running statistics in use."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Ask for (or decline) gradients of all parameters."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or set them to zero."""
        for parameter in self.parameters():
            if parameter.grad is not None:
                parameter.grad = None if set_to_none else Tensor(np.zeros(
                    parameter.shape, parameter.dtype.numpy), dtype=parameter.dtype)

    def apply(self, fn: Callable[[Module], Any]) -> Any:
        """Call ``fn`` on every module below, children first, and on this one last."""
        for module in _children_first(self):
            fn(module)
        return self

    # ---- casts

    def _apply(self, fn: Callable[[Tensor], Tensor]) -> Any:
        """Replace the value of every parameter, gradient and buffer; the objects stay."""
        with recording_gradients(False):
            for module in self.modules():
                for _, member in [*module._own_parameters(), *module._own_buffers()]:
                    new = fn(member)
                    if new is not member:
                        member.data = new
                    if member.grad is not None:
                        member._grad = fn(member.grad)
        return self

    def _cast_floats(self, dtype: DType) -> Any:
        return self._apply(lambda t: t if t.dtype is dtype or not t.dtype.is_inexact
                           else record(_cast, (t.detach(),), (dtype,)))

    def to(self, *args: Any, device: Any = None, dtype: Any = None, non_blocking: bool = False,
           copy: bool = False, memory_format: Any = None) -> Any:
        """Cast floating parameters and buffers, ``to(float64)``; ``to("cpu")`` changes nothing.

        Raises:  NotSupportedError for another device; DTypeError for an integer dtype
        """
        for value in args:
            if isinstance(value, Tensor):
                dtype = value.dtype
            elif isinstance(value, (DType, type, np.dtype)) or value in _DTYPE_NAMES:
                dtype = value
            elif value is not None and not isinstance(value, bool):
                device = value
        if device is not None:
            check_device(device, "to")
        if dtype is not None:
            wanted = as_dtype(dtype)
            if not wanted.is_inexact:
                raise DTypeError("to: a module only accepts floating point or complex dtypes, but "
                                 f"got desired dtype={wanted}")
            self._cast_floats(wanted)
        return self

    def cpu(self) -> Any:
        """Nothing to do: everything is on the processor."""
        return self

    def cuda(self, device: Any = None) -> Any:
        """Refused: there is no graphics device."""
        check_device("cuda" if device is None else f"cuda:{device}", "cuda")

    def to_empty(self, *, device: Any, recurse: bool = True) -> Any:
        """Nothing to do: everything is on the processor, with its values."""
        check_device(device, "to_empty")
        return self

    def share_memory(self) -> Any:
        """Nothing to do: threads share all memory already."""
        return self

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to do: what is recorded is compiled anyway."""

    def type(self, dst_type: Any) -> Any:
        """Cast all parameters and buffers."""
        wanted = as_dtype(dst_type)
        return self._apply(lambda t: record(_cast, (t.detach(),), (wanted,)))

    def float(self) -> Any:
        """Cast floating parameters and buffers to float32."""
        return self._cast_floats(float32)

    def double(self) -> Any:
        """Cast floating parameters and buffers to float64."""
        return self._cast_floats(float64)

    def half(self) -> Any:
        """Cast floating parameters and buffers to float16."""
        return self._cast_floats(float16)

    def bfloat16(self) -> Any:
        """Cast floating parameters and buffers to bfloat16."""
        return self._cast_floats(bfloat16)

    # ---- printing

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What stands in the brackets: the module's settings."""
        return ""

    def __repr__(self) -> str:
        shown: dict[Module, str] = {}
        for module in _children_first(self):
            own_way = module is not self and type(module).__repr__ is not Module.__repr__
            shown[module] = repr(module) if own_way else module._describe(shown)
        return shown[self]

    def _describe(self, shown: Mapping[Module, str]) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        parts = [f"({n}): {shown[c]}".replace("\n", "\n  ") for n, c in self._shown_children()]
        if not parts and len(lines) <= 1:
            return f"{self._get_name()}({extra})"
        return "\n  ".join([f"{self._get_name()}(", *lines, *parts]) + "\n)"

    def _shown_children(self) -> list[tuple[str, Module]]:
        return self._all_children()

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


def _children_first(module: Module) -> list[Module]:
    """All modules of a tree, each once, a parent after its children."""
    order: OrderedDict[Module, None] = OrderedDict()
    stack: list[tuple[Module, bool]] = [(module, False)]
    entered = set()
    while stack:
        current, done = stack.pop()
        if done:
            order[current] = None
        elif current not in entered:
            entered.add(current)
            stack.append((current, True))
            stack.extend((child, False) for child in reversed(list(current.children())))
    return list(order)
