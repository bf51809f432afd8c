"""Golden files of microgpt: where a port starts, what it learns from, and what it must find, step by step.

Computed by the oracle in float64. For a language that reads no safetensors each file of tensors is there twice, the
second time as JSON lines: a name, the shape and the numbers, row by row, with all digits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nnz.backend.schedules import SCHEDULES
from nnz.files import atomic, tensor_file
from nnz.recipes import from_recipe, microgpt

from .oracle import mlp as oracle
from .oracle.gpt import gpt

KEPT = (1, 10, 1000)  # after these steps the parameters are written
THEIRS = {"wte.weight": "wte", "wpe.weight": "wpe", "head.weight": "lm_head"}
OF_BLOCK = {"attention.proj": "attn_wo", "mlp.fc1": "mlp_fc1", "mlp.fc2": "mlp_fc2"}

Array = np.ndarray


def write(folder: Path, recipe: Any) -> list[Path]:
    """Write the files of a recipe of microgpt's shape, make the folder first, and return their paths.

    documents.txt, losses.txt, and as .safetensors and .jsonl: weights, gradients-1, parameters-1, -10 and -1000, of
    as many steps as the recipe has. Raises OSError and what `from_recipe.dataset` raises.
    """
    dataset = from_recipe.dataset(recipe)
    folder.mkdir(parents=True, exist_ok=True)
    for step in KEPT:  # of an earlier call, which may have made more steps
        for kind in ("safetensors", "jsonl"):
            (folder / f"parameters-{step}.{kind}").unlink(missing_ok=True)
    paths = [_text(folder / "documents.txt", microgpt.documents(dataset))]
    losses = []
    for step, weights, loss, gradients in _steps(recipe, dataset):
        if step == 0:
            paths += _tensors(folder / "weights", weights)
        if loss is not None:
            losses.append(f"{loss:.17g}\n")
        if step == 0:
            paths += _tensors(folder / "gradients-1", gradients)
        if step in KEPT:
            paths += _tensors(folder / f"parameters-{step}", weights)
    return [*paths, _text(folder / "losses.txt", "".join(losses))]


def _steps(recipe: Any, dataset: Any) -> Iterator[tuple[int, dict[str, Array], float | None, dict[str, Array]]]:
    """(steps done, the parameters then, the loss of the next step, its gradients); at the end without the last two."""
    m, o, steps = recipe.model, recipe.optimizer, recipe.train.steps
    shapes = from_recipe.parameter_shapes(recipe, dataset.tokenizer.vocab_size)
    p = microgpt.weights(microgpt.shuffled(recipe.train.seed, dataset), shapes)
    moments = {name: (np.zeros_like(a), np.zeros_like(a)) for name, a in p.items()}
    how = {"beta1": o.beta1, "beta2": o.beta2, "eps": 1e-8, "weight_decay": o.weight_decay}
    batches = dataset.train.batches(m.context_length, recipe.train.batch_size, steps, predicts_every_position=True)
    for step, (inputs, targets) in enumerate(batches):
        found = gpt(p, inputs, targets, m.n_head, "relu", "rms", norm_first=True)
        yield step, p, float(found["loss"]), {name: found[f"d{name}"] for name in p}
        lr, p = SCHEDULES[o.schedule](o.lr, step, steps), dict(p)
        for name in p:
            p[name], *moments[name] = oracle.adamw_step(p[name], found[f"d{name}"], *moments[name], step + 1, lr, **how)
    yield steps, p, None, {}


def _tensors(path: Path, ours: Mapping[str, Array]) -> list[Path]:
    """Under microgpt's names, with q, k and v as matrices of their own."""
    theirs: dict[str, Array] = {}
    for name, array in ours.items():
        if name in THEIRS:
            theirs[THEIRS[name]] = array
            continue
        _, layer, part = name.removesuffix(".weight").split(".", 2)
        parts = [(OF_BLOCK.get(part), array)]
        if part == "attention.qkv":
            parts = zip(("attn_wq", "attn_wk", "attn_wv"), np.split(array, 3), strict=True)
        theirs |= {f"layer{layer}.{key}": a for key, a in parts}
    binary = path.with_name(f"{path.name}.safetensors")
    with atomic.replacing(binary) as temporary:
        tensor_file.write(temporary, theirs, {"format": "nnz-golden-microgpt-1"})
    rows = ({"name": name, "shape": a.shape, "values": a.ravel().tolist()} for name, a in theirs.items())
    return [binary, _text(path.with_name(f"{path.name}.jsonl"), "".join(f"{json.dumps(row)}\n" for row in rows))]


def _text(path: Path, text: str) -> Path:
    atomic.write_text(path, text)
    return path
