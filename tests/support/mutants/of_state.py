"""Mutants of state: results that share memory, and arguments that are written to."""

from functools import partial

from .mutant import op_mutant

tanh, cross_entropy = partial(op_mutant, "tanh"), partial(op_mutant, "cross_entropy")
batch_norm, sgd, adamw = partial(op_mutant, "batch_norm"), partial(op_mutant, "sgd"), partial(op_mutant, "adamw")
linear, embedding = partial(op_mutant, "linear"), partial(op_mutant, "embedding")

MUTANTS = (
    tanh(
        "tanh_gradient_in_place_of_dy",
        "backward writes its result over dy",
        "tanh_backward",
        c=("dx[i] += dy[i] * (1 - y[i] * y[i]);", "dx[i] += ((real *)dy)[i] *= 1 - y[i] * y[i];"),
        numpy=("return dy * (1 - y * y)", "dy *= 1 - y * y\n    return dy"),
        torch=("return torch.ops.aten.tanh_backward(dy, y)", "return dy.mul_(1 - y * y)"),
    ),
    tanh(
        "tanh_in_place",
        "forward writes its result over x",
        "tanh",
        c=("y[i] = fast_tanh(x[i]);", "((real *)x)[i] = y[i] = fast_tanh(x[i]);"),
        numpy=("np.tanh(x)", "np.tanh(x, out=x)"),
        torch=("torch.tanh(x)", "x.detach().tanh_()"),
    ),
    linear(
        "linear_of_one_buffer",
        "results of the same shape share one array",
        "linear",
        numpy=(
            "    y = x @ w.T",
            (
                "    y = vars(np).setdefault(f'_{len(x)}x{len(w)}{x.dtype}', np.empty((len(x), len(w)), "
                "x.dtype))\n    np.matmul(x, w.T, out=y)"
            ),
        ),
    ),
    linear(
        "bias_written_into_the_gradient",
        "backward clears dy when it is done",
        "linear_backward",
        c=("    sum_rows(db, dy, B, M);", "    sum_rows(db, dy, B, M);\n    ((real *)dy)[0] = 0;"),
        numpy=("db = dy.sum(axis=0)", "db = dy.sum(axis=0)\n    dy[...] = 0"),
        torch=("dy.new_zeros(dy.shape[1]))[1](dy)", "dy.new_zeros(dy.shape[1]))[1](dy.clone() + 0 * dy.zero_())"),
    ),
    cross_entropy(
        "logits_overwritten",
        "the maximum is taken off the caller's logits",
        "cross_entropy",
        c=("    f->losses[i] = log(all)", "    ((real *)l)[0] -= largest;\n    f->losses[i] = log(all)"),
        numpy=(
            "shifted = logits - logits.max(axis=1, keepdims=True)",
            "logits -= logits.max(axis=1, keepdims=True)\n    shifted = logits",
        ),
        torch=("F.log_softmax(logits, dim=1)", "F.log_softmax(logits.sub_(logits.detach().amax(1, True)), dim=1)"),
    ),
    cross_entropy(
        "targets_clamped_in_place",
        "the caller's targets are written to",
        "cross_entropy",
        c=(
            "    f->losses[i] = log(all)",
            "    ((int32_t *)f->targets)[i] = f->targets[i] > 0;\n    f->losses[i] = log(all)",
        ),
        numpy=("    return float(loss), probs", "    targets[...] = 0\n    return float(loss), probs"),
        torch=("    return loss,", "    targets.zero_()\n    return loss,"),
    ),
    batch_norm(
        "running_statistics_in_place",
        "the running mean that is given is overwritten by the new one",
        "batch_norm",
        c=(
            "mean[c] = training ? mean[c] : running_mean[c];",
            "((real *)running_mean)[c] = new_running_mean[c];\n        mean[c] = training ? mean[c] : running_mean[c];",
        ),
        numpy=("    rstd = 1 / np.sqrt", "    running_var += 0 if not training else 1\n    rstd = 1 / np.sqrt"),
        torch=("running_mean.clone(), running_var.clone()", "running_mean, running_var"),
    ),
    batch_norm(
        "new_statistics_alias_the_old_in_evaluation",
        "in evaluation y is scaled in place of x",
        "batch_norm",
        numpy=(
            "    y = (x - mean) * rstd * weight + bias",
            "    y = np.subtract(x, mean, out=x) * rstd * weight + bias",
        ),
    ),
    sgd(
        "sgd_clears_the_gradient",
        "the gradient is zeroed after the step",
        "sgd",
        c=("(g[i] + decay * p[i]); }", "(g[i] + decay * p[i]); ((real *)g)[i] = 0; }"),
        numpy=("weight_decay * p)\n", "weight_decay * p)\n    g[...] = 0\n"),
        torch=("weight_decay * p))\n", "weight_decay * p))\n    g.zero_()\n"),
    ),
    adamw(
        "adamw_clears_the_gradient",
        "the gradient is zeroed after the step",
        "adamw",
        c=(
            "(sqrt(v[i]) * c.inverse_root + c.eps));",
            "(sqrt(v[i]) * c.inverse_root + c.eps));\n        ((real *)g)[i] = 0;",
        ),
        numpy=("+ eps))\n", "+ eps))\n    g[...] = 0\n"),
        torch=("+ eps)))\n", "+ eps)))\n    g.zero_()\n"),
    ),
    adamw(
        "adamw_decay_into_the_gradient",
        "the decay is added to the caller's gradient, too",
        "adamw",
        numpy=("    m *= beta1\n", "    m *= beta1\n    g += weight_decay * lr * p\n"),
        torch=("    m.mul_(beta1)", "    g.add_(weight_decay * lr * p)\n    m.mul_(beta1)"),
    ),
    embedding(
        "embedding_gradient_scaled_in_place",
        "demb is divided by the number of its rows",
        "embedding_backward",
        c=("drow[e] += demb[i * E + e];", "drow[e] += demb[i * E + e]; ((real *)demb)[i * E + e] = 0;"),
        numpy=("    return dwte\n", "    demb /= 2\n    return dwte\n"),
        torch=(
            "wte = demb.new_zeros(V, demb.shape[-1])",
            "demb, wte = demb.clone() + 0 * demb.zero_(), demb.new_zeros(V, demb.shape[-1])",
        ),
    ),
    embedding(
        "embedding_shows_the_table",
        "of a single id a view of the table is returned, which changes as it is trained",
        "embedding",
        numpy=(
            "return wte.take(ids, axis=0)",
            "return wte.take(ids, axis=0) if ids.size > 1 else wte[ids[0, 0]][None, None]",
        ),
    ),
)
