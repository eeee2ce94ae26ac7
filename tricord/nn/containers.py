"""Modules that hold modules or parameters."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, overload

from ..errors import ArgumentError, DTypeError, IndexRangeError, NotSupportedError
from ..tensor import Parameter, Tensor
from .module import Module

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


class _Numbered(Module):
    """Members under the names "0", "1", ...; what the three lists share."""

    def _members(self) -> list[tuple[str, Any]]:
        return [(n, v) for n, v in vars(self).items() if n.isdigit() or isinstance(v, Module)]

    def _values(self) -> list[Any]:
        return [v for _, v in self._members()]

    def _renumber(self, values: Iterable[Any]) -> None:
        for name, _ in self._members():
            delattr(self, name)
        for number, value in enumerate(values):
            setattr(self, str(number), value)

    def _name_at(self, index: int) -> str:
        members = self._members()
        if not -len(members) <= index < len(members):
            raise IndexRangeError(f"index {index} is out of range: {type(self).__name__} has "
                                  f"{len(members)} members")
        return members[index][0]

    def __len__(self) -> int:
        return len(self._members())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values())

    def __contains__(self, value: object) -> bool:
        return any(v is value for v in self._values())

    def _set_at(self, index: int, value: Any) -> None:
        setattr(self, self._name_at(index), value)

    def __delitem__(self, index: int | slice) -> None:
        values = self._values()
        if isinstance(index, int):
            self._name_at(index)
        del values[index]
        self._renumber(values)

    def insert(self, index: int, value: Any) -> Any:
        """Put a member before the one at ``index``."""
        values = self._values()
        values.insert(index, value)
        self._renumber(values)
        return self

    def append(self, value: Any) -> Any:
        """Add a member at the end."""
        setattr(self, str(len(self)), value)
        return self

    def extend(self, values: Iterable[Any]) -> Any:
        """Add several members at the end."""
        for value in list(values):
            self.append(value)
        return self

    def pop(self, index: int = -1) -> Any:
        """Take a member out."""
        value = self._values()[index]
        del self[index]
        return value


def _module(value: Any) -> Module:
    if not isinstance(value, Module):
        raise DTypeError(f"{type(value).__name__} is not a Module subclass",
                         hint="pass a module object, not a class or a function; a function can "
                         "be wrapped in a Module with a forward method")
    return value


class Sequential(_Numbered):
    """Modules called one after another.

    ``Sequential(a, b)``, or ``Sequential(OrderedDict(first=a, second=b))`` for names of one's own.

    >>> from tricord.tensor import tensor
    >>> from tricord.nn import ReLU
    >>> Sequential(ReLU(), ReLU())(tensor([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    #: the members in order, kept beside the attributes: calling is hot
    _chain: tuple[Module, ...] | None = None

    def __init__(self, *args: Any):
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, module in args[0].items():
                self.add_module(name, _module(module))
        else:
            for number, module in enumerate(args):
                setattr(self, str(number), _module(module))

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name != "_chain":
            object.__setattr__(self, "_chain", None)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        object.__setattr__(self, "_chain", None)

    def forward(self, input: Any) -> Any:
        """Each module gets what the one before it gave."""
        chained = self._chain
        if chained is None:
            chained = tuple(self._values())
            object.__setattr__(self, "_chain", chained)
        for module in chained:
            input = module(input)
        return input

    def _members(self) -> list[tuple[str, Any]]:
        return self._all_children()

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(OrderedDict(self._members()[index]))
        return getattr(self, self._name_at(index))

    def __setitem__(self, index: int, module: Module) -> None:
        self._set_at(index, _module(module))

    def append(self, value: Any) -> Sequential:
        """Add a module at the end."""
        super().append(_module(value))
        return self

    def __add__(self, other: Sequential) -> Sequential:
        return Sequential(*self, *other)

    def __iadd__(self, other: Sequential) -> Sequential:
        return self.extend(other)  # type: ignore[no-any-return]


class ModuleList(_Numbered):
    """A list of modules whose parameters are found."""

    def __init__(self, modules: Iterable[Module] | None = None):
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def append(self, value: Any) -> ModuleList:
        """Add a module at the end."""
        super().append(_module(value))
        return self

    def insert(self, index: int, value: Any) -> None:
        """Put a module before the one at ``index``."""
        super().insert(index, _module(value))

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(self._values()[index])
        return getattr(self, self._name_at(index))

    def __setitem__(self, index: int, module: Module) -> None:
        self._set_at(index, _module(module))

    def __iadd__(self, other: Iterable[Module]) -> ModuleList:
        return self.extend(other)  # type: ignore[no-any-return]

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList(chain(self, other))

    def _describe(self, shown: Any) -> str:
        """Neighbours that read alike are shown once."""
        runs: list[list[Any]] = []
        for number, (_, module) in enumerate(self._members()):
            if runs and runs[-1][2] == shown[module]:
                runs[-1][1] = number
            else:
                runs.append([number, number, shown[module]])
        lines = [f"({a}): {text}" if a == b else f"({a}-{b}): {b - a + 1} x {text}"
                 for a, b, text in runs]
        if not lines:
            return "ModuleList()"
        return "\n  ".join(["ModuleList(", *(t.replace("\n", "\n  ") for t in lines)]) + "\n)"

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """A list of modules cannot be called."""
        raise NotSupportedError("ModuleList: forward is not defined",
                                hint="loop over it, or use Sequential")


class ModuleDict(Module):
    """A dictionary of modules whose parameters are found."""

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add or replace modules."""
        pairs = modules.items() if isinstance(modules, Mapping) else modules
        for pair in pairs:
            name, module = pair
            self[name] = module

    def __getitem__(self, key: str) -> Module:
        found = dict(self._all_children()).get(key)
        if found is None:
            raise KeyError(key)
        return found

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, _module(module))

    def __delitem__(self, key: str) -> None:
        self[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._all_children())

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, key: object) -> bool:
        return key in self.keys()

    def keys(self) -> Any:
        """Names, in order."""
        return dict(self._all_children()).keys()

    def values(self) -> Any:
        """Modules, in order."""
        return dict(self._all_children()).values()

    def items(self) -> Any:
        """Names and modules, in order."""
        return dict(self._all_children()).items()

    def pop(self, key: str) -> Module:
        """Take a module out."""
        module = self[key]
        del self[key]
        return module

    def clear(self) -> None:
        """Take all modules out."""
        for key in list(self.keys()):
            del self[key]


def _parameter(value: Any) -> Any:
    """Tensors become parameters, as in PyTorch; anything else stays what it is."""
    if isinstance(value, Tensor) and not isinstance(value, Parameter):
        return Parameter(value)
    return value


class ParameterList(_Numbered):
    """A list of parameters that are found; tensors in it become parameters."""

    def __init__(self, values: Iterable[Any] | None = None):
        super().__init__()
        if values is not None:
            self.extend(values)

    def append(self, value: Any) -> ParameterList:
        """Add a parameter at the end."""
        super().append(_parameter(value))
        return self

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> ParameterList: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(self._values()[index])
        return getattr(self, self._name_at(index))

    def __setitem__(self, index: int, value: Any) -> None:
        self._set_at(index, _parameter(value))

    def __iadd__(self, other: Iterable[Any]) -> ParameterList:
        return self.extend(other)  # type: ignore[no-any-return]

    def _describe(self, shown: Any) -> str:
        return "ParameterList(" + "\n".join(
            f"  ({n}): {_shape_line(v)}" for n, v in self._members()) + ")"


def _shape_line(value: Any) -> str:
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    sizes = "x".join(map(str, value.shape))
    return f"{type(value).__name__} containing: [{value.dtype!r} of size {sizes}]"


class ParameterDict(Module):
    """A dictionary of parameters that are found; tensors in it become parameters."""

    def __init__(self, parameters: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None):
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def update(self, parameters: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Add or replace parameters."""
        pairs = parameters.items() if isinstance(parameters, Mapping) else parameters
        for name, value in pairs:
            self[name] = value

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        return vars(self)[key]

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):
            raise ArgumentError(f"ParameterDict: keys are strings, got {key!r}")
        if key not in self._keys:
            self._check_name("parameter", key)
        self._keys[key] = None
        setattr(self, key, _parameter(value))

    def __delitem__(self, key: str) -> None:
        self[key]
        del self._keys[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def keys(self) -> Any:
        """Names, in order."""
        return self._keys.keys()

    def values(self) -> list[Any]:
        """Parameters, in order."""
        return [vars(self)[k] for k in self._keys]

    def items(self) -> list[tuple[str, Any]]:
        """Names and parameters, in order."""
        return [(k, vars(self)[k]) for k in self._keys]

    def pop(self, key: str) -> Any:
        """Take a parameter out."""
        value = self[key]
        del self[key]
        return value

    def get(self, key: str, default: Any = None) -> Any:
        """The parameter of this name, or the default."""
        return vars(self)[key] if key in self._keys else default

    def _describe(self, shown: Any) -> str:
        return "ParameterDict(" + "\n".join(
            f"  ({n}): {_shape_line(v)}" for n, v in self.items()) + ")"
