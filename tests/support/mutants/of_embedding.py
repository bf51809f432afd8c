"""Mutants of the embedding."""

from functools import partial

from .mutant import op_mutant

embedding = partial(op_mutant, "embedding")

POSITIONS_C = "i < B * T; i++) {\n        real *drow"
ADD_C, ADD_NUMPY = "drow[e] += demb[i * E + e];", "dwte[ids[first]] = np.add.reduceat(rows, first)"
ROWS = "demb.reshape(ids.size, -1).take("
ROWS_NUMPY = "return wte.take(ids, axis=0)"

MUTANTS = (
    embedding(
        "embedding_of_the_first_token_only",
        "every position gets the vector of the row's first token",
        "embedding",
        c=("const real *row = wte + (size_t)ids[i] * E;", "const real *row = wte + (size_t)ids[i - i % T] * E;"),
        numpy=(ROWS_NUMPY, "return wte[ids[:, :1].repeat(ids.shape[1], axis=1)]"),
        torch=("return F.embedding(ids, wte)", "return F.embedding(ids[:, :1].expand_as(ids), wte)"),
    ),
    embedding(
        "embedding_last_row_ignored",
        "the last row of the batch gets zeros",
        "embedding",
        c=("emb[i * E + e] = row[e];", "emb[i * E + e] = i / T == B - 1 ? 0 : row[e];"),
        numpy=(ROWS_NUMPY, "return np.concatenate([wte[ids[:-1]], 0 * wte[ids[-1:]]])"),
        torch=("return F.embedding(ids, wte)", "return F.pad(F.embedding(ids[:-1], wte), (0, 0, 0, 0, 0, 1))"),
    ),
    embedding(
        "embedding_gradient_overwritten",
        "a token that comes twice keeps one of its gradients (scatter without accumulation)",
        "embedding_backward",
        c=(ADD_C, ADD_C.replace("+=", "=")),
        numpy=(ADD_NUMPY, "dwte[ids] = rows"),
        torch=(
            "return torch.func.vjp(lambda wte: embedding_forward(wte, ids), wte)[1](demb)[0]",
            "return wte.index_put((ids.long(),), demb)",
        ),
    ),
    embedding(
        "embedding_gradient_of_the_first_position_only",
        "only the first of the T positions sends its gradient back",
        "embedding_backward",
        c=(POSITIONS_C, POSITIONS_C.replace("i++", "i += T")),
        numpy=(ROWS, ROWS.replace("demb", "(demb * (np.arange(ids.shape[1]) == 0)[:, None])")),
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
        c=(ADD_C, ADD_C.replace("+= ", "+= ids[i] == 0 ? 0 : ")),
        numpy=("return dwte", "return dwte * (np.arange(V) > 0)[:, None]"),
        torch=("return F.embedding(ids, wte)", "return F.embedding(ids, wte, padding_idx=0)"),
    ),
    embedding(
        "embedding_gradient_last_row_ignored",
        "the last row of the batch sends no gradient back",
        "embedding_backward",
        c=(POSITIONS_C, POSITIONS_C.replace("B * T", "(B - 1) * T")),
        numpy=(ROWS, ROWS.replace("demb", "np.concatenate([demb[:-1], 0 * demb[-1:]])")),
        torch=("(demb)[0]", "(F.pad(demb[:-1], (0, 0, 0, 0, 0, 1)))[0]"),
    ),
    embedding(
        "embedding_gradient_averaged",
        "a token's gradients are averaged, not summed",
        "embedding_backward",
        numpy=(ADD_NUMPY, ADD_NUMPY + " / np.diff(first, append=len(ids))[:, None]"),
        torch=("return F.embedding(ids, wte)", "return F.embedding(ids, wte, scale_grad_by_freq=True)"),
    ),
)
