"""The keys and values of tokens already seen, so that each new token is computed alone.

Position t's key and value in a block depend on tokens 0 .. t only, and on no later one: they need computing once. That
ends at the context limit: when the window rolls, every token is at another position, has another position
embedding, and nothing kept is valid any more. So a cache can be filled up to the limit, and then must be made anew.
"""

from __future__ import annotations

from torch import Tensor

from nnz.backend.gpt_config import GPTConfig


class LayerCache:
    """One block's keys and values, (B, nh, T, hs) each, of which the first `length` positions are filled."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.length = capacity, 0

    def append(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Keep k, v (B, nh, T, hs) and return those of all S tokens so far, (B, nh, S, hs): views, not copies."""
        if self.length == 0:
            B, nh, _, hs = k.shape
            self._k, self._v = k.new_empty(B, nh, self.capacity, hs), v.new_empty(B, nh, self.capacity, hs)
        new = slice(self.length, self.length + k.size(-2))
        self._k[:, :, new], self._v[:, :, new] = k, v
        self.length = new.stop
        return self._k[:, :, : new.stop], self._v[:, :, : new.stop]


class Cache:
    """A model's keys and values for one batch of B token rows; pass the same one to each call of the model."""

    def __init__(self, config: GPTConfig) -> None:
        self.layers = [LayerCache(config.context_length) for _ in range(config.n_layer)]

    @property
    def length(self) -> int:
        """How many tokens each row holds so far."""
        return self.layers[-1].length
