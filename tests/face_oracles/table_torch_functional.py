"""torch.nn.functional: activations, losses, convolution, pooling, norms, the rest."""

from __future__ import annotations

from typing import Any

import numpy as np

from .cases import Case, bools, distinct, integers, normal, positive, uniform

ACTIVATIONS = [
    Case(f"F.{name}", lambda t, x, name=name: getattr(t.nn.functional, name)(x), normal(3, 5))
    for name in ["relu", "relu6", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus",
                 "softsign", "tanhshrink", "hardtanh", "hardswish", "hardsigmoid", "leaky_relu",
                 "logsigmoid", "sigmoid", "tanh", "softshrink", "hardshrink"]
] + [
    Case("F.gelu tanh", lambda t, x: t.nn.functional.gelu(x, approximate="tanh"), normal(3, 5)),
    Case("F.leaky_relu slope", lambda t, x: t.nn.functional.leaky_relu(x, 0.2), normal(3, 5)),
    Case("F.elu alpha", lambda t, x: t.nn.functional.elu(x, alpha=0.5), normal(3, 5)),
    Case("F.prelu", lambda t, x, w: t.nn.functional.prelu(x, w), normal(3, 5), positive(5)),
    Case("F.softplus beta", lambda t, x: t.nn.functional.softplus(x, beta=2, threshold=1),
         normal(3, 5)),
    Case("F.threshold", lambda t, x: t.nn.functional.threshold(x, 0.1, 20.0), normal(3, 5)),
    Case("F.softmax", lambda t, x: (t.nn.functional.softmax(x, dim=1),
                                    t.nn.functional.log_softmax(x, dim=0),
                                    t.nn.functional.softmin(x, dim=1)), normal(3, 5)),
    Case("F.glu", lambda t, x: t.nn.functional.glu(x, dim=1), normal(3, 6)),
    Case("F.relu inplace", lambda t, x: t.nn.functional.relu(x * 1, inplace=True), normal(3, 5)),
]


def loss_rows(name: str, call: Any, *inputs: Any, reductions: tuple[str, ...] = ("mean", "sum",
                                                                                "none")
              ) -> list[Case]:
    return [Case(f"{name} {reduction}",
                 lambda t, *tensors, reduction=reduction: call(t, *tensors, reduction=reduction),
                 *inputs) for reduction in reductions]


def functional(name: str) -> Any:
    return lambda t, *tensors, **options: getattr(t.nn.functional, name)(*tensors, **options)


LABELS = integers(0, 5, 6)
LABELS_IGNORED = np.array([0, 4, -100, 2, -100, 1])
PROBABILITY = uniform(0.05, 0.95, 4, 3)
TARGET01 = uniform(0.0, 1.0, 4, 3).constant()

