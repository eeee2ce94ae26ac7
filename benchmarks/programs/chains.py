"""Chains of elementwise operations and reductions, as calls of PyTorch's functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .case import Case, Repeated
from .data import weights
from .ours import compiled, package, wait

__all__ = ["build"]


def build(framework: str, parameters: dict[str, Any]) -> Case:
    torch = package(framework)
    if parameters["chain"] == "adam":
        return _adam(framework, torch, parameters["sizes"])
    rows, columns = parameters["rows"], parameters["columns"]
    rng = np.random.default_rng(columns)

    def normal(*shape: int, wants: bool = False) -> Any:
        return torch.from_numpy(rng.standard_normal(shape, np.float32)).requires_grad_(wants)

    function, arguments = _CHAINS[parameters["chain"]](torch, normal, rng, rows, columns)
    function, note = compiled(framework, function)
    finish = wait(framework)

    def step() -> Any:
        results = function(*arguments)
        finish()
        return results

    return Repeated(step, lambda results: [r.detach().numpy() for r in results], note)


def _layer_norm(torch: Any, normal: Any, rng: Any, rows: int, columns: int) -> Any:
    layer_norm = torch.nn.functional.layer_norm
    return (lambda x, w, b: (layer_norm(x, (columns,), w, b),),
            (normal(rows, columns), normal(columns), normal(columns)))


def _layer_norm_backward(torch: Any, normal: Any, rng: Any, rows: int, columns: int) -> Any:
    layer_norm, grad = torch.nn.functional.layer_norm, torch.autograd.grad
    return (lambda x, w, b, g: grad(layer_norm(x, (columns,), w, b), (x, w, b), g),
            (normal(rows, columns, wants=True), normal(columns, wants=True),
             normal(columns, wants=True), normal(rows, columns)))


def _softmax(torch: Any, normal: Any, rng: Any, rows: int, columns: int) -> Any:
    softmax = torch.nn.functional.softmax
    return lambda x: (softmax(x, -1),), (normal(rows, columns),)


def _cross_entropy(torch: Any, normal: Any, rng: Any, rows: int, columns: int) -> Any:
    cross_entropy, grad = torch.nn.functional.cross_entropy, torch.autograd.grad

    def both(x: Any, y: Any) -> Any:
        loss = cross_entropy(x, y)
        return (loss, *grad(loss, (x,)))

    return both, (normal(rows, columns, wants=True),
                  torch.from_numpy(rng.integers(0, columns, rows, np.int64)))


def _gelu(torch: Any, normal: Any, rng: Any, rows: int, columns: int) -> Any:
    gelu = torch.nn.functional.gelu
    return lambda x: (gelu(x),), (normal(rows, columns),)


_CHAINS: dict[str, Callable[..., Any]] = {
    "layer_norm": _layer_norm,
    "layer_norm_backward": _layer_norm_backward,
    "softmax": _softmax,
    "cross_entropy": _cross_entropy,
    "gelu": _gelu,
}


def _adam(framework: str, torch: Any, sizes: list[int]) -> Case:
    """`optimizer.step()` alone, over the parameters of a network, with gradients that stay."""
    rng = np.random.default_rng(3)
    parameters = []
    for array in (a for layer in weights(sizes) for a in layer):
        parameter = torch.nn.Parameter(torch.from_numpy(array))
        parameter.grad = torch.from_numpy(rng.standard_normal(array.shape, np.float32))
        parameters.append(parameter)
    fused = {"fused": True} if framework == "torch_fused" else {}
    optimizer = torch.optim.Adam(parameters, **fused)
    finish = wait(framework)

    def step() -> None:
        optimizer.step()
        finish()

    return Repeated(step, lambda _: [p.detach().numpy() for p in parameters])
