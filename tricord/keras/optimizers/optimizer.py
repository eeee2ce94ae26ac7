"""The base of Keras's optimizers, over the update rules that all faces share.

The numbers of a rule advance on the Python side; gradients, slots and weights are one recorded
update (see `tricord.optim.update`). Here stand the names, the order of the state, and what Keras
does around a rule: clipping, weight decay, averaging, accumulation, constraints.
"""

from __future__ import annotations

import re
import warnings
import weakref
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from ...errors import ArgumentError, NotSupportedError, StateError
from ...ir import arithmetic as ar
from ...optim.rule import NO_TRANSFORM, Rule, Transform
from ...optim.schedules import InverseTimeDecay, LearningRateSchedule
from ...optim.update import Cohort, Update, new_slots
from ...tensor import record
from ...tensor.handle import Handle
from ...tensor.recorder import recording_gradients, value_of, wrap
from .._arguments import Checked, keywords_of, refuse_unknown
from .._names import auto_name, to_snake_case
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..variable import Variable, as_array

__all__ = ["Optimizer"]

_COMMON = ("learning_rate", "weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema",
           "ema_momentum", "ema_overwrite_frequency", "loss_scale_factor",
           "gradient_accumulation_steps")


class Optimizer(metaclass=Checked):
    """Changes variables by their gradients: ``apply_gradients(zip(gradients, variables))``.

    ``lr`` and ``decay`` of Keras 2 are taken: they mean ``learning_rate`` and
    ``rate / (1 + decay * iterations)``.
    """

    rule: Rule
    #: names of the slots of one variable
    slot_names: tuple[str, ...] = ()
    #: slots that stand side by side for one variable; those after stand by slot
    paired = 99

    def __init__(self, learning_rate: Any, weight_decay: float | None = None,
                 clipnorm: float | None = None, clipvalue: float | None = None,
                 global_clipnorm: float | None = None, use_ema: bool = False,
                 ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
                 loss_scale_factor: float | None = None,
                 gradient_accumulation_steps: int | None = None, name: str | None = None,
                 **kwargs: Any):
        learning_rate, decay = kwargs.pop("lr", learning_rate), kwargs.pop("decay", 0.0)
        refuse_unknown(type(self).__name__, kwargs,
                       [*keywords_of(type(self).__init__), *keywords_of(Optimizer.__init__), "lr",
                        "decay"])
        self.name = name or auto_name(to_snake_case(type(self).__name__))
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue = clipnorm, clipvalue
        self.global_clipnorm = global_clipnorm
        if sum(c is not None for c in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise ArgumentError(
                "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. Received: "
                f"clipnorm={clipnorm}, clipvalue={clipvalue}, global_clipnorm={global_clipnorm}.")
        self.use_ema = use_ema
        if use_ema and not 0 <= ema_momentum <= 1:
            raise ArgumentError(f"`ema_momentum` must be in the range [0, 1]. Received: "
                                f"ema_momentum={ema_momentum}")
        self.ema_momentum, self.ema_overwrite_frequency = ema_momentum, ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        if gradient_accumulation_steps is not None and gradient_accumulation_steps < 2:
            raise ArgumentError("`gradient_accumulation_steps` must be an integer >= 2. Received: "
                                f"gradient_accumulation_steps={gradient_accumulation_steps}")
        if loss_scale_factor is not None:
            raise NotSupportedError("loss_scale_factor is not offered: there is no mixed precision "
                                    "that needs it")
        self.built = False
        self._iteration = 0
        self._exclude: tuple[list[Any], list[str]] = ([], [])
        self._trained: list[Variable] = []
        self._slots: dict[int, list[Variable]] = {}
        self._averages: list[Variable] = []
        self._gathered: list[Variable] = []
        self._numbers: tuple[float, ...] = self.rule.start if hasattr(self, "rule") else ()
        self._update: tuple[Any, Update] | None = None
        self._settings: _Settings | None = None
        self._iterations: Variable | None = None
        self._iterations_hold = 0
        self._set_rate(learning_rate, decay)

    def __deepcopy__(self, memo: dict[int, Any]) -> Optimizer:
        new = type(self).__new__(type(self))
        memo[id(self)] = new
        # State belongs to variables by their identity; what a step has prepared is for these alone.
        apart = {"_slots": {}, "_update": None, "_settings": None}
        for name, own in vars(self).items():
            setattr(new, name, apart[name] if name in apart else deepcopy(own, memo))
        new._slots = {id(theirs): deepcopy(self._slots[id(mine)], memo)
                      for mine, theirs in zip(self._trained, new._trained, strict=True)}
        return new

    # ---- the rate

    def _set_rate(self, rate: Any, decay: float = 0.0) -> None:
        if isinstance(rate, dict):
            rate = schedule_of(rate)
        if decay:
            if not isinstance(rate, (int, float)):
                raise ArgumentError("`decay` needs a number as learning rate",
                                    hint="use a schedule alone")
            rate = InverseTimeDecay(float(rate), 1, decay)
        self._rate: Any = None
        if isinstance(rate, LearningRateSchedule) or (callable(rate) and not isinstance(
                rate, Handle)):
            self._schedule: Callable[..., Any] | None = rate
            return
        if not isinstance(rate, (int, float, Handle, np.generic)):
            raise ArgumentError("Argument `learning_rate` should be float, or an instance of "
                                "LearningRateSchedule, or a callable (that takes in the current "
                                f"iteration value). Received instead: learning_rate={rate!r:.60}")
        self._schedule = None
        self._rate = Variable(float(rate), dtype="float32", trainable=False, name="learning_rate")

    @property
    def learning_rate(self) -> Any:
        """The rate of the next step; a variable that can be assigned to, or a scheduled number."""
        if self._schedule is None:
            return self._rate
        return wrap(np.asarray(self._rate_now(), np.float32))

    @learning_rate.setter
    def learning_rate(self, rate: Any) -> None:
        if self._schedule is not None or (callable(rate) and not isinstance(rate, Handle)):
            if self._schedule is not None and isinstance(rate, (int, float, Handle, np.generic)):
                raise StateError("This optimizer was created with a `LearningRateSchedule` object "
                                 "as its `learning_rate` constructor argument, hence its learning "
                                 "rate is not settable. If you need the learning rate to be "
                                 "settable, you should instantiate the optimizer with a float "
                                 "`learning_rate` argument.")
            self._set_rate(rate)
            return
        self._rate.assign(as_array(rate, "float32").reshape(()))

    @property
    def lr(self) -> Any:
        """The rate under its old name."""
        return self.learning_rate

    @lr.setter
    def lr(self, rate: Any) -> None:
        self.learning_rate = rate

    def _rate_now(self) -> float:
        if self._schedule is None:
            return float(value_of(self._rate))
        try:
            return float(self._schedule(self._iteration))
        except TypeError:
            return float(self._schedule())

    @property
    def iterations(self) -> Variable:
        """How many steps have been taken."""
        if self._iterations is None:
            self._iterations = Variable(np.int32(self._iteration), dtype="int32", trainable=False,
                                        name="iteration")
        elif self._iterations_hold != self._iteration:
            self._iterations.assign(np.int32(self._iteration))
        self._iterations_hold = self._iteration
        return self._iterations

    # ---- state

    def build(self, variables: Iterable[Any]) -> None:
        """Make the state of these variables."""
        for v in variables:
            if id(v) in self._slots:
                continue
            options = self._options()
            made = list(new_slots(v, self.rule.slots(options, self._rate_now(), v._type)))
            name = re.sub("/", "_", getattr(v, "path", getattr(v, "name", "variable")))
            self._slots[id(v)] = [
                Variable(handle, trainable=False, name=f"{name}_{known}")
                for (_, handle), known in zip(made, self.slot_names, strict=False)]
            self._trained.append(v)
            if self.use_ema:
                self._averages.append(Variable(np.zeros(tuple(v.shape), v.dtype.numpy),
                                               trainable=False, name=f"{name}_average"))
            if self.gradient_accumulation_steps:
                self._gathered.append(Variable(
                    np.zeros(tuple(v.shape), v.dtype.numpy), trainable=False,
                    name=f"{name}_gradient_accumulator"))
        self._update = None
        self.built = True

    @property
    def variables(self) -> list[Any]:
        """The state, in Keras's order: iteration, rate, averages, then slots."""
        found: list[Any] = [self.iterations]
        if self._schedule is None:
            found.append(self._rate)
        found += [*self._averages, *self._gathered]
        slots = [self._slots[id(v)] for v in self._trained]
        count = len(slots[0]) if slots else 0
        found += [s for own in slots for s in own[:self.paired]]
        for place in range(min(self.paired, count), count):
            found += [own[place] for own in slots]
        return found + self._extra_variables()

    def _extra_variables(self) -> list[Any]:
        return []

    def _take_extra(self, values: Sequence[Any]) -> None:
        """Take back what `_extra_variables` gave."""

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Put the state into a store, numbered."""
        for i, v in enumerate(self.variables):
            store[str(i)] = np.asarray(v)

    def load_own_variables(self, store: dict[str, Any]) -> None:
        """Take the state from a store."""
        own = self.variables
        if len(store) != len(own):
            expected = [getattr(v, "path", "?") for v in own]
            warnings.warn(f"Skipping variable loading for optimizer '{self.name}', because it has "
                          f"{len(own)} variables whereas the saved optimizer has {len(store)} "
                          f"variables. Expected: {expected[:6]}...", stacklevel=2)
            return
        self.set_weights([store[str(i)] for i in range(len(own))])

    def get_weights(self) -> list[Any]:
        """Copies of the state."""
        return [v.numpy() for v in self.variables]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Take over the state that `get_weights` gave."""
        own = self.variables
        if len(own) != len(weights):
            raise ArgumentError(f"{self.name}: {len(weights)} arrays for {len(own)} variables")
        extra = len(self._extra_variables())
        for v, value in zip(own, weights, strict=True):
            v.assign(np.asarray(value, v.dtype.numpy))
        self._iteration = int(np.asarray(weights[0]))
        self._numbers = self._numbers_at(self._iteration)
        if extra:
            self._take_extra(weights[-extra:])
        self._update = None

    def _numbers_at(self, step: int) -> tuple[float, ...]:
        return (float(step), *self.rule.start[1:])

    # ---- stepping

    def _options(self) -> Any:
        raise NotImplementedError

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]], name: str | None = None,
                        skip_gradients_aggregation: bool = False) -> Any:
        """One step with pairs of a gradient and a variable.

        Raises:  ArgumentError if there is no gradient at all
        """
        pairs = list(grads_and_vars)
        return self.apply([g for g, _ in pairs], [v for _, v in pairs])

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> Any:
        """One step; variables default to those it was built with."""
        variables = self._trained if trainable_variables is None else list(trainable_variables)
        grads = list(grads)
        if len(grads) != len(variables):
            raise ArgumentError(f"apply: {len(grads)} gradients for {len(variables)} variables")
        pairs = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
        if not pairs:
            raise ArgumentError(
                "No gradients provided for any variable.",
                hint="does the loss depend on the variables? was it computed from numpy values?")
        if len(pairs) < len(grads):
            missing = [getattr(v, "path", "?") for g, v in zip(grads, variables, strict=True)
                       if g is None]
            if not set(missing) <= self._warned():
                self._warned().update(missing)
                warnings.warn("Gradients do not exist for variables "
                              f"{missing} when minimizing the loss.", stacklevel=3)
        if not self.built or any(id(v) not in self._slots for _, v in pairs):
            self.build(variables)
        gradients = [g if isinstance(g, Handle) else wrap(np.array(g)) for g, _ in pairs]
        with recording_gradients(False):
            if self.gradient_accumulation_steps:
                self._accumulate(gradients, [v for _, v in pairs])
            else:
                self._step(gradients, [v for _, v in pairs])
        return self._iteration

    def _warned(self) -> set[str]:
        return self.__dict__.setdefault("_missing", set())

    def _accumulate(self, grads: list[Any], variables: list[Any]) -> None:
        """Add up gradients; step with their mean when there are enough."""
        places = {id(v): i for i, v in enumerate(self._trained)}
        steps = self.gradient_accumulation_steps or 1
        own = [self._gathered[places[id(v)]] for v in variables]
        if (self._iteration + 1) % steps:
            for total, g in zip(own, grads, strict=True):
                total.assign(record(ar.add, (total, g)))
            self._iteration += 1
            return
        means = [(record(ar.add, (t, g))) / float(steps) for t, g in zip(own, grads, strict=True)]
        self._step(means, variables)
        for total in own:
            total.assign(np.zeros(tuple(total.shape), total.dtype.numpy))

    def _step(self, grads: list[Any], variables: list[Any]) -> None:
        rate = self._rate_now()
        update = self._prepared(variables)
        update.run(grads, [rate] * len(update.cohorts))
        self._stepped(update)
        for v in variables:
            constraint = getattr(v, "constraint", None)
            if constraint is not None:
                v.assign(constraint(v))
        if self.use_ema:
            self._average(variables)

    def _stepped(self, update: Any) -> None:
        self._numbers = update.cohorts[0].numbers
        self._iteration += 1

    @property
    def is_plain(self) -> bool:
        """Whether a step is the recorded update and nothing else."""
        return not self.use_ema and not self.gradient_accumulation_steps

    def _rates_to_repeat(self, update: Update, settings: _Settings) -> list[float] | None:
        """The rates for a step that is like the last one; None if it would not be."""
        if self._settings is not settings or self._update is None or not settings.hold():
            return None
        for v in self._trained:
            if getattr(v, "constraint", None) is not None:
                return None
        return [self._rate_now()] * len(update.cohorts)

    def _prepared(self, variables: list[Any]) -> Update:
        """The recorded update of these variables, made once."""
        key = ([id(v) for v in variables], self._options(), self._transform_key())
        if self._update is not None and self._update[0] == key:
            return self._update[1]
        mine = weakref.proxy(self)
        groups: dict[bool, list[Any]] = {}
        for v in variables:
            groups.setdefault(self._decays(v), []).append(v)
        ordered = len(groups) == 1
        cohorts = []
        for decays, own in groups.items():
            transform = Transform(self.clipvalue, self.clipnorm, 0.0,
                                  float(self.weight_decay or 0.0) if decays else 0.0, None)
            cohorts.append(Cohort(self.rule, self._options(), own, self._numbers,
                                  [self._slots[id(v)] for v in own],
                                  NO_TRANSFORM if transform == NO_TRANSFORM else transform))
        settings = self._settings = _Settings(self)
        update = Update(cohorts, self.global_clipnorm, False,
                        (lambda: mine._rates_to_repeat(update, settings)) if self.is_plain
                        else None,
                        lambda: mine._stepped(update))
        made = update if ordered else _Reordered(update, variables)
        self._update = (key, made)
        return made

    def _transform_key(self) -> Any:
        return (self.clipvalue, self.clipnorm, self.global_clipnorm, self.weight_decay)

    def _decays(self, variable: Any) -> bool:
        if not self.weight_decay:
            return False
        excluded, words = self._exclude
        name = getattr(variable, "path", "")
        return not any(variable is v for v in excluded) and not any(
            re.search(w, name) for w in words)

    def exclude_from_weight_decay(self, var_list: Iterable[Any] | None = None,
                                  var_names: Iterable[str] | None = None) -> None:
        """Variables, and words in names, that do not decay."""
        self._exclude = (list(var_list or []), list(var_names or []))
        self._update = None

    def _average(self, variables: list[Any]) -> None:
        # The first average is the variable itself.
        share = 1.0 - self.ema_momentum if self._iteration > 1 else 1.0
        for v, average in zip(self._trained, self._averages, strict=True):
            average.assign(record(_moved, (average, v), (share,)))
        every = self.ema_overwrite_frequency
        if every and self._iteration % every == 0:
            self.finalize_variable_values(variables)

    def finalize_variable_values(self, var_list: Iterable[Any]) -> None:
        """Replace variables by their averages, if averages are kept."""
        if self.use_ema:
            for v, average in zip(self._trained, self._averages, strict=True):
                v.assign(average.numpy())

    # ---- configuration

    def get_config(self) -> dict[str, Any]:
        rate = (float(value_of(self._rate)) if self._schedule is None
                else serialize_keras_object(self._schedule))
        return {"name": self.name, "learning_rate": rate,
                **{k: getattr(self, k) for k in _COMMON[1:]}}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = {k: v for k, v in config.items() if k not in _FORGOTTEN}
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = schedule_of(config["learning_rate"])
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


