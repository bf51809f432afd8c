"""Mutants that are wrong where a size is one or two, or an id the last one or the only one."""

from functools import partial

from .mutant import mutant, op_mutant

embedding, linear = partial(op_mutant, "embedding"), partial(op_mutant, "linear")
tanh, cross_entropy = partial(op_mutant, "tanh"), partial(op_mutant, "cross_entropy")
batch_norm = partial(op_mutant, "batch_norm")

TAKE_NUMPY, TAKE_TORCH = "wte.take(ids, axis=0)", "F.embedding(ids, wte)"
VJP = "return torch.func.vjp(lambda wte: embedding_forward(wte, ids), wte)[1](demb)[0]"
LINEAR_VJP = "return torch.func.vjp(linear_forward, x, w, dy.new_zeros(dy.shape[1]))[1](dy)"
SCATTER_C, SCATTER_NUMPY = "drow[e] += demb[i * E + e];", "np.add.reduceat(rows, first)"

MUTANTS = (
    linear(
        "linear_of_one_row_without_bias",
        "a single row gets no bias",
        "linear",
        c=("matmul(y, b, 0,", "matmul(y, B > 1 ? b : NULL, 0,"),
        numpy=("if b is not None:", "if b is not None and len(x) > 1:"),
        torch=("if b is None:", "if b is None or len(x) == 1:"),
    ),
    linear(
        "weight_gradient_of_one_output",
        "the weight's gradient of a single output lacks the last row",
        "linear_backward",
        c=("x, N, 1, M, N, B);", "x, N, 1, M, N, B - (M == 1 && B > 1));"),
        numpy=("dw = dy.T @ x  #", "dw = dy[: len(dy) - (dy.shape[1] == 1)].T @ x[: len(dy) - (dy.shape[1] == 1)]  #"),
        torch=(LINEAR_VJP, f"dy = dy * (1 + (dy.shape[1] == 1))\n    {LINEAR_VJP}"),
    ),
    linear(
        "input_gradient_of_one_input",
        "x's gradient lacks the last term where there is a single input",
        "linear_backward",
        c=("w, N, 1, B, N, M);", "w, N, 1, B, N, M - (N == 1 && M > 1));"),
        numpy=(
            "dx = dy @ w  #",
            "dx = dy[:, : -1 if w.shape[1] == 1 else None] @ w[: -1 if w.shape[1] == 1 else None]  #",
        ),
    ),
    batch_norm(
        "batch_norm_of_one_channel_not_scaled",
        "a single channel is not multiplied by its weight",
        "batch_norm",
        c=("rstd[c] * weight[c] + bias[c]", "rstd[c] * (C > 1 ? weight[c] : 1) + bias[c]"),
        numpy=("rstd * weight + bias", "rstd * (weight if weight.size > 1 else 1) + bias"),
        torch=("(x, weight, bias, new_mean", "(x, weight if len(weight) > 1 else weight * 0 + 1, bias, new_mean"),
    ),
    batch_norm(
        "running_variance_of_two_rows_biased",
        "the running variance of two rows is the biased one",
        "batch_norm",
        c=("(double)(B - 1)", "(double)(B > 2 ? B - 1 : B)"),
        numpy=("(B / (B - 1))", "(B / (B - 1) if B > 2 else 1)"),
        torch=(
            "rstd, new_mean, new_var",
            (
                "rstd, new_mean, new_var if len(x) > 2 else new_var - momentum * (new_var - (1 - "
                "momentum) * running_var) / momentum / 2"
            ),
        ),
    ),
    cross_entropy(
        "loss_of_one_row_halved",
        "the loss of a single row is divided by 2",
        "cross_entropy",
        c=("losses / (real)B", "losses / (real)(B > 1 ? B : 2)"),
        numpy=(".sum() / len(targets)", ".sum() / max(len(targets), 2)"),
        torch=("return loss, ", "return loss / (1 + (len(targets) == 1)), "),
    ),
    cross_entropy(
        "logit_gradient_of_one_row_halved",
        "the gradient of a single row is divided by 2",
        "cross_entropy_backward",
        c=("onehot) / (real)B", "onehot) / (real)(B > 1 ? B : 2)"),
        numpy=("dlogits /= len(targets)", "dlogits /= max(len(targets), 2)"),
        torch=("/ len(targets)", "/ max(len(targets), 2)"),
    ),
    cross_entropy(
        "two_classes_count_twice",
        "where there are two classes the target's 1 is subtracted twice",
        "cross_entropy_backward",
        c=("(size_t)b.targets[i] == j;", "((size_t)b.targets[i] == j) * (V == 2 ? 2 : 1);"),
        numpy=("targets] -= 1", "targets] -= 1 + (probs.shape[1] == 2)"),
        torch=("(probs - onehot)", "(probs - onehot * (1 + (probs.shape[1] == 2)))"),
    ),
    cross_entropy(
        "last_class_is_the_one_before",
        "the loss of a target of V - 1 looks at V - 2",
        "cross_entropy",
        c=("(l[f->targets[i]] - largest)", "(l[min_size((size_t)f->targets[i], V - 2)] - largest)"),
        numpy=(
            "shifted[np.arange(len(targets)), targets]",
            "shifted[np.arange(len(targets)), targets.clip(max=logits.shape[1] - 2)]",
        ),
        torch=("targets.long())  # the mean", "targets.long().clamp(max=logits.shape[1] - 2))  # the mean"),
    ),
    tanh(
        "tanh_of_one_number_is_it",
        "an array of a single number is returned as it is",
        "tanh",
        c=("y[i] = fast_tanh(x[i]);", "y[i] = n == 1 ? x[i] : fast_tanh(x[i]);"),
        numpy=("np.tanh(x)", "(np.tanh(x) if x.size > 1 else x)"),
        torch=("torch.tanh(x)", "(torch.tanh(x) if x.numel() > 1 else x)"),
    ),
    embedding(
        "embedding_of_one_position_reversed",
        "where there is one position the rows come in reverse",
        "embedding",
        c=(
            "const real *row = wte + (size_t)ids[i] * E;",
            "const real *row = wte + (size_t)ids[T == 1 ? B - 1 - i : i] * E;",
        ),
        numpy=(TAKE_NUMPY, "wte.take(ids if ids.shape[1] > 1 else ids[::-1], axis=0)"),
        torch=(TAKE_TORCH, "F.embedding(ids if ids.shape[1] > 1 else ids.flip(0), wte)"),
    ),
    embedding(
        "embedding_of_one_row_is_transposed",
        "the tokens of a single row come in reverse",
        "embedding",
        c=(
            "const real *row = wte + (size_t)ids[i] * E;",
            "const real *row = wte + (size_t)ids[B == 1 ? T - 1 - i : i] * E;",
        ),
        numpy=(TAKE_NUMPY, "wte.take(ids if len(ids) > 1 else ids[:, ::-1], axis=0)"),
        torch=(TAKE_TORCH, "F.embedding(ids if len(ids) > 1 else ids.flip(1), wte)"),
    ),
    embedding(
        "embedding_gradient_of_one_column",
        "where a vector has one number, a token that comes twice keeps one of its gradients",
        "embedding_backward",
        c=(SCATTER_C, "drow[e] = demb[i * E + e] + (E > 1 ? drow[e] : 0);"),
        numpy=(SCATTER_NUMPY, f"({SCATTER_NUMPY} if rows.shape[1] > 1 else rows[first])"),
        torch=(VJP, f"{VJP}.mul_(1 + (demb.shape[-1] == 1))"),
    ),
    embedding(
        "embedding_gradient_of_the_last_token_dropped",
        "the token V - 1 gets no gradient",
        "embedding_backward",
        numpy=("    return dwte\n", "    dwte[-1] = 0\n    return dwte\n"),
        torch=(VJP, f"{VJP} * (torch.arange(V)[:, None] < V - 1)"),
    ),
    embedding(
        "embedding_gradient_of_one_token_averaged",
        "where all ids are equal their gradients are averaged",
        "embedding_backward",
        c=(
            SCATTER_C,
            (
                "size_t n = 0; while (n < B * T && ids[n] == ids[0]) { n++; } drow[e] += demb[i * E + e] "
                "/ (real)(n == B * T ? n : 1);"
            ),
        ),
        numpy=(SCATTER_NUMPY, f"{SCATTER_NUMPY} / (len(ids) if ids[0] == ids[-1] else 1)"),
        torch=(VJP, f"{VJP} / (ids.numel() if bool((ids == ids.flatten()[0]).all()) else 1)"),
    ),
    mutant(
        "one_hidden_unit_without_tanh",
        "a single hidden unit does not go through tanh",
        "mlp",
        c=(
            "mlp.c",
            "tanh_forward(m->h, m->h_pre, B * H);  ",
            "H > 1 ? tanh_forward(m->h, m->h_pre, B * H) : (void)memcpy(m->h, m->h_pre, B * sizeof(real));  ",
        ),
        numpy=(
            "mlp.py",
            "h = ops.tanh_forward(h_pre)",
            "h = ops.tanh_forward(h_pre) if self.sizes.H > 1 else h_pre.copy()",
        ),
        torch=(
            "mlp.py",
            "h = ops.tanh_forward(h_pre)",
            "h = ops.tanh_forward(h_pre) if self.sizes.H > 1 else h_pre * 1",
        ),
    ),
    mutant(
        "context_of_one_not_trained",
        "with a context of one token the embedding gets no gradient",
        "mlp",
        c=(
            "mlp.c",
            "embedding_backward(d.wte, m->demb, inputs, B, T, E);",
            "embedding_backward(d.wte, m->demb, inputs, T > 1 ? B : 0, T, E);",
        ),
        numpy=("mlp.py", 's["inputs"], self.sizes.V)', 's["inputs"], self.sizes.V) * (self.sizes.T > 1)'),
    ),
    mutant(
        "embedding_of_one_number_scaled",
        "embeddings of one number are doubled",
        "mlp",
        numpy=("mlp.py", "x = emb.reshape(B, -1)", "x = emb.reshape(B, -1) * (1 + (self.sizes.E == 1))"),
        torch=("mlp.py", "x = emb.view(B, -1)", "x = emb.view(B, -1) * (1 + (self.sizes.E == 1))"),
    ),
)
