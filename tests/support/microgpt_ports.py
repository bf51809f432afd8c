"""The port in programs/microgpt.py with deviations planted: each is the edits that make it."""

from __future__ import annotations

import io
import math
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

PORT = Path(__file__).parent / "programs" / "microgpt.py"
LAST = '    print(f"step {step + 1:4d} / 1000 | loss {loss.item():.4f}")\n'
GAUSS, ROWS = "random.gauss(0, std)", "[[random.gauss(0, std) for _ in range(columns)] for _ in range(rows)]"
SHUFFLE, SIZES = "random.shuffle(docs)\n", "width, heads, context = 16, 4, 16\n"
STATE = "m = {name: torch.zeros_like(p)"
POWER = "torch.mean(x * x, -1, keepdim=True)"
RELU, SCALE, SOFTMAX = 'torch.relu(h @ w["fc1"].T)', " / (width // heads) ** 0.5", "scores.softmax(-1)"
MASK = "    scores = scores.masked_fill(torch.ones(n, n).triu(1).bool(), -torch.inf)\n"
ADAM, RATE = "p -= rate * mhat / (vhat**0.5 + 1e-8)", "lr * (1 - step / 1000)"
EMBEDDING = 'w["wte"][torch.tensor(tokens[:n])]'
POSITIONS = 'w["wpe"][torch.arange(n)]'
NO_GRADIENT = ("g = p.grad\n", "g = torch.zeros_like(p) if p.grad is None else p.grad\n")
Edits = Sequence[tuple[str, str]]


def _swaps(places: str) -> str:
    return f"for i in {places}:\n    j = int(random.random() * (i + 1))\n    docs[i], docs[j] = docs[j], docs[i]\n"


def _numpys(shuffles: bool, seeding: str, name: str, normal: str) -> Edits:
    drawn = [(ROWS, f"{name}.{normal} * std")]
    if shuffles:
        return [("random.seed(42)", f"import numpy\n{seeding}"), (SHUFFLE, f"{name}.shuffle(docs)\n"), *drawn]
    return [(SIZES, f"import numpy\n{seeding}\n{SIZES}"), *drawn]


OLD = ("numpy.random.seed(42)", "numpy.random", "randn(rows, columns)")
NEW = ("rng = numpy.random.default_rng(42)", "rng", "standard_normal((rows, columns))")

