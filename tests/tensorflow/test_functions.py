"""tf.function: replayed as machine code, with the values that Python would have given."""

from __future__ import annotations

import numpy as np
import pytest

import tricord.tensorflow as tf


def outcome(function):
    """What the last call taught."""
    return function._compiled.history[-1][1]


def data(seed=0):
    rng = np.random.default_rng(seed)
    return (tf.constant(rng.standard_normal((16, 12)).astype("float32")),
            tf.constant(rng.integers(0, 3, 16)))


def trained(wrap, steps=6):
    """Losses and weights of a network that a tape trains."""
    rng = np.random.default_rng(1)
    w = tf.Variable(rng.standard_normal((12, 3)).astype("float32"))
    b = tf.Variable(tf.zeros([3]))
    optimizer = tf.keras.optimizers.Adam(0.05)

    @wrap
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels=y, logits=tf.matmul(x, w) + b))
        gradients = tape.gradient(loss, [w, b])
        optimizer.apply_gradients(zip(gradients, [w, b], strict=True))
        return loss

    losses = [float(step(*data(i))) for i in range(steps)]
    return step, (losses, w.numpy().tolist(), b.numpy().tolist())


def test_a_training_step_is_replayed_and_gives_the_same_bits():
    step, found = trained(tf.function)
    assert outcome(step) == "compiled"
    assert found == trained(lambda f: f)[1]


def test_variables_count_and_numbers_are_drawn_anew():
    n = tf.Variable(0)

    @tf.function
    def count():
        n.assign_add(1)
        return n.read_value()

    draw = tf.function(lambda: tf.random.normal([2]))
    assert [int(count()) for _ in range(6)] == [1, 2, 3, 4, 5, 6]
    assert len({tuple(draw().numpy()) for _ in range(6)}) == 6
    assert outcome(count) == outcome(draw) == "compiled"


@pytest.mark.parametrize("watched", ["argument", "from outside", "variable"])
def test_a_tape_around_sees_what_was_replayed_before(watched):
    inside, variable = tf.constant([1.0, 2.0]), tf.Variable([3.0, 4.0])
    x = tf.constant([5.0, 6.0])
    factor = variable if watched == "variable" else inside
    f = tf.function(lambda v: tf.reduce_sum(v * v * factor))
    for _ in range(5):
        f(x)
    with tf.GradientTape() as tape:
        source = {"argument": x, "from outside": inside, "variable": variable}[watched]
        tape.watch(source)
        value = f(x)
    expected = [10.0, 24.0] if watched == "argument" else [25.0, 36.0]
    assert tape.gradient(value, source).numpy().tolist() == expected


def test_what_is_printed_is_printed_each_time(capsys):
    @tf.function
    def shown(x):
        tf.print("x is", x)
        return x * 2

    for _ in range(4):
        shown(tf.constant(1.0))
    assert capsys.readouterr().err.count("x is") == 4
    assert outcome(shown).startswith("not replayed")


def test_each_object_and_each_number_has_its_own():
    class Scaled(tf.Module):
        def __init__(self, value):
            super().__init__()
            self.v = tf.Variable(value)

        @tf.function
        def __call__(self, x):
            return tf.stop_gradient(x * self.v)

    one, five = Scaled(1.0), Scaled(5.0)
    x = tf.constant(2.0)
    assert [(float(one(x)), float(five(x))) for _ in range(5)] == [(2.0, 10.0)] * 5
    five.v.assign(7.0)
    assert float(five(x)) == 14.0
    times = tf.function(lambda k: tf.constant([1.0]) * k)
    assert [float(times(k)[0]) for k in (1, 2, 3) * 3] == [1.0, 2.0, 3.0] * 3


def test_functions_can_be_asked_to_run_as_python(capsys):
    @tf.function
    def f(x):
        print("recorded")
        return tf.exp(x) * 2

    tf.config.run_functions_eagerly(True)
    try:
        assert tf.config.functions_run_eagerly()
        for _ in range(5):
            f(tf.ones(3))
    finally:
        tf.config.run_functions_eagerly(False)
    assert capsys.readouterr().out.count("recorded") == 5
    for _ in range(5):
        f(tf.ones(3))
    assert capsys.readouterr().out.count("recorded") == 2


@pytest.mark.parametrize("given", ["argument", "numbers"])
def test_assignments_are_replayed(given):
    v = tf.Variable([1.0, 2.0])

    @tf.function
    def store(x):
        v.assign(x if given == "argument" else [7.0, 8.0])
        return x * 2

    for k in range(6):
        v.assign([-1.0, -1.0])
        store(tf.constant([float(k), 1.0]))
        assert v.numpy().tolist() == ([float(k), 1.0] if given == "argument" else [7.0, 8.0])
    assert outcome(store) == "compiled"
