"""What every conformance case is drawn from: sizes that are all different, tokens that repeat."""

import numpy as np

Array = np.ndarray

# exp overflows beyond 88.7 in float32 and 709.8 in float64.
OVERFLOWING_LOGIT = {np.dtype(np.float32): 100.0, np.dtype(np.float64): 800.0}

ROWS, CONTEXTS, WIDTHS = (2, 3, 5, 7, 12, 19, 31), (2, 3, 4, 5), (3, 5, 6, 8, 11, 13)
HIDDENS, VOCABULARIES = (7, 10, 17, 23, 37, 53), (5, 9, 14, 27, 29, 41)


def draw_sizes(rng: np.random.Generator) -> dict[str, int]:
    """All of B, T, E, H, V and T*E different."""
    while True:
        B, T, E, H, V = (int(rng.choice(pool)) for pool in (ROWS, CONTEXTS, WIDTHS, HIDDENS, VOCABULARIES))
        if len({B, T, E, H, V, T * E}) == 6:
            return {"B": B, "T": T, "E": E, "H": H, "V": V}


def draw_tokens(rng: np.random.Generator, shape: tuple[int, ...], V: int) -> Array:
    """Token ids: the largest id first, one met twice, and never all the same."""
    ids = rng.integers(0, V, shape)
    ids.flat[0] = V - 1
    ids.flat[1] = 0
    ids.flat[2:4] = V - 1
    return ids
