"""A layer as data, and its places in graphs of symbolic tensors."""

from __future__ import annotations

import inspect
from typing import Any

from ...errors import NotSupportedError
from .. import dtype_policies
from ..graph import map_leaves
from ..saving.serialization import plain_config
from .layer_weights import LayerWeights, NotBuiltError

__all__ = ["LayerConfig", "settings_of"]

#: what the modules of the face's own layers start with
_FACE = __name__.rpartition(".keras")[0] + ".keras."


def _init_names(cls: type) -> list[str]:
    return [n for n in inspect.signature(cls.__init__).parameters if n != "self"]


_settings: dict[type, tuple[str, ...] | None] = {}


def settings_of(cls: type) -> tuple[str, ...] | None:
    """Names of the arguments of a built-in layer's ``__init__``; None for a user's class."""
    if cls not in _settings:
        own = cls.__module__.startswith(_FACE)
        _settings[cls] = tuple(
            n for n, p in inspect.signature(cls.__init__).parameters.items()  # type: ignore[misc]
            if n not in ("self", "name", "trainable", "dtype", *cls._not_settings)  # type: ignore[attr-defined]
            and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)) if own else None
    return _settings[cls]


class LayerConfig(LayerWeights):
    """The part of a layer that describes it."""

    dtype_policy: dtype_policies.DTypePolicy
    activity_regularizer: Any
    _init_arguments: Any
    _inbound_nodes: list[Any]

    # ---- configuration

    @property
    def dtype(self) -> str:
        """The dtype of the weights."""
        return self.dtype_policy.variable_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of the weights."""
        return self.dtype_policy.variable_dtype

    @property
    def compute_dtype(self) -> str:
        """The dtype of the computation."""
        return self.dtype_policy.compute_dtype

    @property
    def path(self) -> str:
        """The layer's name."""
        return self.name

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs to make this layer again."""
        base = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype_policy}
        if type(self).get_config is not LayerConfig.get_config:
            # A subclass adds what is its own.
            if self.activity_regularizer is not None:
                base["activity_regularizer"] = self.activity_regularizer
            return plain_config(base, True)
        return plain_config({**base, **self._settings()}, True)

    def _settings(self) -> dict[str, Any]:
        """The arguments of ``__init__``: this class's own are read back from the attributes."""
        own = settings_of(type(self))
        if own is not None:
            return {name: getattr(self, name) for name in own}
        args, kwargs = self._init_arguments
        names = _init_names(type(self))
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        found = {k: v for k, v in given.items() if k not in ("name", "trainable", "dtype")}
        simple = (str, int, float, bool, type(None), list, tuple, dict)
        for key, value in found.items():
            if not isinstance(value, simple):
                raise NotSupportedError(
                    f"Object {type(self).__name__} was created by passing non-serializable "
                    f"argument values in `__init__()` ({key}={value!r:.60}), and therefore the "
                    "object must override `get_config()` in order to be serializable.",
                    hint="def get_config(self): return {**super().get_config(), "
                         f"{key!r}: ...}}")
        return found

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A layer like the one that gave this configuration."""
        config = dict(config)
        if "dtype" in config and isinstance(config["dtype"], dict):
            config["dtype"] = dtype_policies.get(config["dtype"])
        return cls(**config)

    # ---- where it stands in graphs

    def _node(self, index: int = 0) -> Any:
        nodes = self._inbound_nodes
        if not nodes:
            raise NotBuiltError(f"The layer {self.name} has never been called and thus has no "
                                 "defined input.")
        return nodes[index]

    @property
    def input(self) -> Any:
        """The symbolic input of the only call."""
        inputs = self._node().inputs
        return inputs[0] if len(inputs) == 1 else list(inputs)

    @property
    def output(self) -> Any:
        """The symbolic output of the only call."""
        outputs = self._node().outputs
        return outputs[0] if len(outputs) == 1 else list(outputs)

    @property
    def input_shape(self) -> Any:
        """The shape of the symbolic input."""
        return map_leaves(lambda t: t.shape, self.input)

    @property
    def output_shape(self) -> Any:
        """The shape of the symbolic output."""
        return map_leaves(lambda t: t.shape, self.output)