#: keys of configurations of TensorFlow's Keras that mean nothing here
_FORGOTTEN = ("jit_compile", "is_legacy_optimizer")


def schedule_of(config: dict[str, Any]) -> Any:
    """The schedule that a configuration describes."""
    return deserialize_keras_object({"module": "keras.optimizers.schedules", **config})


def _moved(average: Any, value: Any, share: float) -> Any:
    return average + (value - average) * share


class _Settings:
    """The public attributes of an optimizer as they were at one time."""

    def __init__(self, optimizer: Optimizer):
        self._attributes = vars(optimizer)
        self._names = [n for n in self._attributes if not n.startswith("_")]
        self._values = [self._attributes[n] for n in self._names]

    def hold(self) -> bool:
        attributes = self._attributes
        return [attributes[n] for n in self._names] == self._values


class _Reordered:
    """An update whose gradients come in another order than its cohorts have."""

    def __init__(self, update: Update, variables: Sequence[Any]):
        self.update = update
        self.cohorts = update.cohorts
        places = {id(v): i for i, v in enumerate(variables)}
        self._order = [places[id(v)] for c in update.cohorts for v in c.params]

    def run(self, grads: Sequence[Any], rates: Sequence[float]) -> None:
        self.update.run([grads[i] for i in self._order], rates)
