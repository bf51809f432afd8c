"""What is graded, in order: each level builds on those before it."""

from __future__ import annotations

from dataclasses import dataclass

from .checks import layers as checks_layers
from .checks import mlp as checks_mlp
from .checks import optimizers as checks_optimizers
from .checks import training as checks_training
from .checks import use as checks_use
from .checks.ops import Check as Run
from .checks.ops import op_check

BOTH = ("float32", "float64")
STRICT = "strict"  # stands where they do: float32 of which every bit is due (strict_levels.py)


@dataclass(frozen=True)
class Check:
    """One thing asked of a backend, in each of `dtypes`."""

    level: str
    name: str
    run: Run
    dtypes: tuple[str, ...] = BOTH


FORWARDS = ("embedding", "linear", "tanh", "cross_entropy", "batch_norm")

CHECKS: tuple[Check, ...] = (
    *(Check(op, "forward", op_check(f"{op}_forward")) for op in FORWARDS),
    *(Check(f"{op}_backward", "backward", op_check(f"{op}_backward")) for op in FORWARDS),
    *(Check("layers", name, checks_layers.layer_check(name)) for name in checks_layers.LAYERS),
    Check("mlp", "loss and gradients", checks_mlp.loss_and_gradients),
    Check("mlp", "the recipe's size", checks_mlp.recipe_size),
    Check("mlp", "sizes of one", checks_mlp.sizes_of_one),
    Check("mlp", "ids in any layout", checks_mlp.layouts_of_ids),
    Check("mlp", "intermediates", checks_mlp.intermediates),
    Check("mlp", "from the seed", checks_mlp.from_the_seed),
    Check("mlp", "backward twice", checks_mlp.backward_twice),
    Check("mlp", "small batch after a large one", checks_mlp.small_after_large),
    Check("mlp", "arguments unchanged", checks_mlp.arguments_unchanged),
    Check("mlp", "without targets", checks_mlp.without_targets),
    Check("mlp", "refuses bad ids", checks_mlp.refuses_bad_ids),
    Check("sgd", "one step", op_check("sgd_step")),
    Check("sgd", "nn.SGD", checks_optimizers.optimizer_object("SGD")),
    Check("adamw", "one step", op_check("adamw_step")),
    Check("adamw", "five steps", checks_optimizers.adamw_steps),
    Check("adamw", "a hundred steps", checks_optimizers.adamw_hundred_steps),
    Check("adamw", "nn.AdamW", checks_optimizers.optimizer_object("AdamW")),
    Check("training", "each of 100 steps", checks_training.each_step),
    Check("training", "nine decimals", checks_training.nine_decimals, ("float64",)),
    Check("sampling", "the oracle's tokens", checks_use.samples),
    Check("checkpoint", "there and back", checks_use.checkpoint_exchange),
)

LEVELS: tuple[str, ...] = tuple(dict.fromkeys(check.level for check in CHECKS))

# What a level needs; where one of these failed, the result says so.
BUILDS_ON: dict[str, tuple[str, ...]] = {
    **{f"{op}_backward": (op,) for op in FORWARDS},
    "layers": tuple(op + way for op in FORWARDS if op != "cross_entropy" for way in ("", "_backward")),
    "mlp": tuple(op + way for op in FORWARDS if op != "batch_norm" for way in ("", "_backward")),
    "training": ("mlp", "adamw"),
    "sampling": ("mlp",),
    "checkpoint": ("mlp",),
}
