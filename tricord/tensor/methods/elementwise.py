"""Methods that work element by element, and their in-place twins with a trailing underscore."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ArgumentError, DTypeError, NotSupportedError
from ...functions import elementwise as fn
from ...functions import special as sp
from ...ir import arithmetic as ar
from ...ir.dtypes import (
    DType,
    as_dtype,
    bfloat16,
    bool_,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
)
from ...ir.node import Node
from ...ir.ops.elementwise import cast, fmod
from ...ir.source import user_location
from ..handle import Handle
from ..operators import combine, operand
from ..recorder import record, value_of, wrap
from ..views import write

__all__ = ["ElementwiseMethods", "binary_method", "unary_method"]


def unary_method(function: Callable[[Node], Node]) -> Callable[[Any], Any]:
    """A method without arguments, from a function on one node."""

    def method(self: Any) -> Any:
        return record(function, (self,))

    method.__name__ = function.__name__
    method.__doc__ = function.__doc__
    return method


def _unary_in_place(function: Callable[[Node], Node]) -> Callable[[Any], Any]:
    def method(self: Any) -> Any:
        return write(self, function)

    method.__name__ = f"{function.__name__}_"
    method.__doc__ = f"`{function.__name__}`, in place."
    return method


def binary_method(function: Callable[[Any, Any], Node]) -> Callable[[Any, Any], Any]:
    """A method with one operand, which may be a number, from a function on two nodes."""

    def method(self: Any, other: Any) -> Any:
        result = combine(function, self, other)
        if result is NotImplemented:
            raise DTypeError(f"{function.__name__}: takes tensors and numbers, got "
                             f"{type(other).__name__}")
        return result

    method.__name__ = function.__name__
    method.__doc__ = function.__doc__
    return method


def _right(x: Node, function: Any, number: Any) -> Node:
    result: Node = function(x, number)
    return result


def binary_in_place(function: Callable[[Any, Any], Node]) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        other = operand(other)
        if isinstance(other, Handle):
            return write(self, function, (other,))
        return write(self, _right, (), (function, other))

    method.__name__ = f"{function.__name__}_"
    method.__doc__ = f"`{function.__name__}`, in place."
    return method


def _scaled(function: Callable[[Any, Any], Node], name: str) -> tuple[Any, Any]:
    """add and sub, which take ``alpha``."""

    def method(self: Any, other: Any, *, alpha: Any = 1) -> Any:
        if alpha != 1:
            other = other * alpha
        return combine(function, self, other)

    def in_place(self: Any, other: Any, *, alpha: Any = 1) -> Any:
        if alpha != 1:
            other = other * alpha
        other = operand(other)
        if isinstance(other, Handle):
            return write(self, function, (other,))
        return write(self, _right, (), (function, other))

    method.__name__, in_place.__name__ = name, f"{name}_"
    return method, in_place


def _divide_mode(x: Any, y: Any, mode: str) -> Node:
    return fn.trunc_divide(x, y) if mode == "trunc" else fn.floor_divide(x, y)


def _addc(x: Node, a: Node, b: Node, value: Any, divide: bool) -> Node:
    product = ar.divide(a, b) if divide else a * b
    return x + product * value


def _clip(x: Node, low: Any, high: Any) -> Node:
    return fn.clip(x, low, high)


def _clip_nodes(x: Node, *bounds: Any) -> Node:
    *nodes, has_low, has_high = bounds
    low = nodes[0] if has_low else None
    high = nodes[-1] if has_high else None
    return fn.clip(x, low, high)


def _where(x: Node, condition: Node, y: Node) -> Node:
    return fn.where(condition, x, y)


def _fill(x: Node, value: Node) -> Node:
    return value


def _mask(x: Node, mask: Node, value: Node) -> Node:
    return fn.where(mask, cast(value, x.dtype), x)


def _to(x: Node, dtype: DType) -> Node:
    return cast(x, dtype)


def _is_same(x: Node) -> Node:
    return x


_NAMES = {
    "abs": fn.abs, "absolute": fn.abs, "exp": fn.exp, "exp2": fn.exp2, "expm1": fn.expm1,
    "log": fn.log, "log2": fn.log2, "log10": fn.log10, "log1p": fn.log1p, "sqrt": fn.sqrt,
    "rsqrt": fn.rsqrt, "square": fn.square, "reciprocal": fn.reciprocal, "sin": fn.sin,
    "cos": fn.cos, "tan": fn.tan, "asin": fn.asin, "arcsin": fn.asin, "acos": fn.acos,
    "arccos": fn.acos, "atan": fn.atan, "arctan": fn.atan, "sinh": fn.sinh, "cosh": fn.cosh,
    "tanh": fn.tanh, "asinh": fn.asinh, "acosh": fn.acosh, "atanh": fn.atanh,
    "sigmoid": fn.sigmoid, "erf": fn.erf, "erfc": fn.erfc, "erfinv": fn.erfinv,
    "lgamma": fn.lgamma, "digamma": sp.digamma, "sign": sp.sign, "sgn": fn.sign, "neg": fn.negative,
    "negative": fn.negative, "floor": fn.floor, "ceil": fn.ceil, "trunc": fn.trunc,
    "fix": fn.trunc, "frac": fn.frac, "bitwise_not": fn.bitwise_not,
    "logical_not": ar.logical_not, "sinc": fn.sinc, "arcsinh": fn.asinh, "arccosh": fn.acosh,
    "arctanh": fn.atanh, "i0": sp.i0, "deg2rad": sp.radians, "rad2deg": sp.degrees,
}
_TESTS = {"isnan": fn.is_nan, "isinf": fn.is_inf, "isfinite": fn.is_finite,
          "signbit": fn.signbit, "angle": fn.angle, "conj": fn.conj, "isposinf": fn.is_posinf,
          "isneginf": fn.is_neginf, "positive": fn.positive, "conj_physical": fn.conj,
          "isreal": sp.is_real}
_BINARY = {
    "mul": ar.multiply, "multiply": ar.multiply, "true_divide": ar.divide,
    "floor_divide": ar.floor_divide, "remainder": ar.remainder, "fmod": ar.binary(fmod),
    "pow": ar.power, "maximum": fn.maximum, "minimum": fn.minimum, "fmax": fn.fmax,
    "fmin": fn.fmin, "atan2": fn.atan2, "arctan2": fn.atan2, "hypot": fn.hypot,
    "copysign": fn.copysign, "nextafter": fn.nextafter, "logaddexp": fn.logaddexp,
    "logaddexp2": fn.logaddexp2, "xlogy": fn.xlogy, "bitwise_and": fn.bitwise_and,
    "bitwise_or": fn.bitwise_or, "bitwise_xor": fn.bitwise_xor, "logical_and": fn.logical_and,
    "logical_or": fn.logical_or, "logical_xor": fn.logical_xor, "heaviside": fn.heaviside,
    "ldexp": fn.ldexp, "float_power": fn.float_power, "gcd": sp.gcd, "lcm": sp.lcm,
    "bitwise_left_shift": fn.bitwise_left_shift, "bitwise_right_shift": fn.bitwise_right_shift,
    **{short: ar.compare[long] for short, long in (
        ("eq", "equal"), ("ne", "not_equal"), ("not_equal", "not_equal"), ("lt", "less"),
        ("less", "less"), ("le", "less_equal"), ("less_equal", "less_equal"), ("gt", "greater"),
        ("greater", "greater"), ("ge", "greater_equal"), ("greater_equal", "greater_equal"))},
}


class ElementwiseMethods(Handle):
    """Elementwise methods, as PyTorch names them."""

    add, add_ = _scaled(ar.add, "add")
    sub, sub_ = _scaled(ar.subtract, "sub")
    subtract, subtract_ = sub, sub_

    def rsub(self, other: Any) -> Any:
        return other - self

    def div(self, other: Any, *, rounding_mode: str | None = None) -> Any:
        """Division; ``rounding_mode`` "floor" or "trunc" rounds the quotient."""
        if rounding_mode is None:
            return combine(ar.divide, self, other)
        if rounding_mode not in ("floor", "trunc"):
            raise ArgumentError("div: rounding_mode must be None, 'trunc' or 'floor', got "
                                f"{rounding_mode!r}")
        return combine(fn.trunc_divide if rounding_mode == "trunc" else ar.floor_divide,
                       self, other)

    divide = div

    def div_(self, other: Any, *, rounding_mode: str | None = None) -> Any:
        function = (ar.divide if rounding_mode is None else fn.trunc_divide
                    if rounding_mode == "trunc" else ar.floor_divide)
        return binary_in_place(function)(self, other)

    def addcmul(self, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
        """``self + value * tensor1 * tensor2``."""
        return record(_addc, (self, tensor1, tensor2), (value, False))

    def addcmul_(self, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
        return write(self, _addc, (tensor1, tensor2), (value, False))

    def addcdiv(self, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
        """``self + value * tensor1 / tensor2``."""
        return record(_addc, (self, tensor1, tensor2), (value, True))

    def addcdiv_(self, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
        return write(self, _addc, (tensor1, tensor2), (value, True))

    def clamp(self, min: Any = None, max: Any = None) -> Any:
        """Elements below ``min`` become it, above ``max`` likewise; NaN stays."""
        if min is None and max is None:
            raise ArgumentError("clamp: At least one of 'min' or 'max' must not be None")
        tensors = [b for b in (min, max) if isinstance(b, Handle)]
        if not tensors:
            return record(_clip, (self,), (operand(min), operand(max)))
        bounds = [b if isinstance(b, Handle) else record(_to_like, (self,), (b,))
                  for b in (min, max) if b is not None]
        return record(_clip_nodes, (self, *bounds), (min is not None, max is not None))

    clip = clamp

    def clamp_(self, min: Any = None, max: Any = None) -> Any:
        tensors = tuple(b for b in (min, max) if isinstance(b, Handle))
        if tensors:
            bounds = tuple(b if isinstance(b, Handle) else record(_to_like, (self,), (b,))
                           for b in (min, max) if b is not None)
            return write(self, _clip_nodes, bounds, (min is not None, max is not None))
        return write(self, _clip, (), (operand(min), operand(max)))

    clip_ = clamp_

    def clamp_min(self, min: Any) -> Any:
        return self.clamp(min=min)

    def clamp_max(self, max: Any) -> Any:
        return self.clamp(max=max)

    def polygamma(self, n: int) -> Any:
        """The n-th derivative of digamma, for n of 0 and 1."""
        if n not in (0, 1):
            raise NotSupportedError(f"polygamma: n must be 0 or 1 here, got {n}")
        return record(sp.trigamma if n else sp.digamma, (self,))

    def mvlgamma(self, p: int) -> Any:
        """The logarithm of the multivariate gamma function of order ``p``."""
        return record(sp.multigammaln, (self,), (p,))

    def round(self, *, decimals: int = 0) -> Any:
        """To the nearest whole number, halves to even."""
        return record(fn.round, (self,), (decimals,))

    def round_(self, *, decimals: int = 0) -> Any:
        return write(self, fn.round, (), (decimals,))

    def logit(self, eps: float | None = None) -> Any:
        return record(fn.logit, (self,), (eps,))

    def nan_to_num(self, nan: float | None = None, posinf: float | None = None,
                   neginf: float | None = None) -> Any:
        """NaN and infinities replaced, by default with 0 and the dtype's limits."""
        return record(fn.nan_to_num, (self,), (0.0 if nan is None else nan, posinf, neginf))

    def nan_to_num_(self, nan: float | None = None, posinf: float | None = None,
                    neginf: float | None = None) -> Any:
        return write(self, fn.nan_to_num, (), (0.0 if nan is None else nan, posinf, neginf))

    def clamp_min_(self, min: Any) -> Any:
        return self.clamp_(min=min)

    def clamp_max_(self, max: Any) -> Any:
        return self.clamp_(max=max)

    def frexp(self) -> Any:
        """Mantissa in [0.5, 1) and exponent (observes the values)."""
        mantissa, exponent = np.frexp(value_of(self))
        return wrap(np.asarray(mantissa)), wrap(np.asarray(exponent))

    def lerp(self, end: Any, weight: Any) -> Any:
        """``self + weight * (end - self)``."""
        if isinstance(weight, Handle):
            return record(fn.lerp, (self, end, weight))
        return record(fn.lerp, (self, end), (weight,))

    def lerp_(self, end: Any, weight: Any) -> Any:
        if isinstance(weight, Handle):
            return write(self, fn.lerp, (end, weight))
        return write(self, fn.lerp, (end,), (weight,))

    def where(self, condition: Any, other: Any) -> Any:
        """``self`` where the condition holds, else ``other``."""
        if not isinstance(other, Handle):
            other = record(_to_like, (self,), (operand(other),))
        return record(_where, (self, condition, other))

    def masked_fill(self, mask: Any, value: Any) -> Any:
        """``value`` where the mask is True."""
        return record(_mask, (self, mask, self._scalar(value)))

    def masked_fill_(self, mask: Any, value: Any) -> Any:
        return write(self, _mask, (mask, self._scalar(value)))

    def _scalar(self, value: Any) -> Any:
        return value if isinstance(value, Handle) else record(_to_like, (self,), (operand(value),))

    def fill_(self, value: Any) -> Any:
        """Every element becomes ``value``."""
        return write(self, _fill, (self._scalar(value),))

    def zero_(self) -> Any:
        """Every element becomes zero."""
        return self.fill_(0)

    def copy_(self, source: Any, non_blocking: bool = False) -> Any:
        """Take over the values of ``source``, cast and broadcast to this tensor."""
        if not isinstance(source, Handle):
            source = record(_to_like, (self,), (operand(source),))
        return write(self, _copied, (source,))

    def isclose(self, other: Any, rtol: float = 1e-5, atol: float = 1e-8,
                equal_nan: bool = False) -> Any:
        return record(fn.is_close, (self, other), (rtol, atol, equal_nan))

    def allclose(self, other: Any, rtol: float = 1e-5, atol: float = 1e-8,
                 equal_nan: bool = False) -> bool:
        """Whether all elements are close: |x - y| <= atol + rtol * |y|."""
        return bool(self.isclose(other, rtol, atol, equal_nan).all())

    def equal(self, other: Any) -> bool:
        """Whether both have the same shape and elements."""
        return self.shape == other.shape and bool((self == other).all())

    # ---- dtype

    def to(self, *args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False,
           copy: bool = False, memory_format: Any = None) -> Any:
        """Another dtype (or the dtype of another tensor). There is one device, the CPU."""
        for arg in args:
            if isinstance(arg, Handle):
                dtype = arg.dtype
            elif isinstance(arg, DType) or (isinstance(arg, type) and issubclass(
                    arg, (bool, int, float, np.generic))):
                dtype = arg
            elif not isinstance(arg, bool):
                check_device(arg)
        if device is not None:
            check_device(device)
        wanted = self.dtype if dtype is None else as_dtype(dtype)
        if wanted is self.dtype:
            return record(_is_same, (self,)) if copy else self
        return record(_to, (self,), (wanted,))

    def type(self, dtype: Any = None) -> Any:
        """The dtype's name, as PyTorch spells it; or a cast."""
        if dtype is None:
            return f"torch.{_TENSOR_NAMES.get(self.dtype.name, self.dtype.name)}"
        if isinstance(dtype, str) and dtype.endswith("Tensor"):
            names = {v: k for k, v in _TENSOR_NAMES.items()}
            dtype = names[dtype.rsplit(".", 1)[-1]]
        return self.to(as_dtype(dtype))

    def type_as(self, other: Any) -> Any:
        return self.to(other.dtype)

    def float(self) -> Any:
        """As float32."""
        return self.to(float32)

    def double(self) -> Any:
        """As float64."""
        return self.to(float64)

    def half(self) -> Any:
        """As float16."""
        return self.to(float16)

    def bfloat16(self) -> Any:
        return self.to(bfloat16)

    def int(self) -> Any:
        """As int32."""
        return self.to(int32)

    def long(self) -> Any:
        """As int64."""
        return self.to(int64)

    def short(self) -> Any:
        return self.to(int16)

    def char(self) -> Any:
        return self.to(int8)

    def byte(self) -> Any:
        return self.to(uint8)

    def bool(self) -> Any:
        """As bool: what is not zero is True."""
        return self.to(bool_)

    def cfloat(self) -> Any:
        return self.to(complex64)

    def cdouble(self) -> Any:
        return self.to(complex128)

    def cpu(self, memory_format: Any = None) -> Any:
        return self

    def cuda(self, device: Any = None, non_blocking: Any = False) -> Any:
        return check_device(device or "cuda")

    @property
    def real(self) -> Any:
        return record(fn.real, (self,))

    @property
    def imag(self) -> Any:
        return record(fn.imag, (self,))

    def is_floating_point(self) -> Any:
        return self.dtype.is_floating_point

    def is_complex(self) -> Any:
        return self.dtype.is_complex

    def is_signed(self) -> Any:
        return self.dtype.kind in "ifc"


