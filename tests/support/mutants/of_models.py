"""Mutants of models and optimizers as objects: what they keep between calls, and what two of them share."""

from .mutant import mutant

GRADIENTS_TORCH = "return dict(zip(self._p, map(as_array, gradients), strict=False))"
FORWARD_TO_BACKWARD = (
    '        return {"emb": emb, "h_pre": h_pre, "h": h, "logits": logits, "probs": probs, "loss": loss}\n\n'
    "    def _backward(self, s: dict[str, np.ndarray]) -> dict[str, np.ndarray]:\n"
)
FC2 = 'ops.linear_forward(h, p["fc2.weight"], p["fc2.bias"])'
STATE = "{name: self.zeros_like(p) for name, p in self._p.items()}"
UPDATES = "        for name, p in self._p.items():\n            self._update("


MUTANTS = (
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
            "        most = B * row + padding;\n        all = malloc(most * sizeof(real));\n    }\n"
            "    real *rest = all;",
        ),
    ),
    mutant(
        "gradients_add_up_over_the_calls",
        "each backward adds to the gradients of those before",
        "mlp",
        c=(
            "mlp.py",
            "pointer(gradients))\n",
            (
                'pointer(gradients))\n        gradients += self.__dict__.get("_sum", 0)\n'
                "        self._sum = gradients.copy()\n"
            ),
        ),
        numpy=(
            "mlp.py",
            "        return d\n",
            (
                '        self._sum = {k: a + self.__dict__.get("_sum", {}).get(k, 0) for k, a in '
                'd.items() if a.shape == getattr(self, "_sum", d)[k].shape}\n'
                "        return d | self._sum\n"
            ),
        ),
        torch=(
            "model.py",
            GRADIENTS_TORCH,
            (
                'self._sum = [g + s for g, s in zip(gradients, getattr(self, "_sum", [0] * 9))][: '
                "len(self._p)]\n        return dict(zip(self._p, map(as_array, self._sum)))"
            ),
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
            'memo, key = self.__dict__.setdefault("_memo", {}), (inputs.tobytes(), targets is None '
            "or targets.tobytes())\n"
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
                (
                    '(p["fc2.weight"] - p["fc2.weight"].detach() + self.__dict__.setdefault("_w2", '
                    'p["fc2.weight"].detach().clone()))'
                ),
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
            (
                '        before, self._h = self.__dict__.get("_h"), h\n'
                "        h = h if before is None or before.shape != h.shape else h + np.array(1e-4, "
                "h.dtype) * before\n        logits = ops"
            ),
        ),
        torch=(
            "mlp.py",
            "        logits = ops",
            (
                '        before, self._h = self.__dict__.get("_h"), h.detach()\n'
                "        h = h if before is None or before.shape != h.shape else h + 1e-4 * before\n"
                "        logits = ops"
            ),
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
