"""Time a training step of every backend on this machine, and of the usual way of writing it.

Contenders run in turn, round after round; medians are shown. A backend that fails parity gets no figure.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from pathlib import Path

from . import backends
from .errors import refusing
from .progress import note
from .recipe import load, parse_value

EXAMPLES = """\
  nnz bench
  nnz bench --backend c --backend torch --dtype float32 --threads 1
  nnz bench --json bench.json
  nnz bench --set model.hidden_size=2048
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("--backend", action="append", metavar="NAME", help="may be repeated; default: every one that is here")
    add("--dtype", action="append", choices=("float32", "float64"), help="may be repeated; default: both")
    add("--threads", action="append", type=int, metavar="N", help="may be repeated; default: 1 and all of this machine")
    add("--rounds", type=int, default=15, metavar="N", help="how often each contender has its turn; default: 15")
    add("--steps", type=int, default=40, metavar="N", help="training steps in a turn; default: 40")
    add("--set", action="append", default=[], metavar="K=V", help="set section.key of the recipe names")
    add("--json", metavar="FILE", help="write the figures there too, those of each op and on what they were measured")


def run(arguments: argparse.Namespace) -> None:
    """Measure and print the table. Raises Refusal."""
    from tqdm import tqdm

    from .benchmark import contenders, measure
    from .benchmark_ops import measure_ops
    from .conformance.environment import environment
    from .conformance.grading import grade

    with refusing():
        recipe = load("names")
        for word in arguments.set:
            key, _, value = word.partition("=")
            recipe = recipe.override(key.strip(), parse_value(value.strip()))
        names = [name for name in arguments.backend or backends.available() if _parity_holds(name, grade)]
        threads = arguments.threads or sorted({1, os.cpu_count() or 1})
        runners = contenders(recipe, names, arguments.dtype or ["float32", "float64"], threads)
        with tqdm(total=arguments.rounds + 1, unit="round", disable=None) as bar:
            timings = measure(runners, arguments.rounds, arguments.steps, bar.update)
    print(table(timings))
    if arguments.json:
        ops = measure_ops(recipe, names, arguments.dtype or ["float32", "float64"], arguments.rounds)
        figures = {"environment": environment(), "timings": [dataclasses.asdict(timing) for timing in timings]}
        figures["ops"] = [dataclasses.asdict(timing) for timing in ops]
        Path(arguments.json).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def table(timings: list) -> str:
    """The figures in Markdown: milliseconds a step, and how often one fits into the slowest torch way's."""
    lines = ["| | dtype | threads | ms a step | quartiles | loader | forward | backward | optimizer | to usual torch |"]
    lines.append("|---" * 10 + "|")
    usual = {(t.dtype, t.threads): t.step for t in timings if t.name == "usual torch"}
    for t in timings:
        parts = " | ".join(f"{1e3 * t.parts[p]:.3f}" if p in t.parts else "" for p in _parts())
        low, high = (f"{1e3 * seconds:.3f}" for seconds in t.quartiles)
        ratio = f"{usual[t.dtype, t.threads] / t.step:.2f} x" if (t.dtype, t.threads) in usual else ""
        head = f"| {t.name} | {t.dtype} | {t.threads} | {1e3 * t.step:.3f}"
        lines.append(f"{head} | {low} – {high} | {parts} | {ratio} |")
    return "\n".join(lines)


def _parts() -> tuple[str, ...]:
    from .benchmark import PARTS

    return PARTS


def _parity_holds(name: str, grade) -> bool:
    levels = ("mlp", "adamw")
    report = grade(name, levels=levels, rounds=3)
    if not report.ok:
        note(f"{name} fails parity ({report.summary()} of {', '.join(levels)}): it gets no figure")
    return report.ok
