"""The base of all optimizers: PyTorch's protocol over recorded updates.

Source: the documentation of torch.optim.Optimizer. State and groups have its exact structure, so
that the state of an optimizer moves between tricord and PyTorch through a ``.pt`` file.
"""

from __future__ import annotations

import itertools
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, StateError
from ..tensor.handle import Handle
from ..tensor.recorder import recording_gradients, value_of, wrap
from .rule import NO_TRANSFORM, Rule, Transform
from .update import Cohort, Update, new_slots

__all__ = ["Optimizer", "check_betas", "check_not_negative", "check_rate"]

Closure = Callable[[], Any]


def check_not_negative(**values: float) -> None:
    """Refuse a negative value in the words PyTorch uses: ``eps=-1`` is "Invalid epsilon value"."""
    words = {"eps": "epsilon value", "weight_decay": "weight_decay value",
             "momentum": "momentum value", "rho": "rho value"}
    for name, value in values.items():
        if not value >= 0.0:
            raise ArgumentError(f"Invalid {words.get(name, f'{name} value')}: {value}")


def check_rate(lr: Any) -> None:
    if isinstance(lr, Handle) and lr._type.size != 1:
        raise ArgumentError("Tensor lr must be 1-element")
    if not float(lr) >= 0.0:
        raise ArgumentError(f"Invalid learning rate: {lr}")


def check_betas(betas: Sequence[float]) -> None:
    for index, beta in enumerate(betas):
        if not 0.0 <= float(beta) < 1.0:
            raise ArgumentError(f"Invalid beta parameter at index {index}: {beta}")


class _Members:
    """What a prepared update assumed about one group."""

    __slots__ = ("count", "indices", "params", "settings", "skipped")

    def __init__(self, params: list[Any], skipped: list[Any], settings: Any, count: int):
        self.params = params
        self.skipped = skipped
        self.settings = settings
        self.count = count
        #: cohort numbers that take this group's rate
        self.indices: list[int] = []


