"""A small convolutional network on MNIST, channels last, one-hot labels."""

import sys

import keras
import numpy as np
from keras import layers
from mnist_files import load_mnist

(x_train, y_train), (x_test, y_test) = load_mnist()
x_train = np.expand_dims(x_train.reshape(-1, 28, 28), -1)
x_test = np.expand_dims(x_test.reshape(-1, 28, 28), -1)
y_train = keras.utils.to_categorical(y_train, 10)
y_test = keras.utils.to_categorical(y_test, 10)

model = keras.Sequential(
    [
        keras.Input(shape=(28, 28, 1)),
        layers.Conv2D(8, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Conv2D(16, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ]
)
random = np.random.RandomState(2)
model.set_weights([random.uniform(-0.15, 0.15, w.shape).astype("float32")
                   for w in model.get_weights()])
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])

for step in range(10):
    logs = model.train_on_batch(x_train[32 * step:32 * step + 32],
                                y_train[32 * step:32 * step + 32], return_dict=True)
    print("loss", step, repr(float(logs["loss"])))
score = model.evaluate(x_test[:200], y_test[:200], verbose=0)
print("value test_loss", repr(float(score[0])))

if "--full" in sys.argv:
    model.fit(x_train, y_train, batch_size=128, epochs=3, validation_split=0.1)
    print("accuracy", model.evaluate(x_test, y_test, verbose=0)[1])

np.savez("check.npz", x=x_test[:5], y=model.predict(x_test[:5], verbose=0))
model.save("cnn.keras")
model.save_weights("cnn.weights.h5")
