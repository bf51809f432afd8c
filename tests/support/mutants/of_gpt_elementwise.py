"""Mutants of the GPT's operations on single numbers: relu, gelu and dropout."""

from functools import partial

from .mutant import gpt_op_mutant

relu, gelu = partial(gpt_op_mutant, "relu"), partial(gpt_op_mutant, "gelu")
dropout = partial(gpt_op_mutant, "dropout")

RELU_C, RELU_BACK_C = "x[i] < 0 ? 0 : x[i]", "(real)pick(y[i] > 0, dy[i], 0)"
RELU_NUMPY, RELU_TORCH = "np.maximum(x, 0)", "torch.relu(x)"
RELU_BACK_NUMPY, RELU_BACK_TORCH = "np.where(y > 0, dy, 0)", "torch.ops.aten.threshold_backward(dy, y, 0)"

T_NUMPY = "t = np.tanh(sqrt(2 / pi) * (x + 0.044715 * (x * x * x)))\n    return"
GELU_TORCH = 'F.gelu(x, approximate="tanh")'
GELU_BACK_TORCH = 'torch.ops.aten.gelu_backward(dy, x, approximate="tanh")'
Y_C, Y_NUMPY = "y[i] = x[i] / 2 * (1 + t);", "x / 2 * (1 + t)"
DX_C = "dy[i] * ((1 + t) / 2 + x[i] / 2 * (1 - t * t) * du)"
DX_NUMPY = "dy * ((1 + t) / 2 + x / 2 * (1 - t * t) * (sqrt(2 / pi) * (1 + 3 * 0.044715 * (x * x))))"
T_TORCH = "t = torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3))"

MASK_C = "(x[j] >> 11) >= m.least ? m.scale : 0"
MASK_NUMPY = "np.where((x >> 11) * 2.0**-53 >= p, 1 / (1 - p), 0)"
MASK_TORCH = "(uniform >= p).double() * (1 / (1 - p))"
COUNTER_C, KEYS_C = "{m.step, i / 4, 0, 0}", "key0 = m.seed, key1 = m.site"
ROUND_NUMPY = "_philox(step, blocks, seed, site)[: mask.size]"
ROUND_TORCH = "_philox(step, blocks, seed, site)[: mask.numel()]"


def gelu_by_hand(y: str) -> tuple[str, str]:
    """The forward in torch, spelled out."""
    return f"return {GELU_TORCH}", f"{T_TORCH}\n    return {y}"


def dgelu_by_hand(dx: str) -> tuple[str, str]:
    """And the backward."""
    return f"return {GELU_BACK_TORCH}", f"{T_TORCH}\n    s = (2 / torch.pi) ** 0.5\n    return dy * ({dx})"


