"""A sequence model: predict the next month's airline passengers from the last twelve."""

import csv
import os
import sys

import numpy as np
from keras.layers import LSTM, Dense
from keras.models import Sequential
from keras.optimizers import Adam

folder = os.environ.get('TRICORD_DATA', os.path.join('..', 'shared', 'data'))
with open(os.path.join(folder, 'airline-passengers.csv')) as f:
    rows = list(csv.reader(f))[1:]
series = np.array([float(row[1]) for row in rows], dtype='float32')
series = (series - series.min()) / (series.max() - series.min())
look_back = 12
X = np.array([series[i:i + look_back] for i in range(len(series) - look_back)])[..., np.newaxis]
y = series[look_back:]

model = Sequential()
model.add(LSTM(16, input_shape=(look_back, 1)))
model.add(Dense(1))
random = np.random.RandomState(3)
model.set_weights([random.uniform(-0.3, 0.3, w.shape).astype('float32')
                   for w in model.get_weights()])
model.compile(loss='mean_squared_error', optimizer=Adam(learning_rate=0.005), metrics=['mae'])

for step in range(10):
    history = model.fit(X[:96], y[:96], epochs=1, batch_size=24, shuffle=False, verbose=0)
    print('loss', step, repr(history.history['loss'][0]))
print('value mae', repr(history.history['mae'][0]))

if '--full' in sys.argv:
    model.fit(X[:96], y[:96], epochs=150, batch_size=24, verbose=0)
    print('rmse', float(np.sqrt(np.mean((model.predict(X, verbose=0)[:, 0] - y) ** 2))))
np.savez('check.npz', x=X[:10], y=model.predict(X[:10], verbose=0))
model.save('lstm.keras')
