"""Read a GPT-2 from a folder of Hugging Face transformers into a run folder.

Whoever wrote it: nnz, or transformers. nnz sample and nnz export then treat it like any other run. Where its tokenizer
is neither GPT-2's nor one of nnz, text is token ids: nnz sample --prompt "464 3290".
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
    add("folder", metavar="DIR", help="a folder with config.json, weights in safetensors and a tokenizer")
    add("--out", metavar="RUN", help="the run folder to write; default: runs/ and the name of DIR")
    add("--restart", action="store_true", help="replace the run that is in the run folder")


def run(arguments: argparse.Namespace) -> None:
    """Import, and print the run folder. Raises Refusal."""
    with refusing():
        from ..backend import registry
        from ..exchange import hugging_face
        from ..files.atomic import write_text
        from ..files.terminal import note
        from ..runs import checkpoints
        from ..runs.folder import START_AGAIN, RunFolder

        config, parameters, tokenizer, reason = hugging_face.read(arguments.folder)
        checkpoints.check_finite(arguments.folder, parameters)
        name = Path(arguments.folder).resolve().name
        out, backend = RunFolder(arguments.out or _default(arguments.folder)), registry.default()
        recipe = _recipe(name, config, backend, tokenizer)
        found = checkpoints.Checkpoint(recipe, tokenizer, backend, 0, parameters)
        out.hold()
        with out.lock:
            out.clear(arguments.restart, START_AGAIN)
            out.start_log()
            checkpoints.save(out.checkpoint, found)
            write_text(out.config, recipe.to_toml())
    if reason:
        note(f'{reason}: text is token ids, as in nnz sample {out.path} --prompt "0 1 2"')
    note("the folder does not say what it was trained on, so nnz compare needs --data")
    print(out.path)


def _default(folder: str) -> Path:
    """runs/NAME, or where that is the folder itself, runs/NAME-imported."""
    out = Path("runs") / Path(folder).resolve().name
    return out.with_name(f"{out.name}-imported") if out.resolve() == Path(folder).resolve() else out


def _recipe(name: str, config: Any, backend: str, tokenizer: Any) -> Any:
    from ..recipes.recipe import load
    from ..text.tokenizers import KINDS

    recipe, kind = load("gpt"), tokenizer.to_config()["kind"]
    for key, value in {
        "model.shape": "gpt2",
        "model.context_length": config.context_length,
        "model.n_layer": config.n_layer,
        "model.n_head": config.n_head,
        "model.n_embd": config.n_embd,
        "model.dropout": config.dropout,
        "model.embedding_dropout": config.embedding_dropout,
        "model.dtype": config.dtype,
        "train.backend": backend,
        "data.tokenizer": kind if kind in KINDS else "char",
        "sample.tokens": recipe.sample.tokens if tokenizer.delimiter is None else 0,  # to the end of the text
    }.items():
        recipe = recipe.override(key, value)
    return dataclasses.replace(recipe, name=name)
