"""Machine code between Python and a program: a C function of the interpreter, generated.

It takes two lists of arrays, arguments and results, and reads the addresses out of the array
objects itself: asking numpy for one costs a microsecond each. The layout that it relies on is
checked once per process (`layout.layout_is_known`); where it is another one, `entry.py` does the
same in Python and calls `launch`.

A program's *block* holds, 8 bytes each: number of arguments, number of results, address of the
context, of the program, of the pool, number of threads (1: run alone), whether to flush denormals,
a lock, for one call at a time, the address of the *kinds*, and the types list, ndarray, `Bytes` and
`Pages`. Kinds are pairs, for each argument, then each result: address of its dtype, elements.

Every array must be of its kind and dense. Results must also begin at a multiple of 64, may be
written to, and have memory of their own: not that of another array, of which a count of references
says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from ...compiler.llvm import Function, Module, Value
from ...compiler.target import Target
from .layout import (
    ALIGNED,
    ARRAY_BASE,
    ARRAY_DATA,
    ARRAY_DTYPE,
    ARRAY_FLAGS,
    ARRAY_RANK,
    ARRAY_SHAPE,
    C_CONTIGUOUS,
    LIST_ITEMS,
    LIST_SIZE,
    OWNDATA,
    TYPE,
    WRITEABLE,
)
from .threads_code import is_x86

__all__ = ["BLOCK_WORDS", "BUSY", "EXTERNALS", "LOCK", "REFUSED", "THREADS", "emit_entry",
           "emit_launch"]

EXTERNALS: Final = ("PyLong_AsVoidPtr", "PyLong_FromLongLong", "PyEval_SaveThread",
                    "PyEval_RestoreThread")
(ARGUMENTS, RESULTS, CONTEXT, PROGRAM, POOL, THREADS, FLUSH, LOCK, KINDS, LIST, ARRAY, BYTES,
 PAGES) = range(13)
BLOCK_WORDS: Final = 13
#: What a call answers when an array is not as it must be, or when the program is at work elsewhere.
REFUSED, BUSY = -1, -2

_DENSE = C_CONTIGUOUS | ALIGNED
#: Control words of the floating-point unit: to nearest, nothing traps; denormals are zero.
_IEEE, _FLUSHING = 0x1F80, 0x1F80 | 0x8040


def _word(f: Function, block: Value, number: int, type: str = "i64") -> Value:
    return f.load(f.offset(block, number, "i64"), type)


def _field(f: Function, object: Value, offset: int, type: str = "i64") -> Value:
    return f.load(f.offset(object, offset, "i8"), type)


def _all(f: Function, *conditions: Callable[[], Value]) -> Value:
    """Whether all hold; none is evaluated after one that does not."""
    first, *rest = conditions
    if not rest:
        return first()
    return f.if_(first(), lambda: [_all(f, *rest)], lambda: [f.constant(False, "i1")])[0]


def emit_launch(module: Module, target: Target, *, pool: bool) -> None:
    """Define ``launch(block) -> i64``: the program of a block is run."""
    f = module.function("launch", [("ptr", "block")], result="i64", linkage="")
    block = f["block"]
    before = f.alloca("i32", 2, align=8)
    if is_x86(target):
        for name in ("stmxcsr", "ldmxcsr"):
            module.declare(f"llvm.x86.sse.{name}", "void", ["ptr"])
        f.do(f"call void @llvm.x86.sse.stmxcsr({before})")
        mode = f.offset(before, 1, "i32")
        f.store(f.select(f.compare("ne", _word(f, block, FLUSH), 0),
                         f.constant(_FLUSHING, "i32"), f.constant(_IEEE, "i32")), mode)
        f.do(f"call void @llvm.x86.sse.ldmxcsr({mode})")
    context, program = _word(f, block, CONTEXT, "ptr"), _word(f, block, PROGRAM, "ptr")

    def alone() -> list[Value]:
        return [f.emit(f"call i64 {program.text}({context}, i64 0, i64 1)", "i64")]

    def together() -> list[Value]:
        return [f.emit(f"call i64 @run({_word(f, block, POOL, 'ptr')}, {program}, {context}, "
                       f"{threads})", "i64")]

    threads = _word(f, block, THREADS)
    code = (f.if_(f.compare("sle", threads, 1), alone, together) if pool else alone())[0]
    if is_x86(target):
        f.do(f"call void @llvm.x86.sse.ldmxcsr({before})")
    f.ret(code)


def emit_entry(module: Module) -> None:
    """Define ``entry(self, arguments, count)``, of the kind METH_FASTCALL; ``self`` is the block's
    address as an int."""
    module.declare("PyLong_AsVoidPtr", "ptr", ["ptr"])
    module.declare("PyLong_FromLongLong", "ptr", ["i64"])
    module.declare("PyEval_SaveThread", "ptr", [])
    module.declare("PyEval_RestoreThread", "void", ["ptr"])
    f = module.function("entry", [("ptr", "self"), ("ptr", "arguments"), ("i64", "count")],
                        result="ptr", linkage="")
    block = f.emit(f"call ptr @PyLong_AsVoidPtr({f['self']})", "ptr")
    lock = f.offset(block, LOCK, "i64")

    def held() -> list[Value]:
        code = f.if_(_arrays(f, block), run, lambda: [f.constant(REFUSED, "i64")])[0]

        def release() -> None:
            f.do(f"store atomic i64 0, {lock} release, align 8")

        # A positive number is a refusal, whose particulars are still to be read.
        f.if_(f.compare("sle", code, 0), release)
        return [code]

    def run() -> list[Value]:
        state = f.emit("call ptr @PyEval_SaveThread()", "ptr")
        code = f.emit(f"call i64 @launch({block})", "i64")
        f.do(f"call void @PyEval_RestoreThread({state})")
        return [code]

    got = f.emit(f"cmpxchg {lock}, i64 0, i64 1 acquire monotonic, align 8", "{ i64, i1 }")
    mine = f.emit(f"extractvalue {{ i64, i1 }} {got.text}, 1", "i1")
    code = f.if_(mine, held, lambda: [f.constant(BUSY, "i64")])[0]
    f.ret(f.emit(f"call ptr @PyLong_FromLongLong({code})", "ptr"))


def _arrays(f: Function, block: Value) -> Value:
    """Copy the addresses of two lists of arrays into the context; whether all are as they must
    be."""
    context, kinds = _word(f, block, CONTEXT, "ptr"), _word(f, block, KINDS, "ptr")
    count = _word(f, block, ARGUMENTS)

    def arguments() -> Value:
        return _addresses(f, block, f.load(f["arguments"], "ptr"), count, context, kinds, ())

    def results() -> Value:
        own = (_word(f, block, BYTES), _word(f, block, PAGES))
        return _addresses(f, block, f.load(f.offset(f["arguments"], 1, "ptr"), "ptr"),
                          _word(f, block, RESULTS), f.offset(context, count, "i64"),
                          f.offset(kinds, f.mul(count, 2), "i64"), own)

    return _all(f, lambda: f.compare("eq", f["count"], 2), arguments, results)


def _addresses(f: Function, block: Value, items: Value, count: Value, to: Value, kinds: Value,
               own: Sequence[Value]) -> Value:
    """Copy the addresses of one list of arrays. ``own``: for results, the types of memory that is
    tricord's."""
    array_type = _word(f, block, ARRAY)

    def copy() -> Value:
        first = _field(f, items, LIST_ITEMS, "ptr")

        def one(i: Value, good: Value) -> list[Value]:
            array = f.load(f.offset(first, i, "ptr"), "ptr")
            kind = f.offset(kinds, f.mul(i, 2), "i64")

            def is_array() -> Value:
                return f.compare("eq", _field(f, array, TYPE), array_type)

            def fits() -> Value:
                f.store(_field(f, array, ARRAY_DATA), f.offset(to, i, "i64"))
                return _fits(f, array, kind, own)

            return [_all(f, lambda: good, is_array, fits)]

        return f.loop(0, count, one, carried=[f.constant(True, "i1")])[0]

    return _all(f, lambda: f.compare("eq", _field(f, items, TYPE), _word(f, block, LIST)),
                lambda: f.compare("eq", _field(f, items, LIST_SIZE), count), copy)


