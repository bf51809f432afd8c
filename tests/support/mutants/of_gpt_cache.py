"""Mutants of generation: the keys and values that are kept from one token to the next."""

from .mutant import gpt_mutant

CACHE_C, ATTEND_C, CACHE_PY = "gpt/cache.c", "gpt/cached_attention.c", "gpt/cached_attention.py"
SCORES_NUMPY = "q @ k.swapaxes(2, 3) / sqrt(E // H)"
SEEN_NUMPY, SEEN_TORCH = "np.tri(n, S, past, dtype=bool)", "dtype=torch.bool, device=q.device).tril(past)"
KEEP = "kept[0, :, :, past:S], kept[1, :, :, past:S] = k, v"
UP_TO = "for (size_t u = 0; u <= t; u++)"
NUMPY_POSITIONS = "np.arange(past, past + T, dtype=np.int32)"
TORCH_POSITIONS = "torch.arange(past, past + T, dtype=torch.int32, device=self.device)"

MUTANTS = (
    gpt_mutant(
        "gpt_cached_token_sees_the_next",
        "of several tokens that are read at once each sees the one after it",
        "gpt_cache",
        numpy=(CACHE_PY, SEEN_NUMPY, "np.tri(n, S, past + 1, dtype=bool)"),
        torch=(CACHE_PY, SEEN_TORCH, SEEN_TORCH.replace("past", "past + 1")),
    ),
    gpt_mutant(
        "gpt_cached_token_does_not_see_the_last",
        "of several tokens that are read at once each sees one too few",
        "gpt_cache",
        numpy=(CACHE_PY, SEEN_NUMPY, "np.tri(n, S, max(past - 1, 0), dtype=bool)"),
        torch=(CACHE_PY, SEEN_TORCH, SEEN_TORCH.replace("past", "max(past - 1, 0)")),
    ),
    gpt_mutant(
        "gpt_cached_position_from_0",
        "a token that follows others gets the position of the first",
        "gpt_cache",
        c=(CACHE_C, "p.wpe + (t + i) * E", "p.wpe + 0 * (t + i)"),
        numpy=(NUMPY_POSITIONS, "np.arange(T, dtype=np.int32)"),
        torch=(TORCH_POSITIONS, TORCH_POSITIONS.replace("past, past + T", "T")),
    ),
    gpt_mutant(
        "gpt_cache_written_one_too_early",
        "a token's key and value take the place of those before it",
        "gpt_cache",
        c=(ATTEND_C, "values[t * S + s] = v[s]", "values[(t > 1 ? t - 1 : t) * S + s] = v[s]"),
        numpy=(CACHE_PY, KEEP, f"{KEEP}\n    kept[1, :, :, max(past - 1, 0)] = v[:, :, 0]"),
        torch=(CACHE_PY, KEEP, f"{KEEP}\n    kept[1, :, :, max(past - 1, 0)] = v[:, :, 0]"),
    ),
    gpt_mutant(
        "gpt_cache_keeps_keys_for_values",
        "the keys are kept twice",
        "gpt_cache",
        c=(ATTEND_C, "values[t * S + s] = v[s]", "values[t * S + s] = k[s]"),
        numpy=(CACHE_PY, KEEP, KEEP.replace("= k, v", "= k, k")),
        torch=(CACHE_PY, KEEP, KEEP.replace("= k, v", "= k, k")),
    ),
    gpt_mutant(
        "gpt_cached_scores_not_scaled",
        "with a cache the scores are not divided by the root",
        "gpt_cache",
        c=(ATTEND_C, "scores[u] /= sqrt((real)S);", ";"),
        numpy=(CACHE_PY, SCORES_NUMPY, "q @ k.swapaxes(2, 3)"),
        torch=(CACHE_PY, "F.scaled_dot_product_attention(q,", "F.scaled_dot_product_attention(q * q.shape[3] ** 0.5,"),
    ),
    gpt_mutant(
        "gpt_cache_of_one_layer",
        "all blocks keep their keys and values in one place",
        "gpt_cache",
        c=(CACHE_C, "real *keys = cache + 2 * l * of_layer", "real *keys = cache + 0 * l"),
        numpy=("cache.kept[layer]", "cache.kept[0]"),
        torch=("cache.kept[layer]", "cache.kept[0]"),
    ),
    gpt_mutant(
        "gpt_cache_forgets_its_length",
        "the tokens of the last call are not counted",
        "gpt_cache",
        common=("cache.length += tokens.shape[1]", "cache.length += tokens.shape[1] - (cache.length > 1)"),
    ),
)
