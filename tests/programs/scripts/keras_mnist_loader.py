"""The Keras book's first example: keras.datasets, rmsprop, sparse labels, validation."""

import keras
import numpy as np
from keras import layers
from keras.datasets import mnist

(train_images, train_labels), (test_images, test_labels) = mnist.load_data()
assert train_images.shape == (60000, 28, 28) and train_images.dtype == np.uint8
train_images = train_images.reshape((60000, 28 * 28)).astype("float32") / 255
test_images = test_images.reshape((10000, 28 * 28)).astype("float32") / 255

model = keras.Sequential([
    layers.Dense(64, activation="relu"),
    layers.Dense(10, activation="softmax")
])
model.compile(optimizer="rmsprop",
              loss="sparse_categorical_crossentropy",
              metrics=["accuracy"])
model.build((None, 784))
random = np.random.RandomState(12)
model.set_weights([random.uniform(-0.08, 0.08, w.shape).astype("float32")
                   for w in model.get_weights()])
model.summary()

for step in range(10):
    batch = slice(step * 64, step * 64 + 64)
    print("loss", step, float(model.train_on_batch(train_images[batch], train_labels[batch])[0]))
history = model.fit(train_images[:1000], train_labels[:1000], epochs=2, batch_size=100,
                    shuffle=False, verbose=0, validation_split=0.2)
print("value final_loss", history.history["loss"][-1])
print("value final_val_loss", history.history["val_loss"][-1])
predictions = model.predict(test_images[0:10], verbose=0)
print("value prediction", predictions[0].argmax())
