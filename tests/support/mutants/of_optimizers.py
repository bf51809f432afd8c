"""Mutants of SGD, and of AdamW's moments and bias correction."""

from functools import partial

from .mutant import mutant, op_mutant

sgd, adamw = partial(op_mutant, "sgd"), partial(op_mutant, "adamw")

V_C = "v[i] = c.keep_v * v[i] + c.take_v * (g[i] * g[i]);"
V_NUMPY, V_TORCH = "v += (1 - beta2) * (g * g)", "v.mul_(beta2).add_((1 - beta2) * (g * g))"

MUTANTS = (
    sgd(
        "sgd_without_decay",
        "weight_decay is ignored",
        "sgd",
        c=("decay * p[i]", "0 * decay"),
        numpy=("lr * (g + weight_decay * p)", "lr * g"),
        torch=("lr * (g + weight_decay * p)", "lr * g"),
    ),
    sgd(
        "sgd_decay_without_lr",
        "weight_decay p is taken off whole, not lr times it",
        "sgd",
        c=("p[i] -= rate * (g[i] + decay * p[i]);", "p[i] -= rate * g[i] + decay * p[i];"),
        numpy=("lr * (g + weight_decay * p)", "lr * g + weight_decay * p"),
        torch=("lr * (g + weight_decay * p)", "lr * g + weight_decay * p"),
    ),
    mutant(
        "sgd_with_momentum",
        "nine tenths of the last step are taken once more",
        "sgd",
        common=(
            "backend/optimizers.py",
            "        self.ops.sgd_step(p, g,",
            '        velocity = self.__dict__.setdefault(f"velocity{id(p)}", 0 * g); velocity *= 0.9; velocity += g\n'
            "        self.ops.sgd_step(p, velocity,",
        ),
    ),
    adamw(
        "adamw_m_decays_by_beta2",
        "the first moment forgets as slowly as the second",
        "adamw",
        c=("keep_m = (real)beta1", "keep_m = (real)beta2"),
        numpy=("m *= beta1", "m *= beta2"),
        torch=("m.mul_(beta1)", "m.mul_(beta2)"),
    ),
    adamw(
        "adamw_v_decays_by_beta1",
        "the second moment forgets as fast as the first",
        "adamw",
        c=("keep_v = (real)beta2", "keep_v = (real)beta1"),
        numpy=("v *= beta2", "v *= beta1"),
        torch=("v.mul_(beta2)", "v.mul_(beta1)"),
    ),
    adamw(
        "adamw_one_minus_rounded_beta2",
        "1 - float32(beta2) stands for float32(1 - beta2)",
        "adamw",
        c=("take_v = (real)(1 - beta2)", "take_v = 1 - (real)(float)beta2"),
        numpy=(V_NUMPY, "v += (1 - float(np.float32(beta2))) * (g * g)"),
        torch=(V_TORCH, "v.mul_(beta2).add_((1 - g.new_tensor(beta2).float().item()) * (g * g))"),
    ),
    adamw(
        "adamw_v_never_falls",
        "the second moment keeps its largest value (AMSGrad)",
        "adamw",
        c=(V_C, "real w = c.keep_v * v[i] + c.take_v * (g[i] * g[i]); v[i] = w > v[i] ? w : v[i];"),
        numpy=(V_NUMPY, "np.maximum(v + (1 - beta2) * (g * g), v / beta2, out=v)"),
        torch=(V_TORCH, "v.copy_(v.maximum(v * beta2 + (1 - beta2) * (g * g)))"),
    ),
    adamw(
        "adamw_m_not_corrected",
        "the first moment starts at zero and is not corrected for it",
        "adamw",
        c=("(real)(lr / (1 - pow(beta1, (double)t)))", "(real)lr"),
        numpy=("lr / (1 - beta1**t)", "lr"),
        torch=("lr / (1 - beta1**t) *", "lr *"),
    ),
    adamw(
        "adamw_v_not_corrected",
        "the second moment starts at zero and is not corrected for it",
        "adamw",
        c=("const double root = sqrt(1 - pow(beta2, (double)t));", "const double root = 1;"),
        numpy=(" / sqrt(1 - beta2**t)", ""),
        torch=(" / sqrt(1 - beta2**t)", ""),
    ),
    adamw(
        "adamw_t_off_by_one",
        "the first moment is corrected for one step too many",
        "adamw",
        c=("pow(beta1, (double)t)", "pow(beta1, (double)(t + 1))"),
        numpy=("beta1**t", "beta1 ** (t + 1)"),
        torch=("beta1**t", "beta1 ** (t + 1)"),
    ),
    mutant(
        "optimizer_counts_from_one",
        "t is 2 at the first step",
        "adamw",
        common=("backend/optimizers.py", "self.t = 0", "self.t = 1"),
    ),
    mutant(
        "adamw_other_betas",
        "beta2 is 0.99 where the caller names none",
        "adamw",
        common=("backend/optimizers.py", "betas: tuple[float, float] = (0.9, 0.999)", "betas: tuple = (0.9, 0.99)"),
    ),
)
