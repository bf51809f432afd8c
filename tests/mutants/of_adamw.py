"""Mutants of AdamW's eps and weight decay."""

from functools import partial

from .mutant import mutant, op_mutant

adamw = partial(op_mutant, "adamw")

STEP_C, DENOMINATOR_C = (
    "c.keep_p * p[i] - c.step * (m[i] / (sqrt(v[i]) / c.root + c.eps));",
    "sqrt(v[i]) / c.root + c.eps",
)
DECAY_C, DECAY_NUMPY, DECAY_TORCH = (
    "(real)(1 - lr * weight_decay)",
    "p *= 1 - lr * weight_decay",
    "1 - lr * weight_decay",
)
BLOCK_C = "adamw_block(p + i, m + i, v + i, g + i, smaller(ADAMW_BLOCK, n - i), &c);"
DENOMINATOR = "denominator = by.sqrt(v)\n    denominator /= sqrt(1 - beta2**t)\n    denominator += eps\n"
DENOMINATOR_TORCH = "by.sqrt(v).div_(sqrt(1 - beta2**t)).add_(eps)"

MUTANTS = (
    adamw(
        "adamw_eps_ten_times_larger",
        "eps is 1e-7 where 1e-8 was asked for",
        "adamw",
        c=(".eps = (real)eps", ".eps = (real)(10 * eps)"),
        numpy=("denominator += eps", "denominator += 10 * eps"),
        torch=(".add_(eps)", ".add_(10 * eps)"),
    ),
    adamw(
        "adamw_eps_left_out",
        "eps is not added",
        "adamw",
        c=(DENOMINATOR_C, "sqrt(v[i]) / c.root + 0 * c.eps"),
        numpy=("denominator += eps", "denominator += 0 * eps"),
        torch=(".add_(eps)", ".add_(0 * eps)"),
    ),
    adamw(
        "adamw_eps_inside_the_root",
        "sqrt(v + eps) stands for sqrt(v) + eps",
        "adamw",
        c=(DENOMINATOR_C, "sqrt(v[i] + c.eps) / c.root"),
        numpy=(DENOMINATOR, "denominator = by.sqrt(v + eps) / sqrt(1 - beta2**t)\n"),
        torch=(DENOMINATOR_TORCH, "by.sqrt(v + eps).div_(sqrt(1 - beta2**t))"),
    ),
    adamw(
        "adamw_eps_before_the_correction",
        "eps is added to sqrt(v) before the bias correction",
        "adamw",
        c=(DENOMINATOR_C, "(sqrt(v[i]) + c.eps) / c.root"),
        numpy=(DENOMINATOR, "denominator = (by.sqrt(v) + eps) / sqrt(1 - beta2**t)\n"),
        torch=(DENOMINATOR_TORCH, "by.sqrt(v).add_(eps).div_(sqrt(1 - beta2**t))"),
    ),
    adamw(
        "adamw_without_decay",
        "weight_decay is ignored",
        "adamw",
        c=(DECAY_C, "1"),
        numpy=(DECAY_NUMPY, "p *= 1"),
        torch=(DECAY_TORCH, "1"),
    ),
    adamw(
        "adamw_decay_without_lr",
        "weight_decay p is taken off whole, not lr times it",
        "adamw",
        c=(DECAY_C, "(real)(1 - weight_decay)"),
        numpy=(DECAY_NUMPY, "p *= 1 - weight_decay"),
        torch=(DECAY_TORCH, "1 - weight_decay"),
    ),
    adamw(
        "adamw_with_l2_for_decay",
        "weight_decay p is added to the gradient and passes through the moments: Adam, not AdamW",
        "adamw",
        c=(
            BLOCK_C,
            "real l2[ADAMW_BLOCK]; Constants d = c; d.keep_p = 1; const size_t k = smaller(ADAMW_BLOCK, n - i); "
            "for (size_t j = 0; j < k; j++) { l2[j] = g[i + j] + (real)weight_decay * p[i + j]; } "
            "adamw_block(p + i, m + i, v + i, l2, k, &d);",
        ),
        numpy=("    m *= beta1\n", "    g, weight_decay = g + weight_decay * p, 0.0\n    m *= beta1\n"),
        torch=("    m.mul_(beta1)", "    g, weight_decay = g + weight_decay * p, 0.0\n    m.mul_(beta1)"),
    ),
    adamw(
        "adamw_decays_after_the_step",
        "the decay is applied to the parameters after the step, not before",
        "adamw",
        c=(STEP_C, "c.keep_p * (p[i] - c.step * (m[i] / (sqrt(v[i]) / c.root + c.eps)));"),
        numpy=("p -= lr / (1 - beta1**t)", "p -= (1 - lr * weight_decay) * lr / (1 - beta1**t)"),
        torch=("p.sub_(lr /", "p.sub_((1 - lr * weight_decay) * lr /"),
    ),
    mutant(
        "adamw_spares_the_biases",
        "only matrices decay",
        "adamw",
        common=("optimizers.py", "self.eps, self.weight_decay)", "self.eps, self.weight_decay * (len(p.shape) > 1))"),
    ),
)
