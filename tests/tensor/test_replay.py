"""`compile`: a replayed call does what the ordinary one does, or is not replayed."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import tricord as tc
from tricord import nn, optim, settings
from tricord.errors import TricordError
from tricord.tensor.recorder import state


def reasons(function):
    return [what for _, what in function.history]


def network(seed=0, dropout=0.0):
    tc.random.manual_seed(seed)
    model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(dropout),
                          nn.Linear(8, 3))
    return model, optim.Adam(model.parameters(), lr=1e-2)


def batches(count=12):
    rng = np.random.default_rng(1)
    return [(tc.asarray(rng.standard_normal((4, 5)).astype(np.float32)),
             tc.asarray(rng.integers(0, 3, 4))) for _ in range(count)]


def train_step(model, optimizer):
    loss_of = nn.CrossEntropyLoss()

    def step(x, y):
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def ways(change=lambda step: step):
    """A network and its training step: as Python runs it, then compiled."""
    for compiled in (lambda step: step, tc.compile):
        model, optimizer = network()
        yield model, compiled(change(train_step(model, optimizer)))


def detached(step):
    return lambda x, y: step(x, y).detach()


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_a_replayed_training_step_gives_the_same_bits(dropout):
    ends = []
    for compiled in (False, True):
        model, optimizer = network(dropout=dropout)
        step = train_step(model, optimizer)
        if compiled:
            step = tc.compile(step)
        losses = [step(x, y).item() for x, y in batches()]
        ends.append((losses, [p.tolist() for p in model.state_dict().values()],
                     [p.grad.tolist() for p in model.parameters()],
                     optimizer.state_dict()["state"][0]["step"].item()))
    assert reasons(step)[-1] == "compiled"
    assert ends[0] == ends[1]


def test_a_replay_builds_records_and_cuts_nothing():
    model, optimizer = network()
    step = tc.compile(train_step(model, optimizer))
    data = batches()
    for x, y in data[:3]:
        step(x, y)
    built, cuts = state.programs_built, state.cuts
    for x, y in data:
        step(x, y)
    assert (state.programs_built, state.cuts, len(state.segment.handles)) == (built, cuts, 0)


def test_rates_of_the_day_are_used():
    model, optimizer = network()
    step = tc.compile(train_step(model, optimizer))
    (x, y), = batches(1)
    for _ in range(4):
        step(x, y)
    before = [p.tolist() for p in model.parameters()]
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    step(x, y)
    assert [p.tolist() for p in model.parameters()] == before
    assert reasons(step) == ["compiled"]


def test_what_was_trained_can_be_trained_on_by_hand():
    model, optimizer = network()
    step = train_step(model, optimizer)
    replayed = tc.compile(step)
    other, its_optimizer = network()
    its_step = train_step(other, its_optimizer)
    for number, (x, y) in enumerate(batches()):
        (step if number % 3 == 2 else replayed)(x, y)
        its_step(x, y)
    assert [p.tolist() for p in model.parameters()] == [p.tolist() for p in other.parameters()]


def test_the_mode_of_a_module_is_part_of_the_program():
    model, _ = network(dropout=0.5)

    @tc.compile
    def predict(x):
        with tc.no_grad():
            return model(x)

    x, _ = batches(1)[0]
    for _ in range(4):
        predict(x)
    model.eval()
    assert predict(x).tolist() == predict(x).tolist()
    assert any("training" in r for r in reasons(predict))


def test_each_replay_draws_anew():
    @tc.compile
    def noise():
        return tc.random.normal((3,))

    tc.random.manual_seed(3)
    found = [noise().tolist() for _ in range(6)]
    tc.random.manual_seed(3)
    assert found == [tc.random.normal((3,)).tolist() for _ in range(6)]
    assert len({tuple(f) for f in found}) == 6 and reasons(noise) == ["compiled"]


FACTOR = 2.0


def test_numbers_from_outside_are_looked_at_again():
    global FACTOR
    offset = 1.0

    @tc.compile
    def line(x):
        return x * FACTOR + offset

    x = tc.ones(2)
    assert [line(x).tolist() for _ in range(4)][-1] == [3.0, 3.0]
    FACTOR = 5.0
    try:
        assert line(x).tolist() == [6.0, 6.0]
    finally:
        FACTOR = 2.0
    assert "recorded again: FACTOR was 2.0 and is 5.0" in reasons(line)
    offset = 0.0
    assert line(x).tolist() == [2.0, 2.0]


def test_other_shapes_and_other_numbers_are_other_programs():
    @tc.compile
    def scaled(x, factor):
        return x * factor

    for _ in range(3):
        assert scaled(tc.ones(2), 2).tolist() == [2.0, 2.0]
        assert scaled(tc.ones(3), 2).tolist() == [2.0] * 3
        assert scaled(tc.ones(2), factor=3).tolist() == [3.0, 3.0]
    assert reasons(scaled) == ["compiled"] * 3


def test_results_keep_their_structure():
    @tc.compile
    def several(x):
        return {"twice": x * 2, "same": x, "name": "n", "list": [x + 1, (x - 1,)]}

    x = tc.ones(1)
    for _ in range(4):
        found = several(x)
    assert found["same"] is x and found["name"] == "n"
    assert (found["twice"].item(), found["list"][0].item(), found["list"][1][0].item()) == (2, 2, 0)


def test_results_do_not_change_when_the_next_come():
    double = tc.compile(lambda x: x * 2)
    found = [double(tc.asarray(float(i))) for i in range(6)]
    assert [f.item() for f in found] == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]


# ---- what is not replayed

def test_a_look_at_a_value_is_not_replayed():
    @tc.compile
    def careful(x):
        if tc.sum(x).item() > 0:
            return x * 2
        return x * 3

    assert [careful(tc.ones(1)).item() for _ in range(4)] == [2.0] * 4
    assert careful(-tc.ones(1)).item() == -3.0
    assert "looked at" in reasons(careful)[0]


def test_what_wants_a_gradient_is_recorded():
    weight = tc.ones(2)
    weight.requires_grad_()
    twice = tc.compile(lambda x: x * weight)
    for _ in range(4):
        weight.grad = None
        tc.sum(twice(tc.ones(2))).backward()
        assert weight.grad.tolist() == [1.0, 1.0]
    assert "gradient" in reasons(twice)[0]


def test_what_is_kept_elsewhere_is_computed_each_time():
    kept = []

    @tc.compile
    def keeping(x):
        y = x * 2
        kept.append(y)
        return y + 1

    for i in range(4):
        keeping(tc.asarray(float(i)))
    assert [k.item() for k in kept] == [0.0, 2.0, 4.0, 6.0]
    assert "kept elsewhere" in reasons(keeping)[0]


def test_a_number_that_the_function_makes_anew_is_not_frozen():
    counter = iter(range(100))
    counting = tc.compile(lambda x: x + tc.asarray(float(next(counter))))
    assert [counting(tc.zeros(())).item() for _ in range(12)] == [float(i) for i in range(12)]


def test_detached_results_are_replayed():
    ends = []
    for _, step in ways(detached):
        losses = [step(x, y) for x, y in batches()]
        assert not any(loss.requires_grad for loss in losses)
        ends.append([loss.item() for loss in losses])
    assert reasons(step)[-1] == "compiled"
    assert ends[0] == ends[1]


def test_results_that_share_memory_are_recorded():
    @tc.compile
    def both(x):
        y = tc.exp(x) * 2
        return y, y.detach()

    for _ in range(4):
        y, detached = both(tc.ones(3))
        y += 1
        assert detached.tolist() == y.tolist()
    assert "shares its memory" in reasons(both)[-1]


def test_a_failed_replay_changes_nothing():
    model, optimizer = network()
    step = tc.compile(train_step(model, optimizer))
    (x, y), = batches(1)
    for _ in range(4):
        step(x, y)
    before = ([p.tolist() for p in model.parameters()],
              optimizer.state_dict()["state"][0]["step"].item())
    with pytest.raises((TricordError, IndexError)):
        step(x, tc.asarray([0, 1, 2, 77]))
    assert before == ([p.tolist() for p in model.parameters()],
                      optimizer.state_dict()["state"][0]["step"].item())
    step(x, y)


def test_gradients_that_add_up_are_recorded():
    model, _ = network()

    def accumulate(x, y):
        loss = nn.CrossEntropyLoss()(model(x), y)
        loss.backward()
        return loss

    (x, y), = batches(1)
    model.eval()
    compiled = tc.compile(accumulate)
    for number in range(1, 6):
        compiled(x, y)
        if number == 1:
            once = model[0].weight.grad.numpy().copy()
        np.testing.assert_allclose(model[0].weight.grad.numpy(), number * once, rtol=1e-5)


def test_methods_and_functions_in_functions():
    class Scale:
        def __init__(self, factor):
            self.factor = factor

        @tc.compile
        def apply(self, x):
            return inner(x) * self.factor

    @tc.compile
    def inner(x):
        return x + 1

    two, three = Scale(2.0), Scale(3.0)
    for _ in range(4):
        assert (two.apply(tc.ones(1)).item(), three.apply(tc.ones(1)).item()) == (4.0, 6.0)
    two.factor = 5.0
    assert two.apply(tc.ones(1)).item() == 10.0


def test_a_compiled_function_lets_go_of_what_it_trained():
    model, optimizer = network()
    step = tc.compile(train_step(model, optimizer))
    (x, y), = batches(1)
    for _ in range(4):
        step(x, y)
    watched = weakref.ref(model)
    del model, optimizer, step
    gc.collect()
    assert watched() is None


def test_an_array_that_changes_is_not_replayed():
    scaled = tc.compile(lambda x, factors: x * tc.asarray(factors))
    factors = np.ones(2, np.float32)
    for number in range(1, 6):
        factors[:] = number
        assert scaled(tc.ones(2), factors).tolist() == [number, number]
    assert len(scaled.history) == 1 and "may change" in reasons(scaled)[0]


# ---- what is around a function may change

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(5, 5)
        self.rest = nn.Sequential(nn.Linear(5, 5), nn.LeakyReLU(0.1))
        self.scale = 1.0
        self.sizes = [2.0]

    def forward(self, x):
        return self.rest(self.first(x)) * self.scale * self.sizes[0] * GAIN


GAIN = 1.0


def new_weights(net):
    net.first.weight = nn.Parameter(tc.ones((5, 5)))


CHANGES = {
    "a number": lambda net: setattr(net, "scale", 3.0),
    "a number further in": lambda net: setattr(net.rest[1], "negative_slope", 5.0),
    "an item of a list": lambda net: net.sizes.__setitem__(0, 7.0),
    "a global of a method": lambda net: globals().__setitem__("GAIN", GAIN + 1),
    "a layer": lambda net: setattr(net, "first", nn.Linear(5, 5)),
    "a layer further in": lambda net: net.rest.__setitem__(0, nn.Linear(5, 5)),
    "one more layer": lambda net: net.rest.append(nn.Tanh()),
    "a parameter": new_weights,
    "the numbers of a parameter": lambda net: net.first.weight.detach().fill_(0.3),
    "a hook": lambda net: net.first.register_forward_hook(lambda m, i, o: o * 2),
    "the mode": lambda net: net.eval(),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_what_is_around_is_noticed(what):
    tc.random.manual_seed(0)
    net = Net().requires_grad_(False)
    compiled = tc.compile(lambda x: net(x))
    x = tc.asarray(np.linspace(-1, 1, 20, dtype=np.float32).reshape(4, 5))
    for _ in range(4):
        before = compiled(x)
    assert reasons(compiled)[-1] == "compiled"
    CHANGES[what](net)
    net.requires_grad_(False)
    for _ in range(4):
        assert compiled(x).tolist() == net(x).tolist()
    assert reasons(compiled)[-1] == "compiled"
    assert what == "the mode" or compiled(x).tolist() != before.tolist()


def test_what_is_frozen_may_thaw():
    ends = []
    for model, step in ways():
        losses = []
        for frozen in (True, False, True):
            model[0].requires_grad_(not frozen)
            losses += [step(x, y).item() for x, y in batches(5)]
        ends.append((losses, [p.tolist() for p in model.state_dict().values()]))
    assert ends[0] == ends[1]
    assert any("wants a gradient" in r for r in reasons(step))


def test_views_of_what_is_trained_follow():
    ends = []
    for model, step in ways():
        for x, y in batches(5):
            step(x, y)
        view = model[0].weight.detach()
        for x, y in batches(5):
            step(x, y)
        assert view.tolist() == model[0].weight.tolist()
        ends.append(view.tolist())
    assert ends[0] == ends[1]


@pytest.mark.parametrize("look", [int, float, bool, lambda x: x.item(), lambda x: x.tolist(),
                                  lambda x: float(np.asarray(x)), lambda x: x[()].item()])
def test_the_value_of_an_argument_is_no_constant(look):
    compiled = tc.compile(lambda x, y: y * look(x))
    for k in (1.0, 1.0, 1.0, 0.0, 3.0):
        x = tc.asarray(k)
        assert compiled(x, tc.ones(2)).tolist() == [look(x)] * 2
    assert "the value of an argument is looked at" in reasons(compiled)[-1]


def test_a_number_returned_by_a_training_step_is_that_of_the_step():
    ends = [[step(x, y) for x, y in batches()] for _, step in ways(item_of)]
    assert ends[0] == ends[1] and len(set(ends[1])) == len(ends[1])


def item_of(step):
    return lambda x, y: step(x, y).item()


def test_the_value_of_a_tensor_from_outside_may_change():
    scale = tc.asarray(2.0)
    compiled = tc.compile(lambda x: tc.exp(x) * scale.item())
    x = tc.zeros(2)
    for _ in range(4):
        assert compiled(x).tolist() == [2.0, 2.0]
    assert reasons(compiled)[-1] == "compiled"
    scale.fill_(5.0)
    assert compiled(x).tolist() == [5.0, 5.0]


def test_arrays_from_outside_may_change():
    small, large = np.ones(3, np.float32), np.ones(5000, np.float32)
    compiled = tc.compile(lambda x: tc.exp(x) * tc.asarray(small) + tc.asarray(large)[0])
    for k in (1.0, 1.0, 1.0, 2.0, 2.0, 3.0):
        small[:], large[:] = k, k
        assert compiled(tc.zeros(3)).tolist() == [2 * k] * 3


def test_one_tensor_in_two_places_and_two_tensors_are_different_calls():
    compiled = tc.compile(lambda x, y: tc.exp(x) + y * 2)
    a, b = tc.zeros(2), tc.ones(2)
    for _ in range(4):
        assert compiled(a, a).tolist() == [1.0, 1.0]
    for _ in range(4):
        assert compiled(a, b).tolist() == [3.0, 3.0]
    assert reasons(compiled)[-1] == "compiled"
    assert compiled(b, b).tolist() == (tc.exp(b) + b * 2).tolist()
    factor = tc.ones(2)
    twice = tc.compile(lambda x: x * factor)
    for _ in range(4):
        twice(factor)
    assert twice(tc.full((2,), 5.0)).tolist() == [5.0, 5.0]


def test_arguments_that_are_written_to_are_those_of_the_call():
    @tc.compile
    def add_one(x):
        x += 1
        return x * 2

    given = [tc.full((2,), float(k)) for k in range(6)]
    assert [add_one(x).tolist()[0] for x in given] == [2.0 * k + 2 for k in range(6)]
    assert [x.tolist()[0] for x in given] == [k + 1.0 for k in range(6)]
    assert reasons(add_one)[-1] == "compiled"
    whole = tc.zeros(4)
    part = whole[:2]
    add_one(part)
    assert whole.tolist() == [1.0, 1.0, 0.0, 0.0]


def test_gradients_of_arguments_are_those_of_the_call():
    @tc.compile
    def slope(x):
        tc.sum(x * x * 3).backward()
        return x.detach() * 2

    for k in range(6):
        x = tc.full((2,), float(k)).requires_grad_()
        slope(x)
        assert x.grad.tolist() == [6.0 * k] * 2


def test_settings_are_those_of_the_call():
    compiled = tc.compile(lambda x: tc.log(x) * 2)
    for _ in range(4):
        compiled(tc.ones(3))
    assert reasons(compiled)[-1] == "compiled"
    with settings.override(check=2), pytest.raises(TricordError, match="log"):
        compiled(-tc.ones(3)).tolist()
    assert "settings are others" in reasons(compiled)[-1]


def test_what_defaults_and_other_compiled_functions_reach_may_change():
    global GAIN
    layer, scale = nn.LeakyReLU(0.1), tc.ones(3)

    def with_defaults(x, layer=layer, *, factors=[1.0]):  # noqa: B006 - that it changes is the test
        return layer(-x) * factors[0]

    @tc.compile
    def inner(x):
        return tc.exp(x) * GAIN

    x, gain = tc.ones(2), GAIN
    functions = [with_defaults, lambda x: inner(x) + 1, lambda x: tc.exp(x) * scale[0].item()]
    replayed = [tc.compile(f) for f in functions]
    for _ in range(4):
        before = [f(x).tolist() for f in replayed]
    assert [reasons(f)[-1] for f in replayed] == ["compiled"] * 3
    try:
        GAIN = gain + 1
        layer.negative_slope = 3.0
        scale.fill_(4.0)
        after = [f(x).tolist() for f in replayed]
        assert after == [f(x).tolist() for f in functions]
        assert all(a != b for a, b in zip(after, before, strict=True))
        with_defaults.__kwdefaults__["factors"][0] = 5.0
        assert replayed[0](x).tolist() == with_defaults(x).tolist()
    finally:
        GAIN = gain


def test_a_value_that_is_looked_at_often_is_one_fact():
    scale = tc.asarray(2.0)
    compiled = tc.compile(lambda x: tc.exp(x) * sum(scale.item() for _ in range(50)))
    for _ in range(4):
        compiled(tc.zeros(2))
    [plan] = compiled._plans.values()
    assert len(plan.guards) < 10
