"""Layer: a Module that is built by the shape of its first input and can be saved as data.

Weights are made in ``build`` by ``add_weight``; the computation is ``call``. Called on symbolic
tensors a layer extends the graph of a functional model, called on arrays it computes.
"""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np

from ...errors import ArgumentError, NotSupportedError, ShapeError, StateError
from ...functions.elementwise import cast
from ...ir.dtypes import as_dtype
from ...nn import Module
from ...tensor import Parameter, Tensor, record
from ...tensor.handle import Handle
from ...tensor.recorder import wrap
from .. import config, constraints, dtype_policies, initializers, regularizers
from .._arguments import keywords_of, refuse_unknown
from .._names import auto_name, name_scope, to_snake_case
from ..graph import (
    KerasTensor,
    Node,
    any_symbolic,
    is_tracing,
    known_shape,
    leaves_of,
    map_leaves,
    output_spec,
)
from ..input_spec import assert_compatible
from ..variable import Variable, structure
from .call_context import context
from .call_signature import CallSignature
from .layer_config import LayerConfig
from .layer_weights import freeze

__all__ = ["Layer", "cast_input"]

#: kinds of values that cannot change what layers and weights there are
_SIMPLE = frozenset({int, float, str, bool, type(None), bytes})
_BASE_KEYWORDS = ("activity_regularizer", "trainable", "dtype", "autocast", "name", "input_shape",
                  "batch_input_shape", "batch_shape", "input_dim", "batch_size", "weights")


def cast_input(value: Any, dtype: str | None) -> Any:
    """An array, number or tensor as a tensor; floats take the dtype, integers keep theirs."""
    if isinstance(value, Handle):
        if dtype is None or not value.dtype.is_floating_point or value.dtype.name == dtype:
            return value
        mask = value.__dict__.get("_keras_mask")
        result = record(cast, (value,), (as_dtype(dtype),))
        if mask is not None:
            result._keras_mask = mask
        return result
    if isinstance(value, (np.ndarray, np.generic, float)) or (
            hasattr(value, "__array__") and not isinstance(value, KerasTensor)):
        array = np.array(value)
        if array.dtype.kind in "OUS":
            raise ArgumentError(f"a layer takes numbers, it got an array of {array.dtype} (str)"
                                if array.dtype.kind != "O" else
                                "a layer takes numbers, it got an array of Python objects",
                                hint="encode text first: StringLookup, TextVectorization")
        if array.dtype.kind == "f" and dtype is not None:
            array = array.astype(as_dtype(dtype).numpy)
        return wrap(array)
    return value


