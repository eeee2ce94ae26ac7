"""Switches of PyTorch that ask for what tricord does anyway, or that it does not have."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .. import settings
from ..errors import ArgumentError
from ..runtime.native.processors import threads_wanted
from ..tensor import replay

__all__ = [
    "are_deterministic_algorithms_enabled",
    "compile",
    "compiler",
    "get_float32_matmul_precision",
    "get_num_interop_threads",
    "get_num_threads",
    "is_deterministic_algorithms_warn_only_enabled",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "set_num_interop_threads",
    "set_num_threads",
    "use_deterministic_algorithms",
]


def compile(model: Any = None, *, fullgraph: bool = False, dynamic: bool | None = None,
            backend: Any = "inductor", mode: str | None = None, options: Any = None,
            disable: bool = False) -> Any:
    """A function that is replayed without running its Python: see `tricord.compile`.

    A module is returned as it is: what it computes is compiled together with what is around it.
    ``fullgraph`` and the other options are accepted and change nothing.
    """
    if model is None:
        return functools.partial(compile, disable=disable)
    if disable or hasattr(model, "parameters"):
        return model
    return replay.compile(model)


class compiler:
    """``torch.compiler``: there is nothing to switch."""

    @staticmethod
    def is_compiling() -> bool:
        return False

    @staticmethod
    def disable(fn: Any = None, recursive: bool = True, **options: Any) -> Any:
        return fn if fn is not None else lambda function: function

    @staticmethod
    def allow_in_graph(fn: Callable[..., Any]) -> Callable[..., Any]:
        return fn

    @staticmethod
    def reset() -> None:
        pass


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted: every result is the same bits in every run."""


def are_deterministic_algorithms_enabled() -> bool:
    return True


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    return False


def set_float32_matmul_precision(precision: str) -> None:
    """Accepted: float32 products are computed in float32."""
    if precision not in ("highest", "high", "medium"):
        raise ArgumentError(f"set_float32_matmul_precision: expected highest, high or medium, got "
                            f"{precision!r}")


def get_float32_matmul_precision() -> str:
    return "highest"


def set_flush_denormal(mode: bool) -> bool:
    """Whether numbers too small for full precision count as zero; by default they do."""
    settings.configure(denormals="flush" if mode else "keep")
    return True


def get_num_threads() -> int:
    """How many threads compute."""
    return threads_wanted()


def set_num_threads(count: int) -> None:
    """How many threads compute from now on; results do not depend on it.

    Raises:  ArgumentError for less than one
    """
    if not isinstance(count, int) or count < 1:
        raise ArgumentError(f"set_num_threads: expects a positive integer, got {count!r}")
    settings.configure(threads=count)


def get_num_interop_threads() -> int:
    return 1


def set_num_interop_threads(count: int) -> None:
    """Accepted: programs run one after the other."""
