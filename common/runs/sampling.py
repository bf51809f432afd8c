"""Drawing text from a model, one token at a time, so that the same seed gives the same text everywhere.

Where a sample ends, and so which uniform begins the next one, is known only when it is drawn, so samples cannot be
computed in parallel. But the same contexts come again and again, and the next token depends on nothing else. So each
context goes through the model once, and after that a token costs a look-up. Where there are not many more contexts than
samples, contexts with the same first tokens share a batch: 10,000 names are about 72,000 tokens, but only 27 batches.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, product
from typing import TYPE_CHECKING, Any

import numpy as np

from ..numbers.rng import RNG
from .choice import Choice, first_above
from .generation import endless, stream

if TYPE_CHECKING:
    from ..recipes.recipe import Recipe

DRAWS_PER_NEW_SAMPLE = 100
CACHE_SIZE = 2**22  # cumulative sums over all contexts: 16 MiB of float32, and about 300 bytes for each context
MAX_BATCH = 1024  # contexts
SIDE_BY_SIDE = 32  # samples of a GPT at once: each has keys and values of its own in memory
CONTEXTS_PER_SAMPLE = 20  # use batches up to this ratio: in a small model 20 contexts cost about as much as one

Context = tuple[int, ...]  # (T,)
Cumulative = Callable[[Context], memoryview]  # (T,) -> (V,)


@dataclass(frozen=True)
class Sampler:
    """A model with its tokenizer, and how to draw from it."""

    model: Callable[[np.ndarray], tuple[np.ndarray, Any]]
    tokenizer: Any
    context_length: int
    choice: Choice = field(default_factory=Choice)
    longest: int | None = None  # tokens of a sample that nothing ends, with its prompt; None: as the tokenizer says

    def stream(self, rng: RNG, prompt: str = "") -> Iterator[int]:
        """Yield tokens without end, each drawn given the T tokens before it.

        The model first sees the tokenizer's start (the newline) T times, then the prompt's tokens. Each token takes one
        uniform, greedy or not, so the state of the RNG depends only on the number of tokens. Raises ValueError for a
        prompt that the tokenizer cannot encode.
        """
        return self._stream(self._cumulative, rng, self._begin(prompt))

    def sample(self, rng: RNG, prompt: str = "", tokens: int | None = None) -> Iterator[int]:
        """Yield what follows the prompt: exactly `tokens` tokens, or all before the next delimiter.

        Without a delimiter, as always in a running text, it ends when there are `longest` tokens.
        """
        return self._truncate(self.stream(rng, prompt), prompt, tokens)

    def samples(self, rng: RNG, count: int, prompt: str = "", tokens: int | None = None) -> Iterator[Iterable[int]]:
        """Yield `count` samples, each as `sample` draws it, except for the rounding of logits computed in a batch.

        Consume each sample before you take the next one, and do not train the model in between.
        """
        cached, context = self._cached(count), self._begin(prompt)
        return (self._truncate(self._stream(cached, rng, context), prompt, tokens) for _ in range(count))

    def new_samples(self, rng: RNG, count: int, known: Collection[str]) -> Iterator[str]:
        """Yield up to `count` samples that are not empty, not among the `known` lines, and all different.

        All come from one RNG; it gives up after 100 * count draws. Greedy draws are all the same, so it takes only one.
        """
        seen: set[str] = set()
        greedy = self.choice.temperature == 0 or self.choice.top_k == 1
        rounds = [1] if greedy else [count] * DRAWS_PER_NEW_SAMPLE  # one round is usually enough
        for tokens in chain.from_iterable(self.samples(rng, draws) for draws in rounds):
            if len(seen) == count:
                return
            sample = self.tokenizer.decode(list(tokens))
            if sample and sample not in known and sample not in seen:
                seen.add(sample)
                yield sample

    def _begin(self, prompt: str) -> Context:
        T = self.context_length
        return tuple(([self.tokenizer.start] * T + self.tokenizer.encode(prompt).tolist())[-T:])

    def _stream(self, cumulative: Cumulative, rng: RNG, context: Context) -> Iterator[int]:
        while True:
            token = first_above(cumulative(context), rng.uniform())
            yield token
            context = (*context, token)[-self.context_length :]  # slide by one, when the window is full

    def _cumulative(self, context: Context) -> memoryview:
        return self._cumulative_of([context])[context]

    def _cumulative_of(self, contexts: list[Context]) -> dict[Context, memoryview]:
        logits, _ = self.model(np.array(contexts, dtype=np.int32))  # (N, T) -> (N, V)
        rows = self.choice.cumulative(np.asarray(logits))
        sums, V = memoryview(rows.reshape(-1)), rows.shape[1]  # the fastest for Python to read numbers from
        return {context: sums[i * V : i * V + V] for i, context in enumerate(contexts)}

    def _cached(self, count: int) -> Cumulative:
        """The cumulative sums for `count` samples, computed once, in batches of contexts with the same first tokens."""
        V, T = self.tokenizer.vocab_size, self.context_length
        capacity, common = max(1, CACHE_SIZE // V), T  # the contexts of a batch have `common` first tokens
        batched = CONTEXTS_PER_SAMPLE * count >= V**T
        while common > 0 and batched and V ** (T - common + 1) <= min(capacity, MAX_BATCH):
            common -= 1
        endings = list(product(range(V), repeat=T - common))

        def compute(context: Context) -> dict[Context, memoryview]:
            return self._cumulative_of([context[:common] + ending for ending in endings])

        return _Cache(compute, capacity).__getitem__

    def _truncate(self, stream: Iterator[int], prompt: str, tokens: int | None) -> Iterator[int]:
        if tokens is not None:
            yield from islice(stream, tokens)
            return
        delimiter, most = self.tokenizer.delimiter, self.tokenizer.longest_sample
        if self.longest is not None:
            most = max(0, self.longest - len(self.tokenizer.encode(prompt)))
        for token in islice(stream, most):
            if token == delimiter:
                return
            yield token


class WindowSampler(Sampler):
    """For a model that predicts the token after each position: it sees one start, the prompt, and then all that fits.

    Each window goes through the model alone, so that a sample is the same whatever is drawn with it.
    """

    def samples(self, rng: RNG, count: int, prompt: str = "", tokens: int | None = None) -> Iterator[Iterable[int]]:
        """Yield `count` samples, each as `sample` draws it. Consume each before you take the next one."""
        return (self.sample(rng, prompt, tokens) for _ in range(count))

    def _begin(self, prompt: str) -> Context:
        return tuple([self.tokenizer.start, *self.tokenizer.encode(prompt).tolist()][-self.context_length :])

    def _cumulative_of(self, contexts: list[Context]) -> dict[Context, memoryview]:
        [context] = contexts
        logits, _ = self.model(np.array(contexts, dtype=np.int32))  # (1, n) -> (1, n, V), of which only the last count
        return {context: memoryview(self.choice.cumulative(np.asarray(logits)[0, -1]))}


@dataclass(frozen=True)
class GPTSampler(Sampler):
    """Draws the tokens of WindowSampler, with the cache of keys and values that the model can keep."""

    def stream(self, rng: RNG, prompt: str = "") -> Iterator[int]:
        """Yield token after token without end. One uniform a token; raises what Sampler's raises."""
        return (int(token[0]) for token in endless(self.model, self._prompt(prompt), rng, self.choice))

    def samples(self, rng: RNG, count: int, prompt: str = "", tokens: int | None = None) -> Iterator[Iterable[int]]:
        """As Sampler's; those of a given length are computed side by side, which changes no token."""
        if not tokens or count < 2:
            yield from (self.sample(rng, prompt, tokens) for _ in range(count))
            return
        for first in range(0, count, SIDE_BY_SIDE):
            prompts = np.repeat(self._prompt(prompt), min(SIDE_BY_SIDE, count - first), axis=0)
            steps = stream(self.model, prompts, tokens, rng, **dataclasses.asdict(self.choice))
            yield from np.stack(list(steps), axis=1).tolist()

    def _prompt(self, text: str) -> np.ndarray:
        """(1, n), of which the first is the tokenizer's start."""
        return np.array([[self.tokenizer.start, *self.tokenizer.encode(text)]])


