"""Tapes: what they see, what they keep, and how often they may be asked."""

import gc

import numpy as np
import pytest

from tricord import tensorflow as tf
from tricord.tensor.recorder import state


def test_what_was_computed_before_the_tape_is_constant():
    x = tf.Variable(2.0)
    y = x * x
    with tf.GradientTape() as tape:
        z = y * x
    assert float(tape.gradient(z, x)) == 4.0


def test_what_was_observed_before_the_tape_is_constant_too():
    x = tf.Variable(2.0)
    y = x * x
    assert float(y) == 4.0
    with tf.GradientTape() as outer:
        with tf.GradientTape() as tape:
            z = y * x * x
        slope = tape.gradient(z, x)
    assert float(slope) == 16.0
    assert float(outer.gradient(slope, x)) == 8.0


def test_a_tensor_has_to_be_watched():
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        y = x * x
    assert tape.gradient(y, x) is None
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert float(tape.gradient(y, x)) == 4.0
    with tf.GradientTape() as tape:
        y = x * x
    assert tape.gradient(y, x) is None


def test_watching_a_result_starts_there():
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        y = x * x
        tape.watch(y)
        z = y * y
    assert tape.gradient(z, [x, y])[0] is None
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        z = y * y
    assert float(tape.gradient(z, y)) == 8.0
    assert float(tape.gradient(z, x)) == 32.0


def test_values_may_be_looked_at_inside():
    x = tf.Variable([2.0, 1.0])
    with tf.GradientTape(persistent=True) as tape:
        h = x * x
        assert float(h[0]) == 4.0
        loss = tf.reduce_sum(h) * h[1]
        assert float(loss) == 5.0
    assert tape.gradient(loss, x).numpy().tolist() == [4.0, 12.0]
    assert tape.gradient(loss, h).numpy().tolist() == [1.0, 6.0]
    assert tape.gradient(h, x).numpy().tolist() == [4.0, 2.0]


def test_two_tapes_over_the_same_computation():
    x, w = tf.Variable(2.0), tf.Variable(3.0)
    with tf.GradientTape() as first, tf.GradientTape() as second:
        h = x * w
        loss, other = h * h, h + 1.0
    assert float(loss) == 36.0
    assert float(first.gradient(loss, x)) == 36.0
    assert float(second.gradient(other, w)) == 2.0


def test_third_derivative():
    x = tf.Variable(2.0)
    with tf.GradientTape() as a:
        with tf.GradientTape() as b:
            with tf.GradientTape() as c:
                y = x ** 4
            first = c.gradient(y, x)
        second = b.gradient(first, x)
    assert float(a.gradient(second, x)) == 48.0


def test_a_second_question_needs_a_persistent_tape():
    x = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match=r"(?s)non-persistent.*persistent=True"):
        tape.gradient(y, x)


def test_sources_keep_their_structure():
    x = {"a": tf.Variable(2.0), "b": [tf.Variable(3.0), tf.Variable(1.0, trainable=False)]}
    with tf.GradientTape() as tape:
        z = x["a"] * x["b"][0] * x["b"][1]
    found = tape.gradient(z, x)
    assert float(found["a"]) == 3.0 and float(found["b"][0]) == 2.0
    assert found["b"][1] is None


def test_unconnected_gradients_may_be_zeros():
    x, y = tf.Variable(2.0), tf.Variable([1.0, 1.0])
    with tf.GradientTape() as tape:
        z = x * x
    found = tape.gradient(z, [x, y], unconnected_gradients=tf.UnconnectedGradients.ZERO)
    assert found[1].numpy().tolist() == [0.0, 0.0]


def test_several_targets_and_weights():
    x = tf.Variable([2.0, 3.0])
    with tf.GradientTape(persistent=True) as tape:
        y = [x * x, x * 3.0]
    assert tape.gradient(y, x).numpy().tolist() == [7.0, 9.0]
    weights = tf.constant([1.0, 10.0])
    assert tape.gradient(y[0], x, output_gradients=weights).numpy().tolist() == [4.0, 60.0]


def test_an_assignment_starts_a_new_value():
    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = x * x
        x.assign(5.0)
        z = y + x
    assert float(tape.gradient(z, x)) == 5.0
    assert float(x) == 5.0


def test_recording_can_be_stopped():
    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = x * x
        with tape.stop_recording():
            z = x * y
        w = y + z
    assert float(tape.gradient(w, x)) == 4.0


def test_integers_have_no_gradient_and_are_not_watched():
    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = tf.cast(x * x, tf.int32)
        with pytest.raises(TypeError, match="must be floating"):
            tape.watch(y)
    assert tape.gradient(y, x) is None


def test_jacobians():
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
    assert tape.jacobian(y, x).shape.as_list() == [2, 2, 2, 2]
    np.testing.assert_array_equal(tape.batch_jacobian(y, x),
                                  [[[2, 0], [0, 4]], [[6, 0], [0, 8]]])


@pytest.mark.parametrize(("function", "expected"), [
    (lambda x: tf.maximum(x, 0.0), 1.0), (lambda x: tf.minimum(x, 0.0), 1.0),
    (tf.nn.relu, 0.0), (tf.abs, 0.0), (lambda x: tf.clip_by_value(x, 0.0, 1.0), 1.0),
    (tf.sign, 0.0), (lambda x: tf.math.divide_no_nan(1.0, x), 0.0)])
def test_gradients_at_corners_are_tensorflows(function, expected):
    x = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        y = function(x)
    assert float(tape.gradient(y, x)) == expected


def test_a_training_loop_records_the_same_program_each_time():
    w = tf.Variable(np.ones((3, 2), "float32"))
    x = tf.constant(np.arange(6, dtype="float32").reshape(2, 3))

    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(tf.matmul(x, w)))
        w.assign_sub(0.01 * tape.gradient(loss, w))
        return float(loss)

    first = [step() for _ in range(3)]
    built = state.programs_built
    later = [step() for _ in range(5)]
    assert state.programs_built == built
    assert later[-1] < first[0]


def test_nothing_keeps_the_tensors_of_a_finished_step_alive():
    w = tf.Variable(np.ones(4, "float32"))
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(w * w)
            w.assign_sub(tape.gradient(loss, w) * 0.1)
            float(loss)
        del loss, tape
        w.numpy()
        assert not [r for r in state.segment.handles if r() is not None and r() is not w]
    finally:
        gc.enable()


def test_a_custom_gradient_may_use_tensors_from_outside():
    scale = tf.Variable([1.0, 2.0])

    @tf.custom_gradient
    def scaled(x):
        return x * scale, lambda upstream: upstream * scale * 100.0

    x = tf.Variable([3.0, 4.0])
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(scaled(x) * 1.5)
    assert float(y) == 16.5
    assert tape.gradient(y, x).numpy().tolist() == [150.0, 300.0]
