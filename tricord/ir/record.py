"""The record of a primitive: everything tricord knows about one operation, in one place.

A record holds the shape rule, the dtype rule, the derivative rules, the batching rule, the numpy
reference, the loop lowering, samples and error samples. Registration refuses a record with a hole.
Walkers (autodiff, interpreter, compiler, printer) know no operation by name: they ask the record.

Calling a primitive on nodes applies it: ``tanh(x)``, ``transpose(x, axes=(1, 0))``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError, TricordError, nearest
from .lowering import Alias, Lowering
from .memory import check_fits
from .node import Node, intern_node
from .shapes import TensorType
from .source import user_location

__all__ = ["NO_PARAMS", "Blank", "ErrorSample", "NoBatching", "NoGradient", "Primitive",
            "Sample", "pick", "primitives", "register"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Blank:
    """The parameters of a primitive that has none."""


NO_PARAMS = Blank()


@dataclass(frozen=True)
class NoGradient:
    """Stands where a derivative rule would: the derivative is zero or undefined everywhere."""

    reason: str


@dataclass(frozen=True)
class NoBatching:
    """Stands where a batching rule would: ``vmap`` of this primitive is refused."""

    reason: str


@dataclass(frozen=True, eq=False)
class Sample:
    """Arguments on which a primitive is tested: arrays, and the parameters' fields.

    ``differentiable`` says whether the point is far enough from kinks for a numerical check.
    """

    arrays: tuple[Any, ...]
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    differentiable: bool = True


@dataclass(frozen=True, eq=False)
class ErrorSample:
    """Arguments that must be refused with ``error``, its message holding ``says``."""

    arrays: tuple[Any, ...]
    says: str
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    error: type[Exception] = TricordError


@dataclass(frozen=True, eq=False)
class Primitive:
    """One primitive. All rules see named parameters, never positions in a tuple.

    ========== =============================================================================
    shape_rule ``(params, *types) -> shape``, a list of shapes for several outputs
    dtype_rule ``(params, *types) -> dtype``, likewise
    vjp        ``(node, *cotangents) -> one node or None per parent``; a cotangent may be None
               only when there are several outputs. Built from nodes, so it differentiates again.
    jvp        ``(node, *tangents) -> tangent`` (a tuple for several outputs); None is zero
    batch      ``(params, args, batched, size) -> node`` (or a tuple of them): ``args[i]`` has an
               extra leading axis of ``size`` where ``batched[i]``; so has every result
    reference  ``(params, *arrays) -> array`` (a tuple for several outputs), in numpy
    lower      which way the compiler makes loops of it: one of `ir.lowering`
    ========== =============================================================================
    """

    name: str
    shape_rule: Callable[..., Any]
    dtype_rule: Callable[..., Any]
    vjp: Callable[..., Sequence[Node | None]] | NoGradient
    jvp: Callable[..., Any] | NoGradient
    batch: Callable[..., Any] | NoBatching
    reference: Callable[..., Any]
    samples: Sequence[Sample] | Callable[[], Sequence[Sample]]
    errors: Sequence[ErrorSample] | Callable[[], Sequence[ErrorSample]]
    params: type = Blank
    lower: Lowering | None = None
    several_outputs: bool = False
    #: False for primitives whose ``needs_grad`` does not follow from their parents
    follows_parents: bool = True

    def __call__(self, *parents: Node, **fields: Any) -> Node:
        """Apply to nodes. Keywords are the fields of the parameters."""
        return intern_node(self, self.make_params(fields), parents)

    def make_params(self, fields: Mapping[str, Any]) -> Any:
        if not fields and self.params is Blank:
            return NO_PARAMS
        try:
            return self.params(**fields)
        except TypeError:
            known = [f.name for f in dataclasses.fields(self.params)]
            extra = [name for name in fields if name not in known]
            raise ArgumentError(
                f"{self.name}: takes the parameters {', '.join(known) or 'none'}; got "
                f"{', '.join(fields) or 'none'}",
                hint=nearest(extra[0], known) if extra else None) from None

    def infer_types(self, params: Any, parents: tuple[Node, ...]) -> tuple[TensorType, ...]:
        """Result types; a refusal leaves with the user's line on it."""
        types = [p.type for p in parents]
        try:
            shape = self.shape_rule(params, *types)
            dtype = self.dtype_rule(params, *types)
        except TricordError as error:
            if error.where is None:
                error.where = str(user_location() or "") or None
            raise
        if not self.several_outputs:
            shape, dtype = [shape], [dtype]
        found = tuple(TensorType(s, d) for s, d in zip(shape, dtype, strict=True))
        for type in found:
            check_fits(self.name, type)
        return found

    def wants_grad(self, params: Any, parents: tuple[Node, ...], type: TensorType) -> bool:
        if not self.follows_parents:
            return bool(getattr(params, "requires_grad", False))
        if isinstance(self.vjp, NoGradient):
            return False
        if not (self.several_outputs or type.dtype.is_inexact):
            return False
        return any(p.needs_grad for p in parents)

    def outputs_of(self, node: Node) -> tuple[Node, ...]:
        if not self.several_outputs:
            return (node,)
        return tuple(pick(node, index=i) for i in range(len(node.types)))

    def all_samples(self) -> Sequence[Sample]:
        return self.samples() if callable(self.samples) else self.samples

    def all_errors(self) -> Sequence[ErrorSample]:
        return self.errors() if callable(self.errors) else self.errors

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"


