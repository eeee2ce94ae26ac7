"""Einstein's summation over nodes.

The equation is read once; operands are contracted in pairs, each pair one dot_general. Of more than
two operands the pair whose result is smallest goes first.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from ..errors import ArgumentError, ShapeError
from ..ir.node import Node
from ..ir.ops import movement as mv
from ..ir.ops.contraction import dot_general
from ..ir.ops.reduce import reduce_sum
from .manipulation import diagonal
from .products import _here, promoted

__all__ = ["einsum"]

#: Labels of the axes of one operand. Those an ellipsis stands for are named by their place from
#: the end: "...1" is the last.
Labels = tuple[str, ...]


def einsum(*operands_and_equation: Any) -> Node:
    """``einsum(x, y, ..., "ij,jk->ik")``: products of operands, summed over what is not named after
    the arrow. Without an arrow, what occurs once remains, in alphabetical order.

    ``...`` stands for leading axes that broadcast. The equation may come first, too.

    Raises:  ArgumentError if the equation cannot be read; ShapeError if sizes do not fit
    Source:  numpy.einsum

    >>> from ..ir.graph import make_input
    >>> from ..ir.shapes import tensor_type
    >>> from ..ir.dtypes import float32
    >>> x = make_input(0, tensor_type((5, 2, 3), float32))
    >>> einsum(x, x, "bij,bkj->bik").shape
    (5, 2, 2)
    """
    given = list(operands_and_equation)
    equation = given.pop() if given and isinstance(given[-1], str) else given.pop(0)
    if not isinstance(equation, str) or not given:
        raise _here(ArgumentError('einsum: takes operands and an equation such as "ij,jk->ik"'))
    if len(given) == 1 and isinstance(given[0], (list, tuple)):
        given = list(given[0])
    operands: list[Node] = promoted("einsum", *given)
    terms, wanted = _parse(equation, [o.ndim for o in operands])
    sizes = _sizes(equation, terms, operands)
    parts = [_simplified(o, t, sizes) for o, t in zip(operands, terms, strict=True)]
    while len(parts) > 1:
        i, j = _next_pair(parts, wanted, sizes)
        second, first = parts.pop(j), parts.pop(i)
        parts.insert(i, _contract(first, second, _needed(parts, wanted)))
    node, labels = _summed(*parts[0], set(wanted))
    return _arranged(node, labels, wanted, sizes)


# ---- reading the equation

def _refuse(equation: str, why: str, hint: str | None = None) -> ArgumentError:
    error = ArgumentError(f"einsum: {equation!r}: {why}", hint=hint)
    _here(error)
    return error


def _labels(equation: str, term: str, rank: int | None) -> Labels:
    """The labels of one term; ``rank`` tells how many axes an ellipsis stands for."""
    before, dots, after = term.partition("...")
    letters = before + after
    strange = [c for c in letters if not c.isalpha()]
    if strange:
        raise _refuse(equation, f"{strange[0]!r} is not a letter",
                      "axes are single letters, operands are separated by commas")
    if rank is None:
        return (*before, *([dots] if dots else []), *after)
    hidden = rank - len(letters)
    if hidden < 0 or (hidden and not dots):
        raise _refuse(equation, f"the term {term!r} names {len(letters)} axes, its operand has "
                      f"{rank}", "use ... for axes without a name" if hidden > 0 else None)
    return (*before, *(f"...{i}" for i in range(hidden, 0, -1)), *after)


def _parse(equation: str, ranks: Sequence[int]) -> tuple[list[Labels], Labels]:
    """Labels of each operand and of the result."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    texts = left.split(",")
    if len(texts) != len(ranks):
        raise _refuse(equation, f"there are {len(texts)} terms for {len(ranks)} operands")
    terms = [_labels(equation, t, r) for t, r in zip(texts, ranks, strict=True)]
    hidden = max((tuple(a for a in t if a.startswith("...")) for t in terms), key=len)
    if not arrow:
        once = sorted(c for c in set(left) - set(",.") if left.count(c) == 1)
        return terms, (*hidden, *once)
    wanted: list[str] = []
    for label in _labels(equation, right, None):
        wanted += hidden if label == "..." else [label]
    for label in wanted:
        if wanted.count(label) > 1:
            raise _refuse(equation, f"{label!r} is named twice after the arrow")
        if not any(label in t for t in terms):
            raise _refuse(equation, f"{label!r} is in no operand")
    return terms, tuple(wanted)


