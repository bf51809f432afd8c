"""A made book of a real one's size: its words are as unlike in number as those of a language are (Zipf 1949)."""

import itertools

import numpy as np

import nnz

WORDS, DISTINCT = 1_200_000, 27_755
SENTENCE, PARAGRAPH = 12, 60  # words


def made_book() -> str:
    """A text of so many words, punctuation not counted: each word once, the others drawn, word i with weight 1/i."""
    words, distinct = WORDS, DISTINCT
    shares = np.cumsum(1 / np.arange(1, distinct + 1))
    rng = nnz.RNG(1337)
    drawn = np.searchsorted(shares / shares[-1], rng.uniform(0, 1, words - distinct), side="right")
    order = rng.permutation(words)
    ids = np.concatenate([np.arange(distinct), np.minimum(drawn, distinct - 1)])[order]
    spelled = ["".join(letters) for letters in itertools.islice(itertools.product("aeiounrstlm", repeat=5), distinct)]
    sentences = [" ".join(spelled[i] for i in ids[n : n + SENTENCE]) + "." for n in range(0, words, SENTENCE)]
    each = PARAGRAPH // SENTENCE
    return "\n\n".join(" ".join(sentences[n : n + each]) for n in range(0, len(sentences), each)) + "\n"
