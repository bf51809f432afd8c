"""Mutants of where and when the GPT drops out, and of what it keeps between calls."""

from .mutant import gpt_mutant

MASK_PY = "dropout_mask(mask, p, self.dropout_seed, site, step)"
NONE_PY = "if step is None or p == 0:"
SWITCHES, MEMORY = "gpt/switches.c", "gpt/memory.c"
DRAW_C = "dropout_mask(mask, n, site == 0 ? m->c.embedding_dropout : m->c.dropout, m->c.dropout_seed, site, m->step);"
PROJ_C, FC2_C = "drop(m, a.mid, a.proj_mask, n * E, 3 * l + 2);", "drop(m, y, a.fc2_mask, n * E, 3 * l + 3);"
PROBS_C = "draw_mask(m, a.probs_mask, n * H * T, 3 * l + 1);"
PROJ_NUMPY, FC2_NUMPY = (
    "self._mask(site + 1, c.dropout, x.shape, step)",
    "self._mask(site + 2, c.dropout, x.shape, step)",
)
PROJ_TORCH, FC2_TORCH = "self._dropped(proj, site + 1, c.dropout, step)", 'f"{at}mlp.fc2"), site + 2, c.dropout, step)'
PROBS_PY = "self._mask(site, c.dropout, (BT[0], c.n_head, BT[1], BT[1]), step)"
STEP = "self.dropout_step += learns"
LEARNS = "learns = self.training and targets is not None"
CALL_TORCH = "gradients = torch.autograd.grad("

