"""A backend from outside that knows only a part of the interface and returns plain Python lists and floats.

It has no batch norm, no SGD, no layers and no intermediates, takes no precision, and its arrays cannot be updated in
place. Its numbers are those of the oracle, so that only the form of its answers is tested.
"""

from types import SimpleNamespace

import numpy as np

from nnz.backend import initial
from nnz.conformance.oracle import mlp as oracle


def listed(op):
    """The oracle's op, with lists and floats instead of arrays, rounded to the dtype of what comes in."""

    def call(*values):
        dtype = next(v.dtype for v in values if isinstance(v, np.ndarray) and v.dtype.kind == "f")
        result = op(*values)
        return tuple(rounded(x, dtype) for x in result) if isinstance(result, tuple) else rounded(result, dtype)

    return call


def rounded(numbers, dtype):
    return np.asarray(numbers).astype(dtype).tolist()


OPS = [f"{op}_{way}" for op in ("embedding", "linear", "tanh", "cross_entropy") for way in ("forward", "backward")]
ops = SimpleNamespace(**{name: listed(getattr(oracle, name)) for name in OPS})


class MLP:
    def __init__(self, vocab_size, context_length, embedding_size, hidden_size, rng, dtype):
        self.dtype, self.values = dtype, None
        self.V, shapes = vocab_size, initial.mlp_shapes(vocab_size, context_length, embedding_size, hidden_size)
        self.load_parameters(initial.mlp_parameters(shapes, rng, dtype))

    def parameters(self):
        return self.p

    def load_parameters(self, arrays):
        self.p = {name: p.tolist() for name, p in arrays.items()}

    def __call__(self, inputs, targets=None):
        for ids in (inputs, [] if targets is None else targets):
            if len(ids) and ids.dtype.kind not in "iu":
                raise TypeError("ids must be integers")
            if len(ids) and not 0 <= ids.min() <= ids.max() < self.V:
                raise ValueError("id out of range")
        weights = {name: np.array(p) for name, p in self.p.items()}
        values = oracle.mlp(weights, inputs, inputs[:, 0] if targets is None else targets)
        self.values = None if targets is None else values
        return rounded(values["logits"], self.dtype), None if targets is None else float(values["loss"])

    def backward(self):
        if self.values is None:
            raise RuntimeError("no targets")
        return {name: rounded(self.values[f"d{name}"], self.dtype) for name in self.p}


class AdamW:
    def __init__(self, parameters, lr, weight_decay):
        self.p, self.lr, self.decay, self.t, self.moments = parameters, lr, weight_decay, 0, {}
        numbers = [np.asarray(p) for p in parameters.values()]
        is_float32 = all(np.array_equal(p, p.astype(np.float32)) for p in numbers)
        self.dtype = np.float32 if is_float32 else np.float64

    def step(self, grads):
        self.t += 1
        for name, p in self.p.items():
            m, v = self.moments.get(name, 2 * [np.zeros(np.shape(p))])
            p, m, v = oracle.adamw_step(p, grads[name], m, v, self.t, self.lr, weight_decay=self.decay)
            self.p[name], self.moments[name] = rounded(p, self.dtype), (m, v)
