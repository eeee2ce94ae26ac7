"""Every sample of every record: the compiled program gives what the interpreter gives."""

from __future__ import annotations

import numpy as np
import pytest

import tricord.ir.ops  # noqa: F401 - registers the records
from tests.compiler.helpers import native_and_numpy
from tricord.ir.dtypes import as_dtype
from tricord.ir.graph import make_input
from tricord.ir.node import intern_node
from tricord.ir.ops.movement import flip, transpose
from tricord.ir.record import primitives
from tricord.ir.shapes import TensorType

RECORDS = list(primitives())
#: units of the dtype's precision that a float may differ by, relative to the largest one there
_UNITS = 16


def applied(record):
    """One program for all samples of a record: the results, the arrays, and where each began."""
    nodes, arrays, samples = [], [], []
    for number, sample in enumerate(record.all_samples()):
        own = [np.asarray(a) for a in sample.arrays]
        inputs = [make_input(len(arrays) + i, TensorType(a.shape, as_dtype(a.dtype)))
                  for i, a in enumerate(own)]
        node = intern_node(record, record.make_params(sample.params), tuple(inputs))
        nodes += node.outputs
        samples += [number] * len(node.outputs)
        arrays += own
    return nodes, arrays, samples


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.name)
def test_samples_are_as_interpreted(record):
    nodes, arrays, samples = applied(record)
    before = [a.copy() for a in arrays]
    pairs = native_and_numpy(nodes, arrays)
    for node, sample, (found, expected) in zip(nodes, samples, pairs, strict=True):
        assert_as_interpreted(found, expected, node, f"sample {sample} of {record.name}")
    for now, then in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(now, then, err_msg="an argument was written to")


def behind_a_view(array, slot):
    """An operand as part of a graph: the input holds it backwards, or transposed."""
    axes = tuple(range(array.ndim))
    if slot % 2:
        stored = np.array(array.transpose(axes[::-1]), order="C")
        return stored, lambda x: transpose(x, axes[::-1])
    return np.flip(array).copy(), lambda x: flip(x, axes=axes)


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.name)
def test_samples_amid_views(record):
    """Operands that lie in memory otherwise than the operation wants, results that are moved."""
    nodes, arrays, samples = [], [], []
    for number, sample in enumerate(record.all_samples()):
        operands = []
        for given in map(np.asarray, sample.arrays):
            stored, moved = behind_a_view(given, len(arrays) + number)
            arrays.append(stored)
            operands.append(moved(make_input(
                len(arrays) - 1, TensorType(stored.shape, as_dtype(stored.dtype)))))
        made = intern_node(record, record.make_params(sample.params), tuple(operands))
        for output in made.outputs:
            nodes += [flip(output, axes=tuple(range(output.ndim)))]
            samples.append(number)
    pairs = native_and_numpy(nodes, arrays)
    for node, sample, (found, expected) in zip(nodes, samples, pairs, strict=True):
        assert_as_interpreted(found, expected, node, f"sample {sample} of {record.name}")


def assert_as_interpreted(found, expected, node, what):
    assert found.shape == expected.shape == tuple(node.shape), what
    assert found.dtype == node.dtype.numpy, what
    if node.dtype.kind in "biu":
        np.testing.assert_array_equal(found, expected, err_msg=what)
        return
    unit = float(np.finfo(node.dtype.real.numpy).eps) if node.dtype.name != "bfloat16" else 2**-7
    wide = np.complex128 if node.dtype.kind == "c" else np.float64
    found, expected = found.astype(wide), expected.astype(wide)
    largest = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    np.testing.assert_allclose(found, expected, rtol=_UNITS * unit, atol=_UNITS * unit * largest,
                               err_msg=what)
