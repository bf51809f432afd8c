"""transformers' GPT2Config and ours: what agrees, and what must be refused."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..backend.gpt_config import GPTConfig
from ..files.errors import quoted

SIZES = {
    "vocab_size": "vocab_size",
    "context_length": "n_positions",
    "n_layer": "n_layer",
    "n_head": "n_head",
    "n_embd": "n_embd",
}
DEFAULTS = {"vocab_size": 50257, "n_positions": 1024, "n_layer": 12, "n_head": 12, "n_embd": 768}
DROPOUTS = ("resid_pdrop", "attn_pdrop", "embd_pdrop")

# What makes a GPT-2 compute what ours computes. The first value is GPT-2's own, and stands for a missing field.
FIXED: dict[str, tuple[Any, ...]] = {
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"),  # two names for the tanh approximation
    "layer_norm_epsilon": (1e-5,),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "reorder_and_upcast_attn": (False,),
    "add_cross_attention": (False,),
    "tie_word_embeddings": (True,),
    "pruned_heads": ({}, None),
    "quantization_config": (None,),
}
SHAPE = {
    "activation": "gelu",
    "norm": "layer",
    "qkv_bias": True,
    "linear_bias": True,
    "head_bias": False,
    "tied_head": True,
    "norm_first": False,
}
CHANGES = ("attention", "dropout", "embedding_dropout", "dtype")


def to_hf_config(config: GPTConfig, delimiter: int | None) -> dict[str, Any]:
    """Return what config.json is to hold. Raises ValueError for a model that is not of GPT-2's shape."""
    for name, wanted in SHAPE.items():
        if getattr(config, name) != wanted:
            raise ValueError(
                f"a model with {name} = {getattr(config, name)!r} cannot be a GPT-2, which has {wanted!r}: "
                f"train one with --set model.shape=gpt2, in Python GPTConfig.gpt2()"
            )
    fixed = {name: values[0] for name, values in FIXED.items() if values[0] not in (None, {})}
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        **{theirs: int(getattr(config, ours)) for ours, theirs in SIZES.items()},
        "n_inner": None,
        **fixed,
        "resid_pdrop": config.dropout,
        "attn_pdrop": config.dropout,
        "embd_pdrop": config.embedding_dropout,
        "initializer_range": 0.02,
        "bos_token_id": delimiter,
        "eos_token_id": delimiter,
        "dtype": config.dtype,
        "torch_dtype": config.dtype,  # what transformers 4 reads
    }


def generation_config(context_length: int, delimiter: int | None) -> dict[str, Any]:
    """Return what generation_config.json is to hold: texts as long as the context, drawn as nnz sample draws them."""
    ends = {"bos_token_id": delimiter, "eos_token_id": delimiter}
    return {"max_length": context_length, "do_sample": True, "top_k": 0, **ends}


def from_hf_config(found: dict[str, Any], changes: dict[str, Any]) -> GPTConfig:
    """Return our config for a config.json. Raises ValueError for anything that this model would compute otherwise."""
    if foreign := set(changes) - set(CHANGES):
        raise TypeError(f"{min(foreign)} is given by the folder; only {', '.join(CHANGES)} can be changed")
    if found.get("model_type") != "gpt2":
        raise ValueError(f"model_type is {quoted(found.get('model_type'))}; only folders of a 'gpt2' can be read")
    for name, known in FIXED.items():
        value = found.get(name, known[0])
        if value not in known:
            raise ValueError(f"{name} is {quoted(value)}; only a GPT-2 with {known[0]!r} can be read")
    sizes = {ours: found.get(theirs, DEFAULTS[theirs]) for ours, theirs in SIZES.items()}
    residual, weights, embedding = (found.get(name, 0.1) for name in DROPOUTS)
    if residual != weights and "dropout" not in changes:
        raise ValueError(
            f"resid_pdrop is {quoted(residual)} and attn_pdrop {quoted(weights)}; "
            "only a GPT-2 with equal ones can be read"
        )
    dropouts = {"dropout": residual, "embedding_dropout": embedding}
    try:
        config = GPTConfig(**sizes | SHAPE | {name: p for name, p in dropouts.items() if name not in changes})
    except TypeError as error:  # of the folder; a wrong type among the changes stays a TypeError
        raise ValueError(str(error)) from error
    if found.get("n_inner") not in (None, 4 * config.n_embd):
        raise ValueError(
            f"n_inner is {quoted(found['n_inner'])}; only a feed-forward 4 times as wide as n_embd can be read"
        )
    return dataclasses.replace(config, **changes)
