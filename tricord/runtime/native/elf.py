"""A loader of relocatable ELF objects for x86-64, in Python: a mapping, its symbols, no linker.

Every offset and size is checked against the file before it is used. Source: System V ABI, AMD64
supplement, tables 4.9 and 4.10; only the relocations that the compiler's objects have.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...errors import FileFormatError, NotSupportedError

__all__ = ["Image", "load_elf"]

_PAGE = mmap.PAGESIZE
_ABSOLUTE_64, _RELATIVE_32, _PLT_32 = 1, 2, 4
_GOT = (9, 41, 42)
_RELATIVE_64 = 24
#: Kinds of sections; and flags of them.
_SYMBOLS, _RELOCATIONS, _EMPTY = 2, 4, 8
#: Relocations without addends, and functions to run before and after: nothing emits them.
_UNKNOWN = (9, 14, 15, 16)
_WRITABLE, _LOADED, _PER_THREAD = 1, 2, 0x400
#: Larger code could not reach its own ends with 32 bits.
_LARGEST = 1 << 30


class _Section(NamedTuple):
    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry: int


class Image:
    """Code in memory. ``address(name)`` of a global function; good as long as the image lives."""

    def __init__(self, memory: Any, symbols: dict[str, int]):
        self._memory = memory
        self.symbols = symbols

    def address(self, name: str) -> int:
        return self.symbols[name]


def load_elf(data: bytes, externals: Mapping[str, int]) -> Image:
    """Map an object file and relocate it; outside symbols come from ``externals`` alone.

    Raises:  FileFormatError for a file that is damaged or holds what this loader does not know;
             NotSupportedError if the system does not let memory be executed
    """
    try:
        return _load(data, externals)
    except (struct.error, IndexError, OverflowError, UnicodeDecodeError, ValueError,
            OSError) as error:
        if isinstance(error, FileFormatError):
            raise
        raise FileFormatError(f"object code: the file is damaged ({error})") from error


def _load(data: bytes, externals: Mapping[str, int]) -> Image:
    sections = _sections(data)
    tables = [i for i, s in enumerate(sections) if s.kind == _SYMBOLS]
    if len(tables) != 1:
        raise FileFormatError(f"object code: {len(tables)} symbol tables instead of one")
    # A symbol takes one entry of the table of addresses, and two if it is jumped to.
    base, slots, writable_from, total = _places(sections, 24 * (sections[tables[0]].size // 24))
    memory = _map(total)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for number, place in base.items():
        section = sections[number]
        if section.kind != _EMPTY:
            memory[place:place + section.size] = data[
                section.offset:section.offset + section.size]
    symbols, exported = _symbols(data, sections, base, start, externals)
    linker = _Linker(memory, start, slots)
    for section in sections:
        if section.kind == _RELOCATIONS and section.info in base:
            if section.link != tables[0]:
                raise FileFormatError("object code: a relocation of unknown symbols")
            linker.relocate(data, section, base[section.info], sections[section.info].size,
                            symbols)
    _protect(start, writable_from)
    return Image(memory, exported)


def _sections(data: bytes) -> list[_Section]:
    if data[:6] != b"\x7fELF\x02\x01" or struct.unpack_from("<HH", data, 16) != (1, 62):
        raise FileFormatError("object code: not a relocatable ELF file for x86-64")
    table, = struct.unpack_from("<Q", data, 0x28)
    size, count, _ = struct.unpack_from("<HHH", data, 0x3A)
    if size != 64 or table + size * count > len(data):
        raise FileFormatError("object code: the section table is outside the file")
    sections = [_Section(*struct.unpack_from("<IIQQQQIIQQ", data, table + i * size))
                for i in range(count)]
    for section in sections:
        if section.kind != _EMPTY and section.offset + section.size > len(data):
            raise FileFormatError("object code: a section is outside the file")
        if section.kind in _UNKNOWN or section.flags & _PER_THREAD:
            raise FileFormatError(f"object code: a section of kind {section.kind}, flags "
                                  f"{section.flags:#x}")
        if section.align & (section.align - 1) or section.align > _PAGE:
            raise FileFormatError(f"object code: a section aligned to {section.align} bytes")
    return sections


def _map(size: int) -> mmap.mmap:
    """Fresh memory, not shared with forked children."""
    if size > _LARGEST:
        raise FileFormatError(f"object code: sections of {size} bytes")
    return mmap.mmap(-1, -(-size // _PAGE) * _PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,
                     prot=mmap.PROT_READ | mmap.PROT_WRITE)


def _places(sections: list[_Section], table: int) -> tuple[dict[int, int], int, int, int]:
    """Where each section that is loaded goes: read-only ones first and a table of addresses behind
    them, then, on pages of their own, writable ones."""
    base: dict[int, int] = {}
    total = boundary = slots = 0
    for writable in (0, 1):
        if writable:
            slots = -(-total // 64) * 64
            total = boundary = -(-(slots + table) // _PAGE) * _PAGE
        for number, section in enumerate(sections):
            if section.flags & _LOADED and (section.flags & _WRITABLE) == writable:
                align = max(section.align, 64)
                total = -(-total // align) * align
                base[number] = total
                total += section.size
    return base, slots, boundary, max(total, 1)


def _name(data: bytes, strings: _Section, offset: int) -> str:
    begin = strings.offset + offset
    return data[begin:data.index(b"\0", begin)].decode()


def _symbols(data: bytes, sections: list[_Section], base: dict[int, int], start: int,
             externals: Mapping[str, int]) -> tuple[list[int | None], dict[str, int]]:
    table = next(s for s in sections if s.kind == _SYMBOLS)
    strings = sections[table.link]
    found: list[int | None] = []
    exported: dict[str, int] = {}
    for k in range(table.size // 24):
        offset, info, _, section, value, _ = struct.unpack_from(
            "<IBBHQQ", data, table.offset + 24 * k)
        if section in base:
            if value > sections[section].size:
                raise FileFormatError("object code: a symbol is outside its section")
            address = start + base[section] + value
            if info >> 4 == 1:
                exported[_name(data, strings, offset)] = address
            found.append(address)
        elif section == 0 and offset:
            name = _name(data, strings, offset)
            if name not in externals and name != "_GLOBAL_OFFSET_TABLE_":
                raise FileFormatError(f"object code: it wants the outside symbol {name!r}")
            found.append(externals.get(name))
        else:
            found.append(None)
    return found, exported


class _Linker:
    """Writes addresses into the mapping, and the table of those that code loads or jumps to."""

    def __init__(self, memory: mmap.mmap, start: int, slots: int):
        self.memory = memory
        self.start = start
        self.free = slots
        self.slots: dict[int, int] = {}
        self.stubs: dict[int, int] = {}

    def slot(self, address: int) -> int:
        """The place of an entry of the global offset table."""
        place = self.slots.get(address)
        if place is None:
            place = self.slots[address] = self.free
            self.free += 8
            struct.pack_into("<Q", self.memory, place, address)
        return place

    def stub(self, address: int) -> int:
        """The place of a jump to an address that a call may be too far from."""
        place = self.stubs.get(address)
        if place is None:
            place = self.stubs[address] = self.free
            self.free += 16
            # jmp [rip + 2], and the address eight bytes in
            self.memory[place:place + 6] = b"\xff\x25\x02\x00\x00\x00"
            struct.pack_into("<Q", self.memory, place + 8, address)
        return place

    def relocate(self, data: bytes, section: _Section, base: int, size: int,
                 symbols: list[int | None]) -> None:
        end = self.start + len(self.memory)
        for k in range(section.size // 24):
            offset, info, addend = struct.unpack_from("<QQq", data, section.offset + 24 * k)
            kind, target = info & 0xFFFFFFFF, symbols[info >> 32]
            wide = kind in (_ABSOLUTE_64, _RELATIVE_64)
            if offset + (8 if wide else 4) > size or target is None:
                raise FileFormatError("object code: a relocation is outside its section")
            place = base + offset
            here = self.start + place
            if kind == _ABSOLUTE_64:
                struct.pack_into("<Q", self.memory, place, target + addend & (1 << 64) - 1)
                continue
            if kind in _GOT:
                target = self.start + self.slot(target)
            elif kind == _PLT_32 and not self.start <= target < end:
                target = self.start + self.stub(target)
            elif kind not in (_RELATIVE_32, _RELATIVE_64, _PLT_32):
                raise FileFormatError(f"object code: relocation of kind {kind}")
            struct.pack_into("<q" if wide else "<i", self.memory, place, target + addend - here)


def _protect(start: int, writable_from: int) -> None:
    """Code can be run and not written, data written and not run."""
    change = ctypes.CDLL(None, use_errno=True).mprotect
    change.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    if change(start, writable_from, mmap.PROT_READ | mmap.PROT_EXEC):
        raise NotSupportedError("compiled code: this system does not let memory be executed",
                                hint="TRICORD_DEVICE=numpy runs everything through numpy")