PLANTED: dict[str, Edits] = {
    "float32": [("dtype = torch.float64", "dtype = torch.float32")],
    "no-shuffle": [(SHUFFLE, "")],
    "floor-shuffle": [(SHUFFLE, _swaps("range(len(docs) - 1, 0, -1)"))],
    "upward-shuffle": [(SHUFFLE, _swaps("range(1, len(docs))"))],
    **{f"seed-{n}": [("seed(42)", f"seed({n})")] for n in (0, 1, 43, 123, 1234, 1337, 2025, 2026)},
    "second-document-first": [("docs[step % len(docs)]", "docs[(step + 1) % len(docs)]")],
    "unsorted-tokens": [('sorted(set("".join(docs)))', 'list(dict.fromkeys("".join(docs)))')],
    "bos-first": [("enumerate(chars)", "enumerate(chars, 1)"), ("BOS = len(chars)", "BOS = 0")],
    "no-bos-at-start": [("[BOS, *(ids", "[*(ids")],
    "no-bos-at-end": [("in doc), BOS]", "in doc)]")],
    "context-8": [("16, 4, 16", "16, 4, 8")],
    "weights-numpy": _numpys(False, *OLD),
    "weights-numpy's-default_rng": _numpys(False, *NEW),
    "weights-torch": [
        (SIZES, f"torch.manual_seed(42)\n{SIZES}"),
        (ROWS, "(torch.randn(rows, columns) * std).tolist()"),
    ],
    "weights-seeded-again": [(SIZES, f"random.seed(42)\n{SIZES}")],
    "generator-numpy": _numpys(True, *OLD),
    "generator-numpy's-default_rng": _numpys(True, *NEW),
    **{
        f"generator-{name}": [("random.seed(42)", f"random = Drawing({name}(42))")]
        for name in ("mulberry32", "xorshift32", "xorshift64star", "splitmix64", "lcg", "minstd")
    },
    "weights-first": [(SHUFFLE, ""), (STATE, SHUFFLE + STATE)],
    "gauss-without-spare": [(GAUSS, "std * math.cos(math.tau * random.random()) * length(1 - random.random())")],
    "box-muller": [("def matrix", "both = in_pairs(random.random)\n\n\ndef matrix"), (GAUSS, "std * next(both)")],
    "box-muller-cosine": [(GAUSS, "std * length(random.random()) * math.cos(math.tau * random.random())")],
    "polar": [("def matrix", "both = polar(random.random)\n\n\ndef matrix"), (GAUSS, "std * next(both)")],
    "normalvariate": [(GAUSS, "random.normalvariate(0, std)")],
    "uniform": [(GAUSS, "random.uniform(-std, std)")],
    "sum-of-twelve": [(GAUSS, "std * (sum(random.random() for _ in range(12)) - 6)")],
    **{f"std-{std:g}": [("std=0.08", f"std={std}")] for std in (0.01, 0.02, 0.05, 0.1, 0.25, 1.0)},
    "wpe-first": [
        ('{"wte": matrix(vocab', '{"wpe": matrix(context, width), "wte": matrix(vocab'),
        (', "wpe": matrix(context, width), "lm', ', "lm'),
    ],
    "lm_head-last": [
        (', "lm_head": matrix(vocab, width)', ""),
        ('"fc2": matrix(width, 4 * width)})', '"fc2": matrix(width, 4 * width), "lm_head": matrix(vocab, width)})'),
    ],
    "mlp-first": [
        (
            "w.update({name:",
            'w.update({"fc1": matrix(4 * width, width), "fc2": matrix(width, 4 * width)})\nw.update({name:',
        ),
        ('w.update({"fc1": matrix(4 * width, width), "fc2": matrix(width, 4 * width)})\n\n', "\n"),
    ],
    "by-columns": [
        ("range(columns)] for _ in range(rows)", "range(rows)] for _ in range(columns)"),
        (".to(dtype)", ".T.to(dtype)"),
    ],
    "zero-projections": [(STATE, f'with torch.no_grad():\n    w["wo"].zero_()\n    w["fc2"].zero_()\n{STATE}')],
    "tied": [(', "lm_head": matrix(vocab, width)', ""), ('w["lm_head"]', 'w["wte"]')],
    "tied-after-drawing": [('w["lm_head"]', 'w["wte"]'), (STATE, f'del w["lm_head"]\n{STATE}')],
    "no-embedding-norm": [("x = norm(w", "x = (w")],
    "no-attention-norm": [("h = norm(x)\n    q", "h = x\n    q")],
    "no-mlp-norm": [("h = norm(x)\n    x", "h = x\n    x")],
    "final-norm": [("log_softmax(x @", "log_softmax(norm(x) @")],
    "final-norm-for-first": [("x = norm(w", "x = (w"), ("log_softmax(x @", "log_softmax(norm(x) @")],
    "query-key-norm": [("    scores = torch.matmul(q", "    q, k = norm(q), norm(k)\n    scores = torch.matmul(q")],
    "norm-before-wpe": [(f"{EMBEDDING} +", f"{EMBEDDING}) +"), (f"{POSITIONS})", POSITIONS)],
    "no-norms": [("    return x / torch", "    return x\n    return x / torch")],
    "layer-norm": [("    return x / torch", "    x = x - x.mean(-1, keepdim=True)\n    return x / torch")],
    "norm-of-sum": [("torch.mean(x * x", "torch.sum(x * x")],
    "norm-epsilon-outside": [(f"torch.sqrt({POWER} + 1e-5)", f"(torch.sqrt({POWER}) + 1e-5)")],
    "norm-epsilon-1e-06": [("+ 1e-5)", "+ 1e-6)")],
    "norm-epsilon-0": [("+ 1e-5)", ")")],
    "positions-from-1": [(POSITIONS, 'w["wpe"][torch.arange(1, n + 1).clamp(max=context - 1)]')],
    "no-positions": [(f" + {POSITIONS}", ""), NO_GRADIENT],
    **{f"heads-{h}": [("16, 4, 16", f"16, {h}, 16")] for h in (1, 2, 8)},
    "heads-interleaved": [
        ("x.view(len(x), heads, width // heads).transpose(0, 1)", "x.view(len(x), -1, heads).permute(2, 0, 1)"),
        ("x.transpose(0, 1).reshape(-1, width)", "x.permute(1, 2, 0).reshape(-1, width)"),
    ],
    "no-scale": [(SCALE, "")],
    "scale-of-width": [(SCALE, " / width**0.5")],
    "mask-shows-next": [("triu(1)", "triu(2)")],
    "mask-hides-own": [("triu(1)", "triu(0)"), (SOFTMAX, "weigh(scores)")],
    "no-mask": [(MASK, "")],
    "relu-squared": [(RELU, f"{RELU} ** 2")],
    "gelu": [(RELU, 'torch.nn.functional.gelu(h @ w["fc1"].T)')],
    "gelu-tanh": [(RELU, 'torch.nn.functional.gelu(h @ w["fc1"].T, approximate="tanh")')],
    "silu": [(RELU, 'torch.nn.functional.silu(h @ w["fc1"].T)')],
    "tanh": [(RELU, 'torch.tanh(h @ w["fc1"].T)')],
    "leaky-relu": [(RELU, 'torch.nn.functional.leaky_relu(h @ w["fc1"].T)')],
    "no-attention-residual": [("x = x + join", "x = join")],
    "no-mlp-residual": [("x = x + torch.relu", "x = torch.relu")],
    "targets-not-shifted": [("tokens[1 : n + 1]", "tokens[:n]")],
    "loss-summed": [(".mean()", ".sum()")],
    "loss-over-16": [(".mean()", ".sum() / 16")],
    "gradient-summed": [("loss.backward()", "(loss * (len(doc) + 1)).backward()")],
    "gradient-over-16": [("loss.backward()", "(loss * (len(doc) + 1) / 16).backward()")],
    "bits": [("loss.item():", "loss.item() / math.log(2):")],
    "mean-so-far": [("loss.item():", "mean_so_far(loss.item()):")],
    "smoothed": [("loss.item():", "smoothed(loss.item()):")],
    "gradients-add-up": [("    for p in w.values():\n        p.grad = None\n", "")],
    "row-overwritten": [(EMBEDDING, 'rows_of_last(w["wte"], tokens[:n])')],
    "norm-backward": [(f"torch.sqrt({POWER} + 1e-5)", f"torch.sqrt({POWER} + 1e-5).detach()")],
    **{
        f"{n}-frozen": [(ADAM, f'p -= (name != "{n}") * rate * mhat / (vhat**0.5 + 1e-8)')]
        for n in ("wte", "wpe", "lm_head")
    },
    "clipped": [("loss.backward()\n", "loss.backward()\n    torch.nn.utils.clip_grad_norm_(w.values(), 1.0)\n")],
    **{f"beta1-{b:g}": [("= 0.85,", f"= {b},")] for b in (0.8, 0.9, 0.95)},
    **{f"beta2-{b:g}": [(", 0.99,", f", {b},")] for b in (0.95, 0.98, 0.999)},
    "epsilon-inside": [("(vhat**0.5 + 1e-8)", "(vhat + 1e-8) ** 0.5")],
    **{f"epsilon-{e:g}": [("+ 1e-8)", f"+ {e})")] for e in (1e-10, 1e-6, 1e-5)},
    "no-correction": [(" / (1 - beta1 ** (step + 1))", ""), (" / (1 - beta2 ** (step + 1))", "")],
    "no-correction-of-m": [(" / (1 - beta1 ** (step + 1))", "")],
    "no-correction-of-v": [(" / (1 - beta2 ** (step + 1))", "")],
    "correction-late": [("1 ** (step + 1)", "1 ** (step + 2)"), ("2 ** (step + 1)", "2 ** (step + 2)")],
    "sgd": [(ADAM, "p -= rate * g")],
    **{f"weight-decay-{d:g}": [(ADAM, f"{ADAM} + rate * {d} * p")] for d in (0.01, 0.1)},
    "l2-0.01": [("g = p.grad\n", "g = p.grad + 0.01 * p\n")],
    **{f"lr-{lr:g}": [(", 0.01\n", f", {lr}\n")] for lr in (0.001, 0.003, 0.1)},
    "no-decay": [(RATE, "lr")],
    "cosine-decay": [(RATE, "lr * (1 + math.cos(math.pi * step / 1000)) / 2")],
    "decay-to-tenth": [(RATE, "lr * (1 - 0.9 * step / 1000)")],
    "decay-early": [(RATE, "lr * (1 - (step + 1) / 1000)")],
    **{f"decay-over-{n}": [("step / 1000)", f"step / {n})")] for n in (500, 999, 2000, 5000, 10000)},
}


