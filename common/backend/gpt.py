"""What the GPT of every backend is apart from its arithmetic: checked shape and ids, weights and gradients by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..numbers import precisions
from ..numbers.rng import RNG
from . import checks, initial, registry
from .described import described
from .gpt_config import GPTConfig


@dataclasses.dataclass
class Cache:
    """The keys and values of the tokens already seen, so that each new token is computed alone.

    Those of position t depend on tokens 0 .. t only. When a full window rolls, every token is at another position, and
    nothing kept is valid any more.
    """

    B: int  # rows
    config: GPTConfig  # of the model that it belongs to
    model: type  # and its class, of a backend
    kept: Any  # 2 L B T E numbers, and as the backend lays them out; of the T positions the first `length` are filled
    length: int = 0


class GPTBase:
    """logits = head(norm(blocks(wte[idx] + wpe[0 .. T-1])))        (Radford et al. 2019, GPT-2)

    With norm_first: head(blocks(norm(wte[idx] + wpe[0 .. T-1]))). Each block is x = x + attention(norm1(x)),
    x = x + mlp(norm2(x)). It starts in training mode, in which there is dropout. A step of training
    is logits, loss = model(inputs, targets), then optim.step(model.backward()).

    Args:
        vocab_size, ..., attention: the shape; nnz.backend.gpt_config.GPTConfig tells what each of them means.
        rng: an nnz.RNG, which draws the weights.
        dtype: "float32" or "float64".
        device: "cpu", or what `devices()` of the backend names.
        dropout_seed: the key of the dropout masks, 0 .. 2^64 - 1.
        precision: "native", or "strict": every float32 correctly rounded, so equal in every bit on every backend.

    Raises:
        TypeError: a size is not an integer, or rng is not an nnz.RNG.
        ValueError: a value that makes no model, or a device or precision that the backend does not have.
    """

    # A backend writes `_forward` and `_backward`; `self.config` has the shape, `self._p` holds the weights.
    ops_by_precision: Mapping[str, Any]
    devices: Callable[[], tuple[str, ...]] = staticmethod(lambda: ("cpu",))  # of the backend, on this machine
    parameter = staticmethod(lambda array, device: array)  # how the backend holds a weight, hands it out and fills it
    as_array = staticmethod(np.asarray)
    copy_into = staticmethod(np.copyto)

    def __init__(
        self,
        vocab_size: int,
        context_length: int = 256,
        n_layer: int = 6,
        n_head: int = 6,
        n_embd: int = 384,
        dropout: float = 0.2,
        embedding_dropout: float = 0.0,
        activation: str = "relu",
        qkv_bias: bool = False,
        linear_bias: bool = True,
        head_bias: bool = True,
        tied_head: bool = False,
        norm_first: bool = False,
        norm: str = "layer",
        attention: str = "fused",
        rng: RNG | None = None,
        dtype: str = "float32",
        device: str = "cpu",
        dropout_seed: int = 1337,
        precision: str = precisions.NATIVE,
    ) -> None:
        given = locals()
        self.device = checks.available_device(device, self.devices())
        self.config = GPTConfig(**{field.name: given[field.name] for field in dataclasses.fields(GPTConfig)})
        self.dtype = self.config.dtype
        self.precision = precisions.checked(precision, self.dtype, device)
        self.training = True
        self.dropout_seed = checks.uint64("dropout_seed", dropout_seed)
        self.dropout_step = 0  # how many batches it has learned from: masks are drawn for this step
        self._shapes = initial.gpt_shapes(self.config)
        drawn = initial.gpt_parameters(self._shapes, checks.generator(rng), self.dtype)
        self._saved: dict[str, Any] | None = None  # what the last forward with targets computed
        self._hold(drawn)

    def _hold(self, drawn: dict[str, np.ndarray]) -> None:
        self._p = {name: self.parameter(array, self.device) for name, array in drawn.items()}

    def __repr__(self) -> str:
        return described(self, **dataclasses.asdict(self.config))

    @property
    def ops(self) -> Any:
        """The operations of the model's precision."""
        return self.ops_by_precision[self.precision]

    def __call__(self, inputs: np.ndarray, targets: np.ndarray | None = None) -> tuple[np.ndarray, float | None]:
        """inputs, targets (B, T) int -> logits (B, T, V), mean cross-entropy in nats (None without targets).

        T is at most the context_length. With targets, in training mode, there is dropout, drawn for `dropout_step`,
        which then is one more. Raises TypeError or ValueError on ids that are not integers, of another shape, or
        outside 0 .. V - 1.
        """
        inputs = self._fitting("inputs", inputs)
        if targets is not None:
            targets = self._ids("targets", targets, tuple(inputs.shape))
        self._saved = None
        learns = self.training and targets is not None
        step = self.dropout_step if learns else None
        computed = self._forward(inputs, targets, step)
        self.dropout_step += learns
        if targets is not None:
            self._saved = {"inputs": inputs, "targets": targets, "step": step, **computed}
        return computed["logits"], computed.get("loss")

    def backward(self) -> dict[str, np.ndarray]:
        """The gradient of the last loss by every parameter, named and shaped as the parameters.

        Raises RuntimeError if no forward with targets came first.
        """
        gradients = self._backward(checks.forward_came_first(self._saved))
        return {name: gradients[name] for name in self._p}

    def intermediates(self) -> dict[str, np.ndarray]:
        """Copies of what lies between weights and gradients, of the last forward with targets, in order of computation.

        Of each block, after "blocks.0.": x, h1 (B, T, E), qkv (B, T, 3, E), probs (B, H, T, T), y, x_mid, h2 (B, T, E),
        a_pre, a (B, T, 4 E); then x, which the norm outside the blocks takes, and h, which the head takes (B, T, E),
        logits, probs (B, T, V); with norm_first x comes first. The gradients of all but the probs follow, last first;
        that of "blocks.0.a" is "dblocks.0.a".
        """
        saved = checks.forward_came_first(self._saved)
        found, shapes = self._tensors(saved), self.config.intermediates(*saved["inputs"].shape)
        return {name: np.array(found[name]).reshape(shape) for name, shape in shapes.items()}

    def new_cache(self, B: int) -> Cache:
        """A cache for `last_logits`, of B rows and as many tokens as the context holds."""
        return Cache(checks.positive_int("B", B), self.config, type(self), self._new_kept(B))

    def last_logits(self, tokens: np.ndarray, cache: Cache | None = None) -> np.ndarray:
        """tokens (B, n) int -> the logits after them (B, V), without dropout; see nnz.generate.

        With a cache, they follow the tokens in it, and are in it from then on. Raises what a forward raises, and
        ValueError for a cache of another model or of another number of rows.
        """
        past = 0 if cache is None else cache.length
        tokens = self._fitting("tokens", tokens, past)
        if cache is not None and (cache.config, cache.model) != (self.config, type(self)):
            raise ValueError("the cache is one of a model of another shape or backend; take new_cache of this model")
        if cache is not None and len(tokens) != cache.B:
            raise ValueError(f"tokens has {len(tokens)} rows; the cache has {cache.B}")
        self._saved = None
        logits = self._last_logits(tokens, cache)
        if cache is not None:
            cache.length += tokens.shape[1]
        return logits

    def _new_kept(self, B: int) -> Any:
        c = self.config
        return self._zeros(c.n_layer, 2, B, c.n_head, c.context_length, c.n_embd // c.n_head)

    def _zeros(self, *shape: int) -> Any:
        return np.zeros(shape, self.dtype)

    def _last_logits(self, tokens: Any, cache: Cache | None) -> np.ndarray:
        return self._forward(tokens, None, None, cache)["logits"][:, -1]

    def _fitting(self, name: str, ids: Any, past: int = 0) -> Any:
        """ids (B, T) checked, and that with `past` tokens before them they are not more than the context holds."""
        ids, most = self._ids(name, ids, (None, None)), self.config.context_length
        if past + ids.shape[1] > most:
            after = f" after {past} in the cache" if past else ""
            raise ValueError(f"{name} has {ids.shape[1]} tokens a row{after}; the context_length is {most}")
        return ids

    def _forward(self, inputs: Any, targets: Any, step: int | None, cache: Cache | None = None) -> dict[str, Any]:
        """logits, with targets also the loss and all that `_backward` needs; masks are drawn unless step is None.

        With a cache, which comes without targets, the inputs follow the tokens in it.
        """
        raise NotImplementedError

    def _backward(self, saved: dict[str, Any]) -> dict[str, Any]:
        """The gradient of the loss by each parameter, under the parameter's own name."""
        raise NotImplementedError

    def _tensors(self, saved: dict[str, Any]) -> dict[str, np.ndarray]:
        """The intermediates by name, in any shape."""
        raise NotImplementedError

    def _ids(self, name: str, ids: np.ndarray, shape: tuple[int | None, ...]) -> np.ndarray:
        """A copy of the ids, checked: backward needs them, and the caller may overwrite theirs."""
        return checks.token_ids(name, ids, shape, self.config.vocab_size).copy()

    def __getstate__(self) -> dict[str, Any]:
        """What a copy takes over: all but what the last forward left for backward, which stays the original's."""
        return self.__dict__ | {"_saved": None}

    def parameters(self) -> dict[str, np.ndarray]:
        """The weights by name, in the order of a checkpoint. They share the model's memory: writing trains it.

        A tied head is listed once, as wte.weight.
        """
        return {name: self.as_array(p) for name, p in self._p.items()}

    def load_parameters(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Overwrite the weights, rounding to the model's dtype. Raises ValueError if a name or shape does not fit."""
        checks.named_arrays("parameters", arrays, self._shapes)
        for name, parameter in self._p.items():
            self.copy_into(parameter, arrays[name])

    def buffers(self) -> dict[str, np.ndarray]:
        """The running statistics by name: a GPT keeps none."""
        return {}

    def load_buffers(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Raises ValueError if there is one, for there is no place for it."""
        checks.named_arrays("buffers", arrays, {})

    def attention_maps(self, ids: np.ndarray) -> np.ndarray:
        """ids (1, T) -> (n_layer, n_head, T, T), how much each token takes from each; of a long prompt the beginning.

        For pictures: nnz.numpy computes them from the weights, whichever backend has those.
        """
        twin = registry.load("numpy").GPT(**dataclasses.asdict(self.config), rng=RNG(1))
        twin.load_parameters(self.parameters())
        return twin.attention_maps(ids)

    def train(self, mode: bool = True) -> GPTBase:
        """Draw dropout from now on; returns the model."""
        self.training = mode
        return self

    def eval(self) -> GPTBase:
        """Draw no dropout from now on; returns the model."""
        return self.train(False)
