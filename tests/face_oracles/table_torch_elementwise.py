"""torch.* that works value by value: unary, binary, comparison, casting, creation, in-place."""

from __future__ import annotations

from typing import Any

import numpy as np

from .cases import Case, Draw, bools, integers, normal, positive, uniform

HALF = "float16"

UNARY: dict[str, Draw] = {
    "abs": normal(2, 3), "neg": normal(2, 3), "exp": normal(2, 3), "exp2": normal(2, 3),
    "expm1": normal(2, 3), "log": positive(2, 3), "log2": positive(2, 3), "log10": positive(2, 3),
    "log1p": positive(2, 3), "sqrt": positive(2, 3), "rsqrt": positive(2, 3), "square": normal(5),
    "reciprocal": positive(2, 3), "sin": normal(2, 3), "cos": normal(2, 3), "tan": normal(2, 3),
    "asin": uniform(-0.9, 0.9, 4), "acos": uniform(-0.9, 0.9, 4), "atan": normal(2, 3),
    "sinh": normal(2, 3), "cosh": normal(2, 3), "tanh": normal(2, 3), "asinh": normal(4),
    "acosh": uniform(1.1, 3, 4), "atanh": uniform(-0.9, 0.9, 4), "sigmoid": normal(2, 3),
    "relu": normal(2, 3), "erf": normal(2, 3), "erfc": normal(2, 3), "sign": normal(2, 3),
    "floor": normal(2, 3), "ceil": normal(2, 3), "round": normal(2, 3), "trunc": normal(2, 3),
    "frac": normal(2, 3), "lgamma": positive(4), "digamma": positive(4), "deg2rad": normal(3),
    "rad2deg": normal(3), "erfinv": uniform(-0.9, 0.9, 4), "logit": uniform(0.1, 0.9, 4),
    "isnan": normal(3), "isinf": normal(3), "isfinite": normal(3), "signbit": normal(3),
    "positive": normal(3), "sinc": normal(3), "nan_to_num": normal(3),
}

METHODS = ["abs", "exp", "log", "sqrt", "rsqrt", "sin", "cos", "tanh", "sigmoid", "relu", "neg",
           "square", "reciprocal", "floor", "ceil", "round", "sign", "erf", "log1p", "expm1"]

BINARY: dict[str, tuple[Draw, Draw]] = {
    "add": (normal(2, 3), normal(3)), "sub": (normal(2, 3), normal(2, 1)),
    "mul": (normal(2, 3), normal(2, 3)), "div": (normal(2, 3), positive(3)),
    "true_divide": (normal(2, 3), positive(3)), "pow": (positive(2, 3), normal(3)),
    "maximum": (normal(2, 3), normal(3)), "minimum": (normal(2, 3), normal(3)),
    "fmax": (normal(4), normal(4)), "fmin": (normal(4), normal(4)),
    "atan2": (normal(4), positive(4)), "hypot": (normal(4), normal(4)),
    "fmod": (normal(4), positive(4)), "remainder": (normal(4), positive(4)),
    "logaddexp": (normal(4), normal(4)), "copysign": (normal(4), normal(4)),
    "xlogy": (positive(4), positive(4)), "lerp_half": (normal(4), normal(4)),
}

COMPARE = ["eq", "ne", "lt", "le", "gt", "ge", "greater", "less_equal", "not_equal"]


def special() -> np.ndarray:
    return np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5, -2.5, 0.5], "float32")


def unary_cases() -> list[Case]:
    rows = [Case(name, lambda t, x, name=name: getattr(t, name)(x), draw)
            for name, draw in UNARY.items()]
    rows += [Case(f"Tensor.{name}", lambda t, x, name=name: getattr(x, name)(), UNARY[name])
             for name in METHODS]
    rows += [Case(f"{name} of NaN, infinities and zeros",
                  lambda t, x, name=name: getattr(t, name)(x), special(), gradients=False)
             for name in ["abs", "exp", "relu", "sigmoid", "tanh", "sqrt", "sign", "floor",
                          "round", "isnan", "isfinite", "isinf", "nan_to_num", "reciprocal"]]
    rows += [Case(f"{name} of integers gives floats", lambda t, x, name=name: getattr(t, name)(x),
                  integers(1, 9, 4), gradients=False)
             for name in ["exp", "sqrt", "sin", "sigmoid", "tanh", "log", "reciprocal"]]
    rows += [Case(f"{name} of integers stays", lambda t, x, name=name: getattr(t, name)(x),
                  integers(-5, 9, 4), gradients=False)
             for name in ["abs", "neg", "sign", "relu", "square", "floor"]]
    return rows