def _fits(f: Function, array: Value, kind: Value, own: Sequence[Value]) -> Value:
    """Whether an array is of a kind, and as native code wants it."""
    flags = _field(f, array, ARRAY_FLAGS, "i32")
    wanted = _DENSE | WRITEABLE if own else _DENSE
    fine = f.and_(f.compare("eq", f.and_(flags, wanted), wanted),
                  f.compare("eq", _field(f, array, ARRAY_DTYPE), f.load(kind, "i64")))
    shape = _field(f, array, ARRAY_SHAPE, "ptr")
    rank = f.convert(_field(f, array, ARRAY_RANK, "i32"), "i64")
    size = f.loop(0, rank, lambda i, size: [f.mul(size, f.load(f.offset(shape, i, "i64"), "i64"))],
                  carried=[f.constant(1, "i64")])[0]
    fine = f.and_(fine, f.compare("eq", size, f.load(f.offset(kind, 1, "i64"), "i64")))
    if not own:
        return fine
    data = _field(f, array, ARRAY_DATA)
    fine = f.and_(fine, f.compare("eq", f.and_(data, 63), 0))
    return f.and_(fine, _has_memory(f, array, flags, own))


def _has_memory(f: Function, array: Value, flags: Value, own: Sequence[Value]) -> Value:
    """Whether an array owns its data, or has a base of one of these types."""
    def its_type() -> list[Value]:
        kind = _field(f, base, TYPE)
        return [f.or_(f.compare("eq", kind, own[0]), f.compare("eq", kind, own[1]))]

    base = _field(f, array, ARRAY_BASE, "ptr")
    there = f.pure(f"icmp ne {base}, null", "i1")
    owns = f.compare("ne", f.and_(flags, OWNDATA), 0)
    return f.or_(owns, f.if_(there, its_type, lambda: [f.constant(False, "i1")])[0])
