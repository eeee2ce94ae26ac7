"""Functions of `tf` that make tensors and move their elements."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError
from ..functions import manipulation as mv
from ..functions import places, searching
from ..ir.dtypes import bool_, float32, int32
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.movement import broadcast_to as _broadcast_node
from ..tensor import Tensor
from ..tensor.handle import Handle
from ..tensor.recorder import value_of, wrap
from ._op import op
from .dtypes import as_dtype
from .place_ops import (  # noqa: F401 - the namespaces take them from here
    Unique,
    UniqueWithCounts,
    boolean_mask,
    gather,
    gather_nd,
    invert_permutation,
    scatter_nd,
    searchsorted,
    tensor_scatter_nd_add,
    tensor_scatter_nd_max,
    tensor_scatter_nd_min,
    tensor_scatter_nd_sub,
    tensor_scatter_nd_update,
    unique,
    unique_with_counts,
    where,
)
from .shapes import TensorShape
from .tensors import (
    EagerTensor,
    apply,
    apply_all,
    array_of,
    convert,
    convert_beside,
    default_int,
    float_of,
    number_or_tensor,
    packers,
    pair,
    shape_of,
    static_ints,
    where_now,
)

# ---- making

@op(name="Const")
def constant(value: Any, dtype: Any = None, shape: Any = None, verify_shape: bool = False) -> Any:
    """A tensor of numbers, nested lists or an array; a single number can fill a ``shape``."""
    wanted = None if dtype is None else as_dtype(dtype)
    if isinstance(value, Handle):
        return convert(value, wanted)
    array = array_of(value, wanted)
    if shape is not None:
        sizes = shape_of(shape, "constant")
        if array.size == 1 and array.shape != sizes:
            array = np.full(sizes, array.reshape(-1)[0], array.dtype)
        elif array.size != math.prod(sizes):
            raise DTypeError(f"Eager execution of tf.constant with unsupported shape. Tensor "
                             f"{value!r:.40} has {array.size} elements, but got `shape` {sizes} "
                             f"with {math.prod(sizes)} elements).", where=where_now())
        array = array.reshape(sizes)
    return wrap(array, EagerTensor)


@op(name="Const")
def convert_to_tensor(value: Any, dtype: Any = None, dtype_hint: Any = None,
                      preferred_dtype: Any = None) -> Any:
    """A tensor of whatever can be one; a tensor stays as it is."""
    hint = dtype_hint if dtype_hint is not None else preferred_dtype
    if dtype is None and hint is not None and not isinstance(value, Handle):
        try:
            return convert(value, hint)
        except DTypeError:
            return convert(value)
    found = convert(value, dtype)
    return found if isinstance(found, EagerTensor) else identity(found)


@op(name="zeros")
def zeros(shape: Any, dtype: Any = float32, layout: Any = None) -> Any:
    """Zeros."""
    return wrap(np.zeros(shape_of(shape, "zeros"), as_dtype(dtype).numpy), EagerTensor)


@op(name="ones")
def ones(shape: Any, dtype: Any = float32, layout: Any = None) -> Any:
    """Ones."""
    return wrap(np.ones(shape_of(shape, "ones"), as_dtype(dtype).numpy), EagerTensor)


@op(name="Fill")
def fill(dims: Any, value: Any, layout: Any = None) -> Any:
    """A tensor full of one value."""
    given = convert(value)
    return apply(_filled, (given,), shape_of(dims, "fill"))


def _filled(x: Node, shape: tuple[int, ...]) -> Node:
    return _broadcast_node(x, shape)


def _like(x: Node, value: int, dtype: Any) -> Node:
    source = ew.scalar_like(value, x)
    return source if dtype is None else ew.cast(source, dtype)


@op(blocks_gradient=True)
def zeros_like(input: Any, dtype: Any = None, layout: Any = None, optimize: bool = True) -> Any:
    """Zeros of the same shape."""
    return apply(_like, (convert(input),), 0, None if dtype is None else as_dtype(dtype))


@op(blocks_gradient=True)
def ones_like(input: Any, dtype: Any = None, layout: Any = None, optimize: bool = True) -> Any:
    """Ones of the same shape."""
    return apply(_like, (convert(input),), 1, None if dtype is None else as_dtype(dtype))


@op
def eye(num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = float32
        ) -> Any:
    """The identity matrix, or a batch of it."""
    rows = static_ints(num_rows, "eye")
    columns = rows if num_columns is None else static_ints(num_columns, "eye")
    lead = () if batch_shape is None else shape_of(batch_shape, "eye")
    matrix = np.eye(rows, columns, dtype=as_dtype(dtype).numpy)
    return wrap(np.tile(matrix, (*lead, 1, 1)), EagerTensor)


@op(name="range")
def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None) -> Any:
    """The numbers from ``start`` (0 if only one is given) up to ``limit``, ``delta`` apart."""
    begin, end = (0, start) if limit is None else (start, limit)
    values = [v.numpy() if isinstance(v, Handle) else v for v in (begin, end, delta)]
    if dtype is None:
        kinds = [array_of(v).dtype for v in values]
        wanted = as_dtype(max(kinds, key=lambda d: (d.kind == "f", d.itemsize)))
    else:
        wanted = as_dtype(dtype)
    if values[2] == 0:
        raise ArgumentError("range: requires delta != 0", where=where_now())
    return wrap(np.arange(*values, dtype=wanted.numpy), EagerTensor)


@op
def linspace(start: Any, stop: Any, num: Any, axis: int = 0) -> Any:
    """``num`` numbers from ``start`` to ``stop``, both included."""
    first, last = pair("LinSpace", start, stop)
    if not first.dtype.is_inexact:
        raise DTypeError(f"linspace: takes floats, got {first.dtype.name}", where=where_now())
    low, high = value_of(first), value_of(last)
    count = static_ints(num, "linspace")
    return wrap(np.linspace(low, high, count, axis=axis, dtype=first.dtype.numpy), EagerTensor)


@op
def one_hot(indices: Any, depth: Any, on_value: Any = None, off_value: Any = None,
            axis: Any = None, dtype: Any = None) -> Any:
    """``on_value`` at the place each index names along a new axis; rows out of range are off."""
    x = convert(indices)
    if dtype is None:
        given = next((v for v in (on_value, off_value) if v is not None), None)
        wanted = float32 if given is None else convert(given).dtype
    else:
        wanted = as_dtype(dtype)
    on, off = (number_or_tensor(1 if on_value is None else on_value, wanted),
               number_or_tensor(0 if off_value is None else off_value, wanted))
    return apply(places.one_hot_values, (x, on, off), static_ints(depth, "one_hot"),
                 -1 if axis is None else static_ints(axis, "one_hot"))


@op
def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = bool_) -> Any:
    """True at the first ``lengths`` places of each row."""
    x = convert(lengths)
    longest = static_ints(maxlen, "sequence_mask")
    if longest is None:
        found = value_of(x)
        longest = int(found.max()) if found.size else 0
    return apply(places.sequence_mask, (x,), longest, as_dtype(dtype))


# ---- facts

@op(name="Shape")
def shape(input: Any, out_type: Any = int32) -> Any:
    """The sizes, as a tensor."""
    sizes = [int(s) for s in convert(input).shape]
    return wrap(np.array(sizes, default_int(out_type).numpy), EagerTensor)


@op
def shape_n(input: Any, out_type: Any = int32) -> Any:
    """The sizes of several tensors."""
    return [shape(x, out_type) for x in input]


@op(name="Size")
def size(input: Any, out_type: Any = int32) -> Any:
    """The number of elements."""
    return wrap(np.asarray(convert(input)._type.size, default_int(out_type).numpy), EagerTensor)


@op(name="Rank")
def rank(input: Any) -> Any:
    """The number of axes."""
    return wrap(np.asarray(convert(input).ndim, np.int32), EagerTensor)


# ---- shapes

@op(name="Identity")
def identity(input: Any) -> Any:
    """The same value."""
    return apply(_same, (convert(input),))


def _same(x: Node) -> Node:
    return x


@op(name="IdentityN")
def identity_n(input: Any) -> Any:
    """The same values."""
    return [identity(x) for x in input]


grad_pass_through = identity


@op(name="Reshape")
def reshape(tensor: Any, shape: Any) -> Any:
    """The same elements in row-major order; one size may be -1."""
    return apply(mv.reshape, (convert(tensor),), shape_of(shape, "reshape"))


@op(name="ensure_shape")
def ensure_shape(x: Any, shape: Any) -> Any:
    """The tensor itself, once its shape is what was said."""
    value = convert(x)
    if not TensorShape(shape).is_compatible_with(value.shape):
        raise ShapeError(f"Shape of tensor x {tuple(value.shape)} is not compatible with expected "
                         f"shape {TensorShape(shape)}", where=where_now())
    return value


@op(name="Transpose")
def transpose(a: Any, perm: Any = None, conjugate: bool = False) -> Any:
    """The axes in another order, reversed if none is given."""
    x = convert(a)
    axes = tuple(reversed([*_count(x.ndim)])) if perm is None else shape_of(perm, "transpose")
    turned = apply(mv.permute_dims, (x,), axes)
    return turned if not conjugate else apply(_conj, (turned,))


def _count(number: int) -> Any:
    return np.arange(number).tolist()


def _conj(x: Node) -> Node:
    return ew.conj(x) if x.dtype.is_complex else x


@op(name="ExpandDims")
def expand_dims(input: Any, axis: Any = None, dim: Any = None) -> Any:
    """A new axis of size one."""
    at = static_ints(axis if dim is None else dim, "expand_dims")
    return apply(mv.expand_dims, (convert(input),), at)


@op(name="Squeeze")
def squeeze(input: Any, axis: Any = None, squeeze_dims: Any = None) -> Any:
    """Axes of size one taken away: all, or those named."""
    named = static_ints(axis if squeeze_dims is None else squeeze_dims, "squeeze")
    return apply(mv.squeeze, (convert(input),),
                 tuple(named) if isinstance(named, (tuple, list)) and named else
                 None if isinstance(named, (tuple, list)) else named)


@op(name="BroadcastTo")
def broadcast_to(input: Any, shape: Any) -> Any:
    """Stretched to a shape."""
    return apply(mv.broadcast_to, (convert(input),), shape_of(shape, "broadcast_to"))


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """The common shape of two."""
    return TensorShape(np.broadcast_shapes(tuple(shape_x), tuple(shape_y)))


@op
def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Any:
    """The common shape of two, as a tensor."""
    sizes = np.broadcast_shapes(shape_of(shape_x, "broadcast"), shape_of(shape_y, "broadcast"))
    return wrap(np.array(sizes, np.int32), EagerTensor)


@op(name="Tile")
def tile(input: Any, multiples: Any) -> Any:
    """Repeated along each axis."""
    x, counts = convert(input), shape_of(multiples, "tile")
    if len(counts) != x.ndim:
        raise ShapeError(f"tile: expected multiples argument to be a vector of length {x.ndim} but "
                         f"got length {len(counts)}", where=where_now())
    return apply(mv.tile, (x,), counts)


@op
def repeat(input: Any, repeats: Any, axis: Any = None) -> Any:
    """Each element (or slice along an axis) repeated."""
    x = convert(input)
    counts = static_ints(repeats, "repeat")
    at = static_ints(axis, "repeat")
    if isinstance(counts, int):
        return apply(mv.repeat, (x,), counts, at)
    if at is None:
        x, at = reshape(x, [-1]), 0
    each = wrap(np.broadcast_to(np.array(counts, np.int64), (x.shape[at],)))
    return apply(_repeat_by, (x, each), int(np.asarray(value_of(each)).sum()), at)


def _repeat_by(x: Node, counts: Node, total: int, axis: int) -> Node:
    return searching.repeat_by(x, counts, total, axis)


@op(name="ReverseV2")
def reverse(tensor: Any, axis: Any) -> Any:
    """Turned round along the axes."""
    named = static_ints(axis, "reverse")
    return apply(mv.flip, (convert(tensor),), tuple(named) if not isinstance(named, int) else named)


@op
def roll(input: Any, shift: Any, axis: Any) -> Any:
    """Shifted along axes, what falls off coming in at the other end."""
    moved, axes = static_ints(shift, "roll"), static_ints(axis, "roll")
    return apply(mv.roll, (convert(input),), moved, axes)


_PAD_MODES = {"CONSTANT": "constant", "REFLECT": "reflect", "SYMMETRIC": "symmetric"}


@op(name="Pad")
def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0) -> Any:
    """Longer at both ends of each axis by ``paddings[axis]``."""
    x = convert(tensor)
    found = value_of(paddings) if isinstance(paddings, Handle) else np.asarray(
        [[int(b) for b in a] for a in paddings] or np.zeros((0, 2)), np.int64)
    if found.shape != (x.ndim, 2):
        raise ShapeError(f"pad: The first dimension of paddings must be the rank of inputs: "
                         f"paddings of shape {found.shape} for shape {tuple(x.shape)}",
                         where=where_now())
    if mode.upper() not in _PAD_MODES:
        raise ArgumentError(f"Value of argument `mode` expected to be one of "
                            f"{list(_PAD_MODES)}. Received `mode` = {mode}", where=where_now())
    widths = tuple((int(low), int(high)) for low, high in found)
    return apply(mv.pad, (x,), widths, _PAD_MODES[mode.upper()],
                 float_of(constant_values) if x.dtype.is_inexact else int(
                     float_of(constant_values)))


# ---- parts

@op(name="Slice")
def slice(input_: Any, begin: Any, size: Any) -> Any:
    """A box: from ``begin``, as long as ``size`` (-1: to the end)."""
    x = convert(input_)
    start, sizes = shape_of(begin, "slice"), shape_of(size, "slice")
    if len(start) != x.ndim or len(sizes) != x.ndim:
        raise ShapeError(f"slice: expected begin and size of length {x.ndim}, got {len(start)} and "
                         f"{len(sizes)}", where=where_now())
    stop = tuple(n if s == -1 else b + s
                 for n, b, s in zip(x.shape, start, sizes, strict=True))
    for axis, (n, b, e) in enumerate(zip(x.shape, start, stop, strict=True)):
        if not 0 <= b <= e <= n:
            raise ArgumentError(f"slice: Expected size[{axis}] in [0, {n - b}], but got {e - b}",
                                where=where_now())
    return apply(_box, (x,), start, stop)


def _box(x: Node, start: tuple[int, ...], stop: tuple[int, ...]) -> Node:
    for axis, (b, e) in enumerate(zip(start, stop, strict=True)):
        x = mv.narrow(x, axis, b, e)
    return x


@op
def strided_slice(input_: Any, begin: Any, end: Any, strides: Any = None, begin_mask: int = 0,
                  end_mask: int = 0, ellipsis_mask: int = 0, new_axis_mask: int = 0,
                  shrink_axis_mask: int = 0, var: Any = None) -> Any:
    """The slicing behind ``x[a:b:c]``; bits of a mask speak about one axis each."""
    starts, stops = shape_of(begin, "strided_slice"), shape_of(end, "strided_slice")
    steps = (1,) * len(starts) if strides is None else shape_of(strides, "strided_slice")
    key: list[Any] = []
    for i, (b, e, s) in enumerate(zip(starts, stops, steps, strict=True)):
        bit = 1 << i
        if ellipsis_mask & bit:
            key.append(Ellipsis)
        elif new_axis_mask & bit:
            key.append(None)
        elif shrink_axis_mask & bit:
            key.append(b)
        else:
            key.append(np.s_[None if begin_mask & bit else b:None if end_mask & bit else e:s])
    return getitem(input_, tuple(key))


@op(name="strided_slice")
def getitem(x: Any, key: Any) -> Any:
    """``x[key]``: integers (also as tensors), slices, newaxis, ellipsis, or one boolean mask."""
    value = convert(x)
    items = key if isinstance(key, tuple) else (key,)
    if isinstance(key, (Handle, np.ndarray)) and as_dtype(key.dtype) is bool_:
        return boolean_mask(value, key)
    found = Tensor.__getitem__(value, tuple(_plain_index(i) for i in items))
    if found.__class__ is not EagerTensor:
        found.__class__ = EagerTensor
    return found


def _plain_index(item: Any) -> Any:
    if item is None or item is Ellipsis or item.__class__ is int:
        return item
    if item.__class__ is np.s_[:].__class__:
        return np.s_[_bound(item.start):_bound(item.stop):_bound(item.step)]
    if isinstance(item, (Handle, np.ndarray, list, tuple)) and np.ndim(
            value_of(item) if isinstance(item, Handle) else item):
        raise DTypeError("Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and "
                         f"scalar tf.int32/tf.int64 tensors are valid indices, got {item!r:.60}",
                         where=where_now(), hint="tf.gather(x, indices), tf.gather_nd")
    return static_ints(item, "index")


def _bound(value: Any) -> int | None:
    return None if value is None else static_ints(value, "slice")


@op(name="ConcatV2")
def concat(values: Any, axis: Any = 0) -> Any:
    """One after another along an axis they have; all of one dtype."""
    if isinstance(values, (int, np.integer)) and isinstance(axis, (list, tuple)):
        values, axis = axis, values  # the order of the first releases
    parts = _alike("ConcatV2", values)
    return apply(mv.concat, parts, static_ints(axis, "concat"))


def _alike(name: str, values: Any) -> list[Any]:
    """Several tensors of one dtype."""
    if isinstance(values, Handle):
        values = unstack(values)
    first = next((v for v in values if isinstance(v, Handle)), None)
    dtype = None if first is None else first.dtype
    parts = [convert(v) if dtype is None else convert_beside(v, dtype) for v in values]
    if not parts:
        raise ArgumentError(f"{name}: there is nothing to put together", where=where_now())
    for i, part in enumerate(parts):
        if part.dtype is not parts[0].dtype:
            raise DTypeError(f"cannot compute {name} as input #{i}(zero-based) was expected to be "
                             f"a {parts[0].dtype.name} tensor but is a {part.dtype.name} tensor "
                             f"[Op:{name}]", where=where_now())
    return parts


@op(name="Pack")
def stack(values: Any, axis: int = 0) -> Any:
    """Tensors of one shape along a new axis."""
    return apply(mv.stack, _alike("Pack", values), static_ints(axis, "stack"))


parallel_stack = stack
packers.append(stack)


@op(name="Unpack")
def unstack(value: Any, num: Any = None, axis: int = 0) -> Any:
    """The slices along an axis, which disappears."""
    return apply_all(mv.unstack, (convert(value),), static_ints(axis, "unstack"))


@op(name="split")
def split(value: Any, num_or_size_splits: Any, axis: Any = 0, num: Any = None) -> Any:
    """Equal parts along an axis, or parts of the given sizes (one may be -1)."""
    x, at = convert(value), static_ints(axis, "split")
    given = static_ints(num_or_size_splits, "split")
    length = x.shape[at]
    if isinstance(given, int):
        if given < 1 or length % given:
            raise ShapeError(f"split: Dimension size must be evenly divisible by {given} but is "
                             f"{length}", where=where_now())
        sizes = (length // given,) * given
    else:
        known = sum(s for s in given if s != -1)
        sizes = tuple(length - known if s == -1 else s for s in given)
        if sum(sizes) != length:
            raise ShapeError(f"split: Determined shape must either match input shape along "
                             f"split_dim exactly if fully specified: sizes {list(given)} for "
                             f"{length}", where=where_now())
    return apply_all(mv.split, (x,), sizes, at)


@op
def meshgrid(*args: Any, indexing: str = "xy") -> Any:
    """Coordinate grids of vectors."""
    return apply_all(mv.meshgrid, _alike("Meshgrid", args), indexing)


@op(name="SpaceToDepth")
def space_to_depth(input: Any, block_size: int, data_format: str = "NHWC") -> Any:
    """Blocks of pixels become channels (NHWC)."""
    x = convert(input)
    n, h, w, c = x.shape
    b = int(block_size)
    blocks = reshape(x, [n, h // b, b, w // b, b, c])
    return reshape(transpose(blocks, [0, 1, 3, 2, 4, 5]), [n, h // b, w // b, b * b * c])


@op(name="DepthToSpace")
def depth_to_space(input: Any, block_size: int, data_format: str = "NHWC") -> Any:
    """Channels become blocks of pixels (NHWC)."""
    x = convert(input)
    n, h, w, c = x.shape
    b = int(block_size)
    blocks = reshape(x, [n, h, w, b, b, c // (b * b)])
    return reshape(transpose(blocks, [0, 1, 3, 2, 4, 5]), [n, h * b, w * b, c // (b * b)])


@op
def bitcast(input: Any, type: Any) -> Any:
    """The same bits as another dtype."""
    return wrap(value_of(convert(input)).view(as_dtype(type).numpy), EagerTensor)


newaxis = None
