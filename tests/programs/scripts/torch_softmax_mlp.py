"""As beginners write it: softmax inside forward, then CrossEntropyLoss; SGD with momentum."""

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
import torchvision
import torchvision.transforms as transforms
from sklearn.datasets import load_digits

transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])


class MLP(nn.Module):
    def __init__(self):
        super(MLP, self).__init__()
        self.fc1 = nn.Linear(64, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x):
        x = x.view(-1, 64)
        x = torch.relu(self.fc1(x))
        x = torch.softmax(self.fc2(x), dim=1)
        return x


digits = load_digits()
inputs = torch.tensor(digits.images / 16, dtype=torch.float32)
labels = torch.tensor(digits.target)

model = MLP()
random = np.random.RandomState(11)
for p in model.parameters():
    p.data = torch.tensor(random.uniform(-0.2, 0.2, p.shape), dtype=torch.float32)
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

for epoch in range(1):
    for i in range(10):
        x, y = inputs[i * 100:(i + 1) * 100], labels[i * 100:(i + 1) * 100]
        optimizer.zero_grad()
        output = model(x)
        loss = criterion(output, y)
        loss.backward()
        optimizer.step()
        print('loss', i, loss.item())

print(model)
with torch.no_grad():
    print('value sum', model(inputs[:5]).sum().item())