def _sizes(equation: str, terms: Sequence[Labels], operands: Sequence[Node]) -> dict[str, int]:
    """The size of each label; an axis of size one goes with any."""
    sizes: dict[str, int] = {}
    for term, operand in zip(terms, operands, strict=True):
        for label, size in zip(term, operand.shape, strict=True):
            known = sizes.get(label, 1)
            if known != 1 and size not in (1, known):
                error = ShapeError(f"einsum: {equation!r}: the axis {label!r} has the sizes "
                                   f"{known} and {size}")
                raise _here(error)
            sizes[label] = size if known == 1 else known
    return sizes


# ---- contracting

Part = tuple[Node, Labels]


def _simplified(x: Node, labels: Labels, sizes: dict[str, int]) -> Part:
    """Each label once, and no axis of size one that stands for a longer one."""
    thin = [a for a, label in enumerate(labels) if x.shape[a] == 1 and sizes[label] != 1]
    x = mv.squeeze(x, thin)
    labels = tuple(label for a, label in enumerate(labels) if a not in thin)
    repeated = next((label for label in labels if labels.count(label) > 1), None)
    while repeated is not None:
        first = labels.index(repeated)
        second = labels.index(repeated, first + 1)
        x = diagonal(x, 0, first, second)
        labels = (*(n for a, n in enumerate(labels) if a not in (first, second)), repeated)
        repeated = next((label for label in labels if labels.count(label) > 1), None)
    return x, labels


def _needed(parts: Sequence[Part], wanted: Labels) -> set[str]:
    return set(wanted).union(*(labels for _, labels in parts))


def _next_pair(parts: Sequence[Part], wanted: Labels, sizes: dict[str, int]) -> tuple[int, int]:
    """The pair with the smallest result; of equal ones the first."""
    def size(pair: tuple[int, int]) -> int:
        rest = _needed([p for i, p in enumerate(parts) if i not in pair], wanted)
        both = set(parts[pair[0]][1]) | set(parts[pair[1]][1])
        return math.prod(sizes[label] for label in both & rest)

    return min(itertools.combinations(range(len(parts)), 2), key=size)


def _summed(x: Node, labels: Labels, needed: set[str]) -> Part:
    """Without the axes nobody needs."""
    axes = [a for a, label in enumerate(labels) if label not in needed]
    return reduce_sum(x, axes), tuple(label for label in labels if label in needed)


def _contract(first: Part, second: Part, needed: set[str]) -> Part:
    """Two operands as one; labels that are needed stay."""
    x, left = _summed(*first, needed | set(second[1]))
    y, right = _summed(*second, needed | set(first[1]))
    shared = [label for label in left if label in right]
    batch = [label for label in shared if label in needed]
    inner = [label for label in shared if label not in needed]
    contract = [left.index(n) for n in inner], [right.index(n) for n in inner]
    stacked = [left.index(n) for n in batch], [right.index(n) for n in batch]
    result = (*batch, *(n for n in left if n not in shared),
              *(n for n in right if n not in shared))
    return dot_general(x, y, contract, stacked), result


def _arranged(x: Node, labels: Labels, wanted: Labels, sizes: dict[str, int]) -> Node:
    """Axes in the order asked for, those that were of size one everywhere but wanted longer."""
    x = mv.transpose(x, [labels.index(n) for n in wanted if n in labels])
    place = [a for a, n in enumerate(wanted) if n in labels]
    return mv.broadcast(x, [sizes[n] for n in wanted], place)