def binary_cases() -> list[Case]:
    rows = [Case(name, lambda t, x, y, name=name: getattr(t, name)(x, y), *draws)
            for name, draws in BINARY.items() if name != "lerp_half"]
    rows += [Case(f"Tensor.{name}", lambda t, x, y, name=name: getattr(x, name)(y), *BINARY[name])
             for name in ["add", "sub", "mul", "div", "pow", "maximum", "minimum", "fmod"]]
    rows += [Case(name, lambda t, x, y, name=name: getattr(t, name)(x, y),
                  integers(0, 3, 2, 4), integers(0, 3, 4), gradients=False) for name in COMPARE]
    rows += [Case(f"{name} of bools", lambda t, x, y, name=name: getattr(t, name)(x, y),
                  bools(6), bools(6), gradients=False)
             for name in ["logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or"]]
    rows += [Case(f"{name} of integers", lambda t, x, y, name=name: getattr(t, name)(x, y),
                  integers(-9, 9, 6), integers(1, 5, 6), gradients=False)
             for name in ["floor_divide", "remainder", "fmod", "bitwise_and", "bitwise_or",
                          "bitwise_xor", "gcd", "div", "true_divide", "maximum", "mul"]]
    return rows


DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32",
          "float64"]


def promotion(t: Any) -> list[str]:
    """The result dtype of every pair of dtypes under addition."""
    return [str((t.ones(2, dtype=getattr(t, a)) + t.ones(2, dtype=getattr(t, b))).dtype)
            for a in DTYPES for b in DTYPES if (a, b) != ("bool", "bool")]


def scalar_promotion(t: Any) -> list[str]:
    """A Python number never widens a tensor of its own kind or a higher one."""
    return [str((t.ones(2, dtype=getattr(t, a)) * number).dtype)
            for a in DTYPES for number in (2, 2.5)]


def zero_dim_promotion(t: Any) -> list[str]:
    """A 0-d tensor ranks below tensors with axes, within one kind."""
    return [str((t.ones(2, dtype=getattr(t, a)) * t.tensor(2, dtype=getattr(t, b))).dtype)
            for a in DTYPES for b in DTYPES]


def inplace(name: str, *arguments: Any) -> Any:
    def call(t: Any, x: Any, *tensors: Any) -> Any:
        y = x * 1  # not a leaf, so that the gradient of the in-place call is compared as well
        same = getattr(y, name)(*tensors, *arguments)
        assert same is y
        return y, y * 2
    return call


def view_write(t: Any, x: Any) -> Any:
    y = x * 1
    row = y[1]
    row.mul_(3.0)
    y.t()[0].add_(10.0)
    y.view(-1)[2:4] = 7.0
    return y, row


def shared_numpy(t: Any) -> Any:
    array = np.zeros(3, "float32")
    tensor = t.from_numpy(array)
    array[1] = 5.0
    tensor[2] = 4.0
    return tensor, float(array[2]), tensor.numpy().tolist()


