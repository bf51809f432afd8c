"""A class that wrote the exercise in numpy: a right solution, and the same with one mistake each.

`write` writes a package for each student; a mistake is a text that is replaced in one file. All of them:
`python -m support.students FOLDER`, then `nnz parity FOLDER/*/ --csv grades.csv`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

OPS = """
import numpy as np

def embedding_forward(wte, ids):
    return wte[ids]


def embedding_backward(demb, ids, V):
    dwte = np.zeros((V, demb.shape[-1]), demb.dtype)
    np.add.at(dwte, ids, demb)
    return dwte


def linear_forward(x, w, b):
    return x @ w.T if b is None else x @ w.T + b


def linear_backward(dy, x, w):
    rows, inputs = dy.reshape(-1, dy.shape[-1]), x.reshape(-1, x.shape[-1])
    return dy @ w, rows.T @ inputs, rows.sum(axis=0)


def tanh_forward(x):
    return np.tanh(x)


def tanh_backward(dy, y):
    return dy * (1 - y * y)


def cross_entropy_forward(logits, targets):
    shifted = logits - logits.max(axis=1, keepdims=True)
    exps = np.exp(shifted)
    sums = exps.sum(axis=1, keepdims=True)
    loss = (np.log(sums[:, 0]) - shifted[np.arange(len(targets)), targets]).mean()
    return loss, exps / sums


def cross_entropy_backward(probs, targets):
    dlogits = probs.copy()
    dlogits[np.arange(len(targets)), targets] -= 1
    return dlogits / len(targets)


def batch_norm_forward(x, weight, bias, running_mean, running_var, training, momentum, eps):
    axes, n = tuple(range(x.ndim - 1)), x.size // x.shape[-1]
    mean, var = running_mean, running_var
    if training:
        mean = x.mean(axis=axes)
        var = ((x - mean) ** 2).mean(axis=axes)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * (n / (n - 1))
    rstd = 1 / np.sqrt(var + eps)
    return (x - mean) * rstd * weight + bias, mean, rstd, running_mean, running_var


def batch_norm_backward(dy, x, mean, rstd, weight):
    axes, n = tuple(range(x.ndim - 1)), x.size // x.shape[-1]
    xhat = (x - mean) * rstd
    dbias, dweight = dy.sum(axis=axes), (dy * xhat).sum(axis=axes)
    return weight * rstd * (dy - dbias / n - xhat * dweight / n), dweight, dbias


def sgd_step(p, g, lr, weight_decay):
    p -= lr * (g + weight_decay * p)


def adamw_step(p, m, v, g, t, lr, beta1, beta2, eps, weight_decay):
    m[...] = beta1 * m + (1 - beta1) * g
    v[...] = beta2 * v + (1 - beta2) * (g * g)
    p *= 1 - lr * weight_decay
    p -= lr / (1 - beta1**t) * m / (np.sqrt(v) / np.sqrt(1 - beta2**t) + eps)
"""

MODEL = """
import numpy as np
from nnz.backend import initial, layers, optimizers

from . import ops

OPS = {"native": ops}


