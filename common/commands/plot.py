"""Draw the pictures of a run: losses, embeddings, activations, gradients and updates.

Training draws the same pictures at its end; of a run that was stopped they show what was done so far.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..files import inputs
from ..files.errors import ASKED_WRONGLY, UsageError, refusing

EXAMPLES = """\
  nnz plot runs/names-c
  nnz plot runs/names-c --out pictures
  nnz plot runs/gpt-cpu-c --prompt "To be, or not to be"
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("run", metavar="RUN", help="a run folder")
    add("--prompt", metavar="TEXT", help="the text to show the heads of a GPT on; default: the run's first sample")
    add("--out", metavar="DIR", help="the folder for the pictures; default: the run folder")


def run(arguments: argparse.Namespace) -> None:
    """Draw, and print the name of each picture. Raises Refusal."""
    with refusing():
        if Path(arguments.run).is_file():
            raise UsageError(f"{arguments.run} is a file; name the run folder instead: the pictures need its log too")
        from ..files.terminal import note
        from ..pictures import of_run
        from ..runs import load_model
        from ..runs.folder import RunFolder

        checkpoint, source = load_model.find(arguments.run), RunFolder(arguments.run)
        folder = RunFolder(arguments.out or arguments.run)
        folder.prepare()
        recipe, tokenizer, parameters = checkpoint.recipe, checkpoint.tokenizer, checkpoint.parameters
        rows, statistics, attention = source.read_log(), _statistics(source), None
        if recipe.model.predicts_every_position:
            prompt = _first_sample(source, tokenizer) if arguments.prompt is None else arguments.prompt
            with refusing(ASKED_WRONGLY):
                tokenizer.refuse_unknown(prompt)
            attention = of_run.attention_of(load_model.build(checkpoint), tokenizer, prompt)
            if arguments.prompt is not None and attention and len(attention[1]) <= len(tokenizer.encode(prompt)):
                note(f"the maps show the first {len(attention[1])} tokens: more do not fit, or not into the context")
        elif arguments.prompt is not None:
            raise UsageError(f"--prompt is for a gpt, but {arguments.run} is of kind {recipe.model.kind}; leave it out")
    for path in of_run.draw(recipe, tokenizer, parameters, rows, statistics, folder, attention):
        print(path)


def _first_sample(folder, tokenizer):
    if not folder.samples.exists():
        return ""
    text = inputs.read_bytes(folder.samples, inputs.LOG).decode("utf-8")
    try:
        tokenizer.refuse_unknown(text)
    except ValueError:  # a text without lines, whose samples have one each
        return text.partition("\n")[0]
    return text


def _statistics(folder):
    from ..files.terminal import note
    from ..runs.statistics import Statistics

    try:
        return Statistics.load(folder.statistics)
    except FileNotFoundError:
        note(f"{folder.statistics} is missing: there are no pictures of layers and updates; to get them, train again")
        return Statistics()
