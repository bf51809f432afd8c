"""Every check of the grading, in order, native and in strict float32. Each level builds on those before it."""

from __future__ import annotations

from dataclasses import dataclass

from .checks import (
    checkpoint,
    clipping,
    gpt,
    gpt_calls,
    gpt_layers,
    layers,
    mlp,
    optimizers,
    sampling,
    sequences,
    training,
)
from .checks.ops import CheckFunction, layouts_check, op_check, sizes_check, values_check
from .strict import checks as strict
from .strict import gpt as strict_gpt
from .strict import training as strict_training
from .strict.in_strict import strict_check

BOTH = ("float32", "float64")
STRICT = "strict"  # used like a dtype: float32, exact to the bit
KINDS = (*BOTH, STRICT)


@dataclass(frozen=True)
class Check:
    """One thing that a backend is asked, in each of `dtypes`."""

    level: str
    name: str
    run: CheckFunction
    dtypes: tuple[str, ...] = BOTH


FORWARDS = ("embedding", "linear", "tanh", "cross_entropy", "batch_norm")
GPT_FORWARDS = ("layer_norm", "rms_norm", "relu", "gelu", "attention", "dropout")


def _of_op(level: str, check: str, function: str) -> tuple[Check, ...]:
    """What an operation is asked: first on ordinary arrays, then on arrays of any size, value and layout."""
    return (
        Check(level, check, op_check(function)),
        Check(level, "any size", sizes_check(function)),
        Check(level, "any value", values_check(function)),
        Check(level, "any layout", layouts_check(function)),
    )


CHECKS: tuple[Check, ...] = (
    *(check for op in FORWARDS for check in _of_op(op, "forward", f"{op}_forward")),
    *(check for op in FORWARDS for check in _of_op(f"{op}_backward", "backward", f"{op}_backward")),
    *(Check("layers", name, layers.layer_check(name)) for name in layers.LAYERS),
    Check("layers", "any size", layers.any_size),
    Check("layers", "from the seed", layers.from_the_seed),
    Check("mlp", "loss and gradients", mlp.loss_and_gradients),
    Check("mlp", "the recipe's size", mlp.recipe_size),
    Check("mlp", "any size", mlp.any_size),
    Check("mlp", "sizes of one", mlp.sizes_of_one),
    Check("mlp", "ids in any layout", mlp.layouts_of_ids),
    Check("mlp", "intermediates", mlp.intermediates),
    Check("mlp", "backward twice", mlp.backward_twice),
    Check("mlp", "small batch after a large one", mlp.small_after_large),
    Check("mlp", "calls in any order", sequences.any_order),
    Check("mlp", "arguments unchanged", mlp.arguments_unchanged),
    Check("mlp", "without targets", mlp.without_targets),
    Check("mlp", "refuses bad ids", mlp.refuses_bad_ids),
    Check("initial_weights", "from the seed", mlp.from_the_seed),
    *_of_op("sgd", "one step", "sgd_step"),
    Check("sgd", "nn.SGD", optimizers.optimizer_object("SGD")),
    *_of_op("adamw", "one step", "adamw_step"),
    Check("adamw", "five steps", optimizers.adamw_steps),
    Check("adamw", "a hundred steps", optimizers.adamw_hundred_steps),
    Check("adamw", "nn.AdamW", optimizers.optimizer_object("AdamW")),
    Check("training", "each of 100 steps", training.each_step),
    Check("training", "nine decimals", training.nine_decimals, ("float64",)),
    Check("sampling", "the oracle's tokens", sampling.samples),
    Check("checkpoint", "there and back", checkpoint.there_and_back),
)

