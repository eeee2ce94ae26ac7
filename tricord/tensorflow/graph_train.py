"""Optimizers of graphs: `tf.compat.v1.train`. The rules themselves are in `tricord.optim`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, NotSupportedError
from ..ir.dtypes import float32
from ..optim import graph_rules
from ..optim.adadelta import AdadeltaOptions, adadelta
from ..optim.adagrad import AdagradOptions, adagrad
from ..optim.ftrl import FtrlOptions, ftrl
from ..optim.graph_rules import adam_step, decayed, rule_step
from ..optim.rmsprop import RMSpropOptions, rmsprop
from ..optim.sgd import SGDOptions, sgd
from ..tensor.handle import Handle
from . import control_ops
from ._names import explain_keywords
from ._op import Spec, modes, op
from .graph import GraphKeys, GraphValue, default_graph
from .graph_gradients import gradients
from .tensors import apply, apply_all, convert, number_or_tensor, where_now
from .variables import GraphVariable

__all__ = ["AdadeltaOptimizer", "AdagradOptimizer", "AdamOptimizer", "FtrlOptimizer",
           "GradientDescentOptimizer", "MomentumOptimizer", "Optimizer", "RMSPropOptimizer",
           "cosine_decay", "create_global_step", "exponential_decay", "get_global_step",
           "get_or_create_global_step", "global_step", "inverse_time_decay", "natural_exp_decay",
           "piecewise_constant", "polynomial_decay"]


class _Update:
    """Runs one rule on one variable and its slots, and stores what comes out."""

    def __init__(self, step: Callable[..., Any], targets: Sequence[GraphVariable],
                 static: tuple[Any, ...]):
        self.step = step
        self.targets = list(targets)
        self.static = static

    def __call__(self, gradient: Any, scalars: list[Any]) -> None:
        run = modes.run
        variable = self.targets[0]
        if run.probing:
            return
        numbers = [number_or_tensor(s, variable.dtype) for s in scalars]
        current = [run.read(t) for t in self.targets]
        results = apply_all(self.step, [current[0], gradient, *current[1:], *numbers],
                            *self.static)
        for target, new in zip(self.targets, results, strict=False):
            run.write(target, new)


class Optimizer:
    """Adds operations to a graph that change variables by their gradients."""

    GATE_NONE, GATE_OP, GATE_GRAPH = 0, 1, 2

    def __init__(self, use_locking: bool = False, name: str | None = None):
        self._name = name or type(self).__name__.removesuffix("Optimizer")
        self._slots: dict[tuple[Any, str], GraphVariable] = {}

    def get_name(self) -> str:
        return self._name

    # ---- what users call

    def minimize(self, loss: Any, global_step: Any = None, var_list: Any = None,
                 gate_gradients: int = 1, aggregation_method: Any = None,
                 colocate_gradients_with_ops: bool = False, name: str | None = None,
                 grad_loss: Any = None) -> Any:
        """An operation that takes one step towards a smaller loss.

        Raises:  ArgumentError if there are no variables, or the loss depends on none
        """
        pairs = self.compute_gradients(loss, var_list, gate_gradients, aggregation_method,
                                       colocate_gradients_with_ops, grad_loss)
        if all(g is None for g, _ in pairs):
            raise ArgumentError("No gradients provided for any variable, check your graph for ops "
                                "that do not support gradients, between variables "
                                f"{[v.name for _, v in pairs]} and loss {loss!r}.",
                                where=where_now())
        return self.apply_gradients(pairs, global_step, name)

    def compute_gradients(self, loss: Any, var_list: Any = None, gate_gradients: int = 1,
                          aggregation_method: Any = None, colocate_gradients_with_ops: bool = False,
                          grad_loss: Any = None) -> list[tuple[Any, Any]]:
        """Pairs of gradient and variable."""
        if callable(loss) or isinstance(loss, Handle):
            raise NotSupportedError(f"{type(self).__name__}: works in graphs, this is an eager "
                                    "loss", where=where_now(),
                                    hint=f"tf.keras.optimizers.{self._keras_name}")
        variables = list(var_list) if var_list is not None else (
            loss.graph.get_collection(GraphKeys.TRAINABLE_VARIABLES))
        if not variables:
            raise ArgumentError("No variables to optimize.", where=where_now(),
                                hint="tf.compat.v1.get_variable or tf.compat.v1.Variable")
        found = gradients(loss, variables, grad_loss)
        return list(zip(found, variables, strict=True))

    _keras_name = "SGD"

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None,
                        name: str | None = None) -> Any:
        """An operation that changes each variable by its gradient; None gradients are skipped."""
        pairs = [(g, v) for g, v in grads_and_vars]
        if not pairs:
            raise ArgumentError("No variables provided.", where=where_now())
        used = [(g, v) for g, v in pairs if g is not None]
        if not used:
            raise ArgumentError("No gradients provided for any variable: "
                                f"{[v.name for _, v in pairs]}.", where=where_now())
        graph = used[0][1].graph
        label = name or self._name
        for _, variable in used:
            if not isinstance(variable, GraphVariable):
                raise DTypeError(f"Trying to optimize unsupported type {variable!r}",
                                 where=where_now())
        self._prepare(graph, [v for _, v in used])
        with graph.name_scope(label):
            updates = [self._updated(graph, gradient, variable) for gradient, variable in used]
            with graph.control_dependencies(updates):
                after = self._finish(graph)
                if global_step is not None:
                    after = [*after, global_step.assign_add(_one(global_step))]
            done = control_ops.group(*updates, *after, name="update")
        graph.add_to_collection(GraphKeys.TRAIN_OP, done)
        return done

    def _updated(self, graph: Any, gradient: Any, variable: GraphVariable) -> Any:
        step, targets, static, scalars = self._plan(variable)
        spec = Spec(_Update(step, [variable, *targets], static), f"Apply{self._name}")
        # The variables are inputs too, so that a session knows what the program reads.
        operation = graph.new_operation(spec, (gradient, list(scalars)), {},
                                        f"update_{variable._name.rpartition('/')[2]}")
        operation.inputs = [*operation.inputs, variable, *targets]
        operation.changes_state = True
        return operation

    # ---- slots

    def get_slot(self, var: Any, name: str) -> Any:
        """The variable that this optimizer keeps beside another."""
        return self._slots.get((var, name))

    def get_slot_names(self) -> list[str]:
        return sorted({name for _, name in self._slots})

    def variables(self) -> list[Any]:
        """What this optimizer keeps."""
        return list(self._slots.values())

    def _slot(self, variable: GraphVariable, name: str, fill: float) -> GraphVariable:
        found = self._slots.get((variable, name))
        if found is None:
            shape = [int(d or 0) for d in variable.shape]
            graph = variable.graph
            with graph.at_root():
                found = GraphVariable(np.full(shape, fill, variable.dtype.numpy), trainable=False,
                                      name=f"{variable._name}/{self._name}", graph=graph)
            self._slots[variable, name] = found
        return found

    # ---- what subclasses say

    def _prepare(self, graph: Any, variables: list[GraphVariable]) -> None:
        """Make the slots."""
        for variable in variables:
            self._plan(variable)

    def _plan(self, variable: GraphVariable) -> tuple[Any, list[GraphVariable], Any, list[Any]]:
        """The step, the slots, what is static, and the scalars."""
        raise NotSupportedError(f"{type(self).__name__} has no rule")

    def _finish(self, graph: Any) -> list[Any]:
        return []


def _one(step: GraphVariable) -> Any:
    return np.asarray(1, step.dtype.numpy)


class GradientDescentOptimizer(Optimizer):
    """``v -= learning_rate * gradient``."""

    def __init__(self, learning_rate: Any, use_locking: bool = False,
                 name: str = "GradientDescent"):
        super().__init__(use_locking, name)
        self._rate = learning_rate

    def _plan(self, variable: GraphVariable) -> Any:
        return rule_step, [], (sgd, SGDOptions(), 0), [self._rate, 0.0, 1.0, 0.0]


class MomentumOptimizer(Optimizer):
    """``a = momentum * a + gradient; v -= learning_rate * a``."""

    def __init__(self, learning_rate: Any, momentum: Any, use_locking: bool = False,
                 name: str = "Momentum", use_nesterov: bool = False):
        super().__init__(use_locking, name)
        self._rate, self._momentum, self._nesterov = learning_rate, momentum, use_nesterov

    def _plan(self, variable: GraphVariable) -> Any:
        slot = self._slot(variable, "momentum", 0.0)
        options = SGDOptions(momentum=1.0, nesterov=self._nesterov)
        return rule_step, [slot], (sgd, options, 1), [self._rate, self._momentum, 1.0, 0.0]


class AdagradOptimizer(Optimizer):
    """Divides by the root of the sum of all squared gradients so far."""

    _keras_name = "Adagrad"

    def __init__(self, learning_rate: Any, initial_accumulator_value: float = 0.1,
                 use_locking: bool = False, name: str = "Adagrad"):
        super().__init__(use_locking, name)
        if initial_accumulator_value <= 0:
            raise ArgumentError("initial_accumulator_value must be positive: "
                                f"{initial_accumulator_value}")
        self._rate, self._start = learning_rate, initial_accumulator_value

    def _plan(self, variable: GraphVariable) -> Any:
        slot = self._slot(variable, "accumulator", self._start)
        return rule_step, [slot], (adagrad, AdagradOptions(eps=0.0), 1), [self._rate]


class AdadeltaOptimizer(Optimizer):
    """Steps in the variable's own units."""

    _keras_name = "Adadelta"

    def __init__(self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-8,
                 use_locking: bool = False, name: str = "Adadelta"):
        super().__init__(use_locking, name)
        self._rate, self._options = learning_rate, AdadeltaOptions(rho, epsilon)

    def _plan(self, variable: GraphVariable) -> Any:
        slots = [self._slot(variable, "accum", 0.0), self._slot(variable, "accum_update", 0.0)]
        return rule_step, slots, (adadelta, self._options, 2), [self._rate]


