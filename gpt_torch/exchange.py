"""nnz.exchange.hugging_face for the module: folders of Hugging Face transformers, from and to a GPT."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from nnz.exchange import hugging_face
from nnz.text import tokenizers
from nnz.text.token_ids import TokenIds

from .gpt import GPT


def to_hf(model: GPT, tokenizer_config: Mapping[str, Any] | None, folder: str | os.PathLike) -> None:
    """Write the model for GPT2LMHeadModel.from_pretrained(folder), and the tokenizer with that `to_config()`.

    Raises ValueError for a model that GPT-2's code cannot compute, before anything is written; OSError.
    """
    tokenizer = None if tokenizer_config is None else tokenizers.from_config(tokenizer_config)
    parameters = {name: p.detach().cpu().numpy() for name, p in model.named_parameters()}
    hugging_face.write(folder, model.config, parameters, tokenizer)


def from_hf(folder: str | os.PathLike, **changes: Any) -> tuple[GPT, dict[str, Any] | None]:
    """Return the model in such a folder and its tokenizer's config, None for one that nnz does not know.

    Arguments and errors as of nnz.exchange.hugging_face.read.
    """
    found = hugging_face.read(folder, **changes)
    tokenizer = None if isinstance(found.tokenizer, TokenIds) else found.tokenizer.to_config()
    return GPT(found.config, parameters=found.parameters), tokenizer
