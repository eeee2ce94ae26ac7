"""What the tables of `face_oracles` do not reach, against PyTorch: masks, packing, indices, CTC."""

from __future__ import annotations

import numpy as np
import pytest

import tricord.nn.functional as fn
from tricord import nn
from tricord.tensor import tensor

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("default")]


def pair(rng, *shape, grad=False):
    array = rng.standard_normal(shape).astype(np.float32)
    return tensor(array, requires_grad=grad), torch.tensor(array, requires_grad=grad)


def same(ours, theirs, tolerance=1e-5):
    theirs = theirs.detach().numpy()
    found = ours.detach().numpy()
    assert found.dtype == theirs.dtype and found.shape == theirs.shape
    np.testing.assert_allclose(found, theirs, rtol=tolerance, atol=tolerance)


def twin(ours, theirs):
    """The same weights in both, under the same names and in the same order."""
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict({name: value.numpy() for name, value in state.items()})
    return ours, theirs


@pytest.mark.parametrize("options", [
    {}, {"add_bias_kv": True}, {"add_zero_attn": True}, {"bias": False},
    {"kdim": 3, "vdim": 5, "batch_first": True}], ids=str)
@pytest.mark.parametrize("average", [True, False])
def test_multi_head_attention_with_masks(rng, options, average):
    ours, theirs = twin(nn.MultiheadAttention(8, 2, **options),
                        torch.nn.MultiheadAttention(8, 2, **options))
    first = options.get("batch_first", False)
    sizes = [(8, 4), (options.get("kdim", 8), 5), (options.get("vdim", 8), 5)]
    q, k, v = (pair(rng, *((2, n, e) if first else (n, 2, e)), grad=True) for e, n in sizes)
    padding = np.array([[False, True, False, False, True], [False] * 5])
    mask = np.triu(np.ones((4, 5), bool), 2)
    a, wa = ours(q[0], k[0], v[0], key_padding_mask=tensor(padding), attn_mask=tensor(mask),
                 average_attn_weights=average)
    b, wb = theirs(q[1], k[1], v[1], key_padding_mask=torch.tensor(padding),
                   attn_mask=torch.tensor(mask), average_attn_weights=average)
    same(a, b)
    same(wa, wb)
    a.sum().backward()
    b.sum().backward()
    same(q[0].grad, q[1].grad, 1e-4)
    same(v[0].grad, v[1].grad, 1e-4)


def test_float_masks_and_causal_attention(rng):
    ours, theirs = twin(nn.MultiheadAttention(4, 2), torch.nn.MultiheadAttention(4, 2))
    x, y = pair(rng, 3, 2, 4)
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    same(mask, torch.nn.Transformer.generate_square_subsequent_mask(3))
    for need in (True, False):
        same(ours(x, x, x, attn_mask=mask, need_weights=need, is_causal=True)[0],
             theirs(y, y, y, attn_mask=torch.tensor(mask.numpy()), need_weights=need,
                    is_causal=True)[0])


def test_a_whole_transformer(rng):
    options = {"d_model": 8, "nhead": 2, "num_encoder_layers": 2, "num_decoder_layers": 1,
               "dim_feedforward": 16, "dropout": 0.0, "batch_first": True}
    ours, theirs = twin(nn.Transformer(**options), torch.nn.Transformer(**options))
    source, target = pair(rng, 2, 5, 8), pair(rng, 2, 3, 8)
    same(ours(source[0], target[0]), theirs(source[1], target[1]), 1e-4)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("is_sorted", [True, False])
