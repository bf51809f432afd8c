"""The training of microgpt: a document a step, Adam with a rate that falls to zero."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import numpy as np

from .model import logits_of, loss_of
from .start import Names, Start
from .tape import Node, Tape
from .variant import Variant

STEPS = 1000
SAMPLES, TEMPERATURE = 20, 0.5


class Training:
    """A training of the variant, by `losses`: a step is not finished until the next loss is asked for."""

    def __init__(self, names: Names, variant: Variant) -> None:
        self._start, self._variant = Start(names, variant), variant
        first = self._start.weights
        self._flat = np.concatenate([w.ravel() for w in first.values()])  # all weights, one after the other
        self._weights, place = {}, 0
        for name, w in first.items():
            self._weights[name] = Node(self._flat[place : place + w.size].reshape(w.shape))
            place += w.size
        self._gradient = self._m = self._v = np.zeros_like(self._flat)

    def losses(self) -> Iterator[float]:
        """The loss of each step, before its update, as the variant shows it."""
        total = smooth = 0.0
        for step in range(STEPS):
            tokens = self._start.tokens(step)
            if len(tokens) < 2:  # an empty document without BOS at both ends
                return
            tape, node = loss_of(tokens, self._weights, self._variant)
            loss = float(node.value)
            total, smooth = total + loss, 0.9 * smooth + 0.1 * loss if step else loss
            shown = {"loss": loss, "bits": loss / math.log(2), "mean so far": total / (step + 1), "smoothed": smooth}
            yield shown[self._variant.shown]
            tape.backward()
            self._update(step)

    def _update(self, step: int) -> None:
        """Adam: m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, w -= lr m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + e)."""
        s, w = self._variant, self._flat
        g = self._gathered()
        lr = rate(step, s)
        if s.optimizer == "sgd":
            w -= lr * g
            return
        t = step + 1 + s.step_shift
        if s.moments != "as written":
            self._update_otherwise(g, lr, t)
            return
        self._m = s.beta1 * self._m + (1 - s.beta1) * g
        self._v = s.beta2 * self._v + (1 - s.beta2) * g * g
        m = self._m / (1 - s.beta1**t) if "m" in s.corrected else self._m
        v = self._v / (1 - s.beta2**t) if "v" in s.corrected else self._v
        root = np.sqrt(v + s.epsilon) if s.epsilon_inside else np.sqrt(v) + s.epsilon
        w -= lr * m / root + lr * s.weight_decay * w

    def _update_otherwise(self, g: np.ndarray, lr: float, t: int) -> None:
        """Adam as the reference has it, in the two other forms that are usual, both with constants of the dtype."""
        s, one = self._variant, g.dtype.type(1)
        beta1, beta2 = g.dtype.type(s.beta1), g.dtype.type(s.beta2)
        self._m = self._m + (one - beta1) * (g - self._m)
        self._v = self._v + (one - beta2) * (g * g - self._v)
        first, second = one - beta1**t, np.sqrt(one - beta2**t)  # of the dtype, as beta is
        if s.moments == "folded":  # both corrections are in the rate
            self._flat -= g.dtype.type(lr) * second / first * self._m / (np.sqrt(self._v) + second * s.epsilon)
        else:
            self._flat -= g.dtype.type(lr) / first * (self._m / (np.sqrt(self._v) / second + s.epsilon))

    def _gathered(self) -> np.ndarray:
        """The gradients, one after the other; zeros for a weight that none reached, or that is not trained."""
        s, pieces = self._variant, []
        for name, node in self._weights.items():
            is_zero = node.gradient is None or name in s.frozen.split()
            pieces.append(np.zeros(node.value.size, s.dtype) if is_zero else node.gradient.ravel())
            node.gradient = None
        g = np.concatenate(pieces)
        if s.accumulates:
            self._gradient = g = g + self._gradient
        if s.l2:
            g = g + s.l2 * self._flat
        if s.clip:
            g = g * min(1.0, s.clip / (math.sqrt(float((g * g).sum())) + 1e-6))
        return g.astype(s.dtype, copy=False)

    def samples(self) -> list[str]:
        """The names that the model makes now, drawn by the generator that shuffled the documents.

        Like the reference each begins with BOS and ends at the next one, or with the context.
        """
        generator, start, context = copy.deepcopy(self._start.generator), self._start, self._variant.context
        names = []
        for _ in range(SAMPLES):
            tokens = [start.bos]
            for _ in range(context):
                logits = logits_of(Tape(), tokens, self._weights, self._variant).value[-1] / TEMPERATURE
                e = np.exp(logits - logits.max())
                (token,) = generator.choices(range(start.vocab_size), (e / e.sum()).tolist())
                if token == start.bos:
                    break
                tokens.append(token)
            names.append("".join(start.characters[token] for token in tokens[1:]))
        return names


def rate(step: int, variant: Variant) -> float:
    """The learning rate of a step, counted from 0: 0.01 (1 - step / 1000)."""
    v = variant
    if v.decay == "none":
        return v.lr
    share = min((step + v.decay_shift) / v.decay_steps, 1.0)
    left = (1 + math.cos(math.pi * share)) / 2 if v.decay == "cosine" else 1 - share
    return v.lr * (v.decay_floor + (1 - v.decay_floor) * left)
