"""TensorFlow 1: optimizers and their slots, layers, losses, rates that follow the step."""

import numpy as np
import pytest

from tricord import tensorflow as tf

v1 = tf.compat.v1


@pytest.fixture
def session():
    with tf.Graph().as_default(), v1.Session() as opened:
        yield opened


def test_slots_are_variables_with_tensorflows_names(session):
    w = v1.get_variable("w", [2], initializer=v1.zeros_initializer())
    loss = tf.reduce_sum(w * w)
    for optimizer in (v1.train.AdamOptimizer(0.1), v1.train.RMSPropOptimizer(0.1, centered=True),
                      v1.train.AdagradOptimizer(0.1), v1.train.FtrlOptimizer(0.1),
                      v1.train.AdadeltaOptimizer(0.1), v1.train.MomentumOptimizer(0.1, 0.9)):
        optimizer.minimize(loss)
    assert sorted(v.name for v in v1.global_variables()) == [
        "beta1_power:0", "beta2_power:0", "w/Adadelta:0", "w/Adadelta_1:0", "w/Adagrad:0",
        "w/Adam:0", "w/Adam_1:0", "w/Ftrl:0", "w/Ftrl_1:0", "w/Momentum:0", "w/RMSProp:0",
        "w/RMSProp_1:0", "w/RMSProp_2:0", "w:0"]
    assert [v.name for v in v1.trainable_variables()] == ["w:0"]


# By TensorFlow 2.21: five steps from [1, -4] on sum(w * w * [1, 0.1]).
@pytest.mark.parametrize(("make", "expected"), [
    (lambda: v1.train.FtrlOptimizer(0.1, l1_regularization_strength=0.01,
                                    l2_regularization_strength=0.1),
     [0.5560191869735718, -2.217282772064209]),
    (lambda: v1.train.RMSPropOptimizer(0.1, momentum=0.9, centered=True),
     [-0.4891701340675354, -2.932192802429199]),
])
def test_less_common_optimizers(session, make, expected):
    w = v1.Variable([1.0, -4.0])
    train = make().minimize(tf.reduce_sum(w * w * [1.0, 0.1]))
    session.run(v1.global_variables_initializer())
    for _ in range(5):
        session.run(train)
    np.testing.assert_allclose(session.run(w), expected, rtol=1e-5)


def test_gradients_may_be_changed_between_computing_and_applying(session):
    w = v1.Variable([1.0, -4.0])
    step = v1.train.get_or_create_global_step()
    rate = v1.train.exponential_decay(0.1, step, 2, 0.5, staircase=True)
    optimizer = v1.train.GradientDescentOptimizer(rate)
    pairs = optimizer.compute_gradients(tf.reduce_sum(w * w))
    clipped = [(tf.clip_by_value(g, -1.0, 1.0), v) for g, v in pairs]
    train = optimizer.apply_gradients(clipped, global_step=step)
    session.run(v1.global_variables_initializer())
    seen = []
    for _ in range(4):
        session.run(train)
        seen.append([round(float(x), 4) for x in session.run([rate, step, w[0]])])
    assert seen == [[0.1, 1, 0.9], [0.05, 2, 0.8], [0.05, 3, 0.75], [0.025, 4, 0.7]]


def test_a_rate_can_be_fed(session):
    rate = v1.placeholder(tf.float32, [])
    w = v1.Variable(1.0)
    train = v1.train.GradientDescentOptimizer(rate).minimize(w * 2.0)
    session.run(v1.global_variables_initializer())
    session.run(train, {rate: 0.25})
    assert float(session.run(w)) == 0.5


def test_other_rates(session):
    step = tf.constant(3)
    rates = [v1.train.natural_exp_decay(1.0, step, 2, 0.5),
             v1.train.inverse_time_decay(1.0, step, 2, 0.5),
             v1.train.polynomial_decay(1.0, step, 10, 0.1, power=2.0),
             v1.train.cosine_decay(1.0, step, 10),
             v1.train.piecewise_constant(step, [2, 5], [1.0, 0.5, 0.1])]
    np.testing.assert_allclose(session.run(rates), [
        np.exp(-0.75), 1 / 1.75, 0.9 * 0.49 + 0.1, 0.5 * (1 + np.cos(0.3 * np.pi)), 0.5],
        rtol=1e-6)


