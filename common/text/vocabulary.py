"""What every tokenizer asks of ids before it looks them up."""

import numpy as np
from numpy.typing import ArrayLike


def known_ids(ids: ArrayLike, vocab_size: int) -> np.ndarray:
    """The ids as an array (n,). Raises TypeError if they are not integers, ValueError for one outside 0 .. V-1."""
    ids = np.atleast_1d(ids)
    if ids.size == 0:
        return ids.astype(np.int32)
    if not np.issubdtype(ids.dtype, np.integer):
        raise TypeError(f"token ids must be integers, not {ids.dtype}")
    if ids.min() < 0 or ids.max() >= vocab_size:
        wrong = ids[(ids < 0) | (ids >= vocab_size)][0]
        raise ValueError(f"token id {wrong} is outside the vocabulary: ids run from 0 to {vocab_size - 1}")
    return ids
