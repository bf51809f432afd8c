"""The GPT in C, from Python: the arithmetic is all in gpt.c; here are its memory and its border."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnz.backend.gpt import Cache, GPTBase

from ..binding.library import KERNELS, ffi, kernel, pointer
from ..binding.runtime import devices
from ..binding.views import joined, views


class GPT(GPTBase):
    __doc__ = GPTBase.__doc__
    devices = staticmethod(devices)
    kernels = KERNELS

    def _hold(self, drawn: dict[str, np.ndarray]) -> None:
        self._begin(joined(drawn.values()))

    def _begin(self, flat: np.ndarray) -> None:
        self._flat = flat  # one array of all weights, of which C holds the address
        self._p = views(flat, self._shapes)
        self._c_forward, self._c_backward = (self._kernel(f"gpt_{way}") for way in ("forward", "backward"))
        self._c_append = self._kernel("gpt_append")
        self._c, self._made_for, self._loss = None, None, np.empty((), self.dtype)

    def _kernel(self, name: str) -> Callable:
        return kernel(name, self.dtype, self.kernels[self.precision])

    def __getstate__(self) -> dict[str, Any]:
        """What a copy takes over: the weights, not the memory that C keeps for the original alone."""
        own = ("_p", "_c", "_c_forward", "_c_backward", "_c_append", "_made_for", "_loss")
        return {name: value for name, value in super().__getstate__().items() if name not in own}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin(self._flat)

    def _model(self, B: int, T: int) -> Any:
        """The model in C for batches of this shape, made anew when it is another than that of the last batch."""
        if self._made_for != (B, T, self.dropout_seed):
            self._c = self._made_for = None  # frees the memory of the last one first
            handle = self._kernel("gpt_new")(pointer(self._flat), self._c_config(), B, T)
            if handle == ffi.NULL:
                raise MemoryError(f"no memory for a batch of {B} rows of {T} tokens")
            self._c, self._made_for = ffi.gc(handle, self._kernel("gpt_free")), (B, T, self.dropout_seed)
        return self._c

    def _c_config(self) -> Any:
        c, pointer_to_config = self.config, ffi.typeof(self._kernel("gpt_new")).args[1]
        sizes = {"V": c.vocab_size, "T": c.context_length, "L": c.n_layer, "H": c.n_head, "E": c.n_embd}
        on_or_off = ("qkv_bias", "linear_bias", "head_bias", "tied_head", "norm_first")
        switches = {field: getattr(c, field) for field in on_or_off}
        switches |= {"gelu": c.activation == "gelu", "rms": c.norm == "rms"}
        rates = {"dropout": c.dropout, "embedding_dropout": c.embedding_dropout, "dropout_seed": self.dropout_seed}
        return ffi.new(pointer_to_config, sizes | switches | rates)

    def _forward(
        self, inputs: np.ndarray, targets: np.ndarray | None, step: int | None, cache: None = None
    ) -> dict[str, Any]:
        B, T = inputs.shape
        logits = np.empty((B, T, self.config.vocab_size), self.dtype)
        arrays = map(pointer, (logits, self._loss, inputs, targets))
        self._c_forward(self._model(B, T), *arrays, step is not None, step or 0)
        return {"logits": logits, "loss": None if targets is None else float(self._loss)}

    def _new_kept(self, B: int) -> np.ndarray:
        return np.empty(self._kernel("gpt_cache_size")(self._c_config(), B), self.dtype)

    def _last_logits(self, tokens: np.ndarray, cache: Cache | None) -> np.ndarray:
        if cache is None:
            return super()._last_logits(tokens, None)
        B, n = tokens.shape
        logits = np.empty((B, self.config.vocab_size), self.dtype)
        arrays = map(pointer, (logits, cache.kept, tokens))
        self._c_append(self._model(B, 1), *arrays, n, cache.length)
        return logits

    def _backward(self, saved: dict[str, Any]) -> dict[str, np.ndarray]:
        gradients = np.empty_like(self._flat)
        self._c_backward(self._c, pointer(gradients))  # it reads the ids of the forward, which are in `saved`
        return views(gradients, self._shapes)

    def _tensors(self, saved: dict[str, Any]) -> dict[str, np.ndarray]:
        """Copies out of C's memory, where the gradients of one block after the other are in the same place."""
        found, reached, gradients = {"logits": saved["logits"]}, None, np.empty_like(self._flat)
        backward, tensor = self._kernel("gpt_backward_to_block"), self._kernel("gpt_tensor")
        shapes = self.config.intermediates(*saved["inputs"].shape)
        del shapes["logits"]
        for path, shape in shapes.items():  # "h1" of block 0 is "blocks.0.h1", and its gradient "dblocks.0.h1"
            block, _, name = path.rpartition(".")
            layer = int(block.rpartition(".")[2]) if block else self.config.n_layer
            if path == "dx" and self.config.norm_first:  # the last of all
                self._c_backward(self._c, pointer(gradients))
            elif path.startswith("d") and reached != layer:
                backward(self._c, pointer(gradients), layer)
                reached = layer
            address = tensor(self._c, ("d" * block.startswith("d") + name).encode(), layer)
            bytes_there = ffi.buffer(address, int(np.prod(shape)) * self._flat.itemsize)
            found[path] = np.frombuffer(bytes_there, self.dtype).copy()
        return found
