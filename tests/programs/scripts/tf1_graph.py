"""Define-and-run: a TensorFlow 1 graph with placeholders, a session, a saver, on MNIST."""

import sys

import numpy as np
import tensorflow.compat.v1 as tf
from mnist_files import load_mnist

tf.disable_v2_behavior()

(x_train, labels_train), (x_test, labels_test) = load_mnist()
y_train, y_test = np.eye(10, dtype='float32')[labels_train], np.eye(10, dtype='float32')[labels_test]
random = np.random.RandomState(8)

x = tf.placeholder(tf.float32, [None, 784], name='x')
y_ = tf.placeholder(tf.float32, [None, 10], name='y')

W1 = tf.Variable(random.uniform(-0.08, 0.08, (784, 32)).astype('float32'), name='W1')
b1 = tf.Variable(tf.zeros([32]), name='b1')
W2 = tf.Variable(random.uniform(-0.08, 0.08, (32, 10)).astype('float32'), name='W2')
b2 = tf.Variable(tf.zeros([10]), name='b2')
h = tf.nn.relu(tf.matmul(x, W1) + b1)
logits = tf.matmul(h, W2) + b2
y = tf.nn.softmax(logits)

cross_entropy = tf.reduce_mean(
    tf.nn.softmax_cross_entropy_with_logits_v2(labels=y_, logits=logits))
train_step = tf.train.GradientDescentOptimizer(0.5).minimize(cross_entropy)
correct_prediction = tf.equal(tf.argmax(y, 1), tf.argmax(y_, 1))
accuracy = tf.reduce_mean(tf.cast(correct_prediction, tf.float32))

init = tf.global_variables_initializer()
saver = tf.train.Saver()

with tf.Session() as sess:
    sess.run(init)
    for step in range(10):
        batch = slice(32 * step, 32 * step + 32)
        _, loss = sess.run([train_step, cross_entropy],
                           feed_dict={x: x_train[batch], y_: y_train[batch]})
        print('loss', step, repr(float(loss)))
    test = {x: x_test[:1000], y_: y_test[:1000]}
    print('value test_loss', repr(float(cross_entropy.eval(feed_dict=test))))
    print('value test_accuracy', repr(float(sess.run(accuracy, test))))
    if '--full' in sys.argv:
        for step in range(6000):
            picked = random.randint(0, 60000, 50)
            sess.run(train_step, feed_dict={x: x_train[picked], y_: y_train[picked]})
        print('accuracy', accuracy.eval({x: x_test, y_: y_test}))
    before = sess.run(W2)
    path = saver.save(sess, './model.ckpt')

with tf.Session() as sess:
    saver.restore(sess, path)
    assert np.array_equal(sess.run(W2), before)