OTHER = [
    Case("lerp", lambda t, x, y: t.lerp(x, y, 0.25), normal(4), normal(4)),
    Case("addcmul", lambda t, x, y, z: t.addcmul(x, y, z, value=0.5), *[normal(2, 3)] * 3),
    Case("addcdiv", lambda t, x, y, z: t.addcdiv(x, y, z, value=0.5),
         normal(4), normal(4), positive(4)),
    Case("add alpha", lambda t, x, y: t.add(x, y, alpha=3), normal(4), normal(4)),
    Case("sub alpha", lambda t, x, y: t.sub(x, y, alpha=0.5), normal(4), normal(4)),
    Case("rsub", lambda t, x: 3 - x, normal(4)),
    Case("div rounding floor", lambda t, x, y: t.div(x, y, rounding_mode="floor"),
         normal(4), positive(4), gradients=False),
    Case("div rounding trunc", lambda t, x, y: t.div(x, y, rounding_mode="trunc"),
         normal(4), positive(4), gradients=False),
    Case("clamp both", lambda t, x: t.clamp(x, -0.5, 0.5), normal(9)),
    Case("clamp min keyword", lambda t, x: t.clamp(x, min=0.1), normal(9)),
    Case("clamp max keyword", lambda t, x: x.clamp(max=0.1), normal(9)),
    Case("clip", lambda t, x: t.clip(x, -1.0, 1.0), normal(9)),
    Case("clamp_min", lambda t, x: t.clamp_min(x, 0.0), normal(9)),
    Case("clamp by tensors", lambda t, x, lo, hi: t.clamp(x, lo, hi),
         normal(5), uniform(-1, -0.5, 5).constant(), uniform(0.2, 0.5, 5).constant()),
    Case("where", lambda t, c, x, y: t.where(c, x, y), bools(2, 3), normal(2, 3), normal(3)),
    Case("where with scalar", lambda t, x: t.where(x > 0, x, 0.0), normal(2, 3)),
    Case("heaviside", lambda t, x, v: t.heaviside(x, v), normal(4), positive(4), gradients=False),
    Case("round decimals", lambda t, x: t.round(x, decimals=2), normal(4), gradients=False),
    Case("sgn", lambda t, x: t.sgn(x), normal(3), gradients=False),
    Case("isclose", lambda t, x: t.isclose(x, x + 1e-9), normal(4), gradients=False),
    Case("allclose", lambda t, x: t.allclose(x, x + 1e-9), normal(4), gradients=False),
    Case("equal", lambda t, x: (t.equal(x, x.clone()), t.equal(x, x + 1)), normal(4),
         gradients=False),
    Case("logical_not", lambda t, x: (t.logical_not(x), ~x), bools(5), gradients=False),
    Case("invert integers", lambda t, x: ~x, integers(-4, 4, 5), gradients=False),
    Case("shifts", lambda t, x: (x << 2, x >> 1), integers(0, 40, 5), gradients=False),
    Case("operators", lambda t, x, y: (x + y, x - y, x * y, x / y, -x, abs(x), x ** 2, 2 ** x,
                                       1 - x, 1 / y, 2 * x, y ** 0.5),
         normal(2, 3), positive(2, 3)),
    Case("operators of integers", lambda t, x: (x // 2, x % 3, x / 2, -x, x & 1, x | 8, x ^ 5,
                                                2 // (abs(x) + 1), x ** 2),
         integers(-9, 9, 6), gradients=False),
    Case("comparison operators", lambda t, x, y: (x < y, x <= 0, x > y, x >= 0.5, x == y, x != 1),
         normal(5), normal(5), gradients=False),
    Case("sigmoid of large values", lambda t: t.sigmoid(t.tensor([-200.0, -90.0, 0.0, 90.0]))),
    Case("pow of integers", lambda t, x: (x ** 3, t.pow(2, x)), integers(0, 6, 4),
         gradients=False),
    Case("pow zero exponent", lambda t, x: x ** 0, normal(3)),
    Case("maximum splits ties", lambda t: (lambda x: t.autograd.grad(
        t.maximum(x, x.detach().clone()).sum(), x))(t.zeros(3, requires_grad=True))),
    Case("abs gradient at zero", lambda t: (lambda x: t.autograd.grad(
        (x.abs() + t.relu(x) + t.clamp(x, 0, 1)).sum(), x))(t.zeros(3, requires_grad=True))),
    Case("sqrt gradient at zero", lambda t: (lambda x: t.autograd.grad(
        t.sqrt(x).sum(), x))(t.zeros(3, requires_grad=True))),
    Case("type promotion of tensors", promotion),
    Case("type promotion with Python scalars", scalar_promotion),
    Case("type promotion of 0-d tensors", zero_dim_promotion),
    Case("float16 arithmetic", lambda t, x, y: (x + y, x * y, (x @ y.t()).float()),
         normal(3, 3).as_type(HALF), normal(3, 3).as_type(HALF), gradients=False,
         rtol=2e-3, atol=2e-3),
    Case("float64 arithmetic", lambda t, x: (x.exp().sum(), x / 3), normal(3).as_type("float64")),
    Case("casts", lambda t, x: (x.double(), x.half().float(), x.int(), x.long(), x.bool(),
                                x.to(t.float64), x.type(t.int32), x.short(),
                                x.to(dtype=t.float16).to(t.float32), x.type_as(t.ones(1).double())),
         normal(4), gradients=False, rtol=1e-3),
    Case("bfloat16 cast", lambda t, x: x.bfloat16(), normal(4), gradients=False),
    Case("cast keeps the gradient", lambda t, x: x.double() * 2, normal(4)),
]

CREATION = [
    Case("tensor infers", lambda t: (t.tensor(1), t.tensor(1.5), t.tensor([1, 2]),
                                     t.tensor([1, 2.5]), t.tensor([True, False]), t.tensor([]),
                                     t.tensor([[1, 2], [3, 4]]), t.tensor(np.float64(2)),
                                     t.tensor(np.arange(3)), t.tensor([True, 2]))),
    Case("tensor with dtype", lambda t: (t.tensor([1, 2], dtype=t.float32),
                                         t.tensor([1.7], dtype=t.int64))),
    Case("as_tensor and from_numpy", lambda t, x: (t.as_tensor([1, 2]), t.as_tensor(x),
                                                   t.from_numpy(np.arange(3))),
         normal(3), gradients=False),
    Case("from_numpy shares memory", shared_numpy),
    Case("Tensor constructors", lambda t: (t.Tensor([1, 2]), t.FloatTensor([1, 2]),
                                           t.LongTensor([1, 2]))),
    Case("zeros", lambda t: (t.zeros(2, 3), t.zeros((2,)), t.zeros([]), t.zeros(2, dtype=t.int64))),
    Case("ones", lambda t: (t.ones(2, 3), t.ones((2,), dtype=t.bool), t.ones(size=(3,)))),
    Case("full", lambda t: (t.full((2, 3), 7), t.full((2,), 1.5), t.full((1,), True),
                            t.full((2,), 3, dtype=t.float64))),
    Case("eye", lambda t: (t.eye(3), t.eye(2, 4), t.eye(2, dtype=t.int64))),
    Case("arange", lambda t: (t.arange(5), t.arange(1, 4), t.arange(0, 1, 0.25), t.arange(5.0),
                              t.arange(5, 0, -2), t.arange(3, dtype=t.float32))),
    Case("linspace", lambda t: (t.linspace(0, 1, 5), t.linspace(3, -3, steps=4))),
    Case("logspace", lambda t: t.logspace(0, 2, 3)),
    Case("like", lambda t, x: (t.zeros_like(x), t.ones_like(x, dtype=t.int32),
                               t.full_like(x, 2.0), t.empty_like(x).shape), normal(2, 3),
         gradients=False),
    Case("new", lambda t, x: (x.new_zeros(2, 2), x.new_ones((3,)), x.new_full((2,), 4.0),
                              x.new_tensor([1, 2])), normal(3).as_type("float64"),
         gradients=False),
    Case("empty", lambda t: [tuple(t.empty(2, 3).shape), str(t.empty(1).dtype)]),
    Case("random shapes", lambda t: [
        (tuple(x.shape), str(x.dtype)) for x in (
            t.rand(2, 3), t.randn(4), t.randint(0, 5, (2, 2)), t.randint(3, (4,)), t.randperm(5),
            t.rand_like(t.ones(2)), t.randn_like(t.ones(2)), t.bernoulli(t.full((3,), 0.5)),
            t.normal(0.0, 1.0, (2,)), t.normal(t.zeros(2), t.ones(2)),
            t.multinomial(t.tensor([0.2, 0.8]), 1))]),
    Case("complex tensors", lambda t: (t.complex(t.ones(2), t.ones(2)).abs(),
                                       t.tensor([1 + 2j]).real, t.tensor([1 + 2j]).imag)),
    Case("tril_indices", lambda t: (t.tril_indices(3, 3), t.triu_indices(3, 3, 1))),
    Case("meshgrid", lambda t: t.meshgrid(t.arange(2), t.arange(3), indexing="ij")),
    Case("meshgrid xy", lambda t: t.meshgrid(t.arange(2), t.arange(3), indexing="xy")),
    Case("cartesian_prod", lambda t: t.cartesian_prod(t.arange(2), t.arange(3))),
    Case("dtype facts", lambda t: [t.finfo(t.float32).eps, t.finfo(t.float32).max,
                                   t.iinfo(t.int32).max, t.float32.is_floating_point,
                                   t.int64.itemsize, str(t.get_default_dtype())]),
    Case("attributes", lambda t, x: [x.ndim, x.dim(), x.numel(), x.nelement(), len(x), x.size(0),
                                     x.size(-1), tuple(x.size()), x.shape[1], x.is_leaf,
                                     x.is_floating_point(), x.element_size(), str(x.device),
                                     x.is_cuda, x.stride(0), x.is_contiguous(), tuple(x.stride())],
         normal(2, 3)),
    Case("item and tolist", lambda t, x: [x[0, 0].item(), x.tolist(), x.sum().item(),
                                          t.tensor(3).item(), t.tensor(True).item(),
                                          float(x[0, 1]), int(t.tensor(7)), bool(t.tensor(0))],
         normal(2, 3), gradients=False),
    Case("printing", lambda t: [str(t.tensor([1.0, 2.5])), repr(t.arange(3)),
                                str(t.tensor(3.0)), str(t.tensor([[1, 2], [3, 4]])),
                                str(t.tensor([1.0], requires_grad=True)),
                                str(t.tensor([True])), str(t.tensor([1.0], dtype=t.float64)),
                                str(t.tensor([0.1234567, 1e-6])), str(t.tensor([]))]),
    Case("format", lambda t: [f"{t.tensor(0.123456):.4f}", f"{t.tensor(3):d}"]),
    Case("Size", lambda t: [str(t.ones(2, 3).shape), t.Size([2, 3]).numel(), t.Size([2]) == (2,)]),
]

INPLACE = [
    Case("add_", inplace("add_"), normal(2, 3), normal(3)),
    Case("add_ scalar", inplace("add_", 2.0), normal(2, 3)),
    Case("sub_", inplace("sub_"), normal(2, 3), normal(2, 3)),
    Case("mul_", inplace("mul_"), normal(2, 3), normal(2, 3)),
    Case("div_", inplace("div_"), normal(2, 3), positive(2, 3)),
    Case("pow_", inplace("pow_", 2), normal(2, 3)),
    Case("neg_", inplace("neg_"), normal(3)),
    Case("exp_", inplace("exp_"), normal(3)),
    Case("sqrt_", inplace("sqrt_"), positive(3)),
    Case("relu_", inplace("relu_"), normal(9)),
    Case("sigmoid_", inplace("sigmoid_"), normal(3)),
    Case("tanh_", inplace("tanh_"), normal(3)),
    Case("clamp_", inplace("clamp_", -0.5, 0.5), normal(9)),
    Case("zero_", inplace("zero_"), normal(3)),
    Case("fill_", inplace("fill_", 2.5), normal(3)),
    Case("copy_", inplace("copy_"), normal(2, 3), normal(3)),
    Case("masked_fill_", inplace("masked_fill_", 4.0), normal(2, 3), bools(2, 3)),
    Case("addcmul_", lambda t, x, y, z: (x * 1).addcmul_(y, z, value=0.5), *[normal(3)] * 3),
    Case("addcdiv_", lambda t, x, y, z: (x * 1).addcdiv_(y, z, value=-0.5), normal(3), normal(3),
         positive(3)),
    Case("lerp_", lambda t, x, y: (x * 1).lerp_(y, 0.1), normal(3), normal(3)),
    Case("augmented assignment", lambda t, x, y: [
        z := x * 1, z.__iadd__(y), z.__isub__(1.0), z.__imul__(y), z.__itruediv__(2.0)][0],
        normal(3), normal(3)),
    Case("writes go through views", view_write, normal(3, 4)),
    Case("aliasing under no_grad", lambda t, x: [
        p := x.detach(), [p.__isub__(1.0) for _ in range(2)], x][2], normal(3), gradients=False),
    Case("data alias", lambda t, x: [x.data.mul_(2.0), x.data, x.is_leaf][1:], normal(3),
         gradients=False),
    Case("clone is apart", lambda t, x: [y := x.clone(), y.detach().add_(1), x, y][2:],
         normal(3), gradients=False),
    Case("transpose view is written", lambda t: [
        x := t.zeros(2, 3), x.t().__setitem__(0, 5.0), x][2]),
    Case("reshape of contiguous is a view", lambda t: [
        x := t.zeros(4), x.reshape(2, 2).add_(1), x][2]),
    Case("expand then clone", lambda t: t.arange(3).expand(2, 3).clone().add_(1)),
    Case("chunk is a view", lambda t: [x := t.zeros(4), x.chunk(2)[1].fill_(3), x][2]),
    Case("bernoulli_ uniform_ normal_ shapes", lambda t: [
        tuple(t.empty(2, 3).uniform_(0, 1).shape), tuple(t.empty(2).normal_().shape),
        tuple(t.empty(2).bernoulli_(0.5).shape)]),
]

CASES = unary_cases() + binary_cases() + OTHER + CREATION + INPLACE