def test_layers_make_variables_in_scopes(session):
    x = v1.placeholder(tf.float32, [None, 8, 8, 3])
    h = v1.layers.conv2d(x, 4, 3, padding="same", activation=tf.nn.relu, name="c1")
    h = v1.layers.max_pooling2d(h, 2, 2)
    y = v1.layers.dense(v1.layers.flatten(h), 5)
    again = v1.layers.dense(v1.layers.flatten(h), 5)
    assert [v.name for v in v1.trainable_variables()] == [
        "c1/kernel:0", "c1/bias:0", "dense/kernel:0", "dense/bias:0", "dense_1/kernel:0",
        "dense_1/bias:0"]
    assert y.shape.as_list() == again.shape.as_list() == [None, 5]


def test_each_variable_of_one_initializer_has_numbers_of_its_own(session):
    initializer = v1.random_normal_initializer(stddev=0.1)
    a, b = (v1.get_variable(name, [8], initializer=initializer) for name in "ab")
    session.run(v1.global_variables_initializer())
    first, second = session.run([a, b])
    assert (first != second).all()


def test_batch_normalisation_moves_its_averages_by_update_ops(session):
    x = v1.placeholder(tf.float32, [None, 2])
    y = v1.layers.batch_normalization(x, training=True, momentum=0.5, name="bn")
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        trained = tf.identity(y)
    session.run(v1.global_variables_initializer())
    batch = np.array([[1.0, 2.0], [3.0, 6.0]])
    np.testing.assert_allclose(session.run(trained, {x: batch}), [[-1, -1], [1, 1]], atol=2e-3)
    assert session.run("bn/moving_mean:0").tolist() == [1.0, 2.0]
    assert session.run("bn/moving_variance:0").tolist() == [1.0, 2.5]


def test_dropout_with_a_fed_switch(session):
    training = v1.placeholder(tf.bool, [])
    y = v1.layers.dropout(tf.ones([100]), 0.5, training=training)
    assert (session.run(y, {training: False}) == 1).all()
    assert set(session.run(y, {training: True}).tolist()) == {0.0, 2.0}
    kept = v1.placeholder(tf.float32, [])
    old = v1.nn.dropout(tf.ones([100]), kept)
    assert set(session.run(old, {kept: 0.5}).tolist()) == {0.0, 2.0}


# By TensorFlow 2.21.
GOLDEN_LOSSES = [1.7047743797302246, 1.6597744226455688, 0.5762470960617065, 1.3125,
                 1.0499999523162842, 0.28990909457206726, 1.0]


def test_losses(session):
    labels, logits = tf.constant([0, 2]), tf.constant([[1.0, 2.0, 3.0], [0.1, 0.2, 0.3]])
    losses = v1.losses
    found = session.run([
        losses.sparse_softmax_cross_entropy(labels, logits),
        losses.softmax_cross_entropy(tf.one_hot(labels, 3), logits, label_smoothing=0.1),
        losses.sigmoid_cross_entropy([[1.0, 0.0]], [[0.3, -0.2]]),
        losses.huber_loss([1.0, 5.0], [1.5, 2.0]), losses.hinge_loss([[1.0], [0.0]],
                                                                     [[0.3], [0.4]]),
        losses.log_loss([1.0, 0.0], [0.7, 0.2]),
        losses.mean_squared_error([1.0, 2.0], [2.0, 4.0], weights=[1.0, 0.0])])
    np.testing.assert_allclose(found, GOLDEN_LOSSES, rtol=1e-5)
    assert len(v1.get_collection(v1.GraphKeys.LOSSES)) == 7
    assert float(session.run(losses.get_total_loss())) == pytest.approx(sum(GOLDEN_LOSSES))


def test_an_eager_loss_is_refused_with_the_way_out():
    w = tf.Variable(1.0)
    with pytest.raises(NotImplementedError, match=r"tf\.keras\.optimizers.Adam"):
        v1.train.AdamOptimizer(0.1).minimize(w * w)