def edited(names: str) -> str:
    """The port's source with the deviations of these names, with + between them."""
    source = PORT.read_text(encoding="utf-8")
    for name in filter(None, names.split("+")):
        for old, new in PLANTED[name]:
            assert source.count(old) == 1, (name, old)
            source = source.replace(old, new)
    return source


def printed(source: str, data: Path, steps: int) -> str:
    """What the source prints, run in this process: to start Python and torch anew takes longer than to train."""
    text, arguments = io.StringIO(), sys.argv
    sys.argv = ["microgpt.py", str(data), str(steps)]
    try:
        with redirect_stdout(text):
            exec(compile(source, str(PORT), "exec"), {"__name__": "__main__", **helpers()})
    finally:
        sys.argv = arguments
    return text.getvalue()


class Drawing(random.Random):
    """Python's Random with uniforms from elsewhere; and the shuffle that ports write."""

    def __new__(cls, uniforms: Iterator[float]) -> Drawing:
        return super().__new__(cls)

    def __init__(self, uniforms: Iterator[float]) -> None:
        super().__init__()
        self._uniforms = uniforms

    def random(self) -> float:
        return next(self._uniforms)

    def shuffle(self, values: list[Any]) -> None:
        for i in reversed(range(1, len(values))):
            j = math.floor(self.random() * (i + 1))
            values[i], values[j] = values[j], values[i]


