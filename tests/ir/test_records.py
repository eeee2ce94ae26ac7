"""Sweeps over all primitive records: each rule against an oracle. A new record is covered by
existing; no test here knows an operation by name."""

from __future__ import annotations

import numpy as np
import pytest

import tricord.ir.ops  # noqa: F401 - registers the records
from tricord.autodiff import batch_graph, gradients, push_forward
from tricord.ir.dtypes import as_dtype, float64
from tricord.ir.graph import make_input
from tricord.ir.node import intern_node
from tricord.ir.record import NoBatching, NoGradient, primitives
from tricord.ir.shapes import TensorType
from tricord.ir.verifier import verify
from tricord.runtime.interpreter import Interpreter

RECORDS = list(primitives())
SAMPLES = [pytest.param(p, s, id=f"{p.name}-{i}")
           for p in RECORDS for i, s in enumerate(p.all_samples())]
ERRORS = [pytest.param(p, s, id=f"{p.name}-{i}")
          for p in RECORDS for i, s in enumerate(p.all_errors())]


def type_of(array):
    array = np.asarray(array)
    return TensorType(array.shape, as_dtype(array.dtype))


def bind(primitive, sample, arrays=None, requires_grad=True):
    arrays = sample.arrays if arrays is None else arrays
    inputs = [make_input(i, type_of(a), requires_grad and type_of(a).dtype.is_inexact)
              for i, a in enumerate(arrays)]
    node = intern_node(primitive, primitive.make_params(sample.params), tuple(inputs))
    return inputs, node


def as_list(result):
    return list(result) if isinstance(result, (tuple, list)) else [result]


def run(nodes, arrays):
    return Interpreter(nodes)([np.asarray(a) for a in arrays])


@pytest.mark.parametrize(("primitive", "sample"), SAMPLES)
def test_types_are_what_the_reference_gives(primitive, sample):
    _, node = bind(primitive, sample)
    verify([*node.outputs])
    found = as_list(primitive.reference(node.params, *map(np.asarray, sample.arrays)))
    for type_, value in zip(node.types, found, strict=True):
        assert np.shape(value) == tuple(type_.shape)
        assert np.asarray(value).dtype == type_.dtype.numpy


@pytest.mark.parametrize(("primitive", "sample"), ERRORS)
def test_wrong_arguments_are_refused(primitive, sample):
    with pytest.raises(sample.error) as caught:
        bind(primitive, sample)
    assert sample.says in str(caught.value)
    assert "test_records.py" in str(caught.value), "the user's line is missing"


# ---- derivatives: in float64, along random directions

DERIVATIVES = [
    pytest.param(p, s, id=f"{p.name}-{i}") for p in RECORDS if not isinstance(p.vjp, NoGradient)
    for i, s in enumerate(p.all_samples())
    if s.differentiable and any(type_of(a).dtype.is_inexact for a in s.arrays)]


def doubled(primitive, sample):
    """The sample in double precision; parameters that name a narrow dtype are widened too."""
    arrays = []
    for a in map(np.asarray, sample.arrays):
        dtype = type_of(a).dtype
        wide = np.complex128 if dtype.is_complex else np.float64
        arrays.append(a.astype(wide) if dtype.is_inexact else a)
    params = {k: _wide_dtype(v) for k, v in sample.params.items()}
    return arrays, type(sample)(tuple(arrays), params, sample.differentiable)


def _wide_dtype(value):
    if hasattr(value, "is_inexact") and value.is_inexact:
        return as_dtype("complex128") if value.is_complex else float64
    return value


def inner(a, b):
    return float(np.sum(np.real(a) * np.real(b) + np.imag(a) * np.imag(b)))


def directions(arrays, seed):
    rng = np.random.default_rng(seed)
    made = []
    for a in arrays:
        if a.dtype.kind == "f":
            made.append(rng.standard_normal(a.shape))
        elif a.dtype.kind == "c":
            made.append(rng.standard_normal(a.shape) + 1j * rng.standard_normal(a.shape))
        else:
            made.append(None)
    return made


def moved(arrays, direction, step):
    return [a if d is None else a + step * d for a, d in zip(arrays, direction, strict=True)]


def central(function, arrays, direction, step=1e-5):
    plus = function(moved(arrays, direction, step))
    minus = function(moved(arrays, direction, -step))
    return [(p - m) / (2 * step) for p, m in zip(plus, minus, strict=True)]


def smooth_outputs(node):
    return [o for o in node.outputs if o.dtype.is_inexact]