def test_packed_sequences(rng, kind, is_sorted):
    ours, theirs = twin(getattr(nn, kind)(3, 4, 2, bidirectional=True),
                        getattr(torch.nn, kind)(3, 4, 2, bidirectional=True))
    x, y = pair(rng, 5, 3, 3)
    lengths = [5, 3, 1] if is_sorted else [1, 5, 3]
    state = [pair(rng, 4, 3, 4) for _ in range(2)]
    h, h_real = zip(*state) if kind == "LSTM" else state[0]
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=is_sorted)
    packed_real = torch.nn.utils.rnn.pack_padded_sequence(y, torch.tensor(lengths),
                                                          enforce_sorted=is_sorted)
    same(packed.data, packed_real.data)
    same(packed.batch_sizes, packed_real.batch_sizes)
    a, last = ours(packed, h)
    b, last_real = theirs(packed_real, h_real)
    same(a.data, b.data)
    for one, other in zip(*((v if kind == "LSTM" else (v,)) for v in (last, last_real))):
        same(one, other)
    for one, other in zip(nn.utils.rnn.pad_packed_sequence(a, True, -1.0, 7),
                          torch.nn.utils.rnn.pad_packed_sequence(b, True, -1.0, 7)):
        same(one, other)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_places_of_maxima(rng, count):
    x, y = pair(rng, 2, 3, *(7, 8, 6)[:count])
    for arguments in ((3, 2, 1, 1, True), (2, 1, 0, 2, False)):
        mine = getattr(fn, f"max_pool{count}d")(x, *arguments, return_indices=True)
        real = getattr(torch.nn.functional, f"max_pool{count}d")(y, *arguments,
                                                                 return_indices=True)
        same(mine[0], real[0])
        same(mine[1], real[1])
    mine = getattr(fn, f"adaptive_max_pool{count}d")(x, 3, return_indices=True)
    real = getattr(torch.nn.functional, f"adaptive_max_pool{count}d")(y, 3, return_indices=True)
    same(mine[0], real[0])
    same(mine[1], real[1])
    pooled = getattr(fn, f"max_pool{count}d")(x, 2, return_indices=True)
    pooled_real = getattr(torch.nn.functional, f"max_pool{count}d")(y, 2, return_indices=True)
    same(getattr(fn, f"max_unpool{count}d")(*pooled, 2, output_size=x.shape[2:]),
         getattr(torch.nn.functional, f"max_unpool{count}d")(
             *pooled_real, 2, output_size=y.shape[2:]))


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic", "area"])
@pytest.mark.parametrize("options", [{"size": (3, 11)}, {"scale_factor": (1.7, 0.6)},
                                     {"scale_factor": 0.5}, {"scale_factor": 3.0},
                                     {"scale_factor": 1.7, "recompute_scale_factor": True}],
                         ids=str)
def test_interpolation(rng, mode, options):
    if mode == "area" and "scale_factor" in options:
        options = {"size": (3, 2)}
    x, y = pair(rng, 1, 2, 5, 7)
    for align in (None, True) if mode in ("bilinear", "bicubic") else (None,):
        same(fn.interpolate(x, mode=mode, align_corners=align, **options),
             torch.nn.functional.interpolate(y, mode=mode, align_corners=align, **options), 1e-4)


def test_trilinear_interpolation(rng):
    x, y = pair(rng, 1, 1, 3, 4, 2)
    same(fn.interpolate(x, (5, 2, 3), mode="trilinear"),
         torch.nn.functional.interpolate(y, (5, 2, 3), mode="trilinear"))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_ctc(rng, reduction):
    logits, real = pair(rng, 12, 3, 6, grad=True)
    targets = rng.integers(1, 6, (3, 5))
    targets[0, :2] = 3  # a repeated label wants a blank between
    inputs, lengths = [12, 10, 3], [5, 2, 5]
    a = fn.ctc_loss(logits.log_softmax(2), tensor(targets), tensor(inputs), tensor(lengths),
                    reduction=reduction, zero_infinity=True)
    b = torch.nn.functional.ctc_loss(real.log_softmax(2), torch.tensor(targets),
                                     torch.tensor(inputs), torch.tensor(lengths),
                                     reduction=reduction, zero_infinity=True)
    same(a, b, 1e-4)
    a.sum().backward()
    b.sum().backward()
    same(logits.grad, real.grad, 1e-4)


def test_ctc_of_joined_targets_and_of_the_impossible(rng):
    logits, real = pair(rng, 6, 2, 4)
    flat, lengths = [1, 2, 3, 3, 1], [2, 3]
    for one, other in ((6, 6), (6, 2)):
        same(nn.CTCLoss(reduction="none")(logits.log_softmax(2), tensor(flat),
                                          tensor([one, other]), tensor(lengths)),
             torch.nn.CTCLoss(reduction="none")(real.log_softmax(2), torch.tensor(flat),
                                                torch.tensor([one, other]),
                                                torch.tensor(lengths)))


def test_multilabel_margin(rng):
    x, y = pair(rng, 3, 5, grad=True)
    target = np.array([[3, 0, -1, 1, 1], [-1, 0, 1, 2, 3], [4, 3, 2, 1, 0]])
    a = fn.multilabel_margin_loss(x, tensor(target))
    b = torch.nn.functional.multilabel_margin_loss(y, torch.tensor(target))
    same(a, b)
    a.backward()
    b.backward()
    same(x.grad, y.grad)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_embedding_bags(rng, mode):
    ours, theirs = twin(nn.EmbeddingBag(6, 3, mode=mode, padding_idx=2),
                        torch.nn.EmbeddingBag(6, 3, mode=mode, padding_idx=2))
    index, offsets = [1, 2, 4, 5, 4, 2], [0, 3, 3, 5]
    same(ours(tensor(index), tensor(offsets)), theirs(torch.tensor(index), torch.tensor(offsets)))
    grid = [[1, 2, 3], [2, 2, 2]]
    same(ours(tensor(grid)), theirs(torch.tensor(grid)))


def test_embedding_with_a_largest_norm(rng):
    ours, theirs = twin(nn.Embedding(5, 3, max_norm=0.5, norm_type=1.0),
                        torch.nn.Embedding(5, 3, max_norm=0.5, norm_type=1.0))
    same(ours(tensor([0, 2, 0])), theirs(torch.tensor([0, 2, 0])))
    same(ours.weight, theirs.weight)


