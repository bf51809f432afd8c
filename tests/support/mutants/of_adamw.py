"""Mutants of AdamW's eps and weight decay."""

from functools import partial

from .mutant import mutant, op_mutant
from .torch_adamw import FUSED, spelled_out

adamw = partial(op_mutant, "adamw")

STEP_C, DENOMINATOR_C = (
    "c.keep_p * p[i] - c.step * (m[i] / (quotient(sqrt(v[i]), c.root, c.inverse) + c.eps));",
    "quotient(sqrt(v[i]), c.root, c.inverse) + c.eps",
)
DECAY_C, DECAY_NUMPY = "(real)(1 - lr * weight_decay)", "p *= 1 - lr * weight_decay"
BLOCK_C = "adamw_block(p + i, m + i, v + i, g + i, smaller(ADAMW_BLOCK, n - i), &c);"
EPS_NUMPY, EPS_TORCH, DECAY_TORCH = "scratch += eps", '"eps": eps', '"weight_decay": weight_decay'
ROOT_TORCH = "by.sqrt(v).div_(sqrt(1 - beta2**t)).add_(eps)"
NO_DECAY_TORCH = FUSED.replace("**settings", '**settings | {"weight_decay": 0.0}')

MUTANTS = (
    adamw(
        "adamw_eps_ten_times_larger",
        "eps is 1e-7 where 1e-8 was asked for",
        "adamw",
        c=(".eps = (real)eps", ".eps = (real)(10 * eps)"),
        numpy=(EPS_NUMPY, "scratch += 10 * eps"),
        torch=(EPS_TORCH, '"eps": 10 * eps'),
    ),
    adamw(
        "adamw_eps_left_out",
        "eps is not added",
        "adamw",
        c=(DENOMINATOR_C, "quotient(sqrt(v[i]), c.root, c.inverse) + 0 * c.eps"),
        numpy=(EPS_NUMPY, "scratch += 0 * eps"),
        torch=(EPS_TORCH, '"eps": 0 * eps'),
    ),
    adamw(
        "adamw_eps_inside_the_root",
        "sqrt(v + eps) stands for sqrt(v) + eps",
        "adamw",
        c=(DENOMINATOR_C, "sqrt(v[i] + c.eps) / c.root"),
        numpy=(EPS_NUMPY, "scratch[...] = by.sqrt(v + eps) / sqrt(1 - beta2**t)"),
        torch=spelled_out(ROOT_TORCH, "by.sqrt(v + eps).div_(sqrt(1 - beta2**t))"),
    ),
    adamw(
        "adamw_eps_before_the_correction",
        "eps is added to sqrt(v) before the bias correction",
        "adamw",
        c=(DENOMINATOR_C, "(sqrt(v[i]) + c.eps) / c.root"),
        numpy=(EPS_NUMPY, "scratch[...] = (by.sqrt(v) + eps) / sqrt(1 - beta2**t)"),
        torch=spelled_out(ROOT_TORCH, "by.sqrt(v).add_(eps).div_(sqrt(1 - beta2**t))"),
    ),
    adamw(
        "adamw_without_decay",
        "weight_decay is ignored",
        "adamw",
        c=(DECAY_C, "1"),
        numpy=(DECAY_NUMPY, "p *= 1"),
        torch=(DECAY_TORCH, '"weight_decay": 0.0'),
    ),
    adamw(
        "adamw_decay_without_lr",
        "weight_decay p is taken off whole, not lr times it",
        "adamw",
        c=(DECAY_C, "(real)(1 - weight_decay)"),
        numpy=(DECAY_NUMPY, "p *= 1 - weight_decay"),
        torch=(DECAY_TORCH, '"weight_decay": weight_decay / lr'),
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
        numpy=("scratch = (1 - beta1) * g", "g, weight_decay = g + weight_decay * p, 0.0; scratch = (1 - beta1) * g"),
        torch=(FUSED, NO_DECAY_TORCH.replace("g.contiguous()", "g + weight_decay * p")),
    ),
    adamw(
        "adamw_decays_after_the_step",
        "the decay is applied to the parameters after the step, not before",
        "adamw",
        c=(STEP_C, "c.keep_p * (p[i] - c.step * (m[i] / (quotient(sqrt(v[i]), c.root, c.inverse) + c.eps)));"),
        numpy=("p -= scratch", "p -= (1 - lr * weight_decay) * scratch"),
        torch=(FUSED, NO_DECAY_TORCH.replace("return", "p.mul_(1 - lr * weight_decay)\n        return")),
    ),
    mutant(
        "adamw_spares_the_biases",
        "only matrices decay",
        "adamw",
        common=(
            "backend/optimizers.py",
            "self.eps, self.weight_decay)",
            "self.eps, self.weight_decay * (len(p.shape) > 1))",
        ),
    ),
)
