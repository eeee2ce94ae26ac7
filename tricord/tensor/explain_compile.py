"""How a function runs as machine code: which kernels, how much work, and why it is not replayed."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import MethodType
from typing import Any

from .. import settings
from ..compiler.program import KernelFacts
from ..compiler.report import amount, kernel_table, seconds_text
from ..ir.shapes import TensorType
from ..runtime.compiled import CompiledProgram
from ..runtime.native.clock import HAS_CLOCK
from ..runtime.native.peak import Peak, measured_peak
from ..runtime.profile import collecting
from ..runtime.reports import PartFacts
from . import trees
from .handle import Handle
from .recorder import gradients_enabled, state, value_of
from .replay import CHANGEABLE, CompiledFunction, signature

__all__ = ["CompileReport", "SignatureReport", "explain_compile"]

#: Calls after which a function is either replayed or will not be for these arguments.
_CALLS = 3
#: How long calls are timed, in seconds, and how often at least and at most.
_MEASURE, _LEAST, _MOST = 0.3, 5, 2000


@dataclass(frozen=True)
class SignatureReport:
    """Arguments that the function was called with. ``changes``: in what they differ from the
    earlier ones that they are most like; ``history``: what was learned of them, in order."""

    arguments: str
    status: str
    changes: tuple[str, ...]
    history: tuple[str, ...]
    current: bool

    def text(self) -> str:
        changed = f"; {', '.join(self.changes)}" if self.changes else ""
        lines = [f"  ({self.arguments}): {self.status}{changed}"]
        earlier = [h for h in dict.fromkeys(self.history) if h != self.status]
        return "\n".join([*lines, *(f"    before: {h}" for h in earlier)])


@dataclass(frozen=True)
class CompileReport:
    """What one call runs, and how the function is looked up. Print it."""

    name: str
    #: whether calls with these arguments are replayed without their Python
    replayed: bool
    signatures: tuple[SignatureReport, ...]
    #: native functions that one call runs
    parts: tuple[PartFacts, ...]
    #: what one call runs through numpy between them, and loops over compiled bodies, which are not
    #: counted: name and user's line
    host_steps: tuple[tuple[str, str], ...]
    #: programs of one call that are not compiled at all
    interpreted: int
    #: of one call at best, and this machine's peak; None unless measured
    seconds: float | None = None
    peak: Peak | None = None
    #: of each kernel at best, in the order of `kernels`; None unless measured
    kernel_seconds: tuple[float, ...] | None = None

    @property
    def kernels(self) -> tuple[KernelFacts, ...]:
        return tuple(k for part in self.parts for k in part.kernels)

    @property
    def flops(self) -> int:
        return sum(part.flops for part in self.parts)

    @property
    def bytes(self) -> int:
        """Read and written by the kernels, from memory or caches."""
        return sum(part.bytes for part in self.parts)

    @property
    def compile_seconds(self) -> float:
        return sum(part.seconds for part in self.parts)

    @property
    def share_of_flops(self) -> float | None:
        """Operations per second over the machine's most; None unless measured."""
        return None if self.seconds is None or self.peak is None else (
            self.flops / self.seconds / self.peak.flops)

    @property
    def share_of_bytes(self) -> float | None:
        """Bytes per second over what the machine's memory gives; more than 1 is from caches."""
        return None if self.seconds is None or self.peak is None else (
            self.bytes / self.seconds / self.peak.bytes)

    def __str__(self) -> str:
        lines = [f"{self.name}: {'replayed' if self.replayed else 'recorded at each call'}"]
        lines += [s.text() for s in self.signatures]
        lines += ["", f"one call: native functions: {len(self.parts)}, kernels: "
                  f"{len(self.kernels)}, {amount(self.flops, 'flop')}, {amount(self.bytes, 'B')}, "
                  f"compiled in {seconds_text(self.compile_seconds)}"]
        took = list(self.kernel_seconds or ())
        for part in self.parts:
            mine, took = took[:len(part.kernels)], took[len(part.kernels):]
            lines += ["", part.name, kernel_table(part.kernels, mine or None)] if (
                part.kernels) else ["", f"{part.name}: no kernels"]
        if self.host_steps:
            lines += ["", "between native functions, through numpy (the bodies of loops and "
                      "branches are native functions of their own):"]
            lines += [f"  {name}  {where}".rstrip() for name, where in self.host_steps]
        if self.interpreted:
            lines += ["", f"interpreted through numpy: {self.interpreted} programs"]
        return "\n".join([*lines, *self._speed()])

    def _speed(self) -> list[str]:
        if self.seconds is None or self.peak is None:
            return []
        flops, nbytes = self.flops / self.seconds, self.bytes / self.seconds
        inside = "" if self.kernel_seconds is None else (
            f", of it in kernels {seconds_text(sum(self.kernel_seconds))}")
        return ["", f"time of a call: {seconds_text(self.seconds)}{inside}",
                f"  {amount(flops, 'flop/s')}: {self.share_of_flops:.1%} of "
                f"{amount(self.peak.flops, 'flop/s')}",
                f"  {amount(nbytes, 'B/s')}: {self.share_of_bytes:.1%} of "
                f"{amount(self.peak.bytes, 'B/s')}"]