LOSSES = [
    *loss_rows("mse_loss", functional("mse_loss"), normal(4, 3), normal(4, 3)),
    *loss_rows("l1_loss", functional("l1_loss"), normal(4, 3), normal(4, 3)),
    *loss_rows("smooth_l1_loss", functional("smooth_l1_loss"), normal(4, 3), normal(4, 3)),
    *loss_rows("smooth_l1_loss beta", lambda t, *a, **o: t.nn.functional.smooth_l1_loss(
        *a, beta=0.3, **o), normal(4, 3), normal(4, 3)),
    *loss_rows("huber_loss", lambda t, *a, **o: t.nn.functional.huber_loss(*a, delta=0.5, **o),
               normal(4, 3), normal(4, 3)),
    *loss_rows("cross_entropy", functional("cross_entropy"), normal(6, 5), LABELS),
    *loss_rows("cross_entropy weight", lambda t, x, y, w, **o: t.nn.functional.cross_entropy(
        x, y, weight=w, **o), normal(6, 5), LABELS, positive(5).constant()),
    *loss_rows("cross_entropy ignore_index", functional("cross_entropy"), normal(6, 5),
               LABELS_IGNORED),
    *loss_rows("cross_entropy own ignore_index", lambda t, x, y, **o: t.nn.functional.cross_entropy(
        x, y, ignore_index=2, **o), normal(6, 5), np.array([0, 2, 2, 3, 4, 1])),
    *loss_rows("cross_entropy label_smoothing", lambda t, x, y, **o: t.nn.functional.cross_entropy(
        x, y, label_smoothing=0.1, **o), normal(6, 5), LABELS),
    *loss_rows("cross_entropy weight and smoothing",
               lambda t, x, y, w, **o: t.nn.functional.cross_entropy(
                   x, y, weight=w, label_smoothing=0.2, **o),
               normal(6, 5), LABELS_IGNORED, positive(5).constant()),
    *loss_rows("cross_entropy probabilities", lambda t, x, p, **o: t.nn.functional.cross_entropy(
        x, p.softmax(1), **o), normal(6, 5), normal(6, 5)),
    *loss_rows("cross_entropy probabilities smoothing",
               lambda t, x, p, **o: t.nn.functional.cross_entropy(
                   x, p.softmax(1), label_smoothing=0.1, **o), normal(6, 5), normal(6, 5)),
    *loss_rows("cross_entropy images", functional("cross_entropy"), normal(2, 5, 3, 4),
               integers(0, 5, 2, 3, 4)),
    *loss_rows("cross_entropy one sample", functional("cross_entropy"), normal(5), np.array(3)),
    *loss_rows("nll_loss", lambda t, x, y, **o: t.nn.functional.nll_loss(
        x.log_softmax(1), y, **o), normal(6, 5), LABELS),
    *loss_rows("nll_loss weight", lambda t, x, y, w, **o: t.nn.functional.nll_loss(
        x.log_softmax(1), y, weight=w, **o), normal(6, 5), LABELS_IGNORED, positive(5).constant()),
    *loss_rows("binary_cross_entropy", functional("binary_cross_entropy"), PROBABILITY, TARGET01),
    *loss_rows("binary_cross_entropy weight", lambda t, x, y, w, **o:
               t.nn.functional.binary_cross_entropy(x, y, weight=w, **o), PROBABILITY, TARGET01,
               positive(4, 3).constant()),
    *loss_rows("binary_cross_entropy_with_logits", functional("binary_cross_entropy_with_logits"),
               normal(4, 3), TARGET01),
    *loss_rows("binary_cross_entropy_with_logits pos_weight", lambda t, x, y, w, p, **o:
               t.nn.functional.binary_cross_entropy_with_logits(x, y, weight=w, pos_weight=p, **o),
               normal(4, 3), TARGET01, positive(4, 3).constant(), positive(3).constant()),
    *loss_rows("kl_div", lambda t, x, p, **o: t.nn.functional.kl_div(
        x.log_softmax(1), p.softmax(1), **o), normal(4, 3), normal(4, 3),
        reductions=("batchmean", "sum", "none")),
    *loss_rows("kl_div log_target", lambda t, x, p, **o: t.nn.functional.kl_div(
        x.log_softmax(1), p.log_softmax(1), log_target=True, **o), normal(4, 3), normal(4, 3),
        reductions=("batchmean", "sum", "none")),
    *loss_rows("hinge_embedding_loss", functional("hinge_embedding_loss"), normal(4),
               np.array([1.0, -1, -1, 1], "float32")),
    *loss_rows("margin_ranking_loss", lambda t, *a, **o: t.nn.functional.margin_ranking_loss(
        *a, margin=0.5, **o), normal(4), normal(4), np.array([1.0, -1, -1, 1], "float32")),
    *loss_rows("soft_margin_loss", functional("soft_margin_loss"), normal(4),
               np.array([1.0, -1, -1, 1], "float32")),
    *loss_rows("multi_margin_loss", functional("multi_margin_loss"), normal(6, 5), LABELS),
    *loss_rows("cosine_embedding_loss", functional("cosine_embedding_loss"), normal(4, 3),
               normal(4, 3), np.array([1, -1, -1, 1])),
    *loss_rows("triplet_margin_loss", functional("triplet_margin_loss"), *[normal(4, 3)] * 3),
    *loss_rows("gaussian_nll_loss", functional("gaussian_nll_loss"), normal(4, 3), normal(4, 3),
               positive(4, 3)),
    *loss_rows("poisson_nll_loss", functional("poisson_nll_loss"), normal(4, 3), positive(4, 3)),
    Case("cross_entropy of a huge logit", lambda t: t.nn.functional.cross_entropy(
        t.tensor([[1e4, 0.0]]), t.tensor([1]))),
    Case("cross_entropy all ignored", lambda t: t.nn.functional.cross_entropy(
        t.zeros(2, 3), t.tensor([-100, -100]))),
    Case("mse of integers as float", lambda t, x: t.nn.functional.mse_loss(
        x, t.tensor([1, 2, 3, 4]).float()), normal(4)),
    Case("bce clamps its log", lambda t: t.nn.functional.binary_cross_entropy(
        t.tensor([0.0, 1.0]), t.tensor([1.0, 1.0]))),
]