class Optimizer:
    """Changes parameters by their gradients.

    ``params`` is an iterable of tensors, of (name, tensor) pairs, or of dicts, one per parameter
    group, with "params" and options of their own. A subclass names its rule and options.

    Raises:  ArgumentError for no parameters or an illegal option, DTypeError for what is not a
             tensor
    """

    #: the algorithm, and the group entries its options are made of
    rule: Rule
    option_type: Callable[..., Any] = tuple
    option_names: tuple[str, ...] = ()

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]):
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self._state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self._update: Update | None = None
        self._members: list[_Members] = []
        self._transform: Transform = NO_TRANSFORM
        self._global_norm: float | None = None
        self._guard = False
        self._pre_hooks: dict[int, Any] = {}
        self._post_hooks: dict[int, Any] = {}
        if isinstance(params, Handle):
            raise DTypeError("params argument given to the optimizer should be an iterable of "
                             f"Tensors or dicts, but got {type(params).__name__}",
                             hint="[tensor]")
        groups = list(params)
        if not groups:
            raise ArgumentError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(dict(group))

    # ---- parameters

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters, with options of their own or the defaults."""
        if not isinstance(param_group, dict):
            raise DTypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, Handle):
            params = [params]
        elif isinstance(params, set):
            raise DTypeError("optimizer parameters need to be organized in ordered collections, "
                             "but the ordering of tensors in sets will change between runs. "
                             "Please use a list instead.")
        params = list(params)
        if any(isinstance(p, tuple) for p in params):
            if not all(isinstance(p, tuple) for p in params):
                raise ArgumentError("all optimizer params should be with/without names. Some param "
                                    "names are missing")
            param_group["param_names"] = [name for name, _ in params]
            params = [p for _, p in params]
        for p in params:
            if not isinstance(p, Handle):
                raise DTypeError(f"optimizer can only optimize Tensors, but one of the params is "
                                 f"{type(p).__name__}")
            if not p._wants_grad and p.requires_grad:
                raise ArgumentError("can't optimize a non-leaf Tensor")
        known = {id(p) for group in self.param_groups for p in group["params"]}
        if len({id(p) for p in params}) < len(params) or any(id(p) in known for p in params):
            raise ArgumentError("some parameters appear in more than one parameter group")
        given = {key: value for key, value in param_group.items() if key != "params"}
        param_group.clear()
        param_group["params"] = params
        param_group.update(given)
        for name, default in self.defaults.items():
            param_group.setdefault(name, default)
        self.param_groups.append(param_group)
        self._update = None

    @property
    def state(self) -> defaultdict[Any, dict[str, Any]]:
        """State by parameter. Looking at it lets the next step see what was changed in it."""
        self._update = None
        return self._state

    @state.setter
    def state(self, state: Any) -> None:
        self._update = None
        self._state = defaultdict(dict, state)

    def initialise_state(self) -> None:
        """Make all state now; otherwise a parameter's is made when it first has a gradient."""
        for group in self.param_groups:
            options = self.option_type(*[group[n] for n in self.option_names])
            for p in group["params"]:
                self._initialise(p, options, float(group["lr"]))

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients (or set them to zero)."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none or p._grad is None:
                    p._grad = None
                else:
                    p._grad = wrap(np.zeros(tuple(p.shape), p.dtype.numpy))

    def transform(self, *, clip_value: float | None = None, clip_norm: float | None = None,
                  global_clip_norm: float | None = None, l1: float = 0.0, decay: float = 0.0,
                  average: float | None = None) -> Optimizer:
        """What happens around the rule at each step: see `Transform`; returns the optimizer.

        ``global_clip_norm`` limits the joint norm of all gradients.
        """
        check_not_negative(l1=l1, decay=decay)
        for name, limit in (("clip_value", clip_value), ("clip_norm", clip_norm),
                            ("global_clip_norm", global_clip_norm)):
            if limit is not None and limit <= 0:
                raise ArgumentError(f"{name}: must be positive, got {limit}")
        self._transform = Transform(clip_value, clip_norm, l1, decay, average)
        if self._transform == NO_TRANSFORM:
            self._transform = NO_TRANSFORM
        self._global_norm = global_clip_norm
        self._update = None
        return self

    def guard(self, on: bool = True) -> Optimizer:
        """Refuse a step whose gradients hold NaN or infinity: NonFiniteError, and nothing changes.

        The check is part of the recorded step.
        """
        self._guard = on
        self._update = None
        return self

    # ---- stepping

    def step(self, closure: Closure | None = None) -> Any:
        """Update all parameters that have a gradient. Evaluates what is pending.

        ``closure`` computes the loss anew, with its gradients; its result is returned.
        If the evaluation fails (a label is out of range, say), the parameters are as before.
        """
        if self._pre_hooks:
            for hook in list(self._pre_hooks.values()):
                hook(self, (closure,), {})
        loss = None
        if closure is not None:
            with recording_gradients(True):
                loss = closure()
        grads = self._gradients() if self._update is not None else None
        if grads is None:
            self._prepare()
            grads = self._gradients()
        update = self._update
        if grads and update is not None:
            update.run(grads, self._rates())
        if self._post_hooks:
            for hook in list(self._post_hooks.values()):
                hook(self, (closure,), {})
        return loss

    def _rates(self) -> list[float]:
        """The learning rate of each cohort."""
        rates = []
        for group, members in zip(self.param_groups, self._members):
            lr = group["lr"]
            if lr.__class__ is not float:
                lr = float(lr)
            rates += [lr] * len(members.indices)
        return rates

    def _rates_to_repeat(self, update: Update) -> list[float] | None:
        """The rates for a step that is like the last one; None if it would not be."""
        if (self._update is not update or len(self._members) != len(self.param_groups)
                or self._pre_hooks or self._post_hooks):
            return None
        if not all(map(self._still, self.param_groups, self._members)):
            return None
        return self._rates()

    def _still(self, group: dict[str, Any], members: _Members) -> bool:
        """Whether a group is what the prepared update assumes, or can be taken over."""
        if len(group["params"]) != members.count:
            return False
        settings = tuple([group[n] for n in self.option_names])
        return settings == members.settings or self._take_over(members, settings)

    def _gradients(self) -> list[Any] | None:
        """In the order of the prepared update; None if it does not fit any more."""
        grads = []
        if len(self._members) != len(self.param_groups):
            return None
        for group, members in zip(self.param_groups, self._members):
            if not self._still(group, members):
                return None
            for p in members.params:
                g = p._grad
                if g is None:
                    return None
                grads.append(g)
            for p in members.skipped:
                if p._grad is not None:
                    return None
        return grads

    def _take_over(self, members: _Members, settings: Any) -> bool:
        """Changed options without preparing anew; False if the program must be another."""
        options, update = self.option_type(*settings), self._update
        assert update is not None
        cohorts = [update.cohorts[i] for i in members.indices]
        structure = self.rule.structure(options)
        if any(repr(self.rule.structure(c.options)) != repr(structure) for c in cohorts):
            return False
        for cohort in cohorts:
            cohort.options = options
        members.settings = settings
        return True

    def _prepare(self) -> None:
        """Gather the parameters that have gradients into cohorts that are updated alike."""
        cohorts: list[Cohort] = []
        self._members = []
        for group in self.param_groups:
            settings = tuple([group[n] for n in self.option_names])
            options = self.option_type(*settings)
            lr = float(group["lr"])
            present = [p for p in group["params"] if p._grad is not None]
            alike: dict[Any, list[Any]] = {}
            for p in present:
                wide = p._type.dtype.name in ("float64", "complex128")
                alike.setdefault((wide, *self._initialise(p, options, lr)), []).append(p)
            ordered: list[Any] = []
            members = _Members(ordered, [p for p in group["params"] if p._grad is None], settings,
                               len(group["params"]))
            for (_, slots, *numbers), own in alike.items():
                ordered += own
                cohort = Cohort(self.rule, options, own, numbers,
                                [[self._state[p][s] for s in slots] for p in own],
                                self._transform)
                for p in own:
                    self._state[p].update(zip(self.rule.numbers, cohort.handles, strict=False))
                members.indices.append(len(cohorts))
                cohorts.append(cohort)
            self._members.append(members)
        mine = weakref.ref(self)

        def rates() -> list[float] | None:
            optimizer = mine()
            return None if optimizer is None else optimizer._rates_to_repeat(update)

        update = self._update = Update(cohorts, self._global_norm, self._guard, rates)

    def _initialise(self, p: Any, options: Any, lr: float) -> tuple[Any, ...]:
        """Make the state that a parameter lacks; names of its slots, and its numbers."""
        own = self._state[p]
        rule = self.rule
        slots = list(new_slots(p, rule.slots(options, lr, p._type)))
        if self._transform.average is not None:
            slots.append(("average", wrap(value_of(p))))
        missing = not slots or slots[0][0] not in own or own[slots[0][0]] is None
        if rule.numbers:
            numbers = [_number(own[n]) if own.get(n) is not None else s
                       for n, s in zip(rule.numbers, rule.start, strict=True)]
        else:
            numbers = list(rule.start) if missing else [1.0, *rule.start[1:]]
        for name, start in zip(rule.numbers, rule.start, strict=False):
            if own.get(name) is None:  # the step comes first, as in PyTorch
                own[name] = wrap(np.asarray(start, np.float32))
        for name, fresh in slots:
            if own.get(name) is None:
                own[name] = fresh
        return (tuple(name for name, _ in slots), *numbers)

    # ---- state

    def state_dict(self) -> dict[str, Any]:
        """``{"state": {number: {...}}, "param_groups": [...]}``, parameters as numbers."""
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            packed = {k: v for k, v in group.items() if k != "params"}
            for p in group["params"]:
                numbers.setdefault(id(p), len(numbers))
            packed["params"] = [numbers[id(p)] for p in group["params"]]
            groups.append(packed)
        state = {numbers[id(p)]: {k: self._own(k, v) for k, v in own.items()}
                 for p, own in self._state.items() if own and id(p) in numbers}
        return {"state": dict(sorted(state.items())), "param_groups": groups}

    def _own(self, name: str, value: Any) -> Any:
        # Parameters of a cohort share their step. Whoever adds to it in place, as PyTorch does
        # after loading, must not add once per parameter.
        rule = getattr(self, "rule", None)  # an optimizer with a step of its own has none
        if rule is not None and name in rule.numbers and isinstance(value, Handle):
            return wrap(value_of(value).copy())
        return value

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` gave, here or in PyTorch.

        Raises:  ArgumentError if groups or their sizes differ, StateError if something is missing
        """
        for name in ("state", "param_groups"):
            if name not in state_dict:
                raise StateError(f"load_state_dict: {name!r} is missing from the optimizer's state")
        saved = state_dict["param_groups"]
        if len(saved) != len(self.param_groups):
            raise ArgumentError("loaded state dict has a different number of parameter groups")
        if any(len(s["params"]) != len(g["params"])
               for s, g in zip(saved, self.param_groups, strict=True)):
            raise ArgumentError("loaded state dict contains a parameter group that doesn't match "
                                "the size of optimizer's group")
        by_number = dict(zip(
            itertools.chain.from_iterable(s["params"] for s in saved),
            itertools.chain.from_iterable(g["params"] for g in self.param_groups), strict=True))
        state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for number, own in state_dict["state"].items():
            if number in by_number:
                p = by_number[number]
                state[p] = {k: _loaded(v, k, p) for k, v in own.items()}
            else:
                state[number] = own
        for group, other in zip(self.param_groups, saved, strict=True):
            group.update({k: _plain(v) for k, v in other.items() if k != "params"})
        self.state = state

    def __getstate__(self) -> dict[str, Any]:
        # What a step has prepared belongs to these very parameters.
        return {**self.__dict__, "_update": None, "_members": [], "_pre_hooks": {},
                "_post_hooks": {}}

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> _Removable:
        """Call ``hook(optimizer, args, kwargs)`` before each step."""
        return _Removable(self._pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> _Removable:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return _Removable(self._post_hooks, hook)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])


class _Removable:
    """Takes a hook away again."""

    def __init__(self, hooks: dict[int, Any], hook: Any):
        self._hooks = hooks
        self._key = max(hooks, default=-1) + 1
        hooks[self._key] = hook

    def remove(self) -> None:
        self._hooks.pop(self._key, None)


def _number(value: Any) -> float:
    return float(value_of(value)) if isinstance(value, Handle) else float(np.asarray(value))


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _loaded(value: Any, name: str, param: Any) -> Any:
    """A saved entry as a tensor; floating ones take the parameter's dtype, the step excepted."""
    if value is None or isinstance(value, (dict, list, str, int, float)):
        return value
    array = np.array(value_of(value) if isinstance(value, Handle) else value)
    if array.ndim == 0 and (name == "step" or tuple(param.shape)):
        return wrap(array.astype(np.float32))
    if param.dtype.is_inexact and array.dtype != param.dtype.numpy:
        array = array.astype(param.dtype.numpy)
    return wrap(array)
