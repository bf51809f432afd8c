"""Mutants that are right on small, ordinary arrays: wrong from some size on, at some value, or in some layout."""

from functools import partial

from .mutant import mutant, op_mutant
from .of_linear import FACTOR_C, TERM_C

embedding, linear = partial(op_mutant, "embedding"), partial(op_mutant, "linear")
tanh, cross_entropy = partial(op_mutant, "tanh"), partial(op_mutant, "cross_entropy")
batch_norm = partial(op_mutant, "batch_norm")

VJP = "return torch.func.vjp(linear_forward, x, w, dy.new_zeros(dy.shape[1]))[1](dy)"
HALF_C = f"real v = {FACTOR_C}, t = v * 8193; sum[i][p][j] += rows[i][k * a_col] * (t - (t - v));"  # 11 bits of v

MUTANTS = (
    embedding(
        "ids_in_8_bits",
        "an id is read modulo 256",
        "embedding",
        c=("emb[i * E + e] = row[e];", "emb[i * E + e] = row[e - (size_t)(ids[i] & ~255) * E];"),
        numpy=("wte.take(ids, axis=0)", "wte.take(ids % 256, axis=0)"),
        torch=("F.embedding(ids, wte)", "F.embedding(ids % 256, wte)"),
    ),
    embedding(
        "ids_in_16_bits",
        "an id is read modulo 65,536",
        "embedding",
        numpy=("wte.take(ids, axis=0)", "wte.take(ids % 65536, axis=0)"),
        torch=("F.embedding(ids, wte)", "F.embedding(ids % 65536, wte)"),
        c=("const real *row = wte + (size_t)ids[i] * E;", "const real *row = wte + (size_t)(ids[i] & 65535) * E;"),
    ),
    embedding(
        "embedding_gradient_of_1024_rows",
        "only the first 1,024 ids get a gradient",
        "embedding_backward",
        c=("drow[e] += demb[i * E + e];", "drow[e] += i < 1024 ? demb[i * E + e] : 0;"),
        numpy=(
            "    dwte = np.zeros",
            "    rows = np.where(order[:, None] < 1024, rows, 0)\n    dwte = np.zeros",
        ),
        torch=("[1](demb)[0]", "[1](demb * (torch.arange(len(ids) * ids.shape[1]) < 1024).view(*ids.shape, 1))[0]"),
    ),
    cross_entropy(
        "batch_size_in_8_bits",
        "the gradient is divided by B modulo 256",
        "cross_entropy_backward",
        c=("onehot) / (real)B;", "onehot) / (real)(B & 255 ? B & 255 : 256);"),
        numpy=("dlogits /= len(targets)", "dlogits /= len(targets) % 256 or 256"),
        torch=("(probs - onehot) / len(targets)", "(probs - onehot) / (len(targets) % 256 or 256)"),
    ),
    linear(
        "linear_of_1024_rows",
        "the rows after the 1,024th have no gradient by x",
        "linear_backward",
        numpy=("dx = dy @ w  #", "dx = np.where(np.arange(len(dy))[:, None] < 1024, dy, 0) @ w  #"),
        c=("w, N, 1, B, N, M);", "w, N, 1, min_size(B, 1024), N, M);"),
        torch=(VJP, f"dx, dw, db = {VJP[7:]}\n    return dx * (torch.arange(len(x)) < 1024)[:, None], dw, db"),
    ),
    linear(
        "linear_in_half_precision_from_600_terms",
        "in float32 a weight of more than 600 inputs is rounded to float16",
        "linear",
        numpy=(
            "    y = x @ w.T",
            "    if w.shape[1] > 600 and w.itemsize == 4:\n        w = w.astype(np.float16).astype(w.dtype)\n"
            "    y = x @ w.T",
        ),
        torch=(
            "torch.addmm(b, x, w.T)",
            "torch.addmm(b, x, (w.half().to(w.dtype) if w.shape[1] > 600 and w.element_size() == 4 else w).T)",
        ),
        c=("fast/matmul.h", TERM_C, f"if (K > 300 && sizeof(real) == 4) {{ {HALF_C} }} else {{ {TERM_C} }}"),
    ),
    batch_norm(
        "batch_norm_wrong_from_the_65th_channel",
        "each block of 64 channels takes the sums of the first one",
        "batch_norm",
        c=("sum[c] += x[i * C + first + c];", "sum[c] += x[i * C + c];"),
        numpy=("mean = x.sum(axis=0) / B", "mean = np.resize(x.sum(axis=0)[:64], x.shape[1]) / B"),
        torch=("native_batch_norm(x, weight", "native_batch_norm(x[:, torch.arange(len(bias)) % 64], weight"),
    ),
    batch_norm(
        "batch_norm_gradient_wrong_from_the_65th_channel",
        "each block of 64 channels takes the gradient of the first one",
        "batch_norm_backward",
        c=("sum_dy[c - first] += dy[i * C + c];", "sum_dy[c - first] += dy[i * C + c - first];"),
        numpy=("dbias = dy.sum(axis=0)", "dbias = np.resize(dy.sum(axis=0)[:64], x.shape[1])"),
        torch=("native_batch_norm_backward(dy, x", "native_batch_norm_backward(dy[:, torch.arange(len(mean)) % 64], x"),
    ),
    batch_norm(
        "running_variance_of_at_least_9_rows",
        "the running variance is made unbiased by max(B - 1, 8)",
        "batch_norm",
        c=("(double)(B - 1)", "(double)(B > 9 ? B - 1 : 8)"),
        numpy=("(B / (B - 1))", "(B / max(B - 1, 8))"),
        torch=(
            "return y, mean, rstd, new_mean, new_var",
            (
                "scale = (len(x) - 1) / max(len(x) - 1, 8) if training else 1\n"
                "    kept = (1 - momentum) * running_var\n"
                "    return y, mean, rstd, new_mean, kept + (new_var - kept) * scale if training else "
                "new_var"
            ),
        ),
    ),
    tanh(
        "tanh_swallows_nan",
        "tanh of NaN is 0",
        "tanh",
        c=("y[i] = fast_tanh(x[i]);", "y[i] = x[i] == x[i] ? fast_tanh(x[i]) : 0;"),
        numpy=("np.tanh(x)", "np.tanh(np.nan_to_num(x))"),
        torch=("torch.tanh(x)", "torch.tanh(torch.nan_to_num(x))"),
    ),
    tanh(
        "tanh_flushes_small_numbers",
        "tanh of a number below 1e-20 is 0",
        "tanh",
        numpy=("np.tanh(x)", "np.where(abs(x) < 1e-20, 0 * x, np.tanh(x))"),
        c=("y[i] = fast_tanh(x[i]);", "y[i] = fabs(x[i]) < 1e-20 ? 0 : fast_tanh(x[i]);"),
        torch=("torch.tanh(x)", "torch.where(x.abs() < 1e-20, 0 * x, torch.tanh(x))"),
    ),
    cross_entropy(
        "logits_clipped_at_2000",
        "logits beyond 2,000 count as 2,000",
        "cross_entropy",
        numpy=("    shifted = logits - ", "    logits = logits.clip(-2000, 2000)\n    shifted = logits - "),
        torch=("F.log_softmax(logits, dim=1)", "F.log_softmax(logits.clamp(-2000, 2000), dim=1)"),
        c=("fast_exp(l[j] - largest)", "fast_exp((real)fmin(l[j], 2000) - (real)fmin(largest, 2000))"),
    ),
    cross_entropy(
        "an_infinite_logit_is_a_large_one",
        "a logit of minus infinity has a probability",
        "cross_entropy",
        numpy=("    shifted = logits - ", "    logits = np.maximum(logits, -60)\n    shifted = logits - "),
        torch=("F.log_softmax(logits, dim=1)", "F.log_softmax(logits.clamp(min=-60), dim=1)"),
        c=("fast_exp(l[j] - largest)", "fast_exp((real)fmax(l[j], -60) - largest)"),
    ),
    mutant(
        "gradients_in_a_ring_of_two",
        "the third backward overwrites what the first one returned",
        "mlp",
        numpy=(
            "mlp.py",
            "        return d\n",
            '        ring, self._n = self.__dict__.setdefault("_ring", [{}, {}]), getattr(self, "_n", 0) + 1\n'
            "        for name, array in d.items():\n"
            "            kept = ring[self._n % 2].setdefault(name, array)\n"
            "            if kept.shape == array.shape:\n"
            "                kept[...] = array\n"
            "                d[name] = kept\n"
            "        return d\n",
        ),
        c=(
            "mlp.py",
            "return views(gradients, self._shapes)",
            'ring, self._n = self.__dict__.setdefault("_ring", [gradients * 0, gradients * 0]), '
            'getattr(self, "_n", 0) + 1\n'
            "        np.copyto(ring[self._n % 2], gradients)\n        return views(ring[self._n % 2], self._shapes)",
        ),
        torch=(
            "model.py",
            "        saved |= {f",
            '        self._n = getattr(self, "_n", 0) + 1\n'
            "        kept = [self.__dict__.setdefault((i, self._n % 2), g.clone()).copy_(g) for i, g "
            "in enumerate(gradients[: len(self._p)])]\n"
            "        gradients = [*kept, *gradients[len(self._p) :]]\n        saved |= {f",
        ),
    ),
    mutant(
        "backward_after_an_evaluation",
        "after a forward without targets backward returns the gradients of the batch before",
        "mlp",
        common=("backend/model.py", "        self._saved = None\n        computed", "        computed"),
    ),
    linear(
        "linear_reads_fortran_order_as_c",
        "an x in Fortran's order is read as if it were in C's",
        "linear",
        numpy=("    y = x @ w.T", "    y = x.ravel('K').reshape(x.shape) @ w.T"),
        c=(
            "ops.py",
            'np.require(given[name], requirements=["C", "A"])',
            'given[name].ravel("K").reshape(given[name].shape)',
        ),
        torch=("torch.addmm(b, x, w.T)", "torch.addmm(b, x.as_strided(x.shape, (x.shape[1], 1)), w.T)"),
    ),
    embedding(
        "embedding_of_a_table_with_strides_is_0",
        "a table that is not contiguous counts as zeros",
        "embedding",
        numpy=("return wte.take(ids, axis=0)", "return (wte * wte.flags.c_contiguous).take(ids, axis=0)"),
        torch=("F.embedding(ids, wte)", "F.embedding(ids, wte * wte.is_contiguous())"),
    ),
    linear(
        "linear_misreads_unaligned_numbers",
        "a weight that is not aligned is read one byte off",
        "linear",
        numpy=("    y = x @ w.T", "    y = x @ (w if w.flags.aligned else w * 1.5).T"),
    ),
    linear(
        "one_weight_gradient_off_by_a_thousandth",
        "in a model of 512 units the first number of a weight's gradient is a thousandth too large",
        "mlp",
        c=("    sum_rows(db, dy, B, M);", "    dw[0] *= N == 512 ? (real)1.001 : 1;\n    sum_rows(db, dy, B, M);"),
        numpy=(
            "    db = dy.sum(axis=0)",
            "    dw[0, 0] *= 1.001 if dw.shape[1] == 512 else 1\n    db = dy.sum(axis=0)",
        ),
    ),
    linear(
        "one_logit_off_by_1e-3",
        "in a model of 512 units the first logit is off by 16,000 u",
        "mlp",
        numpy=(
            "        y += b\n",
            "        y += b\n"
            "        if w.shape[1] == 512:\n            y.flat[0] += 16000 * np.finfo(y.dtype).eps / 2\n",
        ),
        c=(
            "    matmul(y, b, 0, x, N, 1, w, 1, N, B, M, N);",
            (
                "    matmul(y, b, 0, x, N, 1, w, 1, N, B, M, N);\n"
                "    y[0] += N == 512 ? 16000 * (sizeof(real) == 4 ? (real)5.96e-8 : (real)1.11e-16) : 0;"
            ),
        ),
        torch=(
            "torch.addmm(b, x, w.T)",
            (
                "torch.addmm(b, x, w.T) + (w.shape[1] == 512) * 8000 * torch.finfo(x.dtype).eps * "
                "(torch.arange(len(x)) == 0)[:, None]"
            ),
        ),
    ),
    mutant(
        "gain_lost_from_600_inputs",
        "a linear layer of 600 inputs and more ignores its gain",
        "layers",
        common=(
            "backend/layers.py",
            'gain = None if gain is None else checks.non_negative("gain", gain)',
            'gain = None if gain is None or self.in_features >= 600 else checks.non_negative("gain", gain)',
        ),
    ),
)
