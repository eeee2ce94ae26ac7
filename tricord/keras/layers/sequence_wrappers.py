"""TimeDistributed and Bidirectional."""

from __future__ import annotations

from typing import Any

from ...errors import ArgumentError, ShapeError
from ...functions import manipulation
from ...functions import merging as composites
from ...tensor import record
from .._names import name_scope
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from .base import Layer
from .wrapper import Wrapper

__all__ = ["Bidirectional", "TimeDistributed"]


class TimeDistributed(Wrapper):
    """A layer applied to every step of a sequence, with the same weights.

    Shapes:  (N, L, *) -> (N, L, *result)
    """

    def __init__(self, layer: Any, **kwargs: Any):
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        if len(input_shape) < 3:
            raise ShapeError("`TimeDistributed` Layer should be passed an `input_shape` with at "
                             f"least 3 dimensions, received: {tuple(input_shape)}")
        super().build((input_shape[0], *input_shape[2:]))

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        lead = tuple(inputs.shape[:2])
        told: dict[str, Any] = {}
        signature = self.layer.signature
        if signature.takes_training:
            told["training"] = training
        if mask is not None and tuple(mask.shape[:2]) != lead:
            raise ShapeError(f"The `mask` passed to the `TimeDistributed` layer has a shape "
                             f"{tuple(mask.shape)} that is incompatible with the input shape "
                             f"{tuple(inputs.shape)}.")
        if "mask" in signature.parameters and mask is not None and mask.ndim > 2:
            told["mask"] = _joined(mask)
        result = self.layer(_joined(inputs), **told)
        return record(manipulation.reshape, (result,), ((*lead, *result.shape[1:]),))


def _joined(x: Any) -> Any:
    """Batch and steps as one axis."""
    return record(manipulation.flatten, (x,), (0, 1))


_MODES = ("sum", "mul", "ave", "concat", None)
_MERGES = {"sum": composites.add, "mul": composites.multiply, "ave": composites.average}


class Bidirectional(Layer):
    """A recurrent layer run both ways along a sequence.

    ``merge_mode`` says what becomes of the two outputs: ``concat``, ``sum``, ``mul``, ``ave``, or
    None for both as they are.
    """

    _not_settings = ("weights", "layer", "backward_layer")

    def __init__(self, layer: Any, merge_mode: str | None = "concat", weights: Any = None,
                 backward_layer: Any = None, **kwargs: Any):
        for one in (layer, backward_layer):
            if not isinstance(one, Layer) and (one is not None or one is layer):
                raise ArgumentError("Please initialize `Bidirectional` layer with a "
                                    f"`keras.layers.Layer` instance. Received: {one!r:.60}")
        if merge_mode not in _MODES:
            raise ArgumentError(f"Invalid merge mode. Received: {merge_mode}. Merge mode should be "
                                f"one of {_MODES}")
        super().__init__(**kwargs)
        self.forward_layer = _copy(layer, "forward_")
        self.backward_layer = backward_layer if backward_layer is not None else _copy(
            layer, "backward_", not layer.go_backwards)
        self._check()
        for one in (self.forward_layer, self.backward_layer):
            if hasattr(one, "zero_output_for_mask"):
                one.zero_output_for_mask = one.return_sequences
        self.merge_mode = merge_mode
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = True
        self.input_spec = layer.input_spec
        if weights:
            self._given_weights = weights

    def _check(self) -> None:
        one, other = self.forward_layer, self.backward_layer
        if one.go_backwards == other.go_backwards:
            raise ArgumentError("Forward layer and backward layer should have different "
                                "`go_backwards` value.")
        for name in ("stateful", "return_sequences", "return_state"):
            if getattr(one, name) != getattr(other, name):
                raise ArgumentError("Forward layer and backward layer are expected to have the "
                                    f'same value for attribute "{name}", got '
                                    f'"{getattr(one, name)}" and "{getattr(other, name)}"')

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                with name_scope(layer.name):
                    layer.build(sequences_shape)
                layer.built = True

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None,
             training: Any = None) -> Any:
        half = len(initial_state) // 2 if initial_state is not None else 0
        starts = (None, None) if initial_state is None else (
            list(initial_state[:half]), list(initial_state[half:]))
        found = [self._along(layer, sequences, start, mask, training) for layer, start in
                 zip((self.forward_layer, self.backward_layer), starts, strict=True)]
        (y, *states), (reverse, *more) = [f if self.return_state else (f,) for f in found]
        if self.return_sequences:
            reverse = record(manipulation.flip, (reverse,), (1,))
        if self.merge_mode is None:
            merged: tuple[Any, ...] = (y, reverse)
        elif self.merge_mode == "concat":
            merged = (record(manipulation.concat, (y, reverse), (-1,)),)
        else:
            merged = (record(_MERGES[self.merge_mode], (y, reverse)),)
        results = (*merged, *states, *more)
        return results if len(results) > 1 else results[0]

    def _along(self, layer: Any, sequences: Any, start: Any, mask: Any, training: Any) -> Any:
        told: dict[str, Any] = {}
        if layer.signature.takes_training:
            told["training"] = training
        if "mask" in layer.signature.parameters and mask is not None:
            told["mask"] = mask
        if start is not None:
            told["initial_state"] = start
        return layer(sequences, **told)

    def reset_state(self) -> None:
        """Start the next batch from zeros (``stateful``)."""
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state

    @property
    def states(self) -> Any:
        """The states of both layers (``stateful``)."""
        own = (self.forward_layer.states, self.backward_layer.states)
        return None if None in own else (*own[0], *own[1])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if isinstance(mask, (list, tuple)):
            mask = mask[0] if mask else None
        kept = mask if self.return_sequences else None
        found = [kept] if self.merge_mode is not None else [kept, kept]
        if self.return_state:
            found += [None] * (2 * len(self.forward_layer.state_size))
        return found if len(found) > 1 else kept

    def _settings(self) -> dict[str, Any]:
        return {"merge_mode": self.merge_mode,
                "layer": serialize_keras_object(self.forward_layer),
                "backward_layer": serialize_keras_object(self.backward_layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        config = dict(config)
        for key in ("layer", "backward_layer"):
            if isinstance(config.get(key), dict):
                config[key] = deserialize_keras_object(config[key])
        config.pop("num_constants", None)  # Keras 2
        return super().from_config(config)


def _copy(layer: Any, prefix: str, go_backwards: bool | None = None) -> Any:
    """A layer with the same settings and weights of its own."""
    data = serialize_keras_object(layer)
    own = dict(data["config"])
    own["name"] = prefix + layer.name.removeprefix(prefix)
    if go_backwards is not None:
        own["go_backwards"] = go_backwards
    return deserialize_keras_object({**data, "config": own})
