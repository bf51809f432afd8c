"""Time a training step of every backend on this machine, next to a baseline; of a GPT its generation too.

All run in turn, round after round, and the tables show the medians. A backend that fails parity is not timed. With the
default settings this takes about three minutes, and of a GPT about two.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...backend import registry
from ...files.atomic import check_writable, write_json
from ...files.errors import Refusal, UsageError, refusing
from ...files.terminal import bar, note
from ..flags import check, check_threads, whole

if TYPE_CHECKING:
    from ...recipes.recipe import Recipe
    from .measure import Timing

EXAMPLES = """\
  nnz bench
  nnz bench --backend c --backend torch --dtype float32 --threads 1
  nnz bench --json bench.json
  nnz bench --set model.hidden_size=2048
  nnz bench gpt-cpu
"""
DTYPES = ("float32", "float64")
ROUNDS, GPT_ROUNDS = 15, 5
GPT_TURN = 0.2  # seconds that a GPT takes in a round, or one step if that takes longer
BASELINE = "baseline torch"  # the one that every row is compared with


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("recipe", nargs="?", default="names", metavar="RECIPE", help="a recipe of kind mlp or gpt; default: names")
    add("--backend", action="append", metavar="NAME", help="may be repeated; default: every backend on this machine")
    add("--dtype", action="append", choices=DTYPES, help="may be repeated; default: both, of a GPT float32")
    add("--threads", action="append", type=whole, metavar="N", help="may be repeated; default: 1 and all cores")
    add("--rounds", type=whole, metavar="N", help="number of rounds, in which all run in turn; default: 15, of a GPT 5")
    add("--steps", type=whole, default=40, metavar="N", help="training steps of each in a round; default: 40")
    add("--set", action="append", default=[], metavar="K=V", help="set section.key of the recipe")
    add("--json", metavar="FILE", help="write the times, also of each op, and the machine to FILE as JSON")


def run(arguments: argparse.Namespace) -> None:
    """Measure and print the tables. Raises Refusal."""
    with refusing():
        recipe, threads = _settings(arguments)
        if arguments.json:
            check_writable(Path(arguments.json))
        names = list(dict.fromkeys(arguments.backend or registry.available()))
        if recipe.model.predicts_every_position:
            _run_gpt(arguments, recipe, in_parity(names, ("gpt", "adamw")), threads)
            return
        names = in_parity(names)
        timings = _measured(arguments, recipe, names, threads)
        print(tables(timings), flush=True)
        if arguments.json:
            figures = _about(arguments, recipe, names) | {"timings": [dataclasses.asdict(t) for t in timings]}
            write_json(Path(arguments.json), figures)


def _run_gpt(arguments: argparse.Namespace, recipe: Recipe, names: list[str], threads: list[int]) -> None:
    """A step, a step of a block of GPT-2's width unless the recipe was changed, and generation."""
    from ...conformance.environment import environment
    from .contenders import contenders
    from .gpt import generation_table, measure_generation, of_gpt, shape_of, wide
    from .measure import measure

    works = [of_gpt(recipe)] + ([] if arguments.set else [of_gpt(wide(recipe))])
    found, parts = [], []
    with bar((arguments.rounds + 1) * len(works), "round") as shown:
        for work in works:
            runners = contenders(work, names, list(dict.fromkeys(arguments.dtype or ["float32"])), threads)
            timings = measure(work, runners, arguments.rounds, arguments.steps, GPT_TURN, on_round=shown.update)
            found += [dataclasses.asdict(t) | {"shape": shape_of(work)} for t in timings]
            parts.append(tables(timings, shape_of(work)))
    tokens = measure_generation(works[0], names, arguments.rounds)
    print("\n\n".join([*parts, generation_table(tokens, BASELINE)]), flush=True)
    if arguments.json:
        figures = {"environment": environment(), "timings": found, "tokens_per_second": tokens}
        write_json(Path(arguments.json), figures)


