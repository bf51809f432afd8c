"""Mutants of an optimizer's settings and its count of steps that a short, ordinary run does not show."""

from functools import partial

from .mutant import mutant, op_mutant

sgd, adamw = partial(op_mutant, "sgd"), partial(op_mutant, "adamw")


MUTANTS = (
    sgd(
        "sgd_clips_gradients_at_5",
        "gradients beyond 5 count as 5",
        "sgd",
        c=("rate * (g[i] + decay * p[i])", "rate * ((g[i] > 5 ? 5 : g[i] < -5 ? -5 : g[i]) + decay * p[i])"),
        numpy=("lr * (g + ", "lr * (g.clip(-5, 5) + "),
        torch=("lr * (g + ", "lr * (g.clamp(-5, 5) + "),
    ),
    adamw(
        "adamw_clips_gradients_at_5",
        "gradients beyond 5 count as 5",
        "adamw",
        numpy=("    m *= beta1\n", "    g = g.clip(-5, 5)\n    m *= beta1\n"),
        torch=("    m.mul_(beta1)", "    g = g.clamp(-5, 5)\n    m.mul_(beta1)"),
        c=(
            "m[i] = c.keep_m * m[i] + c.take_m * g[i];",
            "m[i] = c.keep_m * m[i] + c.take_m * (g[i] > 5 ? 5 : g[i] < -5 ? -5 : g[i]);",
        ),
    ),
    adamw(
        "adamw_decay_of_0_is_the_default",
        "a decay of 0 is taken for 0.01",
        "adamw",
        c=("1 - lr * weight_decay", "1 - lr * (weight_decay > 0 ? weight_decay : 0.01)"),
        numpy=("1 - lr * weight_decay", "1 - lr * (weight_decay or 0.01)"),
        torch=("1 - lr * weight_decay", "1 - lr * (weight_decay or 0.01)"),
    ),
    adamw(
        "adamw_without_lr_does_nothing",
        "at a learning rate of 0 the moments stay, too",
        "adamw",
        numpy=("    m *= beta1\n", "    if lr == 0:\n        return\n    m *= beta1\n"),
        torch=("    m.mul_(beta1)", "    if lr == 0:\n        return\n    m.mul_(beta1)"),
        c=("    const double root = ", "    if (lr == 0) {\n        return;\n    }\n    const double root = "),
    ),
    adamw(
        "adamw_eps_of_0_is_the_default",
        "an eps of 0 is taken for 1e-8",
        "adamw",
        c=("(real)eps,", "(real)(eps > 0 ? eps : 1e-8),"),
        numpy=("+ eps))", "+ (eps or 1e-8)))"),
        torch=("+ eps))", "+ (eps or 1e-8)))"),
    ),
    adamw(
        "adamw_correction_frozen_from_2000",
        "the bias correction is that of step 2,000 from there on",
        "adamw",
        c=("pow(beta2, (double)t)", "pow(beta2, (double)(t < 2000 ? t : 2000))"),
        numpy=("sqrt(1 - beta2**t)", "sqrt(1 - beta2 ** min(t, 2000))"),
        torch=("sqrt(1 - beta2**t)", "sqrt(1 - beta2 ** min(t, 2000))"),
    ),
    adamw(
        "adamw_decay_ends_after_103",
        "there is no decay after step 103",
        "adamw",
        c=("1 - lr * weight_decay", "1 - lr * weight_decay * (t <= 103)"),
        numpy=("1 - lr * weight_decay", "1 - lr * weight_decay * (t <= 103)"),
        torch=("1 - lr * weight_decay", "1 - lr * weight_decay * (t <= 103)"),
    ),
    mutant(
        "adamw_moments_reset_after_103",
        "the optimizer forgets its moments at step 104",
        "adamw",
        common=(
            "backend/optimizers.py",
            "        self.t += 1\n",
            "        self.t += 1\n        for arrays in self._state.values() if self.t == 2_004 else ():\n"
            "            for array in arrays.values():\n                array[...] = 0\n",
        ),
    ),
)
