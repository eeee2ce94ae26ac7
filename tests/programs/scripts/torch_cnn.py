"""A small CNN: Conv2d, functional pooling, DataLoader and random_split, train and eval modes."""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
import torchvision
import torchvision.transforms as transforms
from mnist_files import load_mnist
from torch.utils.data import DataLoader, TensorDataset, random_split

transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
assert hasattr(torchvision, 'transforms')

(images, labels), (test_images, test_labels) = load_mnist()
first = transform((images[0].reshape(28, 28, 1) * 255).astype('uint8'))
images = (torch.from_numpy(images).view(-1, 1, 28, 28) - 0.5) / 0.5
assert torch.allclose(first, images[0], atol=1e-6)
test_images = (torch.from_numpy(test_images).view(-1, 1, 28, 28) - 0.5) / 0.5
test_set = TensorDataset(test_images[:500], torch.from_numpy(test_labels[:500]))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, kernel_size=5)
        self.conv2 = nn.Conv2d(8, 16, kernel_size=3, padding=1)
        self.bn = nn.BatchNorm2d(16)
        self.dropout = nn.Dropout(0.25)
        self.fc1 = nn.Linear(16 * 6 * 6, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.bn(self.conv2(x))), 2)
        x = torch.flatten(x, 1)
        x = self.dropout(F.relu(self.fc1(x)))
        return self.fc2(x)


def train(model, loader, optimizer, epoch, show=False):
    model.train()
    for batch_idx, (data, target) in enumerate(loader):
        optimizer.zero_grad()
        output = model(data)
        loss = F.cross_entropy(output, target)
        loss.backward()
        optimizer.step()
        if show:
            print('loss', batch_idx, repr(loss.item()))


def test(model, loader):
    model.eval()
    test_loss, correct = 0, 0
    with torch.no_grad():
        for data, target in loader:
            output = model(data)
            test_loss += F.cross_entropy(output, target, reduction='sum').item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()
    return test_loss / len(loader.dataset), correct / len(loader.dataset)


model = Net()
random = np.random.RandomState(4)
state = model.state_dict()
for name in state:
    if 'bn' not in name:
        state[name] = torch.from_numpy(
            random.uniform(-0.15, 0.15, tuple(state[name].shape)).astype('float32'))
model.load_state_dict(state)
model.dropout.p = 0.0  # random bits are each framework's own

optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
fixed = TensorDataset(images[:320], torch.from_numpy(labels[:320]))
train(model, DataLoader(fixed, batch_size=32, shuffle=False), optimizer, 0, show=True)
test_loss, accuracy = test(model, DataLoader(test_set, batch_size=100))
print('value test_loss', repr(test_loss))
print('value running_mean', repr(model.bn.running_mean.sum().item()))
print('value running_var', repr(model.bn.running_var.sum().item()))
print('value batches_tracked', model.bn.num_batches_tracked.item())

model.dropout.p = 0.25
whole = TensorDataset(images[:1000], torch.from_numpy(labels[:1000]))
train_set, validation_set = random_split(whole, [800, 200])
assert len(train_set) == 800 and len(validation_set) == 200
train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
train(model, train_loader, optimizer, 1)
print('validation', *test(model, DataLoader(validation_set, batch_size=100)))

if '--full' in sys.argv:
    whole = TensorDataset(images, torch.from_numpy(labels))
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    for epoch in range(2):
        train(model, DataLoader(whole, batch_size=64, shuffle=True), optimizer, epoch)
        scheduler.step()
    all_tests = TensorDataset(test_images, torch.from_numpy(test_labels))
    print('accuracy', test(model, DataLoader(all_tests, batch_size=1000))[1])

torch.save(model.state_dict(), 'cnn.pth')
np.savez('check.npz', **{name: value.numpy() for name, value in model.state_dict().items()})
