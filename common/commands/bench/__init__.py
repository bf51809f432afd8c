"""Time a training step of every backend on this machine, next to a baseline.

All run in turn, round after round, and the tables show the medians. A backend that fails parity is not timed. With the
default settings this takes about three minutes.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from pathlib import Path
from typing import Any

from ...backend import registry
from ...files.errors import Refusal, UsageError, refusing
from ...files.progress import note
from ...recipes.recipe import Recipe, assignment, load
from ...recipes.settings import integer, read

EXAMPLES = """\
  nnz bench
  nnz bench --backend c --backend torch --dtype float32 --threads 1
  nnz bench --json bench.json
  nnz bench --full --plot speed.png
  nnz bench --set model.hidden_size=2048
"""
DTYPES = ("float32", "float64")
FEW = 7  # rounds, of the large vocabulary
TURN = 0.2  # seconds of it in a round, or one step if that takes longer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("--backend", action="append", metavar="NAME", help="may be repeated; default: every one that is here")
    add("--dtype", action="append", choices=DTYPES, help="may be repeated; default: both")
    add("--threads", action="append", type=int, metavar="N", help="may be repeated; default: 1 and all of this machine")
    add("--rounds", type=int, default=15, metavar="N", help="how often each contender has its turn; default: 15")
    add("--steps", type=int, default=40, metavar="N", help="training steps in a turn; default: 40")
    add("--set", action="append", default=[], metavar="K=V", help="set section.key of the recipe names")
    add("--full", action="store_true", help="memory, a vocabulary of 27,755 and sampling too: some minutes")
    add("--plot", metavar="FILE", help="draw how the time grows with each size, as a PNG: some minutes")
    add("--json", metavar="FILE", help="write the figures there too, those of each op and on what they were measured")


def run(arguments: argparse.Namespace) -> None:
    """Measure and print the tables. Raises Refusal."""
    with refusing():
        recipe, threads = _settings(arguments)
        _try_to_write(arguments.plot, arguments.json)
        names = _in_parity(list(dict.fromkeys(arguments.backend or registry.available())))
        figures = _measured(arguments, recipe, names, threads)
        if arguments.plot:
            figures["scaling"] = _drawn(recipe, names, Path(arguments.plot))
    if arguments.json:
        text = json.dumps(_plain(_about(arguments, recipe, names) | figures), indent=2)
        Path(arguments.json).write_text(text + "\n", encoding="utf-8")


def _settings(arguments: argparse.Namespace) -> tuple[Recipe, list[int]]:
    recipe = load("names")
    for word in arguments.set:
        recipe = recipe.override(*assignment(word))
    threads = sorted(set(arguments.threads or [1, os.cpu_count() or 1]))
    for name, values in {"rounds": [arguments.rounds], "steps": [arguments.steps], "threads": threads}.items():
        for value in values:
            read(f"--{name}", integer(1), value)
    return recipe, threads


def _try_to_write(plot: str | None, figures: str | None) -> None:
    """Raise what would else come after minutes of timing: UsageError for no PNG, OSError for a file that cannot be."""
    if plot and Path(plot).suffix.lower() != ".png":
        raise UsageError(f"--plot {plot!r} draws a PNG: give it a name that ends in .png")
    for path in filter(None, (plot, figures)):
        is_new = not Path(path).exists()
        with open(path, "ab"):
            pass
        if is_new:
            Path(path).unlink()


def _measured(arguments: argparse.Namespace, recipe: Recipe, names: list[str], threads: list[int]) -> dict[str, Any]:
    """Print each table as soon as it is measured."""
    from tqdm import tqdm

    from . import memory as benchmark_memory
    from .contenders import contenders
    from .measure import measure
    from .samples import measure_samples
    from .table import samples_table, tables
    from .workload import book, of_recipe

    work, dtypes = of_recipe(recipe), list(dict.fromkeys(arguments.dtype or DTYPES))
    with tqdm(total=arguments.rounds + 1, unit="round", disable=None) as bar:
        runners = contenders(work, names, dtypes, threads)
        timings = measure(work, runners, arguments.rounds, arguments.steps, on_round=bar.update)
    memory = benchmark_memory.of_all(work, names, dtypes) if arguments.full else {}
    print(tables(timings, memory), flush=True)
    figures = {"timings": timings, "memory": memory}
    if arguments.full:
        work = book(recipe)
        timings = measure(work, contenders(work, names, dtypes[:1], threads), FEW, arguments.steps, TURN)
        memory = benchmark_memory.of_all(work, names, dtypes[:1])
        what = f"{work.vocab_size:,} words, context {work.sizes.T}, embedding {work.sizes.E}, hidden {work.sizes.H}; "
        print(f"\n{tables(timings, memory, what)}", flush=True)
        figures |= {"book": timings, "book_memory": memory}
        figures["samples"] = measure_samples(recipe, names, max(threads))
        print(f"\n{samples_table(figures['samples'], max(threads))}")
    return figures


def _drawn(recipe: Recipe, names: list[str], path: Path) -> list:
    from tqdm import tqdm

    from ...pictures.drawing import save
    from ...pictures.speed import scaling
    from .scaling import POINTS, measure_scaling

    with tqdm(total=POINTS, unit="size", disable=None) as bar:
        points = measure_scaling(recipe, names, bar.update)
    save(scaling(points, "a training step of the recipe names, float32, 1 thread"), path)
    return points


def _about(arguments: argparse.Namespace, recipe: Recipe, names: list[str]) -> dict[str, Any]:
    """On what it was measured, how the backends were built, and the time of each op."""
    from ...conformance.environment import environment
    from .ops import measure_ops
    from .workload import of_recipe

    built = {name: _built_with(registry.load(name)) for name in names}
    ops = measure_ops(of_recipe(recipe), names, arguments.dtype or DTYPES, arguments.rounds)
    return {"environment": environment(), "built_with": built, "ops": ops}


def _built_with(nn: Any) -> str | None:
    """What the backend says of itself; one from elsewhere may not."""
    tell = getattr(getattr(nn, "runtime", None), "built_with", None)
    return tell and tell()


def _plain(figures: Any) -> Any:
    """What json can write: a dataclass as a dict, and a key of several words as one."""
    if dataclasses.is_dataclass(figures):
        return dataclasses.asdict(figures)
    if isinstance(figures, dict):
        return {", ".join(key) if isinstance(key, tuple) else key: _plain(value) for key, value in figures.items()}
    return [_plain(value) for value in figures] if isinstance(figures, list) else figures


def _in_parity(names: list[str] | tuple[str, ...]) -> list[str]:
    """The backends that may have a figure. Raises Refusal where there is none."""
    from ...conformance.grading import grade

    passed, levels = [], ("mlp", "adamw")
    for name in names:
        report = grade(name, levels=levels, rounds=3)
        if report.ok:
            passed.append(name)
        else:
            note(f"{name} fails parity ({report.summary()} of {', '.join(levels)}): it gets no figure")
    if not passed:
        raise Refusal("no backend is left to time: see nnz parity")
    return passed
