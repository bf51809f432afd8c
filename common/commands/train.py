"""Train a model by a recipe: log, checkpoints, samples and plot.

stdout holds the results and nothing that varies from run to run; notes and the progress bar go to stderr.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ..backend import registry
from ..files.errors import UsageError, refusing
from ..recipes.recipe import Recipe, assignment, known, load
from ..recipes.settings import integer, read

EXAMPLES = """\
  nnz train names
  nnz train names --backend numpy --dtype float64 --steps 2000
  nnz train names --data my-book.txt --set model.hidden_size=256 --out runs/my-book
  nnz train names --precision strict --steps 2000
  nnz train names --resume
  nnz train gpt-cpu
  torchrun --nproc_per_node 2 -m nnz train gpt
"""
ON_OFF = {True: "on", False: "off", None: None}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("recipe", metavar="RECIPE", help=f"one of {', '.join(known())}, or a .toml file")
    add("--backend", metavar="NAME", help=f"{', '.join(registry.names())}, or a dotted module; default: c, else numpy")
    add("--data", metavar="NAME", help="a data set (nnz data list), a UTF-8 text file, or a folder with three splits")
    add("--dtype", help="float32 or float64")
    add("--precision", help="native, or strict: the same bits on every backend and CPU; slower; float32 alone")
    add("--steps", type=int, metavar="N", help="how many updates")
    add("--seed", type=int, metavar="N", help="what the initial weights are drawn from")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to compute; default: auto")
    add("--threads", type=int, metavar="N", help="how many threads the backend may use; on a busy machine 1 is best")
    on_off, on_gpu = argparse.BooleanOptionalAction, "or not; default: for a gpt on a GPU"
    add("--autocast", action=on_off, help=f"for a gpt: compute in bfloat16, {on_gpu}")
    add("--compile", action=on_off, help=f"for a gpt, or an mlp in torch: use torch.compile, slow to begin, {on_gpu}")
    add("--deterministic", action="store_true", help="for a gpt: use no kernel that may give other bits each time")
    add("--set", action="append", default=[], metavar="K=V", help="set section.key of the recipe; may be repeated")
    add("--out", metavar="DIR", help="the run folder; default: runs/RECIPE-BACKEND")
    add("--resume", action="store_true", help="go on from the run folder's checkpoint")
    add("--restart", action="store_true", help="train anew where a finished run would only be shown again")


def run(arguments: argparse.Namespace) -> None:
    """Train. Raises Refusal, and what `Run.train` raises."""
    with refusing():
        recipe = _recipe(arguments)
        backend = _backend(arguments, recipe)
        _one_of_several(recipe)
        if arguments.resume and arguments.restart:
            raise UsageError("--resume goes on and --restart begins anew: give one of them")
        from ..runs.folder import run_path  # only now: --help and a wrong word need no data, no plots and no backend
        from ..training.run import Run

        out = run_path(arguments.out, recipe.name, backend)
        if not (arguments.resume or arguments.restart) and _shown_again(out, recipe, backend):
            return
        ready = Run(recipe, backend, out, arguments.resume, arguments.device, arguments.threads)
    ready.train()
    if _is_silent():
        os._exit(0)  # at once: while Python ended, torch's threads, not yet done with the others, now and then aborted


def _is_silent() -> bool:
    """Whether this is one of several workers that torchrun started, and not the first."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and os.environ.get("RANK", "0") != "0"


def _one_of_several(recipe: Recipe) -> None:
    """Of the workers that torchrun started let only the first one speak. Raises UsageError where they cannot share."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return
    if not recipe.model.everywhere:
        raise UsageError(f"torchrun is for a gpt; train {recipe.name} by nnz train alone")
    if _is_silent():
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (until the process ends)


def _shown_again(out: Path, recipe: Recipe, backend: str) -> bool:
    """Print what the finished run printed, if `out` holds it; tell whether it does."""
    from ..files.progress import note
    from ..training import replay

    results = replay.printed(out, recipe, backend)
    if results is not None:
        note(f"{out} holds this run, finished: these are its results; --restart trains it anew")
        print(results, end="", flush=True)
    return results is not None


def _recipe(arguments: argparse.Namespace) -> Recipe:
    recipe = load(arguments.recipe)
    for word in arguments.set:
        recipe = recipe.override(*assignment(word))
    flags = {
        "data.name": arguments.data,
        "model.dtype": arguments.dtype,
        "model.precision": arguments.precision,
        "train.steps": arguments.steps,
        "train.seed": arguments.seed,
        "train.autocast": ON_OFF[arguments.autocast],
        "train.compile": ON_OFF[arguments.compile],
        "train.deterministic": arguments.deterministic or None,
    }
    for key, value in flags.items():
        if value is not None:
            recipe = recipe.override(key, value)
    return recipe


def _backend(arguments: argparse.Namespace, recipe: Recipe) -> str:
    if arguments.out == "":
        raise UsageError("--out is empty; give a folder")
    if arguments.threads is not None:
        read("--threads", integer(1), arguments.threads)
    if arguments.backend is not None:
        return arguments.backend
    recorded = recipe.train.backend
    if recorded and recorded not in registry.names():  # a recipe from elsewhere must not choose what code runs
        raise UsageError(f"the recipe asks for the module {recorded!r}; if you trust it, give --backend {recorded}")
    return recorded or registry.default()