CONVOLUTION = [
    Case("conv1d", lambda t, x, w, b: t.nn.functional.conv1d(x, w, b), normal(2, 3, 9),
         normal(4, 3, 3), normal(4)),
    Case("conv1d all options", lambda t, x, w, b: t.nn.functional.conv1d(
        x, w, b, stride=2, padding=2, dilation=2, groups=2), normal(2, 4, 12), normal(6, 2, 3),
        normal(6)),
    Case("conv2d", lambda t, x, w, b: t.nn.functional.conv2d(x, w, b), normal(2, 3, 7, 8),
         normal(4, 3, 3, 3), normal(4)),
    Case("conv2d no bias", lambda t, x, w: t.nn.functional.conv2d(x, w), normal(1, 1, 5, 5),
         normal(2, 1, 3, 3)),
    Case("conv2d stride padding", lambda t, x, w, b: t.nn.functional.conv2d(
        x, w, b, stride=2, padding=1), normal(2, 3, 8, 8), normal(4, 3, 3, 3), normal(4)),
    Case("conv2d stride leaves a rest", lambda t, x, w: t.nn.functional.conv2d(x, w, stride=3),
         normal(2, 2, 9, 10), normal(3, 2, 2, 2)),
    Case("conv2d pairs", lambda t, x, w: t.nn.functional.conv2d(
        x, w, stride=(2, 1), padding=(0, 2), dilation=(1, 2)), normal(2, 2, 8, 7),
        normal(3, 2, 3, 2)),
    Case("conv2d groups", lambda t, x, w: t.nn.functional.conv2d(x, w, groups=2),
         normal(2, 4, 5, 5), normal(6, 2, 3, 3)),
    Case("conv2d depthwise", lambda t, x, w: t.nn.functional.conv2d(x, w, groups=4, padding=1),
         normal(2, 4, 5, 5), normal(4, 1, 3, 3)),
    Case("conv2d same", lambda t, x, w: t.nn.functional.conv2d(x, w, padding="same"),
         normal(1, 2, 5, 6), normal(3, 2, 3, 3)),
    Case("conv2d valid", lambda t, x, w: t.nn.functional.conv2d(x, w, padding="valid"),
         normal(1, 2, 5, 6), normal(3, 2, 3, 3)),
    Case("conv2d 1x1", lambda t, x, w: t.nn.functional.conv2d(x, w), normal(2, 3, 4, 4),
         normal(5, 3, 1, 1)),
    Case("conv2d without batch", lambda t, x, w: t.nn.functional.conv2d(x, w), normal(3, 6, 6),
         normal(4, 3, 3, 3)),
    Case("conv3d", lambda t, x, w, b: t.nn.functional.conv3d(x, w, b, stride=2, padding=1),
         normal(1, 2, 5, 5, 5), normal(3, 2, 3, 3, 3), normal(3)),
    Case("conv_transpose1d", lambda t, x, w, b: t.nn.functional.conv_transpose1d(
        x, w, b, stride=2, padding=1, output_padding=1), normal(2, 3, 5), normal(3, 4, 3),
        normal(4)),
    Case("conv_transpose2d", lambda t, x, w, b: t.nn.functional.conv_transpose2d(x, w, b),
         normal(2, 3, 4, 5), normal(3, 2, 3, 3), normal(2)),
    Case("conv_transpose2d all options", lambda t, x, w: t.nn.functional.conv_transpose2d(
        x, w, stride=3, padding=1, output_padding=2, groups=2, dilation=2), normal(2, 4, 3, 4),
        normal(4, 3, 3, 3)),
    Case("conv_transpose3d", lambda t, x, w: t.nn.functional.conv_transpose3d(x, w, stride=2),
         normal(1, 2, 3, 3, 3), normal(2, 2, 2, 2, 2)),
    Case("unfold", lambda t, x: t.nn.functional.unfold(x, 3, padding=1, stride=2),
         normal(2, 3, 6, 6)),
    Case("fold", lambda t, x: t.nn.functional.fold(x, (4, 4), 2, stride=2), normal(2, 12, 4)),
]


def pool_rows() -> list[Case]:
    rows = []
    for n, shape in [(1, (2, 3, 9)), (2, (2, 3, 7, 9)), (3, (1, 2, 5, 6, 7))]:
        for label, arguments, options in [
                ("plain", (2,), {}), ("stride", (3, 2), {}), ("padding", (3, 2, 1), {}),
                ("ceil", (2, 2), {"ceil_mode": True}),
                ("ceil padding", (3, 2, 1), {"ceil_mode": True})]:
            for kind in ("max", "avg"):
                rows.append(Case(
                    f"{kind}_pool{n}d {label}",
                    lambda t, x, kind=kind, n=n, arguments=arguments, options=options:
                    getattr(t.nn.functional, f"{kind}_pool{n}d")(x, *arguments, **options),
                    distinct(*shape)))
        for kind in ("max", "avg"):
            for size in (1, 3):
                rows.append(Case(
                    f"adaptive_{kind}_pool{n}d {size}",
                    lambda t, x, kind=kind, n=n, size=size:
                    getattr(t.nn.functional, f"adaptive_{kind}_pool{n}d")(x, size),
                    distinct(*shape)))
    return rows


