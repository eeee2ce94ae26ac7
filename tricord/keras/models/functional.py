"""Models made of symbolic tensors: any graph of layers from inputs to outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ArgumentError, ShapeError
from ...tensor.handle import Handle
from ...tensor.trees import flatten, unflatten
from ..graph import KerasTensor, leaves_of, map_leaves
from ..layers.base import cast_input
from ..layers.input_layer import InputLayer
from .functional_graph import Plan, map_graph

__all__ = ["GraphRunner"]


class GraphRunner:
    """Inputs, outputs and the calls between them; what Functional and Sequential share."""

    def __init__(self, inputs: Any, outputs: Any):
        for what, tree in (("inputs", inputs), ("outputs", outputs)):
            for leaf in leaves_of(tree):
                if not isinstance(leaf, KerasTensor):
                    raise ArgumentError(
                        f"All `{what}` values must be KerasTensors. Received: {what}="
                        f"{type(leaf).__name__} {leaf!r:.60}",
                        hint="start from keras.Input(shape=...) and call layers on it")
        self.inputs_struct, self.outputs_struct = inputs, outputs
        self.inputs: list[KerasTensor] = leaves_of(inputs)
        self.outputs: list[KerasTensor] = leaves_of(outputs)
        if len({id(t) for t in self.inputs}) < len(self.inputs):
            raise ArgumentError("The same input is given twice; all `inputs` must be different")
        self.inputs_struct, self.inputs = _with_input_layers(self.inputs_struct, self.inputs)
        order, self.operations = map_graph(self.inputs, self.outputs)
        self.plan = Plan(self.inputs, self.outputs, order)
        self.nodes = order
        self._output_structure = flatten(outputs)[1] if isinstance(
            outputs, (list, tuple, dict)) else None
        self._single = len(self.inputs) == 1 and self._output_structure is None

    def run(self, values: list[Any]) -> Any:
        """The outputs for these values of the inputs."""
        plan = self.plan
        found: list[Any] = [None] * plan.count
        for place, value in zip(plan.inputs, values):
            found[place] = value
        for step in plan.steps:
            if step.single >= 0:
                result = step.operation(found[step.single])
                if result.__class__ in (list, tuple, dict):
                    result = leaves_of(result)[0]
                found[step.outputs[0]] = result
                continue
            leaves = [found[v] if there else v for there, v in step.arguments]
            args, kwargs = unflatten(step.structure, leaves)
            if "training" in kwargs and kwargs["training"] is None:
                del kwargs["training"]
            results = leaves_of(step.operation(*args, **kwargs))
            for place, result in zip(step.outputs, results):
                found[place] = result
        outputs = [found[i] for i in plan.outputs]
        structure = self._output_structure
        return outputs[0] if structure is None else unflatten(structure, outputs)

    def values_of(self, inputs: Any, name: str) -> list[Any]:
        """The given inputs in the order of the model's; dicts by name, single axes fitted."""
        values = self._ordered(inputs, name)
        if len(values) != len(self.inputs):
            raise ArgumentError(
                f"Layer \"{name}\" expects {len(self.inputs)} input(s), but it received "
                f"{len(values)} input tensors. Expected: "
                f"{[t.name for t in self.inputs]} with shapes {[t.shape for t in self.inputs]}")
        return [_fit(v, t, name, i) for i, (v, t) in enumerate(zip(values, self.inputs,
                                                                   strict=True))]

    def _ordered(self, inputs: Any, name: str) -> list[Any]:
        if isinstance(inputs, dict):
            if isinstance(self.inputs_struct, dict):
                keys = list(self.inputs_struct)
            else:
                keys = [t._keras_history.operation.name for t in self.inputs]  # type: ignore[union-attr]
            missing = [k for k in keys if k not in inputs]
            if missing:
                raise ArgumentError(f"Missing data for input \"{missing[0]}\". You passed a data "
                                    f"dictionary with keys {list(inputs)}. Expected the following "
                                    f"keys: {keys}")
            return [inputs[k] for k in keys]
        return leaves_of(inputs)


def _with_input_layers(struct: Any, inputs: list[KerasTensor]) -> tuple[Any, list[KerasTensor]]:
    """Inputs that have no layer yet get one."""
    for tensor in inputs:
        if tensor._keras_history is None:
            InputLayer(batch_shape=tensor.shape, dtype=tensor.dtype, input_tensor=tensor)
    return struct, inputs


def _fit(value: Any, expected: KerasTensor, name: str, index: int) -> Any:
    """The value as a tensor of the rank of the input, a last axis of one added or taken off."""
    if isinstance(value, (list, tuple, int, float)):
        value = np.asarray(value)
    shape = tuple(getattr(value, "shape", ()))
    if len(shape) == len(expected.shape):
        return value
    if len(shape) == len(expected.shape) - 1 and expected.shape[-1] == 1:
        return map_leaves(lambda v: v[..., None], _tensor(value))
    if len(shape) == len(expected.shape) + 1 and shape[-1] == 1:
        return _tensor(value)[..., 0]
    problem = f"expected shape={expected.shape}, found shape={shape}"
    hint = None
    if len(shape) == len(expected.shape) - 1:
        hint = "the batch axis is missing: x[None] makes a batch of one sample"
    raise ShapeError(f'Input {index} of layer "{name}" is incompatible with the layer: {problem}',
                     hint=hint)


def _tensor(value: Any) -> Any:
    return value if isinstance(value, (Handle, KerasTensor)) else cast_input(value, None)


