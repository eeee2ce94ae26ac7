"""Threads that train models of their own give exactly what each gives alone."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tricord import settings, torch
from tricord.runtime.native.machine import machine
from tricord.torch import nn


@pytest.fixture(autouse=True)
def switching_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def train(seed: int, width: int, optimizer: str, steps: int = 15) -> list[bytes]:
    """The losses and the parameters of a small model, bit by bit."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x = torch.tensor(rng.standard_normal((32, 20)).astype(np.float32))
    labels = torch.tensor(rng.integers(0, 5, 32))
    model = nn.Sequential(nn.Linear(20, width), nn.ReLU(), nn.Dropout(0.1), nn.Linear(width, 5))
    rule = getattr(torch.optim, optimizer)(model.parameters(), lr=0.01)
    seen = []
    for _ in range(steps):
        rule.zero_grad()
        loss = nn.functional.cross_entropy(model(x), labels)
        loss.backward()
        rule.step()
        seen.append(loss.detach().numpy().tobytes())
    return seen + [p.detach().numpy().tobytes() for p in model.parameters()]


def at_once(works: list[Callable[[], list[bytes]]]) -> list[list[bytes]]:
    """Each in a thread, all started together."""
    found: list[list[bytes]] = [[] for _ in works]
    start = threading.Barrier(len(works))
    current = settings.get()

    def run(number: int) -> None:
        changes = {"threads": current.threads, "interpret_first": current.interpret_first,
                   "check": current.check}
        with settings.override(**changes):  # settings are each thread's own
            start.wait()
            found[number] = works[number]()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(t.is_alive() for t in threads)
    return found


@pytest.mark.parametrize(("pool", "models"), [
    (1, [(1, 16, "SGD"), (2, 16, "SGD")]),          # one program, at work in both
    (2, [(1, 16, "SGD"), (1, 16, "SGD")]),          # the same numbers
    (1, [(3, 24, "Adam"), (4, 40, "SGD")]),         # two programs
    (2, [(5, 700, "Adam"), (6, 700, "Adam")]),      # large enough for several threads
    (1, [(7, 16, "Adam"), (8, 20, "SGD"), (9, 16, "SGD"), (10, 16, "Adam")]),
], ids=["one program", "one model", "two programs", "parallel", "four"])
def test_threads_give_what_each_gives_alone(pool, models):
    # Programs are compiled once, for so many threads: other widths are other programs.
    models = [(seed, width + pool, rule) for seed, width, rule in models]
    workers = machine().workers
    if workers is not None:
        workers.stop()
    with settings.override(threads=pool):
        alone = [train(*m) for m in models]
        if workers is not None:
            assert bool(workers._threads) == (models[0][1] > 700)
        assert at_once([lambda m=m: train(*m) for m in models]) == alone


def test_the_first_run_of_a_program_may_be_in_several_threads():
    works = [lambda s=s: train(s, 37, "Adam", 6) for s in range(4)]
    first = at_once(works)
    assert first == [w() for w in works]
