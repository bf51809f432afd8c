"""The files that `nnz new-backend` writes; ops.py comes from nnz.backend.spec."""

INIT = '''"""NAME: a backend of nnz. Grade it with: nnz parity NAME"""

from . import ops
from .layers import BatchNorm1d, Embedding, Flatten, Linear, Residual, Sequential, Tanh
from .mlp import MLP
from .optimizers import SGD, AdamW

LAYERS = ["BatchNorm1d", "Embedding", "Flatten", "Linear", "Residual", "Sequential", "Tanh"]
__all__ = [*LAYERS, "MLP", "SGD", "AdamW", "ops"]
'''

OPS_HEAD = '''"""The operations as pure functions: numpy arrays in, arrays of their dtype out (or lists of these).

B batch, T context, E embedding, H hidden, V vocabulary, C channels; a linear maps N to M; (...) is any shape.
Do not write to an argument, except where the docstring says so.
"""

import numpy as np
'''

LAYERS = '''"""The layers: y = layer(x), dx = layer.backward(dy), then layer.gradients(), by the names of parameters().

parameters() and buffers(), the running statistics, are dicts by name, those of a layer inside another with its place
as a prefix: "0.weight", "layer.bias". load_parameters(arrays) and load_buffers(arrays) set them. train() and eval()
tell BatchNorm1d, also inside others, which statistics to use. backward returns None if the input was ids; it may be
called twice. nnz.backend.layers has all of this for any module of ops: write it to learn, or use it with your
ops.
"""


class Embedding:
    """y = weight[x]        x (B,T) int  weight (num_embeddings, embedding_dim)"""

    def __init__(self, num_embeddings, embedding_dim, rng, dtype="float32"):
        raise NotImplementedError


class Linear:
    """y = x weight^T + bias        x (B,N) or (B,T,N)  weight (out_features, in_features), gain: nnz.backend.layers"""

    def __init__(self, in_features, out_features, bias=True, rng=None, dtype="float32", gain=None):
        raise NotImplementedError


class BatchNorm1d:
    """torch.nn.BatchNorm1d over all axes but the last; parameters weight, bias, buffers running_mean, running_var."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1, dtype="float32"):
        raise NotImplementedError


class Tanh:
    """y = tanh(x)"""

    def __init__(self):
        raise NotImplementedError


class Flatten:
    """(B,T,C) -> (B, T/n, n*C), or (B, n*C) if only one group is left; without n all positions are one group."""

    def __init__(self, n=None):
        raise NotImplementedError


class Residual:
    """y = x + layer(x)"""

    def __init__(self, layer):
        raise NotImplementedError


class Sequential:
    """One layer after the other."""

    def __init__(self, *layers):
        raise NotImplementedError
'''

MLP = '''"""The MLP: logits = fc2(tanh(fc1(the concatenated embeddings of T tokens)))"""


class MLP:
    """Parameters, by name: wte (V,E), fc1.weight (H,T*E), fc1.bias (H,), fc2.weight (V,H), fc2.bias (V,).

    They are drawn from `rng`, an nnz.RNG, in this order, in float64, then rounded to `dtype`: wte by rng.normal; weight
    and bias of fc1 by rng.uniform(-k, k), k = 1/sqrt(T*E); those of fc2 with k = 1/sqrt(H).
    """

    def __init__(self, vocab_size, context_length, embedding_size, hidden_size, rng, dtype="float32"):
        raise NotImplementedError

    def __call__(self, inputs, targets=None):
        """inputs (B,T), targets (B,) int -> logits (B,V), the mean cross-entropy in nats (None without targets).

        ValueError for an id outside 0 .. V-1, TypeError for ids that are not integers.
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
        """Of the last batch, by name: emb, demb (B,T,E), h_pre, h, dh, dh_pre (B,H), logits, probs, dlogits (B,V)."""
        raise NotImplementedError
'''

OPTIMIZERS = '''"""The optimizers: `lr` may be set before any step."""


class SGD:
    """p = p - lr (g + weight_decay p)"""

    def __init__(self, parameters, lr=1e-3, weight_decay=0.0):
        raise NotImplementedError

    def step(self, grads):
        """Update each of `parameters`, in place or by a new array in the dict, with the gradient of the same name."""
        raise NotImplementedError


class AdamW:
    """Adam with decoupled weight decay and bias correction; betas 0.9 and 0.999, eps 1e-8 outside the root."""

    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        raise NotImplementedError

    def step(self, grads):
        """Like SGD.step."""
        raise NotImplementedError
'''

README = """# {name}: your own backend

Every function here raises NotImplementedError. Fill them in one at a time, with any array library; each
raises the grade. In the folder above this one:

```
nnz parity {name}                       # now: 0 of {asked}
nnz parity {name} --level tanh          # one level alone
nnz diff {name} numpy                   # once the MLP runs: the first wrong tensor and its likely cause
```

Start with `tanh_forward` in `ops.py`: it is one line. `ops.py` gives the formula and the shapes of each op. The
MLP calls them in order; its backward calls their backwards in reverse.

The levels; each builds on those before it:

{levels}

`nnz parity` prints first what to mend first, why, and where; then a line for each level. With `--verbose` there is a
line for each tensor: `error, u` is its largest error in units of the dtype's roundoff, relative to its largest entry.
`T1` is the largest error that rounding can cause in that computation, proved for each entry: above 100% there is a
bug. `T2` is 32 u. "not there" means that the function raises NotImplementedError or does not exist; it never counts as
passed.
"""