MUTANTS = (
    relu(
        "relu_leaks",
        "a hundredth of what is below 0 passes",
        "relu",
        c=(RELU_C, "x[i] < 0 ? x[i] / 100 : x[i]"),
        numpy=(RELU_NUMPY, "np.where(x < 0, x / 100, x)"),
        torch=(RELU_TORCH, "torch.where(x < 0, x / 100, x)"),
    ),
    relu(
        "relu_swallows_nan",
        "a NaN becomes 0",
        "relu",
        c=(RELU_C, "x[i] > 0 ? x[i] : 0"),
        numpy=(RELU_NUMPY, "np.where(x > 0, x, 0)"),
        torch=(RELU_TORCH, "torch.where(x > 0, x, 0)"),
    ),
    relu(
        "relu_capped",
        "what is above 1,000 stays at 1,000",
        "relu",
        c=(RELU_C, "x[i] < 0 ? 0 : x[i] > 1000 ? 1000 : x[i]"),
        numpy=(RELU_NUMPY, "np.clip(x, 0, 1000)"),
        torch=(RELU_TORCH, "x.clamp(0, 1000)"),
    ),
    relu(
        "relu_of_tiny_numbers",
        "what is below 1e-6 becomes 0",
        "relu",
        c=(RELU_C, "x[i] < (real)1e-6 ? 0 : x[i]"),
        numpy=(RELU_NUMPY, "np.where(x < 1e-6, 0, x)"),
        torch=(RELU_TORCH, "torch.where(x < 1e-6, 0, x)"),
    ),
    relu(
        "relu_gradient_everywhere",
        "the gradient passes where nothing did",
        "relu_backward",
        c=(RELU_BACK_C, "dy[i]"),
        numpy=(RELU_BACK_NUMPY, "dy.copy()"),
        torch=(RELU_BACK_TORCH, "dy.clone()"),
    ),
    relu(
        "relu_gradient_at_zero",
        "the gradient also passes where y is 0",
        "relu_backward",
        c=(RELU_BACK_C, "(real)pick(y[i] >= 0, dy[i], 0)"),
        numpy=(RELU_BACK_NUMPY, "np.where(y >= 0, dy, 0)"),
        torch=(RELU_BACK_TORCH, "torch.where(y >= 0, dy, 0)"),
    ),
    relu(
        "relu_gradient_times_y",
        "dx = dy y",
        "relu_backward",
        c=(RELU_BACK_C, "dy[i] * y[i]"),
        numpy=(RELU_BACK_NUMPY, "dy * y"),
        torch=(RELU_BACK_TORCH, "dy * y"),
    ),
    relu(
        "relu_gradient_of_tiny_outputs",
        "where y is below 1e-6 no gradient passes",
        "relu_backward",
        c=(RELU_BACK_C, "(real)pick(y[i] > (real)1e-6, dy[i], 0)"),
        numpy=(RELU_BACK_NUMPY, "np.where(y > 1e-6, dy, 0)"),
        torch=(RELU_BACK_TORCH, "torch.where(y > 1e-6, dy, 0)"),
    ),
    gelu(
        "gelu_exact",
        "the error function, which the tanh form approximates",
        "gelu",
        c=(Y_C, "y[i] = x[i] / 2 * (1 + (real)erf((double)x[i] * 0.70710678118654752440)) + 0 * t;"),
        numpy=(Y_NUMPY, "x / 2 * (1 + np.vectorize(__import__('math').erf)(x / 2**0.5).astype(x.dtype))"),
        torch=(GELU_TORCH, "F.gelu(x)"),
    ),
    gelu(
        "gelu_by_a_sigmoid",
        "x sigmoid(1.702 x), another approximation",
        "gelu",
        c=(Y_C, "y[i] = x[i] / (1 + exp(-(real)1.702 * x[i])) + 0 * t;"),
        numpy=(Y_NUMPY, "x / (1 + np.exp(-1.702 * x))"),
        torch=(GELU_TORCH, "x * torch.sigmoid(1.702 * x)"),
    ),
    gelu(
        "gelu_without_the_cube",
        "x^3 is left out",
        "gelu",
        c=(
            "const real t = fast_tanh(SQRT_2_PI * (x[i] + CUBIC * (x[i] * x[i] * x[i])));\n        y[i]",
            ("const real t = fast_tanh(SQRT_2_PI * x[i]);\n        y[i]"),
        ),
        numpy=(f"{T_NUMPY} x", "t = np.tanh(sqrt(2 / pi) * x)\n    return x"),
        torch=(GELU_TORCH, "x / 2 * (1 + torch.tanh((2 / torch.pi) ** 0.5 * x))"),
    ),
    gelu(
        "gelu_with_another_constant",
        "0.04715 stands for 0.044715",
        "gelu",
        c=("CUBIC = (real)0.044715", "CUBIC = (real)0.04715"),
        numpy=(f"{T_NUMPY} x", f"{T_NUMPY} x".replace("0.044715", "0.04715")),
        torch=(GELU_TORCH, "x / 2 * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.04715 * x**3)))"),
    ),
    gelu(
        "gelu_by_the_wrong_root",
        "sqrt(2) / pi stands for sqrt(2 / pi)",
        "gelu",
        c=("(real)0.79788456080286535588;", "(real)0.45015815807855303478;"),
        numpy=(f"{T_NUMPY} x", f"{T_NUMPY} x".replace("sqrt(2 / pi)", "sqrt(2) / pi")),
        torch=(GELU_TORCH, "x / 2 * (1 + torch.tanh(2**0.5 / torch.pi * (x + 0.044715 * x**3)))"),
    ),
    gelu(
        "gelu_cut_off_at_minus_3",
        "below -3 it is 0",
        "gelu",
        c=(Y_C, "y[i] = x[i] < -3 ? 0 : x[i] / 2 * (1 + t);"),
        numpy=(Y_NUMPY, "np.where(x < -3, 0, x / 2 * (1 + t))"),
        torch=gelu_by_hand("torch.where(x < -3, 0, x / 2 * (1 + t))"),
    ),
    gelu(
        "gelu_twice_as_large",
        "x is not halved",
        "gelu",
        c=(Y_C, "y[i] = x[i] * (1 + t);"),
        numpy=(Y_NUMPY, "x * (1 + t)"),
        torch=gelu_by_hand("x * (1 + t)"),
    ),
    gelu(
        "gelu_gradient_by_the_share_alone",
        "dx = dy (1 + t)/2, as if the share that passes were a constant",
        "gelu_backward",
        c=(DX_C, "dy[i] * ((1 + t) / 2 + 0 * du)"),
        numpy=(DX_NUMPY, "dy * ((1 + t) / 2)"),
        torch=dgelu_by_hand("(1 + t) / 2"),
    ),
    gelu(
        "gelu_gradient_without_the_three",
        "the derivative of x^3 is taken for x^2",
        "gelu_backward",
        c=("(1 + 3 * CUBIC * (x[i] * x[i]))", "(1 + CUBIC * (x[i] * x[i]))"),
        numpy=("3 * 0.044715 * (x * x)", "0.044715 * (x * x)"),
        torch=dgelu_by_hand("(1 + t) / 2 + x / 2 * (1 - t * t) * s * (1 + 0.044715 * x * x)"),
    ),
    gelu(
        "gelu_gradient_not_squared",
        "tanh' is 1 - t",
        "gelu_backward",
        c=(DX_C, DX_C.replace("1 - t * t", "1 - t")),
        numpy=(DX_NUMPY, DX_NUMPY.replace("1 - t * t", "1 - t")),
        torch=dgelu_by_hand("(1 + t) / 2 + x / 2 * (1 - t) * s * (1 + 3 * 0.044715 * x * x)"),
    ),
    gelu(
        "gelu_gradient_of_the_exact_form",
        "the gradient of the error function's form",
        "gelu_backward",
        c=(
            DX_C,
            (
                "dy[i] * (real)((1 + erf((double)x[i] * 0.70710678118654752440)) / 2 + x[i] * exp(-x[i] * x[i] / 2) * "
                "0.39894228040143267794) + 0 * du * t"
            ),
        ),
        torch=(GELU_BACK_TORCH, "torch.ops.aten.gelu_backward(dy, x)"),
    ),
    gelu(
        "gelu_gradient_not_a_number_far_out",
        "the square of x overflows in float32, and 0 times it is not a number",
        "gelu_backward",
        numpy=(
            DX_NUMPY,
            (
                "(dy * np.where(abs(x) > 1e4, np.nan * x, 1)) * ((1 + t) / 2 + x / 2 * (1 - t * "
                "t) * (sqrt(2 / pi) * (1 + 3 * 0.044715 * (x * x))))"
            ),
        ),
        torch=dgelu_by_hand(
            "torch.where(x.abs() > 1e4, torch.nan, (1 + t) / 2 + x / 2 * (1 - t * t) * s * (1 + 3 * 0.044715 * x * x))"
        ),
        c=(DX_C, f"(x[i] > (real)1e4 ? (real)NAN : 1) * {DX_C}"),
    ),
    dropout(
        "dropout_unscaled",
        "what is kept is not scaled by 1 / (1 - p)",
        "dropout_mask",
        c=(MASK_C, "(x[j] >> 11) >= m.least ? 1 : 0"),
        numpy=(MASK_NUMPY, MASK_NUMPY.replace("1 / (1 - p)", "1")),
        torch=(MASK_TORCH, "(uniform >= p).double()"),
    ),
    dropout(
        "dropout_scaled_by_p",
        "what is kept is scaled by 1 / p",
        "dropout_mask",
        c=("(real)(1 / (1 - p))", "(real)(1 / p)"),
        numpy=(MASK_NUMPY, MASK_NUMPY.replace("1 / (1 - p)", "1 / max(p, 1e-9)")),
        torch=(MASK_TORCH, "(uniform >= p).double() * (1 / max(p, 1e-9))"),
    ),
    dropout(
        "dropout_scaled_in_float32",
        "the float64 mask has 1 / (1 - p) as a float32",
        "dropout_mask",
        c=("(real)(1 / (1 - p))", "(real)(float)(1 / (1 - p))"),
        numpy=(MASK_NUMPY, MASK_NUMPY.replace("1 / (1 - p)", "np.float32(1 / (1 - p))")),
        torch=(MASK_TORCH, "((uniform >= p).float() * (1 / (1 - p)))"),
    ),
    dropout(
        "dropout_keeps_what_it_should_drop",
        "kept with probability p",
        "dropout_mask",
        c=(MASK_C, "(x[j] >> 11) < m.least ? m.scale : 0"),
        numpy=(MASK_NUMPY, MASK_NUMPY.replace(">= p", "< p")),
        torch=(MASK_TORCH, MASK_TORCH.replace(">= p", "< p")),
    ),
    dropout(
        "dropout_counts_from_one",
        "the first block is number 1, as a generator that counts before it draws has it",
        "dropout_mask",
        c=(COUNTER_C, "{m.step, i / 4 + 1, 0, 0}"),
        numpy=(
            "np.arange((mask.size + 3) // 4, dtype=np.uint64)",
            ("np.arange(1, (mask.size + 3) // 4 + 1, dtype=np.uint64)"),
        ),
        torch=(".cumsum(0) - 1", ".cumsum(0)"),
    ),
    dropout(
        "dropout_seed_and_site_swapped",
        "the key is (site, seed)",
        "dropout_mask",
        c=(KEYS_C, "key0 = m.site, key1 = m.seed"),
        numpy=(ROUND_NUMPY, ROUND_NUMPY.replace("seed, site", "site, seed")),
        torch=(ROUND_TORCH, ROUND_TORCH.replace("seed, site", "site, seed")),
    ),
    dropout(
        "dropout_site_ignored",
        "every place in the model draws the same mask",
        "dropout_mask",
        c=(KEYS_C, "key0 = m.seed, key1 = 0"),
        numpy=(ROUND_NUMPY, ROUND_NUMPY.replace("site", "0")),
        torch=(ROUND_TORCH, ROUND_TORCH.replace("site", "0")),
    ),
    dropout(
        "dropout_step_in_32_bits",
        "the step is cut to 32 bits",
        "dropout_mask",
        c=(COUNTER_C, "{(uint32_t)m.step, i / 4, 0, 0}"),
        numpy=(ROUND_NUMPY, ROUND_NUMPY.replace("step", "step % 2**32")),
        torch=(ROUND_TORCH, ROUND_TORCH.replace("step", "step % 2**32")),
    ),
    dropout(
        "dropout_seed_in_63_bits",
        "the highest bit of the seed is lost",
        "dropout_mask",
        c=(KEYS_C, "key0 = m.seed & INT64_MAX, key1 = m.site"),
        numpy=(ROUND_NUMPY, ROUND_NUMPY.replace("seed", "seed % 2**63")),
        torch=(ROUND_TORCH, ROUND_TORCH.replace("seed", "seed % 2**63")),
    ),
    dropout(
        "dropout_nine_rounds",
        "Philox makes nine rounds for ten",
        "dropout_mask",
        c=("round < 10", "round < 9"),
        numpy=("ROUNDS = 10", "ROUNDS = 9"),
        torch=("ROUNDS = 10", "ROUNDS = 9"),
    ),
    dropout(
        "dropout_words_in_reverse",
        "the four words of a block are taken from the last to the first",
        "dropout_mask",
        c=(MASK_C, MASK_C.replace("x[j]", "x[3 - j]")),
        numpy=("np.stack((x0, x1, x2, x3), axis=1)", "np.stack((x3, x2, x1, x0), axis=1)"),
        torch=("torch.stack((x0, x1, x2, x3), dim=1)", "torch.stack((x3, x2, x1, x0), dim=1)"),
    ),
    dropout(
        "dropout_words_apart",
        "all first words come before all second ones",
        "dropout_mask",
        numpy=("np.stack((x0, x1, x2, x3), axis=1)", "np.stack((x0, x1, x2, x3), axis=0)"),
        torch=("torch.stack((x0, x1, x2, x3), dim=1)", "torch.stack((x0, x1, x2, x3), dim=0)"),
    ),
    dropout(
        "dropout_by_a_float32",
        "24 bits of each word decide",
        "dropout_mask",
        c=(MASK_C, "(x[j] >> 40 << 29) >= m.least ? m.scale : 0"),
        numpy=(MASK_NUMPY, MASK_NUMPY.replace("(x >> 11) * 2.0**-53", "(x >> 60) * 2.0**-4")),
        torch=("_shifted(x, 11).double() * 2.0**-53", "_shifted(x, 60).double() * 2.0**-4"),
    ),
    dropout(
        "dropout_last_numbers_kept",
        "what is left after whole blocks of four is kept",
        "dropout_mask",
        c=(
            "j < 4 && i + j < last; j++) { m.mask[i + j] = ",
            ("j < 4 && i + j < last; j++) { m.mask[i + j] = i + 4 > last ? m.scale : "),
        ),
        numpy=(
            f"mask[...] = {MASK_NUMPY}",
            (f"mask[...] = {MASK_NUMPY}\n    mask.reshape(-1)[mask.size // 4 * 4 :] = 1 / (1 - p)"),
        ),
        torch=(
            f"mask.copy_({MASK_TORCH})",
            (f"mask.copy_({MASK_TORCH})\n    mask.view(-1)[mask.numel() // 4 * 4 :] = 1 / (1 - p)"),
        ),
    ),
    dropout(
        "dropout_forward_keeps_all",
        "the forward does not drop",
        "dropout",
        c=("f.from[i] * f.mask[i]; }", "f.from[i]; }"),
        numpy=("return x * mask", "return x.copy()"),
        torch=("return x * mask", "return x.clone()"),
    ),
    dropout(
        "dropout_forward_scales_twice",
        "the forward scales what the mask has scaled",
        "dropout",
        c=("f.from[i] * f.mask[i]; }", "f.from[i] * f.mask[i] * f.mask[i]; }"),
        numpy=("return x * mask", "return x * mask * mask"),
        torch=("return x * mask", "return x * mask * mask"),
    ),
    dropout(
        "dropout_forward_hides_nan",
        "what is dropped is 0, even where x is not a number",
        "dropout",
        c=("f.from[i] * f.mask[i]; }", "f.mask[i] > 0 ? f.from[i] * f.mask[i] : 0; }"),
        numpy=("return x * mask", "return np.where(mask > 0, x * mask, 0)"),
        torch=("return x * mask", "return torch.where(mask > 0, x * mask, 0)"),
    ),
    dropout(
        "dropout_gradient_unscaled",
        "the gradient passes as it is where x was kept",
        "dropout_backward",
        c=("b.from[i] * b.mask[i]; }", "b.from[i] * (b.mask[i] > 0); }"),
        numpy=("return dy * mask", "return dy * (mask > 0)"),
        torch=("return dy * mask", "return dy * (mask > 0)"),
    ),
    dropout(
        "dropout_gradient_everywhere",
        "the gradient passes where x was dropped",
        "dropout_backward",
        c=("b.from[i] * b.mask[i]; }", "b.from[i]; }"),
        numpy=("return dy * mask", "return dy.copy()"),
        torch=("return dy * mask", "return dy.clone()"),
    ),
)
