"""Every operation of the oracles by its name: those of the MLP and those of the GPT."""

import numpy as np

from . import gpt_ops, mlp

Array = np.ndarray

OUTPUTS: dict[str, tuple[str, ...]] = mlp.OUTPUTS | gpt_ops.OUTPUTS  # what each returns, in order


def outputs(op_name: str, arguments: dict) -> dict[str, Array]:
    """What the operation returns for these arguments, by name; what is None is left out."""
    module = gpt_ops if op_name in gpt_ops.OUTPUTS else mlp
    return by_name(op_name, getattr(module, op_name)(**arguments))


def by_name(op_name: str, result: Array | tuple[Array, ...]) -> dict[str, Array]:
    """A result of the operation, one value or a tuple, as a dict with the names in OUTPUTS."""
    results = result if isinstance(result, tuple) else (result,)
    return {name: each for name, each in zip(OUTPUTS[op_name], results, strict=True) if each is not None}
