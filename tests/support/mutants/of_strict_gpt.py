"""Mutants of the GPT's operations and of the GPT in strict float32: the formula stays, a rounding does not."""

from .mutant import gpt_op_mutant, mutant

STRICT_C, NUMPY, TORCH = "gpt/strict/", "gpt/strict_ops.py", "strict_gpt_ops.py"
MEAN_C, MEAN_PY = "const real mean = nearest_dot(x, NULL, E) / (real)E;", "mean = cr.sum_along(x, 1) / E"
SQUARES_C, SQUARES_PY = "nearest_dot(y, y, E) / (real)E", "cr.dot(centred, centred) / E"
RMS_C, RMS_PY = "nearest_dot(x, x, E) / (real)E", "cr.dot(x, x) / x.shape[1]"
DSCORES_C, DSCORES_PY = "d[u] = p[u] * (d[u] - sum) / root;", "probs * (dprobs - cr.dot(probs, dprobs)[..., None])"
ROW_C, ROW_PY = "const real sum = nearest_dot(p, NULL, n);", "cr.sum_along(exps, 3)[..., None]"
SCALE_C, SCALE_PY = "p[u] /= root;", "/ sqrt(q.shape[3])"
CUBIC_C = "CUBIC_3 = (real)(3 * 0.044715)"
OF_GELU = "x / 2 * (1 - t * t) * (sqrt(2 / pi) * (1 + 3 * 0.044715 * (x * x)))"
POSITIONS_C = "linear_backward(NULL, NULL, d(m, p.wpe), demb, NULL, NULL, B, 0, T * E);"


def op(name: str, does: str, level: str, file: str, **plants: tuple[str, str]) -> object:
    """(old, new) in the strict file of each backend, in C the op's own."""
    files = {"c": STRICT_C + file, "numpy": NUMPY, "torch": TORCH}
    return mutant(name, does, f"strict {level}", **{where: (files[where], *plant) for where, plant in plants.items()})


