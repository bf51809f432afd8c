"""The walk through a GPT, block by block."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from nnz.backend.gpt_config import EPS

from ..bounds.gpt import gpt_with_limits
from ..cases.gpt import GPTCase
from ..checks.backend_under_test import Array, BackendUnderTest, NotThere
from ..checks.gpt_model import Model
from ..oracle import gpt_ops as oracle
from .walk import Made, Walk

UNSEEN = ("emb", "demb")  # of the oracle's: without dropout they are what comes next
LINEARS = {  # layer of a block -> what it takes, and whose gradient it is given
    "attention.qkv": ("h1", "qkv"),
    "attention.proj": ("y", "x_mid"),
    "mlp.fc1": ("h2", "a_pre"),
    "mlp.fc2": ("a", ""),  # that of what the block gives
}


def gpt_walk(case: GPTCase, dtype: str) -> Walk:
    """A batch is allowed 32 times what rounding costs in it."""
    c, (B, T) = case.config, case.inputs.shape
    switches = {"n_head": c.n_head, "activation": c.activation, "norm": c.norm, "norm_first": c.norm_first}
    values, limits = gpt_with_limits(case.weights, case.inputs, case.targets, dtype, **switches)
    sizes = {"B": B, "T": T, "V": c.vocab_size, "blocks": c.n_layer, "heads": c.n_head, "E": c.n_embd}
    values = {name: np.asarray(value) for name, value in values.items() if name not in UNSEEN}
    return Walk(
        title=f"a GPT ({', '.join(f'{name} {size}' for name, size in sizes.items())}, {c.activation}, {c.norm} norm"
        f"{', which comes first' if c.norm_first else ''})",
        model="GPT",
        inputs=case.inputs,
        values=values,
        allowed=limits,
        tensors=partial(_tensors, case=case, dtype=dtype),
        made=_Made(case, values),
        methods=_methods,
        line=_line,
    )


def _tensors(backend: BackendUnderTest, case: GPTCase, dtype: str) -> dict[str, Any]:
    model = Model(backend, case, dtype)
    found = model.step(case.inputs, case.targets)
    with suppress(NotThere):
        found = {**model.intermediates(), **found}
    return found


def _methods(tensor: str) -> tuple[str, ...]:
    in_block = tensor == "x" or ("blocks." in tensor and tensor != "blocks.0.x")
    if tensor.startswith("d"):
        return ("_block_backward", "_backward", "backward")[not in_block :]
    return ("_block_forward", "_block", "_forward", "forward", "__call__")[0 if in_block else 2 :]


def _line(tensor: str) -> str:
    """A line for each block, there and back, for what is after all blocks, and for the embeddings."""
    if "blocks." in tensor:
        return ".".join(tensor.split(".")[:2])
    if tensor.startswith(("dwte", "dwpe")):
        return "demb"
    return "dhead" if tensor.startswith("d") else "head"


class _Made:
    """What computes a tensor, told from its name."""

    def __init__(self, case: GPTCase, v: dict[str, Array]) -> None:
        self.case, self.v, self.c = case, v, case.config
        self.w = {name: p.astype(np.float64) for name, p in case.weights.items()}
        self.head = self.w.get("head.weight", self.w["wte.weight"])

    def __call__(self, tensor: str) -> Made:
        back, name = tensor.startswith("d"), tensor.removeprefix("d")
        if name.startswith("blocks."):
            _, layer, name = name.split(".", 2)
            return (self._backward_in_block if back else self._forward_in_block)(int(layer), name)
        return self._backward(name) if back else self._forward(name)

    def _forward(self, name: str) -> Made:
        v, (B, T) = self.v, self.case.inputs.shape
        if name == "x" and self.c.norm_first:
            return self._embedded()
        if name == "x" or (name == "h" and self.c.norm_first):
            return self._block_gives(self.c.n_layer - 1)
        if name == "h":
            return self._norm("norm", v["x"])
        if name == "logits":
            given = {"x": _rows(v["h"]), "w": self.head, "b": self.w.get("head.bias")}
            return Made("linear_forward", "y", given)
        given = {"logits": _rows(v["logits"]), "targets": self.case.targets.reshape(B * T)}
        return Made("cross_entropy_forward", name, given)

    def _backward(self, name: str) -> Made:
        v, ids, c = self.v, self.case.inputs, self.c
        if name == "logits":
            given = {"probs": _rows(v["probs"]), "targets": self.case.targets.ravel()}
            return Made("cross_entropy_backward", "dlogits", given)
        if name.startswith("head") or name == "h":
            return self._linear_back(name, v["dlogits"], v["h"], self.head)
        if name.startswith("norm") or name == "x":
            return self._norm_back(name, "norm", v["dblocks.0.x" if c.norm_first else "dh"], v["x"])
        demb = v["dx" if c.norm_first else "dblocks.0.x"]
        if name == "wpe.weight":
            given = {"demb": demb.sum(axis=0)[None], "ids": np.arange(ids.shape[1])[None], "V": c.context_length}
            return Made("embedding_backward", "dwte", given)
        of_head = _rows(v["dlogits"]).T @ _rows(v["h"]) if c.tied_head else None
        return Made("embedding_backward", "dwte", {"demb": demb, "ids": ids, "V": c.vocab_size}, of_head)

    def _forward_in_block(self, layer: int, name: str) -> Made:
        at, v = f"blocks.{layer}.", self.v
        if name == "x" and layer > 0:
            return self._block_gives(layer - 1)
        if name == "x":
            return self._norm("norm", v["x"]) if self.c.norm_first else self._embedded()
        if name in ("h1", "h2"):
            return self._norm(f"{at}norm{name[1]}", v[at + ("x" if name == "h1" else "x_mid")])
        if name in ("probs", "y"):
            return Made("attention_forward", name, {"qkv": v[f"{at}qkv"], "mask": None, "H": self.c.n_head})
        if name == "a":
            return Made(f"{self.c.activation}_forward", "y", {"x": v[f"{at}a_pre"]})
        linear = {"qkv": "attention.qkv", "x_mid": "attention.proj", "a_pre": "mlp.fc1"}[name]
        return self._linear(at, linear, v[f"{at}x"] if name == "x_mid" else None)

    def _backward_in_block(self, layer: int, name: str) -> Made:
        at, v = f"dblocks.{layer}.", self.v
        after = "dh" if self.c.norm_first else "dx"
        given_back = v[f"dblocks.{layer + 1}.x" if layer + 1 < self.c.n_layer else after]
        of = {"h1": "attention.qkv", "y": "attention.proj", "h2": "mlp.fc1", "a": "mlp.fc2"}
        if (linear := of.get(name, name.rpartition(".")[0])) in LINEARS:
            x, y = LINEARS[linear]
            dy = v[at + y] if y else given_back
            return self._linear_back(name, dy, v[f"{at[1:]}{x}"], self.w[f"{at[1:]}{linear}.weight"])
        if name == "a_pre":
            kept = {"y": v[f"{at[1:]}a"]} if self.c.activation == "relu" else {"x": v[f"{at[1:]}a_pre"]}
            return Made(f"{self.c.activation}_backward", "dx", {"dy": v[f"{at}a"]} | kept)
        if name == "qkv":
            given = {"dy": v[f"{at}y"], "qkv": v[f"{at[1:]}qkv"], "probs": v[f"{at[1:]}probs"], "mask": None}
            return Made("attention_backward", "dqkv", given)
        number = "2" if name == "x_mid" or name.startswith("norm2") else "1"
        x, past = ("x_mid", given_back) if number == "2" else ("x", v[f"{at}x_mid"])
        return self._norm_back(name, f"{at[1:]}norm{number}", v[f"{at}h{number}"], v[at[1:] + x], past)

    def _embedded(self) -> Made:
        given = {"wte": self.w["wte.weight"], "ids": self.case.inputs}
        positions = self.w["wpe.weight"][: self.case.inputs.shape[1]]
        return Made("embedding_forward", "emb", given, np.broadcast_to(positions, self.v["x"].shape))

    def _block_gives(self, layer: int) -> Made:
        at = f"blocks.{layer}."
        return self._linear(at, "mlp.fc2", self.v[f"{at}x_mid"])

    def _linear(self, at: str, layer: str, added: Array | None) -> Made:
        x, weight, bias = LINEARS[layer][0], self.w[f"{at}{layer}.weight"], self.w.get(f"{at}{layer}.bias")
        return Made("linear_forward", "y", {"x": _rows(self.v[at + x]), "w": weight, "b": bias}, added)

    def _linear_back(self, name: str, dy: Array, x: Array, w: Array) -> Made:
        output = {"weight": "dw", "bias": "db"}.get(name.rpartition(".")[2], "dx")
        return Made("linear_backward", output, {"dy": dy.reshape(-1, len(w)), "x": _rows(x), "w": w})

    def _norm(self, name: str, x: Array) -> Made:
        if self.c.norm == "rms":
            return Made("rms_norm_forward", "y", {"x": _rows(x), "weight": None, "eps": EPS})
        given = {"x": _rows(x), "weight": self.w[f"{name}.weight"], "bias": self.w[f"{name}.bias"], "eps": EPS}
        return Made("layer_norm_forward", "y", given)

    def _norm_back(self, name: str, norm: str, dy: Array, x: Array, past: Array | None = None) -> Made:
        """`past` goes past the branch, and is added to its dx."""
        output = {"weight": "dweight", "bias": "dbias"}.get(name.rpartition(".")[2], "dx")
        made = self._norm(norm, x)
        _, *statistics = getattr(oracle, made.op)(**made.given)
        names = ("mean", "rstd") if len(statistics) == 2 else ("rstd",)
        given = {"dy": _rows(dy), "x": _rows(x), **dict(zip(names, statistics, strict=True))}
        given["weight"] = made.given["weight"]
        return Made(made.op.replace("forward", "backward"), output, given, past if output == "dx" else None)


def _rows(x: Array) -> Array:
    """(B,T,...) -> (B*T, ...)"""
    return x.reshape(-1, x.shape[-1])
