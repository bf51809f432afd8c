"""The harness, tested: known bugs are planted one at a time, and each must be caught by the check meant for it.

`python -m support.mutants` runs them all; `python -m support.mutants.kill_matrix` also tests each by the usual
tolerances and writes docs/kill-matrix.md.
"""

from . import (
    of_adamw,
    of_attention,
    of_batch_norm,
    of_blocks,
    of_caches,
    of_clipping,
    of_cross_entropy,
    of_cross_entropy_backward,
    of_data,
    of_edges,
    of_embedding,
    of_gpt,
    of_gpt_cache,
    of_gpt_dropout,
    of_gpt_elementwise,
    of_gpt_norms,
    of_late_steps,
    of_layers,
    of_linear,
    of_linear_backward,
    of_mlp,
    of_models,
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
    of_strict_gpt,
    of_strict_ops,
    of_strict_steps,
    of_tanh,
    of_threads,
    of_values,
)
from .mutant import BACKENDS, Mutant, Plant

__all__ = ["BACKENDS", "KINDS", "MUTANTS", "Mutant", "Plant"]

# What is planted, by kind of bug; each kind is a file or a few.
KINDS: dict[str, tuple[Mutant, ...]] = {
    "formulas of the operations": (
        *of_embedding.MUTANTS,
        *of_linear.MUTANTS,
        *of_linear_backward.MUTANTS,
        *of_tanh.MUTANTS,
        *of_cross_entropy.MUTANTS,
        *of_cross_entropy_backward.MUTANTS,
        *of_batch_norm.MUTANTS,
    ),
    "layers and the model": (*of_layers.MUTANTS, *of_mlp.MUTANTS, *of_caches.MUTANTS),
    "formulas of the optimizers": (*of_optimizers.MUTANTS, *of_adamw.MUTANTS),
    "random numbers, text, schedules and sampling": (*of_rng.MUTANTS, *of_data.MUTANTS),
    "runs and checkpoints": of_runs.MUTANTS,
    "only from some size, value or layout on": of_edges.MUTANTS,
    "settings and late steps of an optimizer": of_late_steps.MUTANTS,
    "block boundaries, last rows and columns": of_blocks.MUTANTS,
    "loops shared out to threads": of_threads.MUTANTS,
    "sizes of one or two": of_small_sizes.MUTANTS,
    "signed zeros, infinities, NaN, very small and large numbers": of_values.MUTANTS,
    "statistics and settings of batch norm": of_statistics.MUTANTS,
    "one part in fewer bits": of_precision.MUTANTS,
    "memory that is shared or written to": of_state.MUTANTS,
    "state between calls, models and parameters": of_models.MUTANTS,
    "ends of an optimizer's settings": of_steps.MUTANTS,
    "initial weights": of_starts.MUTANTS,
    "formulas of the GPT's operations": (
        *of_gpt_norms.MUTANTS,
        *of_gpt_elementwise.MUTANTS,
        *of_attention.MUTANTS,
        *of_clipping.MUTANTS,
    ),
    "the GPT": (*of_gpt.MUTANTS, *of_gpt_dropout.MUTANTS, *of_gpt_cache.MUTANTS),
    "the GPT in strict float32": of_strict_gpt.MUTANTS,
    "strict float32": (*of_strict.MUTANTS, *of_strict_ops.MUTANTS, *of_strict_steps.MUTANTS),
}
MUTANTS: tuple[Mutant, ...] = tuple(mutant for mutants in KINDS.values() for mutant in mutants)
