"""microgpt: a GPT of one layer, 4 heads and 16 channels, on one document.

n positions, C = 16 channels, V tokens. Every deviation of the forward is a line here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from . import ops
from .start import WIDTH
from .sums import PRODUCTS
from .tape import Node, Tape
from .variant import Variant

Weights = Mapping[str, Node]


def loss_of(tokens: Sequence[int], weights: Weights, variant: Variant) -> tuple[Tape, Node]:
    """The tape, and the loss: the mean over n = min(16, tokens - 1) positions of -ln p(next token)."""
    v, tape = variant, Tape()
    n = min(v.context, len(tokens) - 1)
    targets = np.array(tokens[v.target_shift : v.target_shift + n])
    logits = logits_of(tape, tokens[:n], weights, v)
    divisors = {"positions": n, "context": v.context, "none": 1}
    divisor = divisors[v.divisor]
    gradient_divisor = divisors[v.gradient_divisor or v.divisor]
    how = {"divisor": divisor, "gradient_divisor": gradient_divisor, "of_probabilities": v.logarithms != "of sums"}
    return tape, tape(ops.cross_entropy, logits, targets=targets, **how)


def logits_of(tape: Tape, tokens: Sequence[int], weights: Weights, variant: Variant) -> Node:
    """(n,) tokens -> (n, V)."""
    w, v, n = weights, variant, len(tokens)
    product = PRODUCTS[v.sums]
    linear = partial(tape, ops.linear, product=product)
    norm = partial(tape, ops.rms_norm, epsilon=v.norm_epsilon, centred=v.norm_centred)
    norm = partial(norm, summed=v.norm_summed, outside=v.norm_outside, fixed=v.norm_fixed)
    norms, residuals = v.norms.split(), v.residuals.split()

    x = tape(ops.rows, w["wte"], ids=np.array(tokens), overwrites=v.overwrites_rows)  # (n, C)
    if "apart" in norms:
        x = norm(x)
    if v.has_positions:
        positions = np.minimum(np.arange(n) + v.position_shift, v.context - 1)
        x = tape(ops.add, x, tape(ops.rows, w["wpe"], ids=positions))
    if "embedding" in norms:
        x = norm(x)

    h = norm(x) if "attention" in norms else x
    q, k, values = (linear(h, w[name]) for name in ("wq", "wk", "wv"))
    if "query and key" in v.norms:
        q, k = norm(q, heads=v.heads), norm(k, heads=v.heads)
    scale = {"head": 1 / math.sqrt(WIDTH / v.heads), "width": 1 / math.sqrt(WIDTH), "none": 1.0}[v.scale]
    how = {"heads": v.heads, "scale": scale, "lookahead": v.lookahead, "interleaved": v.interleaved}
    h = linear(tape(ops.attention, q, k, values, **how, product=product), w["wo"])
    x = tape(ops.add, x, h) if "attention" in residuals else h

    h = norm(x) if "mlp" in norms else x
    h = tape(ops.ACTIVATIONS[v.activation], linear(h, w["fc1"]))  # (n, 4 C)
    h = linear(h, w["fc2"])
    x = tape(ops.add, x, h) if "mlp" in residuals else h

    if "final" in norms:
        x = norm(x)
    return linear(x, w.get("lm_head", w["wte"]))
