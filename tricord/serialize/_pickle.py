"""An interpreter for the pickle opcodes that hold data, which cannot run code.

It never imports anything: a name in the file is looked up in a closed table of ``Name`` entries
that the caller gives, and only those can be "called". Values are plain containers and scalars.
Nothing recurses, every opcode consumes at least a byte, and what copies data is charged to a
budget, so memory stays proportional to the file.

Source: CPython ``Lib/pickletools.py`` (the specification of the opcodes). Protocols 2 to 5.
Known weakness: protocols 0 and 1 (text opcodes) are refused; PyTorch never wrote them by default.
"""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import FileFormatError, UnsafeFileError

__all__ = ["Budget", "Name", "PickleReader", "check_result", "is_plain_key"]

_MAX_INTEGER_BYTES = 4096
_MAX_DEPTH = 200
_SCALARS = (str, int, float, bool, bytes, complex, type(None))

_CALLS_CODE = {
    0x69: "INST", 0x6F: "OBJ", 0x81: "NEWOBJ", 0x92: "NEWOBJ_EX", 0x82: "EXT1", 0x83: "EXT2",
    0x84: "EXT4", 0x50: "PERSID",
}
_CONSTANTS: dict[int, Callable[[], Any]] = {
    0x4E: lambda: None, 0x88: lambda: True, 0x89: lambda: False,
    0x29: tuple, 0x5D: list, 0x7D: dict, 0x8F: set,
}
_FIXED = {  # opcode: format of its argument, which is the value
    0x4A: struct.Struct("<i"), 0x4B: struct.Struct("<B"), 0x4D: struct.Struct("<H"),
    0x47: struct.Struct(">d"),
}
_SIZED = {  # opcode: (format of the size, kind)
    0x8C: ("<B", "text"), 0x58: ("<I", "text"), 0x8D: ("<Q", "text"),
    0x43: ("<B", "bytes"), 0x42: ("<I", "bytes"), 0x8E: ("<Q", "bytes"),
    0x96: ("<Q", "bytearray"),
    0x55: ("<B", "old text"), 0x54: ("<i", "old text"),
    0x8A: ("<B", "integer"), 0x8B: ("<i", "integer"),
}


@dataclass(frozen=True, eq=False)
class Name:
    """What a name in the file stands for: a function of the arguments, a value, or both."""

    title: str
    call: Callable[..., Any] | None = None
    unsupported: str = ""


class Budget:
    """Bytes that may still be made out of the file."""

    def __init__(self, limit: int, name: str):
        self.left = limit
        self.name = name

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise FileFormatError(f"{self.name}: its data expands far beyond the file's size",
                                  hint="the file is damaged or made to exhaust memory")


