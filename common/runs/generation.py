"""Text from a GPT: token after token, each drawn given the window of tokens before it.

The window holds the last T tokens. While it still grows, the cache spares computing the old ones again. Once it is
full, each new token pushes one out, all others move to another position, and the cache is worth nothing: every token
then costs a whole forward pass. With `roll` above 1 a full window drops its `roll` oldest tokens at once, which leaves
room for `roll - 1` cached ones (T/2 is a good choice); the window at a given length is the same with the cache or not.

**What is computed with a cache, or for several samples at once, rounds otherwise**: products of other shapes, other
orders of sums. A draw that this could have changed is made again from the logits of that sample's window alone,
computed in one pass. So the tokens are those of one sample without a cache, however they are computed, as long as the
logits are off by no more than logit_error: of trained models a sixth of it was measured. (In float32 and float64: a
bfloat16 autocast is coarser than that.)

A model here is any that has a `config`, `last_logits` and `new_cache`: nn.GPT of every backend, and nnz.gpt.GPT.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import numpy as np

from ..backend import checks
from ..backend.gpt_config import GPTConfig
from ..numbers.mersenne_twister import MersenneTwister
from ..numbers.rng import RNG
from .choice import Choice, largest_size


def generate(
    model: Any,
    idx: Any,
    tokens: int,
    rng: RNG,
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    banned: tuple[int, ...] = (),
    cache: bool = True,
    roll: int = 1,
) -> Any:
    """Return the prompts idx (B, n) and `tokens` more of each: (B, n + tokens), int64, a tensor if idx is one.

    Arguments and errors as in `stream`.
    """
    choice = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "banned": banned}
    steps = list(stream(model, idx, tokens, rng, **choice, cache=cache, roll=roll))
    whole = np.concatenate([_array(idx).astype(np.int64), np.stack(steps, axis=1)], axis=1)  # (B, n) and (B, tokens)
    return idx.long().new_tensor(whole) if hasattr(idx, "new_tensor") else whole


def stream(
    model: Any,
    idx: Any,
    tokens: int,
    rng: RNG,
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    banned: tuple[int, ...] = (),
    cache: bool = True,
    roll: int = 1,
) -> Iterator[np.ndarray]:
    """Yield `tokens` times the next token of each prompt in idx (B, n), int64 (B,), as soon as it is drawn.

    Each sample takes `tokens` uniforms of the one stream, sample after sample, greedy or not: a batch gives what its
    rows give one after the other. One sample draws its uniforms one by one as it goes.

    Args:
        rng: an nnz.RNG.
        temperature, top_k, top_p, banned: as in Choice.
        cache: keep keys and values; the same tokens, sooner.
        roll: how many tokens leave the window when it is full, 1 to T.

    Raises:
        TypeError, ValueError: for ids or numbers that make no sense, before anything is drawn.
        FloatingPointError: the model's logits are not finite.
    """
    choice = Choice(temperature, top_k, top_p, banned)
    checks.positive_int("tokens", tokens)
    if not isinstance(rng, MersenneTwister):  # that of microgpt
        checks.generator(rng)
    if checks.positive_int("roll", roll) > model.config.context_length:
        raise ValueError(f"roll must be at most the context_length, {model.config.context_length}; got {roll}")
    window = Window(model.config, idx, roll)
    uniforms = _uniforms(rng, len(window.tokens), tokens)
    return _stream(model, window, choice, uniforms, cache)


def endless(model: Any, idx: np.ndarray, rng: RNG, choice: Choice) -> Iterator[np.ndarray]:
    """As `stream` with a cache, for a single prompt idx (1, n) and without end. Raises what `stream` raises."""
    uniforms = ((rng.uniform(),) for _ in count())
    return _stream(model, Window(model.config, idx, roll=1), choice, uniforms, True)


def _stream(
    model: Any, window: Window, choice: Choice, uniforms: Iterator[Sequence[float]], cached: bool
) -> Iterator[np.ndarray]:
    alone, cache = not cached and len(window.tokens) == 1, None
    for u in uniforms:  # (B,)
        new = window.tokens
        if cached:
            B, n = new.shape
            if cache is None or cache.length >= n:  # the window has rolled: nothing kept is where it was
                cache = model.new_cache(B) if n < model.config.context_length else None  # a full one rolls at once
            new = new if cache is None else new[:, cache.length :]
        logits = model.last_logits(new, cache)  # (B, V)
        error = logit_error(model.config, logits)
        chosen = np.empty(len(logits), np.int64)
        for b, row in enumerate(logits):
            token = None if alone else choice.certain_token(row, u[b], error)
            if token is None:
                row = row if alone else model.last_logits(window.tokens[b : b + 1])[0]
                token = choice.token(row, u[b])
            chosen[b] = token
        window.append(chosen)
        yield chosen


def _uniforms(rng: RNG, B: int, tokens: int) -> Iterator[Sequence[float]]:
    """`tokens` times (B,)."""
    if B == 1:
        return ((rng.uniform(),) for _ in range(tokens))
    return iter(rng.uniform(size=(B, tokens)).T)


class Window:
    """The tokens (B, n), n <= T, that the model is to see next: a full window drops its oldest `roll` first."""

    def __init__(self, config: GPTConfig, idx: Any, roll: int) -> None:
        ids = _array(idx)
        last = ids[:, -config.context_length :] if ids.ndim == 2 else ids  # of a longer prompt the end
        self.tokens = checks.token_ids("idx", last, (None, None), config.vocab_size)
        self._T, self._roll = config.context_length, roll

    def append(self, chosen: np.ndarray) -> None:
        """Add one token to each sample, chosen (B,)."""
        kept = self.tokens[:, self._roll :] if self.tokens.shape[1] == self._T else self.tokens
        self.tokens = np.concatenate([kept, chosen[:, None].astype(np.int32)], axis=1)


def roundings(config: GPTConfig) -> int:
    """How many roundings lie, one after the other, between an embedding and a logit.

    A norm sums E terms twice, qkv, the projection, fc1 and the head sum E, fc2 4 E; a score sums hs, its softmax and
    the values T each.
    """
    E, T = config.n_embd, config.context_length
    hs = E // config.n_head
    attention = 2 * E + E + hs + 2 * T + E
    mlp = 2 * E + E + 4 * E
    return config.n_layer * (attention + mlp) + 2 * E + E


def logit_error(config: GPTConfig, logits: np.ndarray) -> float:
    """sqrt(n) u max|logits|: how far logits may be off whose sums ran in another order.

    n roundings grow like sqrt(n) u, not n u, where they are independent (Higham and Mary 2019). A first-order figure:
    it takes the model to be well conditioned, as trained ones are. Measured: at most a sixth of it.
    """
    u = float(np.finfo(logits.dtype).eps) / 2
    return math.sqrt(roundings(config)) * u * largest_size(logits)


def _array(idx: Any) -> np.ndarray:
    return idx.cpu().numpy() if hasattr(idx, "cpu") else np.asarray(idx)
