"""Data sets: a source, and steps that are taken when somebody iterates.

A shuffle's order is a function of its seed and of how often it was begun. Rows of arrays stay
indices as long as they can: a batch of shuffled rows is one ``numpy.take`` per array.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ...data.seeds import Purpose, permutation, raw_words
from ...errors import ArgumentError, DTypeError, nearest
from ...ir.dtypes import int64
from ...keras.initializers import fresh_seed
from ...tensor import recording_gradients
from ...tensor.handle import Handle
from ...tensor.recorder import value_of, wrap
from ...tensor.trees import flatten, unflatten
from .._names import UnknownKeywordError, explain_keywords
from ..dtypes import as_dtype
from ..function import TensorSpec
from ..tensors import EagerTensor, convert, static_ints, where_now
from . import elements as el
from . import steps
from .graph_iterator import Iterator
from .steps import Elements, Rows

__all__ = ["AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "Dataset", "NumpyIterator",
           "Options", "OwnedIterator"]

AUTOTUNE = -1
INFINITE_CARDINALITY, UNKNOWN_CARDINALITY = -1, -2



class Options:
    """Settings of a pipeline; they change nothing here."""

    _known = ("autotune", "deterministic", "experimental_deterministic", "experimental_distribute",
              "experimental_external_state_policy", "experimental_optimization",
              "experimental_slack", "experimental_threading", "threading")

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._known:
            raise UnknownKeywordError(f"tf.data.Options has no attribute {name!r}",
                                      hint=nearest(name, self._known))
        object.__setattr__(self, name, value)


class OwnedIterator:
    """One pass over a data set."""

    def __init__(self, dataset: Dataset):
        self._elements = dataset._begin()
        self._spec: Any = None
        self._dataset = dataset

    def __iter__(self) -> OwnedIterator:
        return self

    def __next__(self) -> Any:
        return el.shown(next(self._elements))

    next = get_next = __next__

    @property
    def element_spec(self) -> Any:
        return self._dataset.element_spec


class NumpyIterator:
    """One pass over a data set, as arrays."""

    def __init__(self, dataset: Dataset):
        self._elements = dataset._begin()

    def __iter__(self) -> NumpyIterator:
        return self

    def __next__(self) -> Any:
        leaves, structure = flatten(next(self._elements), is_leaf=el.is_list)
        return unflatten(structure, [_numpy(v) for v in leaves])


def _numpy(leaf: Any) -> Any:
    if getattr(leaf, "is_data_set", False):
        return leaf
    found = el.array(leaf)
    return found.copy() if found.ndim else found[()]


def _called(function: Callable[..., Any], element: Any) -> Any:
    """The function of an element: the parts of a tuple are its arguments."""
    shown = el.shown(element)
    with recording_gradients(False):
        return function(*shown) if type(shown) is tuple else function(shown)


def _detached(value: Any) -> Any:
    """What a function returned, as an element: a list is a tuple, lists inside are tensors."""
    if type(value) is list:
        value = tuple(value)
    if isinstance(value, Handle) or getattr(value, "is_data_set", False):
        return value
    leaves, structure = el.structured(value)
    return unflatten(structure, leaves)


class Dataset:
    """A stream of elements: tensors, tuples or dicts of them.

    >>> data = Dataset.range(5).map(lambda x: x * 2).batch(2)
    >>> [b.numpy().tolist() for b in data]
    [[0, 2], [4, 6], [8]]
    """

    is_data_set = True

    def __init__(self, begin: Callable[[], Elements], count: int = UNKNOWN_CARDINALITY,
                 spec: Any = None, rows: Callable[[], Rows] | None = None):
        self._begin = begin
        self._count = count
        self._spec = spec
        #: how to get at the rows, if all elements are rows of arrays: arrays, structure, order
        self._rows = rows

    # ---- sources

    @staticmethod
    def from_tensor_slices(tensors: Any, name: str | None = None) -> Dataset:
        """The slices of arrays along their first axis."""
        leaves, structure = el.arrays_of(tensors)
        count = el.first_size(leaves)
        kept = [np.array(leaf) for leaf in leaves]
        return _of_rows(lambda: (kept, structure, np.arange(count)), count)

    @staticmethod
    def from_tensors(tensors: Any, name: str | None = None) -> Dataset:
        """One element."""
        leaves, structure = el.arrays_of(tensors)
        element = unflatten(structure, [np.array(leaf) for leaf in leaves])
        return Dataset(lambda: iter([element]), 1, el.spec_of(element))

    @staticmethod
    def from_generator(generator: Callable[..., Iterable[Any]], output_types: Any = None,
                       output_shapes: Any = None, args: Any = None, output_signature: Any = None,
                       name: str | None = None) -> Dataset:
        """What a Python generator function yields."""
        if not callable(generator):
            raise DTypeError("`generator` must be a Python callable.", where=where_now())
        if output_signature is None and output_types is None:
            raise DTypeError("Either `output_signature` or `output_types` must be specified",
                             where=where_now())
        spec = output_signature if output_signature is not None else steps.spec_from_types(
            output_types, output_shapes)
        arguments = () if args is None else tuple(convert(a) for a in args)
        wanted, structure = flatten(spec)

        def begin() -> Elements:
            for element in generator(*arguments):
                parts, _ = (list(element), None) if len(wanted) > 1 and isinstance(
                    element, (list, tuple)) else flatten(element, is_leaf=el.is_list)
                yield unflatten(structure, [steps.as_spec(p, s) for p, s in zip(parts, wanted,
                                                                           strict=True)])
        return Dataset(begin, UNKNOWN_CARDINALITY, spec)

    @staticmethod
    def range(*args: Any, output_type: Any = int64, name: str | None = None) -> Dataset:
        """Whole numbers, like Python's range."""
        numbers = np.arange(*(static_ints(a, "range") for a in args),
                            dtype=as_dtype(output_type).numpy)
        return _of_rows(lambda: ([numbers], None, np.arange(len(numbers))), len(numbers))

    @staticmethod
    def zip(*args: Any, datasets: Any = None, name: str | None = None) -> Dataset:
        """Elements of several data sets side by side, until one ends."""
        tree = datasets if datasets is not None else args[0] if len(args) == 1 else args
        sources, structure = flatten(tree)
        for source in sources:
            if not isinstance(source, Dataset):
                raise DTypeError(f"Invalid `datasets`: expected data sets, got {source!r:.60}",
                                 where=where_now())

        def begin() -> Elements:
            for parts in zip(*(s._begin() for s in sources), strict=False):
                yield unflatten(structure, list(parts))

        known = [s._count for s in sources if s._count != INFINITE_CARDINALITY]
        count = INFINITE_CARDINALITY if not known else (
            UNKNOWN_CARDINALITY if UNKNOWN_CARDINALITY in known else min(known))
        return Dataset(begin, count)

    @staticmethod
    def random(seed: Any = None, rerandomize_each_iteration: Any = None, name: str | None = None
               ) -> Dataset:
        """Endless random numbers, int64 from 0 to 2**32 - 1."""
        chosen = fresh_seed() if seed is None else int(seed)

        def begin() -> Elements:
            for number in itertools.count():
                word = raw_words(1, chosen, Purpose.SAMPLE, number)[0]
                yield np.asarray(int(word) & 0xFFFFFFFF, np.int64)
        return Dataset(begin, INFINITE_CARDINALITY, TensorSpec((), int64))

    # ---- looking

    def __iter__(self) -> OwnedIterator:
        return OwnedIterator(self)

    def as_numpy_iterator(self) -> NumpyIterator:
        """The elements as arrays."""
        return NumpyIterator(self)

    def __len__(self) -> int:
        if self._count == INFINITE_CARDINALITY:
            raise DTypeError("The dataset is infinite.")
        if self._count == UNKNOWN_CARDINALITY:
            raise DTypeError("The dataset length is unknown.")
        return self._count

    def __bool__(self) -> bool:
        return True

    def cardinality(self, name: str | None = None) -> Any:
        """The number of elements, -1 for infinitely many, -2 for unknown."""
        return wrap(np.asarray(self._count, np.int64), EagerTensor)

    @property
    def element_spec(self) -> Any:
        """Shapes and dtypes of the elements; may look at the first one."""
        if callable(self._spec):
            self._spec = self._spec()
        if self._spec is None:
            first = next(self._begin(), None)
            if first is None:
                raise ArgumentError("element_spec: the data set is empty", where=where_now())
            self._spec = el.spec_of(first)
        return self._spec

    def get_single_element(self, name: str | None = None) -> Any:
        """The only element."""
        found = list(itertools.islice(self._begin(), 2))
        if len(found) != 1:
            raise ArgumentError(f"Dataset had {'no' if not found else 'more than one'} element.",
                                where=where_now())
        return el.shown(found[0])

    def reduce(self, initial_state: Any, reduce_func: Callable[[Any, Any], Any],
               name: str | None = None) -> Any:
        """``state = reduce_func(state, element)`` over all elements."""
        state = el.shown(_detached(initial_state))
        for element in self:
            state = el.shown(_detached(reduce_func(state, element)))
        return state

    # ---- rows

    def batch(self, batch_size: Any, drop_remainder: bool = False, num_parallel_calls: Any = None,
              deterministic: Any = None, name: str | None = None) -> Dataset:
        """Elements one upon another, ``batch_size`` at a time.

        Raises:  InvalidArgumentError (when it is iterated) if shapes differ
        """
        size = static_ints(batch_size, "batch")
        if size < 1:
            raise ArgumentError(f"batch_size must be greater than zero, got {size}",
                                where=where_now())
        source = self

        def begin() -> Elements:
            if source._rows is not None:
                yield from steps.row_batches(source._rows(), size, drop_remainder)
                return
            elements = source._begin()
            while chunk := list(itertools.islice(elements, size)):
                if len(chunk) < size and drop_remainder:
                    return
                yield el.batched(chunk)

        count = self._count
        if count >= 0:
            count = count // size if drop_remainder else -(-count // size)
        return Dataset(begin, count, lambda: steps.deeper(
            source.element_spec, size if drop_remainder else None))

    def padded_batch(self, batch_size: Any, padded_shapes: Any = None, padding_values: Any = None,
                     drop_remainder: bool = False, name: str | None = None) -> Dataset:
        """`batch` of elements of different sizes, filled up to the longest of the batch."""
        size = static_ints(batch_size, "padded_batch")

        def begin() -> Elements:
            elements = self._begin()
            while chunk := list(itertools.islice(elements, size)):
                if len(chunk) < size and drop_remainder:
                    return
                yield el.batched(steps.padded(chunk, padded_shapes, padding_values))

        count = self._count
        if count >= 0:
            count = count // size if drop_remainder else -(-count // size)
        return Dataset(begin, count)

    def unbatch(self, name: str | None = None) -> Dataset:
        """The slices of each element along the first axis."""

        def begin() -> Elements:
            for element in self._begin():
                leaves, structure = el.arrays_of(element)
                for i in np.arange(el.first_size(leaves)).tolist():
                    yield unflatten(structure, [leaf[i] for leaf in leaves])
        return Dataset(begin)

    def shuffle(self, buffer_size: Any, seed: Any = None, reshuffle_each_iteration: Any = None,
                name: str | None = None) -> Dataset:
        """In random order, each element drawn from the next ``buffer_size``.

        The order follows from the seed, and changes each time round unless
        ``reshuffle_each_iteration`` is False.
        """
        size = static_ints(buffer_size, "shuffle")
        if size < 1:
            raise ArgumentError(f"buffer_size must be greater than zero, got {size}",
                                where=where_now())
        chosen = fresh_seed() if seed is None else static_ints(seed, "shuffle")
        rounds = itertools.count()
        reshuffle = reshuffle_each_iteration is not False

        def epoch() -> int:
            return next(rounds) if reshuffle else 0

        if self._rows is not None and 0 <= self._count <= size:
            source = self._rows

            def rows() -> Rows:
                arrays, structure, order = source()
                mixed = permutation(len(order), chosen, Purpose.SHUFFLE, epoch())
                return arrays, structure, order[mixed]
            return _of_rows(rows, self._count)
        return Dataset(lambda: steps.buffered(self._begin(), size, chosen, epoch()), self._count,
                       self._spec)

    def take(self, count: Any, name: str | None = None) -> Dataset:
        """At most this many elements (-1: all)."""
        number = static_ints(count, "take")
        if number < 0:
            return self
        left = number if self._count == INFINITE_CARDINALITY else (
            min(number, self._count) if self._count >= 0 else self._count)
        if self._rows is not None:
            source = self._rows
            return _of_rows(lambda: steps.ordered(source(), slice(0, number)), left)
        return Dataset(lambda: itertools.islice(self._begin(), number), left, self._spec)

    def skip(self, count: Any, name: str | None = None) -> Dataset:
        """Without the first elements (-1: without any)."""
        number = static_ints(count, "skip")
        if number < 0:
            return self.take(0)
        left = max(self._count - number, 0) if self._count >= 0 else self._count
        if self._rows is not None:
            source = self._rows
            return _of_rows(lambda: steps.ordered(source(), slice(number, None)), left)
        return Dataset(lambda: itertools.islice(self._begin(), number, None), left, self._spec)

    def shard(self, num_shards: Any, index: Any, name: str | None = None) -> Dataset:
        """Every ``num_shards``-th element, from number ``index`` on."""
        step, start = static_ints(num_shards, "shard"), static_ints(index, "shard")
        if not 0 <= start < step:
            raise ArgumentError(f"index must be between 0 and {step - 1} (currently index = "
                                f"{start}).", where=where_now())
        left = self._count if self._count < 0 else len(np.arange(start, self._count, step))
        return Dataset(lambda: itertools.islice(self._begin(), start, None, step), left,
                       self._spec)

    # ---- functions

    def map(self, map_func: Callable[..., Any], num_parallel_calls: Any = None,
            deterministic: Any = None, synchronous: Any = None,
            use_unbounded_threadpool: Any = None, name: str | None = None) -> Dataset:
        """The function of each element; the parts of a tuple are its arguments."""

        def begin() -> Elements:
            for element in self._begin():
                yield _detached(_called(map_func, element))
        return Dataset(begin, self._count)

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements for which the function holds."""

        def begin() -> Elements:
            return (e for e in self._begin() if bool(_called(predicate, e)))
        return Dataset(begin, INFINITE_CARDINALITY if self._count == INFINITE_CARDINALITY
                       else UNKNOWN_CARDINALITY, self._spec)

    def take_while(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements before the first for which the function does not hold."""

        def begin() -> Elements:
            return itertools.takewhile(lambda e: bool(_called(predicate, e)), self._begin())
        return Dataset(begin, UNKNOWN_CARDINALITY, self._spec)

    def flat_map(self, map_func: Callable[..., Dataset], name: str | None = None) -> Dataset:
        """The elements of the data sets that the function makes, one after another."""

        def begin() -> Elements:
            for element in self._begin():
                yield from _called(map_func, element)._begin()
        return Dataset(begin)

    def interleave(self, map_func: Callable[..., Dataset], cycle_length: Any = None,
                   block_length: Any = None, num_parallel_calls: Any = None,
                   deterministic: Any = None, name: str | None = None) -> Dataset:
        """`flat_map`, taking ``block_length`` elements in turn from ``cycle_length`` data sets."""
        width = max(static_ints(cycle_length or 1, "interleave"), 1)
        block = max(static_ints(block_length or 1, "interleave"), 1)

        def begin() -> Elements:
            sources = self._begin()
            cycle = [_called(map_func, e)._begin() for e in itertools.islice(sources, width)]
            at = 0
            while cycle:
                at %= len(cycle)
                found = list(itertools.islice(cycle[at], block))
                yield from found
                if len(found) == block:
                    at += 1
                    continue
                following = next(sources, None)
                if following is None:
                    cycle.pop(at)
                else:
                    cycle[at] = _called(map_func, following)._begin()
        return Dataset(begin)

    def scan(self, initial_state: Any, scan_func: Callable[..., Any], name: str | None = None
             ) -> Dataset:
        """``state, element = scan_func(state, element)``; the new elements."""

        def begin() -> Elements:
            state = el.shown(_detached(initial_state))
            for element in self:
                state, found = scan_func(state, element)
                yield _detached(found)
        return Dataset(begin, self._count)

    def enumerate(self, start: Any = 0, name: str | None = None) -> Dataset:
        """Pairs of a number (int64) and an element."""
        first = static_ints(start, "enumerate")

        def begin() -> Elements:
            return ((np.asarray(i, np.int64), e)
                    for i, e in enumerate(self._begin(), start=first))
        return Dataset(begin, self._count)

    def window(self, size: Any, shift: Any = None, stride: Any = 1, drop_remainder: bool = False,
               name: str | None = None) -> Dataset:
        """Data sets of ``size`` elements each, ``shift`` apart."""
        length, step = static_ints(size, "window"), static_ints(stride, "window")
        move = length if shift is None else static_ints(shift, "window")

        def begin() -> Elements:
            kept: list[Any] = []
            source, reach = self._begin(), (length - 1) * step + 1
            while True:
                kept.extend(itertools.islice(source, max(reach - len(kept), 0)))
                part = kept[:reach:step]
                if not part or (len(part) < length and drop_remainder):
                    return
                yield _windowed(part)
                gone = move - len(kept)
                kept = kept[move:]
                if gone > 0:
                    for _ in itertools.islice(source, gone):
                        pass
        return Dataset(begin)

    # ---- order

    def repeat(self, count: Any = None, name: str | None = None) -> Dataset:
        """All elements again and again, ``count`` times (None: for ever)."""
        number = -1 if count is None else static_ints(count, "repeat")

        def begin() -> Elements:
            for _ in itertools.count() if number < 0 else np.arange(number):
                empty = True
                for element in self._begin():
                    empty = False
                    yield element
                if empty:
                    return

        total = INFINITE_CARDINALITY if number < 0 and self._count != 0 else (
            self._count * number if self._count >= 0 else self._count)
        return Dataset(begin, max(total, -2), self._spec)

    def concatenate(self, dataset: Dataset, name: str | None = None) -> Dataset:
        """The elements of this one, then those of another."""
        counts = (self._count, dataset._count)
        total = sum(counts) if min(counts) >= 0 else (
            INFINITE_CARDINALITY if INFINITE_CARDINALITY in counts else UNKNOWN_CARDINALITY)
        return Dataset(lambda: itertools.chain(self._begin(), dataset._begin()), total)

    def unique(self, name: str | None = None) -> Dataset:
        """Each value once."""

        def begin() -> Elements:
            seen: set[bytes] = set()
            for element in self._begin():
                key = el.array(element).tobytes()
                if key not in seen:
                    seen.add(key)
                    yield element
        return Dataset(begin, UNKNOWN_CARDINALITY, self._spec)

    def prefetch(self, buffer_size: Any = None, name: str | None = None) -> Dataset:
        """The same data set: elements are made when they are asked for."""
        return self

    def cache(self, filename: str = "", name: str | None = None) -> Dataset:
        """Keep all elements in memory after the first whole pass."""
        if filename:
            raise ArgumentError("cache: tricord keeps elements in memory only",
                                where=where_now(), hint="cache()")
        kept: list[list[Any]] = []

        def begin() -> Elements:
            if kept:
                yield from kept[0]
                return
            found = []
            for element in self._begin():
                leaves, structure = flatten(element, is_leaf=el.is_list)
                element = unflatten(structure, [
                    value_of(v) if isinstance(v, Handle) else v for v in leaves])
                found.append(element)
                yield element
            kept.append(found)
        return Dataset(begin, self._count, self._spec)

    def apply(self, transformation_func: Callable[[Dataset], Dataset]) -> Dataset:
        """The function of this data set."""
        return transformation_func(self)

    def with_options(self, options: Any, name: str | None = None) -> Dataset:
        """The same data set."""
        return self

    def options(self) -> Options:
        return Options()

    def ignore_errors(self, log_warning: bool = False, name: str | None = None) -> Dataset:
        raise ArgumentError("ignore_errors is not supported: an error in a pipeline is shown",
                            where=where_now(), hint="filter out what is damaged")

    def make_one_shot_iterator(self) -> Iterator:
        """An iterator of the graph that is being built (TensorFlow 1)."""
        return Iterator(self, True)

    def make_initializable_iterator(self, shared_name: str | None = None) -> Iterator:
        """The same; it begins when its ``initializer`` is run."""
        return Iterator(self, False)

    def __repr__(self) -> str:
        return f"<Dataset of {'unknown' if self._count < 0 else self._count} elements>"


# ---- how steps are taken

def _of_rows(rows: Callable[[], Rows], count: int) -> Dataset:
    """A data set whose elements are rows of arrays."""

    def begin() -> Elements:
        arrays, structure, order = rows()
        for i in order.tolist():
            yield unflatten(structure, [a[i, ...] for a in arrays])

    return Dataset(begin, count, None, rows)


def _windowed(part: list[Any]) -> Any:
    """A window: a data set, or a tuple of data sets for elements that are tuples."""
    first = part[0]
    if isinstance(first, tuple):
        return tuple(_listed([e[i] for e in part]) for i in np.arange(len(first)).tolist())
    return _listed(part)


def _listed(part: list[Any]) -> Dataset:
    return Dataset(lambda: iter(part), len(part))


explain_keywords(globals())
