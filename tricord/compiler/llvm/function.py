"""One function under construction: straight SSA, explicit vectors, structured loops.

LLVM's middle-end passes are not run (they cost more than they give on code like this), so what
they would do is done while writing: equal pure instructions are written once within the blocks
they dominate, and arithmetic on constant indices is folded. Hoisting is the caller's: what is
written before a loop is outside of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .values import (
    BITS,
    Value,
    constant_text,
    element_of,
    integer_of,
    is_float,
    lanes_of,
    vector,
    with_element,
)

if TYPE_CHECKING:
    from .module import Module

__all__ = ["Function"]

Index = Value | int

_FLOAT = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv", "rem": "frem"}


class Function:
    """Write with the methods; each returns the `Value` it made."""

    def __init__(self, module: Module, name: str, arguments: Sequence[tuple[str, str]],
                 result: str, linkage: str, attributes: str):
        self.module = module
        self.name = name
        self.result = result
        self._head = (f"define {linkage} {result} @{name}("
                      + ", ".join(f"{t} %{n}" for t, n in arguments) + f") {attributes} {{")
        self.arguments = {n: Value(f"%{n}", t.split()[0] if t[0] != "<" else t)
                          for t, n in arguments}
        self._lines: list[str] = []
        self._entry: list[str] = []
        self._count = 0
        self._block = "entry"
        self._scopes: list[dict[str, Value]] = [{}]

    def __getitem__(self, argument: str) -> Value:
        return self.arguments[argument]

    def text(self) -> str:
        return "\n".join([self._head, "entry:", *self._entry, *self._lines, "}"])

    # ---- the bottom layer

    def name_for(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def emit(self, text: str, type: str) -> Value:
        """An instruction with a result, always written."""
        value = Value(self.name_for("%v"), type)
        self._lines.append(f"  {value.text} = {text}")
        return value

    def do(self, text: str) -> None:
        """An instruction without a result."""
        self._lines.append("  " + text)

    def pure(self, text: str, type: str) -> Value:
        """An instruction that depends on its operands alone; written once per dominating block."""
        for scope in reversed(self._scopes):
            found = scope.get(text)
            if found is not None:
                return found
        value = self._scopes[-1][text] = self.emit(text, type)
        return value

    def label(self, name: str) -> None:
        """Start a block. The block before must have ended in a branch."""
        self._lines.append(f"{name}:")
        self._block = name

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Instructions inside are not reused after it: for blocks that dominate nothing later."""
        self._scopes.append({})
        try:
            yield
        finally:
            self._scopes.pop()

    def ret(self, value: Value | None = None) -> None:
        self.do("ret void" if value is None else f"ret {value.type} {value.text}")

    def alloca(self, type: str, count: int = 1, align: int = 64) -> Value:
        """Memory on the stack, for the whole function."""
        value = Value(self.name_for("%a"), "ptr")
        self._entry.append(f"  {value.text} = alloca {type}, i64 {count}, align {align}")
        return value

    # ---- constants and vectors

    def constant(self, number: Any, type: str) -> Value:
        """A number, repeated over the lanes of a vector type."""
        element = element_of(type)
        text = constant_text(number, element)
        lanes = lanes_of(type)
        if lanes == 1:
            return Value(text, type)
        if element[0] == "i" and not number:
            return Value("zeroinitializer", type)
        return Value("<" + ", ".join([f"{element} {text}"] * lanes) + ">", type)

    def lanes_constant(self, numbers: Sequence[Any], element: str) -> Value:
        """A vector of given numbers."""
        texts = [f"{element} {constant_text(n, element)}" for n in numbers]
        return Value("<" + ", ".join(texts) + ">", vector(len(numbers), element))

    def index(self, value: Index) -> Value:
        """An index as a value of type i64."""
        return Value(str(value), "i64") if isinstance(value, int) else value

    def splat(self, scalar: Value, lanes: int) -> Value:
        """A scalar in every lane."""
        if lanes == 1:
            return scalar
        type = vector(lanes, scalar.type)
        if scalar.text[0] not in "%@":  # a constant
            return Value("<" + ", ".join([f"{scalar.type} {scalar.text}"] * lanes) + ">", type)
        first = self.pure(f"insertelement {type} poison, {scalar}, i32 0", type)
        return self.pure(f"shufflevector {first}, {type} poison, "
                         f"<{lanes} x i32> zeroinitializer", type)

    def like(self, value: Value, type: str) -> Value:
        """A scalar splatted to a vector type with the same element; a vector as it is."""
        return self.splat(value, lanes_of(type)) if lanes_of(value.type) == 1 else value

    def extract(self, value: Value, lane: int) -> Value:
        return self.pure(f"extractelement {value}, i32 {lane}", element_of(value.type))

    def insert(self, value: Value, element: Value, lane: int) -> Value:
        return self.pure(f"insertelement {value}, {element}, i32 {lane}", value.type)

    def shuffle(self, a: Value, b: Value | None, order: Sequence[int]) -> Value:
        """Lanes of a, then of b, picked by number; -1 is any."""
        other = f"{a.type} poison" if b is None else repr(b)
        picks = ", ".join(f"i32 {i}" if i >= 0 else "i32 poison" for i in order)
        type = vector(len(order), element_of(a.type))
        return self.pure(f"shufflevector {a}, {other}, <{len(order)} x i32> <{picks}>", type)

    def ramp(self, lanes: int, element: str = "i64") -> Value:
        """0, 1, 2, ... lane by lane; plain 0 for one lane."""
        if lanes == 1:
            return self.constant(0, element)
        return self.lanes_constant(range(lanes), element)

    # ---- arithmetic; scalars beside vectors are splatted, ints are constants of the other's type

    def _pair(self, a: Value | float, b: Value | float) -> tuple[Value, Value]:
        if not isinstance(a, Value):
            assert isinstance(b, Value)
            return self.constant(a, b.type), b
        if not isinstance(b, Value):
            return a, self.constant(b, a.type)
        if a.type != b.type:
            type = a.type if lanes_of(a.type) > 1 else b.type
            return self.like(a, type), self.like(b, type)
        return a, b

    def binary(self, op: str, a: Value | float, b: Value | float) -> Value:
        """``add sub mul div rem`` by type (div and rem: floats only), or any LLVM binary opcode."""
        a, b = self._pair(a, b)
        if is_float(a.type):
            op = _FLOAT.get(op, op)
        elif a.type == "i64":
            folded = _fold(op, a.text, b.text)
            if folded is not None:
                return Value(folded, "i64")
        return self.pure(f"{op} {a.type} {a.text}, {b.text}", a.type)

    def add(self, a: Value | float, b: Value | float) -> Value:
        return self.binary("add", a, b)

    def sub(self, a: Value | float, b: Value | float) -> Value:
        return self.binary("sub", a, b)

    def mul(self, a: Value | float, b: Value | float) -> Value:
        return self.binary("mul", a, b)

    def div(self, a: Value | float, b: Value | float) -> Value:
        """Of floats, exactly rounded. Integers: ``binary("sdiv")`` or ``binary("udiv")``."""
        return self.binary("fdiv", a, b)

    def and_(self, a: Value | int, b: Value | int) -> Value:
        return self.binary("and", a, b)

    def or_(self, a: Value | int, b: Value | int) -> Value:
        return self.binary("or", a, b)

    def xor(self, a: Value | int, b: Value | int) -> Value:
        return self.binary("xor", a, b)

    def shl(self, a: Value, b: Value | int) -> Value:
        return self.binary("shl", a, b)

    def lshr(self, a: Value, b: Value | int) -> Value:
        return self.binary("lshr", a, b)

    def ashr(self, a: Value, b: Value | int) -> Value:
        return self.binary("ashr", a, b)

    def not_(self, a: Value) -> Value:
        return self.xor(a, True if element_of(a.type) == "i1" else -1)

    def neg(self, a: Value) -> Value:
        if is_float(a.type):
            return self.pure(f"fneg {a}", a.type)
        return self.sub(self.constant(0, a.type), a)

    def fma(self, a: Value | float, b: Value | float, c: Value | float) -> Value:
        """``a * b + c``, rounded once where the machine can do that in one instruction, twice
        elsewhere."""
        type = next(v.type for v in sorted(
            (v for v in (a, b, c) if isinstance(v, Value)), key=lambda v: -lanes_of(v.type)))
        a, b, c = (self.like(v, type) if isinstance(v, Value) else self.constant(v, type)
                   for v in (a, b, c))
        if getattr(self.module.target, "has_fma", True):
            return self.intrinsic("fma", type, a, b, c)
        return self.add(self.mul(a, b), c)

    def compare(self, predicate: str, a: Value | float, b: Value | float) -> Value:
        """i1 lane by lane. Float predicates: oeq one olt ole ogt oge uno ord ueq une ult ...;
        integer ones: eq ne slt sle sgt sge ult ule ugt uge."""
        a, b = self._pair(a, b)
        op = "fcmp" if is_float(a.type) else "icmp"
        return self.pure(f"{op} {predicate} {a.type} {a.text}, {b.text}",
                         with_element(a.type, "i1"))

    def select(self, condition: Value, a: Value | float, b: Value | float) -> Value:
        a, b = self._pair(a, b)
        lanes = lanes_of(condition.type)
        if lanes > 1:
            a, b = (self.splat(v, lanes) if lanes_of(v.type) == 1 else v for v in (a, b))
        return self.pure(f"select {condition}, {a}, {b}", a.type)

    def minimum_index(self, a: Index, b: Index) -> Value:
        """The smaller of two signed i64."""
        if isinstance(a, int) and isinstance(b, int):
            return self.index(min(a, b))
        return self.intrinsic("smin", "i64", self.index(a), self.index(b))

    def maximum_index(self, a: Index, b: Index) -> Value:
        """The larger of two signed i64."""
        if isinstance(a, int) and isinstance(b, int):
            return self.index(max(a, b))
        return self.intrinsic("smax", "i64", self.index(a), self.index(b))

    def intrinsic(self, name: str, type: str, *operands: Value) -> Value:
        """``llvm.<name>.<type>`` where result and all operands have one type."""
        full = f"llvm.{name}.{mangled(type)}"
        self.module.declare(full, type, [type] * len(operands))
        return self.pure(f"call {type} @{full}({', '.join(map(repr, operands))})", type)

    def call(self, name: str, result: str, *operands: Value, pure: bool = False) -> Value | None:
        """Call a function of this module, or one declared before."""
        text = f"call {result} @{name}({', '.join(map(repr, operands))})"
        if result == "void":
            self.do(text)
            return None
        return self.pure(text, result) if pure else self.emit(text, result)

    # ---- conversions

    def convert(self, a: Value, element: str, *, signed: bool = True) -> Value:
        """To another element type: integers are sign- or zero-extended or truncated, floats
        rounded; i1 is zero or one. Floats become integers as C has it, without a check."""
        source, type = element_of(a.type), with_element(a.type, element)
        if source == element:
            return a
        if is_float(a.type):
            if is_float(type):
                if BITS[source] == BITS[element]:  # half and bfloat
                    return self.convert(self.convert(a, "float"), element)
                op = "fpext" if BITS[element] > BITS[source] else "fptrunc"
            else:
                op = "fptosi" if signed else "fptoui"
        elif is_float(type):
            op = "sitofp" if signed and source != "i1" else "uitofp"
        elif BITS[element] < BITS[source]:
            op = "trunc"
        else:
            op = "sext" if signed and source != "i1" else "zext"
        return self.pure(f"{op} {a} to {type}", type)

    def bitcast(self, a: Value, type: str) -> Value:
        return a if a.type == type else self.pure(f"bitcast {a} to {type}", type)

    def bits(self, a: Value) -> Value:
        """A float's bits as an integer of its width."""
        return self.bitcast(a, integer_of(a.type))

    # ---- memory

    def offset(self, pointer: Value, index: Index, element: str) -> Value:
        """The address ``index`` elements further on."""
        if isinstance(index, int):
            index = Value(str(index), "i64")
        if index.text == "0":
            return pointer
        stored = "i8" if element == "i1" else element
        return self.pure(f"getelementptr {stored}, {pointer}, {index}", "ptr")

    def load(self, pointer: Value, type: str, *, align: int | None = None,
             mask: Value | None = None) -> Value:
        """Read; lanes that the mask leaves out are zero. Not for i1: memory holds bytes."""
        if align is None:
            align = BITS[element_of(type)] // 8
        if mask is None:
            return self.emit(f"load {type}, {pointer}, align {align}", type)
        name = f"llvm.masked.load.{mangled(type)}.p0"
        self.module.declare(name, type, ["ptr", mask.type, type])
        return self.emit(f"call {type} @{name}(ptr align {align} {pointer.text}, {mask}, "
                         f"{type} zeroinitializer)", type)

    def store(self, value: Value, pointer: Value, *, align: int | None = None,
              mask: Value | None = None) -> None:
        if align is None:
            align = BITS[element_of(value.type)] // 8
        if mask is None:
            self.do(f"store {value}, {pointer}, align {align}")
            return
        if mask.text.count("i1 true") == 1:
            # LLVM's own way for such a mask writes as many bytes as the lane had before it was
            # made narrower: over the neighbour, and past the end of the memory.
            lane = ["true" in part for part in mask.text.split(",")].index(True)
            self.store(self.extract(value, lane),
                       self.offset(pointer, lane, element_of(value.type)), align=align)
            return
        name = f"llvm.masked.store.{mangled(value.type)}.p0"
        self.module.declare(name, "void", [value.type, "ptr", mask.type])
        self.do(f"call void @{name}({value}, ptr align {align} {pointer.text}, {mask})")

    def prefetch(self, pointer: Value, *, write: bool = False, locality: int = 3) -> None:
        self.module.declare("llvm.prefetch.p0", "void", ["ptr", "i32", "i32", "i32"])
        self.do(f"call void @llvm.prefetch.p0({pointer}, i32 {int(write)}, i32 {locality}, i32 1)")

    def first_lanes(self, count: Index, lanes: int) -> Value:
        """A mask of the first ``count`` lanes."""
        if isinstance(count, int):
            return self.lanes_constant([i < count for i in range(lanes)], "i1")
        few = self.convert(count, "i32")
        return self.compare("ult", self.ramp(lanes, "i32"), few)

    # ---- reductions over the lanes, always by the same tree

    def fold_lanes(self, value: Value, combine: Callable[[Value, Value], Value]) -> Value:
        """Lanes combined by halving: 0 with n/2, 1 with n/2 + 1, ..."""
        lanes = lanes_of(value.type)
        while lanes > 1:
            half = lanes // 2
            low = self.shuffle(value, None, range(half))
            high = self.shuffle(value, None, range(half, lanes))
            if half == 1:
                low, high = self.extract(value, 0), self.extract(value, 1)
            value = combine(low, high)
            lanes = half
        return value

    # ---- control

    def loop(self, start: Index, stop: Index, body: Callable[..., Sequence[Value] | None], *,
             step: int = 1, carried: Sequence[Value] = (), checked: bool = True) -> list[Value]:
        """``for i in range(start, stop, step): carried = body(i, *carried)``.

        ``checked=False`` promises at least one round. With constant bounds that is known.
        Returns the carried values at the end.
        """
        constant = isinstance(start, int) and isinstance(stop, int)
        if constant:
            if start >= stop:  # type: ignore[operator]
                return list(carried)
            checked = False
        start, stop = self.index(start), self.index(stop)
        head, end = self.name_for("head"), self.name_for("end")
        before = self._block
        if checked:
            enter = self.compare("slt", start, stop)
            self.do(f"br i1 {enter.text}, label %{head}, label %{end}")
        else:
            self.do(f"br label %{head}")
        self.label(head)
        i = Value(self.name_for("%i"), "i64")
        inside = [Value(self.name_for("%p"), c.type) for c in carried]
        hole = len(self._lines)
        self._lines.append("")
        with self.scope():
            results = list(body(i, *inside) or ())
            assert len(results) == len(inside), "the body must return what it carries"
            following = self.emit(f"add nsw i64 {i.text}, {step}", "i64")
            again = self.emit(f"icmp slt i64 {following.text}, {stop.text}", "i1")
        last = self._block
        self.do(f"br i1 {again.text}, label %{head}, label %{end}")
        phis = [f"  {i.text} = phi i64 [ {start.text}, %{before} ], [ {following.text}, %{last} ]"]
        phis += [f"  {p.text} = phi {p.type} [ {c.text}, %{before} ], [ {r.text}, %{last} ]"
                 for p, c, r in zip(inside, carried, results, strict=True)]
        self._lines[hole] = "\n".join(phis)
        self.label(end)
        if not checked:
            return results
        return [self.emit(f"phi {c.type} [ {c.text}, %{before} ], [ {r.text}, %{last} ]", c.type)
                for c, r in zip(carried, results, strict=True)]

    def while_(self, carried: Sequence[Value],
               condition: Callable[..., Value],
               body: Callable[..., Sequence[Value]]) -> list[Value]:
        """``while condition(*carried): carried = body(*carried)``."""
        head, inner, end = (self.name_for(p) for p in ("while", "body", "end"))
        before = self._block
        self.do(f"br label %{head}")
        self.label(head)
        inside = [Value(self.name_for("%p"), c.type) for c in carried]
        hole = len(self._lines)
        self._lines.append("")
        self._scopes.append({})
        go_on = condition(*inside)
        self.do(f"br i1 {go_on.text}, label %{inner}, label %{end}")
        self.label(inner)
        with self.scope():
            results = list(body(*inside))
        last = self._block
        self.do(f"br label %{head}")
        self._lines[hole] = "\n".join(
            f"  {p.text} = phi {p.type} [ {c.text}, %{before} ], [ {r.text}, %{last} ]"
            for p, c, r in zip(inside, carried, results, strict=True))
        self.label(end)
        self._scopes.pop()
        return inside

    def if_(self, condition: Value, then: Callable[[], Sequence[Value] | None],
            otherwise: Callable[[], Sequence[Value] | None] | None = None) -> list[Value]:
        """Branch; what the two sides return is joined."""
        yes, no, join = (self.name_for(p) for p in ("then", "else", "join"))
        self.do(f"br i1 {condition.text}, label %{yes}, label %{no}")
        ends = []
        for name, side in ((yes, then), (no, otherwise)):
            self.label(name)
            with self.scope():
                results = list((side() if side else None) or ())
            ends.append((results, self._block))
            self.do(f"br label %{join}")
        self.label(join)
        (a, from_a), (b, from_b) = ends
        return [self.emit(f"phi {x.type} [ {x.text}, %{from_a} ], [ {y.text}, %{from_b} ]", x.type)
                for x, y in zip(a, b, strict=True)]


