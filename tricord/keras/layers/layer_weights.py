"""The weights of a layer and of all layers below it: their order, values, and state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...errors import ShapeError, StateError
from ...nn import Module
from ...tensor import Parameter
from ...tensor.handle import Handle
from ...tensor.recorder import wrap
from ..variable import Variable, structure

__all__ = ["LayerWeights", "NotBuiltError", "assign", "freeze"]

#: attributes that hold layers or variables without owning them
_NOT_OWNED = frozenset({"_init_arguments", "_inbound_nodes", "_outbound_nodes", "_own", "_memory",
                        "_call_losses", "_loss_layers", "_build_shapes"})


class WeightCountError(StateError, ValueError):
    """The number of arrays is not that of the weights."""


class NotBuiltError(StateError, ValueError):
    """Shapes are not known yet."""


def assign(variable: Any, value: Any) -> None:
    """Give a variable, or a torch-style parameter, a new value."""
    if isinstance(variable, Variable):
        variable.assign(value)
    else:
        variable.data = wrap(np.array(value, variable.dtype.numpy))


def _is_trained(variable: Any) -> bool:
    return variable._trainable if isinstance(variable, Variable) else isinstance(
        variable, Parameter)


def freeze(variable: Any, frozen: bool) -> None:
    if isinstance(variable, Variable):
        variable._frozen = frozen
        variable._watch()


def _inside(value: Any, depth: int = 0) -> list[tuple[str, Module]]:
    """Modules in nested lists and dicts, with their place."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found: list[tuple[str, Module]] = []
    for key, member in items:
        if isinstance(member, Module):
            found.append((str(key), member))
        elif isinstance(member, (list, tuple, dict)) and depth < 8:
            found.extend((f"{key}.{path}", m) for path, m in _inside(member, depth + 1))
    return found


