"""The GPT's oracle: the whole model forward and backward by hand, in float64, every tensor with a name.

With its operations in gpt_ops.py it imports only numpy. Of torch it uses only the names and the layout (M, N) of the
weights. Each gradient is proved by the complex step.
"""

from collections.abc import Callable

import numpy as np

from .gpt_ops import (
    attention_backward,
    attention_forward,
    dropout_mask,
    gelu_backward,
    gelu_forward,
    layer_norm_backward,
    layer_norm_forward,
    relu_backward,
    relu_forward,
    rms_norm_backward,
    rms_norm_forward,
)

Array = np.ndarray
EPS = 1e-5


def gpt(
    parameters: dict[str, Array],
    idx: Array,
    targets: Array,
    n_head: int,
    activation: str,
    norm: str = "layer",
    norm_first: bool = False,
    dropout: float = 0.0,
    embedding_dropout: float = 0.0,
    seed: int = 1337,
    step: int = 0,
    rounded: Callable[[Array], Array] = lambda x: x,
) -> dict[str, Array]:
    """logits (B,T,V), loss, and the gradient "d" + name of every parameter (Radford et al. 2019); and what is between.

    They are in order of computation. Names and shapes are those of nnz.gpt; a bias that is not among the parameters is
    none, and without "head.weight" the head is tied to wte. idx and targets are (B,T). Between them are emb; x, what
    the norm outside the blocks takes, and h, what the head takes (B,T,E); probs (B,T,V); of each block, after
    "blocks.0.": x, h1, qkv, probs, y, x_mid, h2, a_pre, a; and the gradient of each, "d" + name, but for probs. Each
    result passes through `rounded`: see bounds.gpt.
    """
    rates = dropout, embedding_dropout
    return _GPT(parameters, n_head, activation, norm, norm_first, rates, (seed, step), rounded)(idx, targets)