def explain_compile(function: Callable[..., Any], *args: Any, measure: bool = False,
                    peak: Peak | None = None, **kwargs: Any) -> CompileReport:
    """Call a function a few times and tell how it runs as machine code.

    ``function`` may be one made by `tricord.compile`, or any other, which is then compiled for the
    occasion. What it does is done: a training step trains. With ``measure`` it is called for
    another second or so, first as it is, then with kernels that tell the time, and its speed is
    compared with this machine's peak, which is measured unless it is given.

    >>> import tricord as tc
    >>> report = tc.explain_compile(lambda x: tc.sum(tc.exp(x) * 2), tc.ones((4, 8)))
    >>> report.replayed, [k.label for k in report.kernels]
    (True, ['exp+multiply+reduce_sum'])
    """
    inner = function.__func__ if isinstance(function, MethodType) else function
    if isinstance(inner, CompiledFunction):
        compiled = inner
        if isinstance(function, MethodType):
            args = (function.__self__, *args)
    else:
        compiled = CompiledFunction(function)

    with settings.override(interpret_first=0):
        call = _calling(compiled, args, kwargs)
        runs = _settled(compiled, call, _key(args, kwargs))
        seconds = _least_seconds(call) if measure else None
        inside = (_kernel_seconds(compiled.function, args, kwargs) if measure and HAS_CLOCK
                  else None)
    native = [run for run in runs if isinstance(run, CompiledProgram)]
    if measure and peak is None:
        peak = measured_peak()
    key = _key(args, kwargs)
    return CompileReport(
        compiled.__name__, key in dict(compiled.programs()), tuple(_signatures(compiled, key)),
        tuple(part.facts for run in native for part in run.parts),
        tuple((node.op.name, str(node.where or "")) for run in native for node in run.host_nodes),
        len(runs) - len(native), seconds, peak, inside or None)


def _calling(compiled: CompiledFunction, args: tuple[Any, ...],
             kwargs: dict[str, Any]) -> Callable[[], None]:
    """One call, all of whose results are there when it returns."""
    def call() -> None:
        leaves, _ = trees.flatten(compiled(*args, **kwargs))
        for leaf in leaves:
            if isinstance(leaf, Handle):
                value_of(leaf)

    return call


def _settled(compiled: CompiledFunction, call: Callable[[], None], key: Any) -> list[Any]:
    """The programs of one call, once the function has been called often enough."""
    for _ in range(_CALLS):
        call()
    run = dict(compiled.programs()).get(key)
    return _programs_of(call) if run is None else [run]


def _kernel_seconds(function: Callable[..., Any], args: tuple[Any, ...],
                    kwargs: dict[str, Any]) -> tuple[float, ...]:
    """How long each kernel takes, found with programs that tell the time."""
    here = state
    programs, here.programs = here.programs, {}
    try:
        with collecting() as profile:
            timed = CompiledFunction(function)
            call = _calling(timed, args, kwargs)
            runs = _settled(timed, call, _key(args, kwargs))
            _least_seconds(call)
    finally:
        here.programs = programs
    return tuple(s for run in runs if isinstance(run, CompiledProgram) for part in run.parts
                 for s in profile.kernel_seconds(part.facts))


class _Seen(dict[Any, Any]):
    """Programs by their key; remembers which were asked for."""

    def __init__(self, programs: dict[Any, Any]):
        super().__init__(programs)
        self.asked: dict[Any, None] = {}

    def get(self, key: Any, default: Any = None) -> Any:
        self.asked[key] = None
        return super().get(key, default)


def _programs_of(call: Callable[[], None]) -> list[Any]:
    """What one call evaluates."""
    here = state
    seen = here.programs = _Seen(here.programs)
    try:
        call()
    finally:
        here.programs = dict(seen)
    return [seen[key].run for key in seen.asked if key in seen]


