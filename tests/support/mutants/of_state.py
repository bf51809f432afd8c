"""Mutants of state: what is kept between calls, shared by two models or parameters, or written where it must not be."""

from functools import partial

from .mutant import mutant, op_mutant

tanh, cross_entropy = partial(op_mutant, "tanh"), partial(op_mutant, "cross_entropy")
batch_norm, sgd, adamw = partial(op_mutant, "batch_norm"), partial(op_mutant, "sgd"), partial(op_mutant, "adamw")
linear, embedding = partial(op_mutant, "linear"), partial(op_mutant, "embedding")

GRADIENTS_TORCH = "return dict(zip(self._p, map(as_array, gradients), strict=False))"
FORWARD_TO_BACKWARD = (
    '        return {"emb": emb, "h_pre": h_pre, "h": h, "logits": logits, "probs": probs, "loss": loss}\n\n'
    "    def _backward(self, s: dict[str, np.ndarray]) -> dict[str, np.ndarray]:\n"
)
FC2 = 'ops.linear_forward(h, p["fc2.weight"], p["fc2.bias"])'
STATE = "{name: self.zeros_like(p) for name, p in self._p.items()}"
UPDATES = "        for name, p in self._p.items():\n            self._update("

MUTANTS = (
    tanh(
        "tanh_gradient_in_place_of_dy",
        "backward writes its result over dy",
        "tanh_backward",
        c=("dx[i] += dy[i] * (1 - y[i] * y[i]);", "dx[i] += ((real *)dy)[i] *= 1 - y[i] * y[i];"),
        numpy=("return dy * (1 - y * y)", "dy *= 1 - y * y\n    return dy"),
        torch=("return torch.ops.aten.tanh_backward(dy, y)", "return dy.mul_(1 - y * y)"),
    ),
    tanh(
        "tanh_in_place",
        "forward writes its result over x",
        "tanh",
        c=("y[i] = fast_tanh(x[i]);", "((real *)x)[i] = y[i] = fast_tanh(x[i]);"),
        numpy=("np.tanh(x)", "np.tanh(x, out=x)"),
        torch=("torch.tanh(x)", "x.detach().tanh_()"),
    ),
    tanh(
        "tanh_of_small_numbers_is_the_argument",
        "where all numbers are small, x itself is returned",
        "tanh",
        numpy=("return np.tanh(x)", "return x if x.size and abs(x).max() < 1e-5 else np.tanh(x)"),
    ),
    linear(
        "linear_of_one_buffer",
        "results of the same shape share one array",
        "linear",
        numpy=(
            "    y = x @ w.T",
            "    y = vars(np).setdefault(f'_{len(x)}x{len(w)}{x.dtype}', np.empty((len(x), len(w)), x.dtype))\n    np.matmul(x, w.T, out=y)",
        ),
    ),
    linear(
        "bias_written_into_the_gradient",
        "backward clears dy when it is done",
        "linear_backward",
        c=("    sum_rows(db, dy, B, M);", "    sum_rows(db, dy, B, M);\n    ((real *)dy)[0] = 0;"),
        numpy=("db = dy.sum(axis=0)", "db = dy.sum(axis=0)\n    dy[...] = 0"),
        torch=("dy.new_zeros(dy.shape[1]))[1](dy)", "dy.new_zeros(dy.shape[1]))[1](dy.clone() + 0 * dy.zero_())"),
    ),
    cross_entropy(
        "logits_overwritten",
        "the maximum is taken off the caller's logits",
        "cross_entropy",
        c=("    f->losses[i] = log(all)", "    ((real *)l)[0] -= largest;\n    f->losses[i] = log(all)"),
        numpy=(
            "shifted = logits - logits.max(axis=1, keepdims=True)",
            "logits -= logits.max(axis=1, keepdims=True)\n    shifted = logits",
        ),
        torch=("F.log_softmax(logits, dim=1)", "F.log_softmax(logits.sub_(logits.detach().amax(1, True)), dim=1)"),
    ),
    cross_entropy(
        "targets_clamped_in_place",
        "the caller's targets are written to",
        "cross_entropy",
        c=(
            "    f->losses[i] = log(all)",
            "    ((int32_t *)f->targets)[i] = f->targets[i] > 0;\n    f->losses[i] = log(all)",
        ),
        numpy=("    return float(loss), probs", "    targets[...] = 0\n    return float(loss), probs"),
        torch=("    return loss,", "    targets.zero_()\n    return loss,"),
    ),
    batch_norm(
        "running_statistics_in_place",
        "the running mean that is given is overwritten by the new one",
        "batch_norm",
        c=(
            "mean[c] = training ? mean[c] : running_mean[c];",
            "((real *)running_mean)[c] = new_running_mean[c];\n        mean[c] = training ? mean[c] : running_mean[c];",
        ),
        numpy=("    rstd = 1 / np.sqrt", "    running_var += 0 if not training else 1\n    rstd = 1 / np.sqrt"),
        torch=("running_mean.clone(), running_var.clone()", "running_mean, running_var"),
    ),
    batch_norm(
        "new_statistics_alias_the_old_in_evaluation",
        "in evaluation y is scaled in place of x",
        "batch_norm",
        numpy=(
            "    y = (x - mean) * rstd * weight + bias",
            "    y = np.subtract(x, mean, out=x) * rstd * weight + bias",
        ),
    ),
    sgd(
        "sgd_clears_the_gradient",
        "the gradient is zeroed after the step",
        "sgd",
        c=("(g[i] + decay * p[i]); }", "(g[i] + decay * p[i]); ((real *)g)[i] = 0; }"),
        numpy=("weight_decay * p)\n", "weight_decay * p)\n    g[...] = 0\n"),
        torch=("weight_decay * p))\n", "weight_decay * p))\n    g.zero_()\n"),
    ),
    adamw(
        "adamw_clears_the_gradient",
        "the gradient is zeroed after the step",
        "adamw",
        c=(
            "(sqrt(v[i]) * c.inverse_root + c.eps));",
            "(sqrt(v[i]) * c.inverse_root + c.eps));\n        ((real *)g)[i] = 0;",
        ),
        numpy=("+ eps))\n", "+ eps))\n    g[...] = 0\n"),
        torch=("+ eps)))\n", "+ eps)))\n    g.zero_()\n"),
    ),
    adamw(
        "adamw_decay_into_the_gradient",
        "the decay is added to the caller's gradient, too",
        "adamw",
        numpy=("    m *= beta1\n", "    m *= beta1\n    g += weight_decay * lr * p\n"),
        torch=("    m.mul_(beta1)", "    g.add_(weight_decay * lr * p)\n    m.mul_(beta1)"),
    ),
    embedding(
        "embedding_gradient_scaled_in_place",
        "demb is divided by the number of its rows",
        "embedding_backward",
        c=("drow[e] += demb[i * E + e];", "drow[e] += demb[i * E + e]; ((real *)demb)[i * E + e] = 0;"),
        numpy=("    return dwte\n", "    demb /= 2\n    return dwte\n"),
        torch=(
            "wte = demb.new_zeros(V, demb.shape[-1])",
            "demb, wte = demb.clone() + 0 * demb.zero_(), demb.new_zeros(V, demb.shape[-1])",
        ),
    ),
    embedding(
        "embedding_shows_the_table",
        "of consecutive ids a view of the table is returned, which changes as it is trained",
        "embedding",
        numpy=(
            "return wte.take(ids, axis=0)",
            "first, n = ids.flat[0], ids.size\n    if ids.max() < n <= len(wte) and (ids.ravel() == np.arange(n)).all() and first == 0:\n        return wte[:n].reshape(*ids.shape, -1)\n    return wte.take(ids, axis=0)",
        ),
    ),
    mutant(
        "backward_of_another_model_s_forward",
        "backward goes back from the last forward of any model",
        "mlp",
        numpy=(
            "mlp.py",
            FORWARD_TO_BACKWARD,
            FORWARD_TO_BACKWARD.replace("return {", "MLP.last = {").replace(
                "loss}\n", "loss}\n        return MLP.last\n"
            )
            + '        s = s | (MLP.last if MLP.last["h"].shape == s["h"].shape else {})\n',
        ),
    ),
    mutant(
        "models_share_their_memory",
        "the activations of all models lie in the same memory",
        "mlp",
        c=(
            "memory.c",
            "    real *rest = m->memory;",
            "    static real *all;\n    static size_t most;\n    if (B * row + padding > most) {\n"
            "        most = B * row + padding;\n        all = malloc(most * sizeof(real));\n    }\n    real *rest = all;",
        ),
    ),
    mutant(
        "gradients_add_up_over_the_calls",
        "each backward adds to the gradients of those before",
        "mlp",
        c=(
            "mlp.py",
            "pointer(gradients))\n",
            'pointer(gradients))\n        gradients += self.__dict__.get("_sum", 0)\n        self._sum = gradients.copy()\n',
        ),
        numpy=(
            "mlp.py",
            "        return d\n",
            '        self._sum = {k: a + self.__dict__.get("_sum", {}).get(k, 0) for k, a in d.items() if a.shape == getattr(self, "_sum", d)[k].shape}\n        return d | self._sum\n',
        ),
        torch=(
            "model.py",
            GRADIENTS_TORCH,
            'self._sum = [g + s for g, s in zip(gradients, getattr(self, "_sum", [0] * 9))][: len(self._p)]\n        return dict(zip(self._p, map(as_array, self._sum)))',
        ),
    ),
    mutant(
        "second_backward_adds_to_the_first",
        "a second backward of the same forward returns twice the gradient",
        "mlp",
        numpy=("mlp.py", "        return d\n", "        return {k: a + s.get(k, 0) for k, a in d.items()}\n"),
        c=(
            "mlp.py",
            'saved["has_gradients"] = True',
            'gradients *= 1 + saved.get("has_gradients", False)\n        saved["has_gradients"] = True',
        ),
        torch=(
            "model.py",
            "saved |= {f",
            'gradients = [g * (1 + ("dh" in saved)) for g in gradients]\n        saved |= {f',
        ),
    ),
    mutant(
        "results_remembered_by_the_batch",
        "the same batch gives the results of the first time, whatever the weights have become",
        "mlp",
        common=(
            "backend/model.py",
            "computed = self._forward(inputs, targets)",
            'memo, key = self.__dict__.setdefault("_memo", {}), (inputs.tobytes(), targets is None or targets.tobytes())\n'
            "        computed = memo[key] if key in memo else memo.setdefault(key, self._forward(inputs, targets))",
        ),
    ),
    mutant(
        "output_weights_of_the_first_forward",
        "the output layer keeps a copy of its weight, which is not trained",
        "mlp",
        numpy=(
            "mlp.py",
            FC2,
            FC2.replace('p["fc2.weight"]', 'self.__dict__.setdefault("_w2", p["fc2.weight"].copy())'),
        ),
        torch=(
            "mlp.py",
            FC2,
            FC2.replace(
                'p["fc2.weight"]',
                '(p["fc2.weight"] - p["fc2.weight"].detach() + self.__dict__.setdefault("_w2", p["fc2.weight"].detach().clone()))',
            ),
        ),
    ),
    mutant(
        "hidden_states_kept_from_the_batch_before",
        "the hidden layer of a batch of the same size is a tenth of a thousandth the one before",
        "mlp",
        numpy=(
            "mlp.py",
            "        logits = ops",
            '        before, self._h = self.__dict__.get("_h"), h\n        h = h if before is None or before.shape != h.shape else h + np.array(1e-4, h.dtype) * before\n        logits = ops',
        ),
        torch=(
            "mlp.py",
            "        logits = ops",
            '        before, self._h = self.__dict__.get("_h"), h.detach()\n        h = h if before is None or before.shape != h.shape else h + 1e-4 * before\n        logits = ops',
        ),
    ),
    mutant(
        "parameters_of_one_shape_share_their_moments",
        "two parameters of the same shape have one first and one second moment",
        "adamw",
        c=("optimizers.py", "key = tuple(map(id, arrays))", "key = tuple(array.shape for array in arrays)"),
        common=(
            "backend/optimizers.py",
            STATE,
            "(lambda by: {name: by.setdefault(tuple(p.shape), self.zeros_like(p)) for name, p in self._p.items()})({})",
        ),
    ),
    mutant(
        "t_counted_by_the_parameter",
        "t grows with each parameter, not with each step",
        "adamw",
        common=(
            "backend/optimizers.py",
            f"        self.t += 1\n{UPDATES}",
            UPDATES.replace("self._update(", "self.t += 1\n            self._update("),
        ),
    ),
    mutant(
        "learning_rate_read_once",
        "the learning rate stays the one of the beginning",
        "adamw",
        common=(
            "backend/optimizers.py",
            'self._lr = checks.non_negative("lr", value)',
            'self.__dict__.setdefault("_lr", checks.non_negative("lr", value))',
        ),
    ),
    mutant(
        "parameters_without_gradient_skipped",
        "where all gradients of a parameter are 0 it neither decays nor forgets",
        "adamw",
        common=(
            "backend/optimizers.py",
            UPDATES,
            UPDATES.replace(
                "self._update(", "if not np.any(grads[name]):\n                continue\n            self._update("
            ),
        ),
    ),
    mutant(
        "loaded_count_of_steps_ignored",
        "an optimizer that is resumed counts on from where it was",
        "adamw",
        common=("backend/optimizers.py", 'self.t = checks.count("t", t)', 'checks.count("t", t)'),
    ),
)
