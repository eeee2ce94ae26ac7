"""What Python costs in an imperative train step that has been seen before; goal: 35 us.

    python -m benchmarks.record_step [--steps 2000] [--profile]

The MLP 784-64-10 at batch 32 with Adam, written as a PyTorch user writes it. On the ``null`` device
everything is recorded, looked up and cut, and nothing is computed, so what remains is the cost of
recording. Printed: minimum and median over the steps, after two hundred to warm up.
"""

from __future__ import annotations

import argparse
import cProfile
import platform
import pstats
import statistics
import sys
import time
from collections.abc import Callable

from tricord import settings, torch
from tricord.torch import nn, optim
from tricord.torch.nn import functional as F

__all__ = ["GOAL", "make_step", "measure"]

GOAL = 35e-6  # seconds per step
BATCH, INPUTS, HIDDEN, CLASSES = 32, 784, 64, 10


class MLP(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(INPUTS, HIDDEN)
        self.fc2 = nn.Linear(HIDDEN, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(F.relu(self.fc1(x)))


def make_step() -> Callable[[], float]:
    """One step of training on always the same batch; returns the loss."""
    model = MLP()
    optimizer = optim.Adam(model.parameters())
    x, y = torch.rand(BATCH, INPUTS), torch.randint(0, CLASSES, (BATCH,))

    def step() -> float:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def measure(step: Callable[[], float], steps: int) -> list[float]:
    """Seconds of each of the steps, in order."""
    for _ in range(200):
        step()
    seconds = []
    for _ in range(steps):
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    chosen = parser.parse_args()
    with settings.override(device="null"):
        step = make_step()
        seconds = measure(step, chosen.steps)
        if chosen.profile:
            with cProfile.Profile() as profile:
                for _ in range(chosen.steps):
                    step()
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    median, least = statistics.median(seconds), min(seconds)
    print(f"python {platform.python_version()} on {platform.machine()}, {chosen.steps} steps, "
          f"nothing computed\nper step: median {median * 1e6:.1f} us, "
          f"minimum {least * 1e6:.1f} us, goal {GOAL * 1e6:.0f} us")
    return 0


if __name__ == "__main__":
    sys.exit(main())
