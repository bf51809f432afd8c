"""The operations that only the GPT has, one entry each; see spec.

Here H is the number of heads, and E a multiple of it: head h has the columns h E/H to (h+1) E/H of q, of k and of v.
"""

from __future__ import annotations

from .operation import Function, Op

LAYER_NORM = Op(
    "layer_norm",
    "Ba et al. 2016, Layer Normalization, section 3.1",
    (
        Function(
            "layer_norm_forward",
            "y = (x - mean) rstd weight + bias, rstd = 1 / sqrt(var + eps), mean and biased var over E",
            inputs={"x": "(B,E)", "weight": "(E,)", "bias": "(E,)"},
            outputs={"y": "(B,E)", "mean": "(B,)", "rstd": "(B,)"},
            sizes=("B", "E"),
            scalars=("eps",),
        ),
        Function(
            "layer_norm_backward",
            "dx = rstd (dxhat - mean of dxhat - xhat mean of dxhat xhat), dxhat = dy weight, xhat = (x - mean) rstd, "
            "dweight = sum of dy xhat over B, dbias = sum of dy over B",
            inputs={"dy": "(B,E)", "x": "(B,E)", "mean": "(B,)", "rstd": "(B,)", "weight": "(E,)"},
            outputs={"dx": "(B,E)", "dweight": "(E,)", "dbias": "(E,)"},
            sizes=("B", "E"),
        ),
    ),
    model="gpt",
)

RMS_NORM = Op(
    "rms_norm",
    "Zhang and Sennrich 2019, Root Mean Square Layer Normalization, equation 4",
    (
        Function(
            "rms_norm_forward",
            "y = x rstd weight, rstd = 1 / sqrt(mean of x^2 over E + eps)",
            inputs={"x": "(B,E)", "weight": "(E,)"},
            outputs={"y": "(B,E)", "rstd": "(B,)"},
            sizes=("B", "E"),
            scalars=("eps",),
            optional=("weight",),
        ),
        Function(
            "rms_norm_backward",
            "dx = rstd (dxhat - xhat mean of dxhat xhat), dxhat = dy weight, xhat = x rstd, "
            "dweight = sum of dy xhat over B",
            inputs={"dy": "(B,E)", "x": "(B,E)", "rstd": "(B,)", "weight": "(E,)"},
            outputs={"dx": "(B,E)", "dweight": "(E,)"},
            sizes=("B", "E"),
            optional=("weight", "dweight"),
        ),
    ),
    model="gpt",
)

RELU = Op(
    "relu",
    "Nair and Hinton 2010, Rectified Linear Units Improve Restricted Boltzmann Machines",
    (
        Function("relu_forward", "y = max(x, 0)", inputs={"x": "(...)"}, outputs={"y": "(...)"}, sizes=("n",)),
        Function(
            "relu_backward",
            "dx = dy where y > 0, else 0",
            inputs={"dy": "(...)", "y": "(...)"},
            outputs={"dx": "(...)"},
            sizes=("n",),
        ),
    ),
    model="gpt",
)

GELU = Op(
    "gelu",
    "Hendrycks and Gimpel 2016, Gaussian Error Linear Units, section 2: the tanh approximation",
    (
        Function(
            "gelu_forward",
            "y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))",
            inputs={"x": "(...)"},
            outputs={"y": "(...)"},
            sizes=("n",),
        ),
        Function(
            "gelu_backward",
            "dx = dy ((1 + t)/2 + x/2 (1 - t^2) sqrt(2/pi) (1 + 3 0.044715 x^2)), t the tanh of the forward",
            inputs={"dy": "(...)", "x": "(...)"},
            outputs={"dx": "(...)"},
            sizes=("n",),
        ),
    ),
    model="gpt",
)

ATTENTION = Op(
    "attention",
    "Vaswani et al. 2017, Attention Is All You Need, sections 3.2.1 to 3.2.3",
    (
        Function(
            "attention_forward",
            "probs[t,u] = softmax over u <= t of q[t] . k[u] / sqrt(E/H), else 0, y[t] = sum of probs[t,u] mask[t,u] "
            "v[u] over u, in each head; q, k, v = qkv[:,:,0], qkv[:,:,1], qkv[:,:,2]",
            inputs={"qkv": "(B,T,3,E)", "mask": "(B,H,T,T)"},
            outputs={"y": "(B,T,E)", "probs": "(B,H,T,T)"},
            sizes=("B", "T", "E", "H"),
            arguments=("H",),
            optional=("mask",),
        ),
        Function(
            "attention_backward",
            "dv[u] = sum of probs[t,u] mask[t,u] dy[t] over t, dprobs[t,u] = mask[t,u] dy[t] . v[u], "
            "dscores[t,u] = probs[t,u] (dprobs[t,u] - sum of probs[t,w] dprobs[t,w] over w) / sqrt(E/H), "
            "dq[t] = sum of dscores[t,u] k[u] over u, dk[u] = sum of dscores[t,u] q[t] over t",
            inputs={"dy": "(B,T,E)", "qkv": "(B,T,3,E)", "probs": "(B,H,T,T)", "mask": "(B,H,T,T)"},
            outputs={"dqkv": "(B,T,3,E)"},
            sizes=("B", "T", "E", "H"),
            optional=("mask",),
        ),
    ),
    model="gpt",
)

DROPOUT = Op(
    "dropout",
    "Srivastava et al. 2014, Dropout; Salmon et al. 2011, Parallel Random Numbers, section 4.3: Philox4x64-10",
    (
        Function(
            "dropout_mask",
            "mask[i] = 1 / (1 - p) where (x[i] >> 11) / 2^53 >= p, else 0, x[i] = word i mod 4 of "
            "Philox4x64-10 with key (seed, site) and counter (step, i div 4, 0, 0)",
            updates={"mask": "(...)"},
            inputs={},
            outputs={},
            sizes=("n",),
            scalars=("p", "seed", "site", "step"),
        ),
        Function(
            "dropout_forward",
            "y = x mask",
            inputs={"x": "(...)", "mask": "(...)"},
            outputs={"y": "(...)"},
            sizes=("n",),
        ),
        Function(
            "dropout_backward",
            "dx = dy mask",
            inputs={"dy": "(...)", "mask": "(...)"},
            outputs={"dx": "(...)"},
            sizes=("n",),
        ),
    ),
    model="gpt",
)

CLIP = Op(
    "clip",
    "Pascanu et al. 2013, On the difficulty of training recurrent neural networks, algorithm 1",
    (
        Function(
            "square_sum",
            "total = sum of g^2, added up in float64",
            inputs={"g": "(...)"},
            outputs={"total": ""},
            sizes=("n",),
        ),
        Function(
            "clip_step",
            "g = scale g",
            updates={"g": "(...)"},
            inputs={},
            outputs={},
            sizes=("n",),
            scalars=("scale",),
        ),
    ),
    model="gpt",
)

GPT_OPS: dict[str, Op] = {op.name: op for op in (LAYER_NORM, RMS_NORM, RELU, GELU, ATTENTION, DROPOUT, CLIP)}
