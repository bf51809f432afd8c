"""From logits to a token: temperature, top-k, top-p, and whether rounding could have changed the token."""

from __future__ import annotations

import math
import numbers
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..backend import checks


@dataclass(frozen=True)
class Choice:
    """How a token is drawn: softmax((logits - max logits) / temperature), in the dtype of the logits, of what is kept.

    Args:
        temperature: divides the logits; 0 takes the first of the largest.
        top_k: keep only the k most likely tokens; 0 for all.
        top_p: of those, keep the most likely whose probabilities add up to p (Holtzman et al. 2020); 1 for all.
        banned: the ids of tokens that are never drawn, whatever their logits.

    Raises:
        TypeError: temperature or top_p is not a number, or top_k is not an integer.
        ValueError: temperature or top_k is negative, or top_p not in (0, 1].
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    banned: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        checks.non_negative("temperature", self.temperature)
        if isinstance(self.top_k, bool) or not isinstance(self.top_k, numbers.Integral):
            raise TypeError(f"top_k must be an integer, not {type(self.top_k).__name__}")
        checks.non_negative("top_k", self.top_k)
        if not 0 < checks.non_negative("top_p", self.top_p) <= 1:
            raise ValueError(f"top_p must be above 0 and at most 1; got {self.top_p}")

    def token(self, logits: np.ndarray, uniform: float) -> int:
        """Return the first token whose cumulative probability exceeds `uniform`, or the last possible; logits (V,).

        Raises FloatingPointError for logits that are not finite, ValueError if all tokens are banned.
        """
        return first_above(self.cumulative(logits), uniform)

    def cumulative(self, logits: np.ndarray) -> np.ndarray:
        """Return the cumulative sums of the probabilities, which are all that a draw needs; raises what `token` raises.

        logits (V,) or, each row on its own, (N, V); the sums have the same shape. At temperature 0 they are 0 before
        the most likely token and 1 from there on.
        """
        if logits.ndim == 2 and (self.top_k or self.top_p < 1):
            return np.stack([self.cumulative(row) for row in logits])
        z = self._scaled(logits)
        if z is None:
            best = self._allowed(logits).argmax(axis=-1, keepdims=True)
            return (np.arange(logits.shape[-1]) >= best).astype(logits.dtype)
        return _sums(z, self._threshold(z))

    def certain_token(self, logits: np.ndarray, uniform: float, error: float) -> int | None:
        """Return the token, or None if logits with errors of up to `error` each could have given another; logits (V,).

        None if another token is near the largest (temperature 0) or the threshold of top-k and top-p, or if the uniform
        is as near to a cumulative sum c next to it as c can move: 2 error c (1 - c), and the rounding of a sum of V
        terms. Raises what `token` raises.
        """
        z = self._scaled(logits)
        if z is None:
            z = self._allowed(logits)
            best = int(z.argmax())
            return best if np.count_nonzero(z >= z[best] - 2 * error) == 1 else None
        threshold, shift, kept = self._threshold(z), 2 * error / self.temperature, len(z)
        if threshold > -math.inf:
            kept = np.count_nonzero(z >= threshold)
            if np.count_nonzero(z >= threshold - shift) > kept:
                return None
        rounding = float(np.finfo(z.dtype).eps) * math.sqrt(kept)
        if self.top_p < 1:
            margin = shift + rounding
            if self._threshold(z, self.top_p - margin) != self._threshold(z, self.top_p + margin):
                return None
        sums = _sums(z, threshold)
        token = first_above(sums, uniform)
        beside = sums[max(token - 1, 0) : min(token + 1, len(z) - 1)]  # the last is 1, and every uniform is below it
        for c in beside.tolist():
            if abs(c - uniform) <= shift * c * max(1 - c, 0) + rounding:
                return None
        return token

    def _scaled(self, logits: np.ndarray) -> np.ndarray | None:
        """(logits - max logits) / temperature in the dtype of the logits; None where that divides by zero."""
        if not math.isfinite(largest_size(logits)):
            raise FloatingPointError(
                "the model's logits are not finite: its training diverged; train with a lower optimizer.lr"
            )
        allowed = self._allowed(logits)
        largest = allowed.max(axis=-1, keepdims=True) if logits.ndim == 2 else allowed.item(allowed.argmax())
        if self.temperature == 1:
            return self._allowed(logits - largest)
        with np.errstate(over="ignore"):  # an infinite divisor makes all equal; a tiny one gives -inf
            divisor = logits.dtype.type(self.temperature)
            return None if divisor == 0 else self._allowed((logits - largest) / divisor)

    def _allowed(self, z: np.ndarray) -> np.ndarray:
        """z, with -inf for the tokens that are banned."""
        if not self.banned:
            return z
        if len(set(self.banned)) >= z.shape[-1]:
            raise ValueError("every token of the vocabulary is banned: leave at least one that can be drawn")
        z = z.copy()
        z[..., list(self.banned)] = -np.inf
        return z

    def _threshold(self, z: np.ndarray, top_p: float | None = None) -> float:
        """The smallest z that is kept; of equal ones all are kept or none."""
        smallest = -math.inf
        if 0 < self.top_k < len(z):
            smallest = float(np.partition(z, -self.top_k)[-self.top_k])
        top_p = self.top_p if top_p is None else top_p
        if self.top_p < 1:
            ordered = np.sort(z[z >= smallest])[::-1]
            reached = np.searchsorted(np.cumsum(_softmax(ordered)), top_p)  # how many sums are below p
            smallest = float(ordered[min(reached, len(ordered) - 1)])
        return smallest


def first_above(sums: Sequence[float], uniform: float) -> int:
    """Return the first token whose cumulative sum exceeds `uniform`.

    Rounded, the last sum may be just below `uniform`: then the last token that adds to it, and never one left out.
    """
    token = bisect_right(sums, uniform, 0, len(sums) - 1)
    return token if token < len(sums) - 1 else bisect_left(sums, sums[-1])


def largest_size(x: np.ndarray) -> float:
    """max|x|, not a number if one of x is not; for a few numbers argmax takes a quarter of the time of max."""
    return max(x.item(x.argmax()), -x.item(x.argmin()))


def _sums(z: np.ndarray, threshold: float) -> np.ndarray:
    """The cumulative sums of the probabilities, which are 0 below the threshold."""
    if threshold > -math.inf:
        z = np.where(z >= threshold, z, -np.inf)
    return np.add.accumulate(_softmax(z), axis=-1)


def _softmax(z: np.ndarray) -> np.ndarray:
    """exp(z) / sum exp(z) along the last axis, for z of which the largest is 0."""
    e = np.exp(z)
    return e / np.add.reduce(e, axis=-1, keepdims=True)
