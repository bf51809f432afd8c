"""Mutants of the optimizers, the layers and the MLP in strict float32: they round elsewhere, or natively."""

from functools import partial

from .mutant import mutant, op_mutant

sgd, adamw = partial(op_mutant, "sgd"), partial(op_mutant, "adamw")

DENOMINATOR_C = "(m[i] / (sqrt(v[i]) / root + tiny))"
SQUARE, STEP, STEP_C = "(1 - beta2) * (g * g)", "lr / (1 - beta1**t)", "(real)(lr / (1 - pow(beta1, (double)t)))"
ROOT = "sqrt(v) / sqrt(1 - beta2**t) + eps)"
OUTPUT = 'logits = ops.linear_forward(h, p["fc2.weight"], p["fc2.bias"])'
LEFT_NATIVE = OUTPUT.replace("ops.", 'self.ops_by_precision["native"].')

MUTANTS = (
    sgd(
        "strict_sgd_step_fused",
        "lr g and lr weight_decay p are taken off without the sum between, or in one instruction",
        "strict sgd",
        c=("p[i] -= rate * (g[i] + decay * p[i]);", "p[i] -= rate * g[i] + rate * decay * p[i];"),
        numpy=("lr * (g + weight_decay * p)", "lr * g + lr * weight_decay * p"),
        torch=("p.sub_(lr * (g + weight_decay * p))", "p.add_(g + weight_decay * p, alpha=-lr)"),
    ),
    adamw(
        "strict_adamw_step_fused",
        "step m / denominator stands for step (m / denominator), as torch's addcdiv has it",
        "strict adamw",
        c=(DENOMINATOR_C, DENOMINATOR_C.removeprefix("(").removesuffix(")")),
        numpy=(f"{STEP} * (m / (np.{ROOT})", f"{STEP} * m / (np.{ROOT}"),
        torch=(
            "strict_ops.py",
            f"p.sub_({STEP} * (m / (cr.{ROOT}))",
            f"p.addcdiv_(m, cr.{ROOT.removesuffix(')')}, value=-{STEP})",
        ),
    ),
    adamw(
        "strict_second_moment_fused",
        "((1 - beta2) g) g stands for (1 - beta2) (g g), as torch's addcmul has it",
        "strict adamw",
        c=("take_v * (g[i] * g[i])", "take_v * g[i] * g[i]"),
        numpy=(SQUARE, "(1 - beta2) * g * g"),
        torch=("strict_ops.py", f"add_({SQUARE})", "addcmul_(g, g, value=1 - beta2)"),
    ),
    adamw(
        "strict_one_minus_rounded_beta1",
        "1 - float32(beta1) stands for float32(1 - beta1)",
        "strict adamw",
        c=("take_m = (real)(1 - beta1)", "take_m = 1 - (real)beta1"),
        numpy=("(1 - beta1) * g", "(1 - g.dtype.type(beta1)) * g"),
        torch=("strict_ops.py", "(1 - beta1) * g", "(1 - g.new_tensor(beta1)) * g"),
    ),
    adamw(
        "strict_step_size_in_float32",
        "lr and 1 - beta1^t are each rounded before one is divided by the other",
        "strict adamw",
        c=(STEP_C, "(real)lr / (real)(1 - pow(beta1, (double)t))"),
        numpy=(STEP, "g.dtype.type(lr) / g.dtype.type(1 - beta1**t)"),
        torch=("strict_ops.py", STEP, "g.new_tensor(lr) / g.new_tensor(1 - beta1**t)"),
    ),
    mutant(
        "strict_optimizer_left_native",
        "AdamW takes its steps in native float32",
        "strict training",
        c=("optimizers.py", "self.kernels[self.precision]", '"native"'),
        torch=("optimizers.py", 'if self.precision != "native" or not', "if not"),
    ),
    mutant(
        "strict_output_layer_left_native",
        "the MLP does not tell its output layer that it is strict",
        "strict mlp",
        numpy=("mlp.py", OUTPUT, LEFT_NATIVE),
        torch=("mlp.py", OUTPUT, LEFT_NATIVE),
    ),
    mutant(
        "strict_layers_left_native",
        "a layer computes in native float32 whatever it was asked for",
        "strict layers",
        common=("backend/layer.py", "self.ops_by_precision[self.precision]", 'self.ops_by_precision["native"]'),
    ),
)
