"""`make strict-figures`: measure what strict float32 changes and costs; writes docs/strict.md; takes some minutes.

`python -m tools.strict_figures PART ...` writes one or more of ulp, drift, cost and cost-gpt.
"""

import os
import sys
import time
from datetime import date
from itertools import product
from typing import Any

import numpy as np

import nnz
from nnz.backend import registry
from nnz.conformance.environment import environment
from tools import readme

PAGE = readme.DOCS / "strict.md"
SIZES = {"vocab_size": 27, "context_length": 3, "embedding_size": 48, "hidden_size": 512}
BATCH, SEED, MARKS = 128, 1337, (1, 10, 100, 1000)
ROUNDS = 11
GPT_SIZES = {"vocab_size": 65, "context_length": 64, "n_layer": 4, "n_head": 4, "n_embd": 128}  # of gpt-cpu
GPT_BATCH = 12
GPT2 = {"activation": "gelu", "qkv_bias": True, "head_bias": False, "tied_head": True, "embedding_dropout": 0.1}
SHAPES = {"course": {"dropout": 0.0}, "GPT-2, dropout": GPT2 | {"dropout": 0.1}}


class Training:
    """The recipe `names` on one backend in one precision, step by step."""

    def __init__(self, name: str, precision: str) -> None:
        self.nn, self.precision = registry.load(name), precision
        self.model = self.nn.MLP(**SIZES, rng=nnz.RNG(SEED), precision=precision)
        self.optimizer = self.nn.AdamW(self.model.parameters(), lr=7e-4, weight_decay=1e-4, precision=precision)
        self.batches = nnz.load_dataset("names").train.batches(context_length=3, batch_size=BATCH)

    def step(self) -> None:
        self.batch = next(self.batches)
        self.model(*self.batch)
        self.gradients = self.model.backward()
        self.optimizer.step(self.gradients)

    def bits(self) -> np.ndarray:
        return np.concatenate([np.asarray(p).ravel().view(np.uint32) for p in self.model.parameters().values()])


class GPTTraining:
    """The recipe `gpt-cpu` on random tokens; or in GPT-2's shape, with dropout."""

    def __init__(self, name: str, precision: str, **shape: Any) -> None:
        self.nn, self.how = registry.load(name), {"precision": precision}
        self.model = self.nn.GPT(**GPT_SIZES, **shape, rng=nnz.RNG(SEED), **self.how)
        self.optimizer = self.nn.AdamW(self.model.parameters(), lr=1e-3, weight_decay=0.1, **self.how)
        self.rng = np.random.default_rng(SEED)

    def step(self) -> None:
        ids = self.rng.integers(0, GPT_SIZES["vocab_size"], (GPT_BATCH, GPT_SIZES["context_length"] + 1))
        self.model(ids[:, :-1], ids[:, 1:])
        gradients = self.model.backward()
        self.nn.clip_grad_norm(gradients, 1.0, **self.how)
        self.optimizer.step(gradients)


def ulp_table() -> str:
    """For each op of a training step: the share of numbers that are not the nearest float32, and the largest error."""
    training = Training("numpy", "strict")
    for _ in range(200):
        training.step()
    lines = ["| op | numbers | " + " | ".join(registry.names()) + " |", "|---|---:|" + "---:|" * len(registry.names())]
    for label, name, arguments in _calls(training):
        exact = _outputs(training.nn, name, arguments, "strict")
        cells = [_difference(_outputs(registry.load(b), name, arguments, "native"), exact) for b in registry.names()]
        lines.append(f"| {label} | {sum(a.size for a in exact):,} | {' | '.join(cells)} |")
    return (
        f"Batch 200 of the recipe `names`, by `make strict-figures` on {date.today()} ({_machine()}): the share of "
        "each op's numbers that are not the nearest float32, and the largest error in ULP.\n\n" + "\n".join(lines)
    )


def _calls(training: Training):
    training.model(*training.batch)
    training.model.backward()
    (inputs, targets), t, p = training.batch, training.model.intermediates(), training.model.parameters()
    x, w1, w2 = t["emb"].reshape(BATCH, -1), p["fc1.weight"], p["fc2.weight"]
    state = training.optimizer.state()
    moments = state["m.fc1.weight"], state["v.fc1.weight"]
    settings = (training.optimizer.t, 7e-4, 0.9, 0.999, 1e-8, 1e-4)
    yield "linear, fc1", "linear_forward", (x, w1, p["fc1.bias"])
    yield "tanh", "tanh_forward", (t["h_pre"],)
    yield "linear, fc2", "linear_forward", (t["h"], w2, p["fc2.bias"])
    yield "softmax and loss", "cross_entropy_forward", (t["logits"], targets)
    yield "linear backward, fc2", "linear_backward", (t["dlogits"], t["h"], w2)
    yield "tanh backward", "tanh_backward", (t["dh"], t["h"])
    yield "linear backward, fc1", "linear_backward", (t["dh_pre"], x, w1)
    yield "embedding backward", "embedding_backward", (t["demb"], inputs, SIZES["vocab_size"])
    yield "AdamW, fc1.weight", "adamw_step", (w1, *moments, training.gradients["fc1.weight"], *settings)


