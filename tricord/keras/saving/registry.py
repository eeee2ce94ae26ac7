"""Which names in a configuration stand for which classes and functions.

Nothing is ever imported because a file says so: a name is looked up in the custom objects given,
in those registered, and in tricord's own tables; else it is an error that says what to do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ...errors import ArgumentError, StateError, nearest

__all__ = ["CustomObjectScope", "builtin", "custom_object_scope", "find_class", "find_function",
           "get_custom_objects", "get_registered_name", "get_registered_object", "kind_of",
           "register_builtins", "register_keras_serializable", "registered_package"]

#: tricord's own objects: kind -> class name -> object
_builtins: dict[str, dict[str, Any]] = {}
_names: dict[int, tuple[str, str]] = {}
#: what users registered in this process: name -> object, and the object's name
_registered: dict[str, Any] = {}
_registered_names: dict[Any, str] = {}
_custom: dict[str, Any] = {}


class _Scopes(threading.local):
    def __init__(self) -> None:
        self.stack: list[dict[str, Any]] = []


_scopes = _Scopes()
_KINDS = ("layers", "losses", "metrics", "initializers", "regularizers", "constraints",
          "schedules", "optimizers", "activations", "ops", "models", "callbacks")


def register_builtins(kind: str, members: dict[str, Any]) -> None:
    """Make classes known under a kind, the second word of ``keras.layers``."""
    table = _builtins.setdefault(kind, {})
    for name, member in members.items():
        table[name] = member
        # The first name is what a configuration says.
        _names.setdefault(id(member), (kind, getattr(member, "__name__", name)))


def builtin(kind: str) -> dict[str, Any]:
    """The table of one kind."""
    return _builtins.get(kind, {})


def kind_of(cls: Any) -> tuple[str, str] | None:
    """Kind and name of one of tricord's own classes, or None."""
    return _names.get(id(cls))


def get_custom_objects() -> dict[str, Any]:
    """The process-wide table of custom objects; writing to it makes them known."""
    return _custom


@contextmanager
def custom_object_scope(custom_objects: dict[str, Any]) -> Iterator[None]:
    """Inside the block these names are known when a configuration is read.

    >>> with custom_object_scope({"Mine": int}):
    ...     get_registered_object("Mine")
    <class 'int'>
    """
    _scopes.stack.append(dict(custom_objects or {}))
    try:
        yield
    finally:
        _scopes.stack.pop()


CustomObjectScope = custom_object_scope


def register_keras_serializable(package: str = "Custom", name: str | None = None,
                                ) -> Callable[[Any], Any]:
    """Class decorator: configurations that name ``package>name`` mean this class (or function)."""
    def register(target: Any) -> Any:
        full = f"{package}>{name or target.__name__}"
        if isinstance(target, type) and not hasattr(target, "get_config"):
            raise ArgumentError(f"Cannot register a class that does not have a get_config() "
                                f"method: {target.__name__}")
        _registered[full] = target
        _registered_names[target] = full
        return target
    return register


def registered_package(target: Any) -> str | None:
    """``package>name`` of a registered object, or None."""
    try:
        return _registered_names.get(target)
    except TypeError:
        return None


def get_registered_name(obj: Any) -> str:
    """The registered name, or the object's own."""
    return registered_package(obj) or obj.__name__


def get_registered_object(name: str, custom_objects: dict[str, Any] | None = None,
                          module_objects: dict[str, Any] | None = None) -> Any:
    """The object of this name, or None."""
    tables = [custom_objects or {}, *reversed(_scopes.stack), _custom, _registered,
              module_objects or {}]
    return next((table[name] for table in tables if name in table), None)


def _kind(module: str | None) -> str | None:
    words = (module or "").split(".")
    return next((kind for kind in _KINDS if kind in words), None)


def find_class(module: str | None, name: str, registered_name: str | None = None,
               custom_objects: dict[str, Any] | None = None, where: str = "") -> Any:
    """The class that a configuration means.

    Raises:  StateError that lists the custom objects known, with the way to make one known
    """
    for known_as in (registered_name, name):
        found = get_registered_object(known_as, custom_objects) if known_as else None
        if found is not None:
            return found
    kind = _kind(module)
    own = module is None or module == "" or module.split(".")[0] in ("keras", "tensorflow",
                                                                     "tf_keras", "tricord")
    if own:
        order = [kind] if kind else [*_KINDS]
        for table in [*order, "layers", "models"]:
            found = builtin(table or "").get(name)
            if found is not None:
                return found
    known = {**(custom_objects or {}), **_custom, **_registered}
    for scope in _scopes.stack:
        known.update(scope)
    words = ", ".join(sorted(known)) or "none"
    every = [n for table in _builtins.values() for n in table]
    raise StateError(
        f"{where}could not locate class '{name}'"
        + (f" of module '{module}'" if module and not own else "")
        + f": it is neither one of tricord's nor among the custom objects ({words})",
        hint=nearest(name, [*known, *every]) or f"load_model(..., custom_objects={{{name!r}: "
        f"{name}}}) or decorate the class with @keras.saving.register_keras_serializable()")


def find_function(name: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """The function that a configuration means: custom, registered, or an activation or loss."""
    found = get_registered_object(name, custom_objects)
    for kind in ("activations", "losses", "metrics"):
        found = found if found is not None else builtin(kind).get(name)
    if found is None:
        raise StateError(f"could not locate function '{name}'",
                         hint=f"load_model(..., custom_objects={{{name!r}: {name}}})")
    return found
