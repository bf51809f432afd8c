"""Training in strict float32: the SHA-256 of weights and moments after a number of steps is the same everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from nnz.numbers import digests

from ..bounds.derived import OPTIMIZERS
from ..checks.backend_under_test import Array, BackendUnderTest, as_array
from ..checks.ops import CheckFunction
from ..checks.training import RUN, Run, Training
from ..oracle import strict_ops as oracle
from .bitwise import BitComparison
from .checks import Compared

RUNS = {"small": RUN, "names": Run({"V": 27, "T": 3, "E": 48, "H": 512}, batch_size=128, rate=7e-4, steps=20)}
# The SHA-256 after step t, computed by the strict oracle in exact arithmetic (`make strict-golden`), not by a backend.
HASHES = {
    "small": {
        1: "f51a167b28fb44aca76ae16abf6c216d59f7faaab5921c7fe76eb630599fd82d",
        10: "15585479e7ccbc1fdc4861710199736c23dc9c0288ca3de0ed161886ab7587d9",
        100: "d689b7be0a451808a42194a412725158935ed11fcb45fcc3f4cf81b5b1db6c97",
    },
    "names": {
        1: "9df799f50a57ca75fec8fce7472ef7ca37268e9fe1263e2d2c2c74fa36c45c5a",
        10: "5a3a3efcd291eb4415d2b5415911f7eda3058f0ea54baf1ec744c0e08ab21e1b",
        20: "96741a4ed9699031464f79bea0b84a1eb7c41d5464452fca42345e4c720fb8b5",
    },
}
ADAMW = OPTIMIZERS["AdamW"][2]


def state_after(name: str) -> CheckFunction:
    """The check of the loop of the README, on one of RUNS: its hash after each step of HASHES."""

    def check(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Compared:
        training = Training(backend, RUNS[name], "float32")
        for step in training:
            if step.t in HASHES[name]:
                moments = backend.call(backend.find("state", training.optimizer))
                arrays = {k: np.array(as_array(k, a, "float32")) for k, a in moments.items()}
                yield [compare_hash(f"{name}: {step.t}", HASHES[name][step.t], {**step.after, **arrays})]

    return check


def its_own_loop(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Compared:
    """The same of a program's own training loop, stopped after each step of HASHES."""
    for name, run in RUNS.items():
        inputs, targets, rates = run.stacked
        for t in HASHES[name]:
            arrays = {**run.start("float32"), "inputs": inputs[:t], "targets": targets[:t], "lr": rates[:t]}
            settings = {**ADAMW, "weight_decay": run.decay, "precision": "strict"}
            state = backend.call(backend.find("program.call"), "training", "float32", arrays, **settings)
            yield [compare_hash(f"{name}: {t}", HASHES[name][t], {k: a for k, a in state.items() if k != "losses"})]


def compare_hash(title: str, expected: str, state: Mapping[str, Array]) -> BitComparison:
    """Whether weights and moments have the published SHA-256. If not, all of their numbers count as wrong."""
    found, count = digests.of_arrays(state), sum(array.size for array in state.values())
    if found == expected:
        return BitComparison(title, count, 0, True)
    return BitComparison(title, count, count, False, f"SHA-256 is {found[:16]}..., not {expected[:16]}...")


def by_the_oracle(run: Run) -> Iterator[tuple[int, str]]:
    """(t, the SHA-256 after step t) by the strict oracle alone; a step of `names` takes half a minute."""
    state = {k: (p, np.zeros_like(p), np.zeros_like(p)) for k, p in run.start("float32").items()}
    for t, rate, batch in run.batches():
        found = oracle.mlp({k: p for k, (p, _, _) in state.items()}, *batch)
        for k, arrays in state.items():
            state[k] = oracle.adamw_step(*arrays, found[f"d{k}"], t, rate, **ADAMW, weight_decay=run.decay)
        yield t, hash_of(state)


def hash_of(state: Mapping[str, tuple[Array, ...]]) -> str:
    """The SHA-256 of the weights and the moments m and v of each parameter."""
    prefixes = ("", "m.", "v.")
    return digests.of_arrays(
        {prefix + k: a for k, arrays in state.items() for prefix, a in zip(prefixes, arrays, strict=True)}
    )