class PickleReader:
    """Read one value at a time from ``data``; ``position`` is where the next one starts.

    ``names(module, name)`` gives the meaning of a global name, a ``Name`` or a plain value, and
    raises for those that are not allowed. ``persistent(id)`` gives the object with that id.
    ``build(object, state)`` sets an object's state (the BUILD opcode).
    """

    def __init__(
        self,
        data: bytes,
        *,
        file_name: str,
        names: Callable[[str, str], Any],
        persistent: Callable[[Any], Any],
        build: Callable[[Any, Any], Any],
        budget: Budget,
        position: int = 0,
    ):
        self.data = data
        self.position = position
        self.file_name = file_name
        self._names = names
        self._persistent = persistent
        self._build = build
        self._budget = budget

    def bad(self, problem: str) -> FileFormatError:
        return FileFormatError(f"{self.file_name}: damaged pickle data: {problem} "
                               f"(at byte {self.position})", hint="save or fetch the file again")

    def unsafe(self, what: str, hint: str = "tricord reads data only; save a state_dict") -> (
            UnsafeFileError):
        return UnsafeFileError(f"{self.file_name}: the file asks for {what}; refused", hint=hint)

    def load(self) -> Any:
        """The next value. Containers may hold each other; ``check_result`` looks at that."""
        self._stack: list[Any] = []
        self._marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        if self.data[self.position:self.position + 1] != b"\x80":
            raise self.bad("it does not start with a protocol number of 2 to 5")
        handlers = self._HANDLERS
        while True:
            code = self._take(1)[0]
            if code == 0x2E:  # STOP
                if self._marks or len(self._stack) != 1:
                    raise self.bad("it stops in the middle of a value")
                return self._stack.pop()
            if code in _CONSTANTS:
                self._stack.append(_CONSTANTS[code]())
            elif code in _FIXED:
                self._stack.append(self._number(_FIXED[code]))
            elif code in _SIZED:
                self._stack.append(self._sized(*_SIZED[code]))
            elif code in handlers:
                handlers[code](self)
            elif code in _CALLS_CODE:
                raise self.unsafe(f"an object to be made by code (opcode {_CALLS_CODE[code]})")
            else:
                raise self.bad(f"opcode {bytes([code])!r} is not one that data needs")

    # ------------------------------------------------------------------ bytes

    def _take(self, count: int) -> bytes:
        piece = self.data[self.position:self.position + count]
        if len(piece) != count:
            raise self.bad("it ends too early")
        self.position += count
        return piece

    def _number(self, layout: struct.Struct) -> Any:
        return layout.unpack(self._take(layout.size))[0]

    def _line(self) -> str:
        end = self.data.find(b"\n", self.position, self.position + 1000)
        if end < 0:
            raise self.bad("a name does not end")
        line = self._take(end + 1 - self.position)[:-1]
        return self._decode(line)

    def _decode(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise self.bad("text is not UTF-8") from None

    def _sized(self, size_format: str, kind: str) -> Any:
        size = self._number(struct.Struct(size_format))
        if size < 0 or size > len(self.data) - self.position:
            raise self.bad(f"a {kind} of {size} bytes does not fit into the file")
        if kind == "integer" and size > _MAX_INTEGER_BYTES:
            raise self.bad(f"an integer of {size} bytes")
        raw = self._take(size)
        if kind == "text":
            return self._decode(raw)
        if kind == "integer":
            return int.from_bytes(raw, "little", signed=True)
        if kind == "old text":  # a str of Python 2: text if it can be
            try:
                return raw.decode("utf-8")
            except UnicodeDecodeError:
                return raw
        return bytearray(raw) if kind == "bytearray" else raw

    # ------------------------------------------------------------------ stack

    def _pop(self) -> Any:
        if not self._stack:
            raise self.bad("a value is missing")
        return self._stack.pop()

    def _top(self, kinds: tuple[type, ...], what: str) -> Any:
        if not self._stack or type(self._stack[-1]) not in kinds:
            found = type(self._stack[-1]).__name__ if self._stack else "nothing"
            raise self.bad(f"expected {what} to fill, found {found}")
        return self._stack[-1]

    def _pop_mark(self) -> list[Any]:
        if not self._marks:
            raise self.bad("a mark is missing")
        items = self._stack
        self._stack = self._marks.pop()
        return items

    def _mark(self) -> None:
        self._marks.append(self._stack)
        self._stack = []

    def _protocol(self) -> None:
        protocol = self._take(1)[0]
        if not 2 <= protocol <= 5:
            raise self.bad(f"protocol {protocol}; 2 to 5 are known")

    def _frame(self) -> None:
        self._take(8)  # how much to read ahead; all of it is here already

    # ------------------------------------------------------------- containers

    def _tuple(self, count: int) -> None:
        if len(self._stack) < count:
            raise self.bad("a value is missing")
        items = tuple(self._stack[-count:])
        del self._stack[-count:]
        self._stack.append(items)

    def _mark_tuple(self) -> None:
        items = self._pop_mark()
        self._stack.append(tuple(items))

    def _append(self) -> None:
        item = self._pop()
        self._top((list,), "a list").append(item)

    def _appends(self) -> None:
        items = self._pop_mark()
        self._top((list,), "a list").extend(items)

    def _add_items(self) -> None:
        items = self._pop_mark()
        target = self._top((set,), "a set")
        for item in items:
            self._check_key(item)
            target.add(item)

    def _set_item(self) -> None:
        value, key = self._pop(), self._pop()
        self._check_key(key)
        self._top((dict, OrderedDict, Counter), "a dict")[key] = value

    def _set_items(self) -> None:
        items = self._pop_mark()
        target = self._top((dict, OrderedDict, Counter), "a dict")
        if len(items) % 2:
            raise self.bad("a key without a value")
        for key, value in zip(items[::2], items[1::2]):
            self._check_key(key)
            target[key] = value

    def _check_key(self, key: Any) -> None:
        if not is_plain_key(key):
            raise self.bad(f"a {type(key).__name__} as a dict key or set item")

    # ------------------------------------------------------------------- memo

    def _put(self, layout: struct.Struct) -> None:
        index = self._number(layout)
        if not self._stack:
            raise self.bad("nothing to remember")
        self._memo[index] = self._stack[-1]

    def _memoize(self) -> None:
        if not self._stack:
            raise self.bad("nothing to remember")
        self._memo[len(self._memo)] = self._stack[-1]

    def _get(self, layout: struct.Struct) -> None:
        index = self._number(layout)
        if index not in self._memo:
            raise self.bad(f"value {index} was never remembered")
        value = self._memo[index]
        # An object whose state came after it was remembered is asked for its final value.
        self._stack.append(getattr(value, "resolved", value))

    # ---------------------------------------------------- names and "calls"

    def _global(self) -> None:
        module = self._line()
        self._stack.append(self._names(module, self._line()))

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        if type(name) is not str or type(module) is not str:
            raise self.bad("a name that is not text")
        self._stack.append(self._names(module, name))

    def _reduce(self) -> None:
        arguments, function = self._pop(), self._pop()
        if not isinstance(function, Name) or function.call is None:
            title = function.title if isinstance(function, Name) else f"a {type(function).__name__}"
            raise self.unsafe(f"{title} to be called")
        if type(arguments) is not tuple:
            raise self.bad(f"{function.title} with arguments that are no tuple")
        for argument in arguments:  # what is copied is paid for
            if isinstance(argument, str | bytes | bytearray):
                self._budget.take(2 * len(argument))
            elif isinstance(argument, list | tuple | dict | set):
                self._budget.take(64 * len(argument))
        try:
            self._stack.append(function.call(*arguments))
        except FileFormatError:
            raise
        except (TypeError, ValueError, OverflowError, AttributeError, KeyError) as problem:
            raise self.bad(f"{function.title} with the wrong arguments ({problem})") from None

    def _build_state(self) -> None:
        state, target = self._pop(), self._pop()
        self._stack.append(self._build(target, state))

    def _persistent_id(self) -> None:
        self._stack.append(self._persistent(self._pop()))

    _BYTE, _FOUR = struct.Struct("<B"), struct.Struct("<I")
    _HANDLERS: Mapping[int, Callable[[PickleReader], None]] = {
        0x80: _protocol, 0x95: _frame, 0x28: _mark,
        0x85: lambda self: self._tuple(1), 0x86: lambda self: self._tuple(2),
        0x87: lambda self: self._tuple(3), 0x74: _mark_tuple,
        0x61: _append, 0x65: _appends, 0x90: _add_items, 0x73: _set_item, 0x75: _set_items,
        0x71: lambda self: self._put(self._BYTE), 0x72: lambda self: self._put(self._FOUR),
        0x68: lambda self: self._get(self._BYTE), 0x6A: lambda self: self._get(self._FOUR),
        0x94: _memoize, 0x63: _global, 0x93: _stack_global, 0x52: _reduce, 0x62: _build_state,
        0x51: _persistent_id,
    }


def is_plain_key(key: Any) -> bool:
    """Whether a value may be a dict key: a scalar or a tuple of scalars.

    Deeper tuples are refused: hashing them takes the C stack, or time without bound.
    """
    if type(key) is tuple:
        return len(key) <= 64 and all(type(item) in _SCALARS for item in key)
    return type(key) in _SCALARS


def check_result(root: Any, reader: PickleReader, internal: tuple[type, ...]) -> None:
    """Refuse what a consumer could choke on: cycles, deep nesting, and sharing that explodes.

    A dozen bytes of pickle can make a list that holds itself, or forty lists each holding the one
    before twice: 2**40 values for whoever walks it. Objects of ``internal`` types are not data.
    """
    sizes: dict[int, tuple[int, int]] = {}  # id: (depth, values below, shared ones counted again)
    open_now: set[int] = set()
    todo: list[tuple[Any, bool]] = [(root, False)]
    while todo:
        value, done = todo.pop()
        if isinstance(value, internal):
            raise reader.unsafe(f"a reference to {getattr(value, 'title', type(value).__name__)}")
        children = _children(value)
        if not children or id(value) in sizes:
            continue
        if done:
            below = [sizes.get(id(child), (0, 1)) for child in children]
            depth = 1 + max(depth for depth, _ in below)
            count = 1 + sum(count for _, count in below)
            if depth > _MAX_DEPTH:
                raise reader.bad(f"values nested more than {_MAX_DEPTH} deep")
            if count > 4 * len(reader.data) + 1_000_000:
                raise reader.bad("shared values that expand without bound")
            sizes[id(value)] = (depth, count)
            open_now.discard(id(value))
            continue
        if id(value) in open_now:
            raise reader.bad("a container that holds itself")
        open_now.add(id(value))
        todo.append((value, True))
        todo.extend((child, False) for child in children)


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        metadata = vars(value).get("_metadata") if isinstance(value, OrderedDict) else None
        return [*value.values(), *([metadata] if metadata is not None else [])]
    return list(value) if isinstance(value, list | tuple | set) else []
