"""Compare a face with the real framework: values, dtypes, shapes, gradients, state, steps.

One helper per kind of thing. Each takes both namespaces as arguments, so that `validate.py` can
run a table on the real framework against itself.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from .cases import Case, Draw, materialise

__all__ = ["check_keras_layer", "check_keras_metric", "check_keras_ops", "check_module",
           "check_optimizer", "check_scheduler", "check_torch_case"]


def flatten(value: Any) -> list[Any]:
    """The leaves of nested tuples, lists and dicts, in order."""
    leaves: list[Any] = []
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(item[key] for key in reversed(list(item)))
        elif isinstance(item, (tuple, list)):
            pending.extend(reversed(item))
        else:
            leaves.append(item)
    return leaves


def to_numpy(tensor: Any) -> np.ndarray:
    detached = tensor.detach()
    if spelled(detached.dtype) == "bfloat16":
        detached = detached.float()
    return np.asarray(detached.resolve_conj().numpy() if detached.is_complex()
                      else detached.numpy())


def same_array(got: Any, expected: Any, what: str, rtol: float, atol: float) -> None:
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape, f"{what}: shape {got.shape}, real one {expected.shape}"
    if expected.dtype.kind in "fc":
        np.testing.assert_allclose(got, expected, rtol=rtol, atol=atol, err_msg=what)
    else:
        np.testing.assert_array_equal(got, expected, err_msg=what)


def is_tensor(torch: Any, value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def wants_gradient(draw: Any, array: Any) -> bool:
    """A drawn float input does, unless it is frozen; an array written out in the table does not."""
    return isinstance(draw, Draw) and not draw.frozen and array.dtype.kind in "fc"


def run_torch(torch: Any, case: Case) -> tuple[list[Any], list[Any]]:
    """The outputs, and the gradients of a fixed random combination of the float ones."""
    inputs = []
    for draw, value in zip(case.inputs, materialise(case.name, case.inputs), strict=True):
        if isinstance(value, np.ndarray):
            asks = case.gradients and wants_gradient(draw, value)
            value = torch.tensor(value, requires_grad=asks)
        inputs.append(value)
    outputs = flatten(case.call(torch, *inputs))
    if not any(is_tensor(torch, value) and value.requires_grad for value in inputs):
        return outputs, []
    random = np.random.RandomState(5)
    total = None
    for output in outputs:
        if is_tensor(torch, output):
            weights = random.uniform(-1, 1, tuple(output.shape))
            if output.requires_grad:
                term = (output * torch.tensor(weights).to(output.dtype)).sum()
                total = term if total is None else total + term
    if total is None:
        return outputs, []
    (total.real if total.is_complex() else total).backward()
    return outputs, [value.grad for value in inputs if is_tensor(torch, value)]


def spelled(value: Any) -> str:
    """PyTorch's text as a face of ours spells it: one dtype and one shape class for all faces."""
    text = re.sub(r"torch\.Size\(\[([^\]]*)\]\)", lambda m: str(tuple(
        int(n) for n in m.group(1).split(",") if n)), str(value))
    return text.replace("torch.", "")


def same_leaf(face: Any, real: Any, got: Any, expected: Any, what: str, case: Case,
              flat: bool) -> None:
    """``flat``: all gradients are zero; then ours may know that there is none to be had."""
    if is_tensor(real, expected):
        assert is_tensor(face, got), f"{what}: a {type(got).__name__}, the real one is a Tensor"
        assert spelled(got.dtype) == spelled(expected.dtype), \
            f"{what}: {got.dtype}, not {expected.dtype}"
        assert tuple(got.shape) == tuple(expected.shape), \
            f"{what}: {tuple(got.shape)}, not {tuple(expected.shape)}"
        assert got.requires_grad == expected.requires_grad or (flat and not got.requires_grad), \
            f"{what}: requires_grad"
        same_array(to_numpy(got), to_numpy(expected), what, case.rtol, case.atol)
    elif isinstance(expected, float):
        assert isinstance(got, float), f"{what}: {type(got).__name__}, not float"
        np.testing.assert_allclose(got, expected, rtol=case.rtol, atol=case.atol, err_msg=what)
    elif isinstance(expected, str):
        assert isinstance(got, str) and spelled(got) == spelled(expected), \
            f"{what}: {got!r}, not {expected!r}"
    elif isinstance(expected, (bool, int, type(None))):
        assert type(got) is type(expected) and got == expected, f"{what}: {got!r}, not {expected!r}"
    else:
        assert str(got) == str(expected), f"{what}: {got}, not {expected}"


