"""Linear regression in the spelling of older tutorials: lr=, input_dim=, one Dense unit, .h5."""

import sys

import numpy as np
from keras.layers import Dense
from keras.models import Sequential, load_model
from keras.optimizers import SGD
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)
scaler = StandardScaler()
X_train = scaler.fit_transform(X_train)
X_test = scaler.transform(X_test)
y_train, y_test = y_train / 100.0, y_test / 100.0

model = Sequential()
model.add(Dense(1, input_dim=10))
model.set_weights([np.linspace(-0.1, 0.1, 10).reshape(10, 1).astype('float32'),
                   np.zeros(1, 'float32')])
model.compile(optimizer=SGD(lr=0.01), loss='mean_squared_error')

for epoch in range(10):
    history = model.fit(X_train, y_train, epochs=1, batch_size=32, shuffle=False, verbose=0)
    print('loss', epoch, repr(float(history.history['loss'][0])))

loss = model.evaluate(X_test, y_test, verbose=0)
print('value test_loss', repr(float(loss)))
weights, bias = model.layers[0].get_weights()
for i, w in enumerate(weights[:, 0]):
    print('value weight_%d' % i, repr(float(w)))
print('value bias', repr(float(bias[0])))

if '--full' in sys.argv:
    model.fit(X_train, y_train, epochs=100, batch_size=32, verbose=0)
    print('mse', model.evaluate(X_test, y_test, verbose=0))

model.save('linear_regression.h5')
again = load_model('linear_regression.h5')
assert np.array_equal(again.predict(X_test, verbose=0), model.predict(X_test, verbose=0))
np.savez('check.npz', x=X_test.astype('float32'), y=model.predict(X_test, verbose=0))