STRICT_CHECKS: tuple[Check, ...] = tuple(
    Check(level, name, strict_check(run), (STRICT,))
    for level, name, run in (
        *((op, "forward", strict.op_check(f"{op}_forward")) for op in FORWARDS),
        *((f"{op}_backward", "backward", strict.op_check(f"{op}_backward")) for op in FORWARDS),
        *(("layers", name, strict.strict_layer_check(name)) for name in layers.LAYERS),
        ("mlp", "every tensor", strict.mlp),
        ("mlp", "rows alone and together", strict.rows_alone),
        ("sgd", "one step", strict.op_check("sgd_step")),
        ("sgd", "nn.SGD", strict.optimizer_object("SGD")),
        ("adamw", "one step", strict.op_check("adamw_step")),
        ("adamw", "nn.AdamW", strict.optimizer_object("AdamW")),
        *(("training", name, strict_training.state_after(name)) for name in strict_training.RUNS),
        *((op, "forward", strict.op_check(f"{op}_forward")) for op in GPT_FORWARDS),
        *((f"{op}_backward", "backward", strict.op_check(f"{op}_backward")) for op in GPT_FORWARDS),
        ("dropout_mask", "mask", strict.op_check("dropout_mask")),
        ("square_sum", "sum", strict_gpt.square_sums),
        ("clip", "one step", strict.op_check("clip_step")),
        ("clip", "nn.clip_grad_norm", strict_gpt.global_norm),
        ("gpt", "every tensor", strict_gpt.every_tensor),
        ("gpt", "trained", strict_gpt.trained),
        ("gpt_cache", "tokens with a cache", strict_gpt.with_a_cache),
    )
)

# What only a GPT needs: a backend that has none of it is not asked for it.
GPT_CHECKS: tuple[Check, ...] = (
    *(check for op in GPT_FORWARDS for check in _of_op(op, "forward", f"{op}_forward")),
    *(check for op in GPT_FORWARDS for check in _of_op(f"{op}_backward", "backward", f"{op}_backward")),
    *_of_op("dropout_mask", "mask", "dropout_mask"),
    *_of_op("square_sum", "sum", "square_sum"),
    *_of_op("clip", "one step", "clip_step"),
    Check("clip", "nn.clip_grad_norm", clipping.global_norm),
    *(Check("gpt_layers", name, gpt_layers.layer_check(name)) for name in gpt_layers.WAYS),
    Check("gpt", "loss and gradients", gpt.loss_and_gradients),
    Check("gpt", "dropout", gpt.with_dropout),
    Check("gpt", "intermediates", gpt.intermediates),
    Check("gpt", "any size", gpt_calls.any_size),
    Check("gpt", "sizes of one", gpt.sizes_of_one),
    Check("gpt", "backward twice", gpt.backward_twice),
    Check("gpt", "small batch after a large one", gpt.small_after_large),
    Check("gpt", "calls in any order", gpt_calls.any_order),
    Check("gpt", "without targets", gpt.without_targets),
    Check("gpt", "refuses bad ids", gpt.refuses_bad_ids),
    Check("gpt", "each of 8 clipped steps", clipping.each_step),
    Check("gpt", "nine decimals", clipping.nine_decimals, ("float64",)),
    Check("gpt_initial_weights", "from the seed", gpt.from_the_seed),
    Check("gpt_cache", "tokens with a cache", gpt_calls.cached),
)

LEVELS: tuple[str, ...] = tuple(dict.fromkeys(check.level for check in CHECKS))
GPT_LEVELS: tuple[str, ...] = tuple(dict.fromkeys(check.level for check in GPT_CHECKS))

# The levels that a level builds on: if one of them failed, the result says so.
BUILDS_ON: dict[str, tuple[str, ...]] = {
    **{f"{op}_backward": (op,) for op in (*FORWARDS, *GPT_FORWARDS)},
    "layers": tuple(op + way for op in FORWARDS if op != "cross_entropy" for way in ("", "_backward")),
    "mlp": tuple(op + way for op in FORWARDS if op != "batch_norm" for way in ("", "_backward")),
    "gpt_layers": tuple(op + way for op in ("linear", *GPT_FORWARDS) for way in ("", "_backward")),
    "gpt": (
        *(op + way for op in ("embedding", "linear", "cross_entropy", *GPT_FORWARDS) for way in ("", "_backward")),
        *("dropout_mask", "square_sum", "clip", "adamw"),
    ),
    "gpt_initial_weights": ("gpt",),
    "gpt_cache": ("gpt",),
    "initial_weights": ("mlp",),
    "training": ("mlp", "adamw"),
    "sampling": ("mlp",),
    "checkpoint": ("mlp",),
}

# The same for one layer.
LAYER_USES: dict[str, tuple[str, ...]] = {
    "Embedding": ("embedding", "embedding_backward"),
    "Linear": ("linear", "linear_backward"),
    "BatchNorm1d": ("batch_norm", "batch_norm_backward"),
    "Tanh": ("tanh", "tanh_backward"),
    "Residual": ("linear", "linear_backward", "tanh", "tanh_backward"),
}
