"""The operations, one entry each: formula, shapes, argument order, gradients. Every backend is tested against this.

The alphabet: B batch, T context, E embedding, H hidden, V vocabulary, C channels; a generic linear maps N to M; a shape
of `...` is any shape, of n numbers. The gradient of `a` is `da`. ids and targets are token ids, int32; all other arrays
are float32 or float64. In C a function takes its outputs, its inputs, the sizes and last the scalars; a backward there
adds to its outputs, which the caller zeroes. In Python it takes the inputs, then what `arguments` names, then the
scalars, and returns the outputs.

Here are the operations of the MLP, which the GPT has too; those that only the GPT has are in spec_gpt.
"""

from __future__ import annotations

from .operation import ARRAY_TYPES, SCALAR_TYPES, Function, Op
from .spec_gpt import GPT_OPS

__all__ = ["ARRAY_TYPES", "FUNCTIONS", "GPT_OPS", "MLP_FUNCTIONS", "MLP_OPS", "OPS", "SCALAR_TYPES", "Function", "Op"]

EMBEDDING = Op(
    "embedding",
    "Bengio et al. 2003, A Neural Probabilistic Language Model, section 2: the matrix C",
    (
        Function(
            "embedding_forward",
            "emb[b,t] = wte[ids[b,t]]",
            inputs={"wte": "(V,E)", "ids": "(B,T)"},
            outputs={"emb": "(B,T,E)"},
            sizes=("B", "T", "E"),
        ),
        Function(
            "embedding_backward",
            "dwte[v] = sum of demb[b,t] where ids[b,t] = v",
            inputs={"demb": "(B,T,E)", "ids": "(B,T)"},
            outputs={"dwte": "(V,E)"},
            sizes=("B", "T", "E"),
            arguments=("V",),
        ),
    ),
)

LINEAR = Op(
    "linear",
    "Bengio et al. 2003, section 2: d + Hx and b + U tanh(...)",
    (
        Function(
            "linear_forward",
            "y = x w^T + b",
            inputs={"x": "(B,N)", "w": "(M,N)", "b": "(M,)"},
            outputs={"y": "(B,M)"},
            sizes=("B", "N", "M"),
            optional=("b",),
        ),
        Function(
            "linear_backward",
            "dx = dy w, dw = dy^T x, db = sum of dy over B",
            inputs={"dy": "(B,M)", "x": "(B,N)", "w": "(M,N)"},
            outputs={"dx": "(B,N)", "dw": "(M,N)", "db": "(M,)"},
            sizes=("B", "N", "M"),
        ),
    ),
)

TANH = Op(
    "tanh",
    "LeCun et al. 1998, Efficient BackProp, section 4.4",
    (
        Function("tanh_forward", "y = tanh(x)", inputs={"x": "(...)"}, outputs={"y": "(...)"}, sizes=("n",)),
        Function(
            "tanh_backward",
            "dx = dy (1 - y^2)",
            inputs={"dy": "(...)", "y": "(...)"},
            outputs={"dx": "(...)"},
            sizes=("n",),
        ),
    ),
)

BATCH_NORM = Op(
    "batch_norm",
    "Ioffe and Szegedy 2015, Batch Normalization, algorithm 1; running statistics as torch.nn.BatchNorm1d keeps them",
    (
        Function(
            "batch_norm_forward",
            "y = (x - mean) rstd weight + bias, rstd = 1 / sqrt(var + eps)",
            inputs={"x": "(B,C)", "weight": "(C,)", "bias": "(C,)", "running_mean": "(C,)", "running_var": "(C,)"},
            outputs={
                "y": "(B,C)",
                "mean": "(C,)",
                "rstd": "(C,)",
                "new_running_mean": "(C,)",
                "new_running_var": "(C,)",
            },
            sizes=("B", "C"),
            scalars=("training", "momentum", "eps"),
        ),
        Function(
            "batch_norm_backward",
            "dx = weight rstd (dy - dbias / B - xhat dweight / B), dweight = sum of dy xhat over B, "
            "dbias = sum of dy over B, xhat = (x - mean) rstd",
            inputs={"dy": "(B,C)", "x": "(B,C)", "mean": "(C,)", "rstd": "(C,)", "weight": "(C,)"},
            outputs={"dx": "(B,C)", "dweight": "(C,)", "dbias": "(C,)"},
            sizes=("B", "C"),
        ),
    ),
)

CROSS_ENTROPY = Op(
    "cross_entropy",
    "Bridle 1990, Probabilistic Interpretation of Feedforward Classification Network Outputs",
    (
        Function(
            "cross_entropy_forward",
            "probs = softmax(logits), loss = mean over B of -log probs[b,targets[b]]",
            inputs={"logits": "(B,V)", "targets": "(B,)"},
            outputs={"loss": "", "probs": "(B,V)"},
            sizes=("B", "V"),
        ),
        Function(
            "cross_entropy_backward",
            "dlogits = (probs - onehot(targets)) / B",
            inputs={"probs": "(B,V)", "targets": "(B,)"},
            outputs={"dlogits": "(B,V)"},
            sizes=("B", "V"),
        ),
    ),
)

SGD = Op(
    "sgd",
    "Robbins and Monro 1951, A Stochastic Approximation Method",
    (
        Function(
            "sgd_step",
            "p = p - lr (g + weight_decay p)",
            updates={"p": "(...)"},
            inputs={"g": "(...)"},
            outputs={},
            sizes=("n",),
            scalars=("lr", "weight_decay"),
        ),
    ),
)

ADAMW = Op(
    "adamw",
    "Loshchilov and Hutter 2019, Decoupled Weight Decay Regularization, algorithm 2",
    (
        Function(
            "adamw_step",
            "m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2, "
            "p = (1 - lr weight_decay) p - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)",
            updates={"p": "(...)", "m": "(...)", "v": "(...)"},
            inputs={"g": "(...)"},
            outputs={},
            sizes=("n",),
            scalars=("t", "lr", "beta1", "beta2", "eps", "weight_decay"),
        ),
    ),
)

MLP_OPS: dict[str, Op] = {op.name: op for op in (EMBEDDING, LINEAR, TANH, BATCH_NORM, CROSS_ENTROPY, SGD, ADAMW)}
MLP_FUNCTIONS: dict[str, Function] = {function.name: function for op in MLP_OPS.values() for function in op.functions}
OPS: dict[str, Op] = MLP_OPS | GPT_OPS
FUNCTIONS: dict[str, Function] = {function.name: function for op in OPS.values() for function in op.functions}
