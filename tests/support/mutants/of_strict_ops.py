"""Mutants of the ops in strict float32: the formula stays, the order of its operations or a rounding does not."""

from functools import partial

from .mutant import op_mutant

embedding, linear, tanh = (partial(op_mutant, op) for op in ("embedding", "linear", "tanh"))
cross_entropy, batch_norm = partial(op_mutant, "cross_entropy"), partial(op_mutant, "batch_norm")

STRICT = "strict_ops.py"
SCATTER_NUMPY = "return cr.scatter_add(demb.reshape(ids.size, -1), ids.ravel(), V)"
SCATTER_TORCH = "cr.scatter_add(demb.reshape(ids.numel(), -1), ids.flatten(), V)"
BIAS = "cr.matmul(dy.T, x), cr.sum_along(dy, 0)"
MEAN = "cr.sum_along(losses, 0) / len(targets)"
RUNNING = "(1 - momentum) * running_mean + momentum * mean"
CENTRED_C = "- sum_dy / (real)B - xhat * (sum_dy_xhat / (real)B);"
CENTRED = "dbias / B - xhat * (dweight / B))"
GRADIENT = "(probs - onehot) / len(targets)"

MUTANTS = (
    embedding(
        "strict_embedding_gradient_in_order",
        "a token's gradients are added one after the other in float32",
        "strict embedding_backward",
        c=(
            "for (size_t i = 0; i < n; i++) {\n        size_t first",
            "for (size_t i = 0; i < n * E; i++) { dwte[(size_t)ids[i / E] * E + i % E] += demb[i]; }\n"
            "    for (size_t i = n; i < n; i++) {\n        size_t first",
        ),
        numpy=(
            STRICT,
            SCATTER_NUMPY,
            "dwte = np.zeros((V, demb.shape[-1]), demb.dtype); np.add.at(dwte, ids, demb); return dwte",
        ),
        torch=(
            STRICT,
            SCATTER_TORCH,
            "demb.new_zeros(V, demb.shape[-1]).index_add(0, ids.flatten(), demb.flatten(0, 1))",
        ),
    ),
    linear(
        "strict_bias_gradient_in_float32",
        "the gradient of the bias is added up in float32",
        "strict linear_backward",
        c=(
            "matmul_add(db, &one, 0, 0, dy, M, 1, 1, M, B);",
            "for (size_t i = 0; i < B * M; i++) { db[i % M] += dy[i]; }",
        ),
        numpy=(STRICT, BIAS, BIAS.replace("cr.sum_along(dy, 0)", "dy.sum(axis=0)")),
        torch=(STRICT, BIAS, BIAS.replace("cr.sum_along(dy, 0)", "dy.sum(0)")),
    ),
    tanh(
        "strict_tanh_left_native",
        "the op takes the float32 tanh that the library has",
        "strict tanh",
        c=("nearest_tanh(y, x, n);", "for (size_t i = 0; i < n; i++) { y[i] = tanh(x[i]); }"),
        numpy=(STRICT, "cr.tanh(x)", "np.tanh(x)"),
        torch=(STRICT, "cr.tanh(x)", "torch.tanh(x)"),
    ),
    tanh(
        "strict_tanh_derivative_factored",
        "(1 - y) (1 + y) stands for 1 - y^2",
        "strict tanh_backward",
        c=("dy[i] * (1 - y[i] * y[i])", "dy[i] * ((1 - y[i]) * (1 + y[i]))"),
        numpy=("dy * (1 - y * y)", "dy * ((1 - y) * (1 + y))"),
        torch=(STRICT, "dy * (1 - y * y)", "dy * ((1 - y) * (1 + y))"),
    ),
    cross_entropy(
        "strict_softmax_sum_in_float32",
        "the sum under the softmax is added up in float32",
        "strict cross_entropy",
        c=(
            "const real all = nearest_dot(p, NULL, V);",
            "real all = 0; for (size_t j = 0; j < V; j++) { all += p[j]; }",
        ),
        numpy=(STRICT, "cr.sum_along(exps, 1)", "exps.sum(axis=1)"),
        torch=(STRICT, "cr.sum_along(exps, 1)", "exps.sum(1)"),
    ),
    cross_entropy(
        "strict_loss_times_the_reciprocal",
        "the losses' sum is multiplied by 1 / B, not divided by B",
        "strict cross_entropy",
        c=("exact_nearest(&losses) / (real)B", "exact_nearest(&losses) * (1 / (real)B)"),
        numpy=(STRICT, MEAN, MEAN.replace("/ len(targets)", "* (1 / len(targets))")),
        torch=(STRICT, MEAN, MEAN.replace("/ len(targets)", "* (1 / len(targets))")),
    ),
    cross_entropy(
        "strict_logit_gradient_times_the_reciprocal",
        "the gradient is multiplied by 1 / B, not divided by B",
        "strict cross_entropy_backward",
        c=("- onehot) / (real)B;", "- onehot) * (1 / (real)B);"),
        numpy=("dlogits /= len(targets)", "dlogits *= 1 / len(targets)"),
        torch=(GRADIENT, GRADIENT.replace("/ len(targets)", "* (1 / len(targets))")),
    ),
    batch_norm(
        "strict_running_mean_by_lerp",
        "old + momentum (new - old) stands for (1 - momentum) old + momentum new",
        "strict batch_norm",
        c=("keep * running_mean[c] + take * mean[c]", "running_mean[c] + take * (mean[c] - running_mean[c])"),
        numpy=(STRICT, RUNNING, "running_mean + momentum * (mean - running_mean)"),
        torch=(STRICT, RUNNING, "torch.lerp(running_mean, mean, momentum)"),
    ),
    batch_norm(
        "strict_batch_norm_gradient_regrouped",
        "dy - (dbias + xhat dweight) / B stands for dy - dbias / B - xhat (dweight / B)",
        "strict batch_norm_backward",
        c=(CENTRED_C, "- (sum_dy + xhat * sum_dy_xhat) / (real)B;"),
        numpy=(STRICT, CENTRED, "(dbias + xhat * dweight) / B)"),
        torch=(STRICT, CENTRED, "(dbias + xhat * dweight) / B)"),
    ),
)
