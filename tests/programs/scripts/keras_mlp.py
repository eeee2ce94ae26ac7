"""The Keras classic: two Dense layers on MNIST, compile, fit, evaluate, predict, save."""

import sys

import numpy as np
from keras.callbacks import LambdaCallback
from keras.layers import Dense
from keras.models import Sequential
from keras.utils import to_categorical
from mnist_files import load_mnist

(x_train, labels_train), (x_test, labels_test) = load_mnist()
y_train, y_test = to_categorical(labels_train, 10), to_categorical(labels_test, 10)

model = Sequential()
model.add(Dense(units=64, activation='relu', input_dim=784))
model.add(Dense(units=10, activation='softmax'))

random = np.random.RandomState(0)
model.set_weights([random.uniform(-0.08, 0.08, w.shape).astype('float32')
                   for w in model.get_weights()])

model.compile(optimizer='adam',
              loss='categorical_crossentropy',
              metrics=['accuracy'])

show = LambdaCallback(on_train_batch_end=lambda batch, logs: print('\nloss', batch,
                                                                   repr(float(logs['loss']))))
model.fit(x_train[:320], y_train[:320], epochs=1, batch_size=32, shuffle=False, verbose=0,
          callbacks=[show])

loss, accuracy = model.evaluate(x_test[:1000], y_test[:1000], verbose=0)
print('value test_loss', repr(float(loss)))
print('value test_accuracy', repr(float(accuracy)))
print('value first_prediction', repr(float(model.predict(x_test[:1], verbose=0)[0, 7])))

if '--full' in sys.argv:
    model.fit(x_train, y_train, epochs=10, batch_size=32)
    print('accuracy', model.evaluate(x_test, y_test, verbose=0)[1])

np.savez('check.npz', x=x_test[:20], y=model.predict(x_test[:20], verbose=0))
model.save('mlp.h5')
model.save('mlp.keras')
