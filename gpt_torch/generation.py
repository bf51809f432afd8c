"""Text from a GPT: token after token, each drawn given the window of tokens before it.

The window holds the last T tokens. While it still grows, the cache spares computing the old ones again. Once it is
full, each new token pushes one out, all others move to another position, and the cache is worth nothing: every token
then costs a whole forward pass. With `roll` above 1 a full window drops its `roll` oldest tokens at once, which leaves
room for `roll - 1` cached ones (T/2 is a good choice); the window at a given length is the same with the cache or not.

**What is computed with a cache, or for several samples at once, rounds otherwise**: products of other shapes, other
orders of sums. A draw that this could have changed is made again from the logits of that sample's window alone,
computed in one pass. So the tokens are those of one sample without a cache, however they are computed, as long as the
logits are off by no more than logit_error.logit_error: of trained models a sixth of it was measured. (In float32 and
float64: a bfloat16 autocast is coarser than that.)
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from nnz.backend import checks
from nnz.backend.gpt_config import GPTConfig
from nnz.numbers.rng import RNG
from nnz.runs.choice import Choice

from .cache import Cache
from .evaluating import evaluating
from .gpt import GPT
from .logit_error import logit_error
from .token_ids import as_ids


def generate(
    model: GPT,
    idx: np.ndarray | Tensor,
    tokens: int,
    rng: RNG,
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    banned: tuple[int, ...] = (),
    cache: bool = True,
    roll: int = 1,
) -> np.ndarray | Tensor:
    """Return the prompts idx (B, n) and `tokens` more of each: (B, n + tokens); arguments and errors as in `stream`."""
    choice = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "banned": banned}
    steps = list(stream(model, idx, tokens, rng, **choice, cache=cache, roll=roll))
    prompt = idx.cpu().numpy() if isinstance(idx, Tensor) else np.asarray(idx)
    whole = np.concatenate([prompt.astype(np.int64), np.stack(steps, axis=1)], axis=1)  # (B, n) and (B, tokens)
    return torch.from_numpy(whole).to(idx.device) if isinstance(idx, Tensor) else whole


def stream(
    model: GPT,
    idx: np.ndarray | Tensor,
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
    checks.generator(rng)
    if checks.positive_int("roll", roll) > model.config.context_length:
        raise ValueError(f"roll must be at most the context_length, {model.config.context_length}; got {roll}")
    window = Window(model.config, idx, roll)
    uniforms = _uniforms(rng, len(window.tokens), tokens)
    return _stream(model, window, choice, uniforms, Cache(model.config) if cache else None)


def endless(model: GPT, idx: np.ndarray, rng: RNG, choice: Choice) -> Iterator[np.ndarray]:
    """As `stream` with a cache, for a single prompt idx (1, n) and without end. Raises what `stream` raises."""
    uniforms = iter(lambda: rng.uniform(size=1), None)
    return _stream(model, Window(model.config, idx, roll=1), choice, uniforms, Cache(model.config))


def _stream(
    model: GPT, window: Window, choice: Choice, uniforms: Iterator[np.ndarray], cache: Cache | None
) -> Iterator[np.ndarray]:
    alone = cache is None and len(window.tokens) == 1
    for u in uniforms:  # (B,)
        logits, cache = _last_logits(model, window.tokens, cache)  # (B, V)
        error = logit_error(model.config, logits)
        chosen = np.empty(len(logits), np.int64)
        for b, row in enumerate(logits):
            if not alone and not choice.is_certain(row, u[b], error):
                row = _last_logits(model, window.tokens[b : b + 1], None)[0][0]
            chosen[b] = choice.token(row, u[b])
        window.append(chosen)
        yield chosen


def _last_logits(model: GPT, tokens: np.ndarray, cache: Cache | None) -> tuple[np.ndarray, Cache | None]:
    """tokens (B, n) -> the logits after them (B, V), and the cache with all of them in it, a new one if need be."""
    new = tokens
    if cache is not None:
        if cache.length >= tokens.shape[1]:  # the window has rolled: nothing in the cache is where it was
            cache = Cache(model.config)
        new = tokens[:, cache.length :]
    with evaluating(model):
        logits, _ = model(new, cache=cache)  # (B, n) -> (B, n, V), of which only the last count
        last = logits[:, -1]
        return last.to(torch.promote_types(last.dtype, torch.float32)).cpu().numpy(), cache


def _uniforms(rng: RNG, B: int, tokens: int) -> Iterator[np.ndarray]:
    """`tokens` times (B,)."""
    if B == 1:
        return (rng.uniform(size=1) for _ in range(tokens))
    return iter(rng.uniform(size=(B, tokens)).T)


class Window:
    """The tokens (B, n), n <= T, that the model is to see next: a full window drops its oldest `roll` first."""

    def __init__(self, config: GPTConfig, idx: np.ndarray | Tensor, roll: int) -> None:
        ids = idx if isinstance(idx, Tensor) else np.asarray(idx)
        last = ids[:, -config.context_length :] if ids.ndim == 2 else ids  # of a longer prompt the end
        self.tokens = as_ids("idx", last, config, torch.device("cpu")).numpy()
        self._T, self._roll = config.context_length, roll

    def append(self, chosen: np.ndarray) -> None:
        """Add one token to each sample, chosen (B,)."""
        kept = self.tokens[:, self._roll :] if self.tokens.shape[1] == self._T else self.tokens
        self.tokens = np.concatenate([kept, chosen[:, None]], axis=1)
