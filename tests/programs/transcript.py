"""What a script prints for us: ``loss <step> <number>``, ``value <name> <number>``, ``accuracy``.

Everything else it prints is for its user and is not compared.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["FOLDER", "GOLDEN", "SCRIPTS", "Transcript", "read_transcript"]

FOLDER = Path(__file__).resolve().parent
SCRIPTS = FOLDER / "scripts"
GOLDEN = FOLDER / "golden"


@dataclass
class Transcript:
    """Losses of the first steps, other named numbers, and the last accuracy (or error) printed."""

    losses: list[float] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=dict)
    reached: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def read_transcript(text: str) -> Transcript:
    """Parse the output of a script; a step out of order is an error of the script."""
    found = Transcript()
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == "loss":
            if int(words[1]) != len(found.losses):
                raise ValueError(f"step {words[1]} printed after {len(found.losses)} losses")
            found.losses.append(float(words[2]))
        elif len(words) == 3 and words[0] == "value":
            found.values[words[1]] = float(words[2])
        elif len(words) == 2 and words[0] in ("accuracy", "mse", "half_mse", "rmse",
                                              "cross_entropy"):
            found.reached[words[0]] = float(words[1])
    return found