def _outputs(nn, name: str, arguments: tuple, precision: str) -> list[np.ndarray]:
    arguments = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
    outputs = getattr(nn.ops, name)(*arguments, precision=precision)
    outputs = arguments[:3] if outputs is None else outputs if isinstance(outputs, tuple) else (outputs,)
    return [np.asarray(output, np.float32) for output in outputs]


def _difference(found: list[np.ndarray], exact: list[np.ndarray]) -> str:
    count, worst = 0, 0.0
    for a, b in zip(found, exact, strict=True):
        off = np.abs(a.astype(np.float64) - b) / np.spacing(np.abs(b)).astype(np.float64)
        count, worst = count + np.count_nonzero(off), max(worst, float(off.max()))
    return f"{count / sum(a.size for a in exact):.1%}, {worst:,.0f}"


def drift_table() -> str:
    """The share of parameters that are equal in every bit, after some numbers of steps."""
    names = registry.names()
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    head = "| after step | " + " | ".join(f"{a} and {b}" for a, b in pairs) + " | all three, strict |"
    lines = [head, "|---:|" + "---:|" * (len(pairs) + 1)]
    plain, strict = ({name: Training(name, how) for name in names} for how in ("native", "strict"))
    for step in range(1, MARKS[-1] + 1):
        for training in (*plain.values(), *strict.values()):
            training.step()
        if step in MARKS:
            bits, exact = ({name: t.bits() for name, t in which.items()} for which in (plain, strict))
            shares = [f"{(bits[a] == bits[b]).mean():.2%}" for a, b in pairs]
            same = np.logical_and.reduce([exact[name] == exact[names[0]] for name in names])
            lines.append(f"| {step:,} | {' | '.join(shares)} | {same.mean():.2%} |")
    return f"The share of the {bits[names[0]].size:,} parameters that are equal in every bit:\n\n" + "\n".join(lines)


def cost_table() -> str:
    """Milliseconds per step, native and strict in turn, medians."""
    lines = ["| | threads | native | strict | ratio | summed exactly |", "|---|---:|---:|---:|---:|---:|"]
    for name in registry.names():
        for threads in (1, 2):
            nn = registry.load(name)
            nn.set_threads(threads)
            before = nn.strict_tally()
            native, strict = _medians([Training(name, how) for how in ("native", "strict")], 20)
            rounded, summed = (now - then for now, then in zip(nn.strict_tally(), before, strict=True))
            exactly = f"{summed / rounded * 10_000:.2f} of 10,000"
            lines.append(f"| {name} | {threads} | {native:.2f} | {strict:.2f} | {strict / native:.1f} x | {exactly} |")
    return (
        f"Milliseconds per training step of the recipe `names`, by `make strict-figures` on {date.today()} "
        f"({_machine()}): both in turn, medians.\n\n" + "\n".join(lines)
    )


def cost_of_a_gpt() -> str:
    """The same of a GPT."""
    lines = ["| GPT | | threads | native | strict | ratio |", "|---|---|---:|---:|---:|---:|"]
    for (shape, settings), name in product(SHAPES.items(), registry.names()):
        for threads in (1, 2):
            registry.load(name).set_threads(threads)
            native, strict = _medians([GPTTraining(name, how, **settings) for how in ("native", "strict")], 1)
            lines.append(f"| {shape} | {name} | {threads} | {native:.0f} | {strict:.0f} | {strict / native:.1f} x |")
    return (
        f"Milliseconds per training step of a GPT of the recipe `gpt-cpu`'s size, by `make strict-figures` on "
        f"{date.today()} ({_machine()}): both in turn, medians.\n\n" + "\n".join(lines)
    )


def _medians(trainings: list[Any], steps: int) -> list[float]:
    seconds = [[], []]
    for number in range(ROUNDS + 1):
        for training, sample in zip(trainings, seconds, strict=True):
            began = time.perf_counter()
            for _ in range(steps):
                training.step()
            if number:
                sample.append((time.perf_counter() - began) / steps * 1e3)
    return [float(np.median(sample)) for sample in seconds]


def _machine() -> str:
    return f"{environment()['cpu']}, {os.cpu_count()} cores"


MAKERS = {"ulp": ulp_table, "drift": drift_table, "cost": cost_table, "cost-gpt": cost_of_a_gpt}

if __name__ == "__main__":
    for part in sys.argv[1:] or MAKERS:
        readme.replace(part, MAKERS[part](), PAGE)