class LayerWeights(Module):
    """The part of a layer that knows its weights and its sublayers."""

    name: str
    built: bool
    _own: list[Any]
    _trainable: bool

    def _remembered(self, what: str, make: Callable[[], Any]) -> Any:
        """A list about the tree below, made again when any tree has changed."""
        memory = self.__dict__.setdefault("_memory", {})
        known = memory.get(what)
        if known is None or known[0] != structure.version:
            found = make()  # may itself change the structure, by being looked at first
            known = memory[what] = (structure.version, found)
        return known[1]

    # ---- the tree: layers may also be kept in lists and dicts

    def _all_children(self) -> list[tuple[str, Module]]:
        found: list[tuple[str, Module]] = []
        for name, value in list(vars(self).items()):
            if isinstance(value, Module):
                found.append((name, value))
            elif isinstance(value, (list, tuple, dict)) and name not in _NOT_OWNED:
                found.extend((f"{name}.{path}", m) for path, m in _inside(value))
        return found

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The immediate sublayers; one that is set under two names comes once."""
        seen = set()
        for name, module in self._all_children():
            if module not in seen:
                seen.add(module)
                yield name, module

    def _own_parameters(self) -> list[tuple[str, Any]]:
        return [(n, v) for n, v in self._named_own() if _is_trained(v)]

    def _own_buffers(self) -> list[tuple[str, Any]]:
        registered = self.__dict__.get("_registered", {})
        return [(n, v) for n, v in self._named_own() if not _is_trained(v)] + [
            (n, vars(self)[n]) for n in registered if vars(self).get(n) is not None]

    @property
    def _buffer_names(self) -> dict[str, bool]:  # type: ignore[override]
        return {**dict.fromkeys((n for n, v in self._named_own() if not _is_trained(v)), True),
                **self.__dict__.get("_registered", {})}

    @_buffer_names.setter
    def _buffer_names(self, names: dict[str, bool]) -> None:
        own = {n for n, _ in self._named_own()}
        self.__dict__["_registered"] = {n: p for n, p in names.items() if n not in own}

    def _named_own(self) -> list[tuple[str, Any]]:
        names = {id(v): n for n, v in vars(self).items() if isinstance(v, Handle)}
        return [(names.get(id(v), getattr(v, "name", f"variable_{i}")), v)
                for i, v in enumerate(self._own)]

    def _flatten_layers(self, include_self: bool = True) -> list[Any]:
        """This layer and all below it that are layers, each once."""
        found = [m for m in self.modules() if isinstance(m, LayerWeights)]
        return found if include_self else found[1:]

    @property
    def _layers(self) -> list[Any]:
        return [m for _, m in self.named_children()]

    # ---- weights

    def _weights(self) -> list[Any]:
        found: dict[int, Any] = {}
        stack: list[Module] = [self]
        seen = set()
        while stack:
            module = stack.pop()
            if module in seen:
                continue
            seen.add(module)
            own = module._own_parameters() + module._own_buffers()
            for _, v in own:
                found.setdefault(id(v), v)
            stack.extend(reversed([m for _, m in module.named_children()]))
        return list(found.values())

    @property
    def weights(self) -> list[Any]:
        """All variables of this layer and those below: trained ones first in each layer."""
        return self._weights()

    @property
    def variables(self) -> list[Any]:
        """All variables."""
        return self._weights()

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables that training changes."""
        return list(self._remembered("trained", self._trained_weights))

    def _trained_weights(self) -> list[Any]:
        if not self._trainable:
            return []
        return [v for v in self._weights() if _is_trained(v) and not getattr(v, "_frozen", False)]

    @property
    def trainable_variables(self) -> list[Any]:
        """The variables that training changes."""
        return self.trainable_weights

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The variables that training leaves alone: statistics, and those of frozen layers."""
        trained = {id(v) for v in self.trainable_weights}
        return [v for v in self._weights() if id(v) not in trained]

    @property
    def non_trainable_variables(self) -> list[Any]:
        """The variables that training leaves alone."""
        return self.non_trainable_weights

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights; setting it sets those of all layers below."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self._flatten_layers():
            object.__setattr__(layer, "_trainable", bool(value))
            for variable in layer._own:
                freeze(variable, not value)
        structure.changed()

    def get_weights(self) -> list[np.ndarray[Any, Any]]:
        """Copies of all weights."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Replace all weights, in the order of `get_weights`.

        Raises:  StateError for another number of arrays, ShapeError for another shape
        """
        own = self.weights
        if len(own) != len(weights):
            raise WeightCountError(
                f"You called `set_weights(weights)` on layer '{self.name}' with a weight list of "
                f"length {len(weights)}, but the layer was expecting {len(own)} weights.",
                hint=None if own else "build the layer first: call it, or give it an input_shape")
        arrays = [np.asarray(w) for w in weights]
        for variable, array in zip(own, arrays, strict=True):
            if tuple(variable.shape) != array.shape:
                raise ShapeError(f"Layer {self.name} weight shape {tuple(variable.shape)} is not "
                                 f"compatible with provided weight shape {array.shape}.")
        for variable, array in zip(own, arrays, strict=True):
            assign(variable, array)

    def count_params(self) -> int:
        """The number of elements of all weights.

        Raises:  StateError if the layer is not built yet
        """
        if not self.built:
            raise NotBuiltError(
                f"You tried to call `count_params` on layer '{self.name}', but the layer isn't "
                f"built. You can build it manually via: `{self.name}.build(input_shape)`.")
        return sum(v._type.size for v in self.weights)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Put this layer's own variables into a store, numbered."""
        for i, (_, v) in enumerate(self._own_parameters() + self._own_buffers()):
            store[str(i)] = np.asarray(v)

    def load_own_variables(self, store: dict[str, Any]) -> None:
        """Take this layer's own variables from a store."""
        own = [v for _, v in self._own_parameters() + self._own_buffers()]
        if len(own) != len(store):
            if not own and not self.built:
                raise WeightCountError(
                    f"Layer '{self.name}' was never built and thus it doesn't have any variables. "
                    f"However the weights file lists {len(store)} variables for this layer.",
                    hint="build the model before loading weights: call it on data, or "
                         "model.build(input_shape)")
            raise WeightCountError(f"Layer '{self.name}' expected {len(own)} variables, but "
                                    f"received {len(store)} variables during loading. Expected: "
                                    f"{[getattr(v, 'name', '?') for v in own]}")
        for i, v in enumerate(own):
            if str(i) not in store:
                raise WeightCountError(f"Layer '{self.name}': variable {i} is not in the file")
            assign(v, np.asarray(store[str(i)]))
