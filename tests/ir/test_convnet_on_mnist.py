"""The records together: a convolutional network with dropout learns handwritten digits."""

from __future__ import annotations

import gzip

import numpy as np

from tests.ir.helpers import inputs
from tricord.autodiff import gradients
from tricord.functions import random
from tricord.ir.ops import elementwise as ew
from tricord.ir.ops.contraction import dot_general
from tricord.ir.ops.convolution import convolution
from tricord.ir.ops.indexing import take_along_axis
from tricord.ir.ops.movement import broadcast, reshape
from tricord.ir.ops.reduce import argmax, reduce_max, reduce_sum, restore
from tricord.ir.ops.structural import constant
from tricord.ir.ops.window import window_max
from tricord.runtime.interpreter import Interpreter

BATCH, STEPS = 64, 100


def read(path, offset):
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=offset)


def relu(x):
    return ew.maximum(x, ew.zeros_like(x))


def logits_of(x, w1, w2, w3, b):
    hidden = relu(convolution(x, w1, strides=2, padding=2))
    hidden = relu(convolution(window_max(hidden, (1, 1, 2, 2), (1, 1, 2, 2)), w2))
    flat = reshape(hidden, (x.shape[0], -1))
    return flat, lambda features: dot_general(features, w3, ((1,), (0,))) + broadcast(
        b, (x.shape[0], 10), (1,))


def mean_loss(logits, labels):
    shifted = logits - restore(reduce_max(logits, axes=(1,)), logits, (1,))
    log_sum = ew.log(reduce_sum(ew.exp(shifted), (1,)))
    right = reshape(take_along_axis(shifted, labels, 1), log_sum.shape)
    return reduce_sum(log_sum - right, (0,)) * (1 / logits.shape[0])


def test_a_convolutional_network_learns_digits(data_file, rng):
    images = read(data_file("mnist/train-images-idx3-ubyte.gz"), 16).reshape(-1, 1, 28, 28)
    labels = read(data_file("mnist/train-labels-idx1-ubyte.gz"), 8).astype(np.int64)[:, None]
    parameters = [(rng.standard_normal(shape) * scale).astype(np.float32) for shape, scale in [
        ((8, 1, 5, 5), 0.2), ((16, 8, 3, 3), 0.12), ((400, 10), 0.05), ((10,), 0.0)]]

    def batch(first, size):
        chosen = slice(first, first + size)
        return images[chosen].astype(np.float32) / 255, labels[chosen]

    x, y = batch(0, BATCH)
    nodes = inputs(x, y, np.zeros(4, np.uint32), *parameters)
    features, head = logits_of(nodes[0], *nodes[3:])
    kept = random.bernoulli(nodes[2], 0.8, features.shape, dtype="float32")
    loss = mean_loss(head(features * kept * 1.25), nodes[1])
    step = Interpreter([loss, *gradients([loss], [constant(1, "float32")], nodes[3:])])
    losses = []
    for i in range(STEPS):
        key = np.array([1, 0, i, 0], np.uint32)
        value, *slopes = step([*batch(i * BATCH, BATCH), key, *parameters])
        losses.append(float(value))
        parameters = [p - np.float32(0.2) * g for p, g in zip(parameters, slopes, strict=True)]
    assert np.mean(losses[-10:]) < 0.5 < np.mean(losses[:5])

    unseen, answers = batch(40_000, 1000)
    nodes = inputs(unseen, answers, *parameters)
    features, head = logits_of(nodes[0], *nodes[2:])
    found = Interpreter([argmax(head(features), axis=1)])([unseen, answers, *parameters])[0]
    assert (found == answers[:, 0]).mean() > 0.9
