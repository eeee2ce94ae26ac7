"""Philox4x32-10 with one block of four numbers per lane. See `ir.ops.random_bits`."""

from __future__ import annotations

from ...ir.node import Node
from ..llvm import Function, Value, vector
from ..target import Target
from .generated import Generated, read

__all__ = ["RandomBits"]

_ROUNDS = 10
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = 0xFFFFFFFF
#: Numbers of one task: a multiple of what a vector of blocks holds, on every target.
_TASK = 8192

Keys = list[tuple[Value, Value]]


class RandomBits(Generated):
    """Tasks are pieces of the stream of one key.

    A word is kept in the lower half of a lane of 64 bits, where products have room.
    """

    def __init__(self, node: Node, target: Target):
        super().__init__(node, target)
        self.lanes = target.lanes(8)
        self.count = node.params.shape.numel()
        self.pieces = -(-self.count // _TASK)
        self.tasks = max(node.parents[0].size // 4 * self.pieces, 1)
        self.flops = 8 * node.size

    def task(self, f: Function, task: Value) -> None:
        stream, piece = f.binary("udiv", task, self.pieces), f.binary("urem", task, self.pieces)
        words = [f.convert(read(f, f["x0"], f.add(f.mul(stream, 4), i), self.node.dtype), "i64",
                           signed=False) for i in range(4)]
        draw = f.add(f.or_(words[2], f.shl(words[3], 32)), self.node.params.ordinal)
        high = [f.splat(f.and_(draw, _LOW), self.lanes), f.splat(f.lshr(draw, 32), self.lanes)]
        keys = self._keys(f, words[0], words[1])
        first = f.mul(piece, _TASK)
        last = f.minimum_index(f.add(first, _TASK), self.count)
        here = f.offset(f["y0"], f.mul(stream, self.count), "i32")
        step = 4 * self.lanes

        def block(at: Value) -> None:
            self._store(f, self._words(f, at, high, keys), f.offset(here, at, "i32"), at, None)

        rest = self.count % step
        whole = f.minimum_index(last, self.count - rest)
        f.loop(first, whole, block, step=step)
        if rest:
            at = f.index(self.count - rest)

            def tail() -> None:
                self._store(f, self._words(f, at, high, keys), f.offset(here, at, "i32"), at, rest)

            f.if_(f.compare("eq", last, self.count), tail)

    def _keys(self, f: Function, low: Value, high: Value) -> Keys:
        """The two words of every round's key, in all lanes."""
        return [(f.splat(f.and_(f.add(low, r * _WEYL[0]), _LOW), self.lanes),
                 f.splat(f.and_(f.add(high, r * _WEYL[1]), _LOW), self.lanes))
                for r in range(_ROUNDS)]

    def _words(self, f: Function, at: Value, high: list[Value], keys: Keys) -> list[Value]:
        """The four words of the blocks that begin with number ``at``."""
        block = f.add(f.splat(f.lshr(at, 2), self.lanes), f.ramp(self.lanes))
        c0, c1, (c2, c3) = f.and_(block, _LOW), f.lshr(block, 32), high
        for k0, k1 in keys:
            p0, p1 = f.mul(c0, _MULTIPLIERS[0]), f.mul(c2, _MULTIPLIERS[1])
            c0, c2 = (f.xor(f.xor(f.lshr(p1, 32), c1), k0), f.xor(f.xor(f.lshr(p0, 32), c3), k1))
            c1, c3 = f.and_(p1, _LOW), f.and_(p0, _LOW)
        return [c0, c1, c2, c3]

    def _store(self, f: Function, words: list[Value], to: Value, at: Value,
               count: int | None) -> None:
        """Words of one block after another: pairs of them first, then the pairs interleaved."""
        lanes = self.lanes
        front = f.or_(words[0], f.shl(words[1], 32))
        back = f.or_(words[2], f.shl(words[3], 32))
        for half in range(2):
            places = range(half * lanes // 2, (half + 1) * lanes // 2)
            order = [x for i in places for x in (i, lanes + i)]
            numbers = f.bitcast(f.shuffle(front, back, order), vector(2 * lanes, "i32"))
            start = half * 2 * lanes
            if count is not None and count <= start:
                return
            few = count is not None and count < start + 2 * lanes
            mask = f.first_lanes(count - start, 2 * lanes) if few and count else None
            f.store(numbers, f.offset(to, start, "i32"), mask=mask)