def _least_seconds(call: Callable[[], None]) -> float:
    best, count = float("inf"), 0
    stop = time.perf_counter() + _MEASURE
    while count < _LEAST or (count < _MOST and time.perf_counter() < stop):
        begin = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - begin)
        count += 1
    return best


# ---- signatures

def _key(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What `CompiledFunction` looks a call up by, or names it with in its history."""
    if not kwargs and all(isinstance(a, Handle) for a in args):
        return (gradients_enabled(), *[(a._type, a._wants_grad) for a in args])
    try:
        return signature(args, kwargs)[0]
    except TypeError:
        return CHANGEABLE[0]


def _signatures(compiled: CompiledFunction, current: Any) -> Iterator[SignatureReport]:
    """All that the function was called with, in order."""
    held = dict(compiled.programs())
    keys = dict.fromkeys([*compiled._tries, current])
    if CHANGEABLE[0] in keys:
        del keys[CHANGEABLE[0]]
        yield SignatureReport("...", CHANGEABLE[1], (), (), True)
    earlier: list[Any] = []
    for key in keys:
        names = _names(compiled.function, key)
        history = tuple(what for k, what in compiled.history if k == key)
        status = "compiled" if key in held else (
            history[-1] if history else "seen once, compiled when it does the same again")
        # Told apart from the one it is most like; of those, the last.
        changes = min((tuple(_changes(k, key, names)) for k in reversed(earlier)), key=len,
                      default=())
        earlier.append(key)
        yield SignatureReport(
            ", ".join(f"{n} {_shown(f)}".strip() for n, f in zip(names, _facts(key), strict=True)),
            status, changes, history, key == current)


def _is_plain(key: Any) -> bool:
    """Whether a signature is of positional tensors alone: it then has no structure."""
    return len(key) == 1 or isinstance(key[1][0], TensorType)


def _facts(key: Any) -> Sequence[tuple[Any, Any]]:
    """Per leaf: (type, wants gradient) of a tensor, (class, value) of anything else."""
    facts: Sequence[tuple[Any, Any]] = key[1:] if _is_plain(key) else key[2:]
    return facts


def _names(function: Callable[..., Any], key: Any) -> list[str]:
    """What the leaves are called: by parameter, and by place inside of it."""
    try:
        parameters = [name for name, p in inspect.signature(function).parameters.items()
                      if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):
        parameters = []

    def parameter(number: int) -> str:
        return parameters[number] if number < len(parameters) else f"argument {number}"

    if _is_plain(key):
        return [parameter(i) for i in range(len(key) - 1)]
    _, (args, kwargs) = key[1]
    found = []
    waiting = [(parameter(i), s) for i, s in enumerate(args[1])]
    waiting += kwargs[1]
    waiting.reverse()
    while waiting:
        name, structure = waiting.pop()
        if structure is None:
            found.append(name)
            continue
        kind, children = structure
        named = [(f"{name}[{k!r}]", s) for k, s in children] if issubclass(kind, dict) else [
            (f"{name}[{i}]", s) for i, s in enumerate(children)]
        waiting += reversed(named)
    return found


def _shown(fact: tuple[Any, Any]) -> str:
    kind, value = fact
    if isinstance(kind, TensorType):
        return f"{kind!r} with gradient" if value else repr(kind)
    if isinstance(value, tuple) and value[:1] == ("id",):
        return "an object"
    text = repr(value)
    return f"= {text if len(text) <= 40 else text[:37] + '...'}"


def _changes(before: Any, after: Any, names: Sequence[str]) -> Iterator[str]:
    """What differs between two signatures, argument by argument."""
    if before[0] != after[0]:
        yield f"gradients are {'' if after[0] else 'not '}recorded"
    old, new = _facts(before), _facts(after)
    if len(old) != len(new) or _is_plain(before) != _is_plain(after) or (
            not _is_plain(after) and before[1] != after[1]):
        yield "other arguments"
        return
    for name, a, b in zip(names, old, new, strict=True):
        if a == b:
            continue
        if isinstance(a[0], TensorType) and isinstance(b[0], TensorType):
            if a[0].shape != b[0].shape:
                yield f"shape of {name}, before {tuple(a[0].shape)}"
            if a[0].dtype is not b[0].dtype:
                yield f"dtype of {name}, before {a[0].dtype}"
            if a[1] != b[1]:
                yield f"gradient of {name}, {'not ' if b[1] else ''}wanted before"
        else:
            yield f"value of {name}, before {_shown(a).removeprefix('= ')}"