class RMSPropOptimizer(Optimizer):
    """Divides by a running root mean square of the gradient."""

    _keras_name = "RMSprop"

    def __init__(self, learning_rate: Any, decay: float = 0.9, momentum: Any = 0.0,
                 epsilon: float = 1e-10, use_locking: bool = False, centered: bool = False,
                 name: str = "RMSProp"):
        super().__init__(use_locking, name)
        self._rate, self._momentum = learning_rate, momentum
        self._options = RMSpropOptions(alpha=decay, eps=epsilon, momentum=1.0, centered=centered,
                                       epsilon_in_root=True, rate_in_velocity=True)

    def _plan(self, variable: GraphVariable) -> Any:
        slots = [self._slot(variable, "rms", 1.0)]
        mean = [self._slot(variable, "mg", 0.0)] if self._options.centered else []
        slots += [self._slot(variable, "momentum", 0.0), *mean]
        return rule_step, slots, (rmsprop, self._options, len(slots)), [self._rate, self._momentum]


class FtrlOptimizer(Optimizer):
    """Follow the regularized leader."""

    _keras_name = "Ftrl"

    def __init__(self, learning_rate: Any, learning_rate_power: float = -0.5,
                 initial_accumulator_value: float = 0.1, l1_regularization_strength: float = 0.0,
                 l2_regularization_strength: float = 0.0, use_locking: bool = False,
                 name: str = "Ftrl", l2_shrinkage_regularization_strength: float = 0.0,
                 beta: float | None = None):
        super().__init__(use_locking, name)
        self._rate, self._start = learning_rate, initial_accumulator_value
        self._options = FtrlOptions(learning_rate_power, initial_accumulator_value,
                                    l1_regularization_strength, l2_regularization_strength,
                                    l2_shrinkage_regularization_strength, beta or 0.0)

    def _plan(self, variable: GraphVariable) -> Any:
        slots = [self._slot(variable, "accum", self._start), self._slot(variable, "linear", 0.0)]
        return rule_step, slots, (ftrl, self._options, 2), [self._rate]


