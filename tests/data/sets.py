"""Data sets that the loader tests share; in a file of their own so that workers can import them."""

from __future__ import annotations

import os
import random
import signal
import time

import numpy as np

from tricord import settings
from tricord.data import Dataset, IterableDataset, get_worker_info, sample_rng


class Squares(Dataset):
    """Sample ``i`` is (i squared, i)."""

    def __init__(self, length: int):
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int):
        return np.float32(index * index), index


class Augmented(Squares):
    """Adds noise of the sample's own generator."""

    def __getitem__(self, index: int):
        return {"x": index + sample_rng().random(3, np.float32), "index": index}


class GlobalNoise(Squares):
    """Draws from the global generators, as many scripts do."""

    def __getitem__(self, index: int):
        return np.random.rand() + random.random(), index  # noqa: NPY002


class Failing(Squares):
    def __init__(self, length: int, at: int):
        super().__init__(length)
        self.at = at

    def __getitem__(self, index: int):
        if index == self.at:
            raise self.error(index)
        return index

    def error(self, index: int) -> Exception:
        return ValueError(f"sample {index} is broken")


class FailingKey(Failing):
    def error(self, index: int) -> Exception:
        return KeyError("two\nlines")


class OddError(Exception):
    def __init__(self, first, second):
        super().__init__(first, second)


class FailingOdd(Failing):
    def error(self, index: int) -> Exception:
        return OddError("one", "two")


class Dying(Squares):
    """The process that loads sample ``at`` is killed, or exits."""

    def __init__(self, length: int, at: int, how: str = "SIGKILL"):
        super().__init__(length)
        self.at = at
        self.how = how

    def __getitem__(self, index: int):
        if index == self.at and get_worker_info() is not None:
            if self.how == "exit":
                os._exit(3)
            os.kill(os.getpid(), getattr(signal, self.how))
        return index


class Slow(Squares):
    def __getitem__(self, index: int):
        time.sleep(30)


class Who(Squares):
    def __getitem__(self, index: int):
        return 0 if get_worker_info() is None else os.getpid()


class Surroundings(Squares):
    """What a sample sees of the process that loads it."""

    hooked = 0

    def __getitem__(self, index: int):
        return settings.get().node_budget, Surroundings.hooked


def hook() -> None:
    Surroundings.hooked += 1


class Stream(IterableDataset):
    """0 .. length-1; with ``shared``, each worker takes its own part."""

    def __init__(self, length: int, shared: bool = True):
        self.length = length
        self.shared = shared

    def __iter__(self):
        info = get_worker_info()
        first, step = (info.id, info.num_workers) if info and self.shared else (0, 1)
        return iter(range(first, self.length, step))


class NoisyStream(IterableDataset):
    def __iter__(self):
        for i in range(10):
            yield i + sample_rng().random()


def seed_numpy(worker: int) -> None:
    np.random.seed(100 + worker)  # noqa: NPY002


def add_one(samples):
    return [sample + 1 for sample in samples]


def refuse(worker: int) -> None:
    raise OSError(f"worker {worker} has no disk")
