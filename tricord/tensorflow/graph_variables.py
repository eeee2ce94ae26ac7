"""Placeholders, named variables and their scopes (TensorFlow 1)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import ArgumentError, StateError
from ..ir.dtypes import float32
from ..keras import initializers as native
from ..tensor.handle import Handle
from . import control_ops
from ._names import explain_keywords
from ._op import Spec, modes, op
from .dtypes import as_dtype
from .graph import (
    Graph,
    GraphKeys,
    GraphValue,
    building_graph,
    current_graph,
    default_graph,
    stand_ins,
)
from .run import unfed
from .shapes import TensorShape
from .tensors import array_of, convert, where_now
from .variables import GraphVariable, Variable

__all__ = ["AUTO_REUSE", "VariableScope", "assign", "assign_add", "assign_sub",
           "constant_initializer", "get_local_variable", "get_variable", "get_variable_scope",
           "global_variables", "global_variables_initializer", "glorot_normal_initializer",
           "glorot_uniform_initializer", "identity_initializer", "is_variable_initialized",
           "local_variables", "local_variables_initializer", "name_scope", "ones_initializer",
           "orthogonal_initializer", "placeholder", "placeholder_with_default",
           "random_normal_initializer", "random_uniform_initializer",
           "report_uninitialized_variables", "trainable_variables", "truncated_normal_initializer",
           "variable_scope", "variables_initializer", "variance_scaling_initializer",
           "zeros_initializer"]


class NotEagerError(ArgumentError, RuntimeError):
    """Something of TensorFlow 1 that makes no sense without a graph."""


# ---- placeholders

class _Placeholder:
    """The function of a placeholder: it has no value but what is fed."""

    def __init__(self) -> None:
        self.tensor: Any = None

    def __call__(self, *args: Any) -> Any:
        raise unfed(self.tensor)


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Any:
    """A tensor whose value is fed to each run; None stands for unknown sizes.

    Raises:  NotEagerError (a RuntimeError) outside of a graph
    """
    graph = current_graph()
    if graph is None:
        raise NotEagerError("tf.placeholder() is not compatible with eager execution.",
                            where=where_now(), hint="tf.compat.v1.disable_eager_execution(), or "
                            "with tf.Graph().as_default():")
    function = _Placeholder()
    operation = graph.new_operation(Spec(function, "Placeholder"), (), {}, name)
    wanted = as_dtype(dtype)
    known = TensorShape(shape)
    tensor = graph.symbolic(operation, known, wanted, stand_ins(known, wanted))
    function.tensor = tensor
    return tensor


def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Any:
    """A tensor that has this value unless another is fed."""
    graph = default_graph()
    known = TensorShape(shape)
    operation = graph.new_operation(Spec(convert, "Placeholder"),
                                    (input if isinstance(input, GraphValue) else
                                     convert(array_of(input)),), {}, name)
    dtype = input.dtype if isinstance(input, GraphValue) else convert(array_of(input)).dtype
    return graph.symbolic(operation, known, dtype, stand_ins(known, dtype))


# ---- scopes

class _AutoReuse:
    def __repr__(self) -> str:
        return "AUTO_REUSE"

    def __bool__(self) -> bool:
        return True


AUTO_REUSE = _AutoReuse()


class VariableScope:
    """A name before the names of variables, and what holds for them by default."""

    def __init__(self, name: str, reuse: Any = False, initializer: Any = None,
                 regularizer: Any = None, dtype: Any = float32, constraint: Any = None,
                 original_name_scope: str = ""):
        self.name = name
        self._reuse = reuse
        self.initializer = initializer
        self.regularizer = regularizer
        self.dtype = as_dtype(dtype)
        self.constraint = constraint
        self.original_name_scope = original_name_scope

    @property
    def reuse(self) -> Any:
        return self._reuse

    def reuse_variables(self) -> None:
        """Take variables that are there already from now on."""
        self._reuse = True

    def set_initializer(self, initializer: Any) -> None:
        self.initializer = initializer

    def global_variables(self) -> list[Any]:
        return default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES, self.name)

    def trainable_variables(self) -> list[Any]:
        return default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES, self.name)


def get_variable_scope() -> VariableScope:
    """The innermost variable scope."""
    graph = default_graph()
    if not graph.variable_scopes:
        graph.variable_scopes.append(VariableScope(""))
    found: VariableScope = graph.variable_scopes[-1]
    return found


@contextmanager
def variable_scope(name_or_scope: Any, default_name: str | None = None, values: Any = None,
                   initializer: Any = None, regularizer: Any = None, caching_device: Any = None,
                   partitioner: Any = None, custom_getter: Any = None, reuse: Any = None,
                   dtype: Any = None, use_resource: Any = None, constraint: Any = None,
                   auxiliary_name_scope: bool = True) -> Iterator[VariableScope]:
    """Variables (and operations) made inside have this name before theirs.

    ``reuse``: True takes only variables that are there, AUTO_REUSE also makes new ones.
    """
    graph = default_graph()
    outer = get_variable_scope()
    if isinstance(name_or_scope, VariableScope):
        full, short = name_or_scope.name, name_or_scope.name.rpartition("/")[2]
        base = name_or_scope
    else:
        base = outer
        if name_or_scope is None:
            if default_name is None:
                raise ArgumentError("If default_name is None then name_or_scope is required",
                                    where=where_now())
            name_or_scope = _unique_scope(graph, outer, default_name)
        short = name_or_scope
        full = f"{outer.name}/{short}" if outer.name else short
    scope = VariableScope(
        full, base._reuse if reuse is None else reuse,
        base.initializer if initializer is None else initializer,
        base.regularizer if regularizer is None else regularizer,
        base.dtype if dtype is None else dtype, base.constraint if constraint is None else
        constraint)
    graph.variable_scopes.append(scope)
    try:
        if not short or not auxiliary_name_scope:
            yield scope
        else:
            with graph.name_scope(short) as opened:
                scope.original_name_scope = opened
                yield scope
    finally:
        graph.variable_scopes.remove(scope)


def _unique_scope(graph: Graph, outer: VariableScope, name: str) -> str:
    prefix = f"{outer.name}/" if outer.name else ""
    count, found = 0, name
    while f"{prefix}{found}" in graph.scope_names:
        count += 1
        found = f"{name}_{count}"
    graph.scope_names.add(f"{prefix}{found}")
    return found


@contextmanager
def name_scope(name: Any, default_name: str | None = None, values: Any = None) -> Iterator[str]:
    """Operations made inside have this name before theirs."""
    graph = current_graph()
    if graph is None:
        yield f"{name or default_name or ''}/"
        return
    with graph.name_scope(name if name is not None else default_name) as opened:
        yield opened


# ---- variables

def get_variable(name: str, shape: Any = None, dtype: Any = None, initializer: Any = None,
                 regularizer: Any = None, trainable: bool | None = None, collections: Any = None,
                 caching_device: Any = None, partitioner: Any = None, validate_shape: bool = True,
                 use_resource: Any = None, custom_getter: Any = None, constraint: Any = None,
                 synchronization: Any = None, aggregation: Any = None) -> Any:
    """The variable of this name in the open scopes: a new one, or with reuse the one there is.

    Raises:  ArgumentError if there is one already and reuse was not asked for, or the other way
             round
    """
    if partitioner is not None or custom_getter is not None:
        raise ArgumentError("get_variable: partitioner and custom_getter are not supported")
    if not building_graph():
        return Variable(_initial(name, shape, dtype or float32, initializer), trainable=trainable,
                        name=name)
    graph, scope = default_graph(), get_variable_scope()
    full = f"{scope.name}/{name}" if scope.name else name
    found = graph.named_variables.get(full)
    reuse = scope.reuse
    if found is not None:
        if not reuse:
            raise ArgumentError(f"Variable {full} already exists, disallowed. Did you mean to set "
                                "reuse=True or reuse=tf.AUTO_REUSE in VarScope?",
                                where=where_now())
        if shape is not None and not TensorShape(shape).is_compatible_with(found.shape):
            raise ArgumentError(f"Trying to share variable {full}, but specified shape "
                                f"{TensorShape(shape)} and found shape {found.shape}.",
                                where=where_now())
        return found
    if reuse and reuse is not AUTO_REUSE:
        raise ArgumentError(f"Variable {full} does not exist, or was not created with "
                            "tf.get_variable(). Did you mean to set reuse=tf.AUTO_REUSE in "
                            "VarScope?", where=where_now())
    wanted = as_dtype(dtype or scope.dtype)
    chosen = initializer if initializer is not None else scope.initializer
    with graph.at_root():
        made = GraphVariable(_initial(full, shape, wanted, chosen),
                             trainable=trainable, collections=collections, name=full,
                             dtype=wanted if not _has_dtype(chosen) else None,
                             validate_shape=validate_shape,
                             constraint=constraint or scope.constraint, graph=graph)
    graph.named_variables[full] = made
    chosen_regularizer = regularizer or scope.regularizer
    if chosen_regularizer is not None:
        loss = chosen_regularizer(made)
        if loss is not None:
            graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)
    return made


def _has_dtype(initializer: Any) -> bool:
    return isinstance(initializer, (Handle, GraphValue, np.ndarray))


def _initial(name: str, shape: Any, dtype: Any, initializer: Any) -> Any:
    wanted = as_dtype(dtype)
    if initializer is None:
        initializer = glorot_uniform_initializer() if wanted.is_floating_point else (
            zeros_initializer())
    if isinstance(initializer, type):
        initializer = initializer()
    if not callable(initializer) or isinstance(initializer, (Handle, GraphValue)):
        if shape is not None and not isinstance(initializer, GraphValue):
            given = np.shape(initializer)
            if not TensorShape(shape).is_compatible_with(given):
                raise ArgumentError("If initializer is a constant, do not specify shape.",
                                    where=where_now())
        return initializer
    if shape is None:
        raise ArgumentError(f"Shape of a new variable ({name}) must be fully defined, but instead "
                            "was <unknown>.", where=where_now())
    sizes = TensorShape(shape)
    if not sizes.is_fully_defined():
        raise ArgumentError(f"Shape of a new variable ({name}) must be fully defined, but instead "
                            f"was {sizes}.", where=where_now())
    return initializer(sizes.as_list(), dtype=wanted)


def get_local_variable(name: str, *args: Any, **kwargs: Any) -> Any:
    """`get_variable` for what is not saved."""
    return get_variable(name, *args, **(kwargs | {
        "trainable": False, "collections": [GraphKeys.LOCAL_VARIABLES]}))


def global_variables(scope: str | None = None) -> list[Any]:
    """All variables of the default graph but local ones."""
    return default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


def local_variables(scope: str | None = None) -> list[Any]:
    return default_graph().get_collection(GraphKeys.LOCAL_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Any]:
    """The variables that optimizers change by default."""
    return default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def variables_initializer(var_list: Any, name: str = "init") -> Any:
    """An operation that gives variables their initial values."""
    if not building_graph() and not any(isinstance(v, GraphValue) for v in var_list):
        return None
    if not var_list:
        return control_ops.no_op()
    return control_ops.group(*[v.initializer for v in var_list], name=name)


def global_variables_initializer() -> Any:
    """An operation that gives all variables there are so far their initial values."""
    return variables_initializer(global_variables()) if building_graph() else None


def local_variables_initializer() -> Any:
    return variables_initializer(local_variables()) if building_graph() else None


def report_uninitialized_variables(var_list: Any = None, name: str | None = None) -> Any:
    raise StateError("report_uninitialized_variables is not supported: tricord has no tensors of "
                     "strings", hint="run tf.compat.v1.global_variables_initializer()")


def is_variable_initialized(variable: Any) -> Any:
    """Whether the session that runs this has a value for it."""
    return _is_initialised(_Asked(variable))


class _Asked:
    """A variable that is asked about, not read."""

    def __init__(self, variable: Any):
        self.variable = variable


@op(host=True)
def _is_initialised(asked: _Asked) -> Any:
    run = modes.run
    if run is None or run.probing:
        return convert(np.asarray(True))
    return convert(np.asarray(asked.variable in modes.sessions[-1].variables))


def assign(ref: Any, value: Any, validate_shape: bool | None = None, use_locking: bool = False,
           name: str | None = None) -> Any:
    """Let a variable have this value."""
    return ref.assign(value, use_locking, name)


def assign_add(ref: Any, value: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Add to a variable."""
    return ref.assign_add(value, use_locking, name)