def check_torch_case(face: Any, real: Any, case: Case) -> None:
    """Same outputs (value, dtype, shape, requires_grad) and same gradients."""
    expected, expected_gradients = run_torch(real, case)
    got, gradients = run_torch(face, case)
    assert len(got) == len(expected), f"{case.name}: {len(got)} outputs, not {len(expected)}"
    flat = not any(g is not None and np.any(to_numpy(g)) for g in expected_gradients)
    for place, (ours, theirs) in enumerate(zip(got, expected, strict=True)):
        same_leaf(face, real, ours, theirs, f"{case.name}, output {place}", case, flat)
    if flat:
        assert not any(g is not None and np.any(to_numpy(g)) for g in gradients), \
            f"{case.name}: the gradients should be zero"
        return
    assert len(gradients) == len(expected_gradients), f"{case.name}: gradients are missing"
    for place, (ours, theirs) in enumerate(zip(gradients, expected_gradients, strict=True)):
        what = f"{case.name}, gradient of input {place}"
        if theirs is None or not np.any(to_numpy(theirs)):
            assert ours is None or not np.any(to_numpy(ours)), f"{what}: there should be none"
        else:
            assert ours is not None, f"{what}: None"
            same_array(to_numpy(ours), to_numpy(theirs), what, 10 * case.rtol, 10 * case.atol)


# ---- torch modules -------------------------------------------------------------------------


def state_arrays(name: str, module: Any) -> dict[str, np.ndarray]:
    """Fresh values for a whole state_dict; running variances stay positive."""
    arrays = {}
    for key, value in module.state_dict().items():
        array = to_numpy(value)
        if array.dtype.kind == "f":
            draw = Draw("uniform", array.shape, 0.3, 1.5) if key.endswith("running_var") else \
                Draw("uniform", array.shape, -0.5, 0.5)
            array = materialise(f"{name}/{key}", (draw,))[0]
        arrays[key] = array
    return arrays


def run_module(torch: Any, case: Case, arrays: dict[str, np.ndarray], training: bool
               ) -> dict[str, Any]:
    module = case.call(torch)
    module.load_state_dict({key: torch.tensor(array) for key, array in arrays.items()})
    module.train(training)
    inputs = []
    for draw, value in zip(case.inputs, materialise(case.name, case.inputs), strict=True):
        if isinstance(value, np.ndarray):
            value = torch.tensor(value, requires_grad=wants_gradient(draw, value))
        inputs.append(value)
    outputs = [leaf for leaf in flatten(module(*inputs)) if is_tensor(torch, leaf)]
    random = np.random.RandomState(5)
    total = 0.0
    for output in outputs:
        weights = random.uniform(-1, 1, tuple(output.shape))
        if output.requires_grad:
            total = total + (output * torch.tensor(weights).to(output.dtype)).sum()
    found: dict[str, Any] = {f"output {i}": to_numpy(v) for i, v in enumerate(outputs)}
    if not isinstance(total, float):
        total.backward()
    found |= {f"gradient of input {i}": None if v.grad is None else to_numpy(v.grad)
              for i, v in enumerate(inputs) if is_tensor(torch, v)}
    found |= {f"gradient of {key}": None if p.grad is None else to_numpy(p.grad)
              for key, p in module.named_parameters()}
    found |= {f"buffer {key}": to_numpy(b) for key, b in module.named_buffers()}
    return found


def check_module(face: Any, real: Any, case: Case, training: bool) -> None:
    """Same state_dict names, shapes and order; then same outputs, gradients and buffers."""
    theirs, ours = case.call(real), case.call(face)
    expected_state = {key: tuple(v.shape) for key, v in theirs.state_dict().items()}
    state = {key: tuple(v.shape) for key, v in ours.state_dict().items()}
    assert list(state.items()) == list(expected_state.items()), f"{case.name}: state_dict"
    assert repr(ours) == repr(theirs), f"{case.name}: repr"
    arrays = state_arrays(case.name, theirs)
    expected = run_module(real, case, arrays, training)
    got = run_module(face, case, arrays, training)
    assert list(got) == list(expected), f"{case.name}: outputs, parameters or buffers differ"
    for what, value in expected.items():
        if value is None:
            assert got[what] is None or not np.any(got[what]), f"{case.name}: {what}"
        else:
            assert got[what] is not None, f"{case.name}: {what} is None"
            scale = 10 if what.startswith("gradient") else 1
            same_array(got[what], value, f"{case.name}: {what}", scale * case.rtol,
                       scale * case.atol)


