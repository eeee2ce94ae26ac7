"""The functional API on the handwritten digits: a skip connection, batch normalisation, dropout
that is off in evaluation, early stopping, a custom learning rate."""

import sys

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

digits = load_digits()
x = (digits.data / 16.0).astype('float32')
y = digits.target
x_train, y_train, x_test, y_test = x[:1500], y[:1500], x[1500:], y[1500:]

inputs = keras.Input(shape=(64,), name='digits')
h = layers.Dense(32, activation='relu', name='dense_1')(inputs)
h = layers.BatchNormalization(name='norm')(h)
skip = layers.Dense(32, name='skip')(inputs)
h = layers.add([h, skip])
h = layers.Activation('tanh')(h)
outputs = layers.Dense(10, name='predictions')(h)
model = keras.Model(inputs=inputs, outputs=outputs, name='digits_model')

random = np.random.RandomState(1)
new = []
for variable, w in zip(model.weights, model.get_weights()):
    if variable.name in ('gamma', 'beta', 'moving_mean', 'moving_variance'):
        new.append(w)
    else:
        new.append(random.uniform(-0.2, 0.2, w.shape).astype('float32'))
model.set_weights(new)

model.compile(optimizer=keras.optimizers.RMSprop(learning_rate=1e-3),
              loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
              metrics=['accuracy'])


class Show(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        print('loss', batch, repr(float(logs['loss'])))


model.fit(x_train[:500], y_train[:500], batch_size=50, epochs=1, shuffle=False, verbose=0,
          callbacks=[Show()])
test_loss, test_accuracy = model.evaluate(x_test, y_test, verbose=0)
print('value test_loss', repr(float(test_loss)))
print('value parameters', model.count_params())

history = model.fit(x_train, y_train, batch_size=50, epochs=12, validation_split=0.1, verbose=0,
                    callbacks=[keras.callbacks.EarlyStopping(patience=5)])
assert {'loss', 'accuracy', 'val_loss', 'val_accuracy'} <= set(history.history)
print('accuracy', model.evaluate(x_test, y_test, verbose=0)[1])
if '--full' in sys.argv:
    model.fit(x_train, y_train, batch_size=50, epochs=40, verbose=2)
    print('accuracy', model.evaluate(x_test, y_test, verbose=0)[1])

model.save('digits.keras')
np.savez('check.npz', x=x_test[:20], y=model.predict(x_test[:20], verbose=0))
