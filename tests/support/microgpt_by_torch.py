"""What microgpt prints, by Python's random numbers and PyTorch's gradients; it wrote tests/support/golden/microgpt.txt.

The ports in examples/microgpt draw the numbers and compute the gradients by their own code. This one does neither, so
it does not share their mistakes. `python tests/support/microgpt_by_torch.py NAMES` prints it.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, relu, rms_norm, scaled_dot_product_attention

CONTEXT, EMBEDDING, HEADS = 16, 16, 4


def logits_of(parameters: list[Tensor], ids: list[int]) -> Tensor:
    """The logits (T, V) of the tokens (T,)."""
    wte, wpe, lm_head, wq, wk, wv, wo, fc1, fc2 = parameters

    def norm(x: Tensor) -> Tensor:
        return rms_norm(x, (EMBEDDING,), eps=1e-5)

    def heads(x: Tensor) -> Tensor:
        return x.view(len(ids), HEADS, -1).transpose(0, 1)

    x = norm(wte[ids] + wpe[: len(ids)])
    q, k, v = (heads(norm(x) @ w.T) for w in (wq, wk, wv))
    x = x + scaled_dot_product_attention(q, k, v, is_causal=True).transpose(0, 1).flatten(1) @ wo.T
    x = x + relu(norm(x) @ fc1.T) @ fc2.T
    return x @ lm_head.T


def lines(path: Path, steps: int = 1000) -> Iterator[str]:
    """A line for each step, then 20 names."""
    documents = path.read_text(encoding="utf-8").split()
    rng = random.Random(42)
    rng.shuffle(documents)
    characters = sorted(set("".join(documents)))
    bos = len(characters)
    shapes = [(bos + 1, 16), (16, 16), (bos + 1, 16), *[(16, 16)] * 4, (64, 16), (16, 64)]
    parameters = [
        torch.tensor([[rng.gauss(0, 0.08) for _ in range(columns)] for _ in range(rows)], dtype=torch.float64)
        for rows, columns in shapes
    ]
    for p in parameters:
        p.requires_grad_()
    optimizer = torch.optim.Adam(parameters, betas=(0.85, 0.99), eps=1e-8)
    for step in range(steps):
        tokens = [bos, *map(characters.index, documents[step % len(documents)]), bos][: CONTEXT + 1]
        loss = cross_entropy(logits_of(parameters, tokens[:-1]), torch.tensor(tokens[1:]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.param_groups[0]["lr"] = 0.01 * (1 - step / steps)
        optimizer.step()
        yield f"step {step + 1:4d} / {steps:4d} | loss {loss.item():.4f}"
    for _ in range(20):
        tokens = [bos]
        while len(tokens) <= CONTEXT:
            with torch.no_grad():
                probs = torch.softmax(logits_of(parameters, tokens)[-1] / 0.5, 0)
            tokens += rng.choices(range(bos + 1), probs.tolist())
            if tokens[-1] == bos:
                break
        yield "".join(characters[t] for t in tokens if t != bos)


if __name__ == "__main__":
    print(*lines(Path(sys.argv[1])), sep="\n")
