"""Training a network of dense layers as one jitted JAX function that is given its memory back."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp

from .case import Case, Training
from .data import batches, weights

__all__ = ["build"]

_BATCHES = 16
_RATE, _BETA1, _BETA2, _EPSILON = 1e-3, 0.9, 0.999, 1e-8


def _loss(layers: Any, x: Any, y: Any) -> Any:
    for weight, bias in layers[:-1]:
        x = jax.nn.relu(x @ weight + bias)
    weight, bias = layers[-1]
    logs = jax.nn.log_softmax(x @ weight + bias)
    return -jnp.take_along_axis(logs, y[:, None], axis=1).mean()


def _step(layers: Any, state: Any, x: Any, y: Any) -> Any:
    """One step of Adam as PyTorch defines it (Kingma and Ba 2015, epsilon beside the root)."""
    loss, gradients = jax.value_and_grad(_loss)(layers, x, y)
    first, second, count = state
    count = count + 1
    first = jax.tree.map(lambda m, g: _BETA1 * m + (1 - _BETA1) * g, first, gradients)
    second = jax.tree.map(lambda v, g: _BETA2 * v + (1 - _BETA2) * g * g, second, gradients)
    rate = _RATE / (1 - _BETA1 ** count)
    root = jnp.sqrt(1 - _BETA2 ** count)
    layers = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) / root + _EPSILON),
                          layers, first, second)
    return layers, (first, second, count), loss


def build(framework: str, parameters: dict[str, Any]) -> Case:
    sizes, batch = parameters["sizes"], parameters["batch"]
    layers = [(jnp.asarray(weight), jnp.asarray(bias)) for weight, bias in weights(sizes)]
    state = (jax.tree.map(jnp.zeros_like, layers), jax.tree.map(jnp.zeros_like, layers),
             jnp.asarray(0.0))
    data = itertools.cycle([(jnp.asarray(x), jnp.asarray(y.astype("int32")))
                            for x, y in batches(sizes[0], sizes[-1], batch, _BATCHES)])
    jitted = jax.jit(_step, donate_argnums=(0, 1))

    def step() -> float:
        nonlocal layers, state
        layers, state, loss = jitted(layers, state, *next(data))
        return float(loss)

    return Training(step, parameters["check_steps"])
