"""The files of the GPT's part of the exercise, which `nnz new-backend --gpt` adds."""

INIT = '''"""NAME: a backend of nnz, with the GPT. Grade it with: nnz parity NAME"""

from . import ops
from .gpt import GPT, clip_grad_norm
from .gpt_layers import GELU, CausalSelfAttention, Dropout, LayerNorm, ReLU, RMSNorm
from .layers import BatchNorm1d, Embedding, Flatten, Linear, Residual, Sequential, Tanh
from .mlp import MLP
from .optimizers import SGD, AdamW

LAYERS = ["BatchNorm1d", "Embedding", "Flatten", "Linear", "Residual", "Sequential", "Tanh"]
GPT_LAYERS = ["CausalSelfAttention", "Dropout", "GELU", "LayerNorm", "RMSNorm", "ReLU"]
__all__ = [*LAYERS, *GPT_LAYERS, "GPT", "MLP", "SGD", "AdamW", "clip_grad_norm", "ops"]
'''

GPT = '''"""The GPT: logits = head(norm(blocks(wte[idx] + wpe[0 .. T-1])))        (Radford et al. 2019)

Each block is x = x + attention(norm1(x)), x = x + mlp(norm2(x)); mlp is fc2(activation(fc1(x))), and fc1 is 4 E wide.
"""


class GPT:
    """Parameters, by name: wte.weight (V,E), wpe.weight (T,E); of each block, as "blocks.0.": norm1 (E,), attention.qkv
    (3E,E), attention.proj (E,E), norm2 (E,), mlp.fc1 (4E,E), mlp.fc2 (E,4E); norm (E,), head.weight (V,E). All but the
    first two have a weight and, where a switch says so, a bias. norm="rms" has no weights; a tied head is wte.weight.

    `rng`, an nnz.RNG, draws every matrix in this order: 0.02 rng.normal(shape), in float64, rounded to `dtype`. The
    weights of norms are 1, biases 0. The norms' eps is 1e-5. With norm_first the GPT is head(blocks(norm(wte + wpe))).
    In training, with targets, there is dropout by dropout_mask(mask, p, dropout_seed, site, self.dropout_step): site 0
    after the embeddings, and of block l 1 + 3l on the probs of attention, 2 + 3l after proj, 3 + 3l after fc2.
    `dropout_step` then is one more.
    """

    def __init__(
        self, vocab_size, context_length, n_layer, n_head, n_embd, dropout=0.0, embedding_dropout=0.0,
        activation="relu", qkv_bias=False, linear_bias=True, head_bias=True, tied_head=False, norm="layer",
        norm_first=False, rng=None, dtype="float32", dropout_seed=1337,
    ):
        raise NotImplementedError

    def __call__(self, inputs, targets=None):
        """inputs, targets (B,T) int -> logits (B,T,V), the mean cross-entropy in nats (None without targets).

        ValueError for an id outside 0 .. V-1 or a row longer than the context, TypeError for other ids.
        """
        raise NotImplementedError

    def backward(self):
        """The gradient of the last loss by each parameter: a dict with the parameters' names. May be called twice.

        RuntimeError unless the last call had targets.
        """
        raise NotImplementedError

    def parameters(self):
        """The parameters, a dict in the order above; an optimizer overwrites the arrays in it, or its entries."""
        raise NotImplementedError

    def load_parameters(self, arrays):
        """Overwrite the parameters with those of a dict of numpy arrays."""
        raise NotImplementedError

    def intermediates(self):
        """Of the last batch, by name, and the gradient of each but the probs, "d" + name.

        Of each block, as "blocks.0.": x, h1 (B,T,E), what norm1 takes and gives; qkv (B,T,3,E); probs (B,H,T,T); y
        (B,T,E) of attention; x_mid, h2 (B,T,E), what norm2 takes and gives; a_pre, a (B,T,4E), of fc1 and the
        activation. After the blocks: x, h (B,T,E), what the last norm takes and gives; logits, probs (B,T,V).
        """
        raise NotImplementedError

    def train(self):
        """Drop out from now on. It starts so."""
        raise NotImplementedError

    def eval(self):
        """Do not."""
        raise NotImplementedError

    def new_cache(self, B):
        """A cache of keys and values for B rows."""
        raise NotImplementedError

    def last_logits(self, tokens, cache=None):
        """tokens (B,n) int, which follow those in the cache and then are in it -> the logits after them (B,V)."""
        raise NotImplementedError


def clip_grad_norm(grads, max_norm):
    """grads = grads min(1, max_norm / (norm + 1e-6)), in place; returns norm, that of all of them together, a float."""
    raise NotImplementedError
'''

LAYERS = '''"""The layers that only a GPT needs, with the methods of layers.py; see nnz.backend.gpt_layers."""


class LayerNorm:
    """torch.nn.LayerNorm over the last axis; parameters weight and bias."""

    def __init__(self, normalized_shape, eps=1e-5, dtype="float32"):
        raise NotImplementedError


class RMSNorm:
    """torch.nn.RMSNorm over the last axis; parameter weight, if elementwise_affine."""

    def __init__(self, normalized_shape, eps=None, elementwise_affine=True, dtype="float32"):
        raise NotImplementedError


class ReLU:
    """y = max(x, 0)"""

    def __init__(self):
        raise NotImplementedError


class GELU:
    """The tanh approximation."""

    def __init__(self):
        raise NotImplementedError


class Dropout:
    """In training y = x mask, by dropout_mask with step 0, 1, ...; in evaluation y = x."""

    def __init__(self, p=0.5, seed=1337, site=0):
        raise NotImplementedError


class CausalSelfAttention:
    """y = proj(attention(qkv(x))), x (B,T,E); parameters qkv.weight (3E,E), qkv.bias, proj.weight (E,E), proj.bias.

    `rng` draws them in this order, as those of Linear.
    """

    def __init__(self, n_embd, n_head, bias=True, rng=None, dtype="float32"):
        raise NotImplementedError
'''
