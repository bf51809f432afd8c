"""The GPT's checks in strict float32: square sums, the whole model, its cache, and a training run of published bits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from nnz.backend import initial
from nnz.backend.clipping import EPS
from nnz.backend.gpt_config import GPTConfig
from nnz.backend.schedules import SCHEDULES
from nnz.numbers.rng import RNG

from ..bounds.derived import OPTIMIZERS
from ..cases.gpt import DROPPED, GPTCase, random_gpt_case
from ..cases.ops import op_cases
from ..cases.strict import random_float32s
from ..checks.backend_under_test import Array, BackendUnderTest, as_array
from ..checks.gpt_model import Model
from ..checks.ops import call_op
from ..oracle import strict_gpt_ops
from ..oracle import strict_ops as oracle
from ..oracle.strict_gpt import StrictGPT
from .bitwise import BitComparison, compare_bits
from .training import compare_hash, hash_of

Compared = Iterator[list[BitComparison]]
FEW = 2  # rounds: exact arithmetic is slow
SMALL = {"n_layer": 2, "n_head": 2, "n_embd": 14}
SEED, STEPS, ROWS, RATE, DECAY, MAX_NORM = 1337, 10, 3, 1e-2, 0.1, 0.7
CONFIG = GPTConfig.gpt2(vocab_size=13, context_length=6, n_layer=2, n_head=2, n_embd=16)
# After step t, of weights and moments, computed by the strict oracle (`make strict-golden`), not by a backend.
HASHES = {
    1: "65985f1cf4125cf46e0c542523b9cfae45072f44faced873159cf70a6c346333",
    4: "b07d6c79386320b8536e606cf807820efba73baa87bfdb1b0d96b476611ed4b2",
    10: "0da97071990c79a0c5c965faf4c2a07a64b0ff146f61cdd83cf84d3f0fe96a29",
}


def square_sums(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Compared:
    """square_sum is the float64 nearest to the exact sum; of many numbers of all sizes, too."""
    function = backend.find("ops.square_sum")
    wild = [{"g": random_float32s(rng, (n,), -70, 60)} for n in (1, 7, 300, 20_000)]
    for case in op_cases("square_sum", rng, np.float32) + wild:
        found = float(np.asarray(call_op(backend, function, "square_sum", case)["total"]))
        expected = float(strict_gpt_ops.square_sum(case["g"]))
        reason = "" if found == expected else f"it is {found.hex()}, not {expected.hex()}"
        yield [BitComparison("total", 1, int(found != expected), found == expected, reason)]


def global_norm(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Compared:
    """clip_grad_norm: the norm that it returns, and the bits that it leaves."""
    function = backend.find("clip_grad_norm")
    for _ in range(min(rounds, FEW)):
        given = {f"p{n}": rng.normal(size=(n,)).astype(np.float32) for n in (1, 300, 20_000)}
        norm, left = _norm(given), {k: g.copy() for k, g in given.items()}
        max_norm = norm * float(rng.uniform(0.01, 0.9))
        found = float(backend.call(function, left, max_norm, updates=1))
        reason = "" if found == norm else f"it is {found.hex()}, not {norm.hex()}"
        clipped = {k: strict_gpt_ops.clip_step(g, max_norm / (norm + EPS)) for k, g in given.items()}
        yield [BitComparison("norm", 1, int(found != norm), found == norm, reason)]
        yield [_compared(k, left[k], g) for k, g in clipped.items()]


def _norm(gradients: dict[str, Array]) -> float:
    total = 0.0
    for g in gradients.values():
        total += float(strict_gpt_ops.square_sum(g))
    return math.sqrt(total)


def every_tensor(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Compared:
    """Random switches, weights and batches, with dropout: what lies between, the loss, and every gradient."""
    for _ in range(min(rounds, FEW)):
        case, seed = random_gpt_case(rng, np.float32, **SMALL, **DROPPED), int(rng.integers(2**63))
        model = Model(backend, case, "float32", dropout_seed=seed)
        actual = model.step(case.inputs, case.targets) | model.intermediates()
        exact = StrictGPT(case.config, case.weights, seed, step=0)(case.inputs, case.targets)
        yield [_compared(name, value, exact[name]) for name, value in actual.items()]


def with_a_cache(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Compared:
    """The logits after each token are, bit by bit, those of a forward of all tokens: the cache changes nothing."""
    case = random_gpt_case(rng, np.float32, **SMALL)
    model = Model(backend, case, "float32")
    backend.call(backend.find("eval", model.gpt))
    exact = StrictGPT(case.config, case.weights)(case.inputs, case.targets)["logits"]
    B, T = case.inputs.shape
    cache = backend.call(backend.find("new_cache", model.gpt), B)
    for t in range(T):
        logits = backend.call(backend.find("last_logits", model.gpt), case.inputs[:, t : t + 1], cache)
        yield [_compared(f"logits after {t + 1}", logits, exact.reshape(B, T, -1)[:, t])]


def trained(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Compared:
    """Dropout, backward, clipping, AdamW: after the steps of HASHES the weights and moments have the published bits."""
    case = GPTCase(CONFIG, start(), *batch(0))
    model = Model(backend, case, "float32", dropout_seed=SEED)
    optimizer = backend.call(backend.find("AdamW"), model.own_parameters(), lr=RATE, weight_decay=DECAY, updates=1)
    for t in range(1, STEPS + 1):
        given = model.step(*batch(t))
        gradients = {k: np.array(as_array(k, given[f"d{k}"], "float32")) for k in case.weights}
        backend.call(backend.find("clip_grad_norm"), gradients, MAX_NORM, updates=1)
        backend.call(setattr, optimizer, "lr", rate(t))
        backend.call(backend.find("step", optimizer), gradients)
        if t in HASHES:
            moments = backend.call(backend.find("state", optimizer))
            state = model.parameters() | {k: np.array(as_array(k, a, "float32")) for k, a in moments.items()}
            yield [compare_hash(f"step {t}", HASHES[t], state)]


def by_the_oracle() -> Iterator[tuple[int, str]]:
    """(t, the SHA-256 after step t) by the strict oracle alone."""
    state = {k: (p, np.zeros_like(p), np.zeros_like(p)) for k, p in start().items()}
    settings = OPTIMIZERS["AdamW"][2]
    for t in range(1, STEPS + 1):
        found = StrictGPT(CONFIG, {k: p for k, (p, *_) in state.items()}, SEED, step=t - 1)(*batch(t))
        gradients = {k: found[f"d{k}"] for k in state}
        scale = min(1.0, MAX_NORM / (_norm(gradients) + EPS))
        for k, g in gradients.items():
            clipped = strict_gpt_ops.clip_step(g, scale) if scale < 1 else g
            state[k] = oracle.adamw_step(*state[k], clipped, t, rate(t), **settings, weight_decay=DECAY)
        yield t, hash_of(state)


def start() -> dict[str, Array]:
    """The initial weights, larger than usual, so that every gradient counts."""
    drawn = initial.gpt_parameters(initial.gpt_shapes(CONFIG), RNG(SEED), "float32")
    return {k: p * np.float32(8) if p.ndim == 2 else p for k, p in drawn.items()}


def batch(t: int) -> tuple[Array, Array]:
    """inputs and targets of step t."""
    ids = RNG(SEED + t).u32((2, ROWS, CONFIG.context_length)).astype(np.int64) % CONFIG.vocab_size
    return ids[0], ids[1]


def rate(t: int) -> float:
    return SCHEDULES["cosine"](RATE, t - 1, STEPS)


def _compared(name: str, actual: Any, exact: Array) -> BitComparison:
    value = as_array(name, actual, "float32")
    found = np.reshape(value, np.shape(exact)) if np.ndim(value) else value
    return compare_bits(name, found, exact, any_zero=True)