def assign_sub(ref: Any, value: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Subtract from a variable."""
    return ref.assign_sub(value, use_locking, name)


# ---- initializers

def _dtyped(base: type, name: str, doc: str) -> Any:
    """A Keras initializer that takes its dtype when it is made, as in TensorFlow 1."""

    class Made(base):  # type: ignore[misc]
        def __init__(self, *args: Any, dtype: Any = float32, **kwargs: Any):
            super().__init__(*args, **kwargs)
            self.dtype = as_dtype(dtype)

        def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
            if getattr(self, "_init_seed", 0) is None:
                self.seed = native.fresh_seed()  # each variable gets numbers of its own
            return super().__call__(tuple(int(s) for s in shape),
                                    as_dtype(dtype or self.dtype).name)

    Made.__name__ = Made.__qualname__ = name
    Made.__doc__ = doc
    return Made


zeros_initializer = _dtyped(native.Zeros, "zeros_initializer", "Zeros.")
ones_initializer = _dtyped(native.Ones, "ones_initializer", "Ones.")
_Constant = _dtyped(native.Constant, "constant_initializer", "One value.")
random_normal_initializer = _dtyped(native.RandomNormal, "random_normal_initializer",
                                    "Normal numbers.")
random_uniform_initializer = _dtyped(native.RandomUniform, "random_uniform_initializer",
                                     "Uniform numbers.")
truncated_normal_initializer = _dtyped(native.TruncatedNormal, "truncated_normal_initializer",
                                       "Normal numbers within two deviations.")
glorot_uniform_initializer = _dtyped(native.GlorotUniform, "glorot_uniform_initializer",
                                     "Uniform numbers, scaled by the sizes (Xavier).")
glorot_normal_initializer = _dtyped(native.GlorotNormal, "glorot_normal_initializer",
                                    "Normal numbers, scaled by the sizes (Xavier).")
he_normal = _dtyped(native.HeNormal, "he_normal", "Normal numbers, scaled by the input size.")
he_uniform = _dtyped(native.HeUniform, "he_uniform", "Uniform numbers, scaled by the input size.")
lecun_normal = _dtyped(native.LecunNormal, "lecun_normal", "Normal numbers, scaled by the input.")
lecun_uniform = _dtyped(native.LecunUniform, "lecun_uniform", "Uniform numbers, by the input.")
variance_scaling_initializer = _dtyped(native.VarianceScaling, "variance_scaling_initializer",
                                       "Numbers scaled by the sizes.")
orthogonal_initializer = _dtyped(native.Orthogonal, "orthogonal_initializer",
                                 "An orthogonal matrix.")
identity_initializer = _dtyped(native.Identity, "identity_initializer", "The identity matrix.")


class constant_initializer(_Constant):  # type: ignore[misc,valid-type]
    """One value, or an array of the variable's shape."""

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        if np.ndim(self.value):
            return np.asarray(self.value, as_dtype(dtype or self.dtype).numpy).reshape(
                tuple(int(s) for s in shape))
        return super().__call__(shape, dtype)


explain_keywords(globals())
