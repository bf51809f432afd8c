"""microgpt in Python alone: python microgpt.py NAMES [STEPS]

A GPT of one layer learns names, one a step, and then makes twenty new ones. Every number of a forward pass is an
object that knows what it was computed from, so nothing but the forward is written: the chain rule does the rest.
It is the slowest of the ports, by far: five minutes or so, where arrays take seconds.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Sequence
from itertools import pairwise

CONTEXT, E, HEADS = 16, 16, 4
D = E // HEADS  # numbers of a head
BETA1, BETA2, TEMPERATURE = 0.85, 0.99, 0.5


class Scalar:
    """A number, its gradient, and the numbers it comes from, each with the slope towards it."""

    __slots__ = ("data", "grad", "sources")

    def __init__(self, data: float, *sources: tuple[Scalar, float]) -> None:
        self.data, self.grad, self.sources = data, 0.0, sources

    def __add__(self, other: Scalar) -> Scalar:
        return Scalar(self.data + other.data, (self, 1.0), (other, 1.0))

    def __mul__(self, other: Scalar) -> Scalar:
        return Scalar(self.data * other.data, (self, other.data), (other, self.data))

    def scaled(self, factor: float) -> Scalar:
        return Scalar(self.data * factor, (self, factor))

    def power(self, exponent: float) -> Scalar:
        return Scalar(self.data**exponent, (self, exponent * self.data ** (exponent - 1)))

    def exp(self) -> Scalar:
        y = math.exp(self.data)
        return Scalar(y, (self, y))

    def log(self) -> Scalar:
        return Scalar(math.log(self.data), (self, 1 / self.data))

    def relu(self) -> Scalar:
        return Scalar(max(self.data, 0.0), (self, float(self.data > 0)))

    def backward(self) -> None:
        """Give every number behind this one its gradient: what comes later passes on what it has, times the slope."""
        order, seen, waiting = [], set(), [(self, False)]
        while waiting:
            node, is_done = waiting.pop()
            if is_done:
                order.append(node)  # after all its sources
            elif node not in seen:
                seen.add(node)
                waiting.append((node, True))
                waiting += [(source, False) for source, _ in node.sources]
        self.grad = 1.0
        for node in reversed(order):
            for source, slope in node.sources:
                source.grad += slope * node.grad


Vector = Sequence[Scalar]
Matrix = Sequence[Vector]


def total(values: Vector) -> Scalar:
    return Scalar(sum(value.data for value in values), *((value, 1.0) for value in values))


def add(a: Vector, b: Vector) -> Vector:
    """y[i] = a[i] + b[i]"""
    return [x + y for x, y in zip(a, b, strict=True)]


def dot(a: Vector, b: Vector) -> Scalar:
    return total([x * y for x, y in zip(a, b, strict=True)])


def linear(w: Matrix, x: Vector) -> Vector:
    """y[i] = sum of w[i][k] x[k] over k"""
    return [dot(row, x) for row in w]


def softmax(z: Vector) -> Vector:
    """p[i] = exp(z[i]) / sum of exp(z[j]) over j"""
    largest = Scalar(-max(value.data for value in z))  # taken off, so that exp cannot overflow
    exps = [(value + largest).exp() for value in z]
    share = total(exps).power(-1)
    return [value * share for value in exps]


def rms_norm(x: Vector) -> Vector:
    """y[i] = x[i] / sqrt(mean of x^2 + 1e-5)"""
    scale = (dot(x, x).scaled(1 / len(x)) + Scalar(1e-5)).power(-0.5)
    return [value * scale for value in x]


def relu(x: Vector) -> Vector:
    """y[i] = max(x[i], 0)"""
    return [value.relu() for value in x]


def attention(q: Vector, keys: Matrix, values: Matrix) -> Vector:
    """What a token takes from those before it and from itself: the more, the better its query fits their keys."""
    y = []
    for part in (slice(h, h + D) for h in range(0, E, D)):
        probs = softmax([dot(q[part], k[part]).scaled(D**-0.5) for k in keys])
        y += [dot(probs, column) for column in zip(*(v[part] for v in values), strict=True)]
    return y


def gpt(p: dict[str, Matrix], token: int, keys: list[Vector], values: list[Vector]) -> Vector:
    """The logits after a token; its key and its value join those of the tokens before it."""
    x = rms_norm(add(p["wte"][token], p["wpe"][len(keys)]))
    h = rms_norm(x)
    keys.append(linear(p["wk"], h))
    values.append(linear(p["wv"], h))
    x = add(x, linear(p["wo"], attention(linear(p["wq"], h), keys, values)))
    x = add(x, linear(p["fc2"], relu(linear(p["fc1"], rms_norm(x)))))
    return linear(p["head"], x)


def cross_entropy(p: dict[str, Matrix], tokens: Sequence[int]) -> Scalar:
    """The mean of -log of what the model gave to each next token."""
    keys, values, losses = [], [], []
    for token, target in list(pairwise(tokens))[:CONTEXT]:
        losses.append(softmax(gpt(p, token, keys, values))[target].log())
    return total(losses).scaled(-1 / len(losses))


def adam(p: Scalar, moments: list[float], step: int, lr: float) -> None:
    """m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2, p = p - lr m' / (sqrt(v') + eps)"""
    moments[0] = BETA1 * moments[0] + (1 - BETA1) * p.grad
    moments[1] = BETA2 * moments[1] + (1 - BETA2) * p.grad**2
    m, v = moments[0] / (1 - BETA1**step), moments[1] / (1 - BETA2**step)
    p.data -= lr * m / (math.sqrt(v) + 1e-8)
    p.grad = 0.0


def main(names: list[str], steps: int) -> None:
    random.seed(42)
    random.shuffle(names)
    characters = sorted(set("".join(names)))
    bos = len(characters)  # begins and ends a name
    p = {  # the weights are drawn in this order
        name: [[Scalar(random.gauss(0, 0.08)) for _ in range(columns)] for _ in range(rows)]
        for name, rows, columns in (
            *(("wte", bos + 1, E), ("wpe", CONTEXT, E), ("head", bos + 1, E)),
            *(("wq", E, E), ("wk", E, E), ("wv", E, E), ("wo", E, E), ("fc1", 4 * E, E), ("fc2", E, 4 * E)),
        )
    }
    parameters = [(weight, [0.0, 0.0]) for matrix in p.values() for row in matrix for weight in row]
    for step in range(1, steps + 1):
        name = names[(step - 1) % len(names)]
        loss = cross_entropy(p, [bos, *map(characters.index, name), bos])
        loss.backward()
        for weight, moments in parameters:
            adam(weight, moments, step, 0.01 * (1 - (step - 1) / steps))
        print(f"step {step:4d} / {steps:4d} | loss {loss.data:.4f}", flush=True)
    for _ in range(20):
        name, token, keys, values = "", bos, [], []
        while len(keys) < CONTEXT:
            logits = gpt(p, token, keys, values)
            probs = softmax([z.scaled(1 / TEMPERATURE) for z in logits])
            token = random.choices(range(bos + 1), [share.data for share in probs])[0]
            if token == bos:
                break
            name += characters[token]
        print(name)


def read_names(path: str) -> list[str]:
    """The lines that are not empty; none of a file that cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return [line.strip() for line in file if line.strip()]
    except (OSError, UnicodeDecodeError):
        return []


if __name__ == "__main__":
    wanted = sys.argv[2] if len(sys.argv) > 2 else "1000"
    read = read_names(sys.argv[1] if len(sys.argv) > 1 else "")
    if not read or not wanted.isdecimal() or int(wanted) < 1:
        print("usage: python microgpt.py NAMES [STEPS]   a file with a name a line; 1 step or more", file=sys.stderr)
        sys.exit(2)
    main(read, int(wanted))