def mulberry32(a: int) -> Iterator[float]:
    def imul(x: int, y: int) -> int:
        return x * y % 2**32

    while True:
        a = (a + 0x6D2B79F5) % 2**32
        t = imul(a ^ (a >> 15), 1 | a)
        t = ((t + imul(t ^ (t >> 7), 61 | t)) % 2**32) ^ t
        yield (t ^ (t >> 14)) / 2**32


def xorshift32(x: int) -> Iterator[float]:
    while True:
        x = (x ^ (x << 13)) % 2**32
        x = x ^ (x >> 17)
        x = (x ^ (x << 5)) % 2**32
        yield x / 2**32


def xorshift64star(seed: int) -> Iterator[float]:
    from nnz import RNG

    rng = RNG(seed)
    while True:
        yield rng.uniform()


def splitmix64(x: int) -> Iterator[float]:
    state = np.uint64(x)
    while True:
        with np.errstate(over="ignore"):
            state = state + np.uint64(0x9E3779B97F4A7C15)
            z = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z = z ^ (z >> np.uint64(31))
        yield float(z >> np.uint64(11)) / 2**53


def lcg(x: int) -> Iterator[float]:
    while True:
        x = (1664525 * x + 1013904223) % 2**32
        yield x / 2**32


def minstd(x: int) -> Iterator[float]:
    while True:
        x = 48271 * x % 2147483647
        yield x / 2147483647


def _length(u: float) -> float:
    return math.sqrt(-2 * math.log(u))


def _in_pairs(draw: Callable[[], float]) -> Iterator[float]:
    while True:
        r, theta = _length(draw()), math.tau * draw()
        yield from (r * math.cos(theta), r * math.sin(theta))


def _polar(draw: Callable[[], float]) -> Iterator[float]:
    while True:
        u, v = 2 * draw() - 1, 2 * draw() - 1
        s = u * u + v * v
        if 0 < s < 1:
            yield from (u * math.sqrt(-2 * math.log(s) / s), v * math.sqrt(-2 * math.log(s) / s))


def _weigh(scores: Any) -> Any:
    """A softmax whose row is zeros where all is masked."""
    e = scores.exp()
    return e / e.sum(-1, keepdim=True).clamp(min=1e-300)


def _rows_of_last(w: Any, ids: list[int]) -> Any:
    import torch

    is_last = torch.tensor([token not in ids[i + 1 :] for i, token in enumerate(ids)])[:, None]
    rows = w[torch.tensor(ids)]
    return torch.where(is_last, rows, rows.detach())


def helpers() -> dict[str, Any]:
    """What the edits call."""
    history: list[float] = []

    def mean_so_far(loss: float) -> float:
        history.append(loss)
        return sum(history) / len(history)

    def smoothed(loss: float) -> float:
        history[:] = [0.9 * history[0] + 0.1 * loss if history else loss]
        return history[0]

    generators = {f.__name__: f for f in (mulberry32, xorshift32, xorshift64star, splitmix64, lcg, minstd)}
    normals = {"length": _length, "in_pairs": _in_pairs, "polar": _polar, "math": math, "Drawing": Drawing}
    return (
        generators
        | normals
        | {"weigh": _weigh, "rows_of_last": _rows_of_last, "mean_so_far": mean_so_far, "smoothed": smoothed}
    )
