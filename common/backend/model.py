"""What the MLP of every backend is besides its arithmetic: checked sizes, named weights, named intermediates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..numbers import precisions
from ..numbers.rng import RNG
from . import checks, compiling, initial


class MLPBase:
    """logits = fc2(tanh(fc1(the embeddings of T tokens, side by side)))        (Bengio et al. 2003)

    A backend writes `__call__`, `backward` and `_tensors`; `self.sizes` is (V, T, E, H), `self._p` holds the weights.

    Args:
        vocab_size, context_length, embedding_size, hidden_size: V, T, E, H.
        rng: an nnz.RNG, which draws the weights.
        dtype: "float32" or "float64".
        device: "cpu", or what `devices()` of the backend names.
        precision: "native", or "strict": every float32 correctly rounded, so equal in every bit on every backend.
        compile: in torch, let torch.compile make one piece of the training forward and its backward.

    Raises:
        TypeError: a size is no integer, or rng no nnz.RNG.
        ValueError: a size is below 1, or dtype, device, precision or compile is not to be had.
    """

    copy_into = staticmethod(np.copyto)
    can_compile = False  # whether the backend can take compile=True

    def __init__(
        self,
        vocab_size: int,
        context_length: int,
        embedding_size: int,
        hidden_size: int,
        rng: RNG,
        dtype: str = "float32",
        device: str = "cpu",
        precision: str = "native",
        compile: bool = False,
    ) -> None:
        self.sizes = checks.mlp_sizes(vocab_size, context_length, embedding_size, hidden_size)
        self.dtype, self.device = checks.dtype_name(dtype), device
        self.precision = precisions.checked(precision, self.dtype, device)
        self.compile = compiling.checked(compile, device, self.precision, self.can_compile)
        self._shapes = initial.mlp_shapes(*self.sizes)
        self._p = initial.mlp_parameters(self._shapes, checks.generator(rng), self.dtype)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy takes over: all but what the last forward left for backward, which stays the original's."""
        return self.__dict__ | {"_saved": None}

    def parameters(self) -> dict[str, np.ndarray]:
        """The weights by name, in the order of a checkpoint. They are the model's own arrays: writing trains it."""
        return dict(self._p)

    def load_parameters(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Overwrite the weights, rounding to the model's dtype. Raises ValueError if a name or shape does not fit."""
        checks.named_arrays("parameters", arrays, self._shapes)
        for name, parameter in self._p.items():
            self.copy_into(parameter, arrays[name])

    def buffers(self) -> dict[str, np.ndarray]:
        """The running statistics by name: an MLP keeps none."""
        return {}

    def load_buffers(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Raises ValueError if there is one, for there is no place for it."""
        checks.named_arrays("buffers", arrays, {})

    def train(self, mode: bool = True) -> MLPBase:
        """Return the model as it is: nothing in it depends on the mode."""
        return self

    def eval(self) -> MLPBase:
        """Return the model as it is: nothing in it depends on the mode."""
        return self

    def intermediates(self) -> dict[str, np.ndarray]:
        """Copies of what lies between weights and gradients, of the last forward with targets, in walking order.

        emb (B, T, E), h_pre, h (B, H), logits, probs, dlogits (B, V), dh, dh_pre (B, H), demb (B, T, E).
        """
        tensors = self._tensors()
        names = ("emb", "h_pre", "h", "logits", "probs", "dlogits", "dh", "dh_pre", "demb")
        return {name: np.array(tensors[name]) for name in names}


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Let the model use its running statistics inside, if it keeps any; a backend from elsewhere may know no modes."""
    was_training = getattr(model, "training", False)
    if was_training:
        model.eval()
    try:
        yield
    finally:
        if was_training:
            model.train()


def buffers_of(model: Any) -> dict[str, Any]:
    """Return the model's running statistics; a backend from elsewhere may know none."""
    return model.buffers() if hasattr(model, "buffers") else {}
