"""Mutants of precision: one part of a computation is done in fewer bits than its arrays have."""

from functools import partial

from .mutant import op_mutant
from .of_linear import FACTOR_C, TERM_C

embedding, linear = partial(op_mutant, "embedding"), partial(op_mutant, "linear")
tanh, cross_entropy = partial(op_mutant, "tanh"), partial(op_mutant, "cross_entropy")
batch_norm, sgd, adamw = partial(op_mutant, "batch_norm"), partial(op_mutant, "sgd"), partial(op_mutant, "adamw")

VJP = "return torch.func.vjp(lambda wte: embedding_forward(wte, ids), wte)[1](demb)[0]"
LINEAR_VJP = "return torch.func.vjp(linear_forward, x, w, dy.new_zeros(dy.shape[1]))[1](dy)"
BACK_TORCH = "torch.ops.aten.native_batch_norm_backward(dy, x, weight, running, running, mean, rstd, True, eps, wanted)"

MUTANTS = (
    linear(
        "bias_in_float32",
        "in float64 the bias is rounded to float32",
        "linear",
        c=(
            "matmul(y, b, 0, x, N, 1, w, 1, N, B, M, N);",
            "matmul(y, b, 0, x, N, 1, w, 1, N, B, M, N);\n"
            "    for (size_t i = 0; i < B * M && b; i++) { y[i] += (real)(float)b[i % M] - b[i % M]; }",
        ),
        numpy=("y += b", "y += b.astype(np.float32)"),
        torch=("torch.addmm(b, x, w.T)", "torch.addmm(b.float().to(b.dtype), x, w.T)"),
    ),
    linear(
        "product_in_float32",
        "in float64 the product is computed in float32",
        "linear",
        c=("fast/matmul.h", TERM_C, f"sum[i][p][j] += (float)rows[i][k * a_col] * (float){FACTOR_C};"),
        numpy=("    y = x @ w.T", "    y = (x.astype(np.float32) @ w.T.astype(np.float32)).astype(x.dtype)"),
        torch=("torch.addmm(b, x, w.T)", "torch.addmm(b.float(), x.float(), w.float().T).to(x.dtype)"),
    ),
    linear(
        "bias_gradient_summed_in_half_precision",
        "the bias's gradient is summed in half as many bits",
        "linear_backward",
        c=("sum[j] += rows[i * M + j];", "sum[j] = (real)(float)(sum[j] + rows[i * M + j]);"),
        numpy=("dy.sum(axis=0)", 'dy.sum(axis=0, dtype=f"f{dy.itemsize // 2}").astype(dy.dtype)'),
        torch=(
            LINEAR_VJP,
            (
                f"back = {LINEAR_VJP[7:-4]}\n    return *back(dy)[:2], dy.to(torch.float16 if "
                "dy.element_size() == 4 else torch.float32).sum(0).to(dy.dtype)"
            ),
        ),
    ),
    linear(
        "weight_gradient_of_rounded_inputs",
        "the weight's gradient is that of x rounded to bfloat16",
        "linear_backward",
        numpy=(
            "dw = dy.T @ x",
            "dw = dy.T @ (x.astype(np.float32).view(np.uint32) & 0xFFFF0000).view(np.float32).astype(x.dtype)",
        ),
        torch=(
            LINEAR_VJP,
            LINEAR_VJP.replace(
                "linear_forward, x, w", "lambda x, w, b: linear_forward(x.bfloat16().to(w.dtype), w, b), x, w"
            ),
        ),
    ),
    tanh(
        "tanh_gradient_in_float32",
        "in float64 the derivative is computed in float32",
        "tanh_backward",
        c=("(1 - y[i] * y[i])", "(real)(float)(1 - y[i] * y[i])"),
        numpy=("(1 - y * y)", "(1 - np.square(y, dtype=np.float32, casting='same_kind'))"),
        torch=("torch.ops.aten.tanh_backward(dy, y)", "torch.ops.aten.tanh_backward(dy, y.float().to(y.dtype))"),
    ),
    cross_entropy(
        "softmax_in_float32",
        "in float64 the exponentials are taken in float32",
        "cross_entropy",
        c=("fast_exp(l[j] - largest)", "(real)(float)fast_exp(l[j] - largest)"),
        numpy=("np.exp(shifted)", "np.exp(shifted.astype(np.float32)).astype(logits.dtype)"),
        torch=("F.log_softmax(logits, dim=1)", "F.log_softmax(logits.float(), dim=1).to(logits.dtype)"),
    ),
    cross_entropy(
        "losses_added_in_float32",
        "in float64 the losses of the rows are added in float32",
        "cross_entropy",
        c=("real losses = 0, row[ROWS_AT_ONCE];", "float losses = 0;\n    real row[ROWS_AT_ONCE];"),
        numpy=("targets]).sum() /", "targets]).sum(dtype=np.float32) /"),
        torch=("return loss,", "return loss.float().to(loss.dtype),"),
    ),
    cross_entropy(
        "losses_added_in_float16",
        "the losses of the rows are added in float16",
        "cross_entropy",
        numpy=("targets]).sum() /", "targets]).sum(dtype=np.float16) /"),
        torch=("return loss,", "return loss.half().to(loss.dtype),"),
    ),
    cross_entropy(
        "probabilities_in_float32",
        "in float64 the probabilities are rounded to float32",
        "cross_entropy",
        c=("p[j] /= all;", "p[j] = (real)(float)(p[j] / all);"),
        numpy=("probs /= sums[:, None]", "probs = (probs / sums[:, None]).astype(np.float32).astype(probs.dtype)"),
        torch=("logprobs.detach().exp()", "logprobs.detach().float().exp().to(logits.dtype)"),
    ),
    cross_entropy(
        "logit_gradient_in_float32",
        "in float64 the gradient is rounded to float32",
        "cross_entropy_backward",
        c=("(probs[i * V + j] - onehot) / (real)B;", "(real)(float)((probs[i * V + j] - onehot) / (real)B);"),
        numpy=("    return dlogits\n", "    return dlogits.astype(np.float32).astype(probs.dtype)\n"),
        torch=(
            "return (probs - onehot) / len(targets)",
            "return ((probs - onehot) / len(targets)).float().to(probs.dtype)",
        ),
    ),
    embedding(
        "embedding_gradient_in_float32",
        "in float64 gradients are rounded to float32 before they are added",
        "embedding_backward",
        c=("drow[e] += demb[i * E + e];", "drow[e] += (real)(float)demb[i * E + e];"),
        numpy=("np.add.reduceat(rows, first)", "np.add.reduceat(rows.astype(np.float32), first)"),
        torch=(VJP, f"{VJP}.float().to(demb.dtype)"),
    ),
    embedding(
        "embedding_in_bf16",
        "vectors are rounded to bfloat16",
        "embedding",
        numpy=(
            "wte.take(ids, axis=0)",
            (
                "(wte.take(ids, axis=0).astype(np.float32).view(np.uint32) & "
                "0xFFFF0000).view(np.float32).astype(wte.dtype)"
            ),
        ),
        torch=("F.embedding(ids, wte)", "F.embedding(ids, wte.bfloat16()).to(wte.dtype)"),
    ),
    batch_norm(
        "batch_norm_mean_in_half_as_many_bits",
        "the mean is rounded to half as many bits",
        "batch_norm",
        c=("mean[first + c] = sum[c] / (real)B;", "mean[first + c] = (real)(float)(sum[c] / (real)B);"),
        numpy=("mean = x.sum(axis=0) / B", 'mean = (x.sum(axis=0) / B).astype(f"f{x.itemsize // 2}").astype(x.dtype)'),
        torch=("return y, mean, rstd,", "return y, mean.half().to(x.dtype), rstd,"),
    ),
    batch_norm(
        "batch_norm_rstd_in_float32",
        "in float64 rstd is computed in float32",
        "batch_norm",
        c=(
            "rstd[c] = 1 / sqrt((training ? rstd[c] : running_var[c]) + tiny);",
            "rstd[c] = 1 / sqrtf((float)((training ? rstd[c] : running_var[c]) + tiny));",
        ),
        numpy=("rstd = 1 / np.sqrt(var + eps)", "rstd = (1 / np.sqrt((var + eps).astype(np.float32))).astype(x.dtype)"),
        torch=("return y, mean, rstd,", "return y, mean, rstd.float().to(x.dtype),"),
    ),
    batch_norm(
        "batch_norm_gradient_in_float32",
        "in float64 the sum of dy is rounded to float32",
        "batch_norm_backward",
        c=(
            (
                "const size_t end = first + min_size(CHANNELS, C - first);\n"
                "        real sum_dy[CHANNELS] = {0}, sum_dy_xhat"
            ),
            (
                "const size_t end = first + min_size(CHANNELS, C - first);\n"
                "        float sum_dy[CHANNELS] = {0};\n        real sum_dy_xhat"
            ),
        ),
        numpy=("dbias = dy.sum(axis=0)", "dbias = dy.sum(axis=0).astype(np.float32).astype(dy.dtype)"),
        torch=(BACK_TORCH, BACK_TORCH.replace("(dy, x", "(dy.float().to(x.dtype), x")),
    ),
    sgd(
        "sgd_rate_in_float32",
        "in float64 the learning rate is rounded to float32",
        "sgd",
        c=("rate = (real)lr", "rate = (real)(float)lr"),
        numpy=("p -= lr * (", "p -= np.float32(lr) * ("),
        torch=(
            "p.sub_(lr * (g + weight_decay * p))",
            "p.sub_(g.new_tensor(lr).float().item() * (g + weight_decay * p))",
        ),
    ),
    sgd(
        "sgd_gradient_in_bf16",
        "the gradient is rounded to bfloat16",
        "sgd",
        numpy=(
            "lr * (g + ",
            "lr * ((g.astype(np.float32).view(np.uint32) & 0xFFFF0000).view(np.float32).astype(p.dtype) + ",
        ),
        torch=("lr * (g + ", "lr * (g.bfloat16().to(p.dtype) + "),
    ),
    adamw(
        "adamw_root_in_float32",
        "in float64 the root of v is taken in float32",
        "adamw",
        c=("sqrt(v[i])", "sqrtf((float)v[i])"),
        numpy=("np.sqrt(v)", "np.sqrt(v.astype(np.float32))"),
        torch=("v.sqrt()", "v.float().sqrt()"),
    ),
    adamw(
        "adamw_correction_by_a_rounded_beta2",
        "the correction is by beta2 rounded to float32, to the power of t",
        "adamw",
        c=("pow(beta2, (double)t)", "pow((float)beta2, (double)t)"),
        numpy=("sqrt(1 - beta2**t)", "sqrt(1 - float(np.float32(beta2)) ** t)"),
        torch=("sqrt(1 - beta2**t)", "sqrt(1 - v.new_tensor(beta2).float().item() ** t)"),
    ),
    adamw(
        "adamw_moments_in_half_as_many_bits",
        "the first moment is kept in half as many bits",
        "adamw",
        c=("m[i] = c.keep_m * m[i] + c.take_m * g[i];", "m[i] = (real)(float)(c.keep_m * m[i] + c.take_m * g[i]);"),
        numpy=("    v *= beta2\n", '    m[...] = m.astype(f"f{m.itemsize // 2}")\n    v *= beta2\n'),
        torch=(
            "    v.mul_(beta2)",
            "    m.copy_(m.bfloat16() if m.element_size() == 4 else m.float())\n    v.mul_(beta2)",
        ),
    ),
    adamw(
        "adamw_step_in_float32",
        "in float64 the step is computed in float32",
        "adamw",
        c=(
            ".step = (real)(lr / (1 - pow(beta1, (double)t))),",
            ".step = (real)(float)(lr / (1 - pow(beta1, (double)t))),",
        ),
        numpy=("p -= lr / (1 - beta1**t) * (", "p -= np.float32(lr / (1 - beta1**t)) * ("),
    ),
)
