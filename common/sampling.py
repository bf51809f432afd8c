"""Drawing text from a model, one token at a time, so that the same seed gives the same text everywhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from .choosing import Choice
from .rng import RNG

if TYPE_CHECKING:
    from .recipe import Recipe

DRAWS_PER_NEW_SAMPLE = 100


@dataclass(frozen=True)
class Sampler:
    """A model with its tokenizer, and how to draw from it."""

    model: Callable[[np.ndarray], tuple[np.ndarray, Any]]
    tokenizer: Any
    context_length: int
    choice: Choice = field(default_factory=Choice)

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
            token = self.choice.token(np.asarray(logits)[0], rng.uniform())
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

    def samples(self, rng: RNG, count: int, prompt: str = "", tokens: int | None = None) -> Iterator[Iterable[int]]:
        """Yield `count` samples, each as `sample` draws it.

        Each is to be used up before the next is asked for.
        """
        return (self.sample(rng, prompt, tokens) for _ in range(count))

    def new_samples(self, rng: RNG, count: int, known: Collection[str]) -> Iterator[str]:
        """Yield up to `count` samples that are not empty, not among the `known` lines, and all different.

        They come from one RNG stream; after 100 * count draws it gives up. A greedy draw never changes: one is enough.
        """
        seen: set[str] = set()
        greedy = self.choice.temperature == 0 or self.choice.top_k == 1
        for _ in range(1 if greedy else DRAWS_PER_NEW_SAMPLE * count):
            if len(seen) == count:
                return
            sample = self.tokenizer.decode(list(self.sample(rng)))
            if sample and sample not in known and sample not in seen:
                seen.add(sample)
                yield sample


def of_recipe(model: Any, tokenizer: Any, recipe: Recipe, **changes: float) -> Sampler:
    """Return a sampler of the model as the recipe has it; `changes` are fields of Choice. Raises what Choice raises."""
    how = recipe.sample
    choice = Choice(**{"temperature": how.temperature, "top_k": how.top_k, "top_p": how.top_p} | changes)
    return getattr(model, "sampler", Sampler)(model, tokenizer, recipe.model.context_length, choice)
