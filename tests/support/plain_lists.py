"""A backend from outside: plain Python lists and floats, none of the project's code, and only a part of what is asked.

It has no batch norm, no SGD and no intermediates, and it does not know float32 parameters from float64 ones.
"""

import math
from types import SimpleNamespace

WEIGHTS = ("wte", "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")


def transposed(a):
    return [list(column) for column in zip(*a, strict=True)]


def embedding_forward(wte, ids):
    return [[[float(x) for x in wte[i]] for i in row] for row in ids]


def embedding_backward(demb, ids, V):
    dwte = [[0.0] * len(demb[0][0]) for _ in range(V)]
    for row, gradients in zip(ids, demb, strict=True):
        for i, gradient in zip(row, gradients, strict=True):
            dwte[i] = [a + float(b) for a, b in zip(dwte[i], gradient, strict=True)]
    return dwte


def matmul(a, b):
    columns = [[float(x) for x in column] for column in transposed(b)]
    return [
        [math.fsum(map(float.__mul__, row, column)) for column in columns] for row in (list(map(float, r)) for r in a)
    ]


def linear_forward(x, w, b):
    y = matmul(x, transposed(w))
    return y if b is None else [[a + float(c) for a, c in zip(row, b, strict=True)] for row in y]


def linear_backward(dy, x, w):
    return matmul(dy, w), matmul(transposed(dy), x), [math.fsum(map(float, column)) for column in transposed(dy)]


def each(function, *arrays):
    if getattr(arrays[0], "ndim", None) == 0 or isinstance(arrays[0], float):
        return function(*map(float, arrays))
    return [each(function, *rows) for rows in zip(*arrays, strict=True)]


def tanh_forward(x):
    return each(math.tanh, x)


def tanh_backward(dy, y):
    return each(lambda g, t: g * (1 - t) * (1 + t), dy, y)


def cross_entropy_forward(logits, targets):
    probs, losses = [], []
    for row, target in zip(logits, targets, strict=True):
        row = list(map(float, row))
        largest = max(row)
        exps = [math.exp(z - largest) for z in row]
        total = math.fsum(exps)
        probs.append([e / total for e in exps])
        losses.append(math.log(total) - (row[target] - largest))
    return math.fsum(losses) / len(losses), probs


def cross_entropy_backward(probs, targets):
    B = len(probs)
    return [[(float(p) - (j == t)) / B for j, p in enumerate(row)] for row, t in zip(probs, targets, strict=True)]


OPS = (embedding_forward, embedding_backward, linear_forward, linear_backward, tanh_forward, tanh_backward)
ops = SimpleNamespace(**{op.__name__: op for op in (*OPS, cross_entropy_forward, cross_entropy_backward)})


class MLP:
    def __init__(self, vocab_size, context_length, embedding_size, hidden_size, rng, dtype):
        V, N, H = vocab_size, context_length * embedding_size, hidden_size
        self.V, self.E = V, embedding_size
        self.p = {"wte": rng.normal((V, embedding_size), dtype).tolist()}
        for layer, M, fan_in in (("fc1", H, N), ("fc2", V, H)):
            k = 1 / math.sqrt(fan_in)
            self.p[f"{layer}.weight"] = rng.uniform(-k, k, (M, fan_in), dtype).tolist()
            self.p[f"{layer}.bias"] = rng.uniform(-k, k, (M,), dtype).tolist()

    def parameters(self):
        return self.p

    def load_parameters(self, arrays):
        self.p.update({name: arrays[name].tolist() for name in WEIGHTS})

    def __call__(self, inputs, targets=None):
        for ids in (inputs, [] if targets is None else targets):
            if len(ids) and ids.dtype.kind not in "iu":
                raise TypeError("ids must be integers")
            if len(ids) and not 0 <= ids.min() <= ids.max() < self.V:
                raise ValueError("id out of range")
        self.ids = inputs.tolist()
        self.x = [[e for token in row for e in token] for row in embedding_forward(self.p["wte"], self.ids)]
        self.h = tanh_forward(linear_forward(self.x, self.p["fc1.weight"], self.p["fc1.bias"]))
        logits = linear_forward(self.h, self.p["fc2.weight"], self.p["fc2.bias"])
        if targets is None:
            return logits, None
        self.targets = targets.tolist()
        loss, self.probs = cross_entropy_forward(logits, self.targets)
        return logits, loss

    def backward(self):
        dlogits = cross_entropy_backward(self.probs, self.targets)
        dh, dw2, db2 = linear_backward(dlogits, self.h, self.p["fc2.weight"])
        dx, dw1, db1 = linear_backward(tanh_backward(dh, self.h), self.x, self.p["fc1.weight"])
        demb = [[row[i : i + self.E] for i in range(0, len(row), self.E)] for row in dx]
        dwte = embedding_backward(demb, self.ids, self.V)
        return dict(zip(WEIGHTS, (dwte, dw1, db1, dw2, db2), strict=True))


class AdamW:
    def __init__(self, parameters, lr, weight_decay):
        self.p, self.lr, self.decay, self.t, self.state = parameters, lr, weight_decay, 0, {}

    def step(self, grads):
        self.t += 1
        for name, p in self.p.items():
            zeros = each(lambda x: 0.0, p)
            m, v = self.state.get(name, (zeros, zeros))
            m = each(lambda a, g: 0.9 * a + (1 - 0.9) * g, m, grads[name])
            v = each(lambda a, g: 0.999 * a + (1 - 0.999) * g * g, v, grads[name])
            self.state[name] = m, v
            self.p[name] = each(self.moved, p, m, v)  # a list cannot be told from a new one: the entry is replaced

    def moved(self, p, m, v):
        update = m / (1 - 0.9**self.t) / (math.sqrt(v / (1 - 0.999**self.t)) + 1e-8)
        return p - self.lr * self.decay * p - self.lr * update
