"""Mutants of attention."""

from functools import partial

from .mutant import gpt_op_mutant

attention = partial(gpt_op_mutant, "attention")

SOFTMAX_C = "softmax_rows(p, T, n, keys, t, sqrt((real)S));"
PLACES = "first = head / a.H * T * row + head % a.H * S;"
START = "const Attention a = *(const Attention *)of;\n    const size_t T = a.T, E = a.E, S = E / a.H, row = 3 * E, "
FORWARD_C = f"static void attention_forward_part(const void *of, size_t head) {{\n    {START}{PLACES}"
QKV_C = "const real *q = a.qkv + first, *k = q + E, *v = k + E;"
DX_C, DX_NEXT = "real *dq = a.dqkv + first, *dk = dq + E, *dv = dk + E,", "const real *q = a.qkv + first, *k = q + E"
SCORES_NUMPY, SCORES_TORCH = "q @ k.swapaxes(2, 3) / sqrt(E // H)", "q @ k.mT / sqrt(q.shape[3])"
Y_NUMPY = Y_TORCH = "(probs if mask is None else probs * mask) @ v"
TRI_NUMPY, TRI_TORCH = "np.tri(T, dtype=bool)", "triu(1)"
OUT_NUMPY, OUT_TORCH = "y.swapaxes(1, 2).reshape(len(y)", "y.transpose(1, 2).flatten(2)"
HEADS_NUMPY = "qkv.reshape(B, T, 3, H, E // H).transpose(2, 0, 3, 1, 4)"
HEADS_TORCH = "qkv.reshape(B, T, 3, H, E // H).permute(2, 0, 3, 1, 4)"
SOFTMAX_NUMPY, SOFTMAX_TORCH = "probs = exps / exps.sum(axis=3, keepdims=True)", "probs = scores.softmax(dim=3)"

DSCORES_C = "p[i * T + u] * (tile[i * KEYS + u] - sum[i]) / root"
DSCORES_NUMPY = "probs * (dprobs - (probs * dprobs).sum(axis=3, keepdims=True)) / sqrt(E // H)"
BACK_TORCH = "return torch.func.vjp(lambda qkv: attention_forward(qkv, mask, H)[0], qkv)[1](dy)[0]"
DPROBS_MASK_C = "for (size_t i = 0; i < n && mask; i++)"


def back_by_hand(
    m: str = "1 if mask is None else mask",
    dv: str = "(probs * m).mT @ dy",
    dprobs: str = "m * (dy @ v.mT)",
    dscores: str = "probs * (dprobs - (probs * dprobs).sum(3, keepdim=True)) / sqrt(q.shape[3])",
    dq: str = "dscores @ k",
    dk: str = "dscores.mT @ q",
    order: str = "dq, dk, dv",
) -> tuple[str, str]:
    """The backward in torch, spelled out with one part of it wrong."""
    lines = ["q, k, v = _heads(qkv, H)", "dy = dy.reshape(*qkv.shape[:2], H, -1).transpose(1, 2)", f"m = {m}"]
    lines += [f"dv = {dv}", f"dprobs = {dprobs}", f"dscores = {dscores}", f"dq, dk = {dq}, {dk}"]
    lines += [f"return torch.stack(({order}), 1).permute(0, 3, 1, 2, 4).reshape(qkv.shape)"]
    return BACK_TORCH, "\n    ".join(lines)


