"""Run the TensorFlow table, eagerly or in a graph, and put the answers into JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from .cases import Case, Draw, materialise
from .harness import flatten, same_array

__all__ = ["encode", "run_eagerly", "run_in_a_graph", "same_answer"]


def outputs_and_gradients(tf: Any, case: Case, inputs: list[Any], gradient: Any) -> list[Any]:
    """The outputs, then the gradients of a fixed random combination of the float ones."""
    outputs = flatten(case.call(tf, *inputs))
    random = np.random.RandomState(5)
    total = None
    for output in outputs:
        dtype = getattr(output, "dtype", None)
        if dtype in (tf.float32, tf.float64) and output.shape.is_fully_defined():
            weights = random.uniform(-1, 1, tuple(output.shape)).astype(dtype.name)
            term = tf.reduce_sum(output * weights)
            term = tf.cast(term, tf.float32)
            total = term if total is None else total + term
    return outputs + ([] if total is None else gradient(total))


def float_places(case: Case, arrays: list[Any]) -> list[int]:
    return [i for i, (draw, array) in enumerate(zip(case.inputs, arrays, strict=True))
            if isinstance(draw, Draw) and array.dtype.kind == "f" and not draw.frozen]


def run_eagerly(tf: Any, case: Case) -> list[Any]:
    arrays = materialise(case.name, case.inputs)
    inputs = [tf.constant(a) if isinstance(a, np.ndarray) else a for a in arrays]
    watched = [inputs[i] for i in float_places(case, arrays)]
    if not watched:
        return flatten(case.call(tf, *inputs))
    with tf.GradientTape() as tape:
        tape.watch(watched)
        totals: list[Any] = []
        outputs = outputs_and_gradients(tf, case, inputs, lambda t: totals.append(t) or [])
    return outputs + dense(tf, tape.gradient(totals[0], watched) if totals else [])


def dense(tf: Any, gradients: list[Any]) -> list[Any]:
    """Gradients of look-ups are sparse in TensorFlow; compared are the arrays they stand for."""
    return [None if g is None else tf.convert_to_tensor(g) for g in gradients]


def run_in_a_graph(tf: Any, case: Case) -> list[Any]:
    """The same through placeholders and one ``Session.run``."""
    arrays = materialise(case.name, case.inputs)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        inputs = [tf.compat.v1.placeholder(a.dtype.name, a.shape) if isinstance(a, np.ndarray)
                  else a for a in arrays]
        watched = [inputs[i] for i in float_places(case, arrays)]
        found = outputs_and_gradients(
            tf, case, inputs, lambda t: dense(tf, tf.gradients(t, watched)) if watched else [])
        tensors = {str(i): v for i, v in enumerate(found) if hasattr(v, "dtype")}
        feed = {place: a for place, a in zip(inputs, arrays, strict=True)
                if isinstance(a, np.ndarray)}
        values = session.run(tensors, feed)
        return [values.get(str(i), v) for i, v in enumerate(found)]


def encode(value: Any) -> Any:
    """A leaf as JSON: arrays and tensors with dtype and shape, everything else as it is."""
    if hasattr(value, "numpy"):
        value = value.numpy()
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        return {"dtype": str(array.dtype), "shape": list(array.shape),
                "values": array.reshape(-1).tolist()}
    return value


def same_answer(got: Any, expected: Any, what: str, rtol: float = 2e-5, atol: float = 5e-6) -> None:
    """Compare two encoded leaves."""
    if isinstance(expected, dict):
        assert isinstance(got, dict), f"{what}: {got!r} is no tensor"
        assert got["dtype"] == expected["dtype"], f"{what}: {got['dtype']}"
        assert got["shape"] == expected["shape"], f"{what}: {got['shape']}"
        same_array(np.asarray(got["values"]), np.asarray(expected["values"]), what, rtol, atol)
    elif isinstance(expected, float):
        np.testing.assert_allclose(got, expected, rtol=rtol, err_msg=what)
    else:
        assert got == expected, f"{what}: {got!r}, not {expected!r}"
