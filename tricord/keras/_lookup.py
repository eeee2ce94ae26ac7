"""``get``: an object by name, configuration or itself; the same for all kinds of objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ArgumentError, nearest
from ._names import to_snake_case
from .saving.registry import builtin, get_registered_object
from .saving.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["getter", "serialize"]


def serialize(obj: Any) -> Any:
    """The configuration of an object."""
    return serialize_keras_object(obj)


def getter(kind: str, word: str, extra: dict[str, Any] | None = None,
           ) -> tuple[Callable[..., Any], Callable[..., Any], dict[str, Any]]:
    """``get`` and ``deserialize`` of one kind, and its classes under their snake-case names."""
    snake = {to_snake_case(name): member for name, member in builtin(kind).items()
             if isinstance(member, type)}
    aliases = {**snake, **(extra or {})}

    def by_name(name: str) -> Any:
        found = get_registered_object(name)
        table = builtin(kind)
        for key in (name, name.lower()):
            found = found if found is not None else aliases.get(key, table.get(key))
        if found is None:
            known = sorted({*table, *aliases})
            raise ArgumentError(f"Unknown {word}: {name!r}", hint=nearest(name, known)
                                or f"known are {', '.join(known)}")
        return found

    def get(identifier: Any) -> Any:
        if identifier is None:
            return None
        if isinstance(identifier, str):
            found = by_name(identifier)
            return found() if isinstance(found, type) else found
        if isinstance(identifier, dict):
            return deserialize(identifier)
        if isinstance(identifier, type):
            return identifier()
        if callable(identifier):
            return identifier
        raise ArgumentError(f"Could not interpret {word} identifier: {identifier!r:.80}",
                            hint=f"a name, an object or a function, for example "
                            f"{next(iter(builtin(kind)), word)!r}")

    def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        if isinstance(config, dict) and "module" not in config and "class_name" in config:
            config = {"module": f"keras.{kind}", **config}  # Keras 2
        if isinstance(config, str):
            found = by_name(config)
            return found() if isinstance(found, type) else found
        return deserialize_keras_object(config, custom_objects)

    get.__doc__ = f"The {word} meant by a name, a configuration, a class, or a {word} itself."
    deserialize.__doc__ = f"The {word} that a configuration describes."
    get.__name__, deserialize.__name__ = "get", "deserialize"
    return get, deserialize, aliases
