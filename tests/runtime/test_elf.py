"""The loader: every kind of relocation runs; what is damaged, foreign or unknown is refused."""

from __future__ import annotations

import ctypes
import gc
import struct
from pathlib import Path

import pytest

from tests.runtime.support import aarch64_object, object_of, own_loader
from tricord.errors import FileFormatError, NotSupportedError
from tricord.runtime.native import elf
from tricord.runtime.native.elf import load_elf

pytestmark = own_loader

CODE = """
@counter = internal global i64 40
@zeros = internal global [100 x i64] zeroinitializer
@outside = external global i64
@table = internal constant [3 x ptr] [ptr @one, ptr @two, ptr @far]
@distance = internal constant i64 sub (i64 ptrtoint (ptr @two to i64),
                                       i64 ptrtoint (ptr @distance to i64))
declare i64 @far(i64)
define internal i64 @one(i64 %x) { ret i64 1 }
define internal i64 @two(i64 %x) { ret i64 2 }
define double @rodata(double %x) {
  %a = fmul double %x, 0x400921FB54442D18
  ret double %a
}
define i64 @count() {
  %a = load i64, ptr @counter
  %b = add i64 %a, 1
  store i64 %b, ptr @counter
  ret i64 %b
}
define i64 @sum_of_zeros(i64 %i) {
  %p = getelementptr i64, ptr @zeros, i64 %i
  %a = load i64, ptr %p
  store i64 7, ptr %p
  ret i64 %a
}
define i64 @read_outside() {
  %a = load i64, ptr @outside
  ret i64 %a
}
define i64 @call_far(i64 %x) {
  %a = call i64 @far(i64 %x)
  %b = call i64 @far(i64 %a)
  ret i64 %b
}
define i64 @by_table(i64 %i) {
  %p = getelementptr ptr, ptr @table, i64 %i
  %f = load ptr, ptr %p
  %a = call i64 %f(i64 5)
  ret i64 %a
}
define i64 @by_distance() {
  %d = load i64, ptr @distance
  %b = ptrtoint ptr @distance to i64
  %a = add i64 %d, %b
  %f = inttoptr i64 %a to ptr
  %r = call i64 %f(i64 0)
  ret i64 %r
}
"""
LONG = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)
tripled = LONG(lambda x: 3 * x)
outside = ctypes.c_int64(1234)
EXTERNALS = {"far": ctypes.cast(tripled, ctypes.c_void_p).value or 0,
             "outside": ctypes.addressof(outside)}


@pytest.fixture(scope="module")
def code() -> bytes:
    return object_of(CODE)


def call(image: elf.Image, name: str, *arguments: int) -> int:
    types = [ctypes.c_int64] * len(arguments)
    return ctypes.CFUNCTYPE(ctypes.c_int64, *types)(image.address(name))(*arguments)


def relocations(code: bytes) -> list[tuple[int, int]]:
    """Kind and place in the file of each relocation of what is loaded."""
    sections = elf._sections(code)
    return [(struct.unpack_from("<Q", code, at + 8)[0] & 0xFFFFFFFF, at)
            for s in sections if s.kind == 4 and sections[s.info].flags & 2
            for at in range(s.offset, s.offset + s.size, 24)]


def test_every_kind_of_relocation_runs(code):
    assert {1, 2, 4, 24} < {kind for kind, _ in relocations(code)}
    assert {9, 41, 42} & {kind for kind, _ in relocations(code)}
    image = load_elf(code, EXTERNALS)
    multiply = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(image.address("rodata"))
    assert multiply(2.0) == 2 * 3.141592653589793
    assert [call(image, "count") for _ in range(3)] == [41, 42, 43]
    assert [call(image, "sum_of_zeros", i) for i in (0, 99, 0)] == [0, 0, 7]
    assert call(image, "read_outside") == 1234
    assert call(image, "call_far", 2) == 18
    assert [call(image, "by_table", i) for i in range(3)] == [1, 2, 15]
    assert call(image, "by_distance") == 2


def test_two_images_of_one_file_share_nothing(code):
    images = [load_elf(code, EXTERNALS) for _ in range(2)]
    assert [call(image, "count") for image in images] == [41, 41]


def test_only_global_functions_are_known_by_name(code):
    image = load_elf(code, EXTERNALS)
    assert "one" not in image.symbols and "count" in image.symbols
    with pytest.raises(KeyError):
        image.address("one")


