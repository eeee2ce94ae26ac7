"""Data and first weights, from fixed seeds, the same for every framework.

Every input comes back with other labels, drawn at random. So the loss cannot fall below their
entropy however long a benchmark runs: gradients stay of ordinary size, no unit dies, and no
framework ends up computing with denormal numbers, which some processors do ten times slower.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

__all__ = ["batches", "weights"]

_LABELS_EACH = 4


def batches(inputs: int, classes: int, batch: int, count: int,
            seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """(float32 of (batch, inputs), int64 of (batch,)), ``count`` times."""
    rng = np.random.default_rng(seed)
    distinct = [rng.standard_normal((batch, inputs), np.float32)
                for _ in range(max(1, count // _LABELS_EACH))]
    return [(distinct[i % len(distinct)], rng.integers(0, classes, batch, np.int64))
            for i in range(count)]


def weights(sizes: Sequence[int], seed: int = 1) -> list[tuple[np.ndarray, np.ndarray]]:
    """(float32 of (inputs, outputs), float32 of (outputs,)) per layer, as PyTorch draws them."""
    rng = np.random.default_rng(seed)
    found = []
    for inputs, outputs in pairwise(sizes):
        bound = inputs ** -0.5
        found.append((rng.uniform(-bound, bound, (inputs, outputs)).astype(np.float32),
                      rng.uniform(-bound, bound, outputs).astype(np.float32)))
    return found