class Layer(LayerConfig):
    """Base class of all layers and models.

    >>> class Scale(Layer):
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")
    ...     def call(self, x):
    ...         return x * self.factor
    >>> Scale()(np.ones((2, 3), "float32")).shape
    (2, 3)
    """

    #: evaluation until somebody says otherwise, unlike a torch-style module
    training: bool = False
    _ready: bool = False
    _seen: Any = None
    _signature: CallSignature | None = None
    _initialised = False
    #: attributes that say nothing of layers or weights
    _apart: frozenset[str] = frozenset()
    #: arguments of __init__ that are no settings
    _not_settings: tuple[str, ...] = ()

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        layer = object.__new__(cls)
        object.__setattr__(layer, "_init_arguments", (args, kwargs))
        return layer

    def __init__(self, *, activity_regularizer: Any = None, trainable: bool = True,
                 dtype: Any = None, autocast: bool = True, name: str | None = None,
                 **kwargs: Any):
        given_shape = _given_shape(kwargs)
        weights = kwargs.pop("weights", None)
        refuse_unknown(type(self).__name__, kwargs, [
            *_BASE_KEYWORDS, *(k for c in type(self).__mro__ if "__init__" in vars(c)
                               and issubclass(c, Layer) for k in keywords_of(vars(c)["__init__"]))])
        if name is not None and not isinstance(name, str):
            raise ArgumentError(f"Argument `name` must be a string. Received: name={name}")
        if name is not None and "/" in name:
            raise ArgumentError(f"Argument `name` cannot contain character `/`. Received: {name}")
        set_ = object.__setattr__
        set_(self, "_initialised", True)
        set_(self, "_own", [])
        set_(self, "_inbound_nodes", [])
        set_(self, "_call_losses", [])
        set_(self, "_trainable", bool(trainable))
        self.name = name or auto_name(to_snake_case(type(self).__name__))
        self.dtype_policy = dtype_policies.get(dtype)
        self.autocast = autocast
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.built = False
        self.supports_masking = False
        self.input_spec: Any = None
        self._build_shapes: dict[str, Any] | None = None
        self._given_weights = weights
        self._input_shape_arg = given_shape

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in vars(cls):
            cls.build = _building(cls.build)  # type: ignore[method-assign]

    def __setattr__(self, name: str, value: Any) -> None:
        if not self._initialised and isinstance(value, (Handle, Module)):
            raise StateError(f"In layer {type(self).__name__}, you forgot to call "
                             "`super().__init__()` as the first statement in the `__init__()` "
                             f"method, before `self.{name}` was set")
        if isinstance(value, Parameter) and not any(v is value for v in self._own):
            self._own.append(value)
        object.__setattr__(self, name, value)
        if value.__class__ not in _SIMPLE and name not in self._apart:
            structure.changed()

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        structure.changed()

    # ---- building

    def build(self, input_shape: Any) -> None:
        """Make the weights; subclasses that have weights of their own define it."""
        self.built = True

    build._is_default = True  # type: ignore[attr-defined]

    def add_weight(self, shape: Any = None, initializer: Any = None, dtype: Any = None,
                   trainable: bool = True, autocast: bool = True, regularizer: Any = None,
                   constraint: Any = None, aggregation: Any = "none", overwrite_with_gradient:
                   bool = False, name: str | None = None) -> Variable:
        """A new variable of this layer. ``initializer`` is a name, object or function."""
        if not self._initialised:
            raise StateError(f"In layer {type(self).__name__}, you forgot to call "
                             "`super().__init__()` first")
        if isinstance(shape, str):  # Keras 2 had the name first
            name, shape = shape, initializer if not isinstance(initializer, str) else ()
            initializer = None
        shape = () if shape is None else tuple(shape) if hasattr(shape, "__iter__") else (shape,)
        if any(n is None for n in shape):
            raise ShapeError(f'layer "{self.name}": the weight {name or ""!r} would have shape '
                             f"{shape}; sizes of weights must be known",
                             hint="give the input a full shape, except for the batch axis")
        kind = as_dtype(config.standardize_dtype(dtype or self.variable_dtype))
        if initializer is None:
            initializer = "glorot_uniform" if kind.is_floating_point else "zeros"
        variable = Variable(initializers.get(initializer), shape, kind.name, trainable, autocast,
                            aggregation, name=name or "variable")
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        self._own.append(variable)
        structure.changed()
        if not self._trainable:
            freeze(variable, True)
        return variable

    def _maybe_build(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self.built:
            return
        with name_scope(self.name):
            if not getattr(self.build, "_is_default", False):
                self.build(**self.signature.build_arguments(self.build, args, kwargs))
        self.built = True
        if self._given_weights is not None:
            self.set_weights(self._given_weights)
            self._given_weights = None

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build from what `get_build_config` gave."""
        if "input_shape" in config:
            self.build(_shape_tuples(config["input_shape"]))
        elif "shapes_dict" in config:
            self.build(**{k: _shape_tuples(v) for k, v in config["shapes_dict"].items()})
        self.built = True

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes this was built with."""
        shapes = self._build_shapes
        if shapes is None:
            return None
        if len(shapes) == 1:
            return {"input_shape": next(iter(shapes.values()))}
        return {"shapes_dict": shapes}

    # ---- calling

    @property
    def signature(self) -> CallSignature:
        """What ``call`` takes, looked at once."""
        found = self._signature
        if found is None:
            found = CallSignature(self.call)
            object.__setattr__(self, "_signature", found)
        return found

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The computation; subclasses define it."""
        raise NotSupportedError(f"Layer {type(self).__name__} does not have a `call()` method "
                                "implemented.", hint="def call(self, inputs): ...")

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The computation under PyTorch's name."""
        return self._call_slowly(args, kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._ready and len(args) == 1 and not self._hooks:
            x = args[0]
            if x.__class__ is Tensor and x._type is self._seen and (
                    "_keras_mask" not in x.__dict__):
                if not kwargs:
                    if self._signature.takes_training:  # type: ignore[union-attr]
                        mode = context.training
                        return self.call(x, training=self.training if mode is None else mode)
                    return self.call(x)
                if len(kwargs) == 1 and kwargs.get("training") is not None:
                    return self._call_quickly(x, bool(kwargs["training"]))
        if self._hooks:
            return self._call_with_hooks(args, kwargs)
        return self._call_slowly(args, kwargs)

    def _call_quickly(self, x: Any, training: bool) -> Any:
        """A call like one before, with training said: what is inside is told by the context."""
        before = context.training
        entry = context.enter(self)
        context.training = training
        try:
            if self._signature.takes_training:  # type: ignore[union-attr]
                return self.call(x, training=training)
            return self.call(x)
        finally:
            context.training = before
            if entry:
                context.leave()

    def _call_slowly(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not self._initialised:
            raise StateError(f"In layer {type(self).__name__}, you forgot to call "
                             "`super().__init__()` as the first statement in the `__init__()` "
                             "method.")
        if any_symbolic(args, kwargs):
            return self._call_symbolically(args, kwargs)
        args, kwargs = self._convert(args, kwargs)
        first = self.signature.first(args, kwargs)
        if self.input_spec is not None and first is not None:
            assert_compatible(self.input_spec, first, self.name)
        self._maybe_build(args, kwargs)
        outputs = self._run(first, args, kwargs)
        self._prepare_quick_calls(first, args, kwargs)
        object.__setattr__(self, "_last_shapes", [_batchless(v) for v in leaves_of(outputs)
                                                  if hasattr(v, "shape")])
        return outputs

    def _convert(self, args: tuple[Any, ...], kwargs: dict[str, Any],
                 ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arrays become tensors; floats take the dtype this layer computes in."""
        dtype = self.compute_dtype if self.autocast and self._casts_inputs else None
        args = tuple([map_leaves(lambda v: cast_input(v, dtype), self._as_arrays(a))
                      for a in args])
        kwargs = {k: v if k == "training" else map_leaves(lambda v: cast_input(v, dtype), v)
                  for k, v in kwargs.items()}
        return args, kwargs

    #: whether masks are the business of the layers inside
    _masks_inside = False
    #: whether lists of numbers are taken for arrays
    _casts_inputs = True

    def _as_arrays(self, argument: Any) -> Any:
        if isinstance(argument, (list, tuple)) and argument and all(
                isinstance(v, (int, float)) for v in leaves_of(argument)):
            return np.asarray(argument, as_dtype(self.compute_dtype).numpy
                              if any(isinstance(v, float) for v in leaves_of(argument)) else None)
        return argument

    def _run(self, first: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """`call` with training, masks, and what comes after it."""
        signature = self.signature
        before = context.training
        entry = context.enter(self)
        try:
            if signature.takes_training:
                training = kwargs.get("training")
                if training is None and not signature.has_training(args):
                    training = before if before is not None else (
                        self.training or signature.default_training)
                    kwargs = {**kwargs, "training": bool(training)}
                context.training = None if training is None else bool(training)
            elif "training" in kwargs:
                context.training = kwargs.pop("training")
            kwargs = signature.add_masks(args, kwargs)
            with_mask = kwargs.get("mask")
            mask = with_mask if with_mask is not None else map_leaves(mask_of, first)
            outputs = self.call(*args, **kwargs)
            if self.activity_regularizer is not None:
                self._regularize_activity(outputs)
            self._pass_mask(first, outputs, mask)
        finally:
            context.training = before
            if entry:
                context.leave()
        return outputs

    def _regularize_activity(self, outputs: Any) -> None:
        for output in leaves_of(outputs):
            if isinstance(output, Handle):
                loss = self.activity_regularizer(output)
                self.add_loss(loss / output.shape[0] if output.ndim and output.shape[0] else loss)

    def _pass_mask(self, inputs: Any, outputs: Any, mask: Any) -> None:
        masks = [m for m in leaves_of(mask) if m is not None]
        if not self.supports_masking:
            if masks and not is_tracing():
                warnings.warn(
                    f"Layer '{self.name}' (of type {type(self).__name__}) was passed an input with "
                    "a mask attached to it. However, this layer does not support masking and will "
                    "therefore destroy the mask information.", stacklevel=5)
            return
        if not masks and type(self).compute_mask is Layer.compute_mask:
            return
        found = self.compute_mask(inputs, mask)
        if found is None:
            return
        flat = leaves_of(found)
        for output, own in zip(leaves_of(outputs), flat, strict=False):
            if own is not None and isinstance(output, Handle) and (
                    output.__dict__.get("_keras_mask") is None):
                output._keras_mask = own  # type: ignore[attr-defined]

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the outputs; by default that of the inputs."""
        return previous_mask

    def _prepare_quick_calls(self, first: Any, args: tuple[Any, ...],
                             kwargs: dict[str, Any]) -> None:
        signature = self._signature
        plain = (self.activity_regularizer is None and not signature.takes_mask  # type: ignore[union-attr]
                 and (self._masks_inside or type(self).compute_mask is Layer.compute_mask)
                 and not is_tracing() and not self._hooks)
        if plain and len(args) == 1 and isinstance(first, Handle):
            set_ = object.__setattr__
            set_(self, "_seen", first._type)
            set_(self, "_ready", True)

    def _compute(self, *args: Any, **kwargs: Any) -> Any:
        return self._call_slowly(args, kwargs)

    def _call_symbolically(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        args, kwargs = self._convert(args, kwargs)
        first = self.signature.first(args, kwargs)
        if self.input_spec is not None and first is not None:
            assert_compatible(self.input_spec, first, self.name)
        self._maybe_build(args, kwargs)
        outputs = output_spec(self._compute, args, kwargs)
        flat = leaves_of(outputs)
        for place, output in enumerate(flat):
            output.name = auto_name("keras_tensor")
            if any(output is t for t in leaves_of((args, kwargs))):
                raise StateError(f"layer {self.name}: output {place} is its input")
        Node(self, args, kwargs, outputs)
        return outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The symbolic outputs for symbolic inputs; no graph is extended."""
        self._maybe_build(args, kwargs)
        return output_spec(self._compute, args, kwargs)

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape of the output for the shape of the input, None where it is not known."""
        shapes = [_as_symbolic(a, self.compute_dtype) for a in args]
        named = {k.removesuffix("_shape"): _as_symbolic(v, self.compute_dtype)
                 for k, v in kwargs.items() if v is not None}
        if len(named) == 1 and not shapes:
            shapes, named = list(named.values()), {}
        return map_leaves(lambda t: t.shape, self.compute_output_spec(*shapes, **named))

    # ---- losses

    def add_loss(self, loss: Any) -> None:
        """Add a term to the loss of the model that is being called."""
        if is_tracing():
            return  # there is no loss yet; a call on data adds it
        for one in leaves_of(loss):
            if not isinstance(one, (Handle, int, float)):
                raise ArgumentError("`add_loss()` can only be called from inside `build()` or "
                                    f"`call()`, on a tensor input. Received invalid value: {one}")
            self._call_losses.append(one)
            context.note_loss(self)

    def _regularized(self) -> list[Variable]:
        return [v for v in self.trainable_weights if getattr(v, "regularizer", None) is not None]

    @property
    def losses(self) -> list[Any]:
        """Terms added in the last call, then penalties on weights."""
        layers = self._remembered("layers", self._flatten_layers)
        found = [one for layer in layers if layer._call_losses for one in layer._call_losses]
        return found + [v.regularizer(v) for v in self._remembered("regularized",
                                                                   self._regularized)]

    def extra_repr(self) -> str:
        return f"name={self.name}, built={self.built}"

    def _describe(self, shown: Any) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    def quantize(self, *args: Any, **kwargs: Any) -> None:
        """Not offered yet."""
        raise NotSupportedError(f"{type(self).__name__}.quantize is not offered yet")

    def stateless_call(self, *args: Any, **kwargs: Any) -> Any:
        """Not offered: gradients need no stateless functions here."""
        raise NotSupportedError("stateless_call is not offered",
                                hint="call the layer; tricord.grad and torch-style backward() "
                                     "differentiate it as it is")


def mask_of(x: Any) -> Any:
    """The mask that travels with a tensor, or None."""
    return getattr(x, "_keras_mask", None)


def _shape_tuples(value: Any) -> Any:
    """Lists from JSON as tuples; a list of shapes stays a list."""
    if isinstance(value, dict):
        return {k: _shape_tuples(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        if all(v is None or isinstance(v, int) for v in value):
            return tuple(value)
        return [_shape_tuples(v) for v in value]
    return value


def _batchless(value: Any) -> tuple[int | None, ...]:
    """The shape of an output, whatever the size of the batch was."""
    shape = known_shape(value.shape)
    return shape if is_tracing() or not shape else (None, *shape[1:])


def _is_shape(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and all(
        v is None or isinstance(v, (int, np.integer)) for v in value)


def _as_symbolic(shape: Any, dtype: str) -> Any:
    if _is_shape(shape):
        return KerasTensor(shape, dtype)
    if isinstance(shape, dict):
        return {k: _as_symbolic(v, dtype) for k, v in shape.items()}
    if isinstance(shape, (list, tuple)):
        return [_as_symbolic(v, dtype) for v in shape]
    return shape


def _given_shape(kwargs: dict[str, Any]) -> Any:
    """The batch shape from Keras 2 spellings: input_shape, input_dim, batch_input_shape."""
    batch = kwargs.pop("batch_size", None)
    full = kwargs.pop("batch_input_shape", kwargs.pop("batch_shape", None))
    shape = kwargs.pop("input_shape", None)
    features = kwargs.pop("input_dim", None)
    length = kwargs.pop("input_length", None)
    if full is not None:
        return tuple(full)
    if shape is not None:
        return (batch, *(tuple(shape) if hasattr(shape, "__iter__") else (shape,)))
    if features is not None:
        return (batch, features) if length is None else (batch, length, features)
    return None


def _building(build: Any) -> Any:
    """The build method of a subclass, noting the shapes, and that it was run."""
    if getattr(build, "_notes_shapes", False):
        return build
    names = [n for n in inspect.signature(build).parameters if n != "self"]

    def noted(self: Any, *args: Any, **kwargs: Any) -> None:
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        build(self, *args, **kwargs)
        if self._build_shapes is None or type(self).build is noted:
            object.__setattr__(self, "_build_shapes", {k: map_shape(v) for k, v in given.items()})
        self.built = True

    noted.__dict__.update(build.__dict__)
    noted._notes_shapes = True  # type: ignore[attr-defined]
    noted.__wrapped__ = build  # type: ignore[attr-defined]
    noted.__doc__ = build.__doc__
    return noted


def map_shape(value: Any) -> Any:
    """A shape, or nested shapes, as plain tuples with None for what is not known."""
    if _is_shape(value):
        return known_shape(tuple(value))
    if isinstance(value, dict):
        return {k: map_shape(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [map_shape(v) for v in value]
    return value


