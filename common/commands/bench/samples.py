"""How fast a trained model draws names: ours from one RNG stream, beside torch as it is usually written."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...backend import registry
from ...numbers.rng import RNG
from ...recipes import from_recipe
from ...recipes.recipe import Recipe
from ...runs.sampling import Sampler
from ...text import datasets
from ...training.loop import Trainer
from .contenders import has_yardstick, yardstick
from .measure import rest

COUNT = 10_000
ONE_BY_ONE = 500  # names, where each token is a call of the model: enough to know the pace
TRAINED = 2_000  # steps, after which names are about as long as names are
ROUNDS = 9


@dataclass(frozen=True)
class Sampled:
    """One contender's pace: the median of the rounds."""

    name: str
    count: int  # names drawn in a round
    names_per_second: float


def measure_samples(recipe: Recipe, names: Sequence[str], threads: int) -> list[Sampled]:
    """Let each backend draw from the same weights in turn, after a round that does not count."""
    dataset, weights = datasets.of_recipe(recipe.data), _trained(recipe, names[0])
    runners = dict(_contenders(recipe, names, dataset.tokenizer, weights))
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    for number in range(ROUNDS + 1):
        for name, (_, draw) in runners.items():
            for backend in names:
                registry.load(backend).set_threads(threads)
            rest(threads)
            began = time.perf_counter()
            draw()
            if number > 0:
                seconds[name].append(time.perf_counter() - began)
    return [Sampled(name, count, count / float(np.median(seconds[name]))) for name, (count, _) in runners.items()]


def _contenders(recipe: Recipe, names: Sequence[str], tokenizer: Any, weights: Mapping[str, np.ndarray]):
    """Yield (name, (count, what draws so many))."""
    for name in names:
        model = from_recipe.model(registry.load(name), recipe, tokenizer.vocab_size)
        model.load_parameters(weights)
        sampler = Sampler(model, tokenizer, recipe.model.context_length)
        yield name, (COUNT, lambda sampler=sampler: [list(tokens) for tokens in sampler.samples(RNG(1), COUNT)])
    settings = weights, recipe.model.context_length, tokenizer.delimiter, tokenizer.longest_sample
    for name in names:
        usual: Callable | None = has_yardstick(name) and getattr(yardstick(name), "usual_samples", None)
        if usual:
            yield f"usual {name}, side by side", (COUNT, lambda usual=usual: usual(*settings, COUNT, True))
            yield f"usual {name}, one by one", (ONE_BY_ONE, lambda usual=usual: usual(*settings, ONE_BY_ONE, False))


def _trained(recipe: Recipe, backend: str) -> dict[str, np.ndarray]:
    nn, dataset = registry.load(backend), datasets.of_recipe(recipe.data)
    for key in ("steps", "eval_every"):
        recipe = recipe.override(f"train.{key}", TRAINED)
    model = from_recipe.model(nn, recipe, dataset.tokenizer.vocab_size)
    Trainer(model, from_recipe.optimizer(nn, recipe, model), dataset, recipe).run(lambda *_: None)
    return {name: np.array(array) for name, array in model.parameters().items()}