def permissions(address: int) -> str:
    """What the system lets this process do at an address; nothing if it is not mapped."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, what, *_ = line.split()
        first, last = (int(x, 16) for x in span.split("-"))
        if first <= address < last:
            return what
    return ""


def test_code_cannot_be_written_to_and_data_cannot_be_run():
    image = load_elf(object_of("@data = global i64 3 define i64 @f() { ret i64 3 }"), {})
    assert permissions(image.address("f")) == "r-xp"
    assert permissions(image.address("data")) == "rw-p"
    address = image.address("f")
    del image
    gc.collect()
    assert permissions(address) == ""


def test_more_outside_symbols_than_a_page_of_addresses():
    names = [f"far{i}" for i in range(700)]
    calls = "\n".join(f"  %v{i} = call i64 @{n}(i64 {i})" for i, n in enumerate(names))
    text = "\n".join([*(f"declare i64 @{n}(i64)" for n in names),
                      f"define i64 @f() {{\n{calls}\n  ret i64 %v699\n}}"])
    address = EXTERNALS["far"]
    # One address is one stub; as many addresses, all good, as there are names make as many.
    others = [LONG(lambda x, i=i: 3 * x + i) for i in range(10)]
    targets = [ctypes.cast(o, ctypes.c_void_p).value or 0 for o in others]
    given = {n: targets[i % 10] if i % 3 else address for i, n in enumerate(names)}
    assert call(load_elf(object_of(text), given), "f") == 3 * 699


def test_foreign_files_are_refused(code):
    for data in (b"", b"\x7fELF", b"#!/bin/sh\n" * 20, b"\xcf\xfa\xed\xfe" + bytes(200),
                 aarch64_object(), code[:4] + b"\x01" + code[5:], code[:16] + b"\2" + code[17:]):
        with pytest.raises(FileFormatError, match="object code"):
            load_elf(data, EXTERNALS)


@pytest.mark.parametrize(("text", "message"), [
    ("declare i64 @nobody() define i64 @f() { %a = call i64 @nobody() ret i64 %a }",
     "outside symbol 'nobody'"),
    ("@x = thread_local global i64 1 define ptr @f() { ret ptr @x }", "a section of kind"),
    ("@x = global i64 1, align 8192", "aligned to 8192"),
    ("@x = global [2000000000 x i8] zeroinitializer", "sections of"),
])
def test_what_it_does_not_know_is_refused(text, message):
    with pytest.raises(FileFormatError, match=message):
        load_elf(object_of(text), {})


def test_an_unknown_relocation_is_refused(code):
    damaged = bytearray(code)
    struct.pack_into("<I", damaged, relocations(code)[0][1] + 8, 10)
    with pytest.raises(FileFormatError, match="relocation of kind 10"):
        load_elf(bytes(damaged), EXTERNALS)


def test_a_relocation_outside_its_section_is_refused(code):
    sections = elf._sections(code)
    for section in sections:
        if section.kind == 4 and sections[section.info].flags & 2:
            for over in (3, 0):  # the last bytes, and behind them
                damaged = bytearray(code)
                end = sections[section.info].size
                struct.pack_into("<Q", damaged, section.offset, end - over)
                with pytest.raises(FileFormatError, match="outside its section"):
                    load_elf(bytes(damaged), EXTERNALS)


def test_eight_bytes_at_the_end_of_a_section_do_not_fit_in_four(code):
    sections = elf._sections(code)
    _, at = next(r for r in relocations(code) if r[0] == 1)
    owner = next(s for s in sections if s.kind == 4 and s.offset <= at < s.offset + s.size)
    damaged = bytearray(code)
    struct.pack_into("<Q", damaged, at, sections[owner.info].size - 4)
    with pytest.raises(FileFormatError, match="outside its section"):
        load_elf(bytes(damaged), EXTERNALS)


@pytest.mark.parametrize(("kind", "other", "message"), [
    (2, 1, "0 symbol tables"), (3, 2, "symbol tables instead of one"),
    (1, 14, "a section of kind 14"), (4, 9, "a section of kind 9")])
def test_sections_of_other_kinds_are_refused(code, kind, other, message):
    number = next(i for i, s in enumerate(elf._sections(code)) if s.kind == kind)
    table, = struct.unpack_from("<Q", code, 0x28)
    damaged = bytearray(code)
    struct.pack_into("<I", damaged, table + 64 * number + 4, other)
    with pytest.raises(FileFormatError, match=message):
        load_elf(bytes(damaged), EXTERNALS)


def test_damage_anywhere_is_an_error_or_harmless(code, rng):
    refused = 0
    damaged = [code[:n] for n in range(0, len(code), 37)]
    for _ in range(600):
        data = bytearray(code)
        for _ in range(int(rng.integers(1, 4))):
            data[int(rng.integers(len(data)))] = int(rng.integers(256))
        damaged.append(bytes(data))
    table, = struct.unpack_from("<Q", code, 0x28)
    for at in range(table, len(code), 3):
        data = bytearray(code)
        data[at] ^= 0xFF
        damaged.append(bytes(data))
    for data in damaged:
        try:
            load_elf(data, EXTERNALS)
        except FileFormatError:
            refused += 1
    assert refused > len(damaged) // 4


def test_a_system_that_forbids_it_is_told_apart_from_a_damaged_file(code, monkeypatch):
    class Forbidding:
        def __init__(self, *_: object, **__: object) -> None:
            self.mprotect = ctypes.CFUNCTYPE(
                ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)(lambda *_: -1)

    monkeypatch.setattr(elf.ctypes, "CDLL", Forbidding)
    with pytest.raises(NotSupportedError, match="TRICORD_DEVICE=numpy"):
        load_elf(code, EXTERNALS)
