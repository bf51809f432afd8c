"""Mutants of the embedding."""

from functools import partial

from .mutant import op_mutant

embedding = partial(op_mutant, "embedding")

MUTANTS = (
    embedding(
        "embedding_of_the_first_token_only",
        "every position gets the vector of the row's first token",
        "embedding",
        c=("const real *row = wte + (size_t)ids[i] * E;", "const real *row = wte + (size_t)ids[i - i % T] * E;"),
        numpy=("return wte[ids]", "return wte[ids[:, :1].repeat(ids.shape[1], axis=1)]"),
        torch=("return F.embedding(ids, wte)", "return F.embedding(ids[:, :1].expand_as(ids), wte)"),
    ),
    embedding(
        "embedding_last_row_ignored",
        "the last row of the batch gets zeros",
        "embedding",
        c=("emb[i * E + e] = row[e];", "emb[i * E + e] = i / T == B - 1 ? 0 : row[e];"),
        numpy=("return wte[ids]", "return np.concatenate([wte[ids[:-1]], 0 * wte[ids[-1:]]])"),
        torch=("return F.embedding(ids, wte)", "return F.pad(F.embedding(ids[:-1], wte), (0, 0, 0, 0, 0, 1))"),
    ),
    embedding(
        "embedding_gradient_overwritten",
        "a token that comes twice keeps one of its gradients (scatter without accumulation)",
        "embedding_backward",
        c=("row[e] += demb[i * E + e];", "row[e] = demb[i * E + e];"),
        numpy=(
            "dwte[used] = np.add.reduceat(demb.reshape(len(flat), -1)[order], first)",
            "dwte[flat] = demb.reshape(len(flat), -1)",
        ),
        torch=(
            "return derive(lambda wte: embedding_forward(wte, ids), demb, wte)",
            "return wte.index_put((ids.long(),), demb)",
        ),
    ),
    embedding(
        "embedding_gradient_of_the_first_position_only",
        "only the first of the T positions sends its gradient back",
        "embedding_backward",
        c=("B * T; i++) {\n        real *row = dwte", "B * T; i += T) {\n        real *row = dwte"),
        numpy=(
            "flat = ids.ravel()\n",
            "flat, demb = ids.ravel(), demb * (np.arange(ids.shape[1]) == 0)[:, None]\n",
        ),
        torch=(
            "return F.embedding(ids, wte)",
            "first, emb = F.embedding(ids[:, :1], wte), F.embedding(ids, wte.detach()); "
            "return emb.index_copy(1, ids.new_zeros(1).long(), first)",
        ),
    ),
    embedding(
        "embedding_gradient_of_token_0_dropped",
        "token 0 counts as padding and gets no gradient",
        "embedding_backward",
        c=("row[e] += demb[i * E + e];", "row[e] += ids[i] == 0 ? 0 : demb[i * E + e];"),
        numpy=("    return dwte\n", "    return dwte * (np.arange(V) > 0)[:, None]\n"),
        torch=("return F.embedding(ids, wte)", "return F.embedding(ids, wte, padding_idx=0)"),
    ),
    embedding(
        "embedding_gradient_last_row_ignored",
        "the last row of the batch sends no gradient back",
        "embedding_backward",
        c=("i < B * T; i++) {\n        real *row", "i < (B - 1) * T; i++) {\n        real *row"),
        numpy=("flat = ids.ravel()\n", "flat, demb = ids.ravel(), np.concatenate([demb[:-1], 0 * demb[-1:]])\n"),
        torch=("ids), demb, wte)", "ids), F.pad(demb[:-1], (0, 0, 0, 0, 0, 1)), wte)"),
    ),
    embedding(
        "embedding_gradient_averaged",
        "a token's gradients are averaged, not summed",
        "embedding_backward",
        numpy=("[order], first)", "[order], first) / np.diff(first, append=len(flat))[:, None]"),
        torch=("return F.embedding(ids, wte)", "return F.embedding(ids, wte, scale_grad_by_freq=True)"),
    ),
)
