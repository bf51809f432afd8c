"""Mutants of the ops in strict float32: the formula stays, the order of its operations or a rounding does not."""

from functools import partial

from .mutant import op_mutant

embedding, linear, tanh = (partial(op_mutant, op) for op in ("embedding", "linear", "tanh"))
cross_entropy, batch_norm = partial(op_mutant, "cross_entropy"), partial(op_mutant, "batch_norm")

SCATTER_TORCH = "Strict.scatter_add(demb.reshape(ctx.ids.numel(), -1), ctx.ids.flatten(), ctx.V)"
MEAN = "targets], 0) / len(targets)"
RUNNING = "(1 - momentum) * running_mean + momentum * mean"
CENTRED_C = "- sum_dy[c - first] / (real)B - xhat * (sum_dy_xhat[c - first] / (real)B);"
CENTRED_NUMPY, CENTRED_TORCH = "dbias / B - xhat * (dweight / B))", "dbias / len(x) - xhat * (dweight / len(x)))"
GRADIENT = "(probs - onehot) / len(targets)"

MUTANTS = (
    embedding(
        "strict_embedding_gradient_in_order",
        "a token's gradients are added one after the other in float32",
        "strict embedding_backward",
        c=(
            "scatter_add(dwte, demb, ids, B * T, E);",
            "for (size_t i = 0; i < B * T * E; i++) { dwte[(size_t)ids[i / E] * E + i % E] += demb[i]; }",
        ),
        numpy=("by.scatter_add(", "Native.scatter_add("),
        torch=(
            SCATTER_TORCH,
            "demb.new_zeros(ctx.V, demb.shape[-1]).index_add(0, ctx.ids.flatten(), demb.flatten(0, 1))",
        ),
    ),
    linear(
        "strict_bias_gradient_in_float32",
        "the gradient of the bias is added up in float32",
        "strict linear_backward",
        c=("add_rows(db, dy, B, M);", "for (size_t i = 0; i < B * M; i++) { db[i % M] += dy[i]; }"),
        numpy=("by.total(dy, 0)", "dy.sum(axis=0)"),
        torch=("Strict.total(dy, 0)", "dy.sum(0)"),
    ),
    tanh(
        "strict_tanh_left_native",
        "the op takes the float32 tanh that the library has",
        "strict tanh",
        c=("y[i] = real_tanh(x[i])", "y[i] = tanh(x[i])"),
        numpy=("by.tanh(x)", "np.tanh(x)"),
        torch=("_StrictTanh.apply(x) if by is Strict else torch.tanh(x)", "torch.tanh(x)"),
    ),
    tanh(
        "strict_tanh_derivative_factored",
        "(1 - y) (1 + y) stands for 1 - y^2",
        "strict tanh_backward",
        c=("dy[i] * (1 - y[i] * y[i])", "dy[i] * ((1 - y[i]) * (1 + y[i]))"),
        numpy=("np.subtract(1, dx, out=dx)", "np.multiply(1 - y, 1 + y, out=dx)"),
        torch=("dy * (1 - y * y)", "dy * ((1 - y) * (1 + y))"),
    ),
    cross_entropy(
        "strict_softmax_sum_in_float32",
        "the sum under the softmax is added up in float32",
        "strict cross_entropy",
        c=("const real all = total(p, V);", "real all = 0; for (size_t j = 0; j < V; j++) { all += p[j]; }"),
        numpy=("by.total(probs, 1)", "probs.sum(axis=1)"),
        torch=("Strict.total(exps, 1)", "exps.sum(1)"),
    ),
    cross_entropy(
        "strict_loss_times_the_reciprocal",
        "the losses' sum is multiplied by 1 / B, not divided by B",
        "strict cross_entropy",
        c=("sum_value(&losses) / (real)B", "sum_value(&losses) * (1 / (real)B)"),
        numpy=(MEAN, MEAN.replace("/ len(targets)", "* (1 / len(targets))")),
        torch=(MEAN, MEAN.replace("/ len(targets)", "* (1 / len(targets))")),
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
        numpy=(RUNNING, "running_mean + momentum * (mean - running_mean)"),
        torch=(RUNNING, "torch.lerp(running_mean, mean, momentum)"),
    ),
    batch_norm(
        "strict_batch_norm_gradient_regrouped",
        "dy - (dbias + xhat dweight) / B stands for dy - dbias / B - xhat (dweight / B)",
        "strict batch_norm_backward",
        c=(CENTRED_C, "- (sum_dy[c - first] + xhat * sum_dy_xhat[c - first]) / (real)B;"),
        numpy=(CENTRED_NUMPY, "(dbias + xhat * dweight) / B)"),
        torch=(CENTRED_TORCH, "(dbias + xhat * dweight) / len(x))"),
    ),
)
