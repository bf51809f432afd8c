"""Large draws of the RNG in numpy: the one sequence is cut into lanes, and all lanes step at once.

A step of xorshift is linear over GF(2): a 64 x 64 bit matrix. Its powers jump a state ahead by any number of draws.
"""

import numpy as np

MULTIPLIER = 0x2545F4914F6CDD1D
LANES = 2048
BLOCK = 64  # steps drawn before they are transposed into place
BITS = np.arange(64, dtype=np.uint64)


def draw_lanes(state: int, out: np.ndarray) -> int:
    """Fill `out` (LANES, steps), row by row the next draws after `state`; return the state after the last."""
    steps = out.shape[1]
    s = _lane_starts(state, steps)
    for first in range(0, steps, BLOCK):
        block = np.empty((min(BLOCK, steps - first), LANES), np.uint32)
        for row in block:
            s = _step(s)
            row[:] = s * MULTIPLIER >> 32
        out[:, first : first + BLOCK] = block.T
    return int(s[-1])


def _lane_starts(state: int, steps: int) -> np.ndarray:
    """(LANES,) states, each `steps` draws after the one before."""
    jump, square = np.uint64(1) << BITS, _step(np.uint64(1) << BITS)  # a matrix is the images of the 64 bits
    while steps:
        jump = _apply(square, jump) if steps & 1 else jump
        square, steps = _apply(square, square), steps >> 1
    starts = np.array([state], np.uint64)
    while len(starts) < LANES:
        starts, jump = np.concatenate([starts, _apply(jump, starts)]), _apply(jump, jump)
    return starts


def _step(s: np.ndarray) -> np.ndarray:
    s = s ^ s >> 12
    s ^= s << 25
    return s ^ s >> 27


def _apply(matrix: np.ndarray, states: np.ndarray) -> np.ndarray:
    """The exclusive or of those rows of `matrix` (64,) whose bit is set, for each of `states` (n,)."""
    return np.bitwise_xor.reduce((states[:, None] >> BITS & 1) * matrix, axis=1)
