"""To Hugging Face transformers and back: a folder with config.json and model.safetensors, as GPT2LMHeadModel has it.

The same numbers under other names, and the matrices of the blocks lying on their side: GPT-2's Conv1D keeps (N, M),
torch's Linear (M, N). transformers is needed for neither way. A folder to be read was written by others: whatever in
its config would change the arithmetic is refused, and nothing in it is ever run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from nnz.backend.gpt_config import GPTConfig
from nnz.files import atomic, inputs, tensor_file
from nnz.files.errors import quoted
from nnz.text import tokenizers

from .exchange_config import from_hf_config, to_hf_config
from .gpt import GPT

CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.safetensors", "nnz-tokenizer.json"
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
BUFFERS = (".attn.bias", ".attn.masked_bias")  # older versions saved their causal mask


def to_hf(model: GPT, tokenizer_config: Mapping[str, Any] | None, folder: str | os.PathLike) -> None:
    """Write the model for GPT2LMHeadModel.from_pretrained(folder), and the tokenizer's `to_config()` next to it.

    Raises ValueError for a model that GPT-2's code cannot compute, before anything is written; OSError.
    """
    tokenizer = None if tokenizer_config is None else tokenizers.from_config(tokenizer_config)
    config = to_hf_config(model.config, None if tokenizer is None else tokenizer.delimiter)
    arrays = {}
    for name, p in model.named_parameters():
        theirs = _their_name(name)
        p = p.detach().cpu()
        arrays[PREFIX + theirs] = (p.T if theirs.endswith(LYING) else p).numpy()
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic.replacing(folder / WEIGHTS) as temporary:
        tensor_file.write(temporary, arrays, {"format": "pt", **MARK})  # transformers asks for this word
    if tokenizer is not None:
        atomic.write_text(folder / TOKENIZER, json.dumps(tokenizer.to_config(), ensure_ascii=False) + "\n")
    atomic.write_text(folder / CONFIG, json.dumps(config, indent=2) + "\n")


def is_replaceable(folder: str | os.PathLike) -> bool:
    """Tell whether nothing is there but a folder that `to_hf` wrote. Raises OSError."""
    folder = Path(folder)
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return True
    try:
        tensor_file.check_header(folder / WEIGHTS)
        with safe_open(folder / WEIGHTS, framework="pt") as file:
            return MARK.items() <= (file.metadata() or {}).items()
    except (OSError, SafetensorError, ValueError):
        return False


def from_hf(folder: str | os.PathLike, **changes: Any) -> tuple[GPT, dict[str, Any] | None]:
    """Return the model in such a folder and its tokenizer's config, None where `to_hf` did not write one.

    `changes` are fields of the GPTConfig that leave the numbers alone: attention, dropout, embedding_dropout, dtype.
    float16 and bfloat16 weights become float32. Raises OSError; ValueError if it is no GPT-2 that this model can be.
    """
    folder = Path(folder)
    tensors = _read_tensors(folder / WEIGHTS)
    dtype = "float64" if any(t.dtype == torch.float64 for t in tensors.values()) else "float32"
    config = from_hf_config(_read_json(folder / CONFIG), {"dtype": dtype} | changes)
    tokenizer = _read_json(folder / TOKENIZER) if (folder / TOKENIZER).exists() else None
    if tokenizer is not None:
        known = tokenizers.from_config(tokenizer).vocab_size
        if known != config.vocab_size:
            raise ValueError(f"{folder / TOKENIZER} has {known} tokens, the model {config.vocab_size}; take its own")
    try:
        return GPT(config, parameters=_our_parameters(tensors, config)), tokenizer
    except ValueError as error:
        raise ValueError(f"{folder / WEIGHTS} does not fit its {CONFIG}: {error}") from error


def _their_name(name: str) -> str:
    """blocks.3.mlp.fc1.weight -> h.3.mlp.c_fc.weight."""
    stem, _, kind = name.rpartition(".")
    if not stem.startswith("blocks."):
        return f"{OUTER[stem]}.{kind}"
    _, layer, inner = stem.split(".", 2)
    return f"h.{layer}.{INNER[inner]}.{kind}"


def _our_parameters(tensors: dict[str, Tensor], config: GPTConfig) -> dict[str, Tensor]:
    """Theirs by our names, upright. Raises ValueError if one is missing, or is one that this model does not have."""
    left = {name.removeprefix(PREFIX): t for name, t in tensors.items() if not name.endswith(BUFFERS)}
    head, parameters = left.pop(HEAD, None), {}
    for name in _our_names(config):
        theirs = _their_name(name)
        if theirs not in left:
            raise ValueError(f"it lacks {theirs!r}")
        parameters[name] = left.pop(theirs).T if theirs.endswith(LYING) else left.pop(theirs)
    if left:
        raise ValueError(f"it holds {quoted(min(left))}, which a GPT-2 does not have")
    if head is not None and not torch.equal(head, parameters["wte.weight"]):
        raise ValueError(f"its {HEAD!r} is not the token embedding, to which the config ties it")
    return parameters


def _our_names(config: GPTConfig) -> Iterator[str]:
    inner = (f"blocks.{layer}.{stem}" for layer in range(config.n_layer) for stem in INNER)
    for stem in chain(OUTER, inner):  # one by one: a config may claim any number of layers
        yield f"{stem}.weight"
        if stem not in ("wte", "wpe"):
            yield f"{stem}.bias"


def _read_json(path: Path) -> dict[str, Any]:
    text = inputs.read_bytes(path, inputs.JSON)
    try:
        tensor_file.check_parts(text, len(text))
        return inputs.parse_json(text, dict[str, Any])
    except ValueError as error:
        raise ValueError(f"{path} is not as it should be: {error}; take a whole folder") from error


def _read_tensors(path: Path) -> dict[str, Tensor]:
    """Raises OSError if there is no such file, ValueError if it is not a complete one of real numbers."""
    try:
        tensor_file.check_header(path)
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is not a dict)
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"{path} is not a whole safetensors file: {error}") from error
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() and not name.endswith(BUFFERS):
            raise ValueError(f"{path}: {quoted(name)} is {tensor.dtype}; weights are floating-point numbers")
    return tensors
