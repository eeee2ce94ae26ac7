"""tf.keras: one Dense unit on the diabetes data, objects instead of names."""

import sys

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)
scaler = StandardScaler().fit(X_train)
X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)
y_train, y_test = y_train / 100.0, y_test / 100.0

n_features = X_train.shape[1]
model = tf.keras.Sequential([
    tf.keras.layers.Dense(1, input_shape=(n_features,))
])
model.set_weights([np.linspace(-0.1, 0.1, 10).reshape(10, 1).astype('float32'),
                   np.zeros(1, 'float32')])

model.compile(optimizer=tf.keras.optimizers.SGD(learning_rate=0.01),
              loss=tf.keras.losses.MeanSquaredError(),
              metrics=[tf.keras.metrics.RootMeanSquaredError()])

history = model.fit(X_train, y_train, epochs=10, batch_size=32, shuffle=False, verbose=0)
for step, loss in enumerate(history.history['loss']):
    print('loss', step, repr(float(loss)))
print('value rmse', repr(float(history.history['root_mean_squared_error'][-1])))

test_loss, test_rmse = model.evaluate(X_test, y_test, verbose=0)
print('value test_loss', repr(float(test_loss)))
print('value test_rmse', repr(float(test_rmse)))

if '--full' in sys.argv:
    model.fit(X_train, y_train, epochs=100, batch_size=32, verbose=0)
    print('mse', model.evaluate(X_test, y_test, verbose=0)[0])

model.save('regression.keras')
model.save('regression.h5')
np.savez('check.npz', x=X_test.astype('float32'), y=model.predict(X_test, verbose=0))