POOLING = [
    *pool_rows(),
    Case("avg_pool2d count_include_pad", lambda t, x: t.nn.functional.avg_pool2d(
        x, 3, 2, 1, count_include_pad=False), normal(2, 3, 7, 7)),
    Case("avg_pool2d ceil without pad count", lambda t, x: t.nn.functional.avg_pool2d(
        x, 3, 2, 1, ceil_mode=True, count_include_pad=False), normal(2, 3, 8, 8)),
    Case("avg_pool2d divisor", lambda t, x: t.nn.functional.avg_pool2d(
        x, 2, divisor_override=3), normal(1, 2, 4, 4)),
    Case("max_pool2d dilation", lambda t, x: t.nn.functional.max_pool2d(x, 2, 1, 0, 2),
         distinct(1, 2, 6, 6)),
    Case("max_pool2d pairs", lambda t, x: t.nn.functional.max_pool2d(x, (2, 3), (1, 2)),
         distinct(1, 2, 6, 7)),
    Case("max_pool2d indices", lambda t, x: t.nn.functional.max_pool2d(
        x, 2, return_indices=True), distinct(1, 2, 4, 4)),
    Case("adaptive_avg_pool2d pair", lambda t, x: t.nn.functional.adaptive_avg_pool2d(
        x, (2, None)), normal(1, 2, 5, 4)),
    Case("lp_pool2d", lambda t, x: t.nn.functional.lp_pool2d(x, 2, 2), positive(1, 2, 4, 4)),
    Case("max_pool2d without batch", lambda t, x: t.nn.functional.max_pool2d(x, 2),
         distinct(2, 4, 4)),
]

NORMS = [
    Case("layer_norm", lambda t, x, w, b: t.nn.functional.layer_norm(x, (4,), w, b),
         normal(2, 3, 4), normal(4), normal(4)),
    Case("layer_norm two axes", lambda t, x: t.nn.functional.layer_norm(x, (3, 4), eps=1e-3),
         normal(2, 3, 4)),
    Case("group_norm", lambda t, x, w, b: t.nn.functional.group_norm(x, 2, w, b),
         normal(2, 4, 3, 3), normal(4), normal(4)),
    Case("instance_norm", lambda t, x: t.nn.functional.instance_norm(x), normal(2, 3, 4, 4)),
    Case("rms_norm", lambda t, x, w: t.nn.functional.rms_norm(x, (4,), w), normal(3, 4),
         normal(4)),
    Case("batch_norm training", lambda t, x, w, b: [
        m := t.zeros(3), v := t.ones(3),
        t.nn.functional.batch_norm(x, m, v, w, b, training=True, momentum=0.2), m, v],
        normal(5, 3, 4), normal(3), normal(3)),
    Case("batch_norm evaluation", lambda t, x, m, v, w, b: t.nn.functional.batch_norm(
        x, m, v, w, b), normal(5, 3), normal(3).constant(), positive(3).constant(), normal(3),
        normal(3)),
    Case("local_response_norm", lambda t, x: t.nn.functional.local_response_norm(x, 3),
         normal(2, 5, 3, 3)),
    Case("normalize", lambda t, x: (t.nn.functional.normalize(x),
                                    t.nn.functional.normalize(x, p=1, dim=0)), normal(3, 4)),
]

