"""Train a model from a recipe; write its log, checkpoints, samples and pictures.

stdout carries the results and nothing that varies from run to run; notes and the progress bar go to stderr.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..backend import registry
from ..files.errors import UsageError, nearest, refusing
from ..files.terminal import is_one_of_several, is_silent_worker
from .flags import check_threads, whole

if TYPE_CHECKING:
    from ..recipes.recipe import Recipe
    from ..training.run import Run

EXAMPLES = """\
  nnz train names
  nnz train names --backend numpy --dtype float64 --steps 2000
  nnz train names --data my-names.txt --set model.hidden_size=256 --out runs/my-names
  nnz train words --data my-book.txt --out runs/my-book
  nnz train names --precision strict --steps 2000
  nnz train names --resume
  nnz train --resume runs/names-c --steps 60000
  nnz train names --data my-names.txt --init runs/names-c --out runs/from-names
  nnz train gpt-cpu
  torchrun --nproc_per_node 2 -m nnz train gpt
"""
RECIPES = Path(__file__).parents[1] / "recipes"  # its files are listed here: recipe.py needs numpy
ON_OFF = {True: "on", False: "off", None: None}
GPU = "gpu"  # the backend of a recipe whose model is slow without one


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    known = ", ".join(sorted(file.stem for file in RECIPES.glob("*.toml")))
    add("recipe", metavar="RECIPE", nargs="?", help=f"one of {known}, or a .toml file; --resume RUN needs none")
    add_run_arguments(parser)
    add("--dtype", help="float32 or float64")
    add("--precision", help="native, or strict: the same bits on every backend and CPU, but slower; only in float32")
    add("--steps", type=whole, metavar="N", help="number of updates; with --resume and a larger N, a run goes on")
    add("--seed", type=whole, metavar="N", help="seed of the initial weights")
    add("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto", help="where to compute; default: auto")
    on_off, only_gpu = argparse.BooleanOptionalAction, "default: only for a gpt on a GPU"
    add("--autocast", action=on_off, help=f"compute in bfloat16 (gpt in torch only); {only_gpu}")
    add("--compile", action=on_off, help=f"use torch.compile, which starts slowly (gpt in torch only); {only_gpu}")
    add("--deterministic", action="store_true", help="use only kernels that give the same bits (gpt in torch only)")
    add("--set", action="append", default=[], metavar="K=V", help="set section.key of the recipe; may be repeated")
    add("--out", metavar="DIR", help="the run folder; default: runs/RECIPE-BACKEND")
    add("--init", metavar="RUN", help="a run folder or a checkpoint, also an imported one: start with its weights")
    resume = "continue from the checkpoint in the run folder, or in RUN, which knows its recipe"
    add("--resume", metavar="RUN", nargs="?", const=True, default=False, help=resume)
    add("--restart", action="store_true", help="train again, and replace the run that is in the run folder")


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the data, the backend and its threads."""
    add, own = parser.add_argument, ", ".join(registry.names())
    default = "c, else numpy; torch for gpt and gpt-best on a GPU"
    add("--data", metavar="NAME", help="a data set (see nnz data list), a text file, or a folder with three splits")
    add("--backend", metavar="NAME", help=f"{own}, or a module such as my_package.my_module; default: {default}")
    add(
        "--threads",
        type=whole,
        metavar="N",
        help="1 to 1024 threads; default: C chooses, others take 1 (GPT: all)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Train. Raises Refusal, and what `Run.train` raises."""
    with refusing():
        if arguments.resume and arguments.restart:
            raise UsageError("--resume continues a run and --restart begins it again; give only one of them")
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported: see docs/speed.md
        _find_recipe(arguments)
        recipe = _recipe(arguments)
        backend = _backend(arguments, recipe)
        _one_of_several(recipe)
        from ..runs.folder import run_path  # only now: --help and a wrong word must not wait for data and plots
        from ..training.run import Run, same_run

        out = run_path(arguments.out, recipe.name, backend)
        if arguments.resume and not asks_for_steps(arguments):
            same_run(out, recipe)
        if not arguments.restart and _shown_again(out, recipe, backend, arguments.resume):
            return
        flags = arguments.resume, arguments.device, arguments.threads, arguments.restart
        ready = Run(recipe, backend, out, *flags)
        asked, chosen = recipe.train.backend, arguments.backend is not None or arguments.device != "auto"
        if asked == GPU and backend != registry.TORCH and not chosen:
            _say_cost(ready)
    ready.train()
    if is_silent_worker():
        os._exit(0)  # at once: while Python ended, torch's threads, not yet done with the others, now and then aborted


def _say_cost(ready: Run) -> None:
    """Say how long the training will take without a GPU, and how to get on with less."""
    from ..files.terminal import note
    from ..training import cost

    takes = cost.in_words(cost.seconds(ready.trainer))
    note(
        f"no GPU for torch here: {ready.recipe.name} will take about {takes} in {ready.backend}; Ctrl-C stops it and "
        "--resume goes on; gpt-cpu is the recipe for minutes"
    )


def _one_of_several(recipe: Recipe) -> None:
    """Let only the first of torchrun's processes print. Raises UsageError if they cannot share the work."""
    if not is_one_of_several():
        return
    if not recipe.model.predicts_every_position:
        raise UsageError(f"torchrun works only for a gpt; train {recipe.name} with nnz train")
    if is_silent_worker():
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (until the process ends)


def _find_recipe(arguments: argparse.Namespace) -> None:
    """Tell the run from the recipe: `--resume runs/names-c` is a folder, `--resume names` a flag and a recipe."""
    word, recipe = arguments.resume, arguments.recipe
    if isinstance(word, str):
        arguments.resume = True
        if (
            recipe is None
            and not Path(word).is_dir()
            and (word.endswith(".toml") or (RECIPES / f"{word}.toml").is_file())
        ):
            arguments.recipe = word
        elif arguments.out not in (None, word):
            raise UsageError(f"--resume {word} and --out {arguments.out} are two folders; give only one of them")
        else:
            arguments.out = word
    if arguments.recipe is None and not (arguments.resume and arguments.out):
        raise UsageError("which recipe? give one, such as names, or a run to go on with: --resume runs/names-c")


def _shown_again(out: Path, recipe: Recipe, backend: str, resume: bool) -> bool:
    """Print what the finished run printed, if `out` holds it; tell whether it does.

    Not for a run that was stopped while it drew its pictures, if it is to be resumed, nor, unless it is, for one that
    began with the weights of another, which may have been trained on since.
    """
    from ..files.terminal import note
    from ..runs.folder import RunFolder
    from ..training.run import recorded_output

    if (recipe.train.init and not resume) or (resume and not RunFolder(out).plot.exists()):
        return False
    results = recorded_output(out, recipe, backend)
    if results is not None:
        note(f"{out} holds this run, finished: here are its results; to train again, add --restart")
        print(results, end="", flush=True)
    return results is not None


def asks_for_steps(arguments: argparse.Namespace) -> bool:
    """Tell whether the command line names a number of steps, to which alone a run goes on."""
    return arguments.steps is not None or any(word.partition("=")[0].strip() == "train.steps" for word in arguments.set)


def _recipe(arguments: argparse.Namespace) -> Recipe:
    from ..recipes.recipe import assignment, load

    recipe = load(arguments.recipe) if arguments.recipe is not None else _recorded(arguments.out, arguments.data)
    for word in arguments.set:
        recipe = recipe.override(*assignment(word))
    flags = {
        "data.name": arguments.data,
        "model.dtype": arguments.dtype,
        "model.precision": arguments.precision,
        "train.steps": arguments.steps,
        "train.seed": arguments.seed,
        "train.init": arguments.init,
        "train.autocast": ON_OFF[arguments.autocast],
        "train.compile": ON_OFF[arguments.compile],
        "train.deterministic": arguments.deterministic or None,
    }
    for key, value in flags.items():
        if value is not None:
            recipe = recipe.override(key, value)
    return recipe


def _recorded(run: str, data: str | None) -> Recipe:
    """The recipe that the run in a folder was trained by, and its backend."""
    from ..runs import load_model
    from ..training.run import refuse_imported

    if Path(run).is_file():
        raise UsageError(f"{run} is a file; name its run folder, or start a new run with its weights: --init {run}")
    if not Path(run).is_dir():
        raise FileNotFoundError(f"there is no run folder {run} to resume; train first, or name another run")
    checkpoint = load_model.find(run)
    refuse_imported(checkpoint, run)
    if data is None:
        load_model.refuse_missing_data(checkpoint.recipe)
    return checkpoint.recipe.override("train.backend", checkpoint.recipe.train.backend or checkpoint.backend)


def _backend(arguments: argparse.Namespace, recipe: Recipe) -> str:
    if arguments.out == "":
        raise UsageError("--out is empty; give a folder")
    check_threads(arguments.threads)
    if arguments.backend is not None:
        return arguments.backend
    recorded = recipe.train.backend
    if recorded in ("", GPU) and is_one_of_several():
        return registry.TORCH
    if recorded == GPU:
        on_gpu = arguments.device in ("cuda", "mps") or (arguments.device == "auto" and registry.has_gpu())
        return registry.TORCH if on_gpu else registry.default()
    if recorded and recorded not in registry.names():  # a recipe from elsewhere must not choose what code runs
        hint = f"{nearest(recorded, registry.names())}; if you trust the module, add --backend {recorded}"
        raise UsageError(f"the recipe asks for the module {recorded!r}; {hint}")
    return recorded or registry.default()