def _settings(arguments: argparse.Namespace) -> tuple[Recipe, list[int]]:
    from ...recipes.recipe import assignment, load

    recipe = load(arguments.recipe)
    for word in arguments.set:
        recipe = recipe.override(*assignment(word))
    if recipe.model.kind not in ("mlp", "gpt"):
        raise UsageError(f"{arguments.recipe} is a recipe of kind {recipe.model.kind}; nnz bench times mlp and gpt")
    if arguments.rounds is None:
        arguments.rounds = GPT_ROUNDS if recipe.model.kind == "gpt" else ROUNDS
    threads = sorted(set(arguments.threads or [1, os.cpu_count() or 1]))
    check("--rounds", arguments.rounds, 1)
    check("--steps", arguments.steps, 1)
    for n in threads:
        check_threads(n)
    return recipe, threads


def in_parity(names: list[str], levels: tuple[str, ...] = ("mlp", "adamw")) -> list[str]:
    """The backends that pass parity, and so may be timed. Raises Refusal if there are none."""
    from ...conformance.grading import grade

    passed = []
    for name in names:
        report = grade(name, levels=levels, rounds=3)
        if report.ok:
            passed.append(name)
        else:
            note(f"{name} fails parity ({report.summary()} of {', '.join(levels)}), so it is not timed")
    if not passed:
        raise Refusal("every backend fails parity, so there is nothing to time; see nnz parity")
    return passed


def _measured(arguments: argparse.Namespace, recipe: Recipe, names: list[str], threads: list[int]) -> list[Timing]:
    from .contenders import contenders
    from .measure import measure
    from .workload import of_recipe

    work, dtypes = of_recipe(recipe), list(dict.fromkeys(arguments.dtype or DTYPES))
    with bar(arguments.rounds + 1, "round") as shown:
        runners = contenders(work, names, dtypes, threads)
        return measure(work, runners, arguments.rounds, arguments.steps, on_round=shown.update)


def _about(arguments: argparse.Namespace, recipe: Recipe, names: list[str]) -> dict[str, Any]:
    """The machine, how the backends were built, and the time of each op."""
    from ...conformance.environment import environment
    from .measure import measure_ops
    from .workload import of_recipe

    built = {name: _built_with(registry.load(name)) for name in names}
    ops = measure_ops(of_recipe(recipe), names, arguments.dtype or DTYPES, arguments.rounds)
    return {"environment": environment(), "built_with": built, "ops": [dataclasses.asdict(op) for op in ops]}


def _built_with(nn: Any) -> str | None:
    """How the backend says that it was built; None for one from elsewhere that does not say it."""
    tell = getattr(getattr(nn, "runtime", None), "built_with", None)
    return tell and tell()


def tables(timings: Sequence[Timing], what: str = "") -> str:
    """A Markdown table for each dtype and number of threads; `what` begins their titles."""
    kinds = dict.fromkeys((t.dtype, t.threads) for t in timings)
    return "\n\n".join(_table([t for t in timings if (t.dtype, t.threads) == kind], what) for kind in kinds)


def _table(timings: Sequence[Timing], what: str) -> str:
    from .contenders import PARTS

    baseline = next((t.step for t in timings if t.name == BASELINE), None)
    heads = ["", "ms per step", "quartiles", *PARTS, "tokens/s", "GFLOP/s", "products only"]
    heads += [f"speed / {BASELINE}"] * bool(baseline)
    lines = [
        f"**{what}{timings[0].dtype}, {threads_of(timings[0].threads)}**; "
        f"the machine's peak is {timings[0].peak_gflops:.0f} GFLOP/s",
        "",
        f"| {' | '.join(heads)} |",
        "|---" * len(heads) + "|",
    ]
    for t in timings:
        low, high = (f"{1e3 * seconds:.3f}" for seconds in t.quartiles)
        cells = [t.name, f"{1e3 * t.step:.3f}", f"{low} – {high}"]
        cells += [f"{1e3 * t.parts[part]:.3f}" if part in t.parts else "" for part in PARTS]
        cells += [f"{t.tokens_per_second:,.0f}", f"{t.gflops:.1f} ({t.share_of_peak:.0%})"]
        cells += ["" if t.products_share is None else f"{t.products_share:.0%}"]
        cells += [] if baseline is None else [f"{baseline / t.step:.2f} x"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def threads_of(n: int) -> str:
    """The number of threads, in words."""
    return f"{n} thread{'s' * (n != 1)}"
