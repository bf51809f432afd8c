"""To Hugging Face transformers and back: a folder with config.json and safetensors, as GPT2LMHeadModel has it.

The same numbers under other names, and the matrices of the blocks lying on their side: GPT-2's Conv1D keeps (N, M),
nnz (M, N). Neither way needs transformers, or torch. A folder to be read was written by others: whatever in
its config would change the arithmetic is refused, and nothing in it is ever run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..backend import checks
from ..backend.gpt_config import GPTConfig
from ..backend.initial import gpt_shapes
from ..files import atomic, tensor_file
from ..files.errors import quoted
from ..text.tokenizers import Tokenizer
from . import tokenizer_files, weights
from .gpt2_config import from_hf_config, generation_config, to_hf_config
from .weights import WEIGHTS

RUN = "checkpoint.safetensors"
CONFIG, GENERATION = "config.json", "generation_config.json"
MARK = {"writer": "nnz"}
PREFIX = "transformer."
HEAD = "lm_head.weight"

# ours -> theirs, of the model and of each block
OUTER = {"wte": "wte", "wpe": "wpe", "norm": "ln_f"}
INNER = {
    "norm1": "ln_1",
    "attention.qkv": "attn.c_attn",
    "attention.proj": "attn.c_proj",
    "norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
LYING = tuple(f"{theirs}.weight" for theirs in INNER.values() if theirs.split(".")[-1].startswith("c_"))


class Found(NamedTuple):
    """A GPT in a folder: its shape, its parameters by our names, and its tokenizer."""

    config: GPTConfig
    parameters: dict[str, np.ndarray]
    tokenizer: Tokenizer  # token ids, and the reason, where nnz does not know its own
    reason: str


def write(
    folder: str | os.PathLike, config: GPTConfig, parameters: Mapping[str, np.ndarray], tokenizer: Tokenizer | None
) -> None:
    """Write a GPT for GPT2LMHeadModel.from_pretrained(folder), and its tokenizer for AutoTokenizer.

    Raises ValueError for a model that GPT-2's code cannot compute, before anything is written; OSError.
    """
    end = None if tokenizer is None else tokenizer.delimiter
    files = {GENERATION: generation_config(config.context_length, end), CONFIG: to_hf_config(config, end)}
    if tokenizer is not None:
        files = tokenizer_files.of(tokenizer, config.context_length) | files
    arrays = {}
    for name, p in parameters.items():
        their_name = _their_name(name)
        arrays[PREFIX + their_name] = p.T if their_name.endswith(LYING) else p
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic.replacing(folder / WEIGHTS) as temporary:
        tensor_file.write(temporary, arrays, {"format": "pt", **MARK})  # transformers asks for this word
    for name in (tokenizer_files.OWN, tokenizer_files.THEIRS, tokenizer_files.SETTINGS):
        if name not in files:  # of an earlier export, with another tokenizer
            (folder / name).unlink(missing_ok=True)
    for name, content in files.items():  # the config last: a folder without it is not read
        atomic.write_text(folder / name, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def is_replaceable(folder: str | os.PathLike) -> bool:
    """Tell whether nothing is there but a folder that `write` wrote. Raises OSError."""
    folder = Path(folder)
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return True
    if (folder / RUN).exists():  # of a run that was imported there, or trained
        return False
    try:
        return MARK.items() <= tensor_file.metadata(folder / WEIGHTS).items()
    except (OSError, ValueError):
        return False


def read(folder: str | os.PathLike, **changes: Any) -> Found:
    """Return the model in such a folder, whoever wrote it.

    `changes` are fields of the GPTConfig that leave the numbers alone: attention, dropout, embedding_dropout, dtype.
    float16 and bfloat16 weights become float32. Raises OSError; ValueError if it is no GPT-2 that nnz can be, or a file
    is not whole.
    """
    folder = Path(folder)
    if not (folder / CONFIG).is_file():
        raise FileNotFoundError(
            f"{folder} is not a folder with a {CONFIG}; nnz export --to hf and transformers write such folders"
        )
    source, tensors = weights.read(folder)
    dtype = "float64" if any(t.dtype == np.float64 for t in tensors.values()) else "float32"
    theirs = tokenizer_files.read_object(folder / CONFIG)
    config = from_hf_config(theirs, {"dtype": dtype} | changes)
    try:
        parameters = _our_parameters(tensors, config)
    except ValueError as error:
        raise ValueError(f"{source} does not fit its {CONFIG}: {error}") from error
    return Found(config, parameters, *tokenizer_files.read(folder, theirs, config.vocab_size))


def _their_name(name: str) -> str:
    """blocks.3.mlp.fc1.weight -> h.3.mlp.c_fc.weight."""
    stem, _, kind = name.rpartition(".")
    if not stem.startswith("blocks."):
        return f"{OUTER[stem]}.{kind}"
    _, layer, inner = stem.split(".", 2)
    return f"h.{layer}.{INNER[inner]}.{kind}"


def _our_parameters(tensors: dict[str, np.ndarray], config: GPTConfig) -> dict[str, np.ndarray]:
    """Theirs by our names, upright. Raises ValueError if one is missing, or is one that this model does not have."""
    left = {name.removeprefix(PREFIX): t for name, t in tensors.items()}
    if len(left) < len(tensors):
        twice = next(name for name in sorted(left) if {name, PREFIX + name} <= tensors.keys())
        raise ValueError(f"it holds {quoted(twice)} twice, as {quoted(PREFIX + twice)} too")
    head, found = left.pop(HEAD, None), {}
    for name in _our_names(config):
        theirs = _their_name(name)
        if theirs not in left:
            raise ValueError(f"it lacks {theirs!r}")
        found[name] = left.pop(theirs).T if theirs.endswith(LYING) else left.pop(theirs)
    if left:
        raise ValueError(f"it holds {quoted(min(left))}, which a GPT-2 does not have")
    if head is not None and not np.array_equal(head, found["wte.weight"]):
        raise ValueError(f"its {HEAD!r} is not the token embedding, to which the config ties it")
    shapes = gpt_shapes(config)
    checks.named_arrays("parameters", found, shapes)
    return {name: np.ascontiguousarray(found[name], config.dtype) for name in shapes}


def _our_names(config: GPTConfig) -> Iterator[str]:
    inner = (f"blocks.{layer}.{stem}" for layer in range(config.n_layer) for stem in INNER)
    for stem in chain(OUTER, inner):  # one by one: a config may claim any number of layers
        yield f"{stem}.weight"
        if stem not in ("wte", "wpe"):
            yield f"{stem}.bias"
