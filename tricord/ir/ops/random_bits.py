"""Random bits from a counter: Philox4x32-10, a function of key and position without any state.

Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011), section 3.3.
Because element i depends on the key and i alone, the numbers do not depend on evaluation order,
threads or workers, and parts can be computed on their own. Not for cryptography.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DTypeError, ShapeError
from ..dtypes import DType, uint32
from ..lowering import Kernel
from ..node import Node
from ..record import ErrorSample, NoGradient, Primitive, Sample, register
from ..shapes import Shape, TensorType

__all__ = ["philox4x32", "random_bits"]

Array = np.ndarray[Any, Any]

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
#: Blocks of four numbers computed at a time, so that the intermediate arrays stay in the cache.
_CHUNK = 1 << 13


def philox4x32(counter: Sequence[Array], key: tuple[int, int], rounds: int = 10) -> list[Array]:
    """Four words of random bits for each counter.

    Shapes:  counter: four uint32 arrays of one shape; so is the result

    >>> [f"{int(word):08x}" for word in philox4x32([np.zeros((), np.uint32)] * 4, (0, 0))]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    c0, c1, c2, c3 = (np.asarray(c).astype(np.uint64) for c in counter)
    k0, k1 = key
    for _ in range(rounds):
        product0, product1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c2 = (product1 >> _HALF) ^ c1 ^ np.uint64(k0), (product0 >> _HALF) ^ c3 ^ np.uint64(k1)
        c1, c3 = product1 & _LOW, product0 & _LOW
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return [word.astype(np.uint32) for word in (c0, c1, c2, c3)]


@dataclass(frozen=True)
class RandomBits:
    """``ordinal`` tells the draws of one program apart; it is added to the key's draw counter."""

    shape: Shape
    ordinal: int = 0


def _bits_shape(p: RandomBits, key: TensorType) -> Shape:
    if not key.ndim or key.shape[-1] != 4:
        raise ShapeError(f"random_bits: a key has four words, got shape {tuple(key.shape)}",
                         hint="seed low, seed high, draw low, draw high")
    if any(s < 0 for s in p.shape):
        raise ShapeError(f"random_bits: sizes must not be negative, got {tuple(p.shape)}")
    return Shape((*key.shape[:-1], *p.shape))


def _bits_dtype(p: RandomBits, key: TensorType) -> DType:
    if key.dtype is not uint32:
        raise DTypeError(f"random_bits: a key is uint32, got {key.dtype}")
    return uint32


def _stream(seed: tuple[int, int], draw: int, count: int) -> Array:
    """The first ``count`` numbers of a draw, four to a block."""
    blocks = -(-count // 4)
    result = np.empty((blocks, 4), np.uint32)
    for start in range(0, blocks, _CHUNK):
        index = np.arange(start, min(start + _CHUNK, blocks), dtype=np.uint64)
        high = [np.asarray(word, np.uint64) for word in (draw & 0xFFFFFFFF, draw >> 32)]
        words = philox4x32([index & _LOW, index >> _HALF, *high], seed)
        for lane, word in enumerate(words):
            result[start:start + len(index), lane] = word
    return result.reshape(-1)[:count]


def _bits_reference(p: RandomBits, key: Array) -> Array:
    count = p.shape.numel()
    streams = []
    for row in key.reshape(-1, 4).tolist():
        draw = (row[2] + (row[3] << 32) + p.ordinal) & 0xFFFFFFFFFFFFFFFF
        streams.append(_stream((row[0], row[1]), draw, count))
    shape = (*key.shape[:-1], *p.shape)
    return np.stack(streams).reshape(shape) if streams else np.zeros(shape, np.uint32)


def _key(*words: int) -> Array:
    return np.array(words, np.uint32)


_bits = register(Primitive(
    "random_bits", lower=Kernel("random_bits"),
    params=RandomBits, shape_rule=_bits_shape, dtype_rule=_bits_dtype,
    vjp=NoGradient("random bits do not depend on anything smoothly"),
    jvp=NoGradient("random bits do not depend on anything smoothly"),
    batch=lambda p, args, batched, size: _bits(args[0], shape=p.shape, ordinal=p.ordinal),
    reference=_bits_reference,
    samples=[Sample((_key(1, 2, 3, 4),), {"shape": Shape((2, 3)), "ordinal": 5}),
             Sample((_key(1, 2, 0xFFFFFFFF, 0),), {"shape": Shape(()), "ordinal": 1}),
             Sample((_key(1, 2, 3, 4, 5, 6, 7, 8).reshape(2, 4),), {"shape": Shape((7,))}),
             Sample((_key(1, 2, 3, 4),), {"shape": Shape((0, 3))})],
    errors=[ErrorSample((_key(1, 2),), "four words, got shape (2,)", {"shape": Shape((3,))},
                        ShapeError),
            ErrorSample((np.zeros(4, np.int64),), "a key is uint32, got int64",
                        {"shape": Shape((3,))}, DTypeError)]))


def random_bits(key: Node, shape: Sequence[int], ordinal: int = 0) -> Node:
    """Uniformly distributed 32-bit numbers.

    ``key`` holds the seed (low and high word) and the number of the draw (low and high word), to
    which ``ordinal`` is added: two draws with one key need different ordinals.

    Shapes:  key (..., 4) -> (..., *shape), each key a stream of its own
    Dtypes:  uint32 -> uint32
    """
    return _bits(key, shape=Shape(shape), ordinal=ordinal)
