"""`make reading-gpt`: trains the small GPT of the reading page in C, on the names; its weights come with nnz."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from nnz.backend import registry
from nnz.backend.schedules import cosine
from nnz.files.terminal import counting
from nnz.numbers.rng import RNG
from nnz.reading.page.example import characters
from nnz.reading.page.gpt_example import FILE
from nnz.text import datasets

CONFIG = {"context_length": 16, "n_layer": 2, "n_head": 4, "n_embd": 16, "dropout": 0.0}
STEPS, BATCH, RATE, SEED = 12000, 128, 1e-2, 1337
SCALE = 500  # a weight is a whole number of 1/500, so that the page is small


def main() -> None:
    """Train, and write the weights and what the page says about them."""
    dataset = datasets.load_dataset("names")
    nn, V = registry.load("c"), dataset.tokenizer.vocab_size
    model = nn.GPT(vocab_size=V, **CONFIG, rng=RNG(SEED), dtype="float32")
    optimizer = nn.AdamW(model.parameters(), lr=RATE, weight_decay=1e-3)
    train = by_length(dataset, dataset.train)
    with counting(STEPS, "step") as count:
        for step, names in enumerate(batches(train)):
            optimizer.lr = cosine(RATE, step, STEPS)
            model(names[:, :-1], names[:, 1:])
            optimizer.step(model.backward())
            count()
    weights = {name: np.rint(SCALE * p.astype(float)).astype(int) for name, p in model.parameters().items()}
    exact = nn.GPT(vocab_size=V, **CONFIG, rng=RNG(SEED), dtype="float64")
    exact.load_parameters({name: w / SCALE for name, w in weights.items()})
    about = {"parameters": sum(w.size for w in weights.values()), "names": len(dataset.train.lines), "steps": STEPS}
    about |= {"loss": round(loss(exact, by_length(dataset, dataset.val)), 3)}
    parameters = {name: {"shape": w.shape, "data": w.ravel().tolist()} for name, w in weights.items()}
    content = {"about": about, "config": CONFIG, "scale": SCALE, "characters": characters(dataset)}
    text = json.dumps(content | {"parameters": parameters}, separators=(",", ":"), ensure_ascii=False)
    FILE.write_text(f"{text}\n", encoding="utf-8")


def by_length(dataset: datasets.Dataset, split: Any) -> list[np.ndarray]:
    """The names that fit the context, those of one length in one array, each with the delimiter before and after it."""
    end, rows = dataset.tokenizer.delimiter, {}
    for name in split.text.split():
        if len(name) < CONFIG["context_length"]:
            rows.setdefault(len(name), []).append([end, *dataset.tokenizer.encode(name), end])
    return [np.array(rows[length], np.int32) for length in sorted(rows)]


def batches(names: list[np.ndarray]) -> Iterator[np.ndarray]:
    """Names of one length; a length comes as often as it does among the names."""
    draw, share = np.random.default_rng(SEED), np.array([len(rows) for rows in names], float)
    for _ in range(STEPS):
        rows = names[draw.choice(len(names), p=share / share.sum())]
        yield rows[draw.integers(len(rows), size=BATCH)]


def loss(model: Any, names: list[np.ndarray]) -> float:
    """The mean over every letter and end of all the names."""
    sums = [(float(model(rows[:, :-1], rows[:, 1:])[1]), rows[:, 1:].size) for rows in names]
    return sum(mean * n for mean, n in sums) / sum(n for _, n in sums)


if __name__ == "__main__":
    main()
