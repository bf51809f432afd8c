"""The harness, tested: known bugs are planted one at a time, and each must be caught by the check meant for it.

`python -m support.mutants` runs them all; `python -m support.mutants.kill_matrix` also tests each by the usual
tolerances and writes docs/kill-matrix.md.
"""

from . import (
    of_adamw,
    of_batch_norm,
    of_blocks,
    of_caches,
    of_cross_entropy,
    of_cross_entropy_backward,
    of_data,
    of_edges,
    of_embedding,
    of_layers,
    of_linear,
    of_linear_backward,
    of_mlp,
    of_optimizers,
    of_precision,
    of_rng,
    of_runs,
    of_small_sizes,
    of_starts,
    of_state,
    of_statistics,
    of_steps,
    of_strict,
    of_strict_ops,
    of_strict_steps,
    of_tanh,
    of_values,
)
from .mutant import BACKENDS, Mutant, Plant

__all__ = ["BACKENDS", "MUTANTS", "Mutant", "Plant"]

MUTANTS: tuple[Mutant, ...] = (
    *of_embedding.MUTANTS,
    *of_linear.MUTANTS,
    *of_linear_backward.MUTANTS,
    *of_tanh.MUTANTS,
    *of_cross_entropy.MUTANTS,
    *of_cross_entropy_backward.MUTANTS,
    *of_batch_norm.MUTANTS,
    *of_layers.MUTANTS,
    *of_mlp.MUTANTS,
    *of_caches.MUTANTS,
    *of_optimizers.MUTANTS,
    *of_adamw.MUTANTS,
    *of_rng.MUTANTS,
    *of_data.MUTANTS,
    *of_runs.MUTANTS,
    *of_edges.MUTANTS,
    *of_blocks.MUTANTS,
    *of_small_sizes.MUTANTS,
    *of_values.MUTANTS,
    *of_statistics.MUTANTS,
    *of_precision.MUTANTS,
    *of_state.MUTANTS,
    *of_steps.MUTANTS,
    *of_starts.MUTANTS,
    *of_strict.MUTANTS,
    *of_strict_ops.MUTANTS,
    *of_strict_steps.MUTANTS,
)