class _GPT:
    """t has all tensors by name, p the parameters among them."""

    def __init__(
        self,
        parameters: dict[str, Array],
        n_head: int,
        activation: str,
        norm: str,
        norm_first: bool,
        rates: tuple[float, float],
        drawn_by: tuple[int, int],
        rounded: Callable[[Array], Array],
    ) -> None:
        self.rounded = rounded
        self.p = {name: _wide(array) for name, array in parameters.items()}
        self.n_layer = 1 + max(int(name.split(".")[1]) for name in self.p if name.startswith("blocks."))
        self.n_head, self.rates, self.drawn_by = n_head, rates, drawn_by
        self.norm, self.norm_first = norm, norm_first
        self.act, self.act_back = {"relu": (relu_forward, relu_backward), "gelu": (gelu_forward, gelu_backward)}[
            activation
        ]
        self.act_keeps = {"relu": "a", "gelu": "a_pre"}[activation]
        self.head = "head" if "head.weight" in self.p else "wte"
        self.t: dict[str, Array] = {}
        self.kept: dict[str, tuple] = {}  # masks and statistics

    def __call__(self, idx: Array, targets: Array) -> dict[str, Array]:
        t, p, T = self.t, self.p, idx.shape[1]
        t["emb"] = self.rounded(p["wte.weight"][idx] + p["wpe.weight"][:T])
        x = self._dropped("emb", t["emb"], 0, self.rates[1])
        if self.norm_first:
            t["x"] = x
            x = self._norm("norm", x)
        for layer in range(self.n_layer):
            x = self._block(f"blocks.{layer}.", x, 1 + 3 * layer)
        if not self.norm_first:
            t["x"] = x
            x = self._norm("norm", x)
        t["h"] = x
        t["logits"] = self.rounded(np.einsum("bte,ve->btv", t["h"], p[f"{self.head}.weight"]) + p.get("head.bias", 0))
        t["loss"], t["probs"], t["dlogits"] = self._cross_entropy(t["logits"], targets)

        self._add("head.bias", t["dlogits"].sum(axis=(0, 1)))
        self._add(f"{self.head}.weight", np.einsum("btv,bte->ve", t["dlogits"], t["h"]))
        t["dh"] = self.rounded(np.einsum("btv,ve->bte", t["dlogits"], p[f"{self.head}.weight"]))
        dx = t["dh"]
        if not self.norm_first:
            dx = t["dx"] = self._norm_back("norm", dx, t["x"])
        for layer in reversed(range(self.n_layer)):
            dx = self._block_back(f"blocks.{layer}.", dx)
        if self.norm_first:
            dx = t["dx"] = self._norm_back("norm", dx, t["x"])
        demb = t["demb"] = self._dropped_back("emb", dx)
        dwte, dwpe = (np.zeros(p[name].shape, demb.dtype) for name in ("wte.weight", "wpe.weight"))
        np.add.at(dwte, idx, demb)  # a token that occurs twice collects twice
        dwpe[:T] = demb.sum(axis=0)
        self._add("wte.weight", dwte)
        self._add("wpe.weight", dwpe)
        return t

    def _block(self, at: str, x: Array, site: int) -> Array:
        """x = x + attention(norm1(x)), x = x + mlp(norm2(x)); x (B,T,E)."""
        t, (B, T, E), p = self.t, x.shape, self.rates[0]
        t[f"{at}x"] = x
        t[f"{at}h1"] = self._norm(f"{at}norm1", x)
        qkv = t[f"{at}qkv"] = self._linear(f"{at}attention.qkv", t[f"{at}h1"]).reshape(B, T, 3, E)
        mask = self._mask((B, self.n_head, T, T), site, p)
        self.kept[f"{at}probs"] = (mask,)
        y, t[f"{at}probs"] = map(self.rounded, attention_forward(qkv, mask, self.n_head))
        t[f"{at}y"] = y
        x = self.rounded(x + self._dropped(f"{at}proj", self._linear(f"{at}attention.proj", t[f"{at}y"]), site + 1, p))
        t[f"{at}x_mid"] = x
        t[f"{at}h2"] = self._norm(f"{at}norm2", x)
        t[f"{at}a_pre"] = self._linear(f"{at}mlp.fc1", t[f"{at}h2"])
        t[f"{at}a"] = self.rounded(self.act(t[f"{at}a_pre"]))
        return self.rounded(x + self._dropped(f"{at}fc2", self._linear(f"{at}mlp.fc2", t[f"{at}a"]), site + 2, p))

    def _block_back(self, at: str, dx: Array) -> Array:
        """dx (B,T,E) of the output -> dx of the input."""
        t = self.t
        t[f"d{at}a"] = self._linear_back(f"{at}mlp.fc2", self._dropped_back(f"{at}fc2", dx), t[f"{at}a"])
        t[f"d{at}a_pre"] = self.rounded(self.act_back(t[f"d{at}a"], t[at + self.act_keeps]))
        t[f"d{at}h2"] = self._linear_back(f"{at}mlp.fc1", t[f"d{at}a_pre"], t[f"{at}h2"])
        dx = t[f"d{at}x_mid"] = self.rounded(dx + self._norm_back(f"{at}norm2", t[f"d{at}h2"], t[f"{at}x_mid"]))
        t[f"d{at}y"] = self._linear_back(f"{at}attention.proj", self._dropped_back(f"{at}proj", dx), t[f"{at}y"])
        (mask,) = self.kept[f"{at}probs"]
        t[f"d{at}qkv"] = self.rounded(attention_backward(t[f"d{at}y"], t[f"{at}qkv"], t[f"{at}probs"], mask))
        dqkv = t[f"d{at}qkv"].reshape(*dx.shape[:2], -1)
        t[f"d{at}h1"] = self._linear_back(f"{at}attention.qkv", dqkv, t[f"{at}h1"])
        t[f"d{at}x"] = self.rounded(dx + self._norm_back(f"{at}norm1", t[f"d{at}h1"], t[f"{at}x"]))
        return t[f"d{at}x"]

    def _cross_entropy(self, logits: Array, targets: Array) -> tuple[Array, Array, Array]:
        """loss = mean of -log softmax(logits)[target], the softmax, dlogits = (softmax - onehot)/(B T); logits (B,T,V).

        Where the target is nearly certain, the loss and its gradient are differences of what is rounded before.
        """
        z = self.rounded(logits - logits.real.max(axis=-1, keepdims=True))
        total = self.rounded(np.exp(z).sum(axis=-1, keepdims=True))
        probs, log_probs = self.rounded(np.exp(z) / total), self.rounded(z - self.rounded(np.log(total)))
        onehot = np.equal.outer(targets, np.arange(logits.shape[-1]))
        loss = -(onehot * log_probs).sum() / targets.size
        return self.rounded(loss), probs, self.rounded((probs - onehot) / targets.size)

    def _linear(self, name: str, x: Array) -> Array:
        return self.rounded(np.einsum("btn,mn->btm", x, self.p[f"{name}.weight"]) + self.p.get(f"{name}.bias", 0))

    def _linear_back(self, name: str, dy: Array, x: Array) -> Array:
        self._add(f"{name}.weight", np.einsum("btm,btn->mn", dy, x))
        self._add(f"{name}.bias", dy.sum(axis=(0, 1)))
        return self.rounded(np.einsum("btm,mn->btn", dy, self.p[f"{name}.weight"]))

    def _norm(self, name: str, x: Array) -> Array:
        rows = x.reshape(-1, x.shape[-1])
        if self.norm == "rms":
            y, *self.kept[name] = map(self.rounded, rms_norm_forward(rows, None, EPS))
        else:
            weight, bias = self.p[f"{name}.weight"], self.p[f"{name}.bias"]
            y, *self.kept[name] = map(self.rounded, layer_norm_forward(rows, weight, bias, EPS))
        return y.reshape(x.shape)

    def _norm_back(self, name: str, dy: Array, x: Array) -> Array:
        rows, drows = (each.reshape(-1, x.shape[-1]) for each in (x, dy))
        if self.norm == "rms":
            dx, _ = rms_norm_backward(drows, rows, *self.kept[name], None)
            return self.rounded(dx).reshape(x.shape)
        dx, dweight, dbias = layer_norm_backward(drows, rows, *self.kept[name], self.p[f"{name}.weight"])
        self._add(f"{name}.weight", dweight)
        self._add(f"{name}.bias", dbias)
        return self.rounded(dx).reshape(x.shape)

    def _mask(self, shape: tuple[int, ...], site: int, p: float) -> Array | float:
        seed, step = self.drawn_by
        return dropout_mask(np.empty(shape), p, seed, site, step) if p else np.ones(shape)

    def _dropped(self, name: str, x: Array, site: int, p: float) -> Array:
        self.kept[name] = (self._mask(x.shape, site, p),)
        return self.rounded(x * self.kept[name][0])

    def _dropped_back(self, name: str, dy: Array) -> Array:
        return self.rounded(dy * self.kept[name][0])

    def _add(self, name: str, gradient: Array) -> None:
        """A parameter collects from each place where it is used, the last of which is its own in the order."""
        if name in self.p:
            self.t[f"d{name}"] = self.t.pop(f"d{name}", 0) + self.rounded(gradient)


def _wide(x: Array) -> Array:
    x = np.asarray(x)
    return x if x.dtype == np.complex128 else x.astype(np.float64)
