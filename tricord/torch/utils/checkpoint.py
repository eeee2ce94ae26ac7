"""``torch.utils.checkpoint``: memory for time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...tensor import transforms
from .._names import unknown_name

__all__ = ["checkpoint", "checkpoint_sequential"]


def checkpoint(function: Callable[..., Any], *args: Any, use_reentrant: bool | None = None,
               preserve_rng_state: bool = True, context_fn: Any = None,
               determinism_check: str = "default", debug: bool = False,
               early_stop: bool = True, **kwargs: Any) -> Any:
    """Call a function so that its inner values are computed again in the backward pass.

    Random numbers drawn inside are the same both times.
    """
    return transforms.checkpoint(function, *args, **kwargs)


def checkpoint_sequential(functions: Any, segments: int, input: Any, use_reentrant: Any = None,
                          **kwargs: Any) -> Any:
    """Run a sequence of modules in that many checkpointed parts; the last one is not."""
    layers = list(functions.children()) if hasattr(functions, "children") else list(functions)

    def run(first: int, last: int) -> Callable[[Any], Any]:
        def part(x: Any) -> Any:
            for layer in layers[first:last]:
                x = layer(x)
            return x

        return part

    size = max(len(layers) // segments, 1)
    start = 0
    for start in range(0, size * (segments - 1), size):
        input = checkpoint(run(start, start + size), input)
    return run(size * (segments - 1), len(layers))(input)


__getattr__ = unknown_name("torch.utils.checkpoint", lambda: __all__)
