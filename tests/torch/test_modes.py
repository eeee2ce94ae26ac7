"""Switches: gradients on and off, dtypes, devices, printing, the stand-ins for accelerators."""

from __future__ import annotations

import contextvars
import importlib
from typing import Any

import pytest

from tricord import settings, torch
from tricord.errors import ArgumentError, DTypeError, NotSupportedError
from tricord.torch import amp, backends, cuda, jit
from tricord.torch.cuda import amp as cuda_amp


@pytest.mark.parametrize("off", [torch.no_grad, torch.inference_mode])
def test_gradients_are_off_in_a_block_and_in_a_decorated_function(off: Any) -> None:
    x = torch.ones(2, requires_grad=True)
    with off():
        assert not (x * 2).requires_grad
        with torch.enable_grad():
            assert (x * 2).requires_grad
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()
    for decorator in (off(), off):
        assert not decorator(lambda: x * 2)().requires_grad


def test_gradients_come_back_after_an_error() -> None:
    with pytest.raises(KeyError), torch.no_grad():
        raise KeyError
    assert torch.is_grad_enabled()


def test_a_decorated_generator_is_off_inside_only() -> None:
    @torch.no_grad()
    def numbers() -> Any:
        for _ in range(2):
            yield torch.is_grad_enabled()

    assert [(inside, torch.is_grad_enabled()) for inside in numbers()] == [(False, True)] * 2


def test_set_grad_enabled_acts_at_once_and_ends_with_its_block() -> None:
    torch.set_grad_enabled(False)
    assert not torch.is_grad_enabled()
    torch.set_grad_enabled(True)
    with torch.set_grad_enabled(False):
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()

    @torch.set_grad_enabled(False)
    def inside() -> bool:
        return torch.is_grad_enabled()

    assert torch.is_grad_enabled() and not inside()


def test_inference_mode_false_leaves_gradients_on() -> None:
    with torch.inference_mode(False):
        assert torch.is_grad_enabled()


# ---- dtypes

def test_the_default_dtype_is_that_of_python_floats() -> None:
    try:
        torch.set_default_dtype(torch.float64)
        made = [torch.tensor([1.0]), torch.zeros(2), torch.rand(2), torch.full((1,), 1.5),
                torch.linspace(0, 1, 3), torch.tensor([1]) / 2]
        assert {str(t.dtype) for t in made} == {"float64"}
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.tensor([1.0]).dtype == torch.float32
    assert (torch.tensor([1]) / 2).dtype == torch.float32
    with pytest.raises(DTypeError, match="only floating-point"):
        torch.set_default_dtype(torch.int64)


def test_dtypes_have_all_their_names() -> None:
    assert torch.float is torch.float32 and torch.double is torch.float64
    assert torch.long is torch.int64 and torch.int is torch.int32 and torch.half is torch.float16
    assert torch.ones(1).dtype == torch.float and torch.float == "torch.float32"
    assert isinstance(torch.float32, torch.dtype)


def test_old_constructors_make_tensors_and_answer_isinstance() -> None:
    assert torch.LongTensor([1, 2]).dtype == torch.int64
    assert torch.FloatTensor(2, 3).shape == (2, 3)
    assert isinstance(torch.ones(1), torch.FloatTensor)
    assert not isinstance(torch.ones(1), torch.LongTensor)


# ---- devices

def test_the_only_device_is_the_cpu() -> None:
    assert not torch.cuda.is_available() and torch.cuda.device_count() == 0
    assert str(torch.device("cuda", 1)) == "cuda:1" and torch.device("cpu") == "cpu"
    assert repr(torch.device("cuda:0")) == "device(type='cuda', index=0)"
    x = torch.ones(2, device=torch.device("cpu"))
    assert x.to("cpu") is x and x.cpu() is x and str(x.device) == "cpu"


@pytest.mark.parametrize("call", [
    lambda: torch.ones(1).to("cuda"), lambda: torch.ones(1).cuda(),
    lambda: torch.zeros(2, device="cuda"), lambda: torch.tensor([1], device="cuda:0"),
    lambda: torch.rand(1, device="mps"), lambda: torch.arange(3, device=torch.device("cuda")),
    lambda: torch.set_default_device("cuda"), lambda: torch.nn.Linear(1, 1).to("cuda"),
    lambda: cuda.set_device(0)])
def test_another_device_is_refused_with_the_way_out(call: Any) -> None:
    with pytest.raises(NotSupportedError, match=r"cuda\.is_available|cpu"):
        call()


def test_an_unknown_device_type_is_refused() -> None:
    with pytest.raises(NotSupportedError, match="did you mean 'cuda'"):
        torch.device("cudda")


def test_what_concerns_all_devices_is_accepted() -> None:
    cuda.manual_seed_all(1)
    cuda.empty_cache()
    backends.cudnn.benchmark = True
    assert backends.mps.is_available() is False
    torch.use_deterministic_algorithms(True)


