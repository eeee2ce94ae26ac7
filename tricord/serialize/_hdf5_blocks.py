"""The storage structures of an HDF5 file: bounded reads, object headers, heaps and B-trees.

Read here and not through the HDF5 library, because that one hangs for ever on files with a single
flipped byte (a global heap object of size 0 is enough) and can be asked for any amount of memory.
Here every read is inside the file, no structure is visited twice, and all reads together are
limited to a multiple of the file's size.

Source: HDF5 File Format Specification, version 3.0; sections are named beside the readers.
Known weakness: the checksums that files of HDF5 1.8 and later keep for their structures (not for
their data) are not compared. Only offsets and lengths of 8 bytes are read, as every writer uses.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..errors import FileFormatError
from ._source import Source

__all__ = ["UNDEFINED", "BTree2", "FractalHeap", "H5Blocks", "Message", "unsigned"]

UNDEFINED = 0xFFFFFFFFFFFFFFFF
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_NIL, _CONTINUATION = 0x00, 0x10


def unsigned(raw: bytes) -> int:
    """A little-endian whole number of any width."""
    return int.from_bytes(raw, "little")


@dataclass(frozen=True)
class Message:
    """One message of an object header."""

    kind: int
    flags: int
    data: bytes


class H5Blocks:
    """The file as blocks at addresses, with a bound on everything that is read."""

    def __init__(self, source: Source):
        self._source = source
        self._work = 64 * source.size + (1 << 22)
        self._heaps: dict[int, dict[int, tuple[int, int]]] = {}
        self.root = self._superblock()

    def bad(self, problem: str) -> FileFormatError:
        return FileFormatError(f"{self._source.name}: damaged HDF5 file: {problem}",
                               hint="save or fetch it again")

    def unsupported(self, what: str) -> FileFormatError:
        return FileFormatError(f"{self._source.name}: {what}, which tricord does not read",
                               hint="save it again with h5py's defaults")

    def read(self, address: int, count: int, what: str) -> bytes:
        """``count`` bytes at an address."""
        self._spend(count)
        return self._source.read_at(self._base + address, count, what)

    def read_array(self, address: int, count: int, what: str) -> np.ndarray:
        """The same, as a fresh uint8 array."""
        self._spend(count)
        return self._source.read_array(self._base + address, count, what)

    def _spend(self, count: int) -> None:
        self._work -= count + 32
        if self._work < 0:
            raise self.bad("its structures refer to each other without end")

    def expect(self, address: int, signature: bytes, count: int, what: str) -> bytes:
        """A block of ``count`` bytes that starts with a signature; what follows the signature."""
        raw = self.read(address, count, what)
        if not raw.startswith(signature):
            raise self.bad(f"{what} at {address} does not start with {signature.decode()}")
        return raw[len(signature):]

    def _superblock(self) -> int:
        """Address of the root group's header.  (II.A)"""
        self._base = 0
        start = next(at for at in (0, 512, 1024, 2048)
                     if self.read(at, 8, "the signature") == _SIGNATURE)
        version = self.read(start + 8, 1, "the superblock")[0]
        if version in (0, 1):
            raw = self.read(start, 96 + 4 * version, "the superblock")
            sizes, rest = raw[13:15], raw[24 + 4 * version:]
            base, _, end, _, _, root = struct.unpack_from("<6Q", rest)
        elif version in (2, 3):
            raw = self.read(start, 48, "the superblock")
            sizes = raw[9:11]
            base, _, end, root = struct.unpack_from("<4Q", raw, 12)
        else:
            raise self.unsupported(f"superblock version {version}")
        if sizes != b"\x08\x08":
            raise self.unsupported(f"addresses of {sizes[0]} and lengths of {sizes[1]} bytes")
        if base != start or end > self._source.size:
            raise self.bad(f"it should end at {end}, and has {self._source.size} bytes")
        self._base = base
        return root

    # --------------------------------------------------------- object headers (IV.A.1)

    def messages(self, address: int) -> list[Message]:
        """The messages of the object whose header is at ``address``."""
        start = self.read(address, 16, "an object header")
        if start[0] == 1:
            size, = struct.unpack_from("<I", start, 8)
            return self._messages(address + 16, size, b"", 8, False)
        if not start.startswith(b"OHDR\x02"):
            raise self.bad(f"no object header at {address}")
        flags = start[5]
        width = 1 << (flags & 3)
        position = address + 6 + 16 * bool(flags & 0x20) + 4 * bool(flags & 0x10)
        size = unsigned(self.read(position, width, "an object header"))
        return self._messages(position + width, size, b"OCHK", 4, bool(flags & 4))

    def _messages(self, address: int, size: int, prefix: bytes, header: int, ordered: bool) -> (
            list[Message]):
        found: list[Message] = []
        blocks, seen = [(address, size)], {address}
        while blocks:
            raw, position = self.read(*blocks.pop(0), "an object header"), 0
            step = header + 2 * ordered
            while position + step <= len(raw):
                if header == 8:
                    kind, length, flags = struct.unpack_from("<HHB", raw, position)
                else:
                    kind, length, flags = struct.unpack_from("<BHB", raw, position)
                position += step
                if position + length > len(raw):
                    raise self.bad("a message longer than its object header")
                data = raw[position:position + length]
                position += length
                if kind == _CONTINUATION:
                    target, count = struct.unpack_from("<QQ", data)
                    if target in seen:
                        raise self.bad("an object header that goes round in circles")
                    seen.add(target)
                    if prefix:  # signature before, checksum after
                        self.expect(target, prefix, 4, "an object header")
                        target, count = target + 4, max(count - 8, 0)
                    blocks.append((target, count))
                elif kind != _NIL:
                    found.append(Message(kind, flags, data))
        return found

    # --------------------------------------------------- groups of the first kind (III.A.1, III.B)

    def leaves(self, address: int, kind: int, key_size: int) -> Iterator[tuple[bytes, int]]:
        """Key and address of every leaf of a version 1 B-tree, in order."""
        todo, seen = [(address, -1)], set()
        while todo:
            node, expected = todo.pop()
            head = self.expect(node, b"TREE", 24, "a B-tree node")
            level, used = head[1], unsigned(head[2:4])
            if head[0] != kind or node in seen or expected not in (-1, level):
                raise self.bad(f"a B-tree node at {node} that does not fit")
            seen.add(node)
            step = key_size + 8
            raw = self.read(node + 24, used * step, "a B-tree node")
            entries = [(raw[at:at + key_size], unsigned(raw[at + key_size:at + step]))
                       for at in range(0, len(raw), step)]
            if level:
                todo.extend((child, level - 1) for _, child in reversed(entries))
            else:
                yield from entries

    def symbols(self, btree: int, heap: int) -> Iterator[tuple[str, int, int]]:
        """Name, header address and cache type (2: a soft link) of a group's members."""
        head = self.expect(heap, b"HEAP", 32, "a local heap")
        names = self.read(unsigned(head[20:28]), unsigned(head[4:12]), "a local heap")
        for _, node in self.leaves(btree, 0, 8):
            count = unsigned(self.expect(node, b"SNOD", 8, "a symbol table")[2:4])
            raw = self.read(node + 8, 40 * count, "a symbol table")
            for offset, address, cache in struct.iter_unpack("<QQI20x", raw):
                end = names.find(b"\0", offset)
                if end < 0:
                    raise self.bad("a name beyond its heap")
                yield names[offset:end].decode("utf-8"), address, cache

    # ------------------------------------------------------------- global heap (III.E)

    def global_object(self, address: int, index: int) -> bytes:
        """An object of a global heap, where texts of varying length lie."""
        if address not in self._heaps:
            self._heaps[address] = self._global_heap(address)
        if index not in self._heaps[address]:
            raise self.bad(f"no object {index} in the heap at {address}")
        return self.read(*self._heaps[address][index], "an object of a global heap")

    def _global_heap(self, address: int) -> dict[int, tuple[int, int]]:
        size = unsigned(self.expect(address, b"GCOL", 16, "a global heap")[4:12])
        objects: dict[int, tuple[int, int]] = {}
        position, end = address + 16, address + size
        while position + 16 <= end:
            index, length = struct.unpack("<H6xQ", self.read(position, 16, "a global heap"))
            if index == 0:  # the free space, which is last
                break
            if position + 16 + length > end:
                raise self.bad("an object beyond its global heap")
            objects[index] = (position + 16, length)
            position += 16 + length + -length % 8
        return objects


