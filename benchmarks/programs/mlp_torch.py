"""Training a network of dense layers as a PyTorch user writes it; tricord runs the same lines."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from .case import Case, Training
from .data import batches, weights
from .ours import compiled, package

__all__ = ["build"]

_BATCHES = 16


def _model(torch: Any, sizes: list[int]) -> Any:
    layers: list[Any] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for layer, (weight, bias) in zip(model[::2], weights(sizes), strict=True):
            layer.weight.copy_(torch.from_numpy(weight.T.copy()))
            layer.bias.copy_(torch.from_numpy(bias))
    return model


def build(framework: str, parameters: dict[str, Any]) -> Case:
    torch = package(framework)
    sizes, batch = parameters["sizes"], parameters["batch"]
    model = _model(torch, sizes)
    fused = {"fused": True} if framework in ("torch_fused", "torch_compile") else {}
    optimizer = torch.optim.Adam(model.parameters(), **fused)
    data = itertools.cycle([(torch.from_numpy(x), torch.from_numpy(y))
                            for x, y in batches(sizes[0], sizes[-1], batch, _BATCHES)])
    way = _imperative if parameters["way"] == "imperative" else _compiled
    step, note = way(framework, torch, model, optimizer)
    return Training(lambda: step(*next(data)), parameters["check_steps"], note)


def _imperative(framework: str, torch: Any, model: Any,
                optimizer: Any) -> tuple[Callable[..., float], str]:
    cross_entropy = torch.nn.functional.cross_entropy

    def step(x: Any, y: Any) -> float:
        optimizer.zero_grad()
        loss = cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step, ""


def _compiled(framework: str, torch: Any, model: Any,
              optimizer: Any) -> tuple[Callable[..., float], str]:
    """tricord compiles the step as a whole; `torch.compile` the loss and its gradient, and Adam is
    PyTorch's own fused one."""
    cross_entropy = torch.nn.functional.cross_entropy
    if framework == "tricord":
        def whole(x: Any, y: Any) -> Any:
            optimizer.zero_grad()
            loss = cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        function, note = compiled(framework, whole)
        return lambda x, y: function(x, y).item(), note

    loss_of, note = compiled(framework, lambda x, y: cross_entropy(model(x), y))

    def step(x: Any, y: Any) -> float:
        optimizer.zero_grad()
        loss = loss_of(x, y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step, note