class _Cache(dict):
    """Cumulative sums by context, computed at the first look-up; when the cache is full, it is emptied."""

    def __init__(self, compute: Callable[[Context], dict[Context, memoryview]], capacity: int) -> None:
        super().__init__()
        self._compute, self._capacity = compute, capacity

    def __missing__(self, context: Context) -> memoryview:
        sums = self._compute(context)
        if len(self) + len(sums) > self._capacity:
            self.clear()
        self.update(sums)
        return sums[context]


def until(pieces: Iterable[str], stops: Sequence[str]) -> Iterator[str]:
    """Yield the pieces of a text up to the first place where it holds one of `stops`, none of which is empty.

    What could be the beginning of a stop is held back until more of the text is known.
    """
    held = ""
    for piece in pieces:
        held += piece
        places = [place for stop in stops if (place := held.find(stop)) >= 0]
        if places:
            yield held[: min(places)]
            return
        begun = max((n for stop in stops for n in range(1, len(stop)) if held.endswith(stop[:n])), default=0)
        yield held[: len(held) - begun]
        held = held[len(held) - begun :]
    yield held


def of_recipe(
    model: Any,
    tokenizer: Any,
    recipe: Recipe,
    allow_unknown: bool = False,
    banned: tuple[int, ...] = (),
    **changes: Any,
) -> Sampler:
    """Return a sampler with the recipe's settings; `changes` are fields of Choice. Raises what Choice raises.

    The token for unknown words is banned too, unless they are allowed.
    """
    how = recipe.sample
    if tokenizer.unknown is not None and not allow_unknown:
        banned = tuple(sorted({*banned, tokenizer.unknown}))
    settings = {"temperature": how.temperature, "top_k": how.top_k, "top_p": how.top_p, "banned": banned}
    choice = Choice(**settings | changes)
    kind = Sampler
    if recipe.model.predicts_every_position:
        kind = GPTSampler if hasattr(model, "new_cache") and hasattr(model, "config") else WindowSampler
    T = recipe.model.context_length
    return kind(model, tokenizer, T, choice, T if recipe.data.windows == "documents" else None)