# ---- torch optimizers and schedules --------------------------------------------------------

TARGET = np.linspace(-1.0, 1.5, 12).reshape(3, 4).astype("float32")


def run_optimizer(torch: Any, make: Any, steps: int, schedule: Any = None) -> dict[str, Any]:
    """A small non-quadratic problem with two parameters, one of them seldom used."""
    first = torch.nn.Parameter(torch.tensor(TARGET[::-1].copy() * 0.3))
    second = torch.nn.Parameter(torch.tensor(np.array([0.5, -0.25, 0.125, 2.0], "float32")))
    optimizer = make(torch, [first, second])
    scheduler = schedule(torch, optimizer) if schedule else None
    losses, rates = [], []
    for step in range(steps):
        optimizer.zero_grad()
        loss = ((torch.tanh(first) * second - torch.tensor(TARGET)) ** 2).mean()
        if step % 3 == 2:
            loss = loss + (second ** 3).sum() * 0.01
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if scheduler is not None:
            rates.append([group["lr"] for group in optimizer.param_groups])
            if type(scheduler).__name__ == "ReduceLROnPlateau":
                scheduler.step([3.0, 2.0, 2.5, 2.5, 2.5, 2.5, 1.0, 1.5, 1.5, 1.5, 1.5, 1.5][step])
            else:
                scheduler.step()
    found = {"losses": np.array(losses), "rates": np.array(rates, "float64"),
             "first": to_numpy(first), "second": to_numpy(second)}
    if scheduler is not None:
        found["last rate"] = np.array([group["lr"] for group in optimizer.param_groups])
    return found


def check_optimizer(face: Any, real: Any, case: Case) -> None:
    """Ten steps from the same start end in the same parameters; state_dict has the same keys."""
    expected, got = run_optimizer(real, case.call, 10), run_optimizer(face, case.call, 10)
    for what, value in expected.items():
        same_array(got[what], value, f"{case.name}: {what}", case.rtol, case.atol)

    def state_shape(torch: Any) -> tuple[Any, ...]:
        parameter = torch.nn.Parameter(torch.ones(3))
        optimizer = case.call(torch, [parameter])
        (parameter * 2).sum().backward()
        optimizer.step()
        saved = optimizer.state_dict()
        return (sorted(saved["state"].get(0, {})), sorted(saved["param_groups"][0]),
                {key: value for key, value in optimizer.defaults.items()
                 if isinstance(value, (int, float, tuple))})

    theirs, ours = state_shape(real), state_shape(face)
    assert ours[0] == theirs[0], f"{case.name}: state keys"
    assert set(theirs[2]) - {"foreach", "capturable", "differentiable", "fused",
                             "decoupled_weight_decay"} <= set(ours[2]), f"{case.name}: defaults"


def check_scheduler(face: Any, real: Any, case: Case) -> None:
    """Twelve steps: the learning rate before each, and where the parameters end."""

    def make(torch: Any, parameters: list[Any]) -> Any:
        return torch.optim.SGD(parameters, lr=0.1, momentum=0.9)

    expected = run_optimizer(real, make, 12, case.call)
    got = run_optimizer(face, make, 12, case.call)
    for what, value in expected.items():
        same_array(got[what], value, f"{case.name}: {what}", case.rtol, case.atol)


# ---- keras -----------------------------------------------------------------------------------


def keras_leaves(keras: Any, value: Any) -> list[Any]:
    return [leaf if isinstance(leaf, (int, float, str, bool, type(None), np.ndarray))
            else keras.ops.convert_to_numpy(leaf) for leaf in flatten(value)]


def check_keras_ops(face: Any, real: Any, case: Case) -> None:
    """Same values, dtypes and shapes; keras gives no gradients outside of layers."""

    def run(keras: Any) -> list[Any]:
        values = [keras.ops.convert_to_tensor(v) if isinstance(v, np.ndarray) else v
                  for v in materialise(case.name, case.inputs)]
        return keras_leaves(keras, case.call(keras, *values))

    expected, got = run(real), run(face)
    assert len(got) == len(expected), f"{case.name}: {len(got)} outputs, not {len(expected)}"
    for place, (ours, theirs) in enumerate(zip(got, expected, strict=True)):
        what = f"{case.name}, output {place}"
        if isinstance(theirs, np.ndarray):
            assert str(ours.dtype) == str(theirs.dtype), f"{what}: {ours.dtype}, not {theirs.dtype}"
            same_array(ours, theirs, what, case.rtol, case.atol)
        elif isinstance(theirs, float):
            np.testing.assert_allclose(ours, theirs, rtol=case.rtol, err_msg=what)
        else:
            assert ours == theirs, f"{what}: {ours!r}, not {theirs!r}"


