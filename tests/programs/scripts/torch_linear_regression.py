"""Linear regression on the diabetes data: nn.Linear, SGD, no_grad, state_dict saved and loaded."""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)
scaler = StandardScaler()
X_train = torch.tensor(scaler.fit_transform(X_train), dtype=torch.float32)
X_test = torch.tensor(scaler.transform(X_test), dtype=torch.float32)
y_train = torch.tensor(y_train / 100.0, dtype=torch.float32).view(-1, 1)
y_test = torch.tensor(y_test / 100.0, dtype=torch.float32).view(-1, 1)


class LinearRegression(nn.Module):
    def __init__(self, input_dim):
        super(LinearRegression, self).__init__()
        self.linear = nn.Linear(input_dim, 1)

    def forward(self, x):
        return self.linear(x)


model = LinearRegression(X_train.shape[1])
with torch.no_grad():
    model.linear.weight.copy_(torch.linspace(-0.1, 0.1, 10).reshape(1, 10))
    model.linear.bias.fill_(0.0)

criterion = nn.MSELoss()
optimizer = optim.SGD(model.parameters(), lr=0.01)
epochs = 200 if '--full' in sys.argv else 10

for epoch in range(epochs):
    model.train()
    optimizer.zero_grad()
    outputs = model(X_train)
    loss = criterion(outputs, y_train)
    loss.backward()
    optimizer.step()
    if epoch < 10:
        print('loss', epoch, repr(loss.item()))
    elif (epoch + 1) % 50 == 0:
        print(f'Epoch [{epoch + 1}/{epochs}], Loss: {loss.item():.4f}')

model.eval()
with torch.no_grad():
    predictions = model(X_test)
    test_loss = criterion(predictions, y_test)
if '--full' in sys.argv:
    print('mse', test_loss.item())
else:
    print('value test_loss', repr(test_loss.item()))
    print('value bias', repr(float(model.linear.bias[0])))
    for i, w in enumerate(model.linear.weight.squeeze().tolist()):
        print('value weight_%d' % i, repr(w))

torch.save(model.state_dict(), 'linear_regression.pt')
again = LinearRegression(10)
again.load_state_dict(torch.load('linear_regression.pt'))
again.eval()
assert torch.equal(again(X_test), model(X_test))
np.savez('check.npz', **{name: value.numpy() for name, value in model.state_dict().items()})
