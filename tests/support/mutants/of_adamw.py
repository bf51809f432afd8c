"""Mutants of AdamW's eps and weight decay."""

from functools import partial

from .mutant import mutant, op_mutant

adamw = partial(op_mutant, "adamw")

STEP_C, DENOMINATOR_C = (
    "c.keep_p * p[i] - c.step * (m[i] / (sqrt(v[i]) * c.inverse_root + c.eps));",
    "sqrt(v[i]) * c.inverse_root + c.eps",
)
DECAY_C, DECAY_NUMPY = "(real)(1 - lr * weight_decay)", "p *= 1 - lr * weight_decay"
BLOCKS_C = "in_parallel(adamw_part, &(Step){p, m, v, g, n, &c}, (n + ADAMW_BLOCK - 1) / ADAMW_BLOCK, 8 * n);"
ROOT_NUMPY, ROOT_TORCH = "np.sqrt(v) / sqrt(1 - beta2**t) + eps", "v.sqrt() / sqrt(1 - beta2**t) + eps"
FUSED, EPS_TORCH, DECAY_TORCH = "optimizers.py", '"eps": self.eps', '"weight_decay": self.weight_decay'
CALL_TORCH = "torch._fused_adamw_([p], [g.contiguous()], [m], [v], [], [steps], **settings)"
NO_DECAY_TORCH = CALL_TORCH.replace("**settings", '**settings | {"weight_decay": 0.0}')

MUTANTS = (
    adamw(
        "adamw_eps_ten_times_larger",
        "eps is 1e-7 where 1e-8 was asked for",
        "adamw",
        c=(".eps = (real)eps", ".eps = (real)(10 * eps)"),
        numpy=(ROOT_NUMPY, ROOT_NUMPY.replace("eps", "10 * eps")),
        torch=(FUSED, EPS_TORCH, '"eps": 10 * self.eps'),
    ),
    adamw(
        "adamw_eps_left_out",
        "eps is not added",
        "adamw",
        c=(DENOMINATOR_C, "sqrt(v[i]) * c.inverse_root + 0 * c.eps"),
        numpy=(ROOT_NUMPY, ROOT_NUMPY.replace("eps", "0 * eps")),
        torch=(FUSED, EPS_TORCH, '"eps": 0 * self.eps'),
    ),
    adamw(
        "adamw_eps_inside_the_root",
        "sqrt(v + eps) stands for sqrt(v) + eps",
        "adamw",
        c=(DENOMINATOR_C, "sqrt(v[i] + c.eps) * c.inverse_root"),
        numpy=(ROOT_NUMPY, "np.sqrt(v + eps) / sqrt(1 - beta2**t)"),
        torch=(ROOT_TORCH, "(v + eps).sqrt() / sqrt(1 - beta2**t)"),
    ),
    adamw(
        "adamw_eps_before_the_correction",
        "eps is added to sqrt(v) before the bias correction",
        "adamw",
        c=(DENOMINATOR_C, "(sqrt(v[i]) + c.eps) * c.inverse_root"),
        numpy=(ROOT_NUMPY, "(np.sqrt(v) + eps) / sqrt(1 - beta2**t)"),
        torch=(ROOT_TORCH, "(v.sqrt() + eps) / sqrt(1 - beta2**t)"),
    ),
    adamw(
        "adamw_without_decay",
        "weight_decay is ignored",
        "adamw",
        c=(DECAY_C, "1"),
        numpy=(DECAY_NUMPY, "p *= 1"),
        torch=(FUSED, DECAY_TORCH, '"weight_decay": 0.0'),
    ),
    adamw(
        "adamw_decay_without_lr",
        "weight_decay p is taken off whole, not lr times it",
        "adamw",
        c=(DECAY_C, "(real)(1 - weight_decay)"),
        numpy=(DECAY_NUMPY, "p *= 1 - weight_decay"),
        torch=(FUSED, DECAY_TORCH, DECAY_TORCH + " / self.lr"),
    ),
    adamw(
        "adamw_with_l2_for_decay",
        "weight_decay p is added to the gradient and passes through the moments: Adam, not AdamW",
        "adamw",
        c=(
            BLOCKS_C,
            "for (size_t i = 0; i < n; i += ADAMW_BLOCK) { "
            "real l2[ADAMW_BLOCK]; Constants d = c; d.keep_p = 1; const size_t k = min_size(ADAMW_BLOCK, n - i); "
            "for (size_t j = 0; j < k; j++) { l2[j] = g[i + j] + (real)weight_decay * p[i + j]; } "
            "adamw_block(p + i, m + i, v + i, l2, k, &d); }",
        ),
        numpy=("m *= beta1", "g, weight_decay = g + weight_decay * p, 0.0; m *= beta1"),
        torch=(FUSED, CALL_TORCH, NO_DECAY_TORCH.replace("g.contiguous()", "g + self.weight_decay * p")),
    ),
    adamw(
        "adamw_decays_after_the_step",
        "the decay is applied to the parameters after the step, not before",
        "adamw",
        c=(STEP_C, "c.keep_p * (p[i] - c.step * (m[i] / (sqrt(v[i]) * c.inverse_root + c.eps)));"),
        numpy=("p -= lr /", "p -= (1 - lr * weight_decay) * lr /"),
        torch=(FUSED, CALL_TORCH, f"{NO_DECAY_TORCH}; p.mul_(1 - self.lr * self.weight_decay)"),
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
