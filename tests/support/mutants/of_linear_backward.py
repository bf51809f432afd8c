"""Mutants of the linear op's backward. Torch derives it, so some are planted in its forward, whose values stay."""

from functools import partial

from .mutant import op_mutant
from .of_linear import FACTOR_C, PRODUCT_TORCH, TERM_C

linear = partial(op_mutant, "linear")

DX_C, DW_C = "matmul_add(dx, dy, M, 1, w, N, 1, B, N, M);", "matmul_add(dw, dy, 1, M, x, N, 1, M, N, B);"
DB_C, ADD_C = "sum_rows(db, dy, B, M);", "sum[j] += rows[i * M + j];"
DW_NUMPY, DB_NUMPY = "dy.T @ x", "dy.sum(axis=0)"
DERIVED = "return torch.func.vjp(linear_forward, x, w, dy.new_zeros(dy.shape[1]))[1](dy)"
UNPACKED = DERIVED.replace("return", "dx, dw, db =") + "; "

MUTANTS = (
    linear(
        "bias_gradient_dropped",
        "the gradient of the bias is zero",
        "linear_backward",
        c=(ADD_C, ADD_C.replace("+=", "+= 0 *")),
        numpy=(DB_NUMPY, "0 * dy.sum(axis=0)"),
        torch=(PRODUCT_TORCH, "torch.addmm(b.detach() + 0 * b, x, w.T)"),
    ),
    linear(
        "bias_gradient_averaged",
        "the gradient of the bias is the mean over the batch, not the sum",
        "linear_backward",
        c=(ADD_C, ADD_C.replace(";", " / (real)B;")),
        numpy=(DB_NUMPY, "dy.mean(axis=0)"),
        torch=(PRODUCT_TORCH, "torch.addmm(b.detach() + (b - b.detach()) / len(x), x, w.T)"),
    ),
    linear(
        "bias_gradient_last_row_ignored",
        "the last row of the batch does not reach the gradient of the bias",
        "linear_backward",
        c=(DB_C, DB_C.replace("B,", "B - 1,")),
        numpy=(DB_NUMPY, "dy[:-1].sum(axis=0)"),
        torch=(PRODUCT_TORCH, "x @ w.T + torch.cat([b.expand(len(x) - 1, -1), b.detach()[None]])"),
    ),
    linear(
        "bias_gradient_overwritten",
        "= for +=: the gradient of the bias is that of the last row",
        "linear_backward",
        c=(ADD_C, ADD_C.replace("+=", "=")),
        numpy=(DB_NUMPY, "dy[-1].copy()"),
        torch=(PRODUCT_TORCH, "x @ w.T + torch.cat([b.detach().expand(len(x) - 1, -1), b[None]])"),
    ),
    linear(
        "weight_gradient_transposed",
        "x^T dy is written where dy^T x belongs",
        "linear_backward",
        c=(DW_C, "matmul_add(dw, x, 1, N, dy, M, 1, N, M, B);"),
        numpy=(DW_NUMPY, "(x.T @ dy).reshape(w.shape)"),
        torch=(DERIVED, UNPACKED + "return dx, dw.T.reshape(w.shape), db"),
    ),
    linear(
        "weight_gradient_averaged",
        "the gradient of the weight is divided by B once more",
        "linear_backward",
        c=(DW_C, DW_C + " for (size_t k = 0; k < M * N; k++) { dw[k] /= (real)B; }"),
        numpy=(DW_NUMPY, "dy.T @ x / len(x)"),
        torch=(PRODUCT_TORCH, "torch.addmm(b, x, (w.detach() + (w - w.detach()) / len(x)).T)"),
    ),
    linear(
        "weight_gradient_last_row_ignored",
        "the last row of the batch does not reach the gradient of the weight",
        "linear_backward",
        c=(DW_C, "matmul_add(dw, dy, 1, M, x, N, 1, M, N, B - 1);"),
        numpy=(DW_NUMPY, "dy[:-1].T @ x[:-1]"),
        torch=(PRODUCT_TORCH, "b + torch.cat([x[:-1] @ w.T, x[-1:] @ w.detach().T])"),
    ),
    linear(
        "input_gradient_by_the_transposed_weight",
        "dx is taken from the memory of w (M,N) read as (N,M)",
        "linear_backward",
        c=(DX_C, "matmul_add(dx, dy, M, 1, w, 1, M, B, N, M);"),
        numpy=("dy @ w ", "dy @ w.reshape(w.shape[::-1]).T "),
        torch=(DERIVED, UNPACKED + "return dy @ w.reshape(w.shape[1], -1).T, dw, db"),
    ),
    linear(
        "gradients_in_bf16",
        "dy is rounded to 8 significant bits before the products",
        "linear_backward",
        c=(
            "fast/matmul.h",
            TERM_C,
            "real v = rows[i][k * a_col], t = v * (sizeof(real) == 4 ? (real)65537 : (real)35184372088833); "
            f"sum[i][p][j] += (t - (t - v)) * {FACTOR_C};",
        ),
        numpy=(DW_NUMPY, "(s := dy * (2.0 ** (np.finfo(dy.dtype).nmant - 7) + 1), s - (s - dy))[1].T @ x"),
        torch=(DERIVED, DERIVED.replace("(dy)", "(dy.bfloat16().to(dy.dtype))")),
    ),
)
