"""What mypy --strict makes of a script that uses nnz; `make lint` runs it, and nothing runs the script."""

from typing import assert_type

import numpy as np

import nnz
import nnz.c
import nnz.gpt
import nnz.numpy as nn
import nnz.torch

data = nnz.load_dataset("names")
model = nn.MLP(vocab_size=27, context_length=3, embedding_size=48, hidden_size=512, rng=nnz.RNG(1337), dtype="float64")
optim = nn.AdamW(model.parameters(), lr=7e-4, weight_decay=1e-4)
for inputs, targets in data.train.batches(context_length=3, batch_size=128, steps=100):
    logits, loss = model(inputs, targets)
    grads = model.backward()
    nn.clip_grad_norm(grads, 1.0)
    optim.step(grads)
    assert_type(logits, np.ndarray)
    assert_type(loss, float | None)
    assert_type(grads, dict[str, np.ndarray])

assert_type(model, nn.MLP)
assert_type(nnz.c.MLP(27, 3, 48, 512, rng=nnz.RNG(1))(inputs), tuple[np.ndarray, float | None])
assert_type(nnz.torch.GPT(27, rng=nnz.RNG(1)).parameters(), dict[str, np.ndarray])
assert_type(nnz.gpt.GPT(nnz.gpt.GPTConfig(vocab_size=65)), nnz.gpt.GPT)
assert_type(nn.Sequential(nn.Embedding(27, 4, nnz.RNG(1)), nn.Tanh())(inputs), np.ndarray)
