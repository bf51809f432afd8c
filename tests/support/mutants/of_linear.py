"""Mutants of the linear op's forward."""

from functools import partial

from .mutant import op_mutant

linear = partial(op_mutant, "linear")

PRODUCT_C = "matmul(y, b, 0, x, N, 1, w, 1, N, B, M, N);"
PRODUCT_NUMPY, PRODUCT_TORCH = "x @ w.T", "torch.addmm(b, x, w.T)"
FACTOR_C = "panel[(p * K + k) * COLS + j]"
EDGE_C = "for (size_t r = n; r < ROWS; r++) { rows[r] = rows[n - 1]; }\n    if (n <= FEW_ROWS) {"
TERM_C = f"sum[i][p][j] += rows[i][k * a_col] * {FACTOR_C};"


def rounded_term(float_factor: int, double_factor: int) -> str:
    """The kernel's line with v split as Veltkamp does: v (2^s + 1) - (v (2^s + 1) - v) keeps the upper bits of v."""
    factor = f"(sizeof(real) == 4 ? (real){float_factor} : (real){double_factor})"
    return f"real v = {FACTOR_C}, t = v * {factor}; sum[i][p][j] += rows[i][k * a_col] * (t - (t - v));"


MUTANTS = (
    linear(
        "linear_without_bias",
        "the bias is not added",
        "linear",
        c=("matmul(y, b, 0,", "matmul(y, NULL, 0,"),
        numpy=("y += b", "y += 0 * b"),
        torch=(PRODUCT_TORCH, "torch.addmm(0 * b, x, w.T)"),
    ),
    linear(
        "linear_weight_transposed",
        "the memory of w (M,N) is read as if it were (N,M)",
        "linear",
        c=(PRODUCT_C, "matmul(y, b, 0, x, N, 1, w, M, 1, B, M, N);"),
        numpy=(PRODUCT_NUMPY, "x @ w.reshape(w.shape[::-1])"),
        torch=(PRODUCT_TORCH, "torch.addmm(b, x, w.reshape(w.shape[1], w.shape[0]))"),
    ),
    linear(
        "linear_weight_in_bf16",
        "the weight is rounded to 8 significant bits first (in float64 by as many bits more)",
        "linear",
        c=("fast/matmul.h", TERM_C, rounded_term(2**16 + 1, 2**45 + 1)),
        numpy=(
            PRODUCT_NUMPY,
            "x @ (s := 2.0 ** (np.finfo(w.dtype).nmant - 7) + 1, w * s - (w * s - w))[1].T",
        ),
        torch=(PRODUCT_TORCH, "torch.addmm(b, x, w.bfloat16().to(w.dtype).T)"),
    ),
    linear(
        "linear_weight_in_tf32",
        "the weight is rounded to 11 significant bits first, as a GPU does unasked",
        "linear",
        c=("fast/matmul.h", TERM_C, rounded_term(2**13 + 1, 2**42 + 1)),
        numpy=(
            PRODUCT_NUMPY,
            "x @ (s := 2.0 ** (np.finfo(w.dtype).nmant - 10) + 1, w * s - (w * s - w))[1].T",
        ),
        torch=(
            f"return {PRODUCT_TORCH}",
            "s = (2.0**13 if w.element_size() == 4 else 2.0**42) + 1; "
            "return torch.addmm(b, x, (w + (w * s - (w * s - w) - w).detach()).T)",
        ),
    ),
    linear(
        "linear_last_row_ignored",
        "the last row of the batch is not multiplied",
        "linear",
        c=(PRODUCT_C, "matmul(y, b, 0, x, N, 1, w, 1, N, B - 1, M, N);"),
        numpy=(PRODUCT_NUMPY, "np.concatenate([x[:-1], 0 * x[-1:]]) @ w.T"),
        torch=(PRODUCT_TORCH, "torch.addmm(b, torch.cat([x[:-1], 0 * x[-1:]]), w.T)"),
    ),
    linear(
        "linear_last_term_ignored",
        "each sum stops one term early",
        "linear",
        c=(PRODUCT_C, "matmul(y, b, 0, x, N, 1, w, 1, N, B, M, N - 1);"),
        numpy=(PRODUCT_NUMPY, "x[:, :-1] @ w[:, :-1].T"),
        torch=(PRODUCT_TORCH, "torch.addmm(b, x[:, :-1], w[:, :-1].T)"),
    ),
    linear(
        "linear_reads_one_term_too_many",
        "each sum runs one term past the end of its row, and at last past the end of the array",
        "linear",
        c=(PRODUCT_C, "matmul(y, b, 0, x, N, 1, w, 1, N, B, M, N + 1);"),
    ),
    linear(
        "linear_reads_rows_it_does_not_need",
        "up to five rows past the end of x are read, multiplied and not stored: no value is wrong",
        "no_kernel_reads_outside_its_arrays",
        c=("fast/matmul.h", EDGE_C, "if (n == 0) {"),
    ),
    linear(
        "linear_sums_stop_at_256_terms",
        "of a long sum only the first block of 256 terms is added",
        "linear",
        c=("fast/matmul.h", "k < K; k += even) {", "k < 1; k += even) {"),
        numpy=(PRODUCT_NUMPY, "x[:, :256] @ w[:, :256].T"),
        torch=(PRODUCT_TORCH, "torch.addmm(b, x[:, :256], w[:, :256].T)"),
    ),
    linear(
        "linear_of_a_row_or_two_drops_a_term",
        "the kernel for few rows stops one term early",
        "linear",
        c=(
            "fast/matmul.h",
            "k < K; k++) { sum[j][k - full] +=",
            "k < K - 1; k++) { sum[j][k - full] +=",
        ),
    ),
)