class AdamOptimizer(Optimizer):
    """Adaptive moment estimation; the powers of the betas are variables."""

    _keras_name = "Adam"

    def __init__(self, learning_rate: Any = 0.001, beta1: Any = 0.9, beta2: Any = 0.999,
                 epsilon: Any = 1e-8, use_locking: bool = False, name: str = "Adam"):
        super().__init__(use_locking, name)
        self._rate, self._betas, self._epsilon = learning_rate, (beta1, beta2), epsilon
        self._powers: list[GraphVariable] = []

    def _prepare(self, graph: Any, variables: list[GraphVariable]) -> None:
        if not self._powers:
            with graph.at_root():
                self._powers = [GraphVariable(np.asarray(beta, np.float32), trainable=False,
                                              name=f"beta{i}_power", graph=graph)
                                for i, beta in enumerate(self._betas, start=1)]
        super()._prepare(graph, variables)

    def variables(self) -> list[Any]:
        return [*self._powers, *self._slots.values()]

    def _plan(self, variable: GraphVariable) -> Any:
        slots = [self._slot(variable, "m", 0.0), self._slot(variable, "v", 0.0)]
        return adam_step, slots, (), [self._rate, *self._betas, self._epsilon, *self._powers]

    def _finish(self, graph: Any) -> list[Any]:
        return [power.assign(power * _number(beta))
                for power, beta in zip(self._powers, self._betas, strict=True)]