MUTANTS = (
    gpt_mutant(
        "gpt_dropout_sites_from_one",
        "the first site in a block is 2, not 1",
        "gpt",
        c=(PROBS_C, PROBS_C.replace("3 * l + 1", "3 * l + 4")),
        numpy=("self.ops, 1 + 3 * layer", "self.ops, 2 + 3 * layer"),
        torch=('"x": x}, 1 + 3 * layer', '"x": x}, 2 + 3 * layer'),
    ),
    gpt_mutant(
        "gpt_same_sites_in_every_block",
        "each block draws the masks of the first",
        "gpt",
        c=(FC2_C, FC2_C.replace("3 * l + 3", "3")),
        numpy=("self.ops, 1 + 3 * layer", "self.ops, 1"),
        torch=('"x": x}, 1 + 3 * layer', '"x": x}, 1'),
    ),
    gpt_mutant(
        "gpt_one_mask_for_both_branches",
        "after fc2 the mask of proj is taken again",
        "gpt",
        c=(FC2_C, FC2_C.replace("3 * l + 3", "3 * l + 2")),
        numpy=(FC2_NUMPY, FC2_NUMPY.replace("site + 2", "site + 1")),
        torch=(FC2_TORCH, FC2_TORCH.replace("site + 2", "site + 1")),
    ),
    gpt_mutant(
        "gpt_dropout_halved_after_the_feed_forward",
        "after fc2 half as much is dropped",
        "gpt",
        numpy=(FC2_NUMPY, FC2_NUMPY.replace("c.dropout", "c.dropout / 2")),
        torch=(FC2_TORCH, FC2_TORCH.replace("c.dropout", "c.dropout / 2")),
        c=(SWITCHES, DRAW_C, DRAW_C.replace("m->c.dropout,", "m->c.dropout / (1 + (site % 3 == 0)),")),
    ),
    gpt_mutant(
        "gpt_dropout_a_tenth_in_attention",
        "the weights of attention are dropped by 0.1, whatever is asked",
        "gpt",
        numpy=(PROBS_PY, PROBS_PY.replace("c.dropout", "0.1 * (c.dropout > 0)")),
        torch=(PROBS_PY, PROBS_PY.replace("c.dropout", "0.1 * (c.dropout > 0)")),
        c=(SWITCHES, DRAW_C, DRAW_C.replace(": m->c.dropout,", ": site % 3 == 1 ? 0.1 : m->c.dropout,")),
    ),
    gpt_mutant(
        "gpt_no_dropout_in_attention",
        "the weights of attention are not dropped",
        "gpt",
        numpy=(PROBS_PY, "None"),
        torch=(PROBS_PY, "None"),
        c=("attention_forward(a.att, a.probs, a.qkv, mask, B,", "attention_forward(a.att, a.probs, a.qkv, NULL, B,"),
    ),
    gpt_mutant(
        "gpt_no_dropout_after_attention",
        "what attention adds is not dropped",
        "gpt",
        c=(f"    {PROJ_C}\n", "    draw_mask(m, a.proj_mask, n * E, 3 * l + 2);\n"),
        numpy=(PROJ_NUMPY, "None"),
        torch=(PROJ_TORCH, "proj"),
    ),
    gpt_mutant(
        "gpt_no_dropout_of_the_embedding",
        "the sum of both embeddings is not dropped",
        "gpt",
        c=("    drop(m, x, a.emb_mask, n * E, 0);\n", "    draw_mask(m, a.emb_mask, n * E, 0);\n"),
        numpy=("self._mask(0, c.embedding_dropout,", "self._mask(0, 0,"),
        torch=("0, c.embedding_dropout, step)", "0, 0, step)"),
    ),
    gpt_mutant(
        "gpt_embedding_dropped_like_the_rest",
        "the embedding is dropped by `dropout`, not by `embedding_dropout`",
        "gpt",
        c=(SWITCHES, DRAW_C, DRAW_C.replace("m->c.embedding_dropout", "m->c.dropout")),
        numpy=("self._mask(0, c.embedding_dropout,", "self._mask(0, c.dropout,"),
        torch=("0, c.embedding_dropout, step)", "0, c.dropout, step)"),
    ),
    gpt_mutant(
        "gpt_dropped_in_evaluation",
        "in evaluation too there is dropout",
        "gpt",
        numpy=(NONE_PY, "step = step or 0\n        if p == 0:"),
        torch=(NONE_PY, "step = step or 0\n        if p == 0:"),
        c=("m->drops = training,", "m->drops = true || training,"),
    ),
    gpt_mutant(
        "gpt_dropout_seed_ignored",
        "the masks are those of seed 1337",
        "gpt",
        numpy=(MASK_PY, MASK_PY.replace("self.dropout_seed", "1337")),
        torch=(MASK_PY, MASK_PY.replace("self.dropout_seed", "1337")),
        c=(SWITCHES, DRAW_C, DRAW_C.replace("m->c.dropout_seed", "1337")),
    ),
    gpt_mutant(
        "gpt_dropout_step_ignored",
        "every step draws the masks of the first",
        "gpt",
        numpy=(MASK_PY, MASK_PY.replace("step", "0 * step")),
        torch=(MASK_PY, MASK_PY.replace("step", "0 * step")),
        c=(SWITCHES, DRAW_C, DRAW_C.replace("m->step", "0 * m->step")),
    ),
    gpt_mutant(
        "gpt_dropout_step_in_eight_bits",
        "after 256 steps the masks come again",
        "gpt",
        numpy=(MASK_PY, MASK_PY.replace("step)", "step % 256)")),
        torch=(MASK_PY, MASK_PY.replace("step)", "step % 256)")),
        c=(SWITCHES, DRAW_C, DRAW_C.replace("m->step", "m->step % 256")),
    ),
    gpt_mutant(
        "gpt_dropout_step_kept_by_the_model",
        "a counter of its own: what a resumed run sets is not used",
        "gpt",
        numpy=(
            MASK_PY,
            MASK_PY.replace(
                "step)",
                (
                    "getattr(self, '_steps', 0))\n"
                    "        self._steps = getattr(self, '_steps', 0) + (site == 3 * self.config.n_layer)"
                ),
            ),
        ),
        torch=(
            MASK_PY,
            MASK_PY.replace(
                "step)",
                (
                    "getattr(self, '_steps', 0))\n"
                    "        self._steps = getattr(self, '_steps', 0) + (site == 3 * self.config.n_layer)"
                ),
            ),
        ),
        c=(
            "gpt/gpt.py",
            "step is not None, step or 0)",
            "step is not None, vars(self).setdefault('_steps', 0))\n        self._steps += step is not None",
        ),
    ),
    gpt_mutant(
        "gpt_dropout_drawn_again_in_backward",
        "backward draws the masks of the next step",
        "gpt",
        numpy=(
            'dqkv = ops.attention_backward(dy, s["qkv"], s["probs"], s["probs_mask"])',
            (
                "again = self._mask(1 + 3 * layer, self.config.dropout, s['probs'].shape, self.dropout_step "
                "if s['probs_mask'] is not None else None)\n"
                '        dqkv = ops.attention_backward(dy, s["qkv"], s["probs"], again)'
            ),
        ),
        c=(
            "    const real *dbranch = drop_backward(m, a.fc2_mask, n * E);",
            (
                "    if (m->drops && a.fc2_mask) { dropout_mask(a.fc2_mask, n * E, m->c.dropout, "
                "m->c.dropout_seed, 3 * l + 3, m->step + 1); }\n"
                "    const real *dbranch = drop_backward(m, a.fc2_mask, n * E);"
            ),
        ),
    ),
    gpt_mutant(
        "gpt_dropout_not_in_backward",
        "the gradient passes what was dropped after fc2",
        "gpt",
        numpy=('dfc2 = self._dropped_backward(dx, s["fc2_mask"])', "dfc2 = dx"),
        torch=(
            "return x if mask is None else self.ops.dropout_forward(x, mask)",
            (
                "return x if mask is None or site % 3 else x + (self.ops.dropout_forward(x, mask) - x).detach() "
                "if site else self.ops.dropout_forward(x, mask)"
            ),
        ),
        c=("const real *dbranch = drop_backward(m, a.fc2_mask, n * E);", "const real *dbranch = g.dx;"),
    ),
    gpt_mutant(
        "gpt_dropout_step_counts_evaluations",
        "a batch in evaluation counts as a step",
        "gpt",
        common=(STEP, "self.dropout_step += targets is not None"),
    ),
    gpt_mutant(
        "gpt_dropout_step_not_counted",
        "dropout_step stays where it is",
        "gpt",
        common=(STEP, "self.dropout_step += 0 * learns"),
    ),
    gpt_mutant(
        "gpt_drops_without_targets",
        "in training mode a forward without targets drops too",
        "gpt",
        common=(LEARNS, "learns = self.training"),
    ),
    gpt_mutant(
        "gpt_eval_does_nothing",
        "eval() leaves the model in training",
        "gpt",
        common=("return self.train(False)", "return self.train(self.training)"),
    ),
    gpt_mutant(
        "gpt_keeps_the_callers_ids",
        "backward reads the caller's array, which may hold the next batch",
        "gpt",
        common=("self.config.vocab_size).copy()", "self.config.vocab_size)"),
    ),
    gpt_mutant(
        "gpt_backward_after_evaluation",
        "after a forward without targets backward gives the gradients of the batch before",
        "gpt",
        common=("        self._saved = None\n        learns", "        learns"),
    ),
    gpt_mutant(
        "gpt_row_too_long_by_one",
        "a row of one token more than the context is let through",
        "gpt",
        common=("if past + ids.shape[1] > most:", "if past + ids.shape[1] > most + 1:"),
    ),
    gpt_mutant(
        "gpt_memory_of_a_larger_batch",
        "the memory in C is kept for a batch of fewer tokens, whose rows then are elsewhere",
        "gpt",
        c=(
            "gpt/gpt.py",
            "if self._made_for != (B, T, self.dropout_seed):",
            "if self._made_for is None or self._made_for[0] != B:",
        ),
    ),
    gpt_mutant(
        "gpt_gradients_added_up",
        "a second backward adds its gradients to the first",
        "gpt",
        c=("    memset(gradients, 0, gpt_parameter_count(&m->c) * sizeof(real));\n", ""),
        numpy=(
            "return d\n\n    def _block_forward",
            (
                "before = s.setdefault('before', {k: 0 * g for k, g in d.items() if g is not None})\n"
                "        s['before'] = d = {k: g + before[k] for k, g in d.items() if g is not None}\n"
                "        return d\n\n    def _block_forward"
            ),
        ),
        torch=(
            CALL_TORCH,
            (
                "saved['times'] = saved.get('times', 0) + 1\n"
                "        saved['loss'] = saved['loss'] * saved['times']\n"
                "        gradients = torch.autograd.grad("
            ),
        ),
    ),
    gpt_mutant(
        "gpt_gradients_of_blocks_added_up",
        "what a block's backward leaves is added to by the next",
        "gpt",
        c=("    memset(g.dact, 0, n * 14 * E * sizeof(real));  // and all those after it\n", ""),
    ),
    gpt_mutant(
        "gpt_gradients_in_one_buffer",
        "the gradients of one backward are overwritten by the next",
        "gpt",
        c=(
            "gpt/gpt.py",
            "gradients = np.empty_like(self._flat)",
            ("gradients = vars(self).setdefault('_buffer', np.empty_like(self._flat))"),
        ),
        numpy=(
            "return d\n\n    def _block_forward",
            (
                "held = vars(self).setdefault('_held', {k: np.empty_like(g) for k, g in d.items() if g is not None})\n"
                "        for k in held:\n            held[k][...] = d[k]\n"
                "        return held\n\n    def _block_forward"
            ),
        ),
    ),
    gpt_mutant(
        "gpt_logits_in_one_buffer",
        "the logits of one batch are overwritten by those of the next of the same shape",
        "gpt",
        c=(
            "gpt/gpt.py",
            "logits = np.empty((B, T, self.config.vocab_size), self.dtype)",
            ("logits = vars(self).setdefault(f'_l{B}_{T}', np.empty((B, T, self.config.vocab_size), self.dtype))"),
        ),
        numpy=(
            'return {"logits": logits.reshape(B, T, -1)}',
            (
                "buffer = vars(self).setdefault(f'_l{B}_{T}', np.empty((B, T, c.vocab_size), self.dtype))\n"
                '            buffer[...] = logits.reshape(B, T, -1)\n            return {"logits": buffer}'
            ),
        ),
    ),
    gpt_mutant(
        "gpt_weights_shared_by_models",
        "two models of the same shape share their weights",
        "gpt",
        common=(
            "drawn = initial.gpt_parameters(self._shapes, checks.generator(rng), self.dtype)",
            (
                "drawn = vars(GPTBase).get('_all', {}).get(repr(self.config))\n"
                "        if drawn is None:\n"
                "            drawn = initial.gpt_parameters(self._shapes, checks.generator(rng), self.dtype)\n"
                "            GPTBase._all = {**vars(GPTBase).get('_all', {}), repr(self.config): drawn}"
            ),
        ),
    ),
    gpt_mutant(
        "gpt_state_of_the_class",
        "two models share what the last forward left",
        "gpt",
        common=(
            'self._saved = {"inputs": inputs, "targets": targets, "step": step, **computed}',
            'type(self)._saved = {"inputs": inputs, "targets": targets, "step": step, **computed}\n'
            '            del self.__dict__["_saved"]',
        ),
    ),
)
