"""What is compared with what: a table, and no framework is imported for it.

A program is a list of cases (sizes) and a list of frameworks, tricord first. A framework may have a
``floor``: loops of machine code that do the same multiplications at the measured peak and move the
same bytes at the measured bandwidth, and nothing else. It runs between the others, as they do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

__all__ = ["FLOOR", "FRAMEWORKS", "IMPORT_MOST", "OURS", "PROGRAMS", "Case", "Framework",
           "Program"]

OURS, FLOOR = "tricord", "floor"
#: Seconds that ``import tricord`` may take once numpy is there.
IMPORT_MOST = 0.15
_FIRST_MOST = (0.5, 0.1)


@dataclass(frozen=True)
class Framework:
    """One way to run a program."""

    title: str
    package: str
    """What must be importable."""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One size of a program: what its builder is told, and what is expected of tricord."""

    name: str
    parameters: Mapping[str, Any]
    threads: int | None = None
    """Of its own; else those of the whole run."""
    only: frozenset[str] = frozenset()
    """The frameworks that can run it; empty: all of the program's."""
    goals: Mapping[str, float] = field(default_factory=dict)
    """Peer's time over ours; for the floor: its time over ours, the share of the machine."""
    most: float = 0.0
    """Seconds that tricord may take at most, whatever the peers take; 0: no such goal."""
    bytes: int = 0
    """What must be read and written at least."""
    flops: int = 0


@dataclass(frozen=True)
class Program:
    name: str
    title: str
    about: str
    """For the page: what runs, in a sentence or two."""
    frameworks: tuple[str, ...]
    modules: Mapping[str, str]
    """framework -> the module here that builds its cases."""
    cases: tuple[Case, ...]
    tolerance: float
    """Largest difference of the checked values, relative to the largest value."""
    checked: str
    """What those values are."""
    budget: float = 12.0
    """Seconds that the rounds of one case may take."""
    startup: tuple[str, ...] = ()
    """The frameworks whose first steps in a new process are measured too."""
    first_most: tuple[float, float] = (0.0, 0.0)
    """Seconds that tricord's first steps may take, without and with compiled files from before."""


FRAMEWORKS: Mapping[str, Framework] = {
    "tricord": Framework("tricord", "tricord"),
    "torch": Framework("PyTorch eager", "torch"),
    "torch_fused": Framework("PyTorch eager, fused Adam", "torch"),
    "torch_compile": Framework("torch.compile", "torch"),
    "jax": Framework("JAX jit", "jax"),
    "keras_jax": Framework("Keras 3 on JAX", "keras", {"KERAS_BACKEND": "jax"}),
    "keras_torch": Framework("Keras 3 on PyTorch", "keras", {"KERAS_BACKEND": "torch"}),
    "keras_tensorflow": Framework("Keras 3 on TensorFlow", "tensorflow",
                                  {"KERAS_BACKEND": "tensorflow"}),
    FLOOR: Framework("the machine's floor", "llvmlite"),
}

_TORCH_LIKE = dict.fromkeys(("tricord", "torch", "torch_fused", "torch_compile"), "mlp_torch")


def _mlp_flops(sizes: tuple[int, ...], batch: int) -> int:
    """Forward, gradients of the weights, and gradients of all but the first layer's inputs."""
    products = [2 * batch * m * n for m, n in pairwise(sizes)]
    return 3 * sum(products) - products[0]


def _parameters(sizes: tuple[int, ...]) -> int:
    return sum(m * n + n for m, n in pairwise(sizes))


def _mlp(name: str, sizes: tuple[int, ...], batch: int, way: str, check_steps: int,
         goals: Mapping[str, float]) -> Case:
    """Adam reads parameter, gradient and two moments, and writes all but the gradient."""
    count, flops = _parameters(sizes), _mlp_flops(sizes, batch)
    return Case(name, {"sizes": sizes, "batch": batch, "way": way, "check_steps": check_steps,
                       "flops": flops, "read": 4 * count, "update": 12 * count},
                goals=goals, flops=flops, bytes=28 * count)


_SMALL, _LARGE = (784, 64, 10), (1024, 2048, 2048, 10)


def _matmul_cases() -> tuple[Case, ...]:
    cases = []
    for threads in (1, 2):
        for n in (128, 256, 512, 1024, 2048):
            for layout in ("NN", "NT", "TN", "TT"):
                goals = {"torch": 1.0} | ({FLOOR: 0.85} if n == 1024 else {})
                noun = "thread" if threads == 1 else "threads"
                cases.append(Case(f"{n} {layout}, {threads} {noun}",
                                  {"size": n, "layout": layout, "flops": 2 * n ** 3},
                                  threads=threads, goals=goals, flops=2 * n ** 3))
    return tuple(cases)


