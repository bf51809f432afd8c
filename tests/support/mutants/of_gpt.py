"""Mutants of the GPT's forward and backward."""

from .mutant import gpt_mutant

B_T = "for (size_t b = 0; b < B; b++) { add(x + b * T * E, p.wpe, T * E); }"
DWPE = "linear_backward(NULL, NULL, d(m, p.wpe), demb, NULL, NULL, B, 0, T * E);"
DWPE_NUMPY = 'embedding_backward(demb, s["positions"], c.context_length)'
DROP = "drop(m, x, a.emb_mask, n * E, 0);"
POSITIONS_NUMPY = "np.arange(past, past + T, dtype=np.int32)"
POSITIONS_TORCH = "torch.arange(past, past + T, dtype=torch.int32, device=self.device)"
WPE = ' + ops.embedding_forward(p["wpe.weight"], positions)'
TIED = 'p.get("head.weight", p["wte.weight"]), p.get("head.bias"))  # -> (B*T, V)'
PROJ_NUMPY = 'x = s["x_mid"] = x + self._dropped('
PROJ_TORCH, FC2_TORCH = 'x = s["x_mid"] = x + self._dropped(proj,', "return x + self._dropped("
FC2_NUMPY = 'return x + self._dropped(self._linear_forward(s["a"]'
BACK2_C = "norm_backward(g.dx, d(m, p.norm2_weight)"
BACK1_C = "norm_backward(g.dx, d(m, p.norm1_weight)"
BACK2_NUMPY, BACK1_NUMPY = (
    'dx_mid = dx + self._norm_backward(dh2, s["x_mid"]',
    'dx = dx_mid + self._norm_backward(dh1, s["x"]',
)
NORM2_C = "norm_forward(a.norm2, a.mean2, a.rstd2, a.mid, p.norm2_weight, p.norm2_bias, n, E, EPS);"
NORM2_NUMPY = 'self._norm_forward(x, f"{at}norm2")'
NORM2_TORCH = 'self._norm(x, f"{at}norm2")'
ACT = 'ops.relu_forward(s["a_pre"]) if c.activation == "relu" else ops.gelu_forward(s["a_pre"])'
AFTER_C = "norm_after_blocks(m, n);\n    linear_forward(logits"
BLOCK_TORCH = "x, of_block = self._block(layer, x, (B, T), step, cache)"
AT = 'at = self.config, self.ops, {"x": x}, 1 + 3 * layer, f"blocks.{layer}."'
AT_NUMPY = AT.replace('{"x": x}, ', "")
GRADS_TORCH = "return dict(zip(self._p, map(as_array, gradients), strict=True))"
LOSS_NUMPY = "loss, probs = ops.cross_entropy_forward(logits, targets.reshape(-1))"
LOSS_TORCH = 'found["loss"], _ = ops.cross_entropy_forward(found["logits"].flatten(0, 1), targets.flatten())'
HEAD_C = "linear_forward(logits, a.norm, p.head_weight, p.head_bias, n, E, V);"
LINEAR_PY = 'self._p.get(f"{name}.bias"))'
SITE_PROJ, SITE_FC2 = "3 * l + 2);", "3 * l + 3);"
MASK_PY = "dropout_mask(mask, p, self.dropout_seed, site, step)"


def wrong_gradient(change: str) -> tuple[str, str]:
    """In torch, where autograd writes the backward: the gradients by name, changed."""
    return (
        GRADS_TORCH,
        f"d = dict(zip(self._p, map(as_array, gradients), strict=True))\n        {change}\n        return d",
    )


