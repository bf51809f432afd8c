"""What the MLP of every backend is apart from its arithmetic: checked sizes and ids, weights and gradients by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..numbers import precisions
from ..numbers.rng import RNG
from . import checks, initial
from .described import described

# Allocated, and freed at once: after that glibc keeps freed memory up to this size for the next array. Otherwise it may
# return it to the system after every step, and each 4 KB of a new array cost a page fault: up to a third of a step.
np.empty(2**25 - 2**16, np.uint8)


class MLPBase:
    """logits = fc2(tanh(fc1(the embeddings of T tokens, side by side)))        (Bengio et al. 2003)

    A step of training is logits, loss = model(inputs, targets), then optim.step(model.backward()).

    Args:
        vocab_size, context_length, embedding_size, hidden_size: V, T, E, H.
        rng: an nnz.RNG, which draws the weights.
        dtype: "float32" or "float64".
        device: "cpu", or what `devices()` of the backend names.
        precision: "native", or "strict": every float32 correctly rounded, so equal in every bit on every backend.

    Raises:
        TypeError: a size is not an integer, or rng is not an nnz.RNG.
        ValueError: a size is below 1, or the backend does not have the dtype, device or precision.
    """

    # A backend writes `_forward` and `_backward`; `self.sizes` is (V, T, E, H), `self._p` holds the weights.
    ops_by_precision: Mapping[str, Any]
    devices: Callable[[], tuple[str, ...]] = staticmethod(lambda: ("cpu",))  # of the backend, on this machine
    parameter = staticmethod(lambda array, device: array)  # how the backend holds a weight, hands it out and fills it
    as_array = staticmethod(np.asarray)
    copy_into = staticmethod(np.copyto)

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
    ) -> None:
        self.device = checks.available_device(device, self.devices())
        self.sizes = checks.mlp_sizes(vocab_size, context_length, embedding_size, hidden_size)
        self.dtype = checks.dtype_name(dtype)
        self.precision = precisions.checked(precision, self.dtype, device)
        self._shapes = initial.mlp_shapes(*self.sizes)
        drawn = initial.mlp_parameters(self._shapes, checks.generator(rng), self.dtype)
        self._saved: dict[str, Any] | None = None  # what the last forward with targets computed
        self._hold(drawn)

    def _hold(self, drawn: dict[str, np.ndarray]) -> None:
        self._p = {name: self.parameter(array, self.device) for name, array in drawn.items()}

    def __repr__(self) -> str:
        names = ("vocab_size", "context_length", "embedding_size", "hidden_size")
        return described(self, **dict(zip(names, self.sizes, strict=True)))

    @property
    def ops(self) -> Any:
        """The operations of the model's precision."""
        return self.ops_by_precision[self.precision]

    def __call__(self, inputs: np.ndarray, targets: np.ndarray | None = None) -> tuple[np.ndarray, float | None]:
        """inputs (B, T), targets (B,) int -> logits (B, V), mean cross-entropy in nats (None without targets).

        Raises TypeError or ValueError on ids that are not integers, of another shape, or outside 0 .. V - 1.
        """
        inputs = self._ids("inputs", inputs, (None, self.sizes.T))
        if targets is not None:
            targets = self._ids("targets", targets, (len(inputs),))
        self._saved = None
        computed = self._forward(inputs, targets)
        if targets is not None:
            self._saved = {"inputs": inputs, "targets": targets, **computed}
        return computed["logits"], computed.get("loss")

    def backward(self) -> dict[str, np.ndarray]:
        """The gradient of the last loss by every parameter, named and shaped as the parameters.

        Raises RuntimeError if no forward with targets came first.
        """
        saved = self.saved()
        saved |= self._backward(saved)
        return {name: saved["d" + name] for name in self._p}

    def saved(self) -> dict[str, Any]:
        """What the last forward, and the backward after it, computed. Raises RuntimeError before such a forward."""
        return checks.forward_came_first(self._saved)

    def _forward(self, inputs: Any, targets: Any) -> dict[str, Any]:
        """logits, with targets also the loss and all that `_backward` needs."""
        raise NotImplementedError

    def _backward(self, saved: dict[str, Any]) -> dict[str, Any]:
        """The gradient of the loss by each parameter and intermediate, as "d" and its name."""
        raise NotImplementedError

    def _ids(self, name: str, ids: np.ndarray, shape: tuple[int | None, ...]) -> np.ndarray:
        """A copy of the ids, checked: backward needs them, and the caller may overwrite theirs."""
        return checks.token_ids(name, ids, shape, self.sizes.V).copy()

    def __getstate__(self) -> dict[str, Any]:
        """What a copy takes over: all but what the last forward left for backward, which stays the original's."""
        return self.__dict__ | {"_saved": None}

    def parameters(self) -> dict[str, np.ndarray]:
        """The weights by name, in the order of a checkpoint. They share the model's memory: writing trains it."""
        return {name: self.as_array(p) for name, p in self._p.items()}

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
        tensors = self._tensors(self.saved())
        names = ("emb", "h_pre", "h", "logits", "probs", "dlogits", "dh", "dh_pre", "demb")
        return {name: np.array(tensors[name]) for name in names}

    def _tensors(self, saved: dict[str, Any]) -> dict[str, np.ndarray]:
        return saved if "dlogits" in saved else saved | self._backward(saved)


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Let the model use its running statistics inside, if it keeps any; a backend from elsewhere may know no modes."""
    was_training = getattr(model, "training", hasattr(model, "eval"))  # one from elsewhere need not say so
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


def not_finite(arrays: Mapping[str, Any]) -> str | None:
    """Return the name of the first array, on whatever device, that holds an infinity or a NaN; None if none does."""
    for name, array in arrays.items():
        finite = array.isfinite() if hasattr(array, "isfinite") else np.isfinite(array)
        if not finite.all():
            return name
    return None
