"""Time a training step of a GPT on this machine, next to baselines in eager torch.

All run in turn, round after round, and the table shows the medians.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from ..files.atomic import check_writable, write_json
from ..files.errors import UsageError, refusing
from ..files.terminal import bar
from .flags import check, check_threads, whole

EXAMPLES = """\
  nnz bench-gpt
  nnz bench-gpt gpt --json gpt.json
  nnz bench-gpt --data names --rounds 3
  nnz bench-gpt --set model.n_layer=2
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("recipe", nargs="?", default="gpt-cpu", metavar="RECIPE", help="a recipe of kind gpt; default: gpt-cpu")
    add("--data", metavar="NAME", help="a data set (see nnz data list), a text file, or a folder with three splits")
    add("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto", help="where to compute; default: auto")
    add("--threads", type=whole, metavar="N", help="number of threads of torch")
    add("--rounds", type=whole, default=9, metavar="N", help="number of rounds, in which all run in turn; default: 9")
    add("--steps", type=whole, default=10, metavar="N", help="training steps of each in a round; default: 10")
    add("--set", action="append", default=[], metavar="K=V", help="set section.key of the recipe; may be repeated")
    add("--json", metavar="FILE", help="write the times and the machine to FILE as JSON")


def run(arguments: argparse.Namespace) -> None:
    """Measure and print the table. Raises Refusal."""
    from ..backend import registry
    from ..conformance.environment import environment
    from ..recipes import from_recipe
    from ..recipes.recipe import assignment, load

    with refusing():
        recipe = load(arguments.recipe)
        for word in arguments.set:
            recipe = recipe.override(*assignment(word))
        if not recipe.model.predicts_every_position:
            raise UsageError(f"{arguments.recipe} is a recipe of kind {recipe.model.kind}, not gpt; use nnz bench")
        if arguments.data is not None:
            recipe = recipe.override("data.name", arguments.data)
        check("--rounds", arguments.rounds, 1)
        check("--steps", arguments.steps, 1)
        check_threads(arguments.threads)
        if arguments.json:
            check_writable(Path(arguments.json))
        nn = registry.load("torch")
        device = registry.choose_device(nn, arguments.device, arguments.threads, large=True)
        dataset = from_recipe.dataset(recipe)
        with bar(arguments.rounds + 1, "round") as shown:
            measure = registry.gpt().benchmark.measure
            timings = measure(recipe, dataset, device, arguments.rounds, arguments.steps, shown.update)
    print(table(timings, "bfloat16" if device == "cuda" else recipe.model.dtype))
    if arguments.json:
        figures = {"environment": environment(), "recipe": recipe.name, "device": device}
        figures["timings"] = [dataclasses.asdict(timing) for timing in timings]
        with refusing():
            write_json(Path(arguments.json), figures)


def table(timings: list, peak: str) -> str:
    """The times in Markdown, with the speed of nnz.gpt compared with each baseline."""
    lines = [
        f"| | ms per step | tokens/s | share of the {peak} peak | time, with nnz.gpt as 1 |",
        "|---|---:|---:|---:|---:|",
    ]
    ours = timings[0].tokens_per_second
    for t in timings:
        faster = "" if t is timings[0] else f"{ours / t.tokens_per_second:.2f} x"
        figures = f"{1e3 * t.seconds:.1f} | {t.tokens_per_second:,.0f} | {t.share_of_peak:.0%}"
        lines.append(f"| {t.name} | {figures} | {faster} |")
    return "\n".join(lines)