def _chain(name: str, chain: str, rows: int, columns: int, read: int, write: int) -> Case:
    """``read`` and ``write`` count float32 matrices of that size."""
    one = 4 * rows * columns
    return Case(f"{name} {rows} x {columns}", {
        "chain": chain, "rows": rows, "columns": columns, "read": read * one, "write": write * one,
    }, goals={"torch": 1.5}, bytes=(read + write) * one,
        only=frozenset({"tricord", "torch", FLOOR}))


def _chain_cases() -> tuple[Case, ...]:
    cases = []
    for rows, columns in ((1024, 256), (4096, 1024)):
        cases += [
            _chain("LayerNorm", "layer_norm", rows, columns, 1, 1),
            _chain("LayerNorm forward+backward", "layer_norm_backward", rows, columns, 2, 1),
            _chain("softmax", "softmax", rows, columns, 1, 1),
            _chain("softmax-cross-entropy forward+backward", "cross_entropy", rows, columns, 1, 1),
            _chain("GELU", "gelu", rows, columns, 1, 1),
        ]
    count = _parameters(_LARGE)
    cases.append(Case(f"Adam, {count / 1e6:.1f} M parameters",
                      {"chain": "adam", "sizes": _LARGE, "read": 4 * count, "update": 12 * count},
                      goals={"torch": 1.5}, bytes=28 * count))
    return tuple(cases)


PROGRAMS: tuple[Program, ...] = (
    Program(
        "mlp_imperative", "Small network, an imperative loop",
        "784-64-10 with ReLU, batch 32, cross-entropy, Adam; written as a PyTorch user writes it, "
        "with `loss.item()` after every step. tricord runs the same lines.",
        ("tricord", "torch", "torch_fused"), _TORCH_LIKE,
        (_mlp("784-64-10, batch 32", _SMALL, 32, "imperative", 20, {"torch": 4.0}),),
        1e-4, "losses of the first 20 steps", startup=("tricord", "torch"),
        first_most=_FIRST_MOST),
    Program(
        "mlp_compiled", "Small network, the step as one compiled function",
        "The same network and data. The loss is read after every step; JAX is given its "
        "parameters and Adam's state back (`donate_argnums`).",
        ("tricord", "torch", "torch_compile", "jax", FLOOR),
        _TORCH_LIKE | {"jax": "mlp_jax", FLOOR: "floor"},
        (_mlp("784-64-10, batch 32", _SMALL, 32, "compiled", 20, {"torch": 5.0, "jax": 3.0}),),
        1e-4, "losses of the first 20 steps",
        startup=("tricord", "torch_compile", "jax"), first_most=_FIRST_MOST),
    Program(
        "mlp_fit", "Small network through Keras' `fit`",
        "The same network as a Keras model; `fit` over numpy arrays of 200 batches, time per step, "
        "feeding the data included.",
        ("tricord", "keras_jax", "keras_torch", "keras_tensorflow"),
        dict.fromkeys(("tricord", "keras_jax", "keras_torch", "keras_tensorflow"), "mlp_keras"),
        (Case("784-64-10, batch 32", {"sizes": _SMALL, "batch": 32, "steps": 200},
              goals={"keras_jax": 3.5, "keras_torch": 3.5, "keras_tensorflow": 3.5}),),
        1e-4, "mean losses of the first 5 calls of `fit`, 4 steps each", budget=15.0,
        startup=("tricord", "keras_jax")),
    Program(
        "mlp_large", "Large network",
        "1024-2048-2048-10 with ReLU, batch 256, cross-entropy, Adam; imperative, `loss.item()` "
        "after every step, except that JAX runs its jitted step.",
        ("tricord", "torch", "torch_fused", "jax", FLOOR),
        _TORCH_LIKE | {"jax": "mlp_jax", FLOOR: "floor"},
        (_mlp("1024-2048-2048-10, batch 256", _LARGE, 256, "imperative", 5,
              {"torch": 1.8, "jax": 1.05}),),
        1e-4, "losses of the first 5 steps", budget=15.0),
    Program(
        "matmul", "Matrix products, float32",
        "Square matrices; T: the operand is the transpose of what lies in memory.",
        ("tricord", "torch", FLOOR),
        {"tricord": "matmul", "torch": "matmul", FLOOR: "floor"},
        _matmul_cases(), 1e-5, "elements of the result", budget=2.5),
    Program(
        "chains", "What networks are made of besides products",
        "Forward only where nothing else is said. The floor moves each array once between memory "
        "and processor, at the bandwidth that this machine has for arrays of that size.",
        ("tricord", "torch", "torch_fused", FLOOR),
        {"tricord": "chains", "torch": "chains", "torch_fused": "chains", FLOOR: "floor"},
        _chain_cases(), 1e-4, "elements of the results", budget=4.0),
    Program(
        "calls", "What one call costs",
        "A compiled function that adds one to a single number, called again and again; the "
        "result is waited for.",
        ("tricord", "torch", "torch_compile", "jax"),
        dict.fromkeys(("tricord", "torch", "torch_compile", "jax"), "calls"),
        (Case("x + 1", {}, most=10e-6),), 1e-6, "the result", budget=4.0),
)