def mangled(type: str) -> str:
    """A type as it stands in the name of an intrinsic.

    >>> mangled("<8 x float>"), mangled("i64")
    ('v8f32', 'i64')
    """
    names = {"float": "f32", "double": "f64", "half": "f16", "bfloat": "bf16", "ptr": "p0"}
    element = element_of(type)
    short = names.get(element, element)
    return short if lanes_of(type) == 1 else f"v{lanes_of(type)}{short}"


def _fold(op: str, a: str, b: str) -> str | None:
    """Index arithmetic on constants, and with neutral elements."""
    left, right = _number(a), _number(b)
    if left is not None and right is not None:
        if op == "add":
            return str(left + right)
        if op == "sub":
            return str(left - right)
        if op == "mul":
            return str(left * right)
        if op in ("sdiv", "udiv") and right > 0 and left >= 0:
            return str(left // right)
        if op in ("srem", "urem") and right > 0 and left >= 0:
            return str(left % right)
        return None
    if op == "add":
        return b if left == 0 else a if right == 0 else None
    if op == "sub":
        return a if right == 0 else None
    if op == "mul":
        if left == 0 or right == 0:
            return "0"
        return b if left == 1 else a if right == 1 else None
    if op in ("sdiv", "udiv"):
        return a if right == 1 else None
    if op in ("srem", "urem"):
        return "0" if right == 1 else None
    return None


def _number(text: str) -> int | None:
    return int(text) if text.lstrip("-").isdigit() else None
