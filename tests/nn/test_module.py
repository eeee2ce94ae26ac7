"""The Module protocol: finding members, state, hooks, casts, printing."""

from __future__ import annotations

import copy
from collections import OrderedDict

import numpy as np
import pytest

from tricord import nn
from tricord.errors import ArgumentError, DTypeError, NotSupportedError, StateError
from tricord.tensor import Parameter, tensor


class Net(nn.Module):
    """Two layers, one of them under two names, a scale and two buffers."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.second = nn.Linear(4, 2, bias=False)
        self.again = self.first
        self.scale = Parameter(tensor([2.0]))
        self.register_buffer("count", tensor(0))
        self.register_buffer("scratch", tensor([1.0]), persistent=False)

    def forward(self, x):
        return self.second(self.first(x)) * self.scale


def names(pairs):
    return [name for name, _ in pairs]


def test_own_parameters_come_first_then_children_in_order():
    assert names(Net().named_parameters()) == ["scale", "first.weight", "first.bias",
                                               "second.weight"]


def test_a_shared_module_is_found_once_but_saved_under_each_name():
    net = Net()
    assert names(net.named_modules()) == ["", "first", "second"]
    assert len(list(net.parameters())) == 4
    assert list(net.state_dict()) == ["scale", "count", "first.weight", "first.bias",
                                      "second.weight", "again.weight", "again.bias"]


def test_a_module_without_super_init_works():
    class Forgetful(nn.Module):
        def __init__(self):
            self.weight = Parameter(tensor([1.0, 2.0]))

        def forward(self, x):
            return x * self.weight

    module = Forgetful()
    assert module(tensor([3.0, 3.0])).tolist() == [3.0, 6.0]
    assert names(module.named_parameters()) == ["weight"]
    module.eval()
    assert not module.training


def test_buffers_that_are_not_persistent_are_not_saved():
    net = Net()
    assert names(net.named_buffers()) == ["count", "scratch"]
    assert "scratch" not in net.state_dict()


def test_a_buffer_set_anew_is_still_a_buffer():
    net = Net()
    net.count = tensor(7)
    assert net.state_dict()["count"].item() == 7


def test_state_goes_from_one_model_to_another():
    one, other = Net(), Net()
    report = other.load_state_dict(one.state_dict())
    assert str(report) == "<All keys matched successfully>"
    for (name, a), (_, b) in zip(one.named_parameters(), other.named_parameters()):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy(), err_msg=name)
    assert other.again is other.first


def test_loading_copies_the_values():
    one, other = nn.Linear(2, 2), nn.Linear(2, 2)
    other.load_state_dict(one.state_dict())
    before = one.weight.detach().numpy()
    nn.init.zeros_(other.weight)
    np.testing.assert_array_equal(one.weight.detach().numpy(), before)


def test_a_state_that_does_not_fit_changes_nothing_and_lists_everything():
    net = Net()
    before = {k: v.numpy() for k, v in net.state_dict().items()}
    state = OrderedDict(net.state_dict())
    state["scale"] = tensor([9.0])
    state["first.weight"] = tensor(np.zeros((4, 5), np.float32))
    del state["second.weight"]
    state["extra"] = tensor([1.0])
    with pytest.raises(StateError) as caught:
        net.load_state_dict(state)
    text = str(caught.value)
    assert "Error(s) in loading state_dict for Net" in text
    assert 'Missing key(s) in state_dict: "second.weight"' in text
    assert 'Unexpected key(s) in state_dict: "extra"' in text
    assert ("size mismatch for first.weight: copying a param with shape (4, 5) from checkpoint, "
            "the shape in current model is (4, 3)") in text
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])


def test_loading_can_be_lenient():
    net = nn.Linear(2, 2)
    report = net.load_state_dict({"weight": np.ones((2, 2)), "other": np.ones(1)}, strict=False)
    assert report.missing_keys == ["bias"] and report.unexpected_keys == ["other"]
    assert net.weight.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_loading_can_assign_the_given_tensors():
    net = nn.Linear(2, 2, bias=False)
    given = tensor(np.ones((2, 2), np.float64))
    net.load_state_dict({"weight": given}, assign=True)
    assert net.weight.dtype == "float64" and isinstance(net.weight, Parameter)


def test_detached_state_follows_the_parameter():
    layer = nn.Linear(2, 2)
    state = layer.state_dict()
    nn.init.ones_(layer.weight)
    assert state["weight"].tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert not state["weight"].requires_grad


def test_extra_state_is_saved_and_loaded():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.steps = 0

        def get_extra_state(self):
            return {"steps": self.steps}

        def set_extra_state(self, state):
            self.steps = state["steps"]

    one, other = Counting(), Counting()
    one.steps = 5
    other.load_state_dict(one.state_dict())
    assert other.steps == 5


def test_deepcopy_keeps_sharing_and_parts_with_the_original():
    net = Net()
    twin = copy.deepcopy(net)
    assert twin.again is twin.first and twin.first is not net.first
    nn.init.zeros_(twin.scale)
    assert net.scale.item() == 2.0 and twin.scale.requires_grad


def test_casts_change_floats_only_and_keep_the_objects():
    net = Net()
    weight = net.first.weight
    net.double()
    assert net.first.weight is weight and weight.dtype == "float64" and weight.requires_grad
    assert net.count.dtype == "int64"
    assert net.to("float16").scale.dtype == "float16"
    assert net.half().bfloat16().float().scale.dtype == "float32"


def test_devices_other_than_the_processor_are_refused():
    net = Net()
    assert net.cpu() is net and net.to("cpu") is net
    with pytest.raises(NotSupportedError, match="'cuda'"):
        net.cuda()
    with pytest.raises(DTypeError, match="floating point or complex"):
        net.to("int32")


def test_train_respects_a_child_with_a_mind_of_its_own():
    class Frozen(nn.BatchNorm1d):
        def train(self, mode=True):
            return super().train(False)

    net = nn.Sequential(nn.Linear(2, 2), Frozen(2))
    net.train()
    assert net[0].training and not net[1].training


def test_gradients_are_forgotten_or_zeroed():
    net = nn.Linear(2, 1)
    net(tensor([[1.0, 2.0]])).sum().backward()
    net.zero_grad(set_to_none=False)
    assert net.weight.grad.tolist() == [[0.0, 0.0]]
    net.zero_grad()
    assert net.weight.grad is None
    net.requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())


def test_members_are_found_by_path():
    net = nn.Sequential(Net(), nn.ReLU())
    assert net.get_submodule("0.first") is net[0].first
    assert net.get_parameter("0.second.weight") is net[0].second.weight
    assert net.get_buffer("0.count").item() == 0
    with pytest.raises(AttributeError, match="Net has no attribute `frist`"):
        net.get_submodule("0.frist")
    with pytest.raises(AttributeError, match="did you mean 'first'"):
        net.get_submodule("0.frist")


@pytest.mark.parametrize(("call", "says"), [
    (lambda m: m.register_parameter("a.b", None), 'can\'t contain "."'),
    (lambda m: m.register_buffer("", None), "can't be empty"),
    (lambda m: m.register_buffer("forward", None), "already exists"),
    (lambda m: m.add_module("x", nn.ReLU), "is not a Module subclass"),
    (lambda m: m.register_parameter("x", tensor([1.0])), "Parameter or None required"),
])
def test_members_of_the_wrong_kind_or_name_are_refused(call, says):
    with pytest.raises((ArgumentError, DTypeError, StateError)) as caught:
        call(Net())
    assert says in str(caught.value)


def test_a_module_that_contains_itself_is_refused():
    net = nn.Sequential(nn.ReLU())
    net.loop = net
    assert len(list(net.modules())) == 2
    with pytest.raises(ArgumentError, match="contains itself"):
        net.state_dict()


def test_deep_trees_need_no_deep_stack():
    net = nn.Linear(1, 1)
    for _ in range(1100):
        outer = nn.Module()
        outer.inner = net
        net = outer
    assert len(list(net.modules())) == 1101
    assert not net.eval().training
    assert repr(net).count("(inner)") == 1100
    assert len(net.state_dict()) == 2
    net.apply(lambda m: None)


def test_forward_hooks_see_and_replace():
    layer = nn.ReLU()
    seen = []
    first = layer.register_forward_pre_hook(lambda m, args: (args[0] * 2,))
    second = layer.register_forward_hook(lambda m, args, out: seen.append(args[0].tolist()))
    third = layer.register_forward_hook(lambda m, args, out: out + 1)
    assert layer(tensor([1.0, -1.0])).tolist() == [3.0, 1.0]
    assert seen == [[2.0, -2.0]]
    for handle in (first, second, third):
        handle.remove()
    assert layer(tensor([1.0, -1.0])).tolist() == [1.0, 0.0]


def test_hooks_with_keywords_and_after_failure():
    class Failing(nn.Module):
        def forward(self, x, fail=False):
            if fail:
                raise ValueError("no")
            return x

    module, seen = Failing(), []
    module.register_forward_pre_hook(lambda m, a, k: (a, {**k, "fail": True}), with_kwargs=True)
    module.register_forward_hook(lambda m, a, out: seen.append(out), always_call=True)
    with pytest.raises(ValueError, match="no"):
        module(tensor([1.0]))
    assert seen == [None]


def test_backward_hooks_get_this_modules_share_of_the_gradient():
    layer, seen = nn.Linear(2, 1, bias=False), []
    nn.init.constant_(layer.weight, 3.0)
    layer.register_full_backward_hook(lambda m, into, out: seen.append((into, out)))
    x = tensor([[1.0, 2.0]], requires_grad=True)
    (layer(x).sum() * 2 + (x * 10).sum()).backward()
    [(into, out)] = seen
    assert into[0].tolist() == [[6.0, 6.0]] and out[0].tolist() == [[2.0]]
    assert x.grad.tolist() == [[16.0, 16.0]]


def test_a_backward_hook_replaces_the_gradient():
    layer = nn.Linear(2, 1, bias=False)
    layer.register_full_backward_hook(lambda m, into, out: (into[0] * 0,))
    x = tensor([[1.0, 2.0]], requires_grad=True)
    layer(x).sum().backward()
    assert x.grad.tolist() == [[0.0, 0.0]]


def test_state_hooks_run():
    net, seen = nn.Linear(1, 1), []
    net.register_state_dict_post_hook(lambda m, state, prefix, meta: state.pop("bias"))
    net.register_load_state_dict_pre_hook(
        lambda m, state, *rest: state.setdefault("bias", tensor([5.0])))
    net.register_load_state_dict_post_hook(lambda m, keys: seen.append(keys.missing_keys))
    state = net.state_dict()
    assert list(state) == ["weight"]
    net.load_state_dict(state)
    assert net.bias.item() == 5.0 and seen == [[]]


def test_repr_is_pytorchs():
    net = nn.Sequential(OrderedDict(fc=nn.Linear(3, 2), act=nn.ReLU()))
    assert repr(net) == ("Sequential(\n  (fc): Linear(in_features=3, out_features=2, bias=True)\n"
                         "  (act): ReLU()\n)")
    assert repr(nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Tanh()])) == (
        "ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Tanh()\n)")


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match="missing the required"):
        nn.Module()(1)


# ---- containers

def test_sequential_is_a_list_of_steps():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    assert len(net) == 3 and isinstance(net[1], nn.ReLU) and isinstance(net[-1], nn.Linear)
    assert [type(m).__name__ for m in net[:2]] == ["Linear", "ReLU"]
    x = tensor([[1.0, 2.0]])
    before = net(x).item()
    net[1] = nn.Identity()
    net.append(nn.Identity())
    assert net(x).item() == pytest.approx(net[2](net[0](x)).item())
    del net[3]
    net.insert(1, nn.ReLU())
    assert net(x).item() == pytest.approx(before)
    assert list(net.state_dict()) == ["0.weight", "0.bias", "3.weight", "3.bias"]


def test_sequential_sees_a_member_that_was_set_by_name():
    net = nn.Sequential(OrderedDict(act=nn.ReLU()))
    x = tensor([-1.0])
    assert net(x).tolist() == [0.0]
    net.act = nn.Identity()
    assert net(x).tolist() == [-1.0]


def test_sequential_refuses_what_is_no_module():
    with pytest.raises(TypeError, match="type is not a Module subclass"):
        nn.Sequential(nn.ReLU)
    with pytest.raises(IndexError):
        nn.Sequential()[0]


def test_module_lists_and_dicts():
    layers = nn.ModuleList([nn.Linear(1, 1) for _ in range(2)])
    layers += [nn.ReLU()]
    assert len(layers) == 3 and layers[-1] in layers
    assert names(layers.named_parameters()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    layers.pop(0)
    assert len(layers) == 2
    heads = nn.ModuleDict({"a": nn.ReLU(), "b": nn.Tanh()})
    heads.update([("c", nn.ELU())])
    assert list(heads.keys()) == ["a", "b", "c"] and "b" in heads
    del heads["b"]
    assert [type(m).__name__ for m in heads.values()] == ["ReLU", "ELU"]
    with pytest.raises(KeyError):
        heads["b"]


def test_parameter_lists_and_dicts():
    params = nn.ParameterList([tensor([1.0]), Parameter(tensor([2.0]))])
    params.append(tensor([3.0]))
    assert names(params.named_parameters()) == ["0", "1", "2"]
    assert [p.item() for p in params] == [1.0, 2.0, 3.0]
    table = nn.ParameterDict({"w": tensor([1.0])})
    table["v"] = Parameter(tensor([2.0]))
    assert list(table) == ["w", "v"] and names(table.named_parameters()) == ["w", "v"]
    assert list(table.state_dict()) == ["w", "v"] and table.pop("w").item() == 1.0


def test_loading_leaves_values_not_programs():
    net = nn.Linear(2, 2)
    held = net.state_dict()
    net.load_state_dict({k: np.ones(v.shape, np.float32) for k, v in held.items()})
    assert net.weight._value is not None and held["weight"]._value is not None
    assert held["weight"].tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert net.weight.requires_grad and not held["weight"].requires_grad
