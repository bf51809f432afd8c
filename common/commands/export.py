"""Write a model for other programs: a torch state dict, or a folder for Hugging Face transformers.

pth holds {name: tensor} with the names of the checkpoint; hf is only for a GPT of GPT-2's shape.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..files.atomic import is_stream
from ..files.errors import UsageError, refusing

EXAMPLES = """\
  nnz export runs/gpt-torch --to pth gpt.pth
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
        from ..runs import load_model

        nn, path = registry.load("torch"), Path(arguments.path)
        checkpoint = load_model.find(arguments.run, finite=True)
        kind = checkpoint.recipe.model.kind
        if arguments.to == "hf" and kind != "gpt":
            raise UsageError(f"--to hf is for a gpt, but {arguments.run} is of kind {kind}; use --to pth")
        writer = nn.state_dict if arguments.to == "pth" else registry.gpt()
        if not (arguments.restart or writer.is_replaceable(path)):
            raise FileExistsError(f"{path} is there, and no earlier export; replace it with --restart, or name another")
        model = load_model.build(checkpoint, "torch")
        if arguments.to == "pth":
            nn.state_dict.write(path, model)
        else:
            registry.gpt().to_hf(model.gpt, checkpoint.tokenizer.to_config(), path)
    if not is_stream(path):
        print(path)
