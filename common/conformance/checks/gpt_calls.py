"""The GPT called in any order, in any size, and trained: what one call leaves must never show in another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..bounds.compare import Measurement
from ..cases.gpt import DROPPED, random_gpt_batch, random_gpt_case, random_gpt_weights
from ..cases.wide import log_uniform, some
from .backend_under_test import Array, BackendUnderTest, Wrong, compare_all
from .gpt_model import Model, compared, of_oracle
from .kept import Kept
from .ops import THREADS, Measured

ROUNDS, CALLS = 3, 24
USUAL_BATCH, LARGEST_BATCH = 3, 9
SETTINGS, MAX_NORM = {"lr": 0.01, "weight_decay": 0.1}, 0.5
STEPS = (0, 137, 255, 256, 2**32 + 3)  # of dropout, to which a run is resumed
SMALLEST, WIDEST = 16, 130  # of an embedding: in a shorter row a norm leaves rounding alone
MOST_TOKENS, MOST_BLOCKS, MOST_LOGITS = 300, 2, 2**20
FAR: tuple[dict[str, int], ...] = (
    {"vocab_size": 70_000, "context_length": 2, "n_layer": 1, "n_head": 2, "n_embd": 16},  # beyond 16 bits
    {"vocab_size": 7, "context_length": 290, "n_layer": 1, "n_head": 1, "n_embd": 16},  # keys in several parts
    {"vocab_size": 300, "context_length": 70, "n_layer": 1, "n_head": 5, "n_embd": 130},
)


class Session:
    """Two GPTs or three, each called as its user likes; the oracle says what each call must return.

    Every method is one call, or a few, and returns what it compared. Raises NotThere and Wrong.
    """

    def __init__(self, backend: BackendUnderTest, dtype: str, rng: np.random.Generator) -> None:
        self.backend, self.dtype, self.rng = backend, dtype, rng
        self.models: list[Model] = []
        self.optimizers: list[Any] = []
        self.modes: list[bool] = []
        self.steps: list[int] = []  # of dropout
        self.batches: list[tuple[Array, Array, int | None] | None] = []  # of the last forward, and its step of dropout
        self.kept = Kept(dtype)
        self.new_model()
        self.new_model()

    def new_model(self) -> list[Measurement]:
        """Another model, with an optimizer; the second is shaped as the first."""
        case = random_gpt_case(self.rng, self.dtype, **DROPPED)
        if len(self.models) == 1:
            case = replace(self.models[0].case, weights=random_gpt_weights(self.rng, self.models[0].case.config))
        model = Model(self.backend, case, self.dtype, dropout_seed=len(self.models))
        self.models.append(model)
        self.optimizers.append(self._optimizer(model))
        self.modes.append(True)
        self.steps.append(0)
        self.batches.append(None)
        return []

    def learn(self, which: int) -> list[Measurement]:
        """A forward with targets, with dropout if the model is in training."""
        batch = self._batch(which)
        logits, loss = self.models[which].forward(*batch)
        self.batches[which] = *batch, self.steps[which] if self.modes[which] else None
        self.steps[which] += self.modes[which]
        return self._compared(which, {"logits": logits, "loss": loss})

    def judge(self, which: int) -> list[Measurement]:
        """A forward without targets: no dropout, and nothing for backward to go back from."""
        inputs, targets = self._batch(which)
        self.batches[which] = inputs, targets, None
        logits, _ = self.models[which].forward(inputs)
        found = self._compared(which, {"logits": logits})
        self.batches[which] = None
        return found

    def backward(self, which: int) -> list[Measurement]:
        """The gradients of the last forward, if it had targets; else a RuntimeError."""
        model = self.models[which]
        if self.batches[which] is None:
            self.backend.refuses(self.backend.find("backward", model.gpt), RuntimeError)
            return []
        return self._compared(which, model.gradients())

    def step(self, which: int) -> list[Measurement]:
        """A forward, a backward, clipping, and a step of the optimizer, which changes this model alone."""
        found = self.learn(which)
        before = [model.parameters() for model in self.models]
        gradients = self.models[which].gradients()
        found += self._compared(which, gradients)
        given = {name[1:]: np.array(gradient) for name, gradient in gradients.items()}
        self.backend.call(self.backend.find("clip_grad_norm"), given, MAX_NORM, updates=1)
        self.backend.call(self.backend.find("step", self.optimizers[which]), given)
        self.batches[which] = None
        self.models[which].forward(self._batch(which)[0])  # the gradients of other weights are nobody's
        for i, model in enumerate(self.models):
            changed = [k for k, p in model.parameters().items() if p.tobytes() != before[i][k].tobytes()]
            if i != which and changed:
                raise Wrong(f"a step of one model changed {changed[0]} of another")
            if i == which and "wte.weight" not in changed:
                raise Wrong("a step left wte.weight as it was")
        return found

    def load(self, which: int) -> list[Measurement]:
        """Other weights, and a new optimizer for them: the old one may hold the arrays that were there before."""
        model = self.models[which]
        model.load(random_gpt_weights(self.rng, model.case.config))
        self.optimizers[which] = self._optimizer(model)
        return self.judge(which)

    def mode(self, which: int) -> list[Measurement]:
        """From training to evaluation, or back."""
        self.modes[which] = not self.modes[which]
        self.models[which].learns(self.modes[which])
        return []

    def resume(self, which: int) -> list[Measurement]:
        """As a resumed run does."""
        self.steps[which] = int(self.rng.choice(STEPS))
        self.models[which].resume(self.steps[which])
        return []

    def _optimizer(self, model: Model) -> Any:
        return self.backend.call(self.backend.find("AdamW"), model.own_parameters(), **SETTINGS, updates=1)

    def _batch(self, which: int) -> tuple[Array, Array]:
        config, usual = self.models[which].case.config, self.rng.random() < 0.5
        B = USUAL_BATCH if usual else int(self.rng.integers(1, LARGEST_BATCH))
        T = int(self.rng.integers(max(1, config.context_length - 2), config.context_length + 1))
        return random_gpt_batch(self.rng, config, B, T)

    def _compared(self, which: int, actual: Mapping[str, Any]) -> list[Measurement]:
        self.kept.add(actual)
        inputs, targets, step = self.batches[which]
        model = self.models[which]
        case = replace(model.case, weights=model.parameters(), inputs=inputs, targets=targets)
        dropped = {} if step is None else DROPPED | {"seed": which, "step": step}
        return compared(actual, case, self.dtype, **dropped)


def any_order(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """Forwards in training and evaluation, backwards, clipped steps, other weights, models and steps, as drawn."""
    calls = ("learn", "learn", "judge", "backward", "backward", "step", "load", "mode", "resume")
    for _ in range(min(rounds, ROUNDS)):
        session = Session(backend, dtype, rng)
        yield session.learn(0) + session.learn(1) + session.backward(0)  # by chance this may not come
        for _ in range(CALLS):
            if len(session.models) < 3 and rng.random() < 0.1:
                session.new_model()
            call, which = str(rng.choice(calls)), int(rng.integers(len(session.models)))
            if found := getattr(session, call)(which):
                yield found
        session.kept.check()


def any_size(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """Every size log-uniform, and each far beyond the usual in turn, on one and on three threads."""
    drawn = [_drawn_sizes(rng) for _ in range(min(rounds, ROUNDS))]
    for number, sizes in enumerate([*some(rng, rounds, FAR), *drawn]):
        threads = THREADS if number % 2 == 0 else 1
        case = random_gpt_case(rng, dtype, **sizes)
        T, V = case.config.context_length, case.config.vocab_size
        rows = max(1, min(MOST_TOKENS // T, MOST_LOGITS // (T * V)))
        inputs, targets = random_gpt_batch(rng, case.config, log_uniform(rng, rows), T)
        case = replace(case, inputs=inputs, targets=targets)
        backend.use_threads(threads)
        longest = max(V, 4 * case.config.n_embd, inputs.size)
        found = compared(Model(backend, case, dtype).step(inputs, targets), case, dtype, terms=longest)
        shown = ", ".join(f"{name} = {n}" for name, n in {**sizes, "B": len(inputs), "threads": threads}.items())
        yield [m if m.ok else replace(m, reason=f"{m.reason}, with {shown}") for m in found]
    backend.use_threads(1)


def _drawn_sizes(rng: np.random.Generator) -> dict[str, int]:
    heads, size = int(rng.integers(1, 9)), log_uniform(rng, SMALLEST)
    size = max(size, -(-SMALLEST // heads))
    return {
        "vocab_size": 4 + log_uniform(rng, MOST_TOKENS),
        "context_length": log_uniform(rng, MOST_TOKENS // 4),
        "n_layer": int(rng.integers(1, MOST_BLOCKS + 1)),
        "n_head": heads,
        "n_embd": heads * size,
    }


def cached(backend: BackendUnderTest, dtype: str, rng: np.random.Generator, rounds: int) -> Measured:
    """Two batches read a few tokens at a time, in turn, each with a cache: the logits as of the whole row."""
    for _ in range(min(rounds, ROUNDS)):
        case = random_gpt_case(rng, dtype, **DROPPED)
        T, model = case.config.context_length, Model(backend, case, dtype)
        batches = [random_gpt_batch(rng, case.config, B, T) for B in (USUAL_BATCH, USUAL_BATCH + 1)]
        whole = [of_oracle(replace(case, inputs=inputs, targets=targets), dtype) for inputs, targets in batches]
        caches = [backend.call(backend.find("new_cache", model.gpt), len(inputs)) for inputs, _ in batches]
        past = [0, 0]
        while min(past) < T:
            which = int(past[1] < past[0])
            (inputs, _), before = batches[which], past[which]
            past[which] = until = min(before + int(rng.integers(1, 4)), T)
            given = inputs[:, before:until].copy()
            logits = backend.call(backend.find("last_logits", model.gpt), given, caches[which])
            exact, limits = ({"logits": tensors["logits"][:, until - 1]} for tensors in whole[which])
            yield compare_all({"logits": logits}, exact, limits, dtype, any_value=True)