def test_mixed_precision_is_off_or_refused() -> None:
    with cuda_amp.autocast(), amp.autocast("cuda"), torch.autocast("cpu", enabled=False):
        assert (torch.ones(1) * 2).dtype == torch.float32
    with pytest.raises(NotSupportedError, match="bfloat16"):
        torch.autocast("cpu")
    scaler = cuda_amp.GradScaler()
    loss = torch.ones(1)
    assert scaler.scale(loss) is loss and not scaler.is_enabled()


def test_compiling_and_scripting_give_the_function_back() -> None:
    def double(x: Any) -> Any:
        return x * 2

    for compiled in (torch.compile(double), torch.compile(mode="max-autotune")(double)):
        assert [compiled(torch.ones(2)).tolist() for _ in range(4)] == [[2.0, 2.0]] * 4
    assert torch.compile(double, disable=True) is double and jit.script(double) is double
    model = torch.nn.Linear(2, 2)
    assert torch.compile(model) is model
    with pytest.raises(NotSupportedError, match="state_dict"):
        jit.save(double, "f.pt")


# ---- names

@pytest.mark.parametrize(("path", "name"), [
    ("backends.cudnn", "benchmark"), ("nn.functional", "relu"), ("nn.init", "xavier_uniform_"),
    ("nn.utils.rnn", "pad_sequence"), ("nn.parameter", "Parameter"), ("optim", "Adam"),
    ("optim.lr_scheduler", "StepLR"), ("utils.data", "DataLoader"),
    ("utils.data.dataset", "Dataset"), ("utils.checkpoint", "checkpoint"),
    ("autograd.functional", "jacobian"), ("autograd.function", "Function"),
    ("cuda.amp", "autocast"),
    ("random", "manual_seed"), ("nn.modules", "Linear"), ("func", "vmap"), ("special", "expit")])
def test_modules_are_found_under_pytorchs_paths(path: str, name: str) -> None:
    assert hasattr(importlib.import_module(f"tricord.torch.{path}"), name)


@pytest.mark.parametrize(("get", "says"), [
    (lambda: torch.reluu, "did you mean 'relu"), (lambda: torch.nn.Linaer, "did you mean 'Linear'"),
    (lambda: torch.nn.functional.sofmax, "did you mean 'softmax'"),
    (lambda: torch.optim.Adamm, "did you mean 'Adam"),
    (lambda: torch.sparse, "not supported"), (lambda: torch.linalg.invv, "inv")])
def test_an_unknown_name_is_an_attribute_error_with_the_nearest(get: Any, says: str) -> None:
    with pytest.raises(AttributeError, match=says):
        get()


def test_distributions_say_what_to_write_instead() -> None:
    with pytest.raises(NotSupportedError, match="randn_like"):
        importlib.import_module("tricord.torch.distributions").Normal  # noqa: B018
    assert not hasattr(torch.distributions, "__path__")


def test_an_unknown_keyword_is_refused_with_the_nearest() -> None:
    with pytest.raises(TypeError, match="did you mean 'dim'"):
        torch.sum(torch.ones(2), dimm=0)
    with pytest.raises((TypeError, ValueError), match="dytpe"):
        torch.zeros(2, dytpe=torch.int64)


def test_every_listed_name_is_there() -> None:
    assert [name for name in torch.__all__ if not hasattr(torch, name)] == []


def test_the_version_can_be_compared() -> None:
    assert torch.__version__.startswith("2.13.0")


@pytest.mark.parametrize("call", [
    lambda: torch.cat([]), lambda: torch.clamp(torch.ones(1)), lambda: torch.arange(3, 0),
    lambda: torch.div(torch.ones(1), 2, rounding_mode="up"), lambda: torch.ones(2).chunk(0),
    lambda: torch.ones(2).split(0), lambda: torch.set_num_threads(0),
    lambda: torch.normal(0.0, 1.0), lambda: torch.set_float32_matmul_precision("best")])
def test_illegal_values_are_refused(call: Any) -> None:
    with pytest.raises(ArgumentError):
        call()


def test_threads_and_small_numbers_can_be_chosen() -> None:
    contextvars.Context().run(choose)  # not under the settings that the tests override


def choose() -> None:
    tiny = torch.tensor([1e-42, 3e-42])
    before = torch.get_num_threads()
    try:
        assert torch.set_flush_denormal(False)
        assert [(tiny * 2).tolist()[0] > 0 for _ in range(3)] == [True] * 3
        torch.set_flush_denormal(True)
        assert (tiny * tiny.exp()).tolist() == [0.0, 0.0]
        torch.set_num_threads(1)
        assert torch.get_num_threads() == 1
    finally:
        settings.configure(denormals="flush", threads=0)
    assert torch.get_num_threads() == before
