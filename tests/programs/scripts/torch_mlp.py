"""The PyTorch classic: an MLP module on MNIST and the four-line training loop."""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from mnist_files import load_mnist


class MLP(nn.Module):
    def __init__(self):
        super(MLP, self).__init__()
        self.fc1 = nn.Linear(784, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = self.fc2(x)
        return x

    def predict(self, x):
        return torch.softmax(self.forward(x), dim=1)


(x_train, y_train), (x_test, y_test) = load_mnist()
x_train, y_train = torch.from_numpy(x_train), torch.from_numpy(y_train)
x_test, y_test = torch.tensor(x_test), torch.tensor(y_test)

device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
model = MLP().to(device)
random = np.random.RandomState(0)
model.load_state_dict({name: torch.from_numpy(
    random.uniform(-0.08, 0.08, tuple(value.shape)).astype('float32'))
    for name, value in model.state_dict().items()})

criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters())

for step in range(10):
    inputs = x_train[32 * step:32 * (step + 1)].to(device)
    labels = y_train[32 * step:32 * (step + 1)].to(device)
    optimizer.zero_grad()
    outputs = model(inputs)
    loss = criterion(outputs, labels)
    loss.backward()
    optimizer.step()
    print('loss', step, repr(loss.item()))

model.eval()
with torch.no_grad():
    outputs = model(x_test[:1000])
    test_loss = criterion(outputs, y_test[:1000])
    _, predicted = torch.max(outputs.data, 1)
    correct = (predicted == y_test[:1000]).sum().item()
print('value test_loss', repr(test_loss.item()))
print('value test_accuracy', correct / 1000)
print('value first_prediction', repr(model.predict(x_test[:1])[0, 7].item()))

if '--full' in sys.argv:
    model.train()
    for epoch in range(10):
        running_loss = 0.0
        order = torch.randperm(len(x_train))
        for start in range(0, len(x_train), 32):
            batch = order[start:start + 32]
            optimizer.zero_grad()
            loss = criterion(model(x_train[batch]), y_train[batch])
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        print('Epoch [{}/{}], Loss: {:.4f}'.format(epoch + 1, 10, running_loss / 1875))
    model.eval()
    with torch.no_grad():
        print('accuracy', (model(x_test).argmax(dim=1) == y_test).float().mean().item())

torch.save(model.state_dict(), 'mlp.pt')
np.savez('check.npz', **{name: value.detach().cpu().numpy()
                         for name, value in model.state_dict().items()})
