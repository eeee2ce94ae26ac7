"""The TensorFlow expert's tutorial: a subclassed model, tf.data, metrics objects, tf.function."""

import sys

import numpy as np
import tensorflow as tf
from mnist_files import load_mnist
from tensorflow.keras import Model
from tensorflow.keras.layers import Conv2D, Dense, Flatten

(x_train, y_train), (x_test, y_test) = load_mnist()
x_train = x_train.reshape(-1, 28, 28)[..., tf.newaxis].astype("float32")
x_test = x_test.reshape(-1, 28, 28)[..., tf.newaxis].astype("float32")
count = 60000 if '--full' in sys.argv else 320
train_ds = tf.data.Dataset.from_tensor_slices((x_train[:count], y_train[:count])).batch(32)
test_ds = tf.data.Dataset.from_tensor_slices((x_test[:200], y_test[:200])).batch(100)


class MyModel(Model):
    def __init__(self):
        super().__init__()
        self.conv1 = Conv2D(8, 3, activation='relu')
        self.flatten = Flatten()
        self.d1 = Dense(16, activation='relu')
        self.d2 = Dense(10)

    def call(self, x):
        x = self.conv1(x)
        x = self.flatten(x)
        x = self.d1(x)
        return self.d2(x)


model = MyModel()
model(x_train[:1])
random = np.random.RandomState(10)
for variable in model.trainable_variables:
    variable.assign(random.uniform(-0.05, 0.05, variable.shape).astype('float32'))

loss_object = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = tf.keras.optimizers.Adam()
train_loss = tf.keras.metrics.Mean(name='train_loss')
train_accuracy = tf.keras.metrics.SparseCategoricalAccuracy(name='train_accuracy')
test_loss = tf.keras.metrics.Mean(name='test_loss')


@tf.function
def train_step(images, labels):
    with tf.GradientTape() as tape:
        predictions = model(images, training=True)
        loss = loss_object(labels, predictions)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    train_loss(loss)
    train_accuracy(labels, predictions)


@tf.function
def test_step(images, labels):
    test_loss(loss_object(labels, model(images, training=False)))


for step, (images, labels) in enumerate(train_ds):
    train_step(images, labels)
    if step < 10:
        print('loss', step, repr(float(train_loss.result())))
for test_images, test_labels in test_ds:
    test_step(test_images, test_labels)
if '--full' in sys.argv:
    print('accuracy', float(train_accuracy.result()))
else:
    print('value train_accuracy', repr(float(train_accuracy.result())))
    print('value test_loss', repr(float(test_loss.result())))
