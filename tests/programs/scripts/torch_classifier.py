"""nn.Sequential on the digits: AdamW with a schedule, class weights, own Dataset, best checkpoint."""

import copy
import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score
from torch import nn
from torch.utils.data import DataLoader, Dataset


class DigitsDataset(Dataset):
    def __init__(self, data, targets):
        self.data = torch.FloatTensor(data / 16.0)
        self.targets = torch.LongTensor(targets)

    def __len__(self):
        return len(self.data)

    def __getitem__(self, idx):
        return self.data[idx], self.targets[idx]


digits = load_digits()
train_data = DigitsDataset(digits.data[:1500], digits.target[:1500])
test_data = DigitsDataset(digits.data[1500:], digits.target[1500:])
model = nn.Sequential(
    nn.Linear(64, 48),
    nn.LayerNorm(48),
    nn.GELU(),
    nn.Dropout(p=0.0),
    nn.Linear(48, 10),
)
random = np.random.RandomState(6)
for name, parameter in model.named_parameters():
    if not name.startswith('1.'):
        parameter.data.copy_(torch.from_numpy(
            random.uniform(-0.2, 0.2, tuple(parameter.shape)).astype('float32')))

criterion = nn.CrossEntropyLoss(weight=torch.linspace(0.5, 1.5, 10), label_smoothing=0.1)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=40)

loader = DataLoader(train_data, batch_size=32, shuffle=False)
for step, (xb, yb) in enumerate(loader):
    if step == 10:
        break
    loss = criterion(model(xb), yb)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    scheduler.step()
    print('loss', step, repr(loss.item()))
    print('value rate_%d' % step, repr(optimizer.param_groups[0]['lr']))


def evaluate():
    model.eval()
    predictions = []
    with torch.no_grad():
        for xb, _ in DataLoader(test_data, batch_size=100):
            predictions.extend(model(xb).argmax(1).cpu().numpy())
    model.train()
    return accuracy_score(digits.target[1500:], predictions)


print('value test_accuracy', evaluate())
best, best_state = 0.0, None
for epoch in range(40 if '--full' in sys.argv else 4):
    for xb, yb in DataLoader(train_data, batch_size=32, shuffle=True):
        loss = criterion(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    accuracy = evaluate()
    if accuracy > best:
        best, best_state = accuracy, copy.deepcopy(model.state_dict())
print('accuracy', best)

torch.save({'epoch': epoch, 'model_state_dict': best_state,
            'optimizer_state_dict': optimizer.state_dict(), 'accuracy': best}, 'checkpoint.pt')
checkpoint = torch.load('checkpoint.pt')
model.load_state_dict(checkpoint['model_state_dict'])
optimizer.load_state_dict(checkpoint['optimizer_state_dict'])
assert evaluate() == best
torch.save(model.state_dict(), 'classifier.pt')
np.savez('check.npz', **{name: value.numpy() for name, value in model.state_dict().items()})
