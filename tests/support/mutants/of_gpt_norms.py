"""Mutants of the norms of the GPT: layer_norm and rms_norm."""

from functools import partial

from .mutant import gpt_op_mutant

layer_norm, rms_norm = partial(gpt_op_mutant, "layer_norm"), partial(gpt_op_mutant, "rms_norm")

RSTD_C, RSTD_NUMPY = "1 / sqrt(squares / (real)E + f.eps)", "1 / np.sqrt(var + eps)"
Y_C, Y_NUMPY = "(x[e] - mean) * rstd * weight[e] + bias[e]", "centred * rstd[:, None] * weight + bias"
TORCH = "y, mean, rstd = torch.native_layer_norm(x, x.shape[1:], weight, bias, eps)"
DX_C = "rstd * (dy[e] * weight[e] - sum - (x[e] - mean) * rstd * sum_xhat)"
DX_NUMPY = "rstd[:, None] * (dxhat - mean_dxhat - xhat * mean_dxhat_xhat)"
BACK_TORCH = "return torch.ops.aten.native_layer_norm_backward(dy, x, x.shape[1:], *statistics, weight, bias, wanted)"
SUM_XHAT_C, DWEIGHT_NUMPY = "sum_xhat[e] += dy[e] * ((x[e] - mean) * rstd)", "(dy * xhat).sum(axis=0)"

RMS_NUMPY = "1 / np.sqrt(np.square(x).sum(axis=1) / x.shape[1] + eps)"
RMS_TORCH = "torch.rsqrt(x.square().mean(dim=1) + eps)"
RMS_DX_C = "rstd * ((weight ? dy[e] * weight[e] : dy[e]) - x[e] * rstd * sum_xhat)"
RMS_DX_NUMPY = "rstd[:, None] * (dxhat - xhat * mean_dxhat_xhat)"
RMS_DX_TORCH = "rstd[:, None] * (dxhat - xhat * (dxhat * xhat).mean(dim=1, keepdim=True))"


def by_hand(
    mean: str = "x.mean(1, keepdim=True)",
    var: str = "(x - mean).square().mean(1, keepdim=True)",
    rstd: str = "1 / (var + eps).sqrt()",
    y: str = "(x - mean) * rstd * weight + bias",
) -> tuple[str, str]:
    """The forward in torch, spelled out with one part of it wrong."""
    return TORCH, f"mean = {mean}\n    var = {var}\n    rstd = {rstd}\n    y = {y}"


def back_by_hand(
    dxhat: str = "dy * weight",
    dx: str = "rstd * (dxhat - dxhat.mean(1, keepdim=True) - xhat * (dxhat * xhat).mean(1, keepdim=True))",
    dweight: str = "(dy * xhat).sum(0)",
    dbias: str = "dy.sum(0)",
) -> tuple[str, str]:
    """And the backward."""
    lines = ["rstd = rstd[:, None]", "xhat = (x - mean[:, None]) * rstd", f"dxhat = {dxhat}", f"dx = {dx}"]
    return BACK_TORCH, "\n    ".join([*lines, f"return dx, {dweight}, {dbias}"])