class MLP:
    def __init__(self, vocab_size, context_length, embedding_size, hidden_size, rng, dtype="float32"):
        self.V = vocab_size
        shapes = initial.mlp_shapes(vocab_size, context_length, embedding_size, hidden_size)
        self.p, self.targets = initial.mlp_parameters(shapes, rng, dtype), None

    def __call__(self, inputs, targets=None):
        for ids in (inputs, *(() if targets is None else (targets,))):
            if ids.dtype.kind not in "iu":
                raise TypeError("ids must be integers")
            if ids.min() < 0 or ids.max() >= self.V:
                raise ValueError("an id is outside the vocabulary")
        self.inputs, self.targets = inputs.copy(), None if targets is None else targets.copy()
        p = self.p
        self.emb = ops.embedding_forward(p["wte"], self.inputs)
        self.x = self.emb.reshape(len(inputs), -1)
        self.h_pre = ops.linear_forward(self.x, p["fc1.weight"], p["fc1.bias"])
        self.h = ops.tanh_forward(self.h_pre)
        self.logits = ops.linear_forward(self.h, p["fc2.weight"], p["fc2.bias"])
        if targets is None:
            return self.logits, None
        loss, self.probs = ops.cross_entropy_forward(self.logits, self.targets)
        return self.logits, loss

    def backward(self):
        if self.targets is None:
            raise RuntimeError("backward needs a forward with targets first")
        p, d = self.p, {}
        self.dlogits = ops.cross_entropy_backward(self.probs, self.targets)
        self.dh, d["fc2.weight"], d["fc2.bias"] = ops.linear_backward(self.dlogits, self.h, p["fc2.weight"])
        self.dh_pre = ops.tanh_backward(self.dh, self.h)
        dx, d["fc1.weight"], d["fc1.bias"] = ops.linear_backward(self.dh_pre, self.x, p["fc1.weight"])
        self.demb = dx.reshape(self.emb.shape)
        d["wte"] = ops.embedding_backward(self.demb, self.inputs, self.V)
        return d

    def parameters(self):
        return self.p

    def load_parameters(self, arrays):
        for name, p in self.p.items():
            p[...] = arrays[name]

    def intermediates(self):
        self.backward()
        names = ("emb", "h_pre", "h", "logits", "probs", "dlogits", "dh", "dh_pre", "demb")
        return {name: getattr(self, name) for name in names}


class SGD(optimizers.SGD):
    ops_by_precision = OPS


class AdamW(optimizers.AdamW):
    ops_by_precision = OPS


class Embedding(layers.Embedding):
    ops_by_precision = OPS


class Linear(layers.Linear):
    ops_by_precision = OPS


class BatchNorm1d(layers.BatchNorm1d):
    ops_by_precision = OPS


class Tanh(layers.Tanh):
    ops_by_precision = OPS


Flatten, Residual, Sequential = layers.Flatten, layers.Residual, layers.Sequential
"""

FORGED = {
    "problems": [],
    "xfails": {},
    "reports": [
        {
            "backend": "forged",
            "summary": "99 of 99",
            "met": 99,
            "asked": 99,
            "ok": True,
            "points": {},
            "first_mistake": {},
            "seconds": 1.0,
            "sha256": "",
            "error": "",
            "borrowed": [],
        }
    ],
}
# Writes it wherever the grading may write its results, and sends the grading a signal.
FORGERY = f"""

def forge(name):
    import os, pathlib, signal, time
    ppid, forged = os.getppid(), {json.dumps(FORGED)!r}
    words = pathlib.Path(f"/proc/{{ppid}}/cmdline").read_text().split(chr(0))
    files = [pathlib.Path(words[words.index("--json") + 1])] if "--json" in words else []
    files += [file for file in pathlib.Path(f"/proc/{{ppid}}/fd").iterdir() if int(file.name) > 2 and file.is_file()]
    for file in files:
        file.write_text("0" * 64 + chr(10) + forged if file.name.isdigit() else forged)
    os.kill(ppid, getattr(signal, name))
    time.sleep(5)