@pytest.mark.parametrize(("primitive", "sample"), DERIVATIVES)
def test_reverse_forward_and_numerical_derivatives_agree(primitive, sample):
    arrays, wide = doubled(primitive, sample)
    inputs, node = bind(primitive, wide)
    outputs = smooth_outputs(node)
    if not outputs:
        pytest.skip("no output of this sample is differentiable")
    rng = np.random.default_rng(1)
    weights = [np.asarray(rng.standard_normal(o.shape)).astype(o.dtype.numpy) for o in outputs]
    direction = directions(arrays, 2)
    numeric = central(lambda values: run(outputs, values), arrays, direction)
    expected = sum(inner(w, n) for w, n in zip(weights, numeric, strict=True))

    slots = len(arrays)
    cotangents = [make_input(slots + i, type_of(w)) for i, w in enumerate(weights)]
    wrt = [i for i in inputs if i.needs_grad]
    reverse = gradients(outputs, cotangents, wrt)
    verify([g for g in reverse if g is not None])
    values = run([g for g in reverse if g is not None], [*arrays, *weights])
    backward = sum(inner(v, direction[i.params.slot]) for v, i in zip(
        values, [i for i, g in zip(wrt, reverse, strict=True) if g is not None], strict=True))
    assert backward == pytest.approx(expected, rel=2e-6, abs=2e-7)

    if not isinstance(primitive.jvp, NoGradient):
        seeds = {i: make_input(slots + i.params.slot, i.type) for i in wrt}
        tangents = push_forward(outputs, seeds)
        tangent_values = [np.zeros(0) if d is None else d for d in direction]
        forward = 0.0
        for w, t in zip(weights, tangents, strict=True):
            if t is not None:
                forward += inner(w, run([t], [*arrays, *tangent_values])[0])
        assert forward == pytest.approx(expected, rel=2e-6, abs=2e-7)


@pytest.mark.parametrize(("primitive", "sample"), DERIVATIVES)
def test_second_derivatives_agree_with_differences_of_the_first(primitive, sample):
    arrays, wide = doubled(primitive, sample)
    inputs, node = bind(primitive, wide)
    outputs = smooth_outputs(node)
    if not outputs:
        pytest.skip("no output of this sample is differentiable")
    rng = np.random.default_rng(3)
    weights = [np.asarray(rng.standard_normal(o.shape)).astype(o.dtype.numpy) for o in outputs]
    slots = len(arrays)
    cotangents = [make_input(slots + i, type_of(w)) for i, w in enumerate(weights)]
    wrt = [i for i in inputs if i.needs_grad]
    first = [g for g in gradients(outputs, cotangents, wrt) if g is not None]
    first = [g for g in first if g.needs_grad]
    if not first:
        return  # linear: the first derivative does not depend on the point
    direction = directions(arrays, 4)
    inner_weights = [np.asarray(rng.standard_normal(g.shape)).astype(g.dtype.numpy) for g in first]
    numeric = central(lambda values: run(first, [*values, *weights]), arrays, direction)
    expected = sum(inner(w, n) for w, n in zip(inner_weights, numeric, strict=True))
    seeds = [make_input(slots + len(weights) + i, type_of(w)) for i, w in enumerate(inner_weights)]
    second = gradients(first, seeds, wrt)
    backward = 0.0
    for g, i in zip(second, wrt, strict=True):
        if g is not None:
            value = run([g], [*arrays, *weights, *inner_weights])[0]
            backward += inner(value, direction[i.params.slot])
    assert backward == pytest.approx(expected, rel=1e-5, abs=1e-6)


# ---- batching: vmap equals a loop

BATCHED = [pytest.param(p, s, id=f"{p.name}-{i}") for p in RECORDS
           if not isinstance(p.batch, NoBatching) for i, s in enumerate(p.all_samples())
           if s.arrays]


@pytest.mark.parametrize(("primitive", "sample"), BATCHED)
def test_batching_equals_a_loop(primitive, sample):
    size = 3
    arrays = [np.asarray(a) for a in sample.arrays]
    inputs, node = bind(primitive, sample)
    rng = np.random.default_rng(5)
    # Every operand batched, and each alone.
    choices = [set(range(len(arrays))), *({i} for i in range(len(arrays)) if len(arrays) > 1)]
    for choice in choices:
        stacked = [np.stack([rng.permutation(a.reshape(-1)).reshape(a.shape) for _ in range(size)])
                   if i in choice and not sample_is_structured(sample, i)
                   else np.stack([a] * size) if i in choice else a for i, a in enumerate(arrays)]
        batched = {inputs[i]: make_input(100 + i, type_of(stacked[i])) for i in choice}
        slots = [None] * (100 + len(arrays))
        for i, a in enumerate(stacked):
            slots[100 + i if i in choice else i] = a
        found = Interpreter(batch_graph(node.outputs, batched, size))(slots)
        for example in range(size):
            one = [s[example] if i in choice else s for i, s in enumerate(stacked)]
            for f, e in zip(found, run(list(node.outputs), one), strict=True):
                f32 = np.asarray(f[example])
                np.testing.assert_allclose(
                    f32.astype(complex), np.asarray(e).astype(complex), rtol=2e-2
                    if f32.dtype.itemsize == 2 else 1e-4, atol=1e-5)


def sample_is_structured(sample, index):
    """Matrices with a property (symmetric, sorted, ...) must not be shuffled."""
    a = np.asarray(sample.arrays[index])
    return a.ndim >= 2 and a.shape[-1] == a.shape[-2]
