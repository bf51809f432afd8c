"""Mutants of strict arithmetic: no number is off by more than native float32's own, so that no tolerance sees them."""

from .mutant import mutant

ROUNDING = "correct_rounding.py"
LOW_C = "low = (float)(sum[j] - error), high = (float)(sum[j] + error)"
HIGH_NUMPY = "high = np.add(value, error, out=error).astype(np.float32)"
LOW_TORCH = "low, high = (value - error).float(), error.add_(value).float()"
OF_PRODUCT, OF_SCATTER = "_nearest_sum(a @ b, error,", "exact_sums.sum_error(counts[:, None]) * sizes"

MUTANTS = (
    mutant(
        "strict_sum_unchecked",
        "a float64 sum is rounded whether it tells which float32 is the nearest or not",
        "strict linear",
        c=("strict/matmul.h", LOW_C, "low = (float)sum[j], high = low"),
        numpy=(ROUNDING, HIGH_NUMPY, "high = low = value.astype(np.float32)"),
        torch=(ROUNDING, LOW_TORCH, "low = high = value.float()"),
    ),
    mutant(
        "strict_bound_too_small",
        "a product's bound is a share of the result, not of what was summed: none is left where terms cancel",
        "strict linear",
        c=("strict/matmul.h", "error = scale * length[j];", "error = 0x1p-46 * fabs(sum[j]);"),
        numpy=(ROUNDING, OF_PRODUCT, OF_PRODUCT.replace("error", "exact_sums.sum_error(len(b)) * abs(a @ b)")),
        torch=(ROUNDING, OF_PRODUCT, OF_PRODUCT.replace("error", "exact_sums.sum_error(len(b)) * abs(a @ b)")),
    ),
    mutant(
        "strict_bound_too_small_in_a_scatter",
        "the bound of a token's summed gradients is a share of the result, not of their sizes",
        "strict embedding_backward",
        numpy=(ROUNDING, OF_SCATTER, OF_SCATTER.replace("sizes", "abs(value)")),
        torch=(ROUNDING, OF_SCATTER, OF_SCATTER.replace("sizes", "abs(value)")),
    ),
    mutant(
        "strict_exact_sum_rounded_twice",
        "the exact sum is rounded to some 60 bits and then to 24: what lies past a midpoint is lost on the way",
        "strict linear",
        c=("strict/exact.h", "rest |= digits[i] != 0;", "rest |= 0;"),
        common=("numbers/exact_sums.py", "if rest and not _is_odd(total):", "if False:"),
    ),
    mutant(
        "strict_minus_zero",
        "a sum that rounds to zero from below is -0",
        "strict linear",
        c=("strict/matmul.h", "low + 0.0F;", "low;"),
        numpy=(ROUNDING, "    low += 0.0  # -0 becomes +0\n", ""),
        torch=(ROUNDING, "return low.add_(0.0)", "return low"),
    ),
    mutant(
        "strict_hard_case_left_to_float64",
        "tanh, exp and log are rounded from float64 where that is not enough: log(0x1.2f1fd6p+3)",
        "strict cross_entropy",
        c=("strict/functions.h", "low != high && i < n", "i < 0"),
        numpy=(ROUNDING, "low[undecided] = np.array(bits, np.uint32).view(np.float32)", "low[undecided] = both[1]"),
        torch=(ROUNDING, "low[undecided] = torch.from_numpy(bits.view(np.float32))", "low[undecided] = both[1]"),
    ),
    mutant(
        "strict_sqrt_in_float32",
        "torch's own float32 root, one in five of which is off in the last bit",
        "strict adamw",
        torch=(ROUNDING, "x.double().sqrt().float()", "x.sqrt()"),
    ),
    mutant(
        "strict_product_left_native",
        "the product of the linear op is the native one, which rounds every addition",
        "strict linear",
        c=("strict/strict.c", '#include "matmul.h"', '#include "../fast/matmul.h"'),
        numpy=("strict_ops.py", "cr.matmul(x, w.T)", "x @ w.T"),
        torch=("strict_ops.py", "cr.matmul(x, w.T)", "x @ w.T"),
    ),
    mutant(
        "strict_multiply_add_contracted",
        "a product and the sum that it goes into are rounded once, as one instruction does, not twice",
        "strict adamw",
        c=("strict/adamw.c", "keep_m * m[i] + take_m * g[i]", "fma(keep_m, m[i], take_m * g[i])"),
        numpy=("ops/adamw.py", "m += (1 - beta1) * g", "m += np.float64(1 - beta1) * g"),
        torch=("strict_ops.py", "add_((1 - beta1) * g)", "add_(g, alpha=1 - beta1)"),
    ),
)
