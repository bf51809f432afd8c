"""Write a model for other programs: a torch state dict, or a folder for Hugging Face transformers.

pth holds {name: tensor} with the names of the checkpoint, and torch writes it. hf is only for a GPT of GPT-2's shape:
AutoModelForCausalLM and AutoTokenizer load the folder.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..files.atomic import is_stream
from ..files.errors import UsageError, refusing

EXAMPLES = """\
  nnz export runs/names-c --to pth names.pth
  nnz export runs/my-gpt2 --to hf my-gpt2
"""
FORMATS = ("pth", "hf")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("run", metavar="RUN", help="a run folder (its last checkpoint), or a .safetensors file")
    add("--to", required=True, choices=FORMATS, help="pth: a file for torch.load; hf: a folder for transformers")
    add("path", metavar="PATH", help="the file or the folder to write")
    add("--restart", action="store_true", help="replace what is there, also if it is not an earlier export")


def run(arguments: argparse.Namespace) -> None:
    """Export, and print what was written. Raises Refusal."""
    with refusing():
        from ..backend import registry
        from ..exchange import hugging_face
        from ..exchange.tokenizer_files import THEIRS
        from ..files.terminal import note
        from ..recipes.models import MODELS
        from ..runs import load_model

        path = Path(arguments.path)
        checkpoint = load_model.find(arguments.run, finite=True)
        kind = checkpoint.recipe.model.kind
        if arguments.to == "hf" and kind != "gpt":
            raise UsageError(f"--to hf is for a gpt, but {arguments.run} is of kind {kind}; use --to pth")
        writer = registry.load(registry.TORCH).state_dict if arguments.to == "pth" else hugging_face
        if not (arguments.restart or writer.is_replaceable(path)):
            raise FileExistsError(f"{path} is there, and no earlier export; replace it with --restart, or name another")
        if arguments.to == "pth":
            writer.write(path, load_model.build(checkpoint, registry.TORCH))
        else:
            tokenizer = checkpoint.tokenizer
            config = MODELS[kind].config(checkpoint.recipe, tokenizer.vocab_size)
            writer.write(path, config, checkpoint.parameters, tokenizer)
    if arguments.to == "hf" and not (path / THEIRS).exists():
        note(f"{path} has no {THEIRS}: the text of the tokens is not known; transformers takes token ids")
    if not is_stream(path):
        print(path)