_TENSOR_NAMES = {
    "float32": "FloatTensor", "float64": "DoubleTensor", "float16": "HalfTensor",
    "bfloat16": "BFloat16Tensor", "int64": "LongTensor", "int32": "IntTensor",
    "int16": "ShortTensor", "int8": "CharTensor", "uint8": "ByteTensor", "bool": "BoolTensor",
    "complex64": "ComplexFloatTensor", "complex128": "ComplexDoubleTensor"}


def _copied(x: Node, source: Node) -> Node:
    return cast(source, x.dtype)


def _to_like(x: Node, number: Any) -> Node:
    """A 0-d constant that ``x`` can be combined with."""
    return ar.as_node(number, ar.common_dtype("operand", x, number))


def check_device(device: Any) -> None:
    """Refuse anything but the CPU."""
    name = getattr(device, "type", device)
    if not (isinstance(name, str) and name.split(":")[0] in ("cpu", "meta")) and name is not None:
        raise NotSupportedError(
            f"device {str(device)!r}: tricord computes on the cpu, there is no cuda or other "
            "accelerator", where=str(user_location() or "") or None,
            hint="device = 'cuda' if torch.cuda.is_available() else 'cpu'")


for _name, _function in _NAMES.items():
    setattr(ElementwiseMethods, _name, unary_method(_function))
    setattr(ElementwiseMethods, f"{_name}_", _unary_in_place(_function))
for _name, _function in _TESTS.items():
    setattr(ElementwiseMethods, _name, unary_method(_function))
for _name, _binary in _BINARY.items():
    setattr(ElementwiseMethods, _name, binary_method(_binary))
    setattr(ElementwiseMethods, f"{_name}_", binary_in_place(_binary))
