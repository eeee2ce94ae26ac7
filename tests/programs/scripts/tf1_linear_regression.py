"""The TensorFlow 1 regression tutorial through `tf.compat.v1`, one sample at a time, Adam."""

import sys

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_diabetes

tf.compat.v1.disable_eager_execution()

data = load_diabetes()
train_X = (data.data[:, 2] * 20).astype('float32')
train_Y = (data.target / 100).astype('float32')
n_samples = train_X.shape[0]

X = tf.compat.v1.placeholder("float")
Y = tf.compat.v1.placeholder("float")
W = tf.compat.v1.Variable(0.3, name="weight")
b = tf.compat.v1.get_variable("bias", shape=[], initializer=tf.compat.v1.zeros_initializer())

pred = tf.add(tf.multiply(X, W), b)
cost = tf.reduce_sum(tf.pow(pred - Y, 2)) / (2 * n_samples)
optimizer = tf.compat.v1.train.AdamOptimizer(learning_rate=0.05)
gradients = optimizer.compute_gradients(cost)
train = optimizer.apply_gradients(gradients)

sess = tf.compat.v1.Session()
sess.run(tf.compat.v1.global_variables_initializer())
for epoch in range(10 if '--full' not in sys.argv else 300):
    for start in range(0, n_samples, 111):
        sess.run(train, feed_dict={X: train_X[start:start + 111], Y: train_Y[start:start + 111]})
    if epoch < 10:
        print("loss", epoch, repr(float(sess.run(cost, feed_dict={X: train_X, Y: train_Y}))))
if '--full' in sys.argv:
    print("half_mse", float(sess.run(cost, feed_dict={X: train_X, Y: train_Y})))
else:
    print("value W", repr(float(sess.run(W))))
    print("value b", repr(float(sess.run(b))))
fetched = sess.run({'w': W, 'pair': (b, cost)}, feed_dict={X: train_X, Y: train_Y})
assert np.isscalar(float(fetched['w'])) and len(fetched['pair']) == 2
sess.close()
