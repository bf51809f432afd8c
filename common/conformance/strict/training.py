"""Training in strict float32: the SHA-256 of weights and moments after so many steps is a constant, for everybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from nnz.backend import initial
from nnz.backend.schedules import SCHEDULES
from nnz.numbers import digests
from nnz.numbers.rng import RNG
from nnz.text.datasets import load_dataset

from ..checks.backend_under_test import Array, Subject, as_array
from ..checks.model_under_test import Batch, Model
from ..checks.ops import Check
from ..oracle import strict_ops as oracle
from .bits import Agreement
from .golden import GOLDEN

ADAMW = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}


@dataclass(frozen=True)
class Run:
    """Training on the names inside the package, from weights drawn by `seed`, at a rate that falls as a cosine."""

    sizes: Mapping[str, int]
    batch_size: int
    rate: float
    steps: int
    decay: float = 1e-4
    seed: int = 1337

    def batches(self) -> Iterator[tuple[int, float, Batch]]:
        """(t, the rate of step t, its batch), t from 1."""
        data = load_dataset("names").train
        batches = data.batches(context_length=self.sizes["T"], batch_size=self.batch_size, steps=self.steps)
        for step, batch in enumerate(batches):
            yield step + 1, SCHEDULES["cosine"](self.rate, step, self.steps), batch

    def stacked(self) -> tuple[Array, Array, Array]:
        """inputs (S,B,T), targets (S,B) and rates (S,) of all steps."""
        _, rates, batches = zip(*self.batches(), strict=True)
        inputs, targets = zip(*batches, strict=True)
        return np.stack(inputs), np.stack(targets), np.array(rates)

    def start(self) -> dict[str, Array]:
        """The first weights."""
        shapes = initial.mlp_shapes(*(self.sizes[letter] for letter in "VTEH"))
        return initial.mlp_parameters(shapes, RNG(self.seed), "float32")


RUNS = {
    "small": Run({"V": 27, "T": 3, "E": 7, "H": 19}, batch_size=32, rate=1e-2, steps=100),
    "names": Run({"V": 27, "T": 3, "E": 48, "H": 512}, batch_size=128, rate=7e-4, steps=20),
}


def state_after(name: str) -> Check:
    """The check of the loop of the README, over one of RUNS: what stands in GOLDEN after the steps named there."""

    def check(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Iterator[list[Agreement]]:
        run = RUNS[name]
        model = Model(subject, run.sizes, "float32", seed=run.seed)
        optimizer = subject.call(
            subject.find("AdamW"), model.own_parameters(), lr=run.rate, weight_decay=run.decay, updates=1
        )
        for t, rate, batch in run.batches():
            subject.call(setattr, optimizer, "lr", rate)
            gradients = {k.removeprefix("d"): g for k, g in model.step(*batch).items() if k not in ("logits", "loss")}
            subject.call(subject.find("step", optimizer), gradients)
            if t in GOLDEN[name]:
                moments = subject.call(subject.find("state", optimizer))
                arrays = {k: np.array(as_array(k, a, "float32")) for k, a in moments.items()}
                yield [published(name, t, {**model.parameters(), **arrays})]

    return check


def its_own_loop(subject: Subject, dtype: str, rng: np.random.Generator, rounds: int) -> Iterator[list[Agreement]]:
    """The same of a program, whose own loop is ended after more and more steps."""
    for name, run in RUNS.items():
        inputs, targets, rates = run.stacked()
        for t in GOLDEN[name]:
            arrays = {**run.start(), "inputs": inputs[:t], "targets": targets[:t], "lr": rates[:t]}
            settings = {**ADAMW, "weight_decay": run.decay, "precision": "strict"}
            state = subject.call(subject.find("program.call"), "training", "float32", arrays, **settings)
            yield [published(name, t, {k: a for k, a in state.items() if k != "losses"})]


def published(name: str, t: int, state: Mapping[str, Array]) -> Agreement:
    """Whether weights and moments have the SHA-256 in GOLDEN; all of their numbers are right, or none is."""
    found, due = digests.of_arrays(state), GOLDEN[name][t]
    count, title = sum(array.size for array in state.values()), f"{name}: {t}"
    if found == due:
        return Agreement(title, count, 0, True)
    return Agreement(title, count, count, False, f"SHA-256 {found[:16]}... where {due[:16]}... was due")


def by_the_oracle(run: Run) -> Iterator[tuple[int, str]]:
    """(t, the SHA-256 after step t) of a run that no backend has a part in; a step of `names` takes half a minute."""
    state = {k: (p, np.zeros_like(p), np.zeros_like(p)) for k, p in run.start().items()}
    for t, rate, batch in run.batches():
        found = oracle.mlp({k: p for k, (p, _, _) in state.items()}, *batch)
        for k, arrays in state.items():
            state[k] = oracle.adamw_step(*arrays, found[f"d{k}"], t, rate, **ADAMW, weight_decay=run.decay)
        named = {
            prefix + k: a for k, arrays in state.items() for prefix, a in zip(("", "m.", "v."), arrays, strict=True)
        }
        yield t, digests.of_arrays(named)
