"""DataLoader: batches from a data set, ahead of time and in a fixed order.

Three ways to load, one result, bit for bit:

- samples that are rows of arrays are taken where they are needed, one ``numpy.take`` per array;
- other data sets are read by a thread of this process, a few batches ahead;
- with ``num_workers > 0``, by fresh processes.

Order and augmentation depend on (seed, epoch, index) alone, so a loader can continue in the middle
of an epoch (``state_dict``) and the number of workers does not matter.
"""

from __future__ import annotations

import itertools
import math
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

import numpy as np

from ..errors import ArgumentError, NotSupportedError, StateError
from .collate import default_collate, default_convert, to_tensors
from .dataset import IterableDataset
from .fetch import END, LoadPlan, make_fetcher, takes_rows
from .prefetch import PrefetchQueue
from .sampler import BatchSampler, EpochSampler, RandomSampler, SequentialSampler
from .seeds import global_generators_state, resolve_seed
from .workers import WorkerPool

__all__ = ["DataLoader"]

_STATE_VERSION = 1
_FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")
Job = tuple[int, Any]  # a batch's number and its indices


class _Position:
    """Where one pass over the data is: its epoch, and the batches delivered."""

    def __init__(self, epoch: int, cursor: int):
        self.epoch = epoch
        self.cursor = cursor