MUTANTS = (
    attention(
        "attention_sees_the_next_token",
        "the mask is one off: query t also sees key t + 1",
        "attention",
        c=(SOFTMAX_C, SOFTMAX_C.replace(" t,", " t + 1,")),
        numpy=(TRI_NUMPY, "np.tri(T, k=1, dtype=bool)"),
        torch=(TRI_TORCH, "triu(2)"),
    ),
    attention(
        "attention_does_not_see_itself",
        "the mask is one off the other way: query t sees the keys before it alone, the first itself",
        "attention",
        c=(
            "for (size_t u = t + 1; u < keys; u++) { p[u] = 0; }",
            ("for (size_t u = t + (t == 0); u < keys; u++) { p[u] = 0; }"),
        ),
        numpy=(TRI_NUMPY, "np.tri(T, k=-1, dtype=bool) | (np.arange(T * T).reshape(T, T) == 0)"),
        torch=(TRI_TORCH, "triu(1).logical_or(torch.eye(T, dtype=torch.bool).index_fill(0, torch.tensor([0]), False))"),
    ),
    attention(
        "attention_sees_everything",
        "there is no mask",
        "attention",
        numpy=(TRI_NUMPY, "np.ones((T, T), dtype=bool)"),
        torch=(TRI_TORCH, "triu(T)"),
    ),
    attention(
        "attention_counts_what_it_does_not_see",
        "the keys to come are in the sum that the weights are divided by",
        "attention",
        numpy=(
            "exps.sum(axis=3, keepdims=True)",
            "(exps + np.triu(np.exp(q @ k.swapaxes(2, 3) * 0), 1)).sum(axis=3, keepdims=True)",
        ),
        torch=(SOFTMAX_TORCH, "probs = (q @ k.mT / sqrt(q.shape[3])).softmax(dim=3).tril()"),
    ),
    attention(
        "attention_not_scaled",
        "the scores are not divided",
        "attention",
        c=("p[u] /= root;", "p[u] /= root > 0 ? 1 : root;"),
        numpy=(SCORES_NUMPY, "q @ k.swapaxes(2, 3)"),
        torch=(SCORES_TORCH, "q @ k.mT"),
    ),
    attention(
        "attention_scaled_without_the_root",
        "the scores are divided by E/H",
        "attention",
        c=(SOFTMAX_C, "softmax_rows(p, T, n, keys, t, (real)S);"),
        numpy=(SCORES_NUMPY, "q @ k.swapaxes(2, 3) / (E // H)"),
        torch=(SCORES_TORCH, "q @ k.mT / q.shape[3]"),
    ),
    attention(
        "attention_scaled_by_all_heads",
        "the scores are divided by sqrt(E)",
        "attention",
        c=(SOFTMAX_C, "softmax_rows(p, T, n, keys, t, sqrt((real)E));"),
        numpy=(SCORES_NUMPY, "q @ k.swapaxes(2, 3) / sqrt(E)"),
        torch=(SCORES_TORCH, "q @ k.mT / sqrt(qkv.shape[3])"),
    ),
    attention(
        "attention_softmax_over_queries",
        "the weights of a key add up to 1, not those of a query",
        "attention",
        numpy=(SOFTMAX_NUMPY, SOFTMAX_NUMPY.replace("axis=3", "axis=2")),
        torch=(SOFTMAX_TORCH, "probs = scores.softmax(dim=2)"),
    ),
    attention(
        "attention_maximum_left_in",
        "the maximum is not subtracted before exp",
        "attention",
        c=("p[u] = fast_exp(p[u] - largest);", "p[u] = fast_exp(p[u] - 0 * largest);"),
        numpy=("np.exp(scores - scores.max(axis=3, keepdims=True))", "np.exp(scores)"),
        torch=(SOFTMAX_TORCH, "probs = scores.exp() / scores.exp().sum(3, keepdim=True)"),
    ),
    attention(
        "attention_hides_by_a_number",
        "what is not seen gets a score of -20, not of minus infinity",
        "attention",
        numpy=("scores, -np.inf)", "scores, -20.0)"),
        torch=("triu(1), -inf)", "triu(1), -20.0)"),
    ),
    attention(
        "attention_heads_interleaved",
        "head h takes every H-th column, not E/H next to each other",
        "attention",
        numpy=(HEADS_NUMPY, "qkv.reshape(B, T, 3, E // H, H).transpose(2, 0, 4, 1, 3)"),
        torch=(HEADS_TORCH, "qkv.reshape(B, T, 3, E // H, H).permute(2, 0, 4, 1, 3)"),
    ),
    attention(
        "attention_heads_mixed_with_positions",
        "T and H are not swapped before the reshape",
        "attention",
        numpy=(HEADS_NUMPY, "qkv.swapaxes(1, 2).reshape(B, 3, H, T, E // H).swapaxes(0, 1)"),
        torch=(HEADS_TORCH, "qkv.transpose(1, 2).reshape(B, 3, H, T, E // H).transpose(0, 1)"),
    ),
    attention(
        "attention_heads_joined_in_the_wrong_order",
        "y is not swapped back before the heads are joined",
        "attention",
        numpy=(OUT_NUMPY, "y.reshape(len(y)"),
        torch=(OUT_TORCH, "y.reshape(len(y), y.shape[2], -1)"),
    ),
    attention(
        "attention_first_head_for_all",
        "every head takes the columns of the first",
        "attention",
        c=(FORWARD_C, FORWARD_C.replace("head % a.H * S;", "0 * head;")),
        numpy=(
            "q, k, v = _heads(qkv, H)  # each (B,H,T,E/H)\n    scores",
            ("q, k, v = _heads(qkv, H)[:, :, :1].repeat(H, 2)\n    scores"),
        ),
        torch=(
            "q, k, v = _heads(qkv, H)  # each (B,H,T,E/H)\n    scores",
            ("q, k, v = (a[:, :1].expand_as(a) for a in _heads(qkv, H))\n    scores"),
        ),
    ),
    attention(
        "attention_queries_for_keys",
        "q and k change places",
        "attention",
        c=(f"{QKV_C}\n    real *y", "const real *k = a.qkv + first, *q = k + E, *v = q + E;\n    real *y"),
        numpy=(SCORES_NUMPY, "k @ q.swapaxes(2, 3) / sqrt(E // H)"),
        torch=(SCORES_TORCH, "k @ q.mT / sqrt(q.shape[3])"),
    ),
    attention(
        "attention_keys_for_values",
        "y is a mean of keys",
        "attention",
        c=(f"{QKV_C}\n    real *y", "const real *q = a.qkv + first, *k = q + E, *v = k;\n    real *y"),
        numpy=(Y_NUMPY, "(probs if mask is None else probs * mask) @ k"),
        torch=(Y_TORCH, "(probs if mask is None else probs * mask) @ k"),
    ),
    attention(
        "attention_mask_ignored",
        "no weight is dropped",
        "attention",
        c=("if (a.mask) {\n                mask_tile(tile, p + u", "if (0) {\n                mask_tile(tile, p + u"),
        numpy=(Y_NUMPY, "probs @ v"),
        torch=(Y_TORCH, "probs @ v"),
    ),
    attention(
        "attention_mask_normalised_away",
        "what is left after dropout is made to add up to 1 again",
        "attention",
        numpy=(Y_NUMPY, "(probs if mask is None else probs * mask / (probs * mask).sum(3, keepdims=True)) @ v"),
        torch=(Y_TORCH, "(probs if mask is None else probs * mask / (probs * mask).sum(3, keepdim=True)) @ v"),
    ),
    attention(
        "attention_returns_dropped_probs",
        "the returned probs are those after dropout",
        "attention",
        numpy=(
            "return _side_by_side(y), probs",
            "return _side_by_side(y), probs if mask is None else probs * mask",
        ),
        torch=("probs.detach()", "(probs if mask is None else probs * mask).detach()"),
    ),
    attention(
        "attention_probs_above_the_diagonal_left",
        "above the diagonal probs has what was there before, as nothing is written",
        "attention",
        c=("for (size_t u = t + 1; u < keys; u++) { p[u] = 0; }\n", "\n"),
    ),
    attention(
        "attention_probs_in_half",
        "the weights are rounded to half precision",
        "attention",
        numpy=(SOFTMAX_NUMPY, "probs = (exps / exps.sum(axis=3, keepdims=True)).astype('f2').astype(qkv.dtype)"),
        torch=(SOFTMAX_TORCH, "probs = scores.softmax(dim=3).half().to(qkv.dtype)"),
    ),
    attention(
        "attention_last_token_alone_after_64",
        "beyond 64 tokens only the last 64 are seen",
        "attention",
        c=(
            SOFTMAX_C,
            (
                f"for (size_t i = 0; i < n; i++) {{\n"
                f"            for (size_t u = 0; u + 64 <= t + i; u++) {{ p[i * T + u] = -INFINITY; "
                f"}}\n"
                f"        }}\n"
                f"        {SOFTMAX_C}"
            ),
        ),
        numpy=(TRI_NUMPY, "np.tri(T, dtype=bool) & ~np.tri(T, k=-64, dtype=bool)"),
        torch=(TRI_TORCH, "triu(1).logical_or(torch.ones(T, T).tril(-64) > 0)"),
    ),
    attention(
        "attention_gradient_without_the_sum",
        "softmax' is taken for probs, without what the other weights lose",
        "attention_backward",
        c=(DSCORES_C, "p[i * T + u] * (tile[i * KEYS + u] - 0 * sum[i]) / root"),
        numpy=(DSCORES_NUMPY, "probs * dprobs / sqrt(E // H)"),
        torch=back_by_hand(dscores="probs * dprobs / sqrt(q.shape[3])"),
    ),
    attention(
        "attention_gradient_summed_over_queries",
        "the sum in softmax' runs over the queries",
        "attention_backward",
        numpy=(DSCORES_NUMPY, DSCORES_NUMPY.replace("axis=3", "axis=2")),
        torch=back_by_hand(dscores="probs * (dprobs - (probs * dprobs).sum(2, keepdim=True)) / sqrt(q.shape[3])"),
    ),
    attention(
        "attention_gradient_not_scaled",
        "the gradients of q and k are not divided by sqrt(E/H)",
        "attention_backward",
        c=(DSCORES_C, "p[i * T + u] * (tile[i * KEYS + u] - sum[i]) + 0 * root"),
        numpy=(DSCORES_NUMPY, DSCORES_NUMPY.removesuffix(" / sqrt(E // H)")),
        torch=back_by_hand(dscores="probs * (dprobs - (probs * dprobs).sum(3, keepdim=True))"),
    ),
    attention(
        "attention_gradient_scaled_twice",
        "the gradients of q and k are divided by E/H",
        "attention_backward",
        c=(DSCORES_C, f"{DSCORES_C} / root"),
        numpy=(DSCORES_NUMPY, f"{DSCORES_NUMPY} / sqrt(E // H)"),
        torch=back_by_hand(dscores="probs * (dprobs - (probs * dprobs).sum(3, keepdim=True)) / q.shape[3]"),
    ),
    attention(
        "attention_value_gradient_not_dropped",
        "dv takes the weights before dropout",
        "attention_backward",
        c=(
            "if (mask) {\n                mask_tile(tile, p + u, mask + u, T, n, m);",
            (
                "if (mask) {\n"
                "                for (size_t i = 0; i < n; i++) {\n"
                "                    memcpy(tile + i * KEYS, p + i * T + u, m * sizeof(real));\n"
                "                }"
            ),
        ),
        numpy=("dv = (probs if mask is None else probs * mask).swapaxes(2, 3) @ dy", "dv = probs.swapaxes(2, 3) @ dy"),
        torch=back_by_hand(dv="probs.mT @ dy"),
    ),
    attention(
        "attention_probs_gradient_not_dropped",
        "the gradient of the weights does not pass through dropout",
        "attention_backward",
        c=(DPROBS_MASK_C, "for (size_t i = 0; i < n && 0 * !mask; i++)"),
        numpy=("dprobs *= mask", "pass"),
        torch=back_by_hand(dprobs="dy @ v.mT"),
    ),
    attention(
        "attention_value_gradient_not_transposed",
        "dv[u] is summed over the keys of query u",
        "attention_backward",
        numpy=("probs * mask).swapaxes(2, 3) @ dy", "probs * mask) @ dy"),
        torch=back_by_hand(dv="(probs * m) @ dy"),
    ),
    attention(
        "attention_key_gradient_not_transposed",
        "dk[t] is summed over the keys of query t",
        "attention_backward",
        numpy=("dk = dscores.swapaxes(2, 3) @ q", "dk = dscores @ q"),
        torch=back_by_hand(dk="dscores @ q"),
    ),
    attention(
        "attention_gradients_of_q_and_k_swapped",
        "dq is written where dk belongs",
        "attention_backward",
        c=(DX_C, "real *dk = a.dqkv + first, *dq = dk + E, *dv = dq + E,"),
        numpy=("np.stack((dq, dk, dv), axis=1)", "np.stack((dk, dq, dv), axis=1)"),
        torch=back_by_hand(order="dk, dq, dv"),
    ),
    attention(
        "attention_query_gradient_of_queries",
        "dq is a sum of queries, not of keys",
        "attention_backward",
        c=("tile, KEYS, 1, k + u * row, row, 1, n, S, m);", "tile, KEYS, 1, q - t * row + u * row, row, 1, n, S, m);"),
        numpy=("dq = dscores @ k", "dq = dscores @ q"),
        torch=back_by_hand(dq="dscores @ q"),
    ),
    attention(
        "attention_key_gradient_of_the_first_half",
        "queries past the 32nd send no gradient to the keys",
        "attention_backward",
        c=("multiply(dk + u * row, row,", "if (t < 32) multiply(dk + u * row, row,"),
        numpy=("dk = dscores.swapaxes(2, 3) @ q", "dk = dscores[:, :, :32].swapaxes(2, 3) @ q[:, :, :32]"),
        torch=back_by_hand(dk="dscores[:, :, :32].mT @ q[:, :, :32]"),
    ),
    attention(
        "attention_gradient_into_a_stale_tile",
        "where the keys fill more than a tile the last tile's dprobs serve for all",
        "attention_backward",
        c=("if (keys > KEYS) {", "if (keys > KEYS && u == 0) {"),
    ),
    attention(
        "attention_second_tile_of_keys_overwrites",
        "y keeps only what the last tile of keys gives",
        "attention",
        c=("u > 0 ? y : NULL, E,", "NULL, 0,"),
    ),
)
