"""``torch.set_printoptions``."""

from __future__ import annotations

from typing import Any

from ..errors import ArgumentError
from ..tensor.formatting import PRESETS, PrintOptions, options, set_options

__all__ = ["get_printoptions", "set_printoptions"]


def set_printoptions(precision: int | None = None, threshold: float | None = None,
                     edgeitems: int | None = None, linewidth: int | None = None,
                     profile: str | None = None, sci_mode: bool | None = None) -> None:
    """How tensors are printed from now on, in this thread; ``profile``: default, short or full."""
    if profile is not None and profile not in PRESETS:
        raise ArgumentError(f"set_printoptions: profile must be one of {', '.join(PRESETS)}, got "
                            f"{profile!r}")
    base = options() if profile is None else PRESETS[profile]
    given: dict[str, Any] = {"precision": precision, "threshold": threshold,
                             "edgeitems": edgeitems, "linewidth": linewidth}
    changed = {name: value for name, value in given.items() if value is not None}
    set_options(PrintOptions(**{**vars(base), **changed, "sci_mode": sci_mode}))


def get_printoptions() -> dict[str, Any]:
    """The options in force."""
    return dict(vars(options()))
