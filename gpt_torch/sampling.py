"""Text from a trained GPT, as the command line wants it: nnz's Sampler, with the GPT's window and its cache."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np

from nnz.numbers.rng import RNG
from nnz.runs import sampling
from nnz.runs.generation import endless, stream

SIDE_BY_SIDE = 32  # samples at once: each has keys and values of its own in memory


@dataclasses.dataclass(frozen=True)
class Sampler(sampling.Sampler):
    """Draws as nnz's Sampler does; but the model sees one newline and the prompt, and from there on all that fits."""

    def stream(self, rng: RNG, prompt: str = "") -> Iterator[int]:
        """Yield token after token without end. One uniform a token; raises ValueError as nnz's does."""
        return (int(token[0]) for token in endless(self.model.gpt, self._prompt(prompt), rng, self.choice))

    def samples(self, rng: RNG, count: int, prompt: str = "", tokens: int | None = None) -> Iterator[Iterable[int]]:
        """As nnz's; those of a given length are computed side by side, which changes no token."""
        if not tokens or count < 2:
            yield from (self.sample(rng, prompt, tokens) for _ in range(count))
            return
        for first in range(0, count, SIDE_BY_SIDE):
            prompts = np.repeat(self._prompt(prompt), min(SIDE_BY_SIDE, count - first), axis=0)
            steps = stream(self.model.gpt, prompts, tokens, rng, **dataclasses.asdict(self.choice))
            yield from np.stack(list(steps), axis=1).tolist()

    def _prompt(self, text: str) -> np.ndarray:
        """(1, n), of which the first is the tokenizer's start."""
        return np.array([[self.tokenizer.start, *self.tokenizer.encode(text)]])
