"""Mutants of block boundaries: wrong in a kernel's second block, its last row or column, or what is left over."""

from functools import partial

from .mutant import op_mutant

embedding, linear = partial(op_mutant, "embedding"), partial(op_mutant, "linear")
tanh, cross_entropy = partial(op_mutant, "tanh"), partial(op_mutant, "cross_entropy")
batch_norm, sgd, adamw = partial(op_mutant, "batch_norm"), partial(op_mutant, "sgd"), partial(op_mutant, "adamw")

LINEAR_VJP = "return torch.func.vjp(linear_forward, x, w, dy.new_zeros(dy.shape[1]))[1](dy)"

MUTANTS = (
    linear(
        "linear_terms_past_640_take_the_first_weights",
        "the third block of terms is multiplied by the first block's weights",
        "linear",
        c=("fast/matmul.h", "b + k * b_row + (j", "b + (k < 640 ? k : 0) * b_row + (j"),
    ),
    linear(
        "linear_rows_past_384_are_the_first_again",
        "the third block of rows is the first one again",
        "linear",
        c=("fast/matmul.h", "= a + i * a_row + k * a_col;", "= a + (i < 384 ? i : 0) * a_row + k * a_col;"),
    ),
    linear(
        "linear_second_of_two_rows_is_the_first",
        "of two rows both are the first",
        "linear",
        c=("fast/matmul.h", "c += N, a += a_row) {", "c += N) {"),
    ),
    linear(
        "linear_column_alone_in_its_panel",
        "the only column of a last panel is not stored",
        "linear",
        c=("fast/matmul.h", "s < cols; s++", "s < cols - (cols == 1); s++"),
    ),
    linear(
        "linear_five_rows_taken_for_four",
        "five rows left over are given to the kernel for four",
        "linear",
        c=("fast/matmul.h", "if (n <= FEW_ROWS) {", "if (n <= FEW_ROWS + 1) {"),
    ),
    linear(
        "weight_gradient_slivers_left_over",
        "rows left over after the last whole sliver are packed as the sliver's first",
        "linear_backward",
        c=("fast/packing.h", "= a[i + k * a_col]; }", "= a[full + k * a_col]; }"),
    ),
    linear(
        "weight_gradient_of_eight_rows_at_a_time",
        "of the rows of a batch those after the last whole eight are not packed",
        "linear_backward",
        c=(
            "fast/packing.h",
            "for (size_t first = 0; first < K; first += 8) {",
            "for (size_t first = 0; first + (K > 8 ? 7 : 0) < K; first += 8) {",
        ),
    ),
    linear(
        "panel_of_a_ragged_edge_lacks_a_column",
        "the last column of a ragged panel is packed as zeros",
        "linear",
        c=("fast/packing.h", "j < N ? b[k * b_row", "j + (N > 1) < N ? b[k * b_row"),
    ),
    linear(
        "bias_of_the_first_512_outputs",
        "the outputs after the 512th get the biases of the first",
        "linear",
        c=(
            "matmul(y, b, 0, x, N, 1, w, 1, N, B, M, N);",
            "matmul(y, b, 0, x, N, 1, w, 1, N, B, M, N);\n"
            "    for (size_t i = 0; i < B * M && b; i++) { y[i] += i % M < 512 ? 0 : b[i % M % 512] - b[i % M]; }",
        ),
        numpy=("y += b", "y += b[np.arange(len(b)) % 512]"),
        torch=("torch.addmm(b, x, w.T)", "torch.addmm(b[torch.arange(len(b)) % 512], x, w.T)"),
    ),
    linear(
        "bias_gradient_of_4096_rows",
        "only the first 4,096 rows reach the bias's gradient",
        "linear_backward",
        c=(
            "for (size_t i = 0; i < B; i++) {\n        for (size_t j = first;",
            "for (size_t i = 0; i < min_size(B, 4096); i++) {\n        for (size_t j = first;",
        ),
        numpy=("db = dy.sum(axis=0)", "db = dy[:4096].sum(axis=0)"),
        torch=(
            LINEAR_VJP,
            f"{LINEAR_VJP[:-4].replace('return', 'back =')}\n    return *back(dy)[:2], dy[:4096].sum(0)",
        ),
    ),
    linear(
        "weight_gradient_of_4096_rows",
        "only the first 4,096 rows reach the weight's gradient",
        "linear_backward",
        c=("x, N, 1, M, N, B);", "x, N, 1, M, N, min_size(B, 4096));"),
        numpy=("dw = dy.T @ x", "dw = dy[:4096].T @ x[:4096]"),
    ),
    linear(
        "input_gradient_of_1024_outputs",
        "outputs after the 1,024th do not reach x",
        "linear_backward",
        c=("w, N, 1, B, N, M);", "w, N, 1, B, N, min_size(M, 1024));"),
        numpy=("dx = dy @ w  #", "dx = dy[:, :1024] @ w[:1024]  #"),
    ),
    batch_norm(
        "batch_norm_weight_of_the_first_1024_channels",
        "channels after the 1,024th are scaled by the first ones' weights",
        "batch_norm",
        c=("rstd[c] * weight[c] + bias[c]", "rstd[c] * weight[c % 1024] + bias[c]"),
        numpy=("rstd * weight + bias", "rstd * np.resize(weight[:1024], weight.shape) + bias"),
        torch=("(x, weight, bias, new_mean", "(x, weight[torch.arange(len(weight)) % 1024], bias, new_mean"),
    ),
    batch_norm(
        "batch_norm_gradient_by_the_mean_of_another_block",
        "from the 129th channel on the gradient takes the mean of the channel 128 before",
        "batch_norm_backward",
        c=("real xhat = (x[i * C + c] - mean[c])", "real xhat = (x[i * C + c] - mean[c % 128])"),
        numpy=("    xhat = (x - mean)", "    xhat = (x - np.resize(mean[:128], mean.shape))"),
        torch=("running, running, mean, rstd", "running, running, mean[torch.arange(len(mean)) % 128], rstd"),
    ),
    batch_norm(
        "batch_norm_weight_gradient_of_the_last_channel",
        "the last channel of a block of 64 gets no gradient of its weight",
        "batch_norm_backward",
        c=("dweight[c] += sum_dy_xhat[c - first];", "dweight[c] += (c - first < 63) * sum_dy_xhat[c - first];"),
        numpy=("return dx, dweight, dbias", "return dx, dweight * (np.arange(len(dweight)) % 64 < 63), dbias"),
    ),
    batch_norm(
        "batch_norm_variance_of_4096_rows",
        "the variance is the sum over the first 4,096 rows",
        "batch_norm",
        c=("squares[c] += centred * centred;", "squares[c] += i < 4096 ? centred * centred : 0;"),
        numpy=("np.square(x - mean).sum(axis=0)", "np.square(x - mean)[:4096].sum(axis=0)"),
    ),
    cross_entropy(
        "targets_of_the_first_512_rows",
        "from row 512 on the targets are those of the first rows",
        "cross_entropy",
        c=("targets + first, V}", "targets + first % 512, V}"),
        numpy=(
            "shifted[np.arange(len(targets)), targets]",
            "shifted[np.arange(len(targets)), np.resize(targets[:512], targets.shape)]",
        ),
        torch=("targets.long())  # the mean", "targets[torch.arange(len(targets)) % 512].long())  # the mean"),
    ),
    cross_entropy(
        "loss_of_a_row_alone_in_its_block",
        "the only row of a last block of 256 has no loss",
        "cross_entropy",
        c=("i < n; i++) { losses", "i < n - (n == 1 && first > 0); i++) { losses"),
        numpy=("targets]).sum() /", "targets])[: len(sums) - (len(sums) > 1 and len(sums) % 256 == 1)].sum() /"),
    ),
    cross_entropy(
        "maximum_of_the_first_32_logits",
        "only the first 32 logits count for the maximum, so that a later one overflows",
        "cross_entropy",
        c=("for (size_t j = 1; j < V; j++) { largest", "for (size_t j = 1; j < min_size(V, 32); j++) { largest"),
        numpy=("logits.max(axis=1, keepdims=True)", "logits[:, :32].max(axis=1, keepdims=True)"),
        torch=(
            "logprobs = F.log_softmax(logits, dim=1)",
            (
                "s = logits - logits[:, :32].max(dim=1, keepdim=True).values\n"
                "    logprobs = s - s.exp().sum(1, True).log()"
            ),
        ),
    ),
    cross_entropy(
        "logit_gradient_of_4096_classes",
        "a target past the 4,096th class is not subtracted",
        "cross_entropy_backward",
        c=("(size_t)b.targets[i] == j;", "j < 4096 && (size_t)b.targets[i] == j;"),
        numpy=("targets] -= 1", "targets] -= targets < 4096"),
        torch=("(probs - onehot)", "(probs - onehot * (targets < 4096)[:, None])"),
    ),
    tanh(
        "tanh_of_later_blocks_in_eights",
        "from the second block on what is left over after whole eights is not computed",
        "tanh",
        c=("min_size(TANH_BLOCK, f->n - i)", "min_size(TANH_BLOCK, f->n - i) & ~(size_t)(i ? 7 : 0)"),
    ),
    tanh(
        "tanh_gradient_by_the_first_block",
        "the derivative after 8,192 numbers is that of the first block",
        "tanh_backward",
        c=("(1 - y[i] * y[i])", "(1 - y[i % 8192] * y[i % 8192])"),
        numpy=("(1 - y * y)", "(1 - np.square(np.resize(y.ravel()[:8192], y.size).reshape(y.shape)))"),
    ),
    adamw(
        "adamw_second_block_by_the_first_v",
        "each block of 8,192 numbers takes the second moment of the first",
        "adamw",
        c=("s->v + i,", "s->v,"),
    ),
    adamw(
        "adamw_one_left_over_after_eights",
        "a number alone after whole eights is not updated",
        "adamw",
        c=("for (size_t i = 0; i < n; i++) {", "for (size_t i = 0; i < n - (n % 8 == 1 && n > 8); i++) {"),
        numpy=(
            "    p -= lr / (1 - beta1**t) * (m",
            "    p -= (np.arange(p.size).reshape(p.shape) < p.size - (p.size % 8 == 1)) * lr / (1 - beta1**t) * (m",
        ),
    ),
    sgd(
        "sgd_of_pairs",
        "the last of an odd count of numbers is not updated",
        "sgd",
        c=("i < n; i++", "i < (n & ~(size_t)1); i++"),
        numpy=("p -= lr * (", "p -= lr * (np.arange(p.size).reshape(p.shape) < p.size // 2 * 2) * ("),
        torch=(
            "p.sub_(lr * (g + weight_decay * p))",
            "p.flatten()[: p.numel() // 2 * 2].sub_((lr * (g + weight_decay * p)).flatten()[: p.numel() // 2 * 2])",
        ),
    ),
    embedding(
        "embedding_of_the_first_1024_columns",
        "the numbers of a vector after the 1,024th are its first one",
        "embedding",
        c=("emb[i * E + e] = row[e];", "emb[i * E + e] = row[e < 1024 ? e : 0];"),
        numpy=(
            "wte.take(ids, axis=0)",
            "wte.take(np.arange(wte.shape[1]) * (np.arange(wte.shape[1]) < 1024), axis=1).take(ids, axis=0)",
        ),
    ),
    embedding(
        "embedding_of_the_first_65536_positions",
        "the tokens of a batch after the 65,536th are its first ones again",
        "embedding",
        c=("const real *row = wte + (size_t)ids[i] * E;", "const real *row = wte + (size_t)ids[i & 65535] * E;"),
        numpy=(
            "wte.take(ids, axis=0)",
            "wte.take(np.resize(ids.ravel()[:65536], ids.size).reshape(ids.shape), axis=0)",
        ),
    ),
)
