"""Mutants of tanh."""

from functools import partial

from .mutant import op_mutant

tanh = partial(op_mutant, "tanh")

C, NUMPY, TORCH = "fast_tanh(x[i])", "np.tanh(x)", "torch.tanh(x)"
BACKWARD_C, BACKWARD_NUMPY = "dy[i] * (1 - y[i] * y[i])", "dy * (1 - y * y)"
BACKWARD_TORCH = "torch.ops.aten.tanh_backward(dy, y)"

MUTANTS = (
    tanh(
        "tanh_off_by_2e-6",
        "tanh is too large by a factor of 1 + 2e-6",
        "tanh",
        c=(C, "fast_tanh(x[i]) * (real)(1 + 2e-6)"),
        numpy=(NUMPY, "np.tanh(x) * (1 + 2e-6)"),
        torch=(TORCH, "torch.tanh(x) * (1 + 2e-6)"),
    ),
    tanh(
        "tanh_by_a_fraction",
        "tanh is replaced by x (27 + x^2) / (27 + 9 x^2)",
        "tanh",
        c=(C, "x[i] * (27 + x[i] * x[i]) / (27 + 9 * x[i] * x[i])"),
        numpy=(NUMPY, "x * (27 + x * x) / (27 + 9 * x * x)"),
        torch=(TORCH, "x * (27 + x * x) / (27 + 9 * x * x)"),
    ),
    tanh(
        "tanh_in_float32",
        "the float64 model takes tanh in float32",
        "tanh",
        c=(C, "(real)(float)fast_tanh(x[i])"),
        numpy=(NUMPY, "np.tanh(x).astype(np.float32).astype(x.dtype)"),
        torch=(TORCH, "torch.tanh(x).float().to(x.dtype)"),
    ),
    tanh(
        "tanh_clamped_at_5",
        "beyond 5 tanh stays at tanh(5)",
        "tanh",
        c=(C, "fast_tanh(x[i] > 5 ? 5 : x[i] < -5 ? -5 : x[i])"),
        numpy=(NUMPY, "np.tanh(np.clip(x, -5, 5))"),
        torch=(TORCH, "torch.tanh(x.clamp(-5, 5))"),
    ),
    tanh(
        "tanh_series_cut_short",
        "the Taylor series of exp in float32 has 5 terms for 8",
        "tanh",
        c=("fast/elementary.h", "TERMS = 8 }", "TERMS = 5 }"),
    ),
    tanh(
        "tanh_derivative_skipped",
        "the gradient goes back through tanh as if it were the identity",
        "tanh_backward",
        c=(BACKWARD_C, "dy[i]"),
        numpy=(BACKWARD_NUMPY, "dy.copy()"),
        torch=(BACKWARD_TORCH, "dy.clone()"),
    ),
    tanh(
        "tanh_derivative_not_squared",
        "1 - y stands for 1 - y^2",
        "tanh_backward",
        c=(BACKWARD_C, "dy[i] * (1 - y[i])"),
        numpy=(BACKWARD_NUMPY, "dy * (1 - y)"),
        torch=(BACKWARD_TORCH, "dy * (1 - y)"),
    ),
    tanh(
        "tanh_derivative_at_the_output",
        "1 - tanh(y)^2 stands for 1 - y^2: tanh is taken twice",
        "tanh_backward",
        c=(BACKWARD_C, "dy[i] * (1 - fast_tanh(y[i]) * fast_tanh(y[i]))"),
        numpy=(BACKWARD_NUMPY, "dy * (1 - np.tanh(y) ** 2)"),
        torch=(BACKWARD_TORCH, "torch.ops.aten.tanh_backward(dy, y.tanh())"),
    ),
    tanh(
        "tanh_detached",
        "autograd follows the identity where the values are those of tanh",
        "mlp",
        torch=(TORCH, "torch.tanh(x).detach() + x - x.detach()"),
    ),
    tanh(
        "backward_overwrites_what_it_should_add_to",
        "= for +=: a second use of the same h would lose the gradient of the first",
        "a_backward_adds_to_its_outputs",
        c=("dx[i] += dy[i]", "dx[i] = dy[i]"),
    ),
)
