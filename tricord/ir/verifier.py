"""What is legal in a graph, checked: run after every pass when ``TRICORD_CHECK`` is 1 or more."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import TricordError, VerifierError
from .graph import input_slot, is_input, toposort
from .node import Node
from .record import pick

__all__ = ["verify"]


def verify(targets: Sequence[Node], after: str = "recording") -> None:
    """Raise `VerifierError` if a node breaks a rule.

    Rules: parameters are of the record's class; types are those the record infers; a node with
    several outputs is used through ``pick`` only; one slot has one type.
    """
    slots: dict[int, Node] = {}
    for node in toposort(targets):
        name = node.op.name
        if not isinstance(node.params, node.op.params):
            raise VerifierError(f"after {after}: {name} has parameters of class "
                                f"{type(node.params).__name__}")
        try:
            inferred = node.op.infer_types(node.params, node.parents)
        except TricordError as error:
            raise VerifierError(f"after {after}: {name} has illegal operands: {error}") from error
        if inferred != node.types:
            raise VerifierError(f"after {after}: {name} says {node.types}, its record says "
                                f"{inferred}")
        for parent in node.parents:
            if parent.op.several_outputs and node.op is not pick:
                raise VerifierError(f"after {after}: {name} uses all outputs of {parent.op.name} "
                                    "at once")
        if is_input(node):
            slot = input_slot(node)
            other = slots.setdefault(slot, node)
            if other.type != node.type:
                raise VerifierError(f"after {after}: slot {slot} is {node.type} and "
                                    f"{other.type}")
