"""Drawing text from a model, one token at a time, so that the same seed gives the same text everywhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from .rng import RNG

DRAWS_PER_NEW_SAMPLE = 100


@dataclass(frozen=True)
class Sampler:
    """A model with its tokenizer, and how to draw from it: temperature 0 is greedy, top_k 0 keeps every token."""

    model: Callable[[np.ndarray], tuple[np.ndarray, Any]]
    tokenizer: Any
    context_length: int
    temperature: float = 1.0
    top_k: int = 0

    def stream(self, rng: RNG, prompt: str = "") -> Iterator[int]:
        """Yield token after token without end, each drawn given the T tokens before it.

        The model first sees T delimiters, then the prompt's tokens. One uniform a token, greedy or not, so that the
        position in the RNG's stream depends on the number of tokens alone. Raises ValueError for a prompt with what
        the tokenizer does not know.
        """
        T = self.context_length
        tokens = [self.tokenizer.delimiter] * T + list(self.tokenizer.encode(prompt))
        context = np.array([tokens[-T:]], dtype=np.int32)  # (1, T)
        while True:
            logits, _ = self.model(context)  # (1, T) -> (1, V)
            token = choose(np.asarray(logits)[0], rng.uniform(), self.temperature, self.top_k)
            yield token
            context = np.append(context[:, 1:], np.array([[token]], dtype=np.int32), axis=1)  # slide by one

    def sample(self, rng: RNG, prompt: str = "", tokens: int | None = None) -> Iterator[int]:
        """Yield what follows the prompt: exactly `tokens` tokens, or all that come before the next delimiter.

        Without a delimiter it ends after the tokenizer's `longest_sample`.
        """
        if tokens is not None:
            yield from islice(self.stream(rng, prompt), tokens)
            return
        for token in islice(self.stream(rng, prompt), self.tokenizer.longest_sample):
            if token == self.tokenizer.delimiter:
                return
            yield token

    def new_samples(self, rng: RNG, count: int, known: Collection[str]) -> Iterator[str]:
        """Yield up to `count` samples that are not empty, not among the `known` lines, and all different.

        They come from one RNG stream; after 100 * count draws it gives up. A greedy draw never changes: one is enough.
        """
        seen: set[str] = set()
        greedy = self.temperature == 0 or self.top_k == 1
        for _ in range(1 if greedy else DRAWS_PER_NEW_SAMPLE * count):
            if len(seen) == count:
                return
            sample = self.tokenizer.decode(list(self.sample(rng)))
            if sample and sample not in known and sample not in seen:
                seen.add(sample)
                yield sample


def choose(logits: np.ndarray, uniform: float, temperature: float = 1.0, top_k: int = 0) -> int:
    """Return the first token whose running sum of probabilities exceeds `uniform`, or the last one if none does.

    probs = exp(z) / sum exp(z), z = (logits - max logits) / temperature (V,), in the dtype of the logits and summed
    from token 0 on. Temperature 0 takes the first of the largest logits; top_k > 0 leaves out all below the k-th
    largest. Raises FloatingPointError for logits that are not finite.
    """
    if not np.isfinite(logits).all():
        raise FloatingPointError(
            "the model's logits are not finite: its training diverged; train with a lower optimizer.lr"
        )
    with np.errstate(over="ignore"):  # an infinite temperature makes all tokens alike
        divisor = logits.dtype.type(temperature)
    if divisor == 0:
        return int(np.argmax(logits))
    with np.errstate(over="ignore"):  # a tiny temperature sends all but the largest to -inf, as it should
        z = (logits - logits.max()) / divisor
    if 0 < top_k < len(z):
        z = np.where(z >= np.partition(z, -top_k)[-top_k], z, -np.inf)
    e = np.exp(z)
    running = np.cumsum(e / e.sum())
    return int(min(np.searchsorted(running, uniform, side="right"), len(z) - 1))