MUTANTS = (
    op(
        "strict_layer_norm_mean_in_float32",
        "the mean of a row is added up in float32",
        "layer_norm",
        "layer_norm.c",
        c=(MEAN_C, "real mean = 0; for (size_t e = 0; e < E; e++) { mean += x[e]; } mean /= (real)E;"),
        numpy=(MEAN_PY, "mean = x.sum(axis=1) / E"),
        torch=(MEAN_PY, "mean = x.sum(1) / E"),
    ),
    op(
        "strict_layer_norm_squares_rounded",
        "each square is rounded to float32 before the sum, as in batch_norm",
        "layer_norm",
        "layer_norm.c",
        c=(
            SQUARES_C,
            "({ Exact s = {0}; for (size_t e = 0; e < E; e++) { exact_add(&s, y[e] * y[e]); } exact_nearest(&s); })"
            " / (real)E",
        ),
        numpy=(SQUARES_PY, "cr.sum_along(centred * centred, 1) / E"),
        torch=(SQUARES_PY, "cr.sum_along(centred * centred, 1) / E"),
    ),
    op(
        "strict_layer_norm_scale_before_shift",
        "rstd weight is one factor, and rounds first",
        "layer_norm",
        "layer_norm.c",
        c=("y[e] * rstd * weight[e] + bias[e]", "y[e] * (rstd * weight[e]) + bias[e]"),
        numpy=("centred * rstd[:, None] * weight + bias", "centred * (rstd[:, None] * weight) + bias"),
        torch=("centred * rstd[:, None] * weight + bias", "centred * (rstd[:, None] * weight) + bias"),
    ),
    op(
        "strict_norm_gradient_regrouped",
        "the two means are taken off together",
        "layer_norm_backward",
        "norms.h",
        c=(
            "n.rstd[i] * (centred - xhat * of_both)",
            "n.rstd[i] * (dxhat - ((n.mean ? of_dxhat : 0) + xhat * of_both))",
        ),
        numpy=(
            "(dxhat - mean_dxhat[:, None] - xhat * mean_dxhat_xhat[:, None])",
            "(dxhat - (mean_dxhat[:, None] + xhat * mean_dxhat_xhat[:, None]))",
        ),
        torch=(
            "(dxhat - mean_dxhat[:, None] - xhat * mean_dxhat_xhat[:, None])",
            "(dxhat - (mean_dxhat[:, None] + xhat * mean_dxhat_xhat[:, None]))",
        ),
    ),
    op(
        "strict_rms_mean_in_float32",
        "the squares are added up in float32",
        "rms_norm",
        "rms_norm.c",
        c=(
            RMS_C,
            "({ real s = 0; for (size_t e = 0; e < E; e++) { s += x[e] * x[e]; } s; }) / (real)E",
        ),
        numpy=(RMS_PY, "(x * x).sum(axis=1) / x.shape[1]"),
        torch=(RMS_PY, "x.square().sum(1) / x.shape[1]"),
    ),
    op(
        "strict_rms_gradient_times_the_reciprocal",
        "the mean in the gradient is the sum times 1 / E",
        "rms_norm_backward",
        "norms.h",
        c=("of_both /= (real)E;", "of_both *= 1 / (real)E;"),
        numpy=("cr.dot(dxhat, xhat) / x.shape[1]", "cr.dot(dxhat, xhat) * (1 / x.shape[1])"),
        torch=("cr.dot(dxhat, xhat) / x.shape[1]", "cr.dot(dxhat, xhat) * (1 / x.shape[1])"),
    ),
    op(
        "strict_gelu_slope_of_a_rounded_constant",
        "three times the rounded constant stands for the rounded threefold of it",
        "gelu_backward",
        "gelu.c",
        c=(CUBIC_C, "CUBIC_3 = 3 * (real)0.044715"),
        numpy=(OF_GELU, OF_GELU.replace("3 * 0.044715", "3 * np.float32(0.044715)")),
        torch=(OF_GELU, OF_GELU.replace("3 * 0.044715", "3 * x.new_tensor(0.044715)")),
    ),
    op(
        "strict_gelu_left_native",
        "GELU takes the library's tanh of float32",
        "gelu",
        "gelu.c",
        c=("nearest_tanh(t, u, n);", "for (size_t i = 0; i < n; i++) { t[i] = tanh(u[i]); }"),
        numpy=("cr.tanh(sqrt(2 / pi)", "np.tanh(sqrt(2 / pi)"),
        torch=("cr.tanh(sqrt(2 / pi)", "torch.tanh(sqrt(2 / pi)"),
    ),
    op(
        "strict_attention_softmax_sum_in_float32",
        "the sum under the softmax is added up in float32",
        "attention",
        "softmax.h",
        c=(ROW_C, "real sum = 0; for (size_t u = 0; u < n; u++) { sum += p[u]; }"),
        numpy=(ROW_PY, "exps.sum(axis=3)[..., None]"),
        torch=(ROW_PY, "exps.sum(3)[..., None]"),
    ),
    op(
        "strict_scores_times_the_reciprocal",
        "a score is multiplied by 1 / sqrt(E/H), not divided by sqrt(E/H)",
        "attention",
        "softmax.h",
        c=(SCALE_C, "p[u] *= 1 / root;"),
        numpy=(SCALE_PY, "* (1 / sqrt(q.shape[3]))"),
        torch=(SCALE_PY, "* (1 / sqrt(q.shape[3]))"),
    ),
    op(
        "strict_score_gradient_regrouped",
        "p dp - p sum stands for p (dp - sum)",
        "attention_backward",
        "attention.c",
        c=(DSCORES_C, "d[u] = (p[u] * d[u] - p[u] * sum) / root;"),
        numpy=(DSCORES_PY, "(probs * dprobs - probs * cr.dot(probs, dprobs)[..., None])"),
        torch=(DSCORES_PY, "(probs * dprobs - probs * cr.dot(probs, dprobs)[..., None])"),
    ),
    op(
        "strict_values_not_masked_before_the_sum",
        "the mask is drawn into the sum: what it multiplies is not rounded first",
        "attention",
        "attention.c",
        numpy=(
            "side_by_side(cr.matmul(probs if mask is None else probs * mask, v)), probs",
            "side_by_side(cr.matmul(probs, v) if mask is None else np.float32(np.float64(probs) * mask @ v)), probs",
        ),
    ),
    op(
        "strict_square_sum_in_order",
        "the squares are added up in float64, one after the other",
        "square_sum",
        "clip.c",
        c=(
            "*total = exact_nearest_double(&all);",
            "*total = 0; for (size_t i = 0; i < n; i++) { *total += (double)g[i] * (double)g[i]; }",
        ),
        numpy=("fsum(np.square(", "sum(np.square("),
        torch=("fsum(g.double()", "sum(g.double()"),
    ),
    gpt_op_mutant(
        "clip",
        "strict_clip_by_an_unrounded_factor",
        "the factor is not rounded to float32 before it multiplies",
        "strict clip",
        c=("gpt/strict/clip.c", "g[i] *= (real)scale;", "g[i] = (real)((double)g[i] * scale);"),
        numpy=("g *= scale", "g[...] = g * np.float64(scale)"),
        torch=("g.mul_(scale)", "g.copy_(g.double() * scale)"),
    ),
    gpt_op_mutant(
        "dropout",
        "strict_mask_of_a_rounded_probability",
        "1 - p is rounded to float32 before 1 is divided by it",
        "strict dropout_mask",
        c=("(real)(1 / (1 - p))", "1 / (real)(1 - p)"),
        numpy=(", 1 / (1 - p), 0)", ", 1 / np.float32(1 - p), 0)"),
        torch=("* (1 / (1 - p))", "* (1 / torch.tensor(1 - p).float())"),
    ),
    mutant(
        "strict_position_gradients_in_order",
        "a position's gradients are added up in float32, row after row",
        "strict gpt",
        c=(
            "gpt/gpt.c",
            POSITIONS_C,
            "for (size_t b = 0; b < B; b++) { add(d(m, p.wpe), demb + b * T * E, T * E); }",
        ),
        numpy=(
            "gpt/gpt.py",
            'ops.embedding_backward(demb, s["positions"], c.context_length)',
            'ops.embedding_backward(demb.sum(axis=0)[None], s["positions"][:1], c.context_length)',
        ),
        torch=(
            "gpt/gpt.py",
            'ops.embedding_forward(p["wpe.weight"], positions)',
            'ops.embedding_forward(p["wpe.weight"], positions[:1])',
        ),
    ),
    mutant(
        "strict_attention_left_native",
        "a strict GPT takes torch's fused attention",
        "strict gpt",
        torch=("gpt/gpt.py", ' and mask is None and self.precision == "native":', ":"),
    ),
    mutant(
        "strict_cache_left_native",
        "with a cache a strict GPT attends natively",
        "strict gpt_cache",
        numpy=("gpt/gpt.py", "CACHED[self.precision](", 'CACHED["native"]('),
        torch=("gpt/gpt.py", "CACHED[self.precision](", 'CACHED["native"]('),
    ),
    mutant(
        "strict_clip_left_native",
        "the norm is that of native float32, whose sum runs in any order",
        "strict clip",
        common=("backend/clipping.py", "precisions.checked(precision, max", "precisions.checked('native', max"),
    ),
)
