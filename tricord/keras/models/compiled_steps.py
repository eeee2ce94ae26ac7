"""Steps of a model that are replayed without their Python, see `tricord.tensor.replay`.

Only where everything that takes part is tricord's own: layers, loss, metrics, optimizer and the
methods of the model. Then a step does the same each time. With a step, layer, loss, metric or
function of one's own, with hooks, or with ``run_eagerly``, steps run as Python, as they are
written.

What the Python of a step depends on besides tensors are attributes: of layers, losses, metrics.
They are gathered once, and looked at again whenever somebody else's code may have run.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator, Mapping, Sequence
from operator import is_
from typing import Any

import numpy as np

from ... import settings
from ...ir.dtypes import DType
from ...tensor import trees
from ...tensor.generator import default_generator
from ...tensor.handle import Handle
from ...tensor.plan import Plan
from ...tensor.recorder import wrap
from ...tensor.replay import CompiledFunction
from ...tensor.series import Series
from .. import config
from ..layers.base import Layer
from ..variable import structure

__all__ = ["CompiledStep", "CompiledSteps", "Facts"]

_PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic, np.dtype, np.ndarray,
          DType, Handle, type(...), range, slice)
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, type)
#: attributes of layers and models that no step depends on, or that it changes itself
_ASIDE = frozenset({
    "_call_losses", "_compile_arguments", "_cursor", "_inbound_nodes", "_init_arguments",
    "_last_shapes", "_memory", "_own", "_passes", "_ready", "_saw_loss", "_seen", "_signature",
    "_first_shape", "_compiled_steps", "history", "run", "stop_training"})
#: the same, but another one there is another fact
_NOT_INSIDE = frozenset({"optimizer"})
_METHODS = ("train_step", "test_step", "predict_step", "compute_loss", "compute_metrics",
            "get_metrics_result")


def _is_ours(thing: Any) -> bool:
    return (getattr(thing, "__module__", None) or "").partition(".")[0] in ("tricord", "builtins")


class Facts:
    """What the steps of a model depend on besides tensors, as it was at one time.

    ``strange`` names what is not tricord's own, if there is anything.
    """

    def __init__(self, model: Any):
        self.strange: str | None = None
        #: (attributes, names looked at, values there, number of attributes if it matters)
        self._dicts: list[tuple[dict[Any, Any], list[Any], list[Any], int | None]] = []
        self._lists: list[tuple[list[Any], list[Any]]] = []
        self._version = structure.version
        self._around = _around(model)
        self._model = model
        optimizer = model.optimizer
        if optimizer is not None and not (_is_ours(type(optimizer)) and optimizer.is_plain):
            self.strange = "optimizer"
        known: dict[int, Any] = {}
        waiting: list[Any] = [model, *model._flatten_layers()]
        while waiting and self.strange is None:
            thing = waiting.pop()
            if isinstance(thing, _PLAIN) or id(thing) in known:
                continue
            known[id(thing)] = thing
            waiting += self._inside(thing)

    def _inside(self, thing: Any) -> Sequence[Any]:
        """What is to be looked at next; notes what is here."""
        kind = type(thing)
        if kind is tuple:
            return tuple(thing)
        if kind is list:
            items = list(thing)
            self._lists.append((thing, items))
            return items
        if kind is dict:
            return self._attributes(thing, list(thing), len(thing))
        if isinstance(thing, functools.partial):
            return [thing.func, *thing.args, *thing.keywords.values()]
        if isinstance(thing, types.MethodType):
            return [thing.__self__, thing.__func__]
        if not _is_ours(thing if isinstance(thing, _FUNCTIONS) else kind):
            self.strange = getattr(thing, "__qualname__", kind.__qualname__)
            return []
        if isinstance(thing, types.FunctionType):
            return [c.cell_contents for c in thing.__closure__ or () if not _is_empty(c)]
        if isinstance(thing, type) or not hasattr(thing, "__dict__"):
            return []
        own = vars(thing)
        if isinstance(thing, Layer):
            for name in _METHODS:
                if name in own:
                    self.strange = name
            names = [n for n in own if n not in _ASIDE and not n.endswith("_initializer")]
            inside = self._attributes(own, names, None)
            return [v for n, v in zip(names, inside, strict=True) if n not in _NOT_INSIDE]
        return self._attributes(own, list(own), len(own))

    def _attributes(self, attributes: dict[Any, Any], names: list[Any], count: int | None,
                    ) -> list[Any]:
        values = [attributes[n] for n in names]
        # Layers tell of new attributes themselves: `structure` counts them.
        self._dicts.append((attributes, names, values, count))
        return values

    def hold(self) -> bool:
        """Whether all is as it was."""
        if self._version != structure.version or self._around != _around(self._model):
            return False
        try:
            for things, names, values, count in self._dicts:
                if not all(map(is_, [things[n] for n in names], values)) or (
                        count is not None and count != len(things)):
                    return False
        except KeyError:
            return False
        return all(len(now) == len(then) and all(map(is_, now, then))
                   for now, then in self._lists)


def _is_empty(cell: Any) -> bool:
    try:
        return cell.cell_contents is None
    except ValueError:
        return True


def _around(model: Any) -> tuple[Any, ...]:
    """What is set for all models, and whether the optimizer's Python does more than its update."""
    return (settings.get(), default_generator(), config.floatx(), config.epsilon(),
            config.image_data_format(), model.optimizer is None or model.optimizer.is_plain)


