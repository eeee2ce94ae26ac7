"""Compiled programs in words: tables of kernels, loops, amounts."""

from __future__ import annotations

from collections.abc import Sequence

from .memory import Kernels
from .program import KernelFacts
from .steps import Place, Scratch

__all__ = ["amount", "kernel_table", "loops_text", "seconds_text", "where_text"]

_PREFIXES = ("", "k", "M", "G", "T", "P")
#: Characters of a label or a user's line in a table.
_LABEL, _WHERE = 40, 70


def amount(number: float, unit: str) -> str:
    """A number with a prefix.

    >>> amount(1234567, "flop"), amount(12, "B")
    ('1.23 Mflop', '12 B')
    """
    power = 0
    while abs(number) >= 999.5 and power < len(_PREFIXES) - 1:
        number /= 1000
        power += 1
    text = f"{number:.3g}" if power or number % 1 else str(int(number))
    return f"{text} {_PREFIXES[power]}{unit}"


def seconds_text(seconds: float) -> str:
    """
    >>> seconds_text(0.00125), seconds_text(4e-8)
    ('1.25 ms', '40 ns')
    """
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "us")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def where_text(kernel: KernelFacts) -> str:
    """The user's line, cut to the width of a table."""
    return "" if kernel.where is None else _cut(str(kernel.where), _WHERE)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[:width - 3] + "..."


def kernel_table(kernels: Sequence[KernelFacts], seconds: Sequence[float] | None = None) -> str:
    """One line a kernel, and one for all of them; ``seconds``: how long each took."""
    took = list(seconds) if seconds is not None else []
    rows = [("", "kernel", "flops", "bytes", *(["time", "flop/s", "B/s"] if took else []), "tasks",
             "threads", "where")]
    rows += [(str(i), _cut(k.label, _LABEL), amount(k.flops, ""), amount(k.bytes, "B"),
              *(_speed(k.flops, k.bytes, took[i]) if took else []),
              str(k.tasks), "all" if k.parallel else "one", where_text(k))
             for i, k in enumerate(kernels)]
    flops, nbytes = sum(k.flops for k in kernels), sum(k.bytes for k in kernels)
    rows.append(("", "together", amount(flops, ""), amount(nbytes, "B"),
                 *(_speed(flops, nbytes, sum(took)) if took else []), "", "", ""))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    left = (1, len(widths) - 2, len(widths) - 1)
    return "\n".join("  ".join(
        text.ljust(width) if i in left else text.rjust(width)
        for i, (text, width) in enumerate(zip(row, widths, strict=True))).rstrip() for row in rows)


def _speed(flops: int, nbytes: int, seconds: float) -> list[str]:
    seconds = max(seconds, 1e-9)
    return [seconds_text(seconds), amount(flops / seconds, ""), amount(nbytes / seconds, "B")]


def loops_text(kernels: Kernels) -> str:
    """The loops of every kernel, and what their buffers are."""
    lines = []
    for number, call in enumerate(kernels.calls):
        places = ", ".join(map(_place, call.pointers))
        lines.append(f"{number}: {call.label}  {call.kernel.name}({places})")
        nest = getattr(call.kernel, "nest", None)
        epilogue = getattr(call.kernel, "epilogue", None)
        if epilogue is not None:
            nest = epilogue.nest
            lines.append("  on each tile of the product:")
        if nest is not None:
            lines += ["  " + line for line in nest.text().splitlines()]
    return "\n".join(lines)


def _place(place: Place | Scratch) -> str:
    if isinstance(place, Scratch):
        return f"{place.nbytes} bytes"
    text = f"{place.node.op.name} {place.node.type!r}"
    return f"{text} + {place.offset}" if place.offset else text
