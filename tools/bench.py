"""`make bench`: time a training step of every backend; writes the tables of docs/speed.md and docs/speed.png.

`python -m tools.bench gpt` times the GPT alone, and writes its tables.

After `nnz bench`, with the plain C that the reading page shows, come the memory that training takes, a vocabulary of
27,755 words, the speed of sampling, and how the time of a step grows with each size. All of it takes about ten minutes.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from nnz.backend import registry
from nnz.commands.bench import DTYPES, in_parity, tables, threads_of
from nnz.commands.bench.contenders import Baseline, Ours, contenders
from nnz.commands.bench.gpt import GPTWorkload, of_gpt, wide
from nnz.commands.bench.measure import measure, rest
from nnz.commands.bench.workload import Workload, baseline, drawn, has_baseline, of_recipe
from nnz.numbers.rng import RNG
from nnz.pictures.drawing import legend_outside, new_figure, save
from nnz.reading.page.variants import PLAIN
from nnz.recipes import from_recipe
from nnz.recipes.recipe import Recipe, load
from nnz.runs.sampling import Sampler
from nnz.training.loop import Trainer
from tools import readme

PAGE, PICTURE = readme.DOCS / "speed.md", readme.DOCS / "speed.png"
STATUS = Path("/proc/self/status")  # only Linux has it
MEMORY_STEPS = 3

BOOK = {"context_length": 4, "embedding_size": 30, "hidden_size": 300}  # a model of a book's words
BOOK_VOCABULARY = 27_755
BOOK_ROUNDS, BOOK_SECONDS = 7, 0.2  # of a turn, or one step if that takes longer

DRAWN, DRAWN_ONE_BY_ONE = 10_000, 500  # names: one by one, where each token is a call of the model, 500 are enough
TRAINED = 2_000  # steps, after which names are about as long as real ones
SAMPLING_ROUNDS = 9

BATCHES = (8, 32, 128, 512, 2048)
HIDDEN = (32, 128, 512, 2048)
VOCABULARIES = (27, 256, 2048, 16384)
SCALING_ROUNDS, SCALING_SECONDS = 5, 0.05
COLOURS = ("#0072b2", "#009e73", "#d55e00", "#cc79a7", "#e69f00")  # told apart by any eye (Okabe & Ito 2008)


class Sampled(NamedTuple):
    """How fast one contender draws: the median of the rounds."""

    name: str
    count: int  # names drawn in a round
    names_per_second: float


class Point(NamedTuple):
    """Seconds of a step in float32 on one thread where `what` is `size` and all else is as in the recipe."""

    name: str
    what: str
    size: int
    step: float


def main() -> None:
    """Measure everything; write the page and the picture."""
    file, recipe, threads = readme.ROOT / "build" / "bench.json", load("names"), sorted({1, os.cpu_count() or 1})
    timed = " ".join(f"--backend {name}" for name in (*registry.available(), *PLAIN.values()))
    parts = [readme.run(f"nnz bench {timed} --json {file}").strip()]
    machine = json.loads(file.read_text(encoding="utf-8"))["environment"]
    names, work = in_parity(list(registry.available())), book(recipe)
    what = f"{work.vocab_size:,} words, context {work.sizes.T}, embedding {work.sizes.E}, hidden {work.sizes.H}; "
    runners = contenders(work, names, ["float32"], threads)
    parts.append(tables(measure(work, runners, BOOK_ROUNDS, seconds=BOOK_SECONDS), what))
    parts.append(memory_table({"names": of_recipe(recipe), f"{BOOK_VOCABULARY:,} words": work}, names))
    parts.append(samples_table(measure_samples(recipe, names, max(threads)), max(threads)))
    save(scaling_picture(measure_scaling(recipe, names)), PICTURE)
    parts.append(f"![milliseconds per step against batch, hidden size and vocabulary]({PICTURE.name})")
    intro = (
        f"A training step of the recipe `names`, by `make bench` on {date.today()} ({machine['cpu']}, "
        f"{machine['cores']} cores): all run in turn, the tables show medians; loader, forward, backward and optimizer "
        "are in milliseconds. A *baseline* is the same model as it is usually written. *GFLOP/s* counts the operations "
        "of the step's matrix products, over the time of the whole step, and shows their share of the machine's peak: "
        "the highest rate of any backend for square matrices of 256, 512 or 1,024 rows in the same rounds. *Products "
        "only* is that share over the time of the products alone."
    )
    readme.replace("bench", "\n\n".join([intro, *parts]), PAGE)


def gpt() -> None:
    """Measure the GPT; write its part of the page."""
    file, recipe = readme.ROOT / "build" / "bench-gpt.json", load("gpt-cpu")
    parts = [readme.run(f"nnz bench gpt-cpu --json {file}").strip()]
    found = json.loads(file.read_text(encoding="utf-8"))
    machine, timed = found["environment"], dict.fromkeys(t["name"] for t in found["timings"])
    works = {"gpt-cpu": of_gpt(recipe), "one block, 768 wide": of_gpt(wide(recipe))}
    parts.append(memory_table(works, [name for name in timed if name in registry.names()], ["float32"]))
    intro = (
        f"A training step of the model of `gpt-cpu`, without dropout, on random tokens, and of one block of GPT-2's "
        f"smallest model, by `make bench` on {date.today()} ({machine['cpu']}, {machine['cores']} cores). The baseline "
        "is eager torch as nanoGPT writes it, with fused attention. Of the operations, 6 N + 12 L T E a token are "
        "counted, of N weights."
    )
    readme.replace("bench-gpt", "\n\n".join([intro, *parts]), PAGE)


def book(recipe: Recipe) -> Workload:
    """A large vocabulary: 9.2 million parameters, nearly all of them in its rows."""
    for key, value in BOOK.items():
        recipe = recipe.override(f"model.{key}", value)
    return drawn(recipe, BOOK_VOCABULARY)


def memory_table(works: Mapping[str, Workload], names: Sequence[str], dtypes: Sequence[str] = DTYPES) -> str:
    """The memory of each backend and baseline, for each workload and dtype."""
    kinds = [(what, dtype) for what in works for dtype in dtypes]
    lines = ["**MB that training adds to a process at its peak, 1 thread**", ""]
    lines += ["| | " + " | ".join(map(", ".join, kinds)) + " |", "|---" * (len(kinds) + 1) + "|"]
    for contender in (Ours, Baseline):
        for name in names if contender is Ours else filter(next(iter(works.values())).has_baseline, names):
            found = [megabytes(works[what], name, contender, dtype) for what, dtype in kinds]
            cells = ["" if mb is None else f"{mb:.1f}" if mb < 10 else f"{mb:,.0f}" for mb in found]
            lines.append(f"| {'baseline ' * (contender is Baseline)}{name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def megabytes(work: Workload, backend: str, contender: type, dtype: str) -> float | None:
    """The MB (10^6 bytes) that a model, its optimizer and a few steps on one thread add; None if unknown."""
    if not STATUS.exists():
        return None
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as fresh:
        return fresh.submit(_peak, contender, work, backend, dtype).result()


def _peak(contender: type, work: Workload, backend: str, dtype: str) -> float:
    if isinstance(work, GPTWorkload):
        tiny: Workload = of_gpt(work.recipe.override("model.n_embd", work.recipe.model.n_head))
    else:
        tiny = drawn(work.recipe.override("model.hidden_size", 1), 2)
    contender(backend, tiny, dtype, 1).round(1)  # what a library loads on its first use does not count
    before = _resident("VmRSS")
    contender(backend, work, dtype, 1).round(MEMORY_STEPS)
    return (_resident("VmHWM") - before) / 1e6


def _resident(which: str) -> float:
    """Bytes in memory: VmRSS now, VmHWM at most since the process began."""
    lines = STATUS.read_text(encoding="utf-8").splitlines()
    return 1024.0 * next(int(line.split()[1]) for line in lines if line.startswith(f"{which}:"))


def measure_samples(recipe: Recipe, names: Sequence[str], threads: int) -> list[Sampled]:
    """Let each draw names from the same weights in turn, after a round that is not counted."""
    dataset = from_recipe.dataset(recipe)
    runners = dict(_samplers(recipe, names, dataset.tokenizer, _trained(recipe, names[0], dataset)))
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    for number in range(SAMPLING_ROUNDS + 1):
        for name, (_, draw) in runners.items():
            for backend in names:
                registry.load(backend).set_threads(threads)
            rest(threads)
            began = time.perf_counter()
            draw()
            if number > 0:
                seconds[name].append(time.perf_counter() - began)
    return [Sampled(name, count, count / float(np.median(seconds[name]))) for name, (count, _) in runners.items()]


def _samplers(recipe: Recipe, names: Sequence[str], tokenizer: Any, weights: Mapping[str, np.ndarray]):
    """Yield (name, (count, a function that draws so many names))."""
    for name in names:
        model = from_recipe.model(registry.load(name), recipe, tokenizer.vocab_size)
        model.load_parameters(weights)
        sampler = Sampler(model, tokenizer, recipe.model.context_length)
        yield name, (DRAWN, lambda sampler=sampler: [list(tokens) for tokens in sampler.samples(RNG(1), DRAWN)])
    settings = weights, recipe.model.context_length, tokenizer.delimiter, tokenizer.longest_sample
    for name in filter(has_baseline, names):
        draw: Callable | None = getattr(baseline(name), "baseline_samples", None)
        if draw:
            for how, count in (("all at once", DRAWN), ("one by one", DRAWN_ONE_BY_ONE)):
                yield f"baseline {name}, {how}", (count, partial(draw, *settings, count, how == "all at once"))


def _trained(recipe: Recipe, backend: str, dataset: Any) -> dict[str, np.ndarray]:
    nn = registry.load(backend)
    for key in ("steps", "eval_every"):
        recipe = recipe.override(f"train.{key}", TRAINED)
    model = from_recipe.model(nn, recipe, dataset.tokenizer.vocab_size)
    Trainer(model, from_recipe.optimizer(nn, recipe, model), dataset, recipe).run(lambda *_: None)
    return {name: np.array(array) for name, array in model.parameters().items()}


def samples_table(samples: Sequence[Sampled], threads: int) -> str:
    """Names per second, compared with each baseline."""
    baselines = [s for s in samples if s.name.startswith("baseline torch")]
    heads = ["", "names/s", *(f"speed / {s.name}" for s in baselines)]
    lines = [f"**{samples[0].count:,} names drawn from a trained model, {threads_of(threads)}**", ""]
    lines += [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for s in samples:
        ratios = [f"{s.names_per_second / b.names_per_second:.2f} x" for b in baselines]
        lines.append(f"| {' | '.join([s.name, f'{s.names_per_second:,.0f}', *ratios])} |")
    return "\n".join(lines)


def measure_scaling(recipe: Recipe, names: Sequence[str]) -> list[Point]:
    """Time every contender at every size."""
    points = []
    for what, size, work in _sizes(recipe):
        runners = contenders(work, names, ["float32"], [1])
        timings = measure(work, runners, SCALING_ROUNDS, seconds=SCALING_SECONDS)
        points += [Point(t.name, what, size, t.step) for t in timings]
    return points


def _sizes(recipe: Recipe) -> Iterator[tuple[str, int, Workload]]:
    for size in BATCHES:
        yield "batch", size, of_recipe(recipe.override("train.batch_size", size))
    for size in HIDDEN:
        yield "hidden", size, of_recipe(recipe.override("model.hidden_size", size))
    for size in VOCABULARIES:
        yield "vocabulary", size, drawn(recipe, size)


def scaling_picture(points: Sequence[Point]) -> Figure:
    """A panel for each size that grows, a line for each contender; both axes are logarithmic."""
    kinds, names = (list(dict.fromkeys(values)) for values in zip(*((p.what, p.name) for p in points), strict=True))
    figure = new_figure(12, 4.2)
    panels = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
    for panel, what in zip(panels, kinds, strict=True):
        for i, name in enumerate(names):
            own = [(p.size, 1e3 * p.step) for p in points if (p.what, p.name) == (what, name)]
            style = {"linestyle": "--" if name.startswith("baseline") else "-", "color": COLOURS[i % len(COLOURS)]}
            panel.plot(*zip(*own, strict=True), marker="o", markersize=4, label=name, **style)
        sizes = list(dict.fromkeys(p.size for p in points if p.what == what))
        panel.set(xscale="log", yscale="log", xlabel=what)
        panel.set_xticks(sizes, [f"{size:,}" for size in sizes])
        panel.xaxis.set_minor_formatter("")
        panel.grid(alpha=0.25)
    panels[0].set_ylabel("milliseconds per step")
    figure.suptitle("a training step of the recipe names, float32, 1 thread")
    legend_outside(figure, panels[0].lines)
    return figure


if __name__ == "__main__":
    gpt() if sys.argv[1:] == ["gpt"] else main()
