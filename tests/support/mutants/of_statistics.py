"""Mutants of batch norm's settings and statistics: which variance, which eps, which momentum, and in which mode."""

from functools import partial

from .mutant import op_mutant

batch_norm = partial(op_mutant, "batch_norm")

KEEP_C = "const real keep = (real)(1 - momentum), take"
FIRST_NUMPY = "    B, mean, var = len(x), "
FIRST_TORCH = "    new_mean, new_var = running_mean.clone()"
RETURN_TORCH = "return y, mean, rstd, new_mean, new_var"
BACK_TORCH = "torch.ops.aten.native_batch_norm_backward(dy, x, weight, running, running, mean, rstd, True, eps, wanted)"

MUTANTS = (
    batch_norm(
        "running_variance_holds_eps",
        "eps is added to the variance that is kept",
        "batch_norm",
        c=("(unbiased * rstd[c])", "(unbiased * rstd[c] + tiny)"),
        numpy=("(var * (B / (B - 1)))", "(var * (B / (B - 1)) + eps)"),
        torch=(RETURN_TORCH, "return y, mean, rstd, new_mean, new_var + momentum * eps * training"),
    ),
    batch_norm(
        "momentum_of_0_is_the_default",
        "a momentum of 0 is taken for 0.1",
        "batch_norm",
        c=(KEEP_C, f"momentum = momentum > 0 ? momentum : 0.1;\n    {KEEP_C}"),
        numpy=(FIRST_NUMPY, f"    momentum = momentum or 0.1\n{FIRST_NUMPY}"),
        torch=(FIRST_TORCH, f"    momentum = momentum or 0.1\n{FIRST_TORCH}"),
    ),
    batch_norm(
        "momentum_below_1",
        "a momentum of 1 is taken for 0.99",
        "batch_norm",
        c=(KEEP_C, f"momentum = momentum < 0.99 ? momentum : 0.99;\n    {KEEP_C}"),
        numpy=(FIRST_NUMPY, f"    momentum = min(momentum, 0.99)\n{FIRST_NUMPY}"),
        torch=(FIRST_TORCH, f"    momentum = min(momentum, 0.99)\n{FIRST_TORCH}"),
    ),
    batch_norm(
        "evaluation_with_the_default_eps",
        "in evaluation eps is 1e-5 whatever it is set to",
        "batch_norm",
        c=("running_var[c]) + tiny)", "running_var[c]) + (training ? tiny : (real)1e-5))"),
        numpy=("np.sqrt(var + eps)", "np.sqrt(var + (eps if training else 1e-5))"),
        torch=("torch.sqrt(running_var + eps)", "torch.sqrt(running_var + 1e-5)"),
    ),
    batch_norm(
        "batch_norm_eps_of_at_least_1e-10",
        "a smaller eps is taken for 1e-10",
        "batch_norm",
        c=("tiny = (real)eps;", "tiny = (real)(eps > 1e-10 ? eps : 1e-10);"),
        numpy=("np.sqrt(var + eps)", "np.sqrt(var + max(eps, 1e-10))"),
        torch=("training, momentum, eps)", "training, momentum, max(eps, 1e-10))"),
    ),
    batch_norm(
        "eps_added_to_the_deviation",
        "rstd is 1 / sqrt(var) where var is above eps",
        "batch_norm",
        c=("running_var[c]) + tiny)", "running_var[c]) > tiny ? (training ? rstd[c] : running_var[c]) : tiny)"),
        numpy=("np.sqrt(var + eps)", "np.sqrt(np.maximum(var, eps))"),
    ),
    batch_norm(
        "evaluation_moves_the_running_variance",
        "in evaluation the running variance decays",
        "batch_norm",
        c=("(unbiased * rstd[c]) : running_var[c];", "(unbiased * rstd[c]) : keep * running_var[c];"),
        numpy=(
            "return y, mean, rstd, running_mean, running_var",
            "return y, mean, rstd, running_mean, running_var if training else running_var * (1 - momentum)",
        ),
        torch=(RETURN_TORCH, "return y, mean, rstd, new_mean, new_var * (1 if training else 1 - momentum)"),
    ),
    batch_norm(
        "evaluation_moves_the_running_mean",
        "in evaluation the running mean follows the batch, too",
        "batch_norm",
        numpy=(
            "    rstd = 1 / np.sqrt",
            (
                "    else:\n        running_mean = (1 - momentum) * running_mean + momentum * "
                "x.sum(axis=0) / B\n    rstd = 1 / np.sqrt"
            ),
        ),
        torch=(
            RETURN_TORCH,
            "return y, mean, rstd, new_mean if training else (1 - momentum) * new_mean + momentum * x.mean(0), new_var",
        ),
    ),
    batch_norm(
        "evaluation_of_many_rows_by_the_batch",
        "in evaluation 16 rows and more are normalised by their own mean",
        "batch_norm",
        numpy=(
            "    rstd = 1 / np.sqrt",
            "    if B >= 16 and not training:\n        mean = x.sum(axis=0) / B\n    rstd = 1 / np.sqrt",
        ),
        torch=("new_var, training, momentum, eps)", "new_var, training or len(x) >= 16, momentum, eps)"),
    ),
    batch_norm(
        "running_variance_of_the_running_mean",
        "the variance that is kept is that around the running mean",
        "batch_norm",
        c=(
            "x[i * C + first + c] - mean[first + c];\n                squares",
            "x[i * C + first + c] - mean[first];\n                squares",
        ),
        numpy=("momentum * (var * (B / (B - 1)))", "momentum * (np.square(x - running_mean).sum(axis=0) / (B - 1))"),
    ),
    batch_norm(
        "running_mean_of_the_first_row",
        "the mean that is kept is that of the first row",
        "batch_norm",
        c=("take * mean[c] :", "take * x[c] :"),
        numpy=("running_mean + momentum * mean", "running_mean + momentum * x[0]"),
        torch=(RETURN_TORCH, "return y, mean, rstd, new_mean + momentum * (x[0] - mean) * training, new_var"),
    ),
    batch_norm(
        "batch_norm_gradient_by_its_own_statistics",
        "backward takes mean and rstd from x, with an eps of 1e-5, not those that it is given",
        "batch_norm_backward",
        numpy=(
            "    xhat = (x - mean) * rstd",
            "    mean, rstd = x.mean(axis=0), 1 / np.sqrt(x.var(axis=0) + 1e-5)\n    xhat = (x - mean) * rstd",
        ),
        torch=(
            "    running, eps, wanted",
            "    mean, rstd = x.mean(0), 1 / torch.sqrt(x.var(0, correction=0) + 1e-5)\n    running, eps, wanted",
        ),
    ),
    batch_norm(
        "batch_norm_bias_gradient_averaged",
        "the gradient of the bias is the mean over the batch",
        "batch_norm_backward",
        c=("dbias[c] += sum_dy[c - first];", "dbias[c] += sum_dy[c - first] / (real)B;"),
        numpy=("return dx, dweight, dbias", "return dx, dweight, dbias / B"),
        torch=(f"return {BACK_TORCH}", f"dx, dweight, dbias = {BACK_TORCH}\n    return dx, dweight, dbias / len(x)"),
    ),
    batch_norm(
        "batch_norm_gradient_divided_by_B_minus_1",
        "the way through the variance is divided by B - 1",
        "batch_norm_backward",
        c=("(sum_dy_xhat[c - first] / (real)B)", "(sum_dy_xhat[c - first] / (real)(B - 1))"),
        numpy=("(dweight / B)", "(dweight / (B - 1))"),
    ),
    batch_norm(
        "batch_norm_gradient_without_weight",
        "dx is not multiplied by the weight",
        "batch_norm_backward",
        c=("weight[c] * rstd[c] * centred", "rstd[c] * centred"),
        numpy=("dx = weight * rstd", "dx = rstd"),
        torch=("(dy, x, weight, running", "(dy, x, weight * 0 + 1, running"),
    ),
    batch_norm(
        "batch_norm_gradient_without_rstd",
        "dx is not divided by the deviation",
        "batch_norm_backward",
        c=("weight[c] * rstd[c] * centred", "weight[c] * centred"),
        numpy=("dx = weight * rstd", "dx = weight"),
        torch=(f"return {BACK_TORCH}", f"dx, dweight, dbias = {BACK_TORCH}\n    return dx / rstd, dweight, dbias"),
    ),
)