MUTANTS = (
    gpt_mutant(
        "gpt_positions_from_one",
        "the first token gets the vector of the second position",
        "gpt",
        c=(B_T, B_T.replace("p.wpe,", "p.wpe + (T < m->c.T) * E,")),
        numpy=(POSITIONS_NUMPY, f"{POSITIONS_NUMPY} + (T < c.context_length)"),
        torch=(POSITIONS_TORCH, f"({POSITIONS_TORCH} + int(T < c.context_length))"),
    ),
    gpt_mutant(
        "gpt_positions_from_the_end",
        "the last token gets the last position, however short the row",
        "gpt",
        c=(B_T, B_T.replace("p.wpe,", "p.wpe + (m->c.T - T) * E,")),
        numpy=(POSITIONS_NUMPY, f"{POSITIONS_NUMPY} + np.int32(c.context_length - T)"),
        torch=(POSITIONS_TORCH, f"({POSITIONS_TORCH} + c.context_length - T)"),
    ),
    gpt_mutant(
        "gpt_without_positions",
        "no position is added",
        "gpt",
        c=(B_T, ""),
        numpy=(WPE, ""),
        torch=(WPE, f"{WPE} * 0"),
    ),
    gpt_mutant(
        "gpt_position_added_twice",
        "the vector of the position is added twice in the first row of the batch",
        "gpt",
        c=(B_T, f"{B_T}\n    add(x, p.wpe, T * E);"),
        numpy=(WPE, f"{WPE} * np.where(np.arange(B) < 1, 2, 1)[:, None, None].astype(self.dtype)"),
        torch=(WPE, f"{WPE} * (1 + (torch.arange(B) < 1).to(p['wpe.weight'].dtype))[:, None, None]"),
    ),
    gpt_mutant(
        "gpt_position_gradient_of_the_first_row",
        "only the first row of the batch sends its gradient to the positions",
        "gpt",
        c=(DWPE, "add(d(m, p.wpe), demb, T * E);"),
        numpy=(DWPE_NUMPY, DWPE_NUMPY.replace("demb", "demb[:1]").replace('ions"]', 'ions"][:1]')),
        torch=(
            WPE,
            ' + (wpe := ops.embedding_forward(p["wpe.weight"], positions)).detach()'
            "\n        emb = emb + (wpe - wpe.detach()) * (torch.arange(B) < 1)[:, None, None]",
        ),
    ),
    gpt_mutant(
        "gpt_position_gradient_averaged",
        "the positions get the mean over the batch",
        "gpt",
        c=(DWPE, DWPE + "\n    for (size_t i = 0; i < T * E; i++) { d(m, p.wpe)[i] /= (real)B; }"),
        numpy=(DWPE_NUMPY, DWPE_NUMPY.replace("demb", "demb / B")),
        torch=wrong_gradient('d["wpe.weight"] = d["wpe.weight"] / len(saved["inputs"])'),
    ),
    gpt_mutant(
        "gpt_first_residual_dropped",
        "x is not added to what attention gives",
        "gpt",
        c=("    add(a.mid, a.x, n * E);\n", ""),
        numpy=(PROJ_NUMPY, 'x = s["x_mid"] = self._dropped('),
        torch=(PROJ_TORCH, PROJ_TORCH.replace("x + ", "")),
    ),
    gpt_mutant(
        "gpt_second_residual_dropped",
        "x is not added to what the feed-forward gives",
        "gpt",
        c=("    add(y, a.mid, n * E);\n", ""),
        numpy=(FC2_NUMPY, 'return self._dropped(self._linear_forward(s["a"]'),
        torch=(FC2_TORCH, "return self._dropped("),
    ),
    gpt_mutant(
        "gpt_second_residual_from_the_start",
        "the feed-forward's result is added to the block's x, not to what attention made of it",
        "gpt",
        c=("add(y, a.mid, n * E);", "add(y, a.x, n * E);"),
        numpy=(FC2_NUMPY, FC2_NUMPY.replace("return x +", 'return s["x"] +')),
        torch=(FC2_TORCH, "return x - self._dropped(proj, site + 1, c.dropout, step) + self._dropped("),
    ),
    gpt_mutant(
        "gpt_first_residual_dropped_in_backward",
        "the gradient does not pass beside attention",
        "gpt",
        c=(BACK1_C, f"memset(g.dx, 0, n * E * sizeof(real));\n    {BACK1_C}"),
        numpy=(BACK1_NUMPY, BACK1_NUMPY.replace("dx_mid + ", "")),
        torch=(PROJ_TORCH, PROJ_TORCH.replace("= x +", "= x.detach() +")),
    ),
    gpt_mutant(
        "gpt_second_residual_dropped_in_backward",
        "the gradient does not pass beside the feed-forward",
        "gpt",
        c=(BACK2_C, f"memset(g.dx, 0, n * E * sizeof(real));\n    {BACK2_C}"),
        numpy=(BACK2_NUMPY, BACK2_NUMPY.replace("dx + ", "")),
        torch=(FC2_TORCH, "return x.detach() + self._dropped("),
    ),
    gpt_mutant(
        "gpt_attention_detached",
        "no gradient passes through attention to what is before it",
        "gpt",
        c=(BACK1_C, f"memset(g.dnorm1, 0, n * E * sizeof(real));\n    {BACK1_C}"),
        numpy=(BACK1_NUMPY, BACK1_NUMPY.replace("_norm_backward(dh1,", "_norm_backward(0 * dh1,")),
        torch=('self._norm(x, f"{at}norm1")', 'self._norm(x.detach(), f"{at}norm1")'),
    ),
    gpt_mutant(
        "gpt_feed_forward_beside_attention",
        "both branches start from the block's x, side by side",
        "gpt",
        c=(NORM2_C, NORM2_C.replace("a.mid,", "a.x,")),
        numpy=(NORM2_NUMPY, 'self._norm_forward(s["x"], f"{at}norm2")'),
    ),
    gpt_mutant(
        "gpt_second_norm_is_the_first",
        "norm2 uses the weights of norm1",
        "gpt",
        c=(NORM2_C, NORM2_C.replace("p.norm2_weight, p.norm2_bias", "p.norm1_weight, p.norm1_bias")),
        numpy=(NORM2_NUMPY, NORM2_NUMPY.replace("norm2", "norm1")),
        torch=(NORM2_TORCH, f'self._norm(x, f"{{at}}norm1") + 0 * {NORM2_TORCH}'),
    ),
    gpt_mutant(
        "gpt_without_the_last_norm",
        "the head gets x as the last block leaves it",
        "gpt",
        c=(
            AFTER_C,
            AFTER_C.replace(";", "; memcpy(a.norm, a.x, n * E * sizeof(real));", 1),
        ),
        numpy=('h, norm = self._norm_forward(x, "norm")', 'h, norm = x, self._norm_forward(x, "norm")[1]'),
        torch=('(x, self._norm(x, "norm"))', '(x, x + 0 * self._norm(x, "norm"))'),
    ),
    gpt_mutant(
        "gpt_norm_first_ignored",
        "with norm_first the norm is where it is without",
        "gpt",
        c=("real *x = embedded(m);", "real *x = (m->c.norm_first = false, embedded(m));"),
        numpy=(
            "c, p, ops, (B, T), past = self.config,",
            "c, p, ops, (B, T), past = __import__('dataclasses').replace(self.config, norm_first=False),",
        ),
        torch=(
            "c, p, ops, (B, T), past = self.config,",
            "c, p, ops, (B, T), past = __import__('dataclasses').replace(self.config, norm_first=False),",
        ),
    ),
    gpt_mutant(
        "gpt_norm_first_and_last",
        "with norm_first there is a norm before the head too",
        "gpt",
        c=(
            AFTER_C,
            (
                "norm_after_blocks(m, n);\n    if (m->c.norm_first) {\n"
                "        norm_forward(a.dnorm, a.mean, a.rstd, a.norm, p.norm_weight, p.norm_bias, n, E, EPS);\n"
                "        memcpy(a.norm, a.dnorm, n * E * sizeof(real));\n    }\n    linear_forward(logits"
            ),
        ),
        numpy=("        h = x\n", '        h = self._norm_forward(x, "norm")[0] if c.norm_first else x\n'),
        torch=("(outer_x, x) if c.norm_first", '(outer_x, self._norm(x, "norm")) if c.norm_first'),
    ),
    gpt_mutant(
        "gpt_norm_first_not_differentiated",
        "the gradient goes past the norm that comes first",
        "gpt",
        c=(
            "norm_before_blocks_backward(m, B * T);",
            (
                "norm_before_blocks_backward(m, B * T);\n"
                "    if (m->c.norm_first) { memcpy(m->a.dx, m->a.dnorm, B * T * E * sizeof(real)); }"
            ),
        ),
        numpy=(
            'dx = self._norm_backward(dx, s["x"], s["norm"], "norm", d)\n            if',
            'self._norm_backward(dx, s["x"], s["norm"], "norm", d)\n            if',
        ),
        torch=(
            'outer_x, x = x, self._norm(x, "norm")',
            'outer_x, x = x, self._norm(x.detach(), "norm") + x - x.detach()',
        ),
    ),
    gpt_mutant(
        "gpt_another_eps",
        "the norms have 1e-6 for 1e-5",
        "gpt",
        c=("gpt/memory.c", "EPS = 1e-5;", "EPS = 1e-6;"),
        numpy=("from nnz.backend.gpt_config import EPS", "EPS = 1e-6"),
        torch=("from nnz.backend.gpt_config import EPS", "EPS = 1e-6"),
    ),
    gpt_mutant(
        "gpt_rms_with_a_mean",
        "an RMS norm takes the mean off first",
        "gpt",
        numpy=("rms_norm_forward(x, None, EPS)", "rms_norm_forward(x - x.mean(axis=1, keepdims=True), None, EPS)"),
        torch=("rms_norm_forward(x, None, EPS)[0]", "rms_norm_forward(x - x.mean(1, keepdim=True), None, EPS)[0]"),
    ),
    gpt_mutant(
        "gpt_always_relu",
        "a GPT that asks for GELU gets ReLU",
        "gpt",
        c=("gpt/switches.c", "(m->c.gelu ? gelu_forward : relu_forward)", "relu_forward"),
        numpy=(ACT, 'ops.relu_forward(s["a_pre"])'),
        torch=(ACT, 'ops.relu_forward(s["a_pre"])'),
    ),
    gpt_mutant(
        "gpt_gelu_gradient_from_its_output",
        "GELU's backward is given y where it wants x",
        "gpt",
        c=("gpt/switches.c", "(dx, dy, m->c.gelu ? x : y, n);", "(dx, dy, m->c.gelu ? y : y + 0 * (x == y), n);"),
        numpy=('gelu_backward(da, s["a_pre"])', 'gelu_backward(da, s["a"])'),
    ),
    gpt_mutant(
        "gpt_activation_in_the_first_block_alone",
        "from the second block on the feed-forward is linear",
        "gpt",
        c=(
            "activation_forward(m, a.act, a.fc1, n * 4 * E);",
            (
                "activation_forward(m, a.act, a.fc1, n * 4 * E);\n"
                "    if (l > 0) { memcpy(a.act, a.fc1, n * 4 * E * sizeof(real)); }"
            ),
        ),
        numpy=(f"= {ACT}", f'= s["a_pre"] if layer else {ACT}'),
        torch=(f"= {ACT}", f'= s["a_pre"] if layer else {ACT}'),
    ),
    gpt_mutant(
        "gpt_fourth_block_skipped",
        "the fourth block passes x on",
        "gpt",
        c=(
            "const BlockActivations a = m->blocks[l].a;\n    norm_forward",
            (
                "const BlockActivations a = m->blocks[l].a;\n    if (l == 3) {\n"
                "        memcpy(y, a.x, n * E * sizeof(real));\n        return;\n    }\n    norm_forward"
            ),
        ),
        torch=(BLOCK_TORCH, f"before = x\n            {BLOCK_TORCH}\n            x = before if layer == 3 else x"),
        numpy=(
            "x, saved = self._block_forward(layer, x, (B, T), step, cache)",
            (
                "x, saved = (x if layer == 3 else None), self._block_forward(layer, x, (B, T), step, cache)\n"
                "            x, saved = (saved[0] if x is None else x), saved[1]"
            ),
        ),
    ),
    gpt_mutant(
        "gpt_first_block_for_all",
        "every block has the weights of the first",
        "gpt",
        c=(
            (
                "const BlockParameters p = m->blocks[l].p;\n"
                "    const BlockActivations a = m->blocks[l].a;\n"
                "    norm_forward"
            ),
            (
                "const BlockParameters p = m->blocks[0].p;\n"
                "    const BlockActivations a = m->blocks[l].a;\n"
                "    norm_forward"
            ),
        ),
        numpy=(AT_NUMPY, AT_NUMPY.replace("{layer}", "0")),
        torch=(AT, AT.replace("{layer}", "0")),
    ),
    gpt_mutant(
        "gpt_last_block_not_differentiated",
        "the gradients of the last block are 0",
        "gpt",
        c=("for (size_t l = m->c.L; l-- > last;)", "for (size_t l = m->c.L - (m->c.L > 1); l-- > last;)"),
        torch=(
            BLOCK_TORCH,
            f"{BLOCK_TORCH}\n            x = x.detach() + 0 * x if layer and layer == c.n_layer - 1 else x",
        ),
        numpy=(
            'self._block_backward(layer, dx, s["blocks"][layer], d)',
            'self._block_backward(layer, dx if layer < c.n_layer - 1 else 0 * dx, s["blocks"][layer], d)',
        ),
    ),
    gpt_mutant(
        "gpt_head_bias_ignored",
        "the head's bias is not added",
        "gpt",
        c=(HEAD_C, HEAD_C.replace("p.head_bias", "NULL")),
        numpy=('p.get("head.bias"))  # -> (B*T, V)', "None)"),
        torch=('p.get("head.bias"))  # -> (B*T, V)', "0 * p['head.bias'] if 'head.bias' in p else None)"),
    ),
    gpt_mutant(
        "gpt_qkv_bias_ignored",
        "the bias of q, k and v is not added",
        "gpt",
        c=("p.qkv_weight, p.qkv_bias, n, E, 3 * E);  //", "p.qkv_weight, NULL, n, E, 3 * E);  //"),
        numpy=(LINEAR_PY, f'None if "qkv" in name else {LINEAR_PY}'),
        torch=(
            LINEAR_PY,
            'self._p.get(f"{name}.bias") if "qkv" not in name or "head.bias" not in self._p'
            ' else self._p.get(f"{name}.bias", self._p[f"{name}.weight"][:, 0]) * 0)',
        ),
    ),
    gpt_mutant(
        "gpt_qkv_in_another_order",
        "the rows of qkv are those of k, v and q",
        "gpt",
        numpy=(".reshape(*BT, 3, c.n_embd)  # (B, T, 3, E)", ".reshape(*BT, 3, c.n_embd)[:, :, [1, 2, 0]]"),
        torch=(".view(*BT, 3, c.n_embd)  # (B, T, 3, E)", ".view(*BT, 3, c.n_embd)[:, :, [1, 2, 0]]"),
    ),
    gpt_mutant(
        "gpt_tied_head_gradient_of_the_head_alone",
        "wte gets the gradient of the head, and not that of the embedding",
        "gpt",
        c=("embedding_backward(d(m, p.wte), demb,", ("if (!m->c.tied_head) embedding_backward(d(m, p.wte), demb,")),
        numpy=('d["wte.weight"] += dw\n', 'd["wte.weight"] = dw\n'),
        torch=(
            'emb = ops.embedding_forward(p["wte.weight"], inputs)',
            ('emb = ops.embedding_forward(p["wte.weight"].detach() if c.tied_head else p["wte.weight"], inputs)'),
        ),
    ),
    gpt_mutant(
        "gpt_tied_head_gradient_of_the_embedding_alone",
        "wte gets the gradient of the embedding, and not that of the head",
        "gpt",
        c=(
            "embedding_backward(d(m, p.wte), demb,",
            (
                "if (m->c.tied_head) { memset(d(m, p.wte), 0, m->c.V * E * sizeof(real)); }\n"
                "    embedding_backward(d(m, p.wte), demb,"
            ),
        ),
        numpy=('d["wte.weight"] += dw\n', "pass\n"),
        torch=(TIED, TIED.replace('p["wte.weight"])', 'p["wte.weight"].detach())')),
    ),
    gpt_mutant(
        "gpt_tied_head_is_a_copy",
        "the head keeps the token embedding as it was at first",
        "gpt",
        numpy=(TIED, TIED.replace('p["wte.weight"])', 'vars(self).setdefault("_head", p["wte.weight"].copy()))')),
        torch=(TIED, TIED.replace('p["wte.weight"])', 'vars(self).setdefault("_head", p["wte.weight"].clone()))')),
    ),
    gpt_mutant(
        "gpt_tied_head_gradient_twice",
        "a tied head's gradient is added twice",
        "gpt",
        numpy=('d["wte.weight"] += dw\n', 'd["wte.weight"] += 2 * dw\n'),
        torch=(TIED, TIED.replace('p["wte.weight"])', '2 * p["wte.weight"] - p["wte.weight"].detach())')),
        c=(
            "embedding_backward(d(m, p.wte), demb,",
            (
                "for (size_t i = 0; i < m->c.V * E && m->c.tied_head; i++) { d(m, p.wte)[i] *= 2; }\n"
                "    embedding_backward(d(m, p.wte), demb,"
            ),
        ),
    ),
    gpt_mutant(
        "gpt_repeated_token_gradient_lost",
        "a token that comes twice keeps one of its gradients",
        "gpt",
        numpy=(
            'd["wte.weight"] = ops.embedding_backward(demb, s["inputs"], c.vocab_size)',
            ('d["wte.weight"] = np.zeros_like(p["wte.weight"])\n        d["wte.weight"][s["inputs"]] = demb'),
        ),
        torch=(
            'emb = ops.embedding_forward(p["wte.weight"], inputs)',
            (
                "rows = ops.embedding_forward(p['wte.weight'], inputs)\n"
                "        last = torch.zeros(c.vocab_size, dtype=torch.int64).scatter(0, inputs.flatten().long()"
                ", torch.arange(B * T))\n"
                "        kept = (last[inputs.flatten().long()] == torch.arange(B * T)).view(B, T, 1)\n"
                "        emb = torch.where(kept, rows, rows.detach())"
            ),
        ),
        c=(
            "embedding_backward(d(m, p.wte), demb, m->inputs, B, T, E);",
            (
                "for (size_t i = 0, n = B * T; i < n; i++) {\n        const size_t id = (size_t)m->inputs[i];\n"
                "        size_t j = i + 1;\n        while (j < n && (size_t)m->inputs[j] != id) { j++; }\n"
                "        if (j == n) { add(d(m, p.wte) + id * E, demb + i * E, E); }\n    }"
            ),
        ),
    ),
    gpt_mutant(
        "gpt_loss_of_the_last_position",
        "the loss is that of each row's last token",
        "gpt",
        numpy=(
            LOSS_NUMPY,
            (f"{LOSS_NUMPY}\n        loss = ops.cross_entropy_forward(logits[T - 1 :: T], targets[:, -1])[0]"),
        ),
        torch=(
            LOSS_TORCH,
            LOSS_TORCH.replace(
                '(found["logits"].flatten(0, 1), targets.flatten())', "(logits[T - 1 :: T], targets[:, -1])"
            ),
        ),
        c=(
            "cross_entropy_forward(loss, a.probs, logits, targets, n, V);",
            (
                "cross_entropy_forward(loss, a.probs, logits, targets, n, V);\n"
                "        *loss = -log(a.probs[(n - 1) * V + (size_t)targets[n - 1]]);"
            ),
        ),
    ),
    gpt_mutant(
        "gpt_loss_summed_over_positions",
        "the loss is a mean over rows of sums over positions; the gradient too",
        "gpt",
        numpy=(LOSS_NUMPY, f"{LOSS_NUMPY}\n        loss = loss * T"),
        torch=(LOSS_TORCH, f'{LOSS_TORCH}\n            found["loss"] = found["loss"] * T'),
        c=(
            "cross_entropy_forward(loss, a.probs, logits, targets, n, V);",
            ("cross_entropy_forward(loss, a.probs, logits, targets, n, V);\n        *loss *= (real)T;"),
        ),
    ),
    gpt_mutant(
        "gpt_gradient_averaged_over_rows_alone",
        "dlogits is divided by B, not by B T",
        "gpt",
        c=(
            "cross_entropy_backward(a.dlogits, a.probs, m->targets, n, V);",
            (
                "cross_entropy_backward(a.dlogits, a.probs, m->targets, n, V);\n"
                "    for (size_t i = 0; i < n * V; i++) { a.dlogits[i] *= (real)T; }"
            ),
        ),
        numpy=(
            'dh, dw, d["head.bias"] = ops.linear_backward(dlogits,',
            ('dlogits = dlogits * T\n        dh, dw, d["head.bias"] = ops.linear_backward(dlogits,'),
        ),
        torch=(
            'gradients = torch.autograd.grad(saved["loss"],',
            ('gradients = torch.autograd.grad(saved["loss"] * saved["inputs"].shape[1],'),
        ),
    ),
    gpt_mutant(
        "gpt_logits_shifted",
        "every position has the logits of the one before it in its row",
        "gpt",
        numpy=(
            'return {"logits": logits.reshape(B, T, -1)}',
            'return {"logits": np.roll(logits.reshape(B, T, -1), 1, 1)}',
        ),
        torch=(
            '"logits": logits.view(B, T, -1)}',
            '"logits": logits.view(B, T, -1).roll(int(targets is None), 1)}',
        ),
    ),
    gpt_mutant(
        "gpt_residual_stream_in_float32",
        "x between the blocks is kept in float32",
        "gpt",
        c=(
            "    add(y, a.mid, n * E);\n",
            "    add(y, a.mid, n * E);\n    for (size_t i = 0; i < n * E; i++) { y[i] = (real)(float)y[i]; }\n",
        ),
        numpy=("blocks.append(saved)", "blocks.append(saved)\n            x = x.astype(np.float32).astype(x.dtype)"),
        torch=(BLOCK_TORCH, f"{BLOCK_TORCH}\n            x = x.float().to(x.dtype)"),
    ),
    gpt_mutant(
        "gpt_qkv_in_bf16",
        "attention takes its queries in bfloat16",
        "gpt",
        torch=(".view(*BT, 3, c.n_embd)  # (B, T, 3, E)", ".view(*BT, 3, c.n_embd).bfloat16().to(x.dtype)"),
        numpy=(
            ".reshape(*BT, 3, c.n_embd)  # (B, T, 3, E)",
            (
                ".reshape(*BT, 3, c.n_embd)\n"
                "        s['qkv'] = (s['qkv'].astype('f4').view('u4') & 0xFFFF0000).view('f4').astype(x.dtype)"
            ),
        ),
    ),
    gpt_mutant(
        "gpt_one_head_always",
        "attention has one head, whatever n_head says",
        "gpt",
        c=(
            "attention_forward(a.att, a.probs, a.qkv, mask, B, T, E, H);",
            ("attention_forward(a.att, a.probs, a.qkv, mask, B, T, E, 1);"),
        ),
        torch=("y = fused_attention(qkv, c.n_head)", "y = fused_attention(qkv, 1)"),
        numpy=(
            'attention_forward(s["qkv"], s["probs_mask"], c.n_head)',
            ('attention_forward(s["qkv"], s["probs_mask"] if s["probs_mask"] is None else s["probs_mask"][:, :1], 1)'),
        ),
    ),
)
