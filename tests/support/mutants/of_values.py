"""Mutants of odd values: zeros with a sign, infinities, NaN, subnormal and very large numbers, and where exp ends."""

from functools import partial

from .mutant import op_mutant
from .of_linear import FACTOR_C, TERM_C

embedding, linear = partial(op_mutant, "embedding"), partial(op_mutant, "linear")
tanh, cross_entropy = partial(op_mutant, "tanh"), partial(op_mutant, "cross_entropy")
batch_norm, sgd, adamw = partial(op_mutant, "batch_norm"), partial(op_mutant, "sgd"), partial(op_mutant, "adamw")

SHIFTED, LOG_SOFTMAX = "    shifted = logits - ", "F.log_softmax(logits, dim=1)"

MUTANTS = (
    embedding(
        "embedding_of_infinity_is_nan",
        "0 times the row is added, which is NaN where it is infinite",
        "embedding",
        c=("{ emb[i * E + e] = row[e]; }", "{ emb[i * E + e] = row[e] + 0 * row[e]; }"),
        numpy=("wte.take(ids, axis=0)", "wte.take(ids, axis=0) + 0 * wte.take(ids, axis=0)"),
        torch=("return F.embedding(ids, wte)", "return F.embedding(ids, wte) + 0 * F.embedding(ids, wte)"),
    ),
    linear(
        "infinite_sum_is_nan",
        "0 times the result is added, which is NaN where it is infinite",
        "linear",
        c=(
            "matmul(y, b, 0, x, N, 1, w, 1, N, B, M, N);",
            "matmul(y, b, 0, x, N, 1, w, 1, N, B, M, N);\n    for (size_t i = 0; i < B * M; i++) { y[i] += 0 * y[i]; }",
        ),
        numpy=("y = x @ w.T", "y = x @ w.T + 0 * (x @ w.T)"),
        torch=("return torch.addmm(b, x, w.T)", "return torch.addmm(b, x, w.T) + 0 * torch.addmm(b, x, w.T)"),
    ),
    sgd(
        "infinite_gradient_makes_nan",
        "0 times the gradient is added, which is NaN where it is infinite",
        "sgd",
        c=("p[i] -= rate * (g[i] + decay * p[i]);", "p[i] -= rate * (g[i] + 0 * g[i] + decay * p[i]);"),
        numpy=("(g + weight_decay * p)", "(g + 0 * g + weight_decay * p)"),
        torch=("(g + weight_decay * p)", "(g + 0 * g + weight_decay * p)"),
    ),
    tanh(
        "tanh_of_minus_zero_is_zero",
        "tanh of -0 is +0",
        "tanh",
        c=("fast/elementary.h", "copysign(expm1 / (expm1 + 2), x);", "(x < 0 ? -1 : 1) * (expm1 / (expm1 + 2));"),
        numpy=("np.tanh(x)", "np.tanh(x) + 0"),
        torch=("torch.tanh(x)", "torch.tanh(x) + 0"),
    ),
    tanh(
        "tanh_of_nan_is_1",
        "NaN counts as beyond the numbers whose tanh is 1",
        "tanh",
        c=("fast/elementary.h", "pick(size > TANH_IS_ONE,", "pick(!(size <= TANH_IS_ONE),"),
        numpy=("np.tanh(x)", "np.where(abs(x) <= 30, np.tanh(x), np.copysign(1, x).astype(x.dtype))"),
        torch=("torch.tanh(x)", "torch.where(x.abs() <= 30, torch.tanh(x), torch.ones_like(x).copysign(x))"),
    ),
    tanh(
        "tanh_of_infinity_is_nan",
        "0 x is added, which is NaN where x is infinite",
        "tanh",
        c=("y[i] = fast_tanh(x[i]);", "y[i] = fast_tanh(x[i]) + 0 * x[i];"),
        numpy=("np.tanh(x)", "np.tanh(x) + 0 * x"),
        torch=("torch.tanh(x)", "torch.tanh(x) + 0 * x"),
    ),
    tanh(
        "tanh_is_1_from_15_on_in_float64",
        "in float64 tanh stays at tanh(15)",
        "tanh",
        c=("fast/elementary.h", "TANH_IS_ONE = 20;", "TANH_IS_ONE = 15;"),
        numpy=("np.tanh(x)", "np.tanh(x.clip(-15, 15))"),
        torch=("torch.tanh(x)", "torch.tanh(x.clamp(-15, 15))"),
    ),
    tanh(
        "tanh_derivative_never_0",
        "the derivative is 1e-12 at least, even where y is 1",
        "tanh_backward",
        c=("dy[i] * (1 - y[i] * y[i]);", "dy[i] * (real)fmax(1 - y[i] * y[i], 1e-12);"),
        numpy=("(1 - y * y)", "np.maximum(1 - y * y, 1e-12)"),
        torch=("torch.ops.aten.tanh_backward(dy, y)", "dy * (1 - y * y).clamp(min=1e-12)"),
    ),
    tanh(
        "tanh_gradient_of_infinity_at_1_is_0",
        "where y is 1 the gradient is 0 whatever dy is",
        "tanh_backward",
        c=("dx[i] += dy[i] * (1 - y[i] * y[i]);", "dx[i] += y[i] * y[i] < 1 ? dy[i] * (1 - y[i] * y[i]) : 0;"),
        numpy=("dy * (1 - y * y)", "np.where(y * y < 1, dy, 0) * (1 - y * y)"),
        torch=("torch.ops.aten.tanh_backward(dy, y)", "torch.where(y * y < 1, dy, 0 * y) * (1 - y * y)"),
    ),
    cross_entropy(
        "exp_of_nan_is_0",
        "a logit that is NaN has probability 0",
        "cross_entropy",
        c=("fast/elementary.h", "pick(x < EXP_LOWEST, EXP_LOWEST, x);", "pick(!(x >= EXP_LOWEST), EXP_LOWEST, x);"),
        numpy=(SHIFTED, "    logits = np.where(np.isnan(logits), -np.inf, logits)\n    shifted = logits - "),
        torch=(LOG_SOFTMAX, "F.log_softmax(logits.masked_fill(logits.isnan(), -torch.inf), dim=1)"),
    ),
    cross_entropy(
        "exp_never_below_1e-35",
        "exp of less than -80 is exp(-80)",
        "cross_entropy",
        c=("fast/elementary.h", "EXP_LOWEST = -104,", "EXP_LOWEST = -80,"),
        numpy=("np.exp(shifted)", "np.exp(shifted.clip(min=-80))"),
        torch=("logprobs.detach().exp()", "logprobs.detach().clamp(min=-80).exp()"),
    ),
    cross_entropy(
        "exp_scaled_in_one_step",
        "2^n is made at once, which has no exponent where it is subnormal",
        "cross_entropy",
        c=("fast/elementary.h", "power_of_two(half) * power_of_two(n - half);", "power_of_two(n + 0 * half);"),
    ),
    cross_entropy(
        "exp_reduced_by_a_rounded_logarithm",
        "the low half of ln 2 is left out, so that exp is off by n times it",
        "cross_entropy",
        c=("fast/elementary.h", "(x - n * LN2_HIGH) - n * LN2_LOW;", "x - n * LN2_HIGH;"),
    ),
    cross_entropy(
        "infinite_logits_have_probabilities",
        "infinity less infinity counts as 0",
        "cross_entropy",
        c=("fast_exp(l[j] - largest)", "fast_exp(l[j] == largest ? 0 : l[j] - largest)"),
        numpy=(
            "    probs = np.exp(shifted)",
            "    shifted[logits == logits.max(axis=1, keepdims=True)] = 0\n    probs = np.exp(shifted)",
        ),
        torch=(LOG_SOFTMAX, "F.log_softmax(logits.clamp(max=3e38), dim=1)"),
    ),
    cross_entropy(
        "loss_of_a_row_at_most_100",
        "no row has a loss above 100",
        "cross_entropy",
        c=(
            "f->losses[i] = log(all) - (l[f->targets[i]] - largest);",
            "f->losses[i] = (real)fmin(log(all) - (l[f->targets[i]] - largest), 100);",
        ),
        numpy=(
            "(np.log(sums) - shifted[np.arange(len(targets)), targets])",
            "np.minimum(np.log(sums) - shifted[np.arange(len(targets)), targets], 100)",
        ),
        torch=("F.nll_loss(logprobs,", "F.nll_loss(logprobs.clamp(min=-100),"),
    ),
    cross_entropy(
        "probabilities_never_0",
        "no probability is below 1e-30",
        "cross_entropy",
        c=("p[j] /= all;", "p[j] = (real)fmax(p[j] / all, 1e-30);"),
        numpy=("    probs /= sums[:, None]", "    probs = np.maximum(probs / sums[:, None], 1e-30)"),
        torch=("logprobs.detach().exp()", "logprobs.detach().exp().clamp(min=1e-30)"),
    ),
    cross_entropy(
        "maximum_is_0_at_least",
        "the maximum that is taken off is never negative",
        "cross_entropy",
        c=("largest = l[0];", "largest = l[0] > 0 ? l[0] : 0;"),
        numpy=("keepdims=True)", "keepdims=True, initial=0)"),
        torch=(
            f"logprobs = {LOG_SOFTMAX}",
            "s = logits - logits.amax(1, True).clamp(min=0)\n    logprobs = s - s.exp().sum(1, True).log()",
        ),
    ),
    cross_entropy(
        "maximum_of_the_whole_batch",
        "the largest logit of all rows is taken off each",
        "cross_entropy",
        numpy=("logits.max(axis=1, keepdims=True)", "logits.max()"),
        torch=(f"logprobs = {LOG_SOFTMAX}", "s = logits - logits.max()\n    logprobs = s - s.exp().sum(1, True).log()"),
    ),
    linear(
        "zero_weights_skipped",
        "a term whose weight is 0 is skipped, though 0 times infinity is NaN",
        "linear",
        c=("fast/matmul.h", TERM_C, f"if ({FACTOR_C} != 0) {{ {TERM_C} }}"),
        numpy=(
            "    y = x @ w.T",
            "    y = x @ w.T if np.isfinite(x).all() else np.where(w == 0, 0, x[:, None] * w).sum(axis=2)",
        ),
        torch=(
            "torch.addmm(b, x, w.T)",
            "(torch.addmm(b, x, w.T) if x.isfinite().all() else b + torch.where(w == 0, 0 * w, x[:, None] * w).sum(2))",
        ),
    ),
    linear(
        "linear_swallows_nan_of_a_weight",
        "a weight that is NaN counts as 0",
        "linear",
        numpy=("x @ w.T", "x @ np.where(np.isnan(w), 0, w).T"),
        torch=("torch.addmm(b, x, w.T)", "torch.addmm(b, x, torch.where(w.isnan(), 0 * w.nan_to_num(), w).T)"),
    ),
    linear(
        "linear_clips_large_results",
        "results are kept below 65,504, the largest float16",
        "linear",
        c=(
            "fast/matmul.h",
            "+ sum[i][p][j];",
            "+ (real)fmin(sum[i][p][j], 65504);",
        ),
        numpy=("        y += b\n", "        y += b\n        y = np.minimum(y, 65504)\n"),
        torch=("torch.addmm(b, x, w.T)", "torch.addmm(b, x, w.T).clamp(max=65504)"),
    ),
    batch_norm(
        "nan_of_one_channel_in_all",
        "a NaN or an infinity in one channel spoils all others",
        "batch_norm",
        c=("mean[first + c] = sum[c] / (real)B;", "mean[first + c] = sum[c] / (real)B + 0 * sum[0];"),
        numpy=("mean = x.sum(axis=0) / B", "mean = x.sum(axis=0) / B + 0 * x.sum()"),
    ),
    batch_norm(
        "batch_norm_rstd_at_most_1000",
        "a channel with a variance below 1e-6 is not spread to 1",
        "batch_norm",
        c=(
            "rstd[c] = 1 / sqrt((training ? rstd[c] : running_var[c]) + tiny);",
            "rstd[c] = (real)fmin(1 / sqrt((training ? rstd[c] : running_var[c]) + tiny), 1000);",
        ),
        numpy=("rstd = 1 / np.sqrt(var + eps)", "rstd = np.minimum(1 / np.sqrt(var + eps), 1000)"),
        torch=("return y, mean, rstd,", "return y, mean, rstd.clamp(max=1000),"),
    ),
    sgd(
        "sgd_skips_nan",
        "a gradient that is NaN counts as 0",
        "sgd",
        c=("rate * (g[i] +", "rate * ((g[i] == g[i] ? g[i] : 0) +"),
        numpy=("lr * (g + ", "lr * (np.where(np.isnan(g), 0, g) + "),
        torch=("lr * (g + ", "lr * (g.masked_fill(g.isnan(), 0) + "),
    ),
    adamw(
        "adamw_skips_nan",
        "a gradient that is NaN counts as 0",
        "adamw",
        c=(
            "m[i] = c.keep_m * m[i] + c.take_m * g[i];",
            "m[i] = c.keep_m * m[i] + c.take_m * (g[i] == g[i] ? g[i] : 0);",
        ),
        numpy=("    m *= beta1\n", "    g = np.where(np.isnan(g), 0, g)\n    m *= beta1\n"),
        torch=("    m.mul_(beta1)", "    g = g.masked_fill(g.isnan(), 0)\n    m.mul_(beta1)"),
    ),
    adamw(
        "adamw_squares_at_most_1e20",
        "the square of a gradient counts as 1e20 at most",
        "adamw",
        c=("(g[i] * g[i])", "(real)fmin(g[i] * g[i], 1e20)"),
        numpy=("(g * g)", "np.minimum(g * g, 1e20)"),
        torch=("(g * g)", "(g * g).clamp(max=1e20)"),
    ),
    embedding(
        "embedding_loses_the_sign_of_zero",
        "0 is added, which makes -0 to +0",
        "embedding",
        c=("emb[i * E + e] = row[e];", "emb[i * E + e] = row[e] + 0;"),
        numpy=("wte.take(ids, axis=0)", "wte.take(ids, axis=0) + 0"),
        torch=("F.embedding(ids, wte)", "F.embedding(ids, wte) + 0"),
    ),
    embedding(
        "embedding_mixes_in_the_other_rows",
        "0 times all rows is added, as a product with one-hot rows does: a NaN of one row is in all",
        "embedding",
        numpy=("wte.take(ids, axis=0)", "wte.take(ids, axis=0) + 0 * wte.sum(axis=0)"),
        torch=("F.embedding(ids, wte)", "F.embedding(ids, wte) + 0 * wte.sum(0)"),
    ),
)
