"""The MLP and the GPT in JAX, as a fourth backend: only the forward is written, and JAX finds the gradients.

The rest is nnz.backend's. There are no operations or layers with a backward of their own, so what can be graded is
nnz parity jax_backend.py --level mlp --level training --level gpt
"""

from functools import partial
from math import prod, sqrt
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np

from nnz.backend import clipping, optimizers
from nnz.backend.gpt import GPTBase
from nnz.backend.gpt_config import EPS
from nnz.backend.model import MLPBase

jax.config.update("jax_enable_x64", True)  # float64, and uint64
SHAPES = "few"  # a program is compiled for each
MULTIPLIERS, KEY_STEPS = np.uint64([[0xD2E7470EE14C6C93, 0xCA5A826395121157], [0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B]])


def mlp(see, _, p, ids, targets, draw):
    """ids (B, T) -> the loss. `see` shows what lies between, and returns it."""
    emb = see("emb", p["wte"][ids])  # (B, T, E)
    h_pre = see("h_pre", emb.reshape(len(ids), -1) @ p["fc1.weight"].T + p["fc1.bias"])  # (B, H)
    return cross_entropy(see, see("h", jnp.tanh(h_pre)) @ p["fc2.weight"].T + p["fc2.bias"], targets)


def gpt(see, c, p, ids, targets, draw):
    """ids (B, T) -> the loss, by a GPT of the shape c. `draw` is the seed and the step of dropout, if there is any."""

    def linear(x, name):
        return x @ p[f"{name}.weight"].T + p.get(f"{name}.bias", 0)

    def norm(x, name):
        x = x if c.norm == "rms" else x - x.mean(axis=-1, keepdims=True)
        x = x / jnp.sqrt((x * x).mean(axis=-1, keepdims=True) + EPS)
        return x if c.norm == "rms" else x * p[f"{name}.weight"] + p[f"{name}.bias"]

    def dropped(x, rate, site):
        return x if draw is None or rate == 0 else x * mask(x.shape, rate, draw[0], site, draw[1]).astype(x.dtype)

    def attention(qkv, at, site):
        q, k, v = qkv.reshape(*ids.shape, 3, c.n_head, -1).transpose(2, 0, 3, 1, 4)  # each (B, H, T, E/H)
        scores = jnp.where(jnp.tri(ids.shape[1], dtype=bool), q @ k.mT / sqrt(q.shape[-1]), -jnp.inf)
        probs = see(f"{at}probs", jax.nn.softmax(scores))  # (B, H, T, T)
        return (dropped(probs, c.dropout, site) @ v).swapaxes(1, 2).reshape(*ids.shape, -1)

    x = dropped(p["wte.weight"][ids] + p["wpe.weight"][: ids.shape[1]], c.embedding_dropout, 0)  # (B, T, E)
    x = norm(see("x", x), "norm") if c.norm_first else x
    for layer in range(c.n_layer):
        at, site = f"blocks.{layer}.", 1 + 3 * layer
        x = see(f"{at}x", x)
        qkv = see(f"{at}qkv", linear(see(f"{at}h1", norm(x, f"{at}norm1")), f"{at}attention.qkv"))
        y = see(f"{at}y", attention(qkv, at, site))
        x = see(f"{at}x_mid", x + dropped(linear(y, f"{at}attention.proj"), c.dropout, site + 1))
        a_pre = see(f"{at}a_pre", linear(see(f"{at}h2", norm(x, f"{at}norm2")), f"{at}mlp.fc1"))  # (B, T, 4 E)
        a = see(f"{at}a", jax.nn.relu(a_pre) if c.activation == "relu" else jax.nn.gelu(a_pre))
        x = x + dropped(linear(a, f"{at}mlp.fc2"), c.dropout, site + 2)
    h = see("h", x if c.norm_first else norm(see("x", x), "norm"))
    return cross_entropy(see, h @ p.get("head.weight", p["wte.weight"]).T + p.get("head.bias", 0), targets)


