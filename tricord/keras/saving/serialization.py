"""Objects to configurations and back: plain data that says which class, and with what arguments.

A configuration is ``{"module", "class_name", "config", "registered_name"}``, as in Keras 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ArgumentError, FileFormatError, StateError, UnsafeFileError
from ...ir.dtypes import DType
from ...tensor import Tensor
from .._names import name_scope
from .registry import custom_object_scope, find_class, find_function, kind_of, registered_package

__all__ = ["deserialize_keras_object", "plain_config", "serialize_keras_object"]

_PLAIN = (str, int, float, bool, type(None))


def module_name(cls: type) -> tuple[str, str, str | None]:
    """Module, class name and registered name that a configuration gives for a class."""
    registered = registered_package(cls)
    known = kind_of(cls)
    if registered is not None:
        return cls.__module__, cls.__name__, registered
    if known is not None:
        kind, name = known
        return getattr(cls, "_keras_module", f"keras.{kind}"), name, None
    return cls.__module__, cls.__name__, cls.__name__


def serialize_keras_object(obj: Any) -> Any:
    """Plain data from which `deserialize_keras_object` makes an equal object.

    >>> serialize_keras_object((1, 2.5))
    {'class_name': '__tuple__', 'items': [1, 2.5]}
    """
    if isinstance(obj, _PLAIN):
        return obj
    if isinstance(obj, tuple):
        return {"class_name": "__tuple__", "items": [serialize_keras_object(v) for v in obj]}
    if isinstance(obj, list):
        return [serialize_keras_object(v) for v in obj]
    if isinstance(obj, dict):
        return {k: serialize_keras_object(v) for k, v in obj.items()}
    if isinstance(obj, (np.integer, np.floating, np.bool_)):
        return obj.item()
    if isinstance(obj, np.ndarray):
        return {"class_name": "__numpy__",
                "config": {"value": obj.tolist(), "dtype": obj.dtype.name}}
    if isinstance(obj, Tensor):
        return {"class_name": "__tensor__",
                "config": {"value": obj.numpy().tolist(), "dtype": obj.dtype.name}}
    if isinstance(obj, (DType, np.dtype)):
        return obj.name
    if hasattr(obj, "_serialized"):
        return obj._serialized()
    if isinstance(obj, type):
        module, name, registered = module_name(obj)
        return {"module": module, "class_name": "type", "config": name,
                "registered_name": registered or name}
    if hasattr(obj, "get_config"):
        return _object(obj)
    if callable(obj) and hasattr(obj, "__name__"):
        return _function(obj)
    raise ArgumentError(f"cannot serialize {type(obj).__name__} {obj!r:.80}",
                        hint="give its class a get_config() method")


def _object(obj: Any) -> dict[str, Any]:
    module, name, registered = module_name(type(obj))
    found = {"module": module, "class_name": name, "config": plain_config(obj.get_config()),
             "registered_name": registered}
    if getattr(obj, "built", False) and hasattr(obj, "get_build_config"):
        build = obj.get_build_config()
        if build is not None:
            found["build_config"] = plain_config(build)
    if hasattr(obj, "get_compile_config"):
        compiled = obj.get_compile_config() if getattr(obj, "compiled", False) else None
        if compiled is not None:
            found["compile_config"] = plain_config(compiled)
    return found


def plain_config(config: dict[str, Any], tuples: bool = False) -> dict[str, Any]:
    """A configuration whose values are plain data; tuples become lists as in JSON, or stay."""
    return {key: _plain(value, tuples) for key, value in config.items()}


def _plain(value: Any, tuples: bool) -> Any:
    if isinstance(value, (tuple, list)):
        found = [_plain(v, tuples) for v in value]
        return tuple(found) if tuples and isinstance(value, tuple) else found
    if isinstance(value, dict):
        return {k: _plain(v, tuples) for k, v in value.items()}
    return serialize_keras_object(value)


def _function(function: Any) -> Any:
    name = function.__name__
    known = kind_of(function)
    if known is not None and known[0] in ("activations", "losses", "metrics"):
        return name
    if name == "<lambda>":
        raise UnsafeFileError("a lambda cannot be saved: its code would have to be run from the "
                              "file", hint="define a function by name, register it with "
                              "@keras.saving.register_keras_serializable(), and pass that")
    registered = registered_package(function)
    return {"module": "builtins", "class_name": "function", "config": name,
            "registered_name": registered or "function"}


def deserialize_keras_object(config: Any, custom_objects: dict[str, Any] | None = None,
                             safe_mode: bool = True, where: str = "", **kwargs: Any) -> Any:
    """The object that a configuration describes. Code in it is refused, whatever ``safe_mode``.

    Raises:  StateError for a class that is not known, FileFormatError for what is no configuration
    """
    if kwargs:
        raise ArgumentError(f"deserialize_keras_object: unknown keyword {next(iter(kwargs))!r}")
    if config is None or isinstance(config, (int, float, bool, str)):
        return config
    if isinstance(config, (list, tuple)):
        return [deserialize_keras_object(v, custom_objects, where=where) for v in config]
    if not isinstance(config, dict):
        raise FileFormatError(f"{where}not a configuration: {config!r:.80}")
    if "class_name" not in config or ("config" not in config and "items" not in config):
        return {k: deserialize_keras_object(v, custom_objects, where=where)
                for k, v in config.items()}
    name, inner = config["class_name"], config.get("config")
    special = _special(name, config, custom_objects, where)
    if special is not None:
        return special[0]
    if not isinstance(inner, dict):
        raise FileFormatError(f"{where}the configuration of '{name}' is {inner!r:.60}, not a dict")
    cls = find_class(config.get("module"), name, config.get("registered_name"), custom_objects,
                     where)
    return instantiate(cls, config, custom_objects, where)


def _special(name: str, config: dict[str, Any], custom_objects: Any, where: str) -> Any:
    inner = config.get("config")
    if name == "__tuple__":
        return (tuple(deserialize_keras_object(v, custom_objects, where=where)
                      for v in config.get("items", config.get("config", {}).get("value", []))),)
    if name in ("__numpy__", "__tensor__"):
        array = np.array(inner["value"], dtype=inner.get("dtype"))  # type: ignore[index]
        return (array,)
    if name == "__lambda__":
        raise UnsafeFileError(f"{where}a lambda, whose Python code would have to be run from the "
                              "file; refused",
                              hint="replace it by a named function (custom_objects=)")
    if name == "function":
        # Two spellings: the name itself, or a dict with it.
        return (find_function(inner if isinstance(inner, str) else str(
            (inner or {}).get("name", config.get("registered_name"))), custom_objects),)
    if name == "type":
        return (find_class(config.get("module"), str(inner), config.get("registered_name"),
                           custom_objects, where),)
    return None


def instantiate(cls: Any, config: dict[str, Any], custom_objects: dict[str, Any] | None = None,
                where: str = "") -> Any:
    """An object of the class, built and compiled as the configuration says."""
    inner = dict(config["config"])
    if not hasattr(cls, "from_config"):
        raise StateError(f"{where}'{config['class_name']}' has no from_config method",
                         hint="give the class get_config() and from_config()")
    with custom_object_scope(custom_objects or {}):
        try:
            obj = cls.from_config(inner)
        except TypeError as error:
            if isinstance(error, ArgumentError):
                error.message = f"{where}{config['class_name']}: {error.message}"
                raise
            raise ArgumentError(
                f"{where}'{config['class_name']}' could not be made from its configuration: "
                f"{error}", hint="the class must take what its get_config() returns") from error
        build = config.get("build_config")
        if build and hasattr(obj, "build_from_config"):
            with name_scope(getattr(obj, "name", config["class_name"])):
                obj.build_from_config(build)
            obj.built = True
        compiled = config.get("compile_config")
        if compiled and hasattr(obj, "compile_from_config"):
            obj.compile_from_config(compiled)
    return obj
