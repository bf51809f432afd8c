"""Read a GPT-2 from a folder of Hugging Face transformers into a run folder.

The folder must be as nnz export --to hf writes it. nnz sample and nnz export then treat it like any other run.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from ..files.errors import refusing

EXAMPLES = """\
  nnz import my-gpt2 --out runs/my-gpt2
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("folder", metavar="DIR", help="a folder with config.json, model.safetensors and nnz-tokenizer.json")
    add("--out", metavar="RUN", help="the run folder to write; default: runs/ and the name of DIR")
    add("--restart", action="store_true", help="replace the run that is in the run folder")


def run(arguments: argparse.Namespace) -> None:
    """Import, and print the run folder. Raises Refusal."""
    with refusing():
        from ..backend import registry
        from ..files.atomic import write_text
        from ..files.terminal import note
        from ..runs import checkpoints
        from ..runs.folder import START_AGAIN, RunFolder
        from ..text import tokenizers

        if not (Path(arguments.folder) / "config.json").is_file():
            raise FileNotFoundError(
                f"{arguments.folder} is not a folder with a config.json; nnz export --to hf writes such folders"
            )
        gpt, tokenizer = registry.gpt().from_hf(arguments.folder)
        if tokenizer is None:
            raise ValueError(
                f"{arguments.folder} has no nnz-tokenizer.json, and nnz reads only this kind of tokenizer; "
                "to read the model without one, use nnz.gpt.from_hf in Python"
            )
        name = Path(arguments.folder).resolve().name
        out, recipe = RunFolder(arguments.out or Path("runs") / name), _recipe(name, gpt.config)
        parameters = checkpoints.to_numpy({name: p.detach() for name, p in gpt.named_parameters()})
        checkpoints.check_finite(arguments.folder, parameters)
        found = checkpoints.Checkpoint(recipe, tokenizers.from_config(tokenizer), "torch", 0, parameters)
        out.hold()
        with out.lock:
            out.clear(arguments.restart, START_AGAIN)
            out.start_log()
            checkpoints.save(out.checkpoint, found)
            write_text(out.config, recipe.to_toml())
    note("the folder does not say what it was trained on, so nnz compare needs --data")
    print(out.path)


def _recipe(name: str, config: Any) -> Any:
    from ..recipes.recipe import load

    recipe = load("gpt")
    for key, value in {
        "model.shape": "gpt2",
        "model.context_length": config.context_length,
        "model.n_layer": config.n_layer,
        "model.n_head": config.n_head,
        "model.n_embd": config.n_embd,
        "model.dropout": config.dropout,
        "model.embedding_dropout": config.embedding_dropout,
        "model.dtype": config.dtype,
    }.items():
        recipe = recipe.override(key, value)
    return dataclasses.replace(recipe, name=name)
