"""A character model on Shakespeare: Embedding, LSTM with carried state, clipped gradients."""

import os
import sys

import numpy as np
import torch
from torch import nn, optim

folder = os.environ.get('TRICORD_DATA', os.path.join('..', 'shared', 'data'))
with open(os.path.join(folder, 'tinyshakespeare.txt'), encoding='utf-8') as f:
    text = f.read()[:20000]
chars = sorted(set(text))
stoi = {ch: i for i, ch in enumerate(chars)}
data = torch.tensor([stoi[c] for c in text], dtype=torch.long)


class CharRNN(nn.Module):
    def __init__(self, vocab_size, embed_size=16, hidden_size=32, num_layers=2):
        super(CharRNN, self).__init__()
        self.hidden_size, self.num_layers = hidden_size, num_layers
        self.embedding = nn.Embedding(vocab_size, embed_size)
        self.lstm = nn.LSTM(embed_size, hidden_size, num_layers, batch_first=True)
        self.fc = nn.Linear(hidden_size, vocab_size)

    def forward(self, x, hidden):
        out, hidden = self.lstm(self.embedding(x), hidden)
        return self.fc(out), hidden

    def init_hidden(self, batch_size):
        return (torch.zeros(self.num_layers, batch_size, self.hidden_size),
                torch.zeros(self.num_layers, batch_size, self.hidden_size))


model = CharRNN(len(chars))
random = np.random.RandomState(5)
for parameter in model.parameters():
    parameter.data = torch.from_numpy(
        random.uniform(-0.2, 0.2, tuple(parameter.shape)).astype('float32'))

criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=0.01)
batch_size, seq_len = 8, 20
rows = data[:len(data) // batch_size * batch_size].view(batch_size, -1)

hidden = model.init_hidden(batch_size)
steps = 300 if '--full' in sys.argv else 10
for step in range(steps):
    start = step * seq_len % (rows.size(1) - seq_len - 1)
    inputs, targets = rows[:, start:start + seq_len], rows[:, start + 1:start + seq_len + 1]
    hidden = tuple(h.detach() for h in hidden)
    optimizer.zero_grad()
    logits, hidden = model(inputs, hidden)
    loss = criterion(logits.reshape(-1, len(chars)), targets.reshape(-1))
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
    optimizer.step()
    if step < 10:
        print('loss', step, repr(loss.item()))
        print('value gradient_norm_%d' % step, repr(norm.item()))
if '--full' in sys.argv:
    print('cross_entropy', loss.item())

# Sample a few characters, greedily.
model.eval()
with torch.no_grad():
    hidden = model.init_hidden(1)
    x = torch.tensor([[stoi['T']]])
    out = []
    for _ in range(20):
        logits, hidden = model(x, hidden)
        x = logits[:, -1].argmax(dim=-1, keepdim=True)
        out.append(chars[x.item()])
print('sample', repr(''.join(out)))

torch.save(model.state_dict(), 'rnn.pt')
np.savez('check.npz', **{name: value.numpy() for name, value in model.state_dict().items()})
