"""Mutants of the optimizers' steps: the count of steps, settings at their ends, and what belongs into which term."""

from functools import partial

from .mutant import mutant, op_mutant

sgd, adamw = partial(op_mutant, "sgd"), partial(op_mutant, "adamw")

ROOT_C, DECAY = "    const double root = ", "1 - lr * weight_decay"
FUSED = "steps = torch.full((), float(self.t)"
SETTINGS_C = "settings = (self.t, self.lr,"

MUTANTS = (
    adamw(
        "adamw_decay_by_the_corrected_rate",
        "the decay takes lr / (1 - beta1^t)",
        "adamw",
        c=(DECAY, "1 - lr / (1 - pow(beta1, (double)t)) * weight_decay"),
        numpy=(DECAY, "1 - lr / (1 - beta1**t) * weight_decay"),
        torch=(DECAY, "1 - lr / (1 - beta1**t) * weight_decay"),
    ),
    adamw(
        "adamw_decay_at_most_a_half",
        "a decay above 0.5 counts as 0.5",
        "adamw",
        c=(DECAY, "1 - lr * fmin(weight_decay, 0.5)"),
        numpy=(DECAY, "1 - lr * min(weight_decay, 0.5)"),
        torch=(DECAY, "1 - lr * min(weight_decay, 0.5)"),
    ),
    adamw(
        "adamw_t_in_16_bits",
        "the count of steps starts again after 65,536",
        "adamw",
        c=("pow(beta2, (double)t)", "pow(beta2, (double)((t - 1) % 65536 + 1))"),
        numpy=("sqrt(1 - beta2**t)", "sqrt(1 - beta2 ** ((t - 1) % 65536 + 1))"),
        torch=("sqrt(1 - beta2**t)", "sqrt(1 - beta2 ** ((t - 1) % 65536 + 1))"),
    ),
    adamw(
        "adamw_correction_of_m_ends_after_100",
        "the first moment is not corrected after step 100",
        "adamw",
        c=("(1 - pow(beta1, (double)t))", "(t <= 100 ? 1 - pow(beta1, (double)t) : 1)"),
        numpy=("(1 - beta1**t)", "(1 - beta1**t if t <= 100 else 1)"),
        torch=("(1 - beta1**t)", "(1 - beta1**t if t <= 100 else 1)"),
    ),
    adamw(
        "adamw_correction_of_v_ends_after_10000",
        "the second moment is not corrected after step 10,000",
        "adamw",
        c=("pow(beta2, (double)t)", "(t <= 10000 ? pow(beta2, (double)t) : 0)"),
        numpy=("sqrt(1 - beta2**t)", "sqrt(1 - beta2**t if t <= 10000 else 1)"),
        torch=("sqrt(1 - beta2**t)", "sqrt(1 - beta2**t if t <= 10000 else 1)"),
    ),
    adamw(
        "adamw_of_nesterov",
        "the step looks one gradient ahead",
        "adamw",
        c=("c.step * (m[i] /", "c.step * ((c.keep_m * m[i] + c.take_m * g[i]) /"),
        numpy=("* (m / (np", "* ((beta1 * m + (1 - beta1) * g) / (np"),
        torch=("* (m / (v", "* ((beta1 * m + (1 - beta1) * g) / (v"),
    ),
    adamw(
        "adamw_beta1_of_0_is_the_default",
        "a beta1 of 0 is taken for 0.9",
        "adamw",
        c=(ROOT_C, f"    beta1 = beta1 > 0 ? beta1 : 0.9;\n{ROOT_C}"),
        numpy=("    m *= beta1\n", "    beta1 = beta1 or 0.9\n    m *= beta1\n"),
        torch=("    m.mul_(beta1)", "    beta1 = beta1 or 0.9\n    m.mul_(beta1)"),
    ),
    adamw(
        "adamw_beta2_of_0_is_the_default",
        "a beta2 of 0 is taken for 0.999",
        "adamw",
        c=(ROOT_C, f"    beta2 = beta2 > 0 ? beta2 : 0.999;\n{ROOT_C}"),
        numpy=("    m *= beta1\n", "    beta2 = beta2 or 0.999\n    m *= beta1\n"),
        torch=("    m.mul_(beta1)", "    beta2 = beta2 or 0.999\n    m.mul_(beta1)"),
    ),
    adamw(
        "adamw_eps_of_at_least_1e-10",
        "a smaller eps counts as 1e-10",
        "adamw",
        c=("(real)eps,", "(real)fmax(eps, 1e-10),"),
        numpy=("+ eps))", "+ max(eps, 1e-10)))"),
        torch=("+ eps))", "+ max(eps, 1e-10)))"),
    ),
    adamw(
        "adamw_step_of_a_weight_at_most_lr",
        "no weight moves by more than its learning rate",
        "adamw",
        numpy=(
            "(m / (np.sqrt(v) / sqrt(1 - beta2**t) + eps))",
            "(m / (np.sqrt(v) / sqrt(1 - beta2**t) + eps)).clip(-1, 1)",
        ),
        torch=(
            "(m / (v.sqrt() / sqrt(1 - beta2**t) + eps))",
            "(m / (v.sqrt() / sqrt(1 - beta2**t) + eps)).clamp(-1, 1)",
        ),
    ),
    adamw(
        "adamw_v_of_the_clipped_gradient",
        "the second moment takes gradients of 1,000 at most",
        "adamw",
        c=("(g[i] * g[i])", "(real)(fmin(fabs(g[i]), 1000) * fmin(fabs(g[i]), 1000))"),
        numpy=("(g * g)", "np.square(g.clip(-1000, 1000))"),
        torch=("(g * g)", "g.clamp(-1000, 1000).square()"),
    ),
    sgd(
        "sgd_decays_after_the_step",
        "the decay is taken of the weight that has moved",
        "sgd",
        c=("p[i] -= rate * (g[i] + decay * p[i]);", "p[i] = (p[i] - rate * g[i]) * (1 - rate * decay);"),
        numpy=("p -= lr * (g + weight_decay * p)", "p -= lr * g\n    p *= 1 - lr * weight_decay"),
        torch=("p.sub_(lr * (g + weight_decay * p))", "p.sub_(lr * g).mul_(1 - lr * weight_decay)"),
    ),
    sgd(
        "sgd_rate_at_most_1",
        "a learning rate above 1 counts as 1",
        "sgd",
        c=("rate = (real)lr", "rate = (real)fmin(lr, 1)"),
        numpy=("p -= lr * (", "p -= min(lr, 1) * ("),
        torch=("p.sub_(lr * (", "p.sub_(min(lr, 1) * ("),
    ),
    sgd(
        "sgd_rate_of_0_is_the_default",
        "a learning rate of 0 is taken for 0.001",
        "sgd",
        c=("rate = (real)lr", "rate = (real)(lr > 0 ? lr : 1e-3)"),
        numpy=("p -= lr * (", "p -= (lr or 1e-3) * ("),
        torch=("p.sub_(lr * (", "p.sub_((lr or 1e-3) * ("),
    ),
    sgd(
        "sgd_decay_of_at_most_a_half",
        "a decay above 0.5 counts as 0.5",
        "sgd",
        c=("decay = (real)weight_decay", "decay = (real)fmin(weight_decay, 0.5)"),
        numpy=("weight_decay * p", "min(weight_decay, 0.5) * p"),
        torch=("weight_decay * p", "min(weight_decay, 0.5) * p"),
    ),
    mutant(
        "adamw_object_one_number_past_a_block",
        "a last block of one number is not updated",
        "adamw",
        numpy=("optimizers.py", "range(0, p.size, BLOCK)", "range(0, p.size - 1, BLOCK)"),
        c=("fast/adamw.c", "(n + ADAMW_BLOCK - 1) / ADAMW_BLOCK, 8 * n", "(n + ADAMW_BLOCK - 2) / ADAMW_BLOCK, 8 * n"),
    ),
    mutant(
        "adamw_object_blocks_share_v",
        "each block of a large array has the second moment of the first",
        "adamw",
        numpy=(
            "optimizers.py",
            "[array[i : i + BLOCK] for array in flat]",
            "[array[i * (array is not flat[2]) :][:BLOCK][: p.size - i] for array in flat]",
        ),
    ),
    mutant(
        "adamw_object_t_at_most_2000",
        "the object's count of steps ends at 2,000",
        "adamw",
        c=("optimizers.py", SETTINGS_C, "settings = (min(self.t, 2000), self.lr,"),
        torch=("optimizers.py", FUSED, "steps = torch.full((), min(float(self.t), 2000.0)"),
    ),
    mutant(
        "adamw_object_decay_of_0_is_the_default",
        "the object takes a decay of 0 for 0.01",
        "adamw",
        c=(
            "optimizers.py",
            "self.beta2, self.eps, self.weight_decay)",
            "self.beta2, self.eps, self.weight_decay or 0.01)",
        ),
        torch=("optimizers.py", '"weight_decay": self.weight_decay,', '"weight_decay": self.weight_decay or 0.01,'),
    ),
    mutant(
        "adamw_object_eps_of_0_is_the_default",
        "the object takes an eps of 0 for 1e-8",
        "adamw",
        c=(
            "optimizers.py",
            "self.beta2, self.eps, self.weight_decay)",
            "self.beta2, self.eps or 1e-8, self.weight_decay)",
        ),
        torch=("optimizers.py", '"eps": self.eps}', '"eps": self.eps or 1e-8}'),
    ),
    mutant(
        "adamw_object_with_the_default_betas",
        "the object forgets the betas that it is given",
        "adamw",
        c=("optimizers.py", "self.beta1, self.beta2, self.eps, self", "0.9, 0.999, self.eps, self"),
        torch=("optimizers.py", '"beta1": self.beta1, "beta2": self.beta2', '"beta1": 0.9, "beta2": 0.999'),
    ),
)
