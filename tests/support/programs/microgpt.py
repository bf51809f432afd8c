"""A port of microgpt to torch, whose losses the referee grades: python microgpt.py NAMES STEPS."""

import random
import sys
from pathlib import Path

import torch

dtype = torch.float64
torch.set_num_threads(1)
random.seed(42)
docs = Path(sys.argv[1]).read_text(encoding="utf-8").split()
random.shuffle(docs)
chars = sorted(set("".join(docs)))
ids = {c: i for i, c in enumerate(chars)}
BOS = len(chars)
vocab = len(chars) + 1
width, heads, context = 16, 4, 16


def matrix(rows, columns, std=0.08):
    values = [[random.gauss(0, std) for _ in range(columns)] for _ in range(rows)]
    return torch.tensor(values, dtype=torch.float64).to(dtype).requires_grad_()


w = {"wte": matrix(vocab, width), "wpe": matrix(context, width), "lm_head": matrix(vocab, width)}
w.update({name: matrix(width, width) for name in ("wq", "wk", "wv", "wo")})
w.update({"fc1": matrix(4 * width, width), "fc2": matrix(width, 4 * width)})


def norm(x):
    return x / torch.sqrt(torch.mean(x * x, -1, keepdim=True) + 1e-5)


def split(x):
    return x.view(len(x), heads, width // heads).transpose(0, 1)


def join(x):
    return x.transpose(0, 1).reshape(-1, width)


def loss_of(tokens):
    n = min(context, len(tokens) - 1)
    x = norm(w["wte"][torch.tensor(tokens[:n])] + w["wpe"][torch.arange(n)])
    h = norm(x)
    q, k, v = (split(torch.matmul(h, w[name].T)) for name in ("wq", "wk", "wv"))
    scores = torch.matmul(q, k.transpose(1, 2)) / (width // heads) ** 0.5
    scores = scores.masked_fill(torch.ones(n, n).triu(1).bool(), -torch.inf)
    x = x + join(torch.matmul(scores.softmax(-1), v)) @ w["wo"].T
    h = norm(x)
    x = x + torch.relu(h @ w["fc1"].T) @ w["fc2"].T
    logp = torch.log_softmax(x @ w["lm_head"].T, -1)
    return -logp[torch.arange(n), torch.tensor(tokens[1 : n + 1])].mean()


m = {name: torch.zeros_like(p) for name, p in w.items()}
v = {name: torch.zeros_like(p) for name, p in w.items()}
beta1, beta2, lr = 0.85, 0.99, 0.01
for step in range(int(sys.argv[2])):
    doc = docs[step % len(docs)]
    loss = loss_of([BOS, *(ids[c] for c in doc), BOS])
    for p in w.values():
        p.grad = None
    loss.backward()
    with torch.no_grad():
        rate = lr * (1 - step / 1000)
        for name, p in w.items():
            g = p.grad
            m[name] = beta1 * m[name] + (1 - beta1) * g
            v[name] = beta2 * v[name] + (1 - beta2) * g**2
            mhat = m[name] / (1 - beta1 ** (step + 1))
            vhat = v[name] / (1 - beta2 ** (step + 1))
            p -= rate * mhat / (vhat**0.5 + 1e-8)
    print(f"step {step + 1:4d} / 1000 | loss {loss.item():.4f}")