def test_backward_hooks_see_what_pytorchs_see(rng):
    ours, theirs = twin(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)),
                        torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(),
                                            torch.nn.Linear(4, 1)))
    x, y = pair(rng, 2, 3)
    seen = [[], []]
    for net, data, notes in ((ours, x, seen[0]), (theirs, y, seen[1])):
        for place in (0, 1, 2):
            net[place].register_full_backward_hook(
                lambda m, into, out, place=place, notes=notes: notes.append((place, into, out)))
        net(data).sum().backward()
    assert [p for p, _, _ in seen[0]] == [p for p, _, _ in seen[1]]
    for (_, into, out), (_, into_real, out_real) in zip(*seen):
        for one, other in zip((*into, *out), (*into_real, *out_real)):
            assert (one is None) == (other is None)
            if one is not None:
                same(one, other)


def test_gradient_clipping(rng):
    ours, theirs = twin(nn.Linear(4, 3), torch.nn.Linear(4, 3))
    x, y = pair(rng, 5, 4)
    for order in (2.0, 1.0, float("inf")):
        for net, data, namespace in ((ours, x, nn), (theirs, y, torch.nn)):
            net.zero_grad()
            (net(data) ** 2).sum().backward()
            net.total = namespace.utils.clip_grad_norm_(net.parameters(), 0.3, order)
        same(ours.total, theirs.total)
        same(ours.weight.grad, theirs.weight.grad)


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align", [True, False])
def test_sampling_at_a_grid(rng, mode, padding, align):
    x, y = pair(rng, 2, 3, 4, 5, grad=True)
    theta, theta_real = pair(rng, 2, 2, 3, grad=True)
    grid = fn.affine_grid(theta, (2, 3, 6, 4), align)
    grid_real = torch.nn.functional.affine_grid(theta_real, (2, 3, 6, 4), align)
    same(grid, grid_real)
    a = fn.grid_sample(x, grid, mode, padding, align)
    b = torch.nn.functional.grid_sample(y, grid_real, mode, padding, align)
    same(a, b, 1e-4)
    a.sum().backward()
    b.sum().backward()
    same(x.grad, y.grad, 1e-4)
    if mode == "bilinear":
        same(theta.grad, theta_real.grad, 1e-3)


def test_weight_norm(rng):
    ours = nn.utils.weight_norm(nn.Conv1d(2, 3, 2))
    theirs = torch.nn.utils.weight_norm(torch.nn.Conv1d(2, 3, 2))
    assert sorted(ours.state_dict()) == sorted(theirs.state_dict())
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    x, y = pair(rng, 1, 2, 5)
    same(ours(x), theirs(y))
    ours(x).sum().backward()
    theirs(y).sum().backward()
    same(ours.weight_g.grad, theirs.weight_g.grad, 1e-4)
    same(ours.weight_v.grad, theirs.weight_v.grad, 1e-4)
    before = ours(x)
    nn.utils.remove_weight_norm(ours)
    assert sorted(ours.state_dict()) == ["bias", "weight"]
    np.testing.assert_allclose(ours(x).detach().numpy(), before.detach().numpy(), rtol=1e-5)


def test_spectral_norm(rng):
    ours = nn.utils.spectral_norm(nn.Linear(4, 3))
    theirs = torch.nn.utils.spectral_norm(torch.nn.Linear(4, 3))
    assert sorted(ours.state_dict()) == sorted(theirs.state_dict())
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    x, y = pair(rng, 2, 4)
    for _ in range(3):
        a, b = ours(x), theirs(y)
        same(a, b)
    a.sum().backward()
    b.sum().backward()
    same(ours.weight_orig.grad, theirs.weight_orig.grad, 1e-4)
    same(ours.weight_u, theirs.weight_u)
    nn.utils.remove_spectral_norm(ours)
    assert np.linalg.svd(ours.weight.detach().numpy())[1][0] == pytest.approx(1.0, rel=0.2)


def test_lazy_layers_learn_their_sizes(rng):
    for name, arguments, shape in (
            ("LazyLinear", (3,), (2, 5)), ("LazyConv2d", (3, 2), (2, 4, 5, 5)),
            ("LazyConv1d", (3, 2), (4, 5)), ("LazyBatchNorm1d", (), (6, 3))):
        ours, theirs = getattr(nn, name)(*arguments), getattr(torch.nn, name)(*arguments)
        parameters = list(ours.parameters())
        x, y = pair(rng, *shape)
        ours(x)
        theirs(y)
        assert type(ours).__name__ == type(theirs).__name__
        assert all(a is b for a, b in zip(ours.parameters(), parameters, strict=True))
        twin(ours, theirs)
        same(ours(x), theirs(y), 1e-4)