def fresh_weights(name: str, layer: Any) -> list[np.ndarray]:
    """New values for the layer's float weights; variances stay positive, seeds are kept."""
    weights = []
    for place, (variable, value) in enumerate(zip(layer.weights, layer.get_weights(), strict=True)):
        array = np.asarray(value)
        if array.dtype.kind == "f":
            low, high = (0.3, 1.5) if "variance" in variable.path else (-0.5, 0.5)
            array = materialise(f"{name}/{place}", (Draw("uniform", array.shape, low, high),))[0]
        weights.append(array)
    return weights


def run_keras_layer(keras: Any, case: Case, weights: Any) -> dict[str, Any]:
    inputs = materialise(case.name, case.inputs)
    layer = case.call(keras)
    layer(*inputs)
    found: dict[str, Any] = {
        "weight names": [variable.path.split("/")[-1] for variable in layer.weights],
        "weight shapes": [tuple(variable.shape) for variable in layer.weights],
        "trainable": len(layer.trainable_weights)}
    layer.set_weights(weights if weights is not None else fresh_weights(case.name, layer))
    found["weights"] = [np.asarray(w) for w in layer.get_weights()]
    found["inference"] = keras_leaves(keras, layer(*inputs, training=False)
                                      if accepts_training(layer) else layer(*inputs))
    batch_shapes = [(None, *array.shape[1:]) for array in inputs]
    found["output shape"] = [tuple(keras.ops.convert_to_numpy(leaf).shape[1:]) for leaf in
                             found["inference"]]
    if not case.gradients:
        return found
    symbolic = [keras.Input(shape=shape[1:], dtype=str(array.dtype))
                for shape, array in zip(batch_shapes, inputs, strict=True)]
    model = keras.Model(symbolic if len(symbolic) > 1 else symbolic[0], layer(*symbolic))
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse")
    targets = np.random.RandomState(6).uniform(-1, 1, found["inference"][0].shape)
    data = inputs if len(inputs) > 1 else inputs[0]
    for _ in range(3):
        model.train_on_batch(data, targets.astype("float32"))
    found["weights after 3 steps"] = [np.asarray(w) for w in layer.get_weights()]
    return found


def accepts_training(layer: Any) -> bool:
    return "training" in layer.call.__code__.co_varnames


def check_keras_layer(face: Any, real: Any, case: Case) -> None:
    """Same weight names and shapes, same outputs, same weights after three training steps.

    A layer with dropout has ``gradients=False``: its random bits are each framework's own.
    """
    expected = run_keras_layer(real, case, None)
    got = run_keras_layer(face, case, expected["weights"])
    for what, value in expected.items():
        if what in ("inference", "weights", "weights after 3 steps"):
            assert len(got[what]) == len(value), f"{case.name}: {what}"
            for place, (ours, theirs) in enumerate(zip(got[what], value, strict=True)):
                same_array(ours, theirs, f"{case.name}: {what} {place}", case.rtol, case.atol)
        else:
            assert got[what] == value, f"{case.name}: {what}: {got[what]}, real one {value}"
    theirs, ours = case.call(real).get_config(), case.call(face).get_config()
    for key, value in theirs.items():
        if key not in ("name", "dtype") and isinstance(value, (int, float, str, bool, tuple)):
            assert key in ours and plain(ours[key]) == plain(value), f"{case.name}: config {key}"


def plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def check_keras_metric(face: Any, real: Any, case: Case) -> None:
    """The result after each of the batches, after a reset, and by a weighted batch."""

    def run(keras: Any) -> list[Any]:
        metric = case.call(keras)
        values = materialise(case.name, case.inputs)
        results = [re.sub(r"_\d+$", "", metric.name)]  # keras numbers equal names of one process
        for truth, prediction in zip(values[::2], values[1::2], strict=True):
            metric.update_state(truth, prediction)
            results += keras_leaves(keras, metric.result())
        metric.reset_state()
        metric.update_state(values[0], values[1],
                            sample_weight=np.linspace(0.5, 1.5, len(values[0])).astype("float32"))
        return results + keras_leaves(keras, metric.result())

    expected, got = run(real), run(face)
    assert got[0] == expected[0], f"{case.name}: name"
    for place, (ours, theirs) in enumerate(zip(got[1:], expected[1:], strict=True)):
        same_array(ours, theirs, f"{case.name}: result {place}", case.rtol, case.atol)
