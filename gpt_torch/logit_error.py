"""How far two honest computations of the same GPT may lie apart: figures of the tests, with what was measured."""

from __future__ import annotations

# The gradient of every parameter against the float64 oracle, as a share of the tensor's largest entry.
# Measured on the models of the tests: at most 7.6e-7 and 2.5e-15.
GRADIENT_LIMIT = {"float32": 1e-4, "float64": 1e-12}

# How many times faster generation is with a cache than without, at 256 tokens of context. Measured, on one
# core and for the course's GPT: 6 to 9.
CACHE_SPEEDUP = 5
