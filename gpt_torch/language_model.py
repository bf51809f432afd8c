"""The GPT as the training loop of nnz holds a model: a batch in, a loss and gradients by name out."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnz.backend import checks
from nnz.backend.gpt_config import GPTConfig
from nnz.numbers.rng import RNG

from .cache import Cache
from .evaluating import evaluating
from .gpt import GPT
from .maps import attention_maps
from .token_ids import as_ids
from .workers import Workers, own_device


class LanguageModel:
    """loss = the mean over all positions of -log softmax(logits)[targets], and its gradient by every parameter.

    Args:
        gpt: the model.
        workers: the processes that share each batch.
        parts: in how many parts a worker takes its share, one after the other: less memory, the same gradients.
        seed: with `dropout_step` it draws the dropout; so a resumed run draws what it would have drawn.
        autocast, compile: "on", "off", or "auto", which is on for CUDA. bfloat16 for the products, torch.compile.
        deterministic: only kernels that give the same bits each time.
    """

    def __init__(
        self,
        gpt: GPT,
        workers: Workers,
        parts: int = 1,
        seed: int = 1337,
        autocast: str = "auto",
        compile: str = "auto",
        deterministic: bool = False,
    ) -> None:
        self.gpt, self.workers, self.dropout_step = gpt, workers, 0
        self._parts, self._seed, self._named = parts, seed, dict(gpt.named_parameters())
        self._device = gpt.wte.weight.device
        cuda = self._device.type == "cuda"
        wide = gpt.config.dtype == "float64"  # who asks for 53 bits does not want 8
        self._autocast = autocast == "on" or (autocast == "auto" and cuda and not wide)
        compiled = compile == "on" or (compile == "auto" and cuda)
        if compiled and not cuda:
            _check_compiler()
        self._learning = torch.compile(workers.model) if compiled else workers.model
        self._judging = torch.compile(gpt) if compiled else gpt
        if deterministic:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it when it is first used
            torch.use_deterministic_algorithms(True)

    @classmethod
    def new(
        cls, config: GPTConfig, rng: RNG, device: str, batch_size: int, parts: int = 1, **how: Any
    ) -> LanguageModel:
        """A GPT with the weights that `rng` draws, shared by the workers that torchrun started.

        Raises UsageError for a batch that they cannot share equally.
        """
        device = own_device(device)
        gpt = GPT(config, rng, device=device)
        workers = Workers(gpt, device)
        workers.shares(batch_size, parts)
        return cls(gpt, workers, parts, **how)

    def __repr__(self) -> str:
        return f"LanguageModel({self.gpt.config})"

    def __call__(
        self, inputs: np.ndarray | Tensor, targets: np.ndarray | Tensor | None = None
    ) -> tuple[Tensor | None, Tensor | None]:
        """inputs (B, T) -> logits (B, T, V), no loss; with targets (B, T) no logits, but the mean loss in nats.

        In training mode the gradients are computed with it, for the activations of a part make room for the next.
        Raises TypeError or ValueError on ids that make no sense, ConnectionError if a worker is lost.
        """
        self.gpt.zero_grad(set_to_none=True)  # backward refuses what has no loss
        if targets is None:
            with evaluating(self.gpt):
                return self.gpt(inputs)
        config, cpu = self.gpt.config, torch.device("cpu")
        inputs = as_ids("inputs", inputs, config, cpu)
        targets = as_ids("targets", targets, config, cpu, shape=tuple(inputs.shape))
        learning = self.gpt.training
        B, workers = len(inputs), self.workers
        parts = workers.shares(B, self._parts) if learning else workers.uneven_shares(B)
        total = torch.zeros((), dtype=self.gpt.wte.weight.dtype, device=self._device)
        for number, rows in enumerate(parts):
            batch = inputs[rows].to(self._device), targets[rows].to(self._device)
            loss = self._learned(*batch, number, len(parts)) if learning else self._judged(*batch)
            total += loss * (len(batch[0]) * workers.count / B)
        return None, workers.mean(total)

    def backward(self) -> dict[str, Tensor]:
        """The gradient of the last loss by every parameter, named and shaped as the parameters.

        Raises RuntimeError if no batch with targets came first, in training mode.
        """
        checks.forward_came_first(self._named["wte.weight"].grad)
        return {name: p.grad for name, p in self._named.items()}

    @property
    def config(self) -> GPTConfig:
        """The shape."""
        return self.gpt.config

    def new_cache(self, B: int) -> Cache:
        """As the GPT's."""
        return self.gpt.new_cache(B)

    def last_logits(self, tokens: np.ndarray, cache: Cache | None = None) -> np.ndarray:
        """As the GPT's."""
        return self.gpt.last_logits(tokens, cache)

    def attention_maps(self, ids: np.ndarray) -> np.ndarray:
        """ids (1, T) -> (n_layer, nh, T, T), how much each token takes from each; of a long prompt the beginning."""
        return attention_maps(self.gpt, ids[:, : self.gpt.config.context_length])[:, 0].cpu().numpy()

    def parameters(self) -> dict[str, Tensor]:
        """The weights by name, in the order of a checkpoint; they share the model's memory: writing trains it."""
        return {name: p.detach() for name, p in self._named.items()}

    def state_dict(self) -> dict[str, Tensor]:
        """The weights as GPT.load_state_dict takes them."""
        return self.gpt.state_dict()

    def load_parameters(self, arrays: Mapping[str, Any]) -> None:
        """Overwrite the weights, rounding to the model's dtype. Raises ValueError if a name or shape does not fit."""
        checks.named_arrays("parameters", arrays, {name: tuple(p.shape) for name, p in self._named.items()})
        for name, p in self.parameters().items():
            p.copy_(torch.as_tensor(arrays[name]))

    @property
    def training(self) -> bool:
        """Whether there is dropout, and gradients."""
        return self.gpt.training

    def train(self, mode: bool = True) -> LanguageModel:
        """Learn from now on; returns the model."""
        self.gpt.train(mode)
        return self

    def eval(self) -> LanguageModel:
        """Judge from now on; returns the model."""
        return self.train(False)

    def _learned(self, inputs: Tensor, targets: Tensor, number: int, parts: int) -> Tensor:
        """The loss of one part; its gradients, by the batch's loss, are added to those of the parts before."""
        torch.manual_seed(self._dropout_seed(number))
        with self.workers.averaging(last=number == parts - 1):
            with self._precision():
                loss = self._learning(inputs, targets)[1]
            (loss / parts).backward()
        return loss.detach()

    def _judged(self, inputs: Tensor, targets: Tensor) -> Tensor:
        with torch.no_grad(), self._precision():
            return self._judging(inputs, targets)[1]

    def _precision(self) -> torch.autocast:
        return torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast)

    def _dropout_seed(self, part: int) -> int:
        """A seed of its own for each step, worker and part: the digits of one number."""
        place = (self.dropout_step * self.workers.count + self.workers.rank) * self._parts + part
        return (self._seed + 0x9E3779B97F4A7C15 * (place + 1)) % 2**63


def _check_compiler() -> None:
    """Raises ValueError unless there is the C++ compiler that torch.compile runs: $CXX, else the system's."""
    compiler = os.environ.get("CXX") or {"darwin": "clang++", "win32": "cl"}.get(sys.platform, "g++")
    if shutil.which(compiler) is None:
        raise ValueError(
            f"torch.compile needs a C++ compiler, and there is no program {compiler!r}: install one (Debian: apt "
            "install g++), name it in CXX, or leave compile out"
        )
