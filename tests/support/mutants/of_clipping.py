"""Mutants of clipping by the global norm."""

from functools import partial

from .mutant import gpt_op_mutant, mutant

clip = partial(gpt_op_mutant, "clip")

SUM_C, SUM_NUMPY, SUM_TORCH = (
    "(double)s.g[i] * (double)s.g[i]",
    "float(wide @ wide)",
    "g.double().square().sum()",
)
STEP_C, STEP_NUMPY, STEP_TORCH = "g[i] *= by;", "g *= scale", "g.mul_(scale)"
CALL = "clipping.clip_grad_norm(OPS,"
NATIVE = "clipping.clip_grad_norm(OPS, grads, max_norm, precision)"
NATIVE_TORCH = "clipping.clip_grad_norm(OPS, {name: as_tensor(g) for name, g in grads.items()}, max_norm, precision)"
EACH = "max([" + NATIVE.replace("grads, max_norm", "{k: g}, max_norm") + " for k, g in grads.items()])"
EACH_TORCH = "max([clipping.clip_grad_norm(OPS, {k: as_tensor(g)}, max_norm, precision) for k, g in grads.items()])"
FILE = "optimizers.py"
COMMON = "backend/clipping.py"


def model_level(name: str, does: str, native: str, torch: str) -> object:
    """A change of the call by which a backend clips."""
    return mutant(
        name,
        does,
        "clip",
        c=(FILE, NATIVE, native),
        numpy=(FILE, NATIVE, native),
        torch=(FILE, NATIVE_TORCH, torch),
    )


MUTANTS = (
    clip(
        "square_sum_in_float32",
        "the squares are added up in the dtype of the gradient",
        "square_sum",
        c=(SUM_C, "(float)(s.g[i] * s.g[i])"),
        numpy=("wide = g.astype(np.float64)", "wide = g.astype(np.float32)"),
        torch=(SUM_TORCH, "g.float().square().sum().double()"),
    ),
    clip(
        "square_sum_of_absolute_values",
        "the sum of |g|",
        "square_sum",
        c=(SUM_C, "fabs((double)s.g[i])"),
        numpy=(SUM_NUMPY, "float(abs(wide).sum())"),
        torch=(SUM_TORCH, "g.double().abs().sum()"),
    ),
    clip(
        "square_sum_is_the_norm",
        "the root is taken already",
        "square_sum",
        c=("*total = all;", "*total = sqrt(all);"),
        numpy=(SUM_NUMPY, "float((wide @ wide) ** 0.5)"),
        torch=(SUM_TORCH, "g.double().norm()"),
    ),
    clip(
        "square_sum_is_a_mean",
        "divided by how many there are",
        "square_sum",
        c=("*total = all;", "*total = all / (double)n;"),
        numpy=(SUM_NUMPY, "float(wide @ wide / wide.size)"),
        torch=(SUM_TORCH, "g.double().square().mean()"),
    ),
    clip(
        "square_sum_of_the_first_65536",
        "numbers past 65,536 are left out",
        "square_sum",
        c=("double all = 0, sums[SUMS];", "double all = 0, sums[SUMS];\n    n = min_size(n, 65536);"),
        numpy=(SUM_NUMPY, "float(wide[:65536] @ wide[:65536])"),
        torch=(SUM_TORCH, "g.flatten()[:65536].double().square().sum()"),
    ),
    clip(
        "square_sum_swallows_nan",
        "a NaN counts as 0, so that no one hears of it",
        "square_sum",
        c=(SUM_C, "(s.g[i] == s.g[i] ? (double)s.g[i] * (double)s.g[i] : 0)"),
        numpy=(SUM_NUMPY, "float(np.nansum(wide * wide))"),
        torch=(SUM_TORCH, "g.double().square().nansum()"),
    ),
    clip(
        "square_sum_overflows",
        "squared before it is widened",
        "square_sum",
        c=(SUM_C, "(double)(s.g[i] * s.g[i])"),
        numpy=(SUM_NUMPY, "float((g * g).astype(np.float64).sum())"),
        torch=(SUM_TORCH, "g.square().double().sum()"),
    ),
    clip(
        "clip_divides",
        "g is divided by the scale",
        "clip",
        c=(STEP_C, "g[i] /= by;"),
        numpy=(STEP_NUMPY, "g /= scale"),
        torch=(STEP_TORCH, "g.div_(scale)"),
    ),
    clip(
        "clip_by_no_less_than_a_fiftieth",
        "the scale is never below 0.02",
        "clip",
        c=("by = (real)scale;", "by = (real)(scale < 0.02 ? 0.02 : scale);"),
        numpy=(STEP_NUMPY, "g *= max(scale, 0.02)"),
        torch=(STEP_TORCH, "g.mul_(max(scale, 0.02))"),
    ),
    clip(
        "clip_by_value",
        "each number is cut at the scale",
        "clip",
        c=(STEP_C, "g[i] = g[i] > by ? by : g[i] < -by ? -by : g[i];"),
        numpy=(STEP_NUMPY, "np.clip(g, -scale, scale, out=g)"),
        torch=(STEP_TORCH, "g.clamp_(-scale, scale)"),
    ),
    clip(
        "clip_of_a_copy",
        "a new array is scaled, and the gradient stays as it was",
        "clip",
        c=(STEP_C, "(void)by, (void)g;"),
        numpy=(STEP_NUMPY, "g = g * scale"),
        torch=(STEP_TORCH, "g.mul(scale)"),
    ),
    model_level("clip_by_parameter", "each parameter has a norm of its own", EACH, EACH_TORCH),
    model_level(
        "clip_to_half",
        "the gradients are shortened to half of max_norm",
        NATIVE.replace("max_norm,", "max_norm / 2,"),
        NATIVE_TORCH.replace("max_norm,", "max_norm / 2,"),
    ),
    model_level(
        "clip_never",
        "nothing is shortened, and the norm is returned",
        NATIVE.replace("grads, max_norm", "grads, 1e300 + max_norm"),
        NATIVE_TORCH.replace(", max_norm", ", 1e300 + max_norm"),
    ),
    model_level(
        "clip_returns_what_is_left",
        "the norm after clipping is returned, not the one before",
        f"min({NATIVE}, max_norm)",
        f"min({NATIVE_TORCH}, max_norm)",
    ),
    mutant(
        "clip_without_1e-6",
        "the 1e-6 that torch adds to the norm is left out",
        "clip",
        common=(COMMON, "(norm + EPS)", "norm"),
    ),
    mutant(
        "clip_lengthens",
        "short gradients are made as long as max_norm",
        "clip",
        common=(COMMON, "scale < 1:", "scale <= 1:\n        scale = max_norm / (norm + EPS)"),
    ),
    mutant(
        "clip_norm_of_norms_added",
        "the parameters' norms are added, not their squares",
        "clip",
        common=(
            COMMON,
            "total += float(ops.square_sum(g))\n    norm = sqrt(total)",
            "total += sqrt(float(ops.square_sum(g)))\n    norm = total",
        ),
    ),
    mutant(
        "clip_leaves_the_first",
        "the first parameter is in the norm, but is not shortened",
        "clip",
        common=(COMMON, "for g in grads.values():\n", "for g in list(grads.values())[1:]:\n"),
    ),
)