REST = [
    Case("linear", lambda t, x, w, b: (t.nn.functional.linear(x, w, b),
                                       t.nn.functional.linear(x, w)), normal(3, 4), normal(5, 4),
         normal(5)),
    Case("linear on 3-d", lambda t, x, w, b: t.nn.functional.linear(x, w, b), normal(2, 3, 4),
         normal(5, 4), normal(5)),
    Case("linear on a vector", lambda t, x, w, b: t.nn.functional.linear(x, w, b), normal(4),
         normal(5, 4), normal(5)),
    Case("bilinear", lambda t, x, y, w, b: t.nn.functional.bilinear(x, y, w, b), normal(3, 4),
         normal(3, 2), normal(5, 4, 2), normal(5)),
    Case("embedding", lambda t, i, w: t.nn.functional.embedding(i, w), integers(0, 6, 3, 4),
         normal(6, 2)),
    Case("embedding padding_idx", lambda t, i, w: t.nn.functional.embedding(i, w, padding_idx=0),
         integers(0, 3, 3, 4), normal(6, 2)),
    Case("one_hot", lambda t, i: (t.nn.functional.one_hot(i),
                                  t.nn.functional.one_hot(i, num_classes=7)), integers(0, 5, 2, 9)),
    Case("dropout in evaluation", lambda t, x: (
        t.nn.functional.dropout(x, 0.5, training=False), t.nn.functional.dropout(x, 0.0),
        t.nn.functional.dropout2d(x, 0.3, training=False)), normal(2, 3, 4, 4)),
    Case("dropout scales", lambda t: [
        y := t.nn.functional.dropout(t.ones(4000), 0.25), t.unique(y),
        bool(abs((y == 0).float().mean() - 0.25) < 0.05)][1:]),
    Case("pad constant", lambda t, x: (
        t.nn.functional.pad(x, (1, 2)), t.nn.functional.pad(x, (1, 0, 0, 2), value=3.0),
        t.nn.functional.pad(x, (-1, 0)), t.nn.functional.pad(x, [1, 1, 1, 1], "constant", 0)),
        normal(2, 3, 4)),
    *[Case(f"pad {mode}", lambda t, x, mode=mode: t.nn.functional.pad(x, (2, 1, 1, 2), mode=mode),
           normal(1, 2, 4, 5)) for mode in ("reflect", "replicate", "circular")],
    Case("pad reflect 1-d", lambda t, x: t.nn.functional.pad(x, (2, 1), mode="reflect"),
         normal(1, 2, 5)),
    Case("interpolate nearest", lambda t, x: (
        t.nn.functional.interpolate(x, scale_factor=2),
        t.nn.functional.interpolate(x, size=(5, 7), mode="nearest")), normal(1, 2, 3, 4)),
    Case("interpolate bilinear", lambda t, x: (
        t.nn.functional.interpolate(x, size=(6, 5), mode="bilinear", align_corners=False),
        t.nn.functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)),
        normal(1, 2, 3, 4)),
    Case("interpolate linear", lambda t, x: t.nn.functional.interpolate(
        x, size=7, mode="linear"), normal(1, 2, 4)),
    Case("interpolate bicubic", lambda t, x: t.nn.functional.interpolate(
        x, scale_factor=2, mode="bicubic"), normal(1, 1, 4, 4), rtol=1e-4, atol=1e-5),
    Case("pixel_shuffle", lambda t, x: (t.nn.functional.pixel_shuffle(x, 2),
                                        t.nn.functional.pixel_unshuffle(x, 2)), normal(1, 4, 4, 4)),
    Case("cosine_similarity", lambda t, x, y: (t.nn.functional.cosine_similarity(x, y),
                                               t.cosine_similarity(x, y, dim=0)), normal(3, 4),
         normal(3, 4)),
    Case("pairwise_distance", lambda t, x, y: t.nn.functional.pairwise_distance(x, y),
         normal(3, 4), normal(3, 4)),
    Case("attention", lambda t, q, k, v: t.nn.functional.scaled_dot_product_attention(q, k, v),
         normal(2, 2, 3, 4), normal(2, 2, 5, 4), normal(2, 2, 5, 4), rtol=1e-4, atol=1e-5),
    Case("attention causal", lambda t, q, k, v: t.nn.functional.scaled_dot_product_attention(
        q, k, v, is_causal=True), *[normal(2, 2, 4, 4)] * 3, rtol=1e-4, atol=1e-5),
    Case("attention mask", lambda t, q, k, v, m: t.nn.functional.scaled_dot_product_attention(
        q, k, v, attn_mask=m), *[normal(2, 2, 4, 4)] * 3, normal(4, 4).constant(), rtol=1e-4,
        atol=1e-5),
    Case("attention boolean mask", lambda t, q, k, v: t.nn.functional.scaled_dot_product_attention(
        q, k, v, attn_mask=t.ones(4, 4, dtype=t.bool).tril()), *[normal(2, 2, 4, 4)] * 3,
        rtol=1e-4, atol=1e-5),
    Case("gumbel_softmax shape", lambda t: [
        y := t.nn.functional.gumbel_softmax(t.zeros(3, 4), hard=True), y.sum(1)][1]),
    Case("upsample by repeat", lambda t, x, m: (x * m).repeat_interleave(2, dim=-1),
         normal(1, 2, 3), bools(1, 2, 3)),
]

CASES = ACTIVATIONS + LOSSES + CONVOLUTION + POOLING + NORMS + REST