def cross_entropy(see, logits, targets):
    logprobs = jax.nn.log_softmax(see("logits", logits))
    see("probs", jnp.exp(logprobs))
    return 0.0 if targets is None else -jnp.take_along_axis(logprobs, targets[..., None], axis=-1).mean()


def mask(shape, p, seed, site, step):
    """0 with probability p, else 1 / (1 - p): by Philox4x64-10, with the key (seed, site), counters (step, block)."""

    def philox_round(_, state):
        ((x0, x1, x2, x3), key), mulhi = state, jax.lax.mulhi
        return (mulhi(m1, x2) ^ x1 ^ key[0], m1 * x2, mulhi(m0, x0) ^ x3 ^ key[1], m0 * x0), key + KEY_STEPS

    block = jnp.arange(-(-prod(shape) // 4), dtype="uint64")
    zero, (m0, m1) = block * 0, MULTIPLIERS[:, None] + block * 0
    words, _ = jax.lax.fori_loop(0, 10, philox_round, ((zero + step, block, zero, zero), jnp.uint64((seed, site))))
    uniform = (jnp.stack(words, axis=1).ravel()[: prod(shape)] >> 11) * 2.0**-53
    return jnp.where(uniform >= p, 1 / (1 - p), 0).reshape(shape)


@partial(jax.jit, static_argnums=(0, 1))
def forward(model, config, p, *batch):
    """The loss; a function of its gradient that gives those of p and of all that is seen; and what is seen, by name."""

    def run(p, zeros):
        seen = {}

        def see(name, x):
            seen[name] = x + zeros.get(name, 0)  # the gradient of this zero is that of x
            return seen[name]

        return model(see, config, p, *batch), seen

    zeros = jax.tree.map(jnp.zeros_like, jax.eval_shape(run, p, {})[1])
    return jax.vjp(run, p, zeros, has_aux=True)


class InJax:  # between nnz.backend, which gives and takes arrays of numpy, and the functions above
    config, dropout_seed, backward_of = None, 0, jax.jit(lambda gradients, dloss: gradients(dloss))

    def _forward(self, inputs, targets, step=None, cache=None):
        draw = None if step is None else np.array((self.dropout_seed, step), "uint64")
        loss, gradients, seen = forward(self.model, self.config, self._p, inputs, targets, draw)
        known = {"logits": np.array(seen["logits"]), "loss": None if targets is None else float(loss)}
        return seen | known | {"gradients": (gradients, jnp.ones_like(loss))}

    def _backward(self, saved):
        of_weights, of_seen = jax.tree.map(np.array, InJax.backward_of(*saved["gradients"]))
        return of_weights | {f"d{name}": gradient for name, gradient in (of_weights | of_seen).items()}

    def _tensors(self, saved):
        return saved | self._backward(saved)


class MLP(InJax, MLPBase):
    model = staticmethod(mlp)


class GPT(InJax, GPTBase):
    model = staticmethod(gpt)

    def _new_kept(self, B):
        return np.zeros((B, 0), np.int32)  # the tokens themselves: all are computed again

    def _last_logits(self, tokens, cache):
        if cache is not None:
            tokens = cache.kept = np.concatenate((cache.kept, tokens), axis=1)
        return super()._last_logits(tokens, None)


@jax.jit
def adamw(p, m, v, g, t, lr, beta1, beta2, eps, weight_decay):
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
    step = lr / (1 - beta1**t) * m / (jnp.sqrt(v) / jnp.sqrt(1 - beta2**t) + eps)
    return (1 - lr * weight_decay) * p - step, m, v


ops = SimpleNamespace(  # they write to arrays of numpy: those of JAX never change
    adamw_step=lambda p, m, v, *others: [*map(np.copyto, (p, m, v), adamw(p, m, v, *others))],
    clip_step=lambda g, scale: np.copyto(g, jnp.multiply(g, scale)),
    square_sum=lambda g: jnp.square(jnp.asarray(g, "float64")).sum(),
)
AdamW = type("AdamW", (optimizers.AdamW,), {"ops_by_precision": {"native": ops}})
clip_grad_norm = partial(clipping.clip_grad_norm, AdamW.ops_by_precision)
