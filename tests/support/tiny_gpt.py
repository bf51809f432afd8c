"""A GPT small enough to train in a blink, by the same recipes as the large ones."""

from pathlib import Path

from support.tiny_runs import tiny_recipe

SIZES = {"context_length": 6, "n_layer": 2, "n_head": 2, "n_embd": 8}


def tiny_gpt(data: Path, steps: int = 23, **settings: object):
    """Return a recipe as `tiny_recipe` does, of a float64 GPT with dropout; batches of 8, drawn at random."""
    sizes = {f"model__{key}": value for key, value in SIZES.items()}
    changes = {
        "model__kind": "gpt",
        "model__hidden_size": 512,  # as by default: a gpt has none
        "train__order": "random",
        "train__batch_size": 8,
        "train__evaluation": "drawn",
        "train__backend": "torch",
        "sample__new": False,
        "sample__tokens": 15,
    }
    return tiny_recipe(data, steps, **{"model__dropout": 0.2} | sizes | changes | settings)