_registry: dict[str, Primitive] = {}


def register(primitive: Primitive) -> Primitive:
    """Add a record, after checking that it has no hole. Returns it.

    Users add primitives of their own the same way (`tricord.primitive`).
    """
    where = f"primitive {primitive.name!r}"
    if primitive.name in _registry:
        raise ArgumentError(f"{where}: there is one of this name already")
    for rule, blank in (("vjp", NoGradient), ("jvp", NoGradient), ("batch", NoBatching)):
        value = getattr(primitive, rule)
        if not callable(value) and not (isinstance(value, blank) and value.reason):
            raise ArgumentError(f"{where}: {rule} must be a function or {blank.__name__}(reason)")
    for rule in ("shape_rule", "dtype_rule", "reference"):
        if not callable(getattr(primitive, rule)):
            raise ArgumentError(f"{where}: {rule} must be a function")
    if primitive.lower is None:
        raise ArgumentError(f"{where}: lower must be one of the ways in ir.lowering",
                            hint='Host("numpy") runs its reference between two compiled parts')
    if not primitive.samples:
        raise ArgumentError(f"{where}: a record needs samples, or nothing tests it")
    if primitive.errors is None:
        raise ArgumentError(f"{where}: say errors=() if no argument can be wrong")
    if not dataclasses.is_dataclass(primitive.params) or (
            not primitive.params.__dataclass_params__.frozen):  # type: ignore[attr-defined]
        raise ArgumentError(f"{where}: params must be a frozen dataclass")
    _registry[primitive.name] = primitive
    return primitive


def primitives() -> Iterator[Primitive]:
    """All registered records, in order of name."""
    return iter(sorted(_registry.values(), key=lambda p: p.name))


# ---- taking one output of a node that has several

@dataclass(frozen=True)
class Pick:
    index: int


class _Pick(Primitive):
    """``pick`` alone may have a parent with several outputs; walkers see through it."""

    def infer_types(self, params: Any, parents: tuple[Node, ...]) -> tuple[TensorType, ...]:
        return (parents[0].types[params.index],)


def _pick_rule(params: Pick, *types: TensorType) -> Any:
    raise AssertionError("pick takes its type from its parent")


def _pick_reference(params: Pick, outputs: Sequence[Array]) -> Array:
    return outputs[params.index]


def _pick_transposed(node: Node, *cotangents: Node | None) -> Sequence[Node | None]:
    raise AssertionError("autodiff routes cotangents of a pick to its parent's output itself")


pick = _Pick(
    "pick", lower=Alias(), params=Pick, shape_rule=_pick_rule, dtype_rule=_pick_rule,
    vjp=_pick_transposed, jvp=_pick_transposed,
    batch=NoBatching("vmap walks through pick itself"),
    reference=_pick_reference, samples=(Sample(()),), errors=())
