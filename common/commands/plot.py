"""Draw the pictures of a run: losses, embeddings, activations, gradients and updates.

They are those that training drew at its end; a run that was stopped gets what there is so far.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..files.errors import ASKED_WRONGLY, UsageError, refusing

EXAMPLES = """\
  nnz plot runs/names-c
  nnz plot runs/names-c --out pictures
  nnz plot runs/gpt-cpu-torch --prompt "To be, or not to be"
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("run", metavar="RUN", help="a run folder")
    add("--prompt", metavar="TEXT", help="what the heads of a GPT are shown at; default: the run's first sample")
    add("--out", metavar="DIR", help="where to put the pictures; default: the run folder")


def run(arguments: argparse.Namespace) -> None:
    """Draw, and print the name of each picture. Raises Refusal."""
    with refusing():
        if Path(arguments.run).is_file():
            raise UsageError(f"{arguments.run} is a file; name the run folder, which holds the log too")
        from ..pictures import of_run
        from ..runs import load_model
        from ..runs.folder import RunFolder

        checkpoint, source = load_model.find(arguments.run), RunFolder(arguments.run)
        folder = RunFolder(arguments.out or arguments.run)
        folder.prepare()
        recipe, tokenizer, parameters = checkpoint.recipe, checkpoint.tokenizer, checkpoint.parameters
        rows, statistics, attention = source.read_log(), _statistics(source), None
        if recipe.model.everywhere:
            prompt = _first_sample(source) if arguments.prompt is None else arguments.prompt
            with refusing(ASKED_WRONGLY):
                tokenizer.refuse_unknown(prompt)
            attention = of_run.attention_of(load_model.build(checkpoint), tokenizer, prompt)
        elif arguments.prompt is not None:
            raise UsageError(f"--prompt is for the heads of a gpt; {arguments.run} is a {recipe.model.kind}")
    for path in of_run.draw(recipe, tokenizer, parameters, rows, statistics, folder, attention):
        print(path)


def _first_sample(folder):
    return folder.samples.read_text(encoding="utf-8") if folder.samples.exists() else ""


def _statistics(folder):
    from ..files.progress import note
    from ..runs.statistics import Statistics

    try:
        return Statistics.load(folder.statistics)
    except FileNotFoundError:
        note(f"{folder.statistics} is not there: no pictures of layers and updates; train again to have them")
        return Statistics()