MUTANTS = (
    layer_norm(
        "layer_norm_eps_outside_the_root",
        "rstd is 1 / (sqrt(var) + eps)",
        "layer_norm",
        c=(RSTD_C, "1 / (sqrt(squares / (real)E) + f.eps)"),
        numpy=(RSTD_NUMPY, "1 / (np.sqrt(var) + eps)"),
        torch=by_hand(rstd="1 / (var.sqrt() + eps)"),
    ),
    layer_norm(
        "layer_norm_unbiased",
        "the variance is divided by E - 1",
        "layer_norm",
        c=(RSTD_C, "1 / sqrt(squares / (real)(E - 1) + f.eps)"),
        numpy=("np.square(centred).sum(axis=1) / E", "np.square(centred).sum(axis=1) / (E - 1)"),
        torch=by_hand(var="x.var(1, keepdim=True)"),
    ),
    layer_norm(
        "layer_norm_eps_ignored",
        "eps is 1e-5 whatever is asked",
        "layer_norm",
        c=(RSTD_C, "1 / sqrt(squares / (real)E + (real)1e-5)"),
        numpy=(RSTD_NUMPY, "1 / np.sqrt(var + 1e-5)"),
        torch=by_hand(rstd="1 / (var + 1e-5).sqrt()"),
    ),
    layer_norm(
        "layer_norm_mean_left_in",
        "the mean is not taken off, only the rows scaled",
        "layer_norm",
        c=(Y_C, "x[e] * rstd * weight[e] + bias[e]"),
        numpy=(Y_NUMPY, "x * rstd[:, None] * weight + bias"),
        torch=by_hand(y="x * rstd * weight + bias"),
    ),
    layer_norm(
        "layer_norm_variance_in_one_pass",
        "the variance is mean(x^2) - mean(x)^2, which cancels",
        "layer_norm",
        c=("squares += (x[e] - mean) * (x[e] - mean); }", "squares += x[e] * x[e]; }\n        squares -= mean * sum;"),
        numpy=("np.square(centred).sum(axis=1) / E", "np.square(x).sum(axis=1) / E - mean * mean"),
        torch=by_hand(var="x.square().mean(1, keepdim=True) - mean.square()"),
    ),
    layer_norm(
        "layer_norm_without_bias",
        "the bias is not added",
        "layer_norm",
        c=(Y_C, "(x[e] - mean) * rstd * weight[e]"),
        numpy=(Y_NUMPY, "centred * rstd[:, None] * weight"),
        torch=by_hand(y="(x - mean) * rstd * weight"),
    ),
    layer_norm(
        "layer_norm_bias_before_the_weight",
        "y = (xhat + bias) weight",
        "layer_norm",
        c=(Y_C, "((x[e] - mean) * rstd + bias[e]) * weight[e]"),
        numpy=(Y_NUMPY, "(centred * rstd[:, None] + bias) * weight"),
        torch=by_hand(y="((x - mean) * rstd + bias) * weight"),
    ),
    layer_norm(
        "layer_norm_weight_around_one",
        "the weight is taken as 1 + weight, as some models store it",
        "layer_norm",
        c=(Y_C, "(x[e] - mean) * rstd * (1 + weight[e]) + bias[e]"),
        numpy=(Y_NUMPY, "centred * rstd[:, None] * (1 + weight) + bias"),
        torch=by_hand(y="(x - mean) * rstd * (1 + weight) + bias"),
    ),
    layer_norm(
        "layer_norm_of_the_whole_batch",
        "one mean and one variance for all rows",
        "layer_norm",
        numpy=("mean = x.sum(axis=1) / E", "mean = x.mean(axis=1) * 0 + x.mean()"),
        torch=by_hand(mean="x.mean().expand(len(x), 1)"),
    ),
    layer_norm(
        "layer_norm_returns_the_deviation",
        "the square root is returned where its reciprocal is asked for",
        "layer_norm",
        c=("f.mean[i] = mean, f.rstd[i] = rstd", "f.mean[i] = mean, f.rstd[i] = 1 / rstd"),
        numpy=("return y, mean, rstd", "return y, mean, 1 / rstd"),
        torch=("mean[:, 0], rstd[:, 0]", "mean[:, 0], 1 / rstd[:, 0]"),
    ),
    layer_norm(
        "layer_norm_weight_in_bf16",
        "the weight is rounded to bfloat16",
        "layer_norm",
        numpy=(
            Y_NUMPY,
            "centred * rstd[:, None] * (weight.astype('f4').view('u4') & 0xFFFF0000).view('f4') + bias",
        ),
        torch=(TORCH, TORCH.replace("weight", "weight.bfloat16().to(x.dtype)")),
    ),
    layer_norm(
        "layer_norm_in_float32",
        "the float64 model normalises in float32",
        "layer_norm",
        c=(RSTD_C, "(real)(float)(1 / sqrt(squares / (real)E + f.eps))"),
        numpy=(RSTD_NUMPY, "(1 / np.sqrt(var + eps)).astype('f4').astype(x.dtype)"),
        torch=by_hand(rstd="(1 / (var + eps).sqrt()).float().to(x.dtype)"),
    ),
    layer_norm(
        "layer_norm_gradient_past_the_mean",
        "dx lacks the way through the mean",
        "layer_norm_backward",
        c=(DX_C, "rstd * (dy[e] * weight[e] - (x[e] - mean) * rstd * sum_xhat)"),
        numpy=(DX_NUMPY, "rstd[:, None] * (dxhat - xhat * mean_dxhat_xhat)"),
        torch=back_by_hand(dx="rstd * (dxhat - xhat * (dxhat * xhat).mean(1, keepdim=True))"),
    ),
    layer_norm(
        "layer_norm_gradient_past_the_variance",
        "dx lacks the way through the variance",
        "layer_norm_backward",
        c=(DX_C, "rstd * (dy[e] * weight[e] - sum)"),
        numpy=(DX_NUMPY, "rstd[:, None] * (dxhat - mean_dxhat)"),
        torch=back_by_hand(dx="rstd * (dxhat - dxhat.mean(1, keepdim=True))"),
    ),
    layer_norm(
        "layer_norm_gradient_of_a_constant_scale",
        "dx = rstd dxhat, as if mean and variance were constants",
        "layer_norm_backward",
        c=(DX_C, "rstd * (dy[e] * weight[e])"),
        numpy=(DX_NUMPY, "rstd[:, None] * dxhat"),
        torch=back_by_hand(dx="rstd * dxhat"),
    ),
    layer_norm(
        "layer_norm_gradient_without_its_weight",
        "dxhat is dy, without the weight",
        "layer_norm_backward",
        numpy=("dxhat = dy * weight", "dxhat = dy"),
        torch=back_by_hand(dxhat="dy"),
    ),
    layer_norm(
        "layer_norm_gradient_not_scaled",
        "dx lacks the factor rstd",
        "layer_norm_backward",
        c=(DX_C, DX_C.removeprefix("rstd * ")),
        numpy=(DX_NUMPY, DX_NUMPY.removeprefix("rstd[:, None] * ")),
        torch=back_by_hand(dx="dxhat - dxhat.mean(1, keepdim=True) - xhat * (dxhat * xhat).mean(1, keepdim=True)"),
    ),
    layer_norm(
        "layer_norm_gradient_summed_for_averaged",
        "what is taken off is a sum, not a mean",
        "layer_norm_backward",
        c=("sum /= (real)E, sum_xhat /= (real)E;", "sum_xhat /= (real)E;"),
        numpy=("dxhat.sum(axis=1, keepdims=True) / E", "dxhat.sum(axis=1, keepdims=True)"),
        torch=back_by_hand(
            dx="rstd * (dxhat - dxhat.sum(1, keepdim=True) - xhat * (dxhat * xhat).mean(1, keepdim=True))"
        ),
    ),
    layer_norm(
        "layer_norm_weight_gradient_of_x",
        "dweight sums dy x, not dy xhat",
        "layer_norm_backward",
        c=(SUM_XHAT_C, "sum_xhat[e] += dy[e] * x[e] + 0 * (mean + rstd)"),
        numpy=(DWEIGHT_NUMPY, "(dy * x).sum(axis=0)"),
        torch=back_by_hand(dweight="(dy * x).sum(0)"),
    ),
    layer_norm(
        "layer_norm_weight_gradient_averaged",
        "dweight is a mean over the batch",
        "layer_norm_backward",
        c=("b.dweight[first + e] += sum_xhat[e];", "b.dweight[first + e] += sum_xhat[e] / (real)b.B;"),
        numpy=(DWEIGHT_NUMPY, "(dy * xhat).mean(axis=0)"),
        torch=back_by_hand(dweight="(dy * xhat).mean(0)"),
    ),
    layer_norm(
        "layer_norm_bias_gradient_weighted",
        "dbias sums dy weight",
        "layer_norm_backward",
        c=("b.dbias[first + e] += sum[e]", "b.dbias[first + e] += sum[e] * b.weight[first + e]"),
        numpy=("dbias = dy.sum(axis=0)", "dbias = dxhat.sum(axis=0)"),
        torch=back_by_hand(dbias="dxhat.sum(0)"),
    ),
    layer_norm(
        "layer_norm_gradient_of_a_thousand_rows",
        "dweight and dbias stop at row 1,000",
        "layer_norm_backward",
        c=(
            "for (size_t i = 0; i < b.B; i++) {\n        const real *restrict dy = b.dy + i * E + first",
            (
                "for (size_t i = 0; i < min_size(b.B, 1000); i++) {\n"
                "        const real *restrict dy = b.dy + i * E + first"
            ),
        ),
        numpy=("dbias = dy.sum(axis=0)", "dbias = dy[:1000].sum(axis=0)"),
        torch=back_by_hand(dbias="dy[:1000].sum(0)"),
    ),
    rms_norm(
        "rms_norm_eps_outside_the_root",
        "rstd is 1 / (sqrt(mean of x^2) + eps)",
        "rms_norm",
        c=(RSTD_C, "1 / (sqrt(squares / (real)E) + f.eps)"),
        numpy=(RMS_NUMPY, "1 / (np.sqrt(np.square(x).sum(axis=1) / x.shape[1]) + eps)"),
        torch=(RMS_TORCH, "1 / (x.square().mean(dim=1).sqrt() + eps)"),
    ),
    rms_norm(
        "rms_norm_without_eps",
        "eps is left out",
        "rms_norm",
        c=(RSTD_C, "1 / sqrt(squares / (real)E)"),
        numpy=(RMS_NUMPY, "1 / np.sqrt(np.square(x).sum(axis=1) / x.shape[1])"),
        torch=(RMS_TORCH, "torch.rsqrt(x.square().mean(dim=1))"),
    ),
    rms_norm(
        "rms_norm_by_the_length",
        "each row gets the length 1: the squares are summed, not averaged",
        "rms_norm",
        c=(RSTD_C, "1 / sqrt(squares + f.eps)"),
        numpy=(RMS_NUMPY, "1 / np.sqrt(np.square(x).sum(axis=1) + eps)"),
        torch=(RMS_TORCH, "torch.rsqrt(x.square().sum(dim=1) + eps)"),
    ),
    rms_norm(
        "rms_norm_by_the_deviation",
        "the mean is taken off before squaring, as in layer_norm",
        "rms_norm",
        numpy=(RMS_NUMPY, "1 / np.sqrt(x.var(axis=1) + eps)"),
        torch=(RMS_TORCH, "torch.rsqrt(x.var(dim=1, correction=0) + eps)"),
    ),
    rms_norm(
        "rms_norm_weight_ignored",
        "a weight that is there is not used",
        "rms_norm",
        c=("for (size_t e = 0; e < E && weight; e++) { y[e] *= weight[e]; }", "(void)weight;"),
        numpy=("y *= weight", "pass"),
        torch=("return y if weight is None else y * weight, rstd", "return y, rstd"),
    ),
    rms_norm(
        "rms_norm_gradient_of_a_constant_scale",
        "dx = rstd dxhat, as if rstd were a constant",
        "rms_norm_backward",
        c=(RMS_DX_C, "rstd * (weight ? dy[e] * weight[e] : dy[e])"),
        numpy=(RMS_DX_NUMPY, "rstd[:, None] * dxhat"),
        torch=(RMS_DX_TORCH, "rstd[:, None] * dxhat"),
    ),
    rms_norm(
        "rms_norm_gradient_summed_for_averaged",
        "what is taken off is not divided by E",
        "rms_norm_backward",
        c=("sum_xhat /= (real)E;", ";"),
        numpy=("sum(axis=1, keepdims=True) / x.shape[1]", "sum(axis=1, keepdims=True)"),
        torch=(RMS_DX_TORCH, RMS_DX_TORCH.replace("mean", "sum")),
    ),
    rms_norm(
        "rms_norm_gradient_takes_off_x",
        "x stands for xhat in what is taken off",
        "rms_norm_backward",
        c=(RMS_DX_C, RMS_DX_C.replace("x[e] * rstd * sum_xhat", "x[e] * sum_xhat")),
        numpy=(RMS_DX_NUMPY, "rstd[:, None] * (dxhat - x * mean_dxhat_xhat)"),
        torch=(RMS_DX_TORCH, RMS_DX_TORCH.replace("- xhat *", "- x *")),
    ),
    rms_norm(
        "rms_norm_weight_gradient_of_x",
        "dweight sums dy x, not dy xhat",
        "rms_norm_backward",
        c=("sum_xhat[e] += dy[e] * (x[e] * rstd);", "sum_xhat[e] += dy[e] * x[e] + 0 * rstd;"),
        numpy=("(dy * xhat).sum(axis=0)", "(dy * x).sum(axis=0)"),
        torch=("(dy * xhat).sum(dim=0)", "(dy * x).sum(dim=0)"),
    ),
    rms_norm(
        "rms_norm_weight_gradient_weighted",
        "dweight sums dxhat xhat",
        "rms_norm_backward",
        numpy=("(dy * xhat).sum(axis=0)", "(dxhat * xhat).sum(axis=0)"),
        torch=("(dy * xhat).sum(dim=0)", "(dxhat * xhat).sum(dim=0)"),
        c=("b.dweight[first + e] += sum_xhat[e]", "b.dweight[first + e] += sum_xhat[e] * b.weight[first + e]"),
    ),
    rms_norm(
        "rms_norm_gradient_without_its_weight",
        "what is taken off is computed from dy, without the weight",
        "rms_norm_backward",
        c=("sum_xhat += (weight ? dy[e] * weight[e] : dy[e]) * (x[e] * rstd)", "sum_xhat += dy[e] * (x[e] * rstd)"),
        numpy=("mean_dxhat_xhat = (dxhat * xhat)", "mean_dxhat_xhat = (dy * xhat)"),
        torch=(RMS_DX_TORCH, RMS_DX_TORCH.replace("(dxhat * xhat)", "(dy * xhat)")),
    ),
)
