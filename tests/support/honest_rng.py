"""The RNG once more, in plain Python ints, sharing no code with the project's."""

import math
from collections.abc import Iterator


def reference_draws(seed: int) -> Iterator[tuple[int, int]]:
    """Endless (u32, state after it)."""
    s = seed
    while True:
        s ^= s >> 12
        s = (s ^ (s << 25)) % 2**64
        s ^= s >> 27
        yield (s * 0x2545F4914F6CDD1D) % 2**64 // 2**32, s


def reference(seed: int, count: int) -> tuple[list[int], int]:
    """The first u32s, and the state after them."""
    draws, state = [], seed
    for _, (draw, after) in zip(range(count), reference_draws(seed), strict=False):
        draws.append(draw)
        state = after
    return draws, state


def reference_normals(seed: int, count: int) -> tuple[list[float], int]:
    draws, state = reference(seed, count + count % 2)
    values = []
    for first, second in zip(draws[::2], draws[1::2], strict=True):
        u1, u2 = (first // 256) / 2**24, (second // 256) / 2**24
        radius = math.sqrt(-2 * math.log(u1 or 2**-25))
        values += [radius * math.cos(2 * math.pi * u2), radius * math.sin(2 * math.pi * u2)]
    return values[:count], state


def state_before(state: int) -> int:
    """The state whose next one is `state`: each xor with a shift is undone by repeating it."""
    undo = state
    for shift in (27, -25, 12):
        target, guess = undo, undo
        for _ in range(64):
            guess = target ^ (guess >> shift if shift > 0 else (guess << -shift) % 2**64)
        undo = guess
    return undo


def zero_state() -> int:
    """A state whose output is 1, of which the upper 24 bits are 0."""
    return 2**32 * pow(0x2545F4914F6CDD1D, -1, 2**64) % 2**64
