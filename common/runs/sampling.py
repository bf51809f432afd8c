"""Drawing text from a model, one token at a time, so that the same seed gives the same text everywhere.

Where a sample ends, and so which uniform begins the next, is known only when it is drawn: samples cannot go through the
model side by side. But the same contexts come again and again, and what follows one depends on nothing else. So of many
samples each context goes through the model once, and from then on a token costs a look-up. Where there are not many
more contexts than samples, those that begin alike go together: 10,000 names are some 72,000 tokens after 27 batches.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice, product
from typing import TYPE_CHECKING, Any

import numpy as np

from ..numbers.rng import RNG
from .choice import Choice, first_above

if TYPE_CHECKING:
    from ..recipes.recipe import Recipe

DRAWS_PER_NEW_SAMPLE = 100
SUMS_KEPT = 2**22  # over all contexts: 16 MiB of float32, and some 300 bytes a context for finding them
MOST_TOGETHER = 1024  # contexts in a batch
ALONE = 20  # contexts in a batch cost about what one costs alone, in a model as small as that of `names`

Context = tuple[int, ...]  # (T,)
RunningSums = Callable[[Context], memoryview]  # (T,) -> (V,)


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
        return self._stream(self._running_sums, rng, self._begin(prompt))

    def sample(self, rng: RNG, prompt: str = "", tokens: int | None = None) -> Iterator[int]:
        """Yield what follows the prompt: exactly `tokens` tokens, or all that come before the next delimiter.

        Without a delimiter it ends after the tokenizer's `longest_sample`.
        """
        return self._cut(self.stream(rng, prompt), tokens)

    def samples(self, rng: RNG, count: int, prompt: str = "", tokens: int | None = None) -> Iterator[Iterable[int]]:
        """Yield `count` samples, each as `sample` draws it, but for the rounding of logits computed in a batch.

        Each is to be used up before the next is asked for, and the model to be left as it is until the last.
        """
        once, context = self._remembered(count), self._begin(prompt)
        return (self._cut(self._stream(once, rng, context), tokens) for _ in range(count))

    def new_samples(self, rng: RNG, count: int, known: Collection[str]) -> Iterator[str]:
        """Yield up to `count` samples that are not empty, not among the `known` lines, and all different.

        They come from one RNG stream; after 100 * count draws it gives up. A greedy draw never changes: one is enough.
        """
        seen: set[str] = set()
        greedy = self.choice.temperature == 0 or self.choice.top_k == 1
        rounds = [1] if greedy else [count] * DRAWS_PER_NEW_SAMPLE  # one is mostly enough
        for tokens in chain.from_iterable(self.samples(rng, draws) for draws in rounds):
            if len(seen) == count:
                return
            sample = self.tokenizer.decode(list(tokens))
            if sample and sample not in known and sample not in seen:
                seen.add(sample)
                yield sample

    def _begin(self, prompt: str) -> Context:
        T = self.context_length
        return tuple(([self.tokenizer.delimiter] * T + self.tokenizer.encode(prompt).tolist())[-T:])

    def _stream(self, running_sums: RunningSums, rng: RNG, context: Context) -> Iterator[int]:
        while True:
            token = first_above(running_sums(context), rng.uniform())
            yield token
            context = (*context[1:], token)  # slide by one

    def _running_sums(self, context: Context) -> memoryview:
        return self._running_sums_of([context])[context]

    def _running_sums_of(self, contexts: list[Context]) -> dict[Context, memoryview]:
        logits, _ = self.model(np.array(contexts, dtype=np.int32))  # (N, T) -> (N, V)
        running = self.choice.running(np.asarray(logits))
        sums, V = memoryview(running.reshape(-1)), running.shape[1]  # of which Python reads a number soonest
        return {context: sums[i * V : i * V + V] for i, context in enumerate(contexts)}

    def _remembered(self, count: int) -> RunningSums:
        """The running sums for `count` samples, each computed once, with those of contexts that begin alike."""
        V, T = self.tokenizer.vocab_size, self.context_length
        most, common = max(1, SUMS_KEPT // V), T  # so many of its first tokens a batch has in common
        while common > 0 and ALONE * count >= V**T and V ** (T - common + 1) <= min(most, MOST_TOGETHER):
            common -= 1
        endings = list(product(range(V), repeat=T - common))

        def together(context: Context) -> dict[Context, memoryview]:
            return self._running_sums_of([context[:common] + ending for ending in endings])

        return _Remembered(together, most).__getitem__

    def _cut(self, stream: Iterator[int], tokens: int | None) -> Iterator[int]:
        if tokens is not None:
            yield from islice(stream, tokens)
            return
        delimiter = self.tokenizer.delimiter
        for token in islice(stream, self.tokenizer.longest_sample):
            if token == delimiter:
                return
            yield token


class _Remembered(dict):
    """Running sums by context, computed when first asked for; where there is no more room, all are forgotten."""

    def __init__(self, compute: Callable[[Context], dict[Context, memoryview]], most: int) -> None:
        super().__init__()
        self._compute, self._most = compute, most

    def __missing__(self, context: Context) -> memoryview:
        sums = self._compute(context)
        if len(self) + len(sums) > self._most:
            self.clear()
        self.update(sums)
        return sums[context]


def of_recipe(model: Any, tokenizer: Any, recipe: Recipe, **changes: float) -> Sampler:
    """Return a sampler of the model as the recipe has it; `changes` are fields of Choice. Raises what Choice raises."""
    how = recipe.sample
    choice = Choice(**{"temperature": how.temperature, "top_k": how.top_k, "top_p": how.top_p} | changes)
    return getattr(model, "sampler", Sampler)(model, tokenizer, recipe.model.context_length, choice)