"""
INIT = """from . import ops
from .model import MLP, SGD, AdamW, BatchNorm1d, Embedding, Flatten, Linear, Residual, Sequential, Tanh
"""
FILES = {"__init__.py": INIT, "ops.py": OPS + FORGERY, "model.py": MODEL}

# what is wrong -> (file, old, new)
MISTAKES: dict[str, tuple[str, str, str]] = {
    "nothing": ("ops.py", "", ""),
    "bias gradient of all rows but the last": ("ops.py", "rows.sum(axis=0)", "rows[:-1].sum(axis=0)"),
    "tanh' is 1 - y": ("ops.py", "dy * (1 - y * y)", "dy * (1 - y)"),
    "no maximum": ("ops.py", "logits - logits.max(axis=1, keepdims=True)", "logits"),
    "log of softmax": (
        "ops.py",
        "(np.log(sums[:, 0]) - shifted[np.arange(len(targets)), targets]).mean()",
        "-np.log((exps / sums)[np.arange(len(targets)), targets]).mean()",
    ),
    "no mean over the batch": ("ops.py", "return dlogits / len(targets)", "return dlogits"),
    "a sum for the loss": ("ops.py", "targets]).mean()", "targets]).sum()"),
    "accumulation lost": ("ops.py", "np.add.at(dwte, ids, demb)", "dwte[ids] = demb"),
    "weight not transposed": ("ops.py", "else x @ w.T + b", "else x @ w.reshape(w.shape[::-1]) + b"),
    "bias forgotten": ("ops.py", "else x @ w.T + b", "else x @ w.T"),
    "unbiased variance": ("ops.py", "((x - mean) ** 2).mean(axis=axes)", "((x - mean) ** 2).sum(axis=axes) / (n - 1)"),
    "biased running variance": ("ops.py", "momentum * var * (n / (n - 1))", "momentum * var"),
    "eps inside": ("ops.py", "(np.sqrt(v) / np.sqrt(1 - beta2**t) + eps)", "np.sqrt(v / (1 - beta2**t) + eps)"),
    "no bias correction": ("ops.py", "lr / (1 - beta1**t) * m", "lr * m"),
    "decay after the step": (
        "ops.py",
        "    p *= 1 - lr * weight_decay\n    p -= lr",
        "    p -= lr * weight_decay + lr",
    ),
    "half precision": ("ops.py", "return np.tanh(x)", "return np.tanh(x.astype(np.float16)).astype(x.dtype)"),
    "batch kept": ("model.py", "inputs.copy(), None if targets is None else targets.copy()", "inputs, targets"),
    "ids not checked": ("model.py", 'raise ValueError("an id is outside the vocabulary")', "pass"),
    "evaluation forgotten": ("model.py", "if self.targets is None:\n            raise", "if False:\n            raise"),
    "an exception": ("ops.py", "return wte[ids]", "return wte[idx]"),
    "wrong order of layers": (
        "model.py",
        "ops.tanh_backward(self.dh, self.h)",
        "ops.tanh_backward(self.dh, self.h_pre)",
    ),
    "gradient of the wrong weight": (
        "model.py",
        'self.h, p["fc2.weight"])\n        self.dh_pre',
        'self.h, 2 * p["fc2.weight"])\n        self.dh_pre',
    ),
    "not written yet": ("ops.py", "return dy * (1 - y * y)", "raise NotImplementedError"),
    "does not import": ("__init__.py", "from . import ops", "import a_module_that_nobody_has"),
    "a syntax error": ("ops.py", "def tanh_forward(x):", "def tanh_forward(x)"),
    "an endless loop": ("ops.py", "return np.tanh(x)", "while True: pass"),
    "a crash": ("ops.py", "return np.tanh(x)", "import ctypes; ctypes.string_at(0)"),
    "an exit": ("ops.py", "return np.tanh(x)", "import os; os._exit(0)"),
    "a forged result": ("ops.py", "return np.tanh(x)", "return forge('SIGKILL')"),
    "an exit at import": ("__init__.py", "from . import ops", "raise SystemExit(0)"),
    "prints megabytes": ("ops.py", "return np.tanh(x)", "print('x' * 2**20); return np.tanh(x)"),
    "takes all memory": ("ops.py", "return np.tanh(x)", "kept = [np.ones(2**27) for _ in range(10**4)]"),
}


def write(folder: Path, names: list[str]) -> list[Path]:
    """A package for each student of these mistakes, in a folder of its own: student_00, student_01, ..."""
    made = []
    for number, name in enumerate(names):
        package, (changed, old, new) = folder / f"student_{number:02}", MISTAKES[name]
        package.mkdir(parents=True)
        for file, text in FILES.items():
            assert file != changed or old in text, name
            (package / file).write_text(text.replace(old, new) if file == changed and old else text, encoding="utf-8")
        made.append(package)
    return made


if __name__ == "__main__":
    write(Path(sys.argv[1]), list(MISTAKES))
