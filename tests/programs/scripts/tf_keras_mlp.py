"""The TensorFlow beginner's tutorial on MNIST: Flatten, Dense, Dropout, logits, sparse labels."""

import sys

import numpy as np
import tensorflow as tf
from mnist_files import load_mnist
from tensorflow.keras import layers, models

(x_train, y_train), (x_test, y_test) = load_mnist()
x_train, x_test = x_train.reshape(-1, 28, 28), x_test.reshape(-1, 28, 28)

model = models.Sequential([
    layers.Flatten(input_shape=(28, 28)),
    layers.Dense(32, activation='relu'),
    layers.Dropout(0.0),
    layers.Dense(10)
])
random = np.random.RandomState(7)
model.set_weights([random.uniform(-0.08, 0.08, w.shape).astype('float32')
                   for w in model.get_weights()])
predictions = model(x_train[:1]).numpy()
print('value first_softmax', repr(float(tf.nn.softmax(predictions).numpy()[0, 3])))

loss_fn = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer=tf.keras.optimizers.Adam(learning_rate=0.002), loss=loss_fn,
              metrics=['accuracy'])
train = tf.data.Dataset.from_tensor_slices((x_train[:320], y_train[:320])).batch(32)
show = tf.keras.callbacks.LambdaCallback(
    on_train_batch_end=lambda batch, logs: print('loss', batch, repr(float(logs['loss']))))
model.fit(train, epochs=1, verbose=0, callbacks=[show])
print('value test_loss', repr(float(model.evaluate(x_test[:500], y_test[:500], verbose=0)[0])))

if '--full' in sys.argv:
    model.fit(x_train, y_train, epochs=5)
    print('accuracy', model.evaluate(x_test, y_test, verbose=2)[1])
probability_model = tf.keras.Sequential([model, tf.keras.layers.Softmax()])
print('value probability', repr(float(probability_model(x_test[:5]).numpy()[0, 7]))
      if '--full' not in sys.argv else '')
model.save('mlp.keras')
np.savez('check.npz', x=x_test[:10], y=model.predict(x_test[:10], verbose=0))
