"""The model of the worked example: a small MLP, trained here and now, always to the same weights."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np

from nnz.backend import registry
from nnz.backend.schedules import cosine
from nnz.numbers.rng import RNG
from nnz.text import datasets

SIZES = {"context_length": 3, "embedding_size": 8, "hidden_size": 32}
STEPS, BATCH, RATE, SEED = 8000, 128, 1e-2, 1337
FIRST, OFFERED, LONGEST = "emma", 24, 8  # the first name, how many, and the most letters of one
DECIMALS = 4  # of a weight, so that the page is small
END = "·"  # is shown for the delimiter


@cache
def example() -> dict[str, Any]:
    """Weights, names and characters, as the page takes them, and what it says about the model."""
    dataset = datasets.load_dataset("names", windows="padded")
    model, loss = trained(dataset)
    T, E, H = SIZES.values()
    parameters, shown = model.parameters(), characters(dataset)
    data = {
        "characters": shown,
        "T": T,
        "E": E,
        "parameters": {n: {"shape": p.shape, "data": p.ravel().tolist()} for n, p in parameters.items()},
        "names": [{"name": name, **windows(dataset, name)} for name in offered(dataset)],
    }
    count, names = sum(p.size for p in parameters.values()), len(dataset.train.lines)
    about = {"T": T, "E": E, "H": H, "V": len(shown), "parameters": f"{count:,}", "steps": f"{STEPS:,}"}
    about |= {"loss": loss, "names": f"{names:,}", "first": FIRST, "offered": OFFERED}
    return {"data": embedded(data), "model": about}


def characters(dataset: datasets.Dataset) -> list[str]:
    """What the page shows for each token."""
    return [dataset.tokenizer.decode([i]).replace("\n", END) for i in range(dataset.tokenizer.vocab_size)]


def embedded(data: Any) -> str:
    """JSON that may stand in a script element of a page."""
    return json.dumps(data, separators=(",", ":")).replace("</", "<\\/")


def trained(dataset: datasets.Dataset) -> tuple[Any, float]:
    """The model, in float64 by numpy, and its loss on the validation split."""
    nn = registry.load("numpy")
    model = nn.MLP(dataset.tokenizer.vocab_size, **SIZES, rng=RNG(SEED), dtype="float64")
    optimizer = nn.AdamW(model.parameters(), lr=RATE, weight_decay=1e-3)
    batches = dataset.train.batches(SIZES["context_length"], BATCH, steps=STEPS, seed=SEED)
    for step, (inputs, targets) in enumerate(batches):
        optimizer.lr = cosine(RATE, step, STEPS)
        model(inputs, targets)
        optimizer.step(model.backward())
    model.load_parameters({n: p.round(DECIMALS) for n, p in model.parameters().items()})
    held_out = dataset.val.sliding_windows(SIZES["context_length"])
    return model, model(*held_out.batch(0, len(held_out)))[1]


def offered(dataset: datasets.Dataset) -> list[str]:
    """The names that a reader can choose from: one that the model has seen, then some that it has not."""
    unseen = [name for name in dataset.val.text.split() if 3 <= len(name) <= LONGEST]
    return [FIRST, *(name for name in unseen if name != FIRST)][:OFFERED]


def windows(dataset: datasets.Dataset, name: str) -> dict[str, list]:
    """The batch that a name makes: each of its windows is a row."""
    T, delimiter = SIZES["context_length"], dataset.tokenizer.delimiter
    tape = np.array([delimiter] * T + list(dataset.tokenizer.encode(name)) + [delimiter])
    rows = np.lib.stride_tricks.sliding_window_view(tape, T + 1)
    return {"inputs": rows[:, :-1].tolist(), "targets": rows[:, -1].tolist()}
