"""Random graphs from a seed, and random arrays for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

import tricord.ir.ops  # noqa: F401 - registers the records
from tricord.autodiff import gradients
from tricord.errors import TricordError
from tricord.ir.dtypes import DType, as_dtype, bool_
from tricord.ir.graph import is_input, make_input, toposort
from tricord.ir.node import Node
from tricord.ir.ops import elementwise as ew
from tricord.ir.ops import movement as mv
from tricord.ir.ops import reduce as rd
from tricord.ir.ops.contraction import dot_general
from tricord.ir.ops.dynamic_slice import dynamic_slice, dynamic_update_slice
from tricord.ir.ops.indexing import scatter, take
from tricord.ir.ops.sort import sort
from tricord.ir.ops.structural import constant, iota
from tricord.ir.shapes import TensorType

__all__ = ["Case", "laid_out", "make_case"]

_DTYPES = {"float32": 12, "float64": 3, "int32": 3, "bool": 2, "float16": 1, "bfloat16": 1,
           "int64": 1, "int8": 1, "uint8": 1, "uint32": 1, "int16": 1, "uint64": 1}
_EXTENTS = [1, 1, 2, 3, 4, 5, 7, 8, 11, 13, 16, 17, 31, 32, 33, 64, 67, 100]
_SPECIAL = [np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-41, -1e-41, 1e-310, 3e38, -3e38, 1e30, 1.0]
_LARGEST = 6000


@dataclass
class Case:
    """A graph and arrays for its inputs, by slot."""

    seed: int
    outputs: list[Node]
    arrays: list[np.ndarray]


def make_case(seed: int, factor: int = 1) -> Case:
    """The case of a seed; ``factor``: how much larger tensors may be than usual."""
    return _Maker(seed, factor).case()


class _Maker:
    def __init__(self, seed: int, factor: int):
        self.seed = seed
        self.rng = np.random.default_rng([seed, factor])
        self.factor = factor
        self.nodes: list[Node] = []
        self.arrays: list[np.ndarray] = []
        self.extents = [int(e) for e in self.rng.choice(_EXTENTS, 4)]
        if factor > 1:
            self.extents += [int(e) * factor for e in self.rng.choice(_EXTENTS[6:], 2)]
        if self.rng.random() < 0.05:
            self.extents.append(0)
        self.differentiable = bool(self.rng.random() < 0.2)
        self.special = bool(self.rng.random() < 0.3)
        names = list(_DTYPES)
        weights = np.array(list(_DTYPES.values()), float)
        count = int(self.rng.integers(1, 4))
        self.dtypes = [as_dtype(n) for n in self.rng.choice(names, count, p=weights / sum(weights))]

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def below(self, n: int) -> int:
        return int(self.rng.integers(n))

    def one_of(self, options: Sequence):
        return options[self.below(len(options))]

    def case(self) -> Case:
        steps = [(self.unary, 4), (self.binary, 7), (self.select, 1), (self.convert, 2),
                 (self.move, 4), (self.regions, 1.5), (self.reduction, 4), (self.product, 1.5),
                 (self.softmax, 0.7), (self.normalized, 0.7), (self.layer, 1), (self.fresh, 1),
                 (self.twins, 0.7), (self.indexed, 1), (self.along_axis, 1), (self.box, 0.5),
                 (self.by_library, 0.4)]
        weights = np.array([w for _, w in steps])
        self.add(self.source(self.shape(), self.dtype()))
        wanted = len(self.nodes) + int(self.rng.integers(2, 16))
        for _ in range(60):
            if len(self.nodes) >= wanted:
                break
            make = steps[int(self.rng.choice(len(steps), p=weights / weights.sum()))][0]
            try:
                self.add(make())
            except TricordError:  # an empty maximum and the like
                continue
        outputs = self.chosen_outputs()
        return Case(self.seed, outputs + self.gradients(outputs), self.arrays)

    def add(self, node: Node) -> None:
        if node.size <= _LARGEST * self.factor and node.ndim <= 6:
            self.nodes.append(node)

    def chosen_outputs(self) -> list[Node]:
        used = {p for n in self.nodes for p in n.parents}
        last = [n for n in self.nodes if n not in used]
        outputs = [n for n in last if not is_input(n)][-4:] or [self.nodes[-1]]
        for _ in range(self.below(3)):
            outputs.append(self.one_of(self.nodes))
        if self.chance(0.15):
            outputs.append(self.one_of(outputs))
        order = self.rng.permutation(len(outputs))
        return [outputs[i] for i in order]

    def gradients(self, outputs: Sequence[Node]) -> list[Node]:
        """Of the sum of all results: what training runs."""
        roots = [n for n in toposort(outputs) if is_input(n) and n.needs_grad]
        totals = [n for n in outputs if n.needs_grad and n.dtype.kind == "f"]
        ones = [mv.broadcast(constant(1, n.dtype), n.shape, ()) for n in totals]
        if not roots or not totals:
            return []
        try:
            return [n for n in gradients(totals, ones, roots) if n is not None]
        except TricordError:  # of an integer product and the like
            return []

    # ---- what to start from

    def dtype(self) -> DType:
        return self.one_of(self.dtypes)

    def shape(self, rank: int | None = None) -> tuple[int, ...]:
        rank = int(self.rng.choice(5, p=[0.06, 0.26, 0.38, 0.2, 0.1])) if rank is None else rank
        for _ in range(20):
            shape = tuple(self.one_of(self.extents) for _ in range(rank))
            if np.prod(shape) <= _LARGEST * self.factor:
                return shape
        return tuple(self.one_of([1, 2, 3]) for _ in range(rank))

    def input(self, shape: Sequence[int], dtype: DType) -> Node:
        values = np.array(self.values(tuple(shape), dtype))
        self.arrays.append(laid_out(self.rng, values))
        return make_input(len(self.arrays) - 1, TensorType(values.shape, dtype),
                          self.differentiable and dtype.kind == "f")

    def values(self, shape: tuple[int, ...], dtype: DType) -> np.ndarray:
        rng = self.rng
        if dtype is bool_:
            return np.asarray(rng.integers(0, 2, shape)).astype(bool)
        if dtype.kind in "iu":
            info = np.iinfo(dtype.numpy)
            low = self.one_of([-4, -4, -9, 1]) if info.min else self.below(2)
            values = np.asarray(rng.integers(low, low + 8, shape)).astype(dtype.numpy)
            if self.chance(0.25):
                some = np.array([info.min, info.max, info.max - 1, 0], dtype.numpy)
                values = np.where(rng.random(shape) < 0.1, rng.choice(some, shape), values)
            return values.astype(dtype.numpy)
        with np.errstate(all="ignore"):
            values = np.asarray(rng.standard_normal(shape) * 1.5)
            if self.special and self.chance(0.6):
                share = self.one_of([0.02, 0.1, 0.5])
                values = np.where(rng.random(shape) < share, rng.choice(_SPECIAL, shape), values)
            elif self.chance(0.3):  # small whole numbers, -0.0 among them; of one sign; far off
                values = self.one_of([np.rint, np.abs, lambda v: -np.abs(v) - 1, lambda v: v + 50])(
                    values)
            return values.astype(dtype.numpy)

    def source(self, shape: Sequence[int], dtype: DType) -> Node:
        """A tensor of this type: an input, a view of one, a counter, a constant."""
        shape = tuple(shape)
        kind = self.below(14)
        rank = len(shape)
        if kind == 0 and rank:
            order = self.rng.permutation(rank)
            x = self.input([shape[a] for a in order], dtype)
            return mv.transpose(x, [int(a) for a in np.argsort(order)])
        if kind == 1:
            axes = [a for a in range(rank) if self.chance(0.5)]
            return mv.broadcast(self.input([shape[a] for a in axes], dtype), shape, axes)
        if kind == 2 and rank:
            start, step = self.rng.integers(0, 3, rank), self.rng.integers(1, 3, rank)
            stop = [int(a + s * t - (t - 1) if s else a)
                    for a, s, t in zip(start, shape, step, strict=True)]
            whole = [b + self.below(2) for b in stop]
            return mv.slice_(self.input(whole, dtype), [int(a) for a in start], stop,
                             [int(t) for t in step])
        if kind == 3:
            return mv.reshape(self.input((int(np.prod(shape)),), dtype), shape)
        if kind == 4 and rank and dtype is not bool_:
            return iota(shape, dtype, self.below(rank))
        if kind == 5:
            number = self.one_of([0, 1, 2, 3]) if dtype.kind != "f" else self.one_of(
                [0.0, -0.0, 1.0, 2.5, -1.5, np.inf, np.nan] if self.special else [0.0, 1.0, 0.5])
            return mv.broadcast(constant(number, dtype), shape, ())
        if kind == 6 and rank:
            return mv.flip(self.input(shape, dtype), axes=(self.below(rank),))
        return self.input(shape, dtype)

    def fresh(self) -> Node:
        return self.source(self.shape(), self.dtype())

    def picked(self, wanted: Callable[[Node], bool] = lambda n: True) -> Node | None:
        """A node made so far, mostly a late one."""
        fitting = [n for n in self.nodes if wanted(n)]
        if not fitting:
            return None
        back = min(int(self.rng.geometric(0.3)) - 1, len(fitting) - 1)
        return self.one_of(fitting) if self.chance(0.25) else fitting[-1 - back]

    def any_node(self, kinds: str = "biuf") -> Node:
        found = self.picked(lambda n: n.dtype.kind in kinds)
        if found is not None:
            return found
        x = self.picked(lambda n: n.dtype.kind != "c")
        assert x is not None
        return self.converted(x, as_dtype("float32" if "f" in kinds else "int32"))

    def partner(self, x: Node) -> Node:
        """A second operand of the same type: something there is, stretched or cast if need be."""
        def fits(n: Node) -> bool:
            return n.dtype is x.dtype and n.ndim <= x.ndim and all(
                a in (1, b) for a, b in zip(n.shape[::-1], x.shape[::-1], strict=False))

        if self.chance(0.12):
            return self.moved(x)
        if self.chance(0.08) and x.dtype is not bool_:  # what simplifying looks for
            number = self.one_of([0.0, -0.0, 1.0]) if x.dtype.kind == "f" else self.one_of([0, 1])
            return mv.broadcast(constant(number, x.dtype), x.shape, ())
        y = self.picked(fits) if self.chance(0.75) else None
        if y is None and self.chance(0.4):
            y = self.picked(lambda n: n.shape == x.shape and n.dtype.kind in "iuf")
            y = None if y is None else self.converted(y, x.dtype)
        if y is None:  # leading axes left out, others of size one
            shape = x.shape[self.below(x.ndim + 1) if self.chance(0.4) else 0:]
            y = self.source([1 if self.chance(0.2) else s for s in shape], x.dtype)
        return mv.broadcast_to(y, x.shape)

    def moved(self, x: Node) -> Node:
        """Its own elements at other places, in the same shape."""
        axes = list(range(x.ndim))
        pairs = [(a, b) for a in axes for b in axes[:a] if x.shape[a] == x.shape[b] != 1]
        if pairs and self.chance(0.6):
            a, b = self.one_of(pairs)
            axes[a], axes[b] = b, a
            return mv.transpose(x, axes)
        kind = self.below(3)
        if kind == 0 or not x.size or not x.ndim:
            return mv.flip(x, axes=tuple(a for a in axes if self.chance(0.7)))
        if kind == 1:  # one row or column everywhere
            axis = self.below(x.ndim)
            at = self.below(x.shape[axis])
            row = mv.slice_(x, [at if a == axis else 0 for a in axes],
                            [at + 1 if a == axis else s for a, s in enumerate(x.shape)])
            return mv.broadcast_to(row, x.shape)
        columns = mv.reshape(x, (x.shape[-1], x.size // x.shape[-1]))
        return mv.reshape(mv.transpose(columns, (1, 0)), x.shape)

    def converted(self, x: Node, dtype: DType) -> Node:
        if x.dtype.kind == "f" and dtype.kind in "iu":
            low = mv.broadcast(constant(0, x.dtype), x.shape, ())
            return ew.cast(ew.maximum(x, low), dtype)
        return ew.cast(x, dtype)

    # ---- steps

    def unary(self) -> Node:
        x = self.any_node()
        if x.dtype is bool_:
            return ew.bitwise_not(x)
        if x.dtype.kind in "iu":
            return self.one_of([ew.negative, ew.absolute, ew.bitwise_not])(x)
        return self.one_of([ew.negative, ew.absolute, ew.floor, ew.sqrt, ew.exp, ew.tanh,
                            ew.logistic, ew.is_nan, ew.is_finite, ew.sign])(x)

    def binary(self) -> Node:
        x = self.any_node()
        y = self.partner(x)
        if self.chance(0.5):
            x, y = y, x
        compare = [ew.equal, ew.not_equal, ew.less, ew.less_equal, ew.greater, ew.greater_equal]
        logic = [ew.bitwise_and, ew.bitwise_or, ew.bitwise_xor]
        plain = [ew.add, ew.subtract, ew.multiply, ew.maximum, ew.minimum]
        if x.dtype is bool_:
            return self.one_of([*logic, *compare, ew.maximum])(x, y)
        if self.chance(0.12):
            return self.one_of(compare)(x, y)
        if x.dtype.kind in "iu":
            return self.one_of([*plain, *logic, ew.floor_divide, ew.remainder])(x, y)
        return self.one_of([*plain, *plain, ew.divide])(x, y)

    def select(self) -> Node:
        x = self.any_node()
        condition = self.picked(lambda n: n.dtype is bool_ and n.shape == x.shape)
        if condition is None or self.chance(0.3):
            condition = ew.less(x, self.partner(x))
        return ew.where(condition, x, self.partner(x))

    def convert(self) -> Node:
        x = self.any_node()
        return self.converted(x, as_dtype(self.one_of(list(_DTYPES))))

    def move(self) -> Node:
        x = self.any_node()
        kind = self.below(5)
        if kind == 0:
            return mv.reshape(x, self.regrouped(x.shape))
        if kind == 1 and x.ndim:
            return mv.transpose(x, [int(a) for a in self.rng.permutation(x.ndim)])
        if kind == 2 and x.ndim:
            start = [self.below(s + 1) if self.chance(0.4) else 0 for s in x.shape]
            stop = [int(self.rng.integers(a, s + 1)) if self.chance(0.3) else s
                    for a, s in zip(start, x.shape, strict=True)]
            return mv.slice_(x, start, stop, [self.one_of([1, 1, 2, 3]) for _ in x.shape])
        if kind == 3 and x.ndim:
            return mv.flip(x, axes=tuple(a for a in range(x.ndim) if self.chance(0.5)))
        at = self.below(x.ndim + 1)
        size = self.one_of(self.extents)
        return mv.broadcast(x, (*x.shape[:at], size, *x.shape[at:]),
                            [a + (a >= at) for a in range(x.ndim)])

    def regrouped(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Another shape of as many elements: factors in order, put together anew."""
        factors: list[int] = []
        for size in shape:
            for prime in (2, 3, 5, 7):
                while size and size % prime == 0:
                    factors.append(prime)
                    size //= prime
            if size != 1:
                factors.append(size)
        groups: list[int] = []
        for factor in factors:
            if groups and self.chance(0.65) and len(groups) < 5:
                groups[-1] *= factor
            elif len(groups) < 5:
                groups.append(factor)
            else:
                groups[-1] *= factor
        if self.chance(0.3):
            groups.insert(self.below(len(groups) + 1), 1)
        return tuple(groups)

    def regions(self) -> Node:
        x = self.any_node()
        if not x.ndim:
            return mv.reshape(x, (1,))
        if self.chance(0.5):
            low = [self.below(5) - 1 if self.chance(0.5) else 0 for _ in x.shape]
            high = [self.below(5) - 1 if self.chance(0.5) else 0 for _ in x.shape]
            inner = [self.below(3) if self.chance(0.25) else 0 for _ in x.shape]
            value = self.picked(lambda n: n.dtype is x.dtype and not n.ndim)
            if value is None or self.chance(0.5):
                value = self.source((), x.dtype)
            return mv.pad(x, value, low, high, inner)
        axis = self.below(x.ndim)
        parts = [x]
        for _ in range(self.below(3) + 1):
            y = self.picked(lambda n: n.dtype is x.dtype and n.ndim == x.ndim and all(
                a == b for i, (a, b) in enumerate(zip(n.shape, x.shape, strict=True))
                if i != axis))
            parts.append(y if y is not None and self.chance(0.7) else self.source(
                [self.one_of(self.extents) if a == axis else s for a, s in enumerate(x.shape)],
                x.dtype))
        return mv.concatenate(parts, axis)

    def some_axes(self, x: Node) -> tuple[int, ...]:
        kind = self.below(4)
        if kind == 0:
            return tuple(range(self.below(x.ndim + 1), x.ndim))  # the last ones
        if kind == 1:
            return tuple(range(self.below(x.ndim + 1)))  # the first ones
        return tuple(a for a in range(x.ndim) if self.chance(0.5))

    def reduction(self) -> Node:
        x = self.any_node()
        axes = self.some_axes(x)
        if x.dtype is bool_:
            return self.one_of([rd.reduce_any, rd.reduce_all, rd.reduce_max])(x, axes=axes)
        kind = self.one_of(["sum", "sum", "max", "min", "prod"])
        if kind == "sum":
            y = rd.reduce_sum(x, axes)
        else:
            y = {"max": rd.reduce_max, "min": rd.reduce_min, "prod": rd.reduce_prod}[kind](
                x, axes=axes)
        return rd.restore(y, x, axes) if self.chance(0.3) else y

    def product(self) -> Node:
        dtype = self.one_of([as_dtype(n) for n in (
            "float32", "float32", "float32", "float32", "float64", "int32", "float16", "bfloat16")])
        x = self.picked(lambda n: n.dtype is dtype and 1 <= n.ndim <= 4)
        if x is None or self.chance(0.3):
            x = self.source(self.shape(self.below(3) + 1), dtype)
        role = [self.one_of("bccff") for _ in x.shape] if x.ndim > 2 else [
            self.one_of("ccf") for _ in x.shape]
        batch = [a for a, r in enumerate(role) if r == "b"]
        contract = [a for a, r in enumerate(role) if r == "c"]
        own = [self.one_of(self.extents) for _ in range(self.below(2) + self.chance(0.7))]
        sizes = [*(x.shape[a] for a in batch), *(x.shape[a] for a in contract), *own]
        places = [int(a) for a in self.rng.permutation(len(sizes))]  # axis -> which of sizes
        if np.prod([s or 1 for s in sizes]) > _LARGEST * self.factor:
            places, sizes = places[:0], []
            batch, contract = [], []
        y = self.source([sizes[p] for p in places], dtype)
        if self.chance(0.3):
            y = self.one_of([ew.negative, lambda n: mv.flip(n, axes=tuple(range(n.ndim)))])(y)
        at = {size: axis for axis, size in enumerate(places)}
        result = [*(x.shape[a] for a in range(x.ndim) if a not in contract), *own]
        if np.prod([s or 1 for s in result]) > _LARGEST * self.factor:
            return mv.reshape(x, (-1,) if x.size else (0,))
        return dot_general(
            x, y, (contract, [at[len(batch) + i] for i in range(len(contract))]),
            (batch, [at[i] for i in range(len(batch))]))

    # ---- steps of several nodes, as programs have them

    def softmax(self) -> Node:
        x = self.any_node("f")
        axes = self.some_axes(x)
        shifted = x - rd.restore(rd.reduce_max(x, axes=axes), x, axes)
        e = ew.exp(shifted)
        total = rd.restore(rd.reduce_sum(e, axes), x, axes)
        return e / total if self.chance(0.7) else shifted * total

    def normalized(self) -> Node:
        x = self.any_node("f")
        axes = self.some_axes(x)
        count = float(max(int(np.prod([x.shape[a] for a in axes])), 1))
        centred = x - rd.restore(rd.reduce_sum(x, axes), x, axes) / count
        variance = rd.reduce_sum(centred * centred, axes) / count
        scale = ew.sqrt(variance + 0.5)
        if self.chance(0.3):
            self.add(scale)
        result = centred / rd.restore(scale, x, axes)
        return result * self.partner(x) + self.partner(x) if self.chance(0.5) else result

    def layer(self) -> Node:
        x = self.picked(lambda n: n.dtype.name in ("float32", "float64") and n.ndim == 2)
        if x is None or self.chance(0.2):
            x = self.source(self.shape(2), as_dtype("float32"))
        units = self.one_of(self.extents)
        if x.shape[1] * units > _LARGEST * self.factor:
            units = 1
        w = self.source((units, x.shape[1]) if self.chance(0.5) else (x.shape[1], units), x.dtype)
        product = dot_general(x, w, ((1,), (1 if w.shape[0] == units and w.shape[1] == x.shape[1]
                                            else 0,)))
        y = product
        for _ in range(self.below(4)):
            y = self.one_of([ew.add, ew.maximum, ew.multiply])(y, self.partner(y))
        if self.chance(0.3):
            y = ew.tanh(y)
        if self.chance(0.3):
            self.add(product)
        if self.chance(0.3):
            self.add(y)
            return rd.reduce_sum(y, (0,))
        return y

    def twins(self) -> Node:
        """Two results from one reading: gradients of a parameter, moments."""
        x = self.any_node("f")
        self.add(rd.reduce_sum(x * x, self.some_axes(x)))
        self.add(rd.reduce_sum(x * self.partner(x), self.some_axes(x)))
        return rd.reduce_max(x, axes=self.some_axes(x))


    # ---- steps with loops of their own

    def places(self, size: int, shape: Sequence[int]) -> Node:
        """Whole numbers that are indices into an axis of this size."""
        dtype = as_dtype(self.one_of(["int32", "int64"]))
        if self.chance(0.4) and len(shape):
            counted = iota(shape, dtype, self.below(len(shape)))
            return ew.remainder(counted * self.one_of([1, 1, 3, 7]), mv.broadcast(
                constant(size, dtype), shape, ()))
        values = self.rng.integers(-size if self.chance(0.3) else 0, size, shape)
        self.arrays.append(laid_out(self.rng, np.array(values, dtype.numpy)))
        return make_input(len(self.arrays) - 1, TensorType(np.shape(values), dtype))

    def indexed(self) -> Node:
        x = self.any_node()
        if not x.ndim or not x.size:
            return ew.absolute(x) if x.dtype.kind != "b" else ew.bitwise_not(x)
        axis = self.below(x.ndim)
        mode = self.one_of(["raise", "clip", "wrap", "fill"])
        count = self.one_of([1, 3, 5, 16])
        indices = self.places(x.shape[axis], self.one_of([(), (count,), (2, count)]))
        kind = self.below(3)
        if kind == 0:
            return take(x, indices, axis, mode)
        rest = tuple(s for a, s in enumerate(x.shape) if a != axis)
        updates = self.source((*indices.shape, *rest), x.dtype)
        how = "set" if x.dtype is bool_ or kind == 1 else "add"
        return scatter(x, updates, indices, axes=(axis,), mode=mode, reduce=how)

    def along_axis(self) -> Node:
        x = self.any_node()
        if not x.ndim or not x.size:
            return mv.reshape(x, (1, *x.shape))
        axis = self.below(x.ndim)
        kind = self.below(5)
        if kind == 0:
            return self.one_of([rd.argmax, rd.argmin])(x, axis=axis)
        if kind == 1 or x.dtype is bool_:
            values, order = sort(x, axis, self.chance(0.5))
            if self.chance(0.5):
                self.add(order)
            return values
        return self.one_of([rd.cumulative_sum, rd.cumulative_sum, rd.cumulative_max,
                            rd.cumulative_min])(x, axis=axis)

    def by_library(self) -> Node:
        """What runs between two native parts."""
        x = self.picked(lambda n: n.dtype.name in ("float32", "float64"))
        if x is None:
            x = self.source(self.shape(), as_dtype("float32"))
        if self.chance(0.3):
            return self.one_of([ew.lgamma, ew.digamma])(x)
        z = ew.complex_of(x, self.partner(x))
        self.add(ew.real(z))
        if z.ndim and self.chance(0.7):
            z = mv.transpose(z, [int(a) for a in self.rng.permutation(z.ndim)])
        if self.chance(0.3):
            self.add(z)
        return self.one_of([ew.real, ew.imag])(ew.conj(z) if self.chance(0.5) else z)

    def box(self) -> Node:
        x = self.any_node()
        if not x.ndim or not x.size:
            return mv.reshape(x, (1, *x.shape))
        sizes = [int(self.rng.integers(1, s + 1)) for s in x.shape]
        starts = [self.places(s, ()) for s in x.shape]
        if self.chance(0.5):
            return dynamic_slice(x, starts, sizes)
        return dynamic_update_slice(x, self.source(sizes, x.dtype), starts)


def laid_out(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    """The same values, in memory in some way or other."""
    kind = int(rng.integers(12))
    if kind == 0 and values.ndim:
        return np.asfortranarray(values)
    if kind == 1 and values.ndim:  # every second one of something larger
        larger = np.zeros([2 * s for s in values.shape], values.dtype)
        larger[tuple(slice(0, None, 2) for _ in values.shape)] = values
        return larger[tuple(slice(0, None, 2) for _ in values.shape)]
    if kind == 2 and values.ndim:
        back = tuple(slice(None, None, -1) if rng.random() < 0.7 else slice(None)
                     for _ in values.shape)
        return values[back].copy()[back]
    if kind == 3 and values.size:  # not aligned
        raw = bytearray(values.nbytes + 1)
        moved = np.frombuffer(raw, values.dtype, values.size, offset=1).reshape(values.shape)
        moved[...] = values
        return moved
    if kind == 4:
        values = values.copy()
        values.flags.writeable = False
    return values