def _number(beta: Any) -> Any:
    return beta if isinstance(beta, GraphValue) else float(beta)


# ---- the global step

def get_global_step(graph: Any = None) -> Any:
    """The variable that counts steps, or None."""
    chosen = graph or default_graph()
    found = chosen.get_collection(GraphKeys.GLOBAL_STEP)
    return found[0] if found else None


def create_global_step(graph: Any = None) -> Any:
    """A variable that counts steps."""
    chosen = graph or default_graph()
    if get_global_step(chosen) is not None:
        raise ArgumentError('"global_step" already exists.', where=where_now())
    return GraphVariable(np.asarray(0, np.int64), trainable=False, name="global_step",
                         collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
                         graph=chosen)


def get_or_create_global_step(graph: Any = None) -> Any:
    """The variable that counts steps, made if there is none."""
    return get_global_step(graph) or create_global_step(graph)


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """How many steps a session has counted."""
    return int(sess.run(global_step_tensor))


# ---- rates that follow the step

def _decay(kind: str) -> Callable[..., Any]:
    def call(learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any,
             staircase: bool = False) -> Any:
        numbers = [number_or_tensor(learning_rate, float32), convert(global_step),
                   number_or_tensor(decay_steps, float32), number_or_tensor(decay_rate, float32)]
        return apply(decayed, numbers, kind, bool(staircase))

    call.__name__ = f"{kind}_decay"
    call.__doc__ = f"The learning rate after some steps of {kind} decay."
    return op(call)  # type: ignore[no-any-return]


exponential_decay = _decay("exponential")
natural_exp_decay = _decay("natural_exp")
inverse_time_decay = _decay("inverse_time")


@op
def polynomial_decay(learning_rate: Any, global_step: Any, decay_steps: float,
                     end_learning_rate: float = 0.0001, power: float = 1.0, cycle: bool = False
                     ) -> Any:
    """From the learning rate to ``end_learning_rate`` in ``decay_steps`` steps."""
    operands = number_or_tensor(learning_rate, float32), convert(global_step)
    return apply(graph_rules.polynomial_decay, operands, float(decay_steps),
                 float(end_learning_rate), float(power), bool(cycle))


@op
def cosine_decay(learning_rate: Any, global_step: Any, decay_steps: float, alpha: float = 0.0
                 ) -> Any:
    """Half a cosine down to ``alpha`` times the learning rate."""
    operands = number_or_tensor(learning_rate, float32), convert(global_step)
    return apply(graph_rules.cosine_decay, operands, float(decay_steps), float(alpha))


@op
def piecewise_constant(x: Any, boundaries: Any, values: Any) -> Any:
    """``values[i]`` while ``x <= boundaries[i]``."""
    given = [convert(v) for v in values]
    return apply(graph_rules.piecewise_constant, (convert(x), *given), tuple(boundaries))


explain_keywords(globals())