class _Body:
    """A step as a function of the tensors of its batch. No function, so that nothing in here is
    taken for a number from outside: `Facts` watch over those."""

    def __init__(self, step: Any, named: bool):
        self._step = step
        self._named = named
        self.names: tuple[str, ...] = ()
        #: since somebody asked
        self.has_run = False

    def __call__(self, *batch: Any) -> Any:
        self.has_run = True
        found = self._step(batch)
        if not self._named:
            return found
        self.names = tuple(found)
        return tuple(found.values())


class CompiledStep:
    """One step of a model; what it gives is that of ``train_step(batch)`` and its siblings."""

    def __init__(self, owner: CompiledSteps, model: Any, name: str):
        self._owner = owner
        self._plain = getattr(model, name)
        self._named = name != "predict_step"
        # Kinds of batches give other names: a last batch without labels, say.
        self._kinds: dict[Any, tuple[_Body, CompiledFunction]] = {}

    def __call__(self, batch: Any) -> Any:
        if batch.__class__ is not tuple:
            batch = tuple(batch) if isinstance(batch, list) else (batch,)
        kind: Any = len(batch)
        for part in batch:
            if not isinstance(part, Handle):
                leaves, structure_of_batch = trees.flatten(batch)
                if not all(isinstance(v, Handle) for v in leaves):
                    return self._plain(batch)
                kind = repr(structure_of_batch)
                break
        known = self._kinds.get(kind)
        if known is None:
            body = _Body(self._plain, self._named)
            known = self._kinds[kind] = (body, CompiledFunction(body))
        body, function = known
        found = function(*batch)
        if body.has_run:
            body.has_run = False
            self._owner.look_again()
        return dict(zip(body.names, found)) if self._named else found

    def plan_for(self, batch: Sequence[Any]) -> tuple[tuple[str, ...], Plan] | None:
        """The names of what a batch of tensors gives, and how it was replayed, if it was."""
        body, function = self._kinds[len(batch)]
        plan = function.plan_for(batch)
        return None if plan is None or not self._named else (body.names, plan)

    def series(self) -> StepSeries:
        """The same step for arrays, as long as nobody looks in between."""
        return StepSeries(self)

    @property
    def functions(self) -> list[CompiledFunction]:
        """The compiled functions behind it, one for each kind of batch."""
        return [function for _, function in self._kinds.values()]


class StepSeries:
    """A step over arrays, batch after batch, with nobody looking in between but who reads the
    logs of the last. Close it when that ends."""

    def __init__(self, step: CompiledStep):
        self._step = step
        self._series: Series | None = None
        self._shapes: list[Any] = []
        self._names: tuple[str, ...] = ()
        #: those of the last step, if it was not one of the series
        self._logs: dict[str, Any] = {}
        self._view = _LastLogs(self)

    def __call__(self, arrays: Sequence[Any]) -> Mapping[str, Any]:
        series = self._series
        if series is not None:
            if [a.shape for a in arrays] == self._shapes and series.step(arrays):
                return self._view
            self._series = series = None
        batch = tuple([wrap(a) for a in arrays])
        self._logs = self._step(batch)
        found = self._step.plan_for(batch)
        if found is not None:
            self._names, plan = found
            self._shapes = [a.shape for a in arrays]
            self._series = Series.begin(plan)
        return self._view

    def logs(self) -> dict[str, Any]:
        """The logs of the last batch, good until the next."""
        if self._series is None or not self._series.steps:
            return self._logs
        return dict(zip(self._names, self._series.returned(), strict=True))

    def close(self) -> dict[str, Any]:
        """The logs of the last batch; nothing else is held any more."""
        self._logs, self._series = self.logs(), None
        return self._logs


class _LastLogs(Mapping[str, Any]):
    """The logs of the last batch of a series, gathered when they are read."""

    def __init__(self, series: StepSeries):
        self._series = series

    def __getitem__(self, name: str) -> Any:
        return self._series.logs()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._series.logs())

    def __len__(self) -> int:
        return len(self._series.logs())


class CompiledSteps:
    """The compiled steps of one model, good as long as the facts hold."""

    def __init__(self) -> None:
        self._model: Any = None
        self._facts: Facts | None = None
        self._steps: dict[str, CompiledStep] = {}

    def of(self, model: Any, name: str) -> Any:
        """The compiled step of that name; the method itself if it has to run as Python."""
        facts = self._facts
        if facts is None or self._model is not model or not facts.hold():
            self._model = model
            facts = self._facts = Facts(model)
            self._steps = {}
        if facts.strange is not None:
            return getattr(model, name)
        step = self._steps.get(name)
        if step is None:
            step = self._steps[name] = CompiledStep(self, model, name)
        return step

    def look_again(self) -> None:
        """A step has run as Python: what it changed itself, building layers, is as it should be."""
        if self._facts is not None and not self._facts.hold():
            self._facts = Facts(self._model)

    def __getitem__(self, name: str) -> CompiledStep:
        return self._steps[name]

    def __deepcopy__(self, memo: Mapping[int, Any]) -> CompiledSteps:
        return CompiledSteps()

    def __reduce__(self) -> Any:
        return CompiledSteps, ()