class DataLoader:
    """Iterate over a data set in batches.

    The signature is PyTorch's. Notes where behaviour is defined more closely:

    - ``generator``: an integer seed, an object with ``initial_seed()``, or None for the default
      seed. The order of epoch ``e`` is a function of (seed, e).
    - ``num_workers``: 0 loads in this process; more start that many fresh processes, never forks.
      ``sample_rng()`` inside the data set gives each sample its own stream whatever the workers.
    - ``prefetch``: whether a thread loads ahead when there are no workers. None: yes, unless
      batches are rows of arrays, or the data set draws from the global generators of ``random`` or
      ``numpy.random``, whose order a thread would make a matter of timing.
    - ``prefetch_factor``: batches loaded ahead, per worker or by the thread (default 2).
    - ``timeout``: seconds to wait for a batch from a worker; 0 waits as long as the worker lives.
    - ``pin_memory``, ``pin_memory_device``: accepted; there is nothing to pin on a CPU.
    - ``in_order=False``: batches come in order all the same.

    Raises:  LoaderWorkerDied if a worker process ends early; the worker's own exception, with its
             traceback as the text, if the data set fails there

    >>> from tricord.data import TensorDataset
    >>> loader = DataLoader(TensorDataset(np.arange(5)), batch_size=2)
    >>> len(loader), [len(batch) for [batch] in loader]
    (3, [2, 2, 1])
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable | None = None,
        batch_sampler: Iterable | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        prefetch: bool | None = None,
    ):
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        _check_context(multiprocessing_context, num_workers)
        self._iterable = isinstance(dataset, IterableDataset)
        if self._iterable:
            _check_iterable(shuffle, sampler, batch_sampler)
        batch_size, drop_last = _check_batching(
            batch_size, bool(shuffle), sampler, batch_sampler, drop_last)
        if sampler is None and not self._iterable:
            sampler = (RandomSampler(dataset, generator=generator) if shuffle
                       else SequentialSampler(dataset))
        if batch_size is not None and batch_sampler is None:
            # An iterable data set decides by itself what comes: only the number is asked for.
            batch_sampler = BatchSampler(
                sampler if sampler is not None else _Endless(), batch_size, drop_last)
        self.dataset = dataset
        self.batch_size = batch_size
        self.sampler: Any = sampler if sampler is not None else _Endless()
        self.batch_sampler: Any = batch_sampler
        self.num_workers = num_workers
        self.collate_fn = collate_fn or (
            default_convert if batch_sampler is None else default_collate)
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.drop_last = drop_last
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.generator = generator
        self.prefetch_factor = prefetch_factor
        self.persistent_workers = persistent_workers
        self.in_order = in_order
        self.prefetch = prefetch
        self._seed: int | None = None
        self._position = _Position(0, 0)
        self._next_epoch = 0
        self._resume = 0
        self._pool: WorkerPool | None = None
        self._draws_globally = False
        self._built = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and self.__dict__.get("_built"):
            raise ArgumentError(f"{name} attribute should not be set after "
                                f"{type(self).__name__} is initialized",
                                hint="make a new loader")
        super().__setattr__(name, value)

    @property
    def seed(self) -> int:
        """The seed of this loader; asked for when first needed."""
        if self._seed is None:
            self._seed = resolve_seed(self.generator)
        return self._seed

    def __len__(self) -> int:
        if not self._iterable:
            return len(self.sampler if self.batch_sampler is None else self.batch_sampler)
        length = len(self.dataset)
        if self.batch_size is None:
            return length
        return (length // self.batch_size if self.drop_last
                else math.ceil(length / self.batch_size))

    def __iter__(self) -> Iterator[Any]:
        epoch, start = self._next_epoch, self._resume
        self._next_epoch, self._resume = epoch + 1, 0
        self._position = _Position(epoch, start)
        if self.num_workers > 0:
            return _WorkerIterator(self, self._position)
        return _LocalIterator(self, self._position)

    # ------------------------------------------------------------------------------ saved state

    def state_dict(self) -> dict[str, Any]:
        """Where the loader is: plain integers, to be kept with a checkpoint.

        Taken after ``k`` batches of an epoch, it makes the next iteration begin with batch ``k`` of
        that epoch. Batches loaded ahead but not delivered are not counted.
        """
        sampler = self._epoch_sampler()
        return {
            "version": _STATE_VERSION,
            "epoch": self._position.epoch,
            "cursor": self._position.cursor,
            "seed": self.seed,
            "sampler_seed": sampler.seed if sampler is not None else None,
            "batch_size": self.batch_size,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from ``state``: the next iteration delivers what would have come next.

        A sampler or an iterable data set of your own is run again from its start and the batches
        already delivered are skipped.

        Raises:  StateError if the state is of another kind, version or batch size
        """
        missing = [key for key in ("version", "epoch", "cursor", "seed") if key not in state]
        if missing:
            raise StateError(f"DataLoader.load_state_dict: the state has no {', '.join(missing)}",
                             hint="pass what DataLoader.state_dict() returned")
        if state["version"] != _STATE_VERSION:
            raise StateError(f"DataLoader.load_state_dict: version {state['version']} of the state "
                             f"is not known, this is version {_STATE_VERSION}")
        if state["cursor"] and state.get("batch_size") != self.batch_size:
            raise StateError(
                f"DataLoader.load_state_dict: the state counts batches of {state['batch_size']}, "
                f"this loader makes batches of {self.batch_size}",
                hint="use the same batch_size, or resume at the start of an epoch")
        self._seed = int(state["seed"])
        sampler = self._epoch_sampler()
        if sampler is not None and state.get("sampler_seed") is not None:
            sampler.load_state_dict({"seed": state["sampler_seed"], "epoch": state["epoch"]})
        self._next_epoch, self._resume = int(state["epoch"]), int(state["cursor"])
        self._position = _Position(self._next_epoch, self._resume)

    def set_epoch(self, epoch: int) -> None:
        """The epoch that the next iteration visits, from its start."""
        self._next_epoch, self._resume = epoch, 0
        self._position = _Position(epoch, 0)

    # --------------------------------------------------------------------------------- internal

    def _epoch_sampler(self) -> EpochSampler | None:
        inner = (self.batch_sampler.sampler if isinstance(self.batch_sampler, BatchSampler)
                 else self.sampler)
        return inner if isinstance(inner, EpochSampler) else None

    def _plan(self) -> LoadPlan:
        default = default_convert if self.batch_sampler is None else default_collate
        return LoadPlan(
            dataset=self.dataset,
            collate_fn=None if self.collate_fn is default else self.collate_fn,
            batched=self.batch_sampler is not None, drop_last=self.drop_last, seed=self.seed)

    def _jobs(self, epoch: int, start: int) -> Iterator[Job]:
        """The batches of an epoch from number ``start`` on."""
        sampler = self._epoch_sampler()
        batches = self.batch_sampler
        if sampler is not None and type(batches) in (BatchSampler, type(None)):
            order = sampler.order(epoch)
            sampler.set_epoch(epoch + 1)
            if batches is None:
                return ((number, int(order[number])) for number in range(start, len(order)))
            return _slices(order, batches.batch_size, batches.drop_last, start)
        chosen: Iterable = self.sampler if batches is None else batches
        return itertools.islice(enumerate(chosen), start, None)

    def _worker_pool(self) -> WorkerPool:
        """The pool of persistent workers, or a new one for this epoch."""
        if self._pool is not None and not self._pool.closed:
            return self._pool
        pool = WorkerPool(self.num_workers, self._plan(), self.worker_init_fn)
        self._pool = pool if self.persistent_workers else None
        return pool

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_pool": None}