class FractalHeap:
    """Where groups with many members and objects with many attributes keep them.  (III.G)"""

    def __init__(self, blocks: H5Blocks, address: int):
        self._blocks = blocks
        head = blocks.expect(address, b"FRHP", 142, "a fractal heap")
        (_, self._id_size, filters, _, self._max_managed, _, self._huge) = struct.unpack_from(
            "<BHHBIQQ", head)
        if filters:
            raise blocks.unsupported("a compressed fractal heap")
        (self._width, self._first, self._max_direct, self._bits, _, self._root, self._rows) = (
            struct.unpack_from("<HQQHHQH", head, 106))
        powers = self._first > 0 and self._first & (self._first - 1) == 0
        if not powers or not 1 <= self._width <= 1024 or not 1 <= self._bits <= 64 or (
                self._max_direct < self._first):
            raise blocks.bad("a fractal heap of impossible sizes")
        self._offset_size = (self._bits + 7) // 8
        widest = min(self._max_direct, self._max_managed)
        self._length_size = (widest.bit_length() + 7) // 8
        self._direct_rows = (self._max_direct // self._first).bit_length() + 1
        self._huge_places: dict[int, tuple[int, int]] | None = None

    def get(self, identity: bytes) -> bytes:
        """The object with a heap ID."""
        kind = identity[0] >> 4 & 3
        if kind == 2:  # tiny: the object is in its ID
            return identity[1:2 + (identity[0] & 15)]
        if kind == 1:
            return self._get_huge(unsigned(identity[1:self._id_size]))
        middle = 1 + self._offset_size
        offset = unsigned(identity[1:middle])
        length = unsigned(identity[middle:middle + self._length_size])
        return self._blocks.read(self._place(offset), length, "an object of a fractal heap")

    def _get_huge(self, identity: int) -> bytes:
        if self._huge_places is None:
            records = BTree2(self._blocks, self._huge, 1, 24).records()
            self._huge_places = {number: (place, length) for place, length, number in (
                struct.unpack("<QQQ", record) for record in records)}
        if identity not in self._huge_places:
            raise self._blocks.bad(f"no huge object {identity} in a fractal heap")
        return self._blocks.read(*self._huge_places[identity], "an object of a fractal heap")

    def _place(self, offset: int) -> int:
        """The address of an offset in the heap's own space, through its doubling table."""
        address, rows = self._root, self._rows
        while rows:
            row, start = 0, 0
            size = self._first
            while offset >= start + self._width * size:
                start += self._width * size
                row += 1
                size = self._first << max(row - 1, 0)
                if row >= rows:
                    raise self._blocks.bad("an object beyond its fractal heap")
            column = (offset - start) // size
            header = 13 + self._offset_size
            entry = address + header + 8 * (row * self._width + column)
            self._blocks.expect(address, b"FHIB", 8, "a fractal heap's block")
            address = unsigned(self._blocks.read(entry, 8, "a fractal heap's block"))
            offset -= start + column * size
            if row < self._direct_rows:
                break
            rows = size.bit_length() - (self._first * self._width).bit_length() + 1
        self._blocks.expect(address, b"FHDB", 8, "a fractal heap's block")
        return address + offset


class BTree2:
    """A version 2 B-tree, of which only the records matter here.  (III.A.2)"""

    def __init__(self, blocks: H5Blocks, address: int, kind: int, record_size: int):
        self._blocks = blocks
        head = blocks.expect(address, b"BTHD", 38, "a B-tree")
        _, found, self._node_size, size, self._depth = struct.unpack_from("<BBIHH", head)
        if found != kind or size != record_size or self._depth > 20:
            raise blocks.bad(f"a B-tree of kind {found} with records of {size} bytes")
        self._size = record_size
        self._root, self._count = struct.unpack_from("<QH", head, 12)

    def records(self) -> Iterator[bytes]:
        """Every record; those of inner nodes before those below them."""
        if self._root == UNDEFINED:
            return
        pointers = self._pointer_sizes()
        todo, seen = [(self._root, self._count, self._depth)], set()
        while todo:
            address, count, depth = todo.pop()
            if address in seen:
                raise self._blocks.bad("a B-tree that goes round in circles")
            seen.add(address)
            self._blocks.expect(address, b"BTIN" if depth else b"BTLF", 6, "a B-tree node")
            raw = self._blocks.read(address + 6, count * self._size, "a B-tree node")
            yield from (raw[at:at + self._size] for at in range(0, len(raw), self._size))
            if depth:
                step, width = pointers[depth]
                raw = self._blocks.read(address + 6 + len(raw), (count + 1) * step,
                                        "a B-tree node")
                todo.extend((unsigned(raw[at:at + 8]), unsigned(raw[at + 8:at + 8 + width]),
                             depth - 1) for at in range(0, len(raw), step))

    def _pointer_sizes(self) -> list[tuple[int, int]]:
        """For each depth: size of a child pointer, and of the count of records in it."""
        most = (self._node_size - 10) // self._size
        width = (max(most, 1).bit_length() - 1) // 8 + 1
        total, total_width = most, 0
        sizes = [(0, 0)]
        for _ in range(self._depth):
            step = 8 + width + total_width
            most = (self._node_size - 10 - step) // (self._size + step)
            total = (most + 1) * total + most
            total_width = (max(total, 1).bit_length() - 1) // 8 + 1
            sizes.append((step, width))
        return sizes
