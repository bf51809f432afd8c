"""Mutants of batch norm."""

from functools import partial

from .mutant import op_mutant

batch_norm = partial(op_mutant, "batch_norm")

VAR_NUMPY = "np.square(x - mean).sum(axis=0) / B"
EVAL_TORCH, DERIVED = "    if not training:\n", "return torch.ops.aten.native_batch_norm_backward("
UNPACKED = "dx, dweight, dbias = torch.ops.aten.native_batch_norm_backward("
CALL = "dy, x, weight, running, running, mean, rstd, True, eps, wanted)"
CENTRED_C = "dy[i * C + c] - sum_dy[c - first] / (real)B - xhat * (sum_dy_xhat[c - first] / (real)B);"

MUTANTS = (
    batch_norm(
        "batch_norm_divides_by_B_minus_1",
        "the unbiased variance normalises",
        "batch_norm",
        c=("squares[c] / (real)B", "squares[c] / (real)(B - 1)"),
        numpy=(VAR_NUMPY, VAR_NUMPY.replace("B", "(B - 1)")),
        torch=(
            EVAL_TORCH,
            "    f = ((len(x) - 1) / len(x)) ** 0.5 if training else 1; y, rstd = (y - bias) * f + bias, rstd * f\n"
            + EVAL_TORCH,
        ),
    ),
    batch_norm(
        "batch_norm_runs_on_the_biased_variance",
        "the running variance takes in the sum divided by B, not by B - 1",
        "batch_norm",
        c=("training ? (real)((double)B / (double)(B - 1)) : 1", "1"),
        numpy=("(var * (B / (B - 1)))", "var"),
        torch=(EVAL_TORCH, "    new_var = torch.lerp(running_var, new_var, (len(x) - 1) / len(x))\n" + EVAL_TORCH),
    ),
    batch_norm(
        "batch_norm_momentum_reversed",
        "momentum weighs the old statistics, not the new ones",
        "batch_norm",
        c=(
            "keep = (real)(1 - momentum), take = (real)momentum",
            "keep = (real)momentum, take = (real)(1 - momentum)",
        ),
        numpy=(
            "(1 - momentum) * running_mean + momentum * mean",
            "momentum * running_mean + (1 - momentum) * mean",
        ),
        torch=("new_var, training, momentum, eps)", "new_var, training, 1 - momentum, eps)"),
    ),
    batch_norm(
        "batch_norm_eps_outside_the_root",
        "sqrt(var) + eps stands for sqrt(var + eps)",
        "batch_norm",
        c=(
            "1 / sqrt((training ? rstd[c] : running_var[c]) + tiny)",
            "1 / (sqrt(training ? rstd[c] : running_var[c]) + tiny)",
        ),
        numpy=("1 / np.sqrt(var + eps)", "1 / (np.sqrt(var) + eps)"),
        torch=("1 / torch.sqrt(running_var + eps)", "1 / (torch.sqrt(running_var) + eps)"),
    ),
    batch_norm(
        "batch_norm_variance_in_one_pass",
        "mean(x^2) - mean(x)^2 cancels",
        "batch_norm",
        c=(
            "+= centred * centred;",
            "+= x[i * C + first + c] * x[i * C + first + c] - mean[first + c] * mean[first + c];",
        ),
        numpy=(VAR_NUMPY, VAR_NUMPY.replace("x - mean", "x") + " - mean * mean"),
    ),
    batch_norm(
        "batch_norm_without_weight",
        "the scale of the channels is left out",
        "batch_norm",
        c=("* rstd[c] * weight[c] + bias[c]", "* rstd[c] + 0 * weight[c] + bias[c]"),
        numpy=("* rstd * weight + bias", "* rstd + bias"),
        torch=("native_batch_norm(x, weight,", "native_batch_norm(x, torch.ones_like(weight),"),
    ),
    batch_norm(
        "batch_norm_never_evaluates",
        "outside training, too, the batch's own statistics are taken",
        "batch_norm",
        numpy=("    if training:\n", "    if True:\n"),
        torch=("new_var, training, momentum, eps)", "new_var, True, momentum, eps)"),
    ),
    batch_norm(
        "batch_norm_gradient_past_the_mean",
        "dx leaves out that each x moves the mean",
        "batch_norm_backward",
        c=(CENTRED_C, CENTRED_C.replace("- sum_dy[c - first] / (real)B ", "")),
        numpy=("* (dy - dbias / B - xhat", "* (dy - xhat"),
        torch=(DERIVED + CALL, UNPACKED + CALL + "; return dx + weight * rstd * dbias / len(x), dweight, dbias"),
    ),
    batch_norm(
        "batch_norm_gradient_past_the_variance",
        "dx leaves out that each x moves the variance",
        "batch_norm_backward",
        c=(CENTRED_C, "dy[i * C + c] - sum_dy[c - first] / (real)B + 0 * xhat;"),
        numpy=("* (dy - dbias / B - xhat * (dweight / B))", "* (dy - dbias / B)"),
        torch=(
            DERIVED + CALL,
            UNPACKED + CALL + "; return weight * rstd * (dy - dbias / len(x)), dweight, dbias",
        ),
    ),
    batch_norm(
        "batch_norm_weight_gradient_of_x",
        "dweight sums dy x where it should sum dy xhat",
        "batch_norm_backward",
        c=(
            "{ dweight[c] += sum_dy_xhat[c - first]; }",
            "{ for (size_t i = 0; i < B; i++) { dweight[c] += dy[i * C + c] * x[i * C + c]; } }",
        ),
        numpy=("return dx, dweight, dbias", "return dx, (dy * x).sum(axis=0), dbias"),
        torch=(DERIVED + CALL, UNPACKED + CALL + "; return dx, (dy * x).sum(0), dbias"),
    ),
)