def _slices(order: np.ndarray | range, size: int, drop_last: bool, start: int) -> Iterator[Job]:
    count = len(order) // size if drop_last else -(-len(order) // size)
    for number in range(start, count):
        yield number, order[number * size:(number + 1) * size]


class _Endless:
    """Stands in for a sampler where the data set decides what comes."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


class _LoaderIterator:
    """One pass over the data. Subclasses write ``_next_batch``, which returns END at the end."""

    def __init__(self, loader: DataLoader, position: _Position):
        self._loader = loader
        self._position = position
        self._plan = loader._plan()
        self._done = False

    def __iter__(self) -> Iterator[Any]:
        return self

    def __len__(self) -> int:
        return len(self._loader)

    def __next__(self) -> Any:
        if self._done:
            raise StopIteration
        try:
            batch = self._next_batch()
        except BaseException:
            self._finish()
            raise
        if batch is END:
            self._finish()
            self._position.epoch += 1
            self._position.cursor = 0
            raise StopIteration
        self._position.cursor += 1
        self._check_length()
        return to_tensors(batch) if self._plan.collate_fn is None else batch

    def _next_batch(self) -> Any:
        raise NotImplementedError

    def _finish(self) -> None:
        self._done = True

    def _check_length(self) -> None:
        loader = self._loader
        if not loader._iterable or not hasattr(loader.dataset, "__len__"):
            return
        if self._position.cursor == len(loader) + 1:
            warnings.warn(
                f"Length of IterableDataset {type(loader.dataset).__name__} was reported to be "
                f"{len(loader.dataset)}, but more samples have been fetched. With num_workers > 0 "
                "each worker reads all of it unless it uses get_worker_info() to take a part.",
                stacklevel=4)


def _produce(plan: LoadPlan, jobs: Iterator[Job], epoch: int, skip: int,
             ) -> Generator[Any, None, None]:
    """The batches of one pass, loaded by whoever asks for the next one."""
    fetcher = make_fetcher(plan, epoch)
    for number, indices in jobs:
        batch = fetcher.fetch(number, indices)
        if batch is END:
            return
        if number >= skip:
            yield batch


class _LocalIterator(_LoaderIterator):
    """Loads in this process; ahead, in a thread, where that is of use and safe."""

    def __init__(self, loader: DataLoader, position: _Position):
        super().__init__(loader, position)
        self._queue: PrefetchQueue | None = None
        self._generators = None if self._decided else global_generators_state()
        # A stream cannot be entered in the middle: what was delivered is read again and dropped.
        skip = position.cursor if loader._iterable else 0
        jobs = loader._jobs(position.epoch, position.cursor - skip)
        self._batches = _produce(self._plan, jobs, position.epoch, skip)

    @property
    def _decided(self) -> bool:
        """Whether it is known, without a look at the first batch, that no thread is wanted."""
        wanted = self._loader.prefetch
        if wanted is None:
            return self._loader._draws_globally or takes_rows(self._plan)
        return not wanted

    def _next_batch(self) -> Any:
        if self._queue is not None:
            return self._queue.get(END)
        batch = next(self._batches, END)
        if batch is not END and not self._decided:
            self._start_queue()
        return batch

    def _start_queue(self) -> None:
        """After the first batch, if loading it left the global generators alone."""
        loader = self._loader
        if loader.prefetch is None and global_generators_state() != self._generators:
            loader._draws_globally = True
            return
        self._queue = PrefetchQueue(self._batches, loader.prefetch_factor or 2)
        weakref.finalize(self, self._queue.close)

    def _finish(self) -> None:
        super()._finish()
        if self._queue is not None:
            self._queue.close()


class _WorkerIterator(_LoaderIterator):
    """Asks the workers in turn and delivers in the order asked."""

    def __init__(self, loader: DataLoader, position: _Position):
        super().__init__(loader, position)
        self._skip = position.cursor if loader._iterable else 0
        self._jobs = loader._jobs(position.epoch, position.cursor - self._skip)
        self._pool = loader._worker_pool()
        self._pool.begin(position.epoch)
        self._generation = self._pool.generation
        self._asked: deque[Job] = deque()  # (batch number, worker), oldest first
        self._live = deque(range(loader.num_workers))
        for _ in range((loader.prefetch_factor or 2) * loader.num_workers):
            self._ask()

    def _ask(self) -> None:
        """Ask the next worker in turn for the next batch.

        Which worker that is depends only on what was delivered before, never on timing.
        """
        if not self._live:
            return
        job = next(self._jobs, None)
        if job is None:
            return
        number, indices = job
        worker = self._live[0]
        self._live.rotate(-1)
        self._pool.ask(worker, number, indices)
        self._asked.append((number, worker))

    def _next_batch(self) -> Any:
        if self._pool.generation != self._generation:
            raise ArgumentError(
                "DataLoader: this iterator was replaced by a newer one of the same loader, which "
                "shares its persistent workers", hint="finish one pass before the next, or use "
                "persistent_workers=False")
        while self._asked:
            number, worker = self._asked.popleft()
            batch = self._pool.receive(worker, number, self._loader.timeout, END)
            if batch is END and worker in self._live:
                self._live.remove(worker)
            self._ask()
            if batch is END:
                continue
            if self._skip:
                self._skip -= 1
                continue
            return batch
        return END

    def _finish(self) -> None:
        super()._finish()
        if not self._loader.persistent_workers:
            self._pool.close()


# ------------------------------------------------------------------------------- argument checks


def _check_workers(num_workers: int, timeout: float, prefetch_factor: int | None,
                   persistent_workers: bool) -> None:
    if num_workers < 0:
        raise ArgumentError("num_workers option should be non-negative; "
                            "use num_workers=0 to disable multiprocessing.")
    if timeout < 0:
        raise ArgumentError("timeout option should be non-negative")
    if prefetch_factor is not None and prefetch_factor < 1:
        raise ArgumentError("prefetch_factor option should be positive, "
                            f"got prefetch_factor={prefetch_factor}")
    if persistent_workers and num_workers == 0:
        raise ArgumentError("persistent_workers option needs num_workers > 0")


def _check_context(context: Any, num_workers: int) -> None:
    if context is None:
        return
    if num_workers == 0:
        raise ArgumentError("multiprocessing_context can only be used with multi-process loading "
                            "(num_workers > 0), but got num_workers=0")
    name = context if isinstance(context, str) else context.get_start_method()
    if name not in ("spawn", "fork", "forkserver"):
        raise ArgumentError("multiprocessing_context option should specify a valid start method in "
                            f"['spawn'], but got {name!r}")
    if name != "spawn":
        raise NotSupportedError(f"multiprocessing_context={name!r}: workers are always started as "
                                "fresh processes, a forked one can hang on locks of other threads",
                                hint="multiprocessing_context='spawn', or leave it out")


def _check_iterable(shuffle: bool | None, sampler: Any, batch_sampler: Any) -> None:
    for name, given in (("shuffle", shuffle or None), ("sampler", sampler),
                        ("batch_sampler", batch_sampler)):
        if given is not None:
            raise ArgumentError(
                f"DataLoader with IterableDataset: expected unspecified {name} option, "
                f"but got {name}={given}", hint="the data set itself decides the order")


def _check_batching(batch_size: int | None, shuffle: bool, sampler: Any, batch_sampler: Any,
                    drop_last: bool) -> tuple[int | None, bool]:
    """The batch size and drop_last that apply; None with a batch sampler of the user's."""
    if sampler is not None and shuffle:
        raise ArgumentError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None:
        if batch_size != 1 or shuffle or sampler is not None or drop_last:
            raise ArgumentError("batch_sampler option is mutually exclusive with batch_size, "
                                "shuffle, sampler, and drop_last")
        return None, False
    if batch_size is None and drop_last:
        raise ArgumentError("batch_size=None option disables auto-batching and is mutually "
                            "exclusive with drop_last")
    return batch_size, drop_last
