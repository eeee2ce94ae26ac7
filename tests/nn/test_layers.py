"""Layers and losses against the formulas, in numpy; their errors; what they start from."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tricord.nn.functional as fn
from tricord import nn
from tricord.errors import (
    ArgumentError,
    DTypeError,
    IndexRangeError,
    NonFiniteError,
    NotSupportedError,
    ShapeError,
)
from tricord.ir.graph import toposort
from tricord.random import fork, manual_seed
from tricord.tensor import Parameter, tensor
from tricord.tensor.recorder import state


@pytest.fixture(autouse=True)
def seeded():
    with fork(0):
        yield


def array(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def close(found, expected, tolerance=1e-5):
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=tolerance, atol=tolerance)


def log_softmax(x, axis):
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


# ---- values

def test_linear_is_an_affine_map(rng):
    layer, x = nn.Linear(3, 4), array(rng, 2, 5, 3)
    w, b = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    close(layer(tensor(x)), x @ w.T + b)


@pytest.mark.parametrize(("layer", "changes", "like"), [
    (nn.LeakyReLU(0.1), {"negative_slope": 3.0}, nn.LeakyReLU(3.0)),
    (nn.ELU(), {"alpha": 2.0}, nn.ELU(2.0)),
    (nn.CELU(), {"alpha": 2.0}, nn.CELU(2.0)),
    (nn.Hardtanh(), {"min_val": -0.5, "max_val": 0.25}, nn.Hardtanh(-0.5, 0.25)),
    (nn.Threshold(0.1, 5.0), {"value": 7.0}, nn.Threshold(0.1, 7.0)),
    (nn.Softplus(), {"beta": 3.0}, nn.Softplus(3.0)),
    (nn.Softshrink(), {"lambd": 0.1}, nn.Softshrink(0.1)),
    (nn.Hardshrink(), {"lambd": 0.1}, nn.Hardshrink(0.1)),
    (nn.GELU(), {"approximate": "tanh"}, nn.GELU("tanh")),
    (nn.GLU(), {"dim": 1}, nn.GLU(1)),
    (nn.MaxPool2d(2), {"stride": 1}, nn.MaxPool2d(2, 1)),
    (nn.Conv2d(2, 2, 2, bias=False), {"stride": (2, 2), "padding": (1, 1), "dilation": (2, 2)},
     nn.Conv2d(2, 2, 2, 2, 1, 2, bias=False)),
    (nn.Conv2d(2, 2, 2, padding=1, padding_mode="circular", bias=False), {"padding_mode": "zeros"},
     nn.Conv2d(2, 2, 2, padding=1, bias=False)),
    (nn.ConvTranspose2d(2, 2, 2, bias=False), {"stride": (2, 2)},
     nn.ConvTranspose2d(2, 2, 2, 2, bias=False)),
], ids=lambda v: type(v).__name__)
def test_options_are_what_the_attributes_say(rng, layer, changes, like):
    x = tensor(array(rng, 2, 2, 6, 6))
    before = layer(x)
    like.load_state_dict(layer.state_dict())
    for name, value in changes.items():
        setattr(layer, name, value)
    close(layer(x), like(x).detach().numpy())
    assert before.tolist() != layer(x).tolist()


def test_cross_entropy_is_the_mean_over_kept_samples(rng):
    x, y = array(rng, 4, 3), np.array([2, -100, 0, 1])
    weight = np.array([1.0, 2.0, 0.5], np.float32)
    logs = log_softmax(x, 1)
    kept = [0, 2, 3]
    losses = np.array([-logs[i, y[i]] * weight[y[i]] for i in kept])
    close(nn.CrossEntropyLoss(tensor(weight))(tensor(x), tensor(y)),
          losses.sum() / weight[y[kept]].sum())
    close(fn.cross_entropy(tensor(x), tensor(y), reduction="none"),
          [-logs[0, 2], 0.0, -logs[2, 0], -logs[3, 1]])


def test_cross_entropy_of_infinite_and_huge_logits():
    inf = math.inf
    assert fn.cross_entropy(tensor([[1e4, 0.0]]), tensor([1])).item() == 1e4
    assert fn.cross_entropy(tensor([[0.0, -inf]]), tensor([0])).item() == 0.0
    assert fn.cross_entropy(tensor([[0.0, -inf]]), tensor([1])).item() == inf
    assert math.isnan(fn.cross_entropy(tensor([[math.nan, 0.0]]), tensor([1])).item())
    assert math.isnan(fn.cross_entropy(tensor([[0.0, 1.0]]), tensor([-100])).item())


def test_labels_of_every_integer_dtype(rng):
    x = array(rng, 3, 4)
    expected = fn.cross_entropy(tensor(x), tensor([0, 3, 1])).item()
    for dtype in ("uint8", "int8", "int16", "int32"):
        found = fn.cross_entropy(tensor(x), tensor(np.array([0, 3, 1], dtype)))
        assert found.item() == pytest.approx(expected)


def test_narrow_floats_are_summed_in_float32(rng):
    x = array(rng, 64, 100)
    exact = fn.cross_entropy(tensor(x), tensor(np.arange(64))).item()
    for dtype in ("float16", "bfloat16"):
        found = fn.cross_entropy(tensor(x, dtype=dtype), tensor(np.arange(64)))
        assert found.dtype == dtype and found.item() == pytest.approx(exact, rel=2e-2)
    y = fn.layer_norm(tensor(x * 100, dtype="float16"), (100,)).numpy().astype(np.float32)
    assert abs(y.std(1) - 1).max() < 5e-3


def test_activations_keep_nan_and_the_infinities():
    x = tensor([math.nan, math.inf, -math.inf])
    expected = {"relu": [math.inf, 0], "relu6": [6, 0], "elu": [math.inf, -1],
                "hardtanh": [1, -1], "softplus": [math.inf, 0], "logsigmoid": [0, -math.inf],
                "leaky_relu": [math.inf, -math.inf], "sigmoid": [1, 0], "hardsigmoid": [1, 0],
                "softshrink": [math.inf, -math.inf], "hardshrink": [math.inf, -math.inf]}
    for name, ends in expected.items():
        found = getattr(fn, name)(x).tolist()
        assert math.isnan(found[0]), name
        assert found[1:] == pytest.approx(ends), name


@pytest.mark.parametrize("name", ["elu", "celu", "selu", "softplus", "mish", "silu", "gelu"])
def test_gradients_far_out_are_finite(name):
    x = tensor([-200.0, 200.0, 0.0], requires_grad=True)
    getattr(fn, name)(x).sum().backward()
    assert np.isfinite(x.grad.numpy()).all()
    assert x.grad.tolist()[1] == pytest.approx(1.0, abs=0.06)


def test_softmax_of_equal_infinities_and_of_nothing():
    assert math.isnan(fn.softmax(tensor([-math.inf, -math.inf]), 0).tolist()[0])
    assert fn.softmax(tensor(np.zeros((0, 3), np.float32)), 0).shape == (0, 3)
    assert fn.softmax(tensor(3.0), 0).item() == 1.0


def test_batch_norm_normalises_and_keeps_running_statistics(rng):
    layer, x = nn.BatchNorm1d(3, momentum=0.2), array(rng, 5, 3, 4)
    y = layer(tensor(x))
    mean, var = x.mean((0, 2)), x.var((0, 2))
    close(y, (x - mean[:, None]) / np.sqrt(var[:, None] + 1e-5), 1e-4)
    close(layer.running_mean, 0.2 * mean)
    close(layer.running_var, 0.8 + 0.2 * x.var((0, 2), ddof=1))
    assert layer.num_batches_tracked.item() == 1 and not layer.running_mean.requires_grad
    layer.eval()
    r, v = layer.running_mean.numpy(), layer.running_var.numpy()
    close(layer(tensor(x)), (x - r[:, None]) / np.sqrt(v[:, None] + 1e-5), 1e-4)
    assert layer.num_batches_tracked.item() == 1


def test_batch_norm_without_momentum_averages_all_batches(rng):
    layer = nn.BatchNorm1d(2, momentum=None)
    batches = [array(rng, 6, 2) for _ in range(3)]
    for batch in batches:
        layer(tensor(batch))
    close(layer.running_mean, np.mean([b.mean(0) for b in batches], axis=0))


def test_a_training_step_with_batch_norm_is_recorded_once(rng):
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))
    x = tensor(array(rng, 8, 3))
    for step in range(6):
        net.zero_grad()
        loss = net(x).sum()
        loss.backward()
        loss.item()
        if step == 2:
            known = state.programs_built
    assert state.programs_built == known


def test_convolution_is_a_sum_over_the_window(rng):
    layer, x = nn.Conv2d(2, 3, (2, 3), stride=(1, 2), padding=1), array(rng, 2, 2, 4, 5)
    w, b = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    wide = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    expected = np.zeros((2, 3, 5, 3))
    for i in range(5):
        for j in range(3):
            window = wide[:, :, i:i + 2, 2 * j:2 * j + 3]
            expected[:, :, i, j] = np.einsum("nchw,ochw->no", window, w) + b
    close(layer(tensor(x)), expected, 1e-4)


def test_padding_same_works_with_strides(rng):
    x = tensor(array(rng, 1, 1, 9, 8))
    assert nn.Conv2d(1, 2, 3, padding="same")(x).shape == (1, 2, 9, 8)
    assert nn.Conv2d(1, 2, 3, stride=2, padding="same")(x).shape == (1, 2, 5, 4)


def test_transposed_convolution_undoes_the_shape(rng):
    down, up = nn.Conv2d(1, 2, 3, stride=2), nn.ConvTranspose2d(2, 1, 3, stride=2)
    x = tensor(array(rng, 1, 1, 8, 9))
    assert up(down(x), output_size=(8, 9)).shape == (1, 1, 8, 9)
    with pytest.raises(ArgumentError, match="valid sizes range from 7 to 8"):
        up(down(x), output_size=(9, 9))


def test_unpooling_puts_the_maxima_back(rng):
    x = array(rng, 1, 2, 4, 6)
    y, places = nn.MaxPool2d(2, return_indices=True)(tensor(x))
    back = nn.MaxUnpool2d(2)(y, places).numpy()
    kept = back != 0
    np.testing.assert_array_equal(back[kept], x[kept])
    assert kept.sum() == 12


def test_unfold_then_fold_counts_the_overlap():
    x = tensor(np.ones((1, 1, 3, 3), np.float32))
    assert fn.fold(fn.unfold(x, 2), (3, 3), 2).tolist() == [[[[1, 2, 1], [2, 4, 2], [1, 2, 1]]]]


def test_pixel_shuffle_and_back(rng):
    x = array(rng, 2, 8, 3, 2)
    close(nn.PixelUnshuffle(2)(nn.PixelShuffle(2)(tensor(x))), x)


def test_embedding_reads_rows_and_leaves_the_padding_row_alone():
    layer = nn.Embedding(4, 2, padding_idx=-1)
    assert layer.padding_idx == 3 and layer.weight.tolist()[3] == [0.0, 0.0]
    layer(tensor([[0, 3], [0, 1]])).sum().backward()
    assert layer.weight.grad.tolist() == [[2.0, 2.0], [1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]


def test_embedding_shortens_long_rows():
    layer = nn.Embedding.from_pretrained(tensor([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]]),
                                         max_norm=1.0)
    found = layer(tensor([0, 1]))
    close(found, [[0.6, 0.8], [0.3, 0.4]])
    close(layer.weight, [[0.6, 0.8], [0.3, 0.4], [6.0, 8.0]])


def test_embedding_divides_gradients_by_frequency():
    layer = nn.Embedding(3, 1, scale_grad_by_freq=True)
    layer(tensor([0, 0, 1])).sum().backward()
    assert layer.weight.grad.tolist() == [[1.0], [1.0], [0.0]]


def test_bags_sum_average_and_take_the_largest(rng):
    weight = array(rng, 5, 2)
    indices, offsets = tensor([1, 2, 4, 4]), tensor([0, 2, 2])
    bags = [weight[[1, 2]], np.zeros((0, 2)), weight[[4, 4]]]
    expected = {"sum": [b.sum(0) for b in bags],
                "mean": [b.mean(0) if len(b) else b.sum(0) for b in bags],
                "max": [b.max(0) if len(b) else b.sum(0) for b in bags]}
    for mode, rows in expected.items():
        close(fn.embedding_bag(indices, tensor(weight), offsets, mode=mode), np.array(rows))


def test_lstm_is_its_recurrence(rng):
    layer, x = nn.LSTM(3, 4), array(rng, 5, 2, 3)
    w, u, b, c = (p.detach().numpy() for p in layer.parameters())
    sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    h = state = np.zeros((2, 4))
    outputs = []
    for step in x:
        i, f, g, o = np.split(step @ w.T + b + h @ u.T + c, 4, axis=1)
        state = sigmoid(f) * state + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(state)
        outputs.append(h)
    found, (last, cell) = layer(tensor(x))
    close(found, np.stack(outputs))
    close(last, h[None])
    close(cell, state[None])


def test_the_graph_of_a_recurrent_layer_does_not_grow_with_the_sequence(rng):
    layer = nn.GRU(2, 3)
    sizes = [len(toposort([layer(tensor(array(rng, n, 1, 2)))[0]._node])) for n in (3, 300)]
    assert sizes[0] == sizes[1] < 60


def test_packed_sequences_give_what_each_alone_gives(rng):
    layer = nn.LSTM(2, 3, bidirectional=True)
    parts = [array(rng, n, 2) for n in (2, 5, 3)]
    packed = nn.utils.rnn.pack_sequence([tensor(p) for p in parts], enforce_sorted=False)
    assert packed.batch_sizes.tolist() == [3, 3, 2, 1, 1]
    out, (h, c) = layer(packed)
    padded, lengths = nn.utils.rnn.pad_packed_sequence(out, batch_first=True)
    assert lengths.tolist() == [2, 5, 3] and padded.shape == (3, 5, 6)
    for i, part in enumerate(parts):
        alone, (h1, c1) = layer(tensor(part[:, None]))
        close(padded[i, :len(part)], alone.detach().numpy()[:, 0])
        assert not padded[i, len(part):].numpy().any()
        close(h[:, i], h1.detach().numpy()[:, 0])
        close(c[:, i], c1.detach().numpy()[:, 0])


def test_attention_of_one_key_is_its_value_and_of_none_is_zero(rng):
    q, k, v = (tensor(array(rng, 1, 2, 3)) for _ in range(3))
    mask = tensor(np.array([[True, False], [False, False]]))
    found = fn.scaled_dot_product_attention(q, k, v, attn_mask=mask).numpy()
    np.testing.assert_allclose(found[0, 0], v.numpy()[0, 0], rtol=1e-6)
    assert not found[0, 1].any()


def test_grouped_attention_shares_keys(rng):
    q, k = array(rng, 1, 4, 3, 2), array(rng, 1, 2, 3, 2)
    found = fn.scaled_dot_product_attention(tensor(q), tensor(k), tensor(k), enable_gqa=True)
    wide = tensor(np.repeat(k, 2, axis=1))
    close(found, fn.scaled_dot_product_attention(tensor(q), wide, wide).numpy())


# ---- chance

def test_dropout_keeps_the_mean_and_repeats_with_the_seed():
    x, layer = tensor(np.ones((100, 200), np.float32)), nn.Dropout(0.25)
    manual_seed(3)
    first = layer(x).numpy()
    assert set(np.unique(first)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((first == 0).mean() - 0.25) < 0.01
    assert (layer(x).numpy() != first).any()
    manual_seed(3)
    np.testing.assert_array_equal(layer(x).numpy(), first)
    layer.eval()
    assert layer(x) is x


def test_dropout_drops_the_same_elements_in_the_gradient():
    x = tensor(np.ones(1000, np.float32), requires_grad=True)
    y = nn.Dropout(0.5)(x)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.detach().numpy())


def test_dropout_does_not_depend_on_when_it_is_looked_at():
    x, layer = tensor(np.ones(50, np.float32)), nn.Dropout(0.5)
    manual_seed(1)
    at_once = [layer(x) for _ in range(3)]
    manual_seed(1)
    one_by_one = [layer(x).numpy() for _ in range(3)]
    for a, b in zip(at_once, one_by_one):
        np.testing.assert_array_equal(a.numpy(), b)


def test_channel_dropout_drops_whole_channels():
    y = nn.Dropout2d(0.5)(tensor(np.ones((20, 10, 3, 3), np.float32))).numpy()
    per_channel = y.reshape(200, 9)
    assert (per_channel == per_channel[:, :1]).all()
    assert 0.3 < (per_channel[:, 0] == 0).mean() < 0.7


def test_alpha_dropout_keeps_mean_and_variance(rng):
    x = tensor(array(rng, 200000))
    y = nn.AlphaDropout(0.3)(x).numpy()
    assert abs(y.mean()) < 0.02 and abs(y.std() - 1) < 0.02


def test_rates_of_nothing_and_all():
    x = tensor([1.0, 2.0])
    assert nn.Dropout(1.0)(x).tolist() == [0.0, 0.0]
    assert fn.dropout(x, 0.0).tolist() == [1.0, 2.0]
    with pytest.raises(ArgumentError, match=r"between 0 and 1, but got 1\.5"):
        nn.Dropout(1.5)


def test_dropout_between_recurrent_layers_is_for_training_only(rng):
    layer, x = nn.LSTM(2, 8, 2, dropout=0.5), tensor(array(rng, 4, 3, 2))
    a, b = layer(x)[0].detach().numpy(), layer(x)[0].detach().numpy()
    assert (a != b).any()
    layer.eval()
    np.testing.assert_array_equal(layer(x)[0].detach().numpy(), layer(x)[0].detach().numpy())


# ---- initial values

def test_default_initial_values_are_pytorchs():
    for layer, fan in ((nn.Linear(100, 300), 100), (nn.Conv2d(8, 64, 5), 200)):
        for parameter in layer.parameters():
            value = parameter.detach().numpy()
            assert abs(value).max() <= 1 / math.sqrt(fan)
            assert abs(value).max() > 0.97 / math.sqrt(fan)
    lstm = nn.LSTM(30, 64)
    assert all(abs(p.detach().numpy()).max() <= 1 / 8 for p in lstm.parameters())
    assert abs(nn.Embedding(200, 100).weight.detach().numpy().std() - 1) < 0.02


def test_layers_start_with_values_not_with_programs():
    layer = nn.Linear(4, 4)
    assert layer.weight._value is not None and layer.weight.is_leaf


@pytest.mark.parametrize(("name", "std"), [
    ("xavier_uniform_", math.sqrt(2 / 500)), ("xavier_normal_", math.sqrt(2 / 500)),
    ("kaiming_uniform_", math.sqrt(2 / 300)), ("kaiming_normal_", math.sqrt(2 / 300))])
def test_initialisers_have_their_spread(name, std):
    w = nn.Linear(300, 200, bias=False).weight
    getattr(nn.init, name)(w)
    assert w.detach().numpy().std() == pytest.approx(std, rel=0.02)


def test_orthogonal_sparse_eye_dirac_and_truncated():
    w = Parameter(np.zeros((20, 50), np.float32))
    value = nn.init.orthogonal_(w, gain=2.0).detach().numpy()
    np.testing.assert_allclose(value @ value.T, 4 * np.eye(20), atol=1e-5)
    assert ((nn.init.sparse_(w, 0.25).detach().numpy() == 0).sum(0) == 5).all()
    np.testing.assert_array_equal(nn.init.eye_(w).detach().numpy(), np.eye(20, 50))
    layer = nn.Conv1d(3, 3, 3, padding=1, bias=False)
    nn.init.dirac_(layer.weight)
    x = tensor(np.arange(12, dtype=np.float32).reshape(1, 3, 4))
    assert layer(x).tolist() == x.tolist()
    cut = nn.init.trunc_normal_(w, std=2.0, a=-1.0, b=1.0).detach().numpy()
    assert abs(cut).max() <= 1 and cut.std() > 0.4
    with pytest.raises(ArgumentError, match="did you mean 'relu'"):
        nn.init.calculate_gain("relv")


# ---- gradients of a whole model

def test_gradients_are_clipped_together():
    a, b = Parameter(tensor([3.0])), Parameter(tensor([4.0, 0.0]))
    (a * a / 2).sum().backward()
    (b * b / 2).sum().backward()
    total = nn.utils.clip_grad_norm_([a, b], 1.0)
    assert total.item() == pytest.approx(5.0)
    assert a.grad.item() == pytest.approx(0.6, rel=1e-4)
    nn.utils.clip_grad_value_([a, b], 0.7)
    assert b.grad.tolist() == pytest.approx([0.7, 0.0])
    assert nn.utils.clip_grad_norm_([a], 100.0).item() == pytest.approx(0.6, rel=1e-4)
    assert a.grad.item() == pytest.approx(0.6, rel=1e-4)


def test_a_norm_that_is_not_finite_can_be_an_error():
    a = Parameter(tensor([1.0]))
    a.grad = tensor([math.inf])
    with pytest.raises(NonFiniteError, match="non-finite"):
        nn.utils.clip_grad_norm_(a, 1.0, error_if_nonfinite=True)


def test_parameters_as_one_vector():
    net = nn.Linear(2, 3)
    vector = nn.utils.parameters_to_vector(net.parameters())
    nn.utils.vector_to_parameters(vector * 2, net.parameters())
    close(nn.utils.parameters_to_vector(net.parameters()), vector.detach().numpy() * 2)
    with pytest.raises(ShapeError, match="9 elements"):
        nn.utils.vector_to_parameters(tensor([1.0]), net.parameters())


# ---- errors

X = tensor(np.ones((2, 3), np.float32))


@pytest.mark.parametrize(("call", "error", "says"), [
    (lambda: nn.Linear(4, 2)(X), ShapeError, "shapes cannot be multiplied (2x3 and 4x2)"),
    (lambda: nn.Linear(6, 2)(tensor(np.ones((2, 2, 3), np.float32))), ShapeError,
     "flatten the input to (2, 6)"),
    (lambda: nn.Linear(3, 2)(np.ones((2, 3))), DTypeError,
     "linear: argument 1 must be Tensor, not ndarray"),
    (lambda: nn.LSTM(3, 2)([[1.0]]), DTypeError, "must be Tensor, not list"),
    (lambda: nn.Linear(3, 2).double()(X), DTypeError, "must have the same dtype"),
    (lambda: nn.Conv2d(3, 2, 3)(tensor(np.ones((2, 1, 8, 8), np.float32))), ShapeError,
     "1 channels, weight wants 3"),
    (lambda: nn.Conv2d(1, 2, 3)(tensor(np.ones((8, 8), np.float32))), ShapeError,
     "the input needs an axis of channels"),
    (lambda: nn.MaxPool2d(9)(tensor(np.ones((1, 1, 8, 8), np.float32))), ShapeError,
     "Output size is too small"),
    (lambda: nn.BatchNorm2d(3)(X), ShapeError, "expected 4D input (got 2D"),
    (lambda: nn.BatchNorm1d(4)(X), ShapeError, "3 channels on axis 1, the layer has 4"),
    (lambda: nn.BatchNorm1d(3)(X[:1]), ShapeError, "Expected more than 1 value per channel"),
    (lambda: nn.LayerNorm(4)(X), ShapeError, "normalized_shape=[4]"),
    (lambda: nn.GroupNorm(2, 3), ArgumentError, "must be divisible by num_groups (2)"),
    (lambda: nn.Embedding(3, 2)(X), DTypeError, "indices must be integers"),
    (lambda: nn.Embedding(3, 2)(tensor([3])).tolist(), IndexRangeError, "there are 3 rows"),
    (lambda: nn.Embedding(3, 2)(tensor([-1])).tolist(), IndexRangeError, "index -1 is out"),
    (lambda: nn.Embedding(3, 2, sparse=True), NotSupportedError, "sparse=False"),
    (lambda: nn.CrossEntropyLoss()(X, tensor([0, 3])).item(), IndexRangeError,
     "Target 3 is out of bounds (there are 3 classes)"),
    (lambda: nn.CrossEntropyLoss()(X, tensor([0, -1])).item(), IndexRangeError,
     "Target -1 is out of bounds"),
    (lambda: nn.CrossEntropyLoss()(X, tensor([[0], [1]])), ShapeError, "target.squeeze(-1)"),
    (lambda: nn.CrossEntropyLoss()(X, tensor([0.0, 1.0])), DTypeError, "must be integers"),
    (lambda: nn.CrossEntropyLoss(reduction="avg")(X, tensor([0, 1])), ArgumentError,
     "'avg' is not a valid value for reduction"),
    (lambda: nn.CrossEntropyLoss(tensor([1.0]))(X, tensor([0, 1])), ShapeError,
     "all 3 classes or no classes"),
    (lambda: nn.BCELoss()(X, tensor([0.0, 1.0])), ShapeError, "must be the same as input size"),
    (lambda: fn.one_hot(tensor([0, 5]), 3).tolist(), IndexRangeError, "for 3 classes"),
    (lambda: nn.LSTM(4, 2)(X), ShapeError, "Expected 4, got 3"),
    (lambda: nn.RNN(3, 2, nonlinearity="elu"), ArgumentError, "Unknown nonlinearity 'elu'"),
    (lambda: nn.MultiheadAttention(6, 4), ArgumentError, "divisible by num_heads"),
    (lambda: fn.interpolate(X, 2, mode="cubic"), ArgumentError, "did you mean 'bicubic'"),
    (lambda: fn.pad(X, (1, 2, 3)), ShapeError, "divisible by two"),
    (lambda: fn.gelu(X, "tan"), ArgumentError, "'tan'"),
    (lambda: fn.softmax(tensor([1, 2]), 0), DTypeError, "floating dtypes, got int64"),
    (lambda: nn.Conv2d(3, 4, 3, groups=2), ArgumentError, "divisible by groups"),
    (lambda: nn.Conv2d(3, 4, 3, padding="sam"), ArgumentError, "did you mean 'same'"),
])
def test_mistakes_are_explained(call, error, says):
    with pytest.raises(error) as caught:
        call()
    assert says in str(caught.value)


def test_an_error_names_the_users_line():
    with pytest.raises(ShapeError, match=r"test_layers\.py"):
        nn.Linear(4, 2)(X)


def test_targets_of_another_shape_get_a_warning():
    with pytest.warns(UserWarning, match=r"target size \(2,\) that is different to the input"):
        nn.MSELoss()(tensor([[1.0], [2.0]]), tensor([1.0, 2.0]))
