"""The first step of microgpt: its loss and its gradients, how far each may be off, and those that a port has written.

The limits are those by which the harness judges a whole GPT, bounds.gpt: 32 times what rounding each operation costs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..conformance.bounds.gpt import gpt_with_limits
from ..conformance.oracle.gpt import gpt
from ..files import inputs
from ..files.errors import UsageError, quoted
from .log import halves
from .start import Names, Start
from .variant import REFERENCE

LARGEST = 2**24  # bytes of a file of gradients
OURS = {"wte": "wte.weight", "wpe": "wpe.weight", "lm_head": "head.weight", "wo": "blocks.0.attention.proj.weight"}
OURS |= {name: f"blocks.0.mlp.{name}.weight" for name in ("fc1", "fc2")}
QKV = "blocks.0.attention.qkv.weight"
GOLDEN = {name: f"layer0.mlp_{name}" for name in ("fc1", "fc2")}
GOLDEN |= {name: f"layer0.attn_{name}" for name in ("wq", "wk", "wv", "wo")}  # as nnz golden microgpt names them

Array = np.ndarray


@dataclass(frozen=True)
class Graded:
    """A gradient of a port: its largest error as a share of what is allowed, and where that is."""

    name: str
    share: float
    index: tuple[int, ...]
    value: float
    expected: float
    allowed: float

    @property
    def is_right(self) -> bool:
        return self.share <= 1


def limits(names: Names, dtype: str) -> dict[str, tuple[Array, Array]]:
    """(value, how far a correct one in `dtype` may be off) of the loss, and of each gradient by its golden name.

    A port in float32 first rounds its weights; what that moves is allowed too.
    """
    start = Start(names, REFERENCE)
    tokens = start.tokens(0)
    n = min(REFERENCE.context, len(tokens) - 1)
    how = {"n_head": REFERENCE.heads, "activation": REFERENCE.activation, "norm": "rms", "norm_first": True}
    batch = np.array([tokens[:n]]), np.array([tokens[1 : n + 1]])
    parameters = _ours(start.weights)
    exact, allowed = gpt_with_limits(parameters, *batch, dtype, **how)
    rounded = gpt({name: p.astype(dtype) for name, p in parameters.items()}, *batch, **how)
    ended = {
        name: (exact[name], allowed[name] + np.abs(rounded[name] - exact[name]))
        for name in ("loss", *(f"d{name}" for name in parameters))
    }
    thirds = zip(("wq", "wk", "wv"), zip(*(np.split(part, 3) for part in ended[f"d{QKV}"]), strict=True), strict=True)
    found = {name: ended[f"d{ours}"] for name, ours in OURS.items()} | dict(thirds)
    return {"loss": ended["loss"], **{GOLDEN.get(name, name): found[name] for name in start.weights}}


def graded(path: str, names: Names, dtype: str) -> list[Graded]:
    """The gradients that a port has written, as gradients-1.jsonl of `nnz golden microgpt` has them.

    Raises UsageError for a file that does not have all of them in their shapes, OSError for none.
    """
    expected = {name: pair for name, pair in limits(names, dtype).items() if name != "loss"}
    found = _read(path, {name: value.shape for name, (value, _) in expected.items()})
    return [_graded(name, *found[name], *pair) for name, pair in expected.items()]


def _ours(w: Mapping[str, Array]) -> dict[str, Array]:
    """Under the names of nnz.gpt."""
    qkv = np.concatenate([w["wq"], w["wk"], w["wv"]])
    return {ours: w[name] for name, ours in OURS.items()} | {QKV: qkv}


def _graded(name: str, actual: Array, halves: Array, expected: Array, allowed: Array) -> Graded:
    allowed = allowed + halves
    shares = np.where(np.isfinite(actual), np.abs(actual - expected) / allowed, np.inf)
    at = np.unravel_index(int(np.argmax(shares)), shares.shape)
    numbers = (float(array[at]) for array in (shares, actual, expected, allowed))
    share, value, right, most = numbers
    return Graded(name, share, tuple(map(int, at)), value, right, most)


def _read(path: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[Array, Array]]:
    """(numbers, half a unit of the last digit of each) by name; a number that is none is NaN."""
    found = {}
    for number, line in enumerate(inputs.read_bytes(path, LARGEST).decode(errors="replace").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_float=str, parse_int=str, parse_constant=str)
            name, texts = row["name"], _flat(row["values"])
            values = np.array([float(text) for text in texts])
        except (ValueError, TypeError, KeyError, RecursionError):
            form = '{"name": "wte", "shape": [27, 16], "values": [...]}'
            raise UsageError(f"{path}: line {number} is not as {form}: {quoted(line[:40])}") from None
        if name not in shapes:
            continue
        if values.size != np.prod(shapes[name]):
            raise UsageError(f"{path}: {name} has {values.size} numbers; it must have {shapes[name]}, row by row")
        found[name] = values.reshape(shapes[name]), np.reshape(halves(texts), shapes[name])
    if missing := [name for name in shapes if name not in found]:
        raise UsageError(f"{path}: no gradient of {', '.join(missing)}: give a line for each weight")
    return found


def _flat(values: Sequence) -> list[str]:
    """Of rows, or of numbers; 1 is "1", and null is not a number."""
    flat = [each for row in values for each in (row if isinstance(row, list) else [row])]
    return ["nan" if each is None else each for each in flat]
