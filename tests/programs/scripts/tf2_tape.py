"""TensorFlow 2: variables, GradientTape, apply_gradients, with and without tf.function."""

import sys

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

digits = load_digits()
x_all = (digits.data / 16.0).astype('float32')
y_all = digits.target.astype('int32')


def fresh():
    random = np.random.RandomState(9)
    return [tf.Variable(random.uniform(-0.2, 0.2, shape).astype('float32'), name=name)
            for shape, name in [((64, 32), 'w1'), ((32,), 'b1'), ((32, 10), 'w2'), ((10,), 'b2')]]


def model(x, variables):
    w1, b1, w2, b2 = variables
    hidden = tf.nn.relu(tf.matmul(x, w1) + b1)
    return hidden @ w2 + b2


def compute_loss(x, y, variables):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=y, logits=model(x, variables)))


# 1. eager
variables = fresh()
optimizer = tf.keras.optimizers.Adam(learning_rate=0.01)
for step in range(10):
    x, y = tf.constant(x_all[32 * step:32 * step + 32]), y_all[32 * step:32 * step + 32]
    with tf.GradientTape() as tape:
        loss = compute_loss(x, y, variables)
    gradients = tape.gradient(loss, variables)
    optimizer.apply_gradients(zip(gradients, variables))
    print('loss', step, repr(float(loss)))

# 2. the same under tf.function
traced = fresh()
optimizer = tf.keras.optimizers.Adam(learning_rate=0.01)


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        loss = compute_loss(x, y, traced)
    gradients = tape.gradient(loss, traced)
    optimizer.apply_gradients(zip(gradients, traced))
    return loss


for step in range(10):
    loss = train_step(x_all[32 * step:32 * step + 32], y_all[32 * step:32 * step + 32])
    print('value traced_%d' % step, repr(float(loss.numpy())))

# 3. plain gradient descent with assign_sub, and a second derivative
w = tf.Variable(tf.zeros([64, 10]))
for step in range(5):
    with tf.GradientTape(persistent=True) as tape:
        value = tf.reduce_mean(tf.keras.losses.sparse_categorical_crossentropy(
            y_all[:100], tf.matmul(x_all[:100], w), from_logits=True))
        penalty = 0.01 * tf.reduce_sum(tf.square(w))
    w.assign_sub(0.5 * (tape.gradient(value, w) + tape.gradient(penalty, w)))
    del tape
    print('value descent_%d' % step, repr(float(value)))
point = tf.Variable(1.5)
with tf.GradientTape() as outer:
    with tf.GradientTape() as inner:
        cube = point ** 3
    slope = inner.gradient(cube, point)
print('value second_derivative', repr(float(outer.gradient(slope, point))))
watched = tf.constant([1.0, 2.0])
with tf.GradientTape() as tape:
    tape.watch(watched)
    total = tf.reduce_sum(watched * watched)
print('value watched', repr(float(tape.gradient(total, watched)[1])))

# 4. to the end
for epoch in range(100 if '--full' in sys.argv else 6):
    for start in range(0, 1500, 50):
        train_step(x_all[start:start + 50], y_all[start:start + 50])
predicted = tf.argmax(model(x_all[1500:], traced), axis=1)
print('accuracy', float(tf.reduce_mean(tf.cast(predicted == y_all[1500:], tf.float32))))
