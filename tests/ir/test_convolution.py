"""The convolution record against loops written out, and against PyTorch where it is installed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.ir.helpers import inputs, run
from tricord.autodiff import gradients
from tricord.errors import ShapeError
from tricord.ir.ops.convolution import convolution, transposed_convolution


def naive(x, w, strides, low, high, dilation, groups=1):
    """The definition, element by element, channels first."""
    spatial = x.ndim - 2
    padded = np.pad(x, [(0, 0), (0, 0), *zip(low, high, strict=True)])
    reach = [(k - 1) * d + 1 for k, d in zip(w.shape[2:], dilation, strict=True)]
    sizes = [(n - r) // s + 1 for n, r, s in zip(padded.shape[2:], reach, strides, strict=True)]
    out = np.zeros((x.shape[0], w.shape[0], *sizes))
    per_group, outputs = x.shape[1] // groups, w.shape[0] // groups
    for n, o in itertools.product(range(x.shape[0]), range(w.shape[0])):
        for position in np.ndindex(*sizes):
            total = 0.0
            for c in range(per_group):
                for tap in np.ndindex(*w.shape[2:]):
                    at = tuple(position[a] * strides[a] + tap[a] * dilation[a]
                               for a in range(spatial))
                    total += padded[(n, o // outputs * per_group + c, *at)] * w[(o, c, *tap)]
            out[(n, o, *position)] = total
    return out


CASES = [
    # x, w, strides, low, high, dilation, groups
    ((2, 3, 7), (4, 3, 3), (2,), (1,), (2,), (1,), 1),
    ((2, 3, 5, 6), (2, 3, 3, 2), (1, 2), (1, 0), (1, 1), (2, 1), 1),
    ((1, 4, 5, 5), (6, 2, 3, 3), (1, 1), (1, 1), (1, 1), (1, 1), 2),
    ((2, 3, 4, 4), (3, 1, 2, 2), (2, 2), (0, 0), (0, 0), (1, 1), 3),
    ((1, 2, 3, 4, 3), (2, 2, 2, 2, 2), (1, 1, 1), (0, 1, 0), (1, 0, 0), (1, 1, 1), 1),
]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("last", [False, True])
def test_convolution_is_its_definition(rng, case, last):
    xs, ws, strides, low, high, dilation, groups = case
    x, w = rng.standard_normal(xs), rng.standard_normal(ws)
    expected = naive(x, w, strides, low, high, dilation, groups)
    if last:
        values = [np.moveaxis(x, 1, -1), np.moveaxis(w, (0, 1), (-1, -2))]
        expected = np.moveaxis(expected, 1, -1)
    else:
        values = [x, w]
    a, b = inputs(*values)
    node = convolution(a, b, strides=strides, padding=list(zip(low, high, strict=True)),
                       dilation=dilation, groups=groups,
                       **({"layout": "N*C", "kernel": "*IO"} if last else {}))
    assert node.shape == expected.shape
    np.testing.assert_allclose(run([node], values)[0], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_transposed_convolution_is_the_transpose(rng, case):
    """<conv(x, w), y> = <x, transposed(y, w)>, sizes that the strides skip over put back."""
    xs, ws, strides, low, high, dilation, groups = case
    x, w = inputs(rng.standard_normal(xs), rng.standard_normal(ws))
    pads = list(zip(low, high, strict=True))
    forward = convolution(x, w, strides=strides, padding=pads, dilation=dilation, groups=groups)
    skipped = [(n + a + b - (k - 1) * d - 1) % s for n, (a, b), k, d, s in zip(
        xs[2:], pads, ws[2:], dilation, strides, strict=True)]
    values = [rng.standard_normal(xs), rng.standard_normal(ws), rng.standard_normal(forward.shape)]
    y = inputs(*values)[2]
    back = transposed_convolution(y, w, strides=strides, padding=pads, dilation=dilation,
                                  groups=groups, output_padding=skipped)
    assert back.shape == x.shape
    out, up = run([forward, back], values)
    assert np.sum(out * values[2]) == pytest.approx(np.sum(up * values[0]))


def test_same_padding_keeps_the_size_over_the_strides():
    x, w = inputs(np.zeros((1, 8, 7, 3), np.float32), np.zeros((5, 4, 3, 2), np.float32))
    for stride, sizes in ((1, (8, 7)), (2, (4, 4)), (3, (3, 3))):
        node = convolution(x, w, strides=stride, padding="same", layout="N*C", kernel="*IO")
        assert node.shape == (1, *sizes, 2)


def test_large_inputs_are_convolved_in_slices_of_the_batch(rng, monkeypatch):
    values = [rng.standard_normal((5, 2, 6, 6)), rng.standard_normal((3, 2, 3, 3))]
    x, w = inputs(*values)
    node = convolution(x, w, padding=1)
    whole = run([node], values)[0]
    monkeypatch.setattr("tricord.ir.ops.convolution_reference._BLOCK", 2 * 2 * 36 * 9)
    np.testing.assert_allclose(run([node], values)[0], whole, rtol=1e-12)


@pytest.mark.parametrize(("x", "w", "arguments", "says"), [
    ((2, 3, 8, 8), (5, 4, 3, 3), {}, "input has 3 channels, weight wants 4 (groups=1)"),
    ((2, 6, 8, 8), (4, 2, 3, 3), {"groups": 2}, "input has 6 channels, weight wants 4 (groups=2)"),
    ((2, 6, 8, 8), (5, 2, 3, 3), {"groups": 3}, "5 output channels do not divide into 3 groups"),
    ((3, 8, 8), (5, 3, 3, 3), {}, "batch axis first: rank 4"),
    ((2, 3, 2, 2), (5, 3, 3, 3), {}, "reaches over 3 positions, the padded input has 2"),
    ((2, 3, 8, 8), (5, 3, 3, 3), {"padding": "full"}, "'full' is not 'valid', 'same'"),
    ((2, 3, 8, 8), (5, 3, 3, 3), {"strides": (1, 1, 1)}, "(1, 1, 1) for 2 spatial axes"),
])
def test_wrong_arguments_are_refused_in_the_users_words(x, w, arguments, says):
    a, b = inputs(np.zeros(x, np.float32), np.zeros(w, np.float32))
    with pytest.raises(ShapeError) as caught:
        convolution(a, b, **arguments)
    assert says in str(caught.value)
    assert "test_convolution.py" in str(caught.value)


@pytest.mark.peers("torch")
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(("groups", "stride", "pad", "dilation"), [
    (1, 1, 0, 1), (1, 2, 1, 1), (2, 2, 2, 2), (4, 1, 1, 1)])
def test_values_and_gradients_are_those_of_torch(rng, transposed, groups, stride, pad, dilation):
    torch = pytest.importorskip("torch")
    x = rng.standard_normal((2, 4, 9, 8)).astype(np.float32)
    kernel = (4, 8 // groups, 3, 3) if transposed else (8, 4 // groups, 3, 3)
    w = rng.standard_normal(kernel).astype(np.float32)
    a, b = (torch.tensor(v, requires_grad=True) for v in (x, w))
    function = torch.nn.functional.conv_transpose2d if transposed else torch.nn.functional.conv2d
    more = {"output_padding": stride - 1} if transposed else {}
    expected = function(a, b, stride=stride, padding=pad, dilation=dilation, groups=groups, **more)
    g = rng.standard_normal(expected.shape).astype(np.float32)
    expected.backward(torch.tensor(g))
    xn, wn, gn = inputs(x, w, g)
    build = transposed_convolution if transposed else convolution
    node = build(xn, wn, strides=stride, padding=pad, dilation=dilation, groups=groups, **more)
    found = run([node, *gradients([node], [gn], [xn, wn])], [x, w, g])
    for ours, theirs in zip(found, (expected.detach(), a.grad, b.grad), strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-4, atol=1e-4)
