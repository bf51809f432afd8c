"""What an op of any backend refuses, and in which words: every public op passes its arguments through here first."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from ..numbers import precisions
from . import checks
from .spec import FUNCTIONS, Function

IDS = ("ids", "targets")
CHECKS = {  # of scalars; any other is at least 0
    "t": checks.positive_int,
    "training": checks.flag,
    "beta1": checks.below_one,
    "beta2": checks.below_one,
    "p": checks.below_one,
    "seed": checks.uint64,
    "site": checks.uint64,
    "step": checks.uint64,
}


def letters(shape: str) -> list[str]:
    """The sizes in a shape of the spec: "(B,N)" -> ["B", "N"]; a number is a size that is always the same."""
    return [letter for letter in shape.strip("()").split(",") if letter]


def joined(*packages: ModuleType) -> SimpleNamespace:
    """The operations of several packages as those of one."""
    found = {name: getattr(package, name) for package in packages for name in package.__all__}
    return SimpleNamespace(__all__=list(found), **found)


def checked(name: str, by_precision: Mapping[str, Any]) -> Callable:
    """The op `name`, its arguments checked against its entry in the spec, by the ops of the precision asked for.

    Raises what `arguments` and `precisions.checked` raise.
    """
    function = FUNCTIONS[name]

    @wraps(getattr(by_precision[precisions.NATIVE], name))
    def call(*values, precision: str = precisions.NATIVE):
        values, _ = arguments(function, values)
        return function_of(by_precision, precision, function, values)(*values)

    return call


def function_of(
    by_precision: Mapping[str, Any], precision: str, function: Function, values: Sequence, device: str = "cpu"
) -> Callable:
    """The function in a precision. Raises what `precisions.checked` raises."""
    return getattr(by_precision[precisions.checked(precision, dtype_of(function, values), device)], function.name)


def checked_ops(name: str, by_precision: Mapping[str, Any], check: Callable = checked) -> ModuleType:
    """What a backend offers as `nn.ops`: its operations, each made to check its arguments and to take a precision.

    It takes the place of the package of the operations, so that `from nnz.numpy.ops import ...` gives the same ones.
    """
    ops, package = ModuleType(name, "The operations of nnz.backend.spec. Each checks its arguments."), sys.modules[name]
    ops.__file__, ops.__path__ = package.__file__, package.__path__
    ops.__all__ = [function for function in FUNCTIONS if hasattr(by_precision[precisions.NATIVE], function)]
    sys.modules[name] = ops
    vars(ops).update({function: check(function, by_precision) for function in ops.__all__})
    return ops


def dtype_of(function: Function, values: Sequence) -> str:
    """The dtype of the real arrays among a function's arguments, which all have one."""
    named = zip(function.python_arguments, values, strict=True)
    return next(str(value.dtype).removeprefix("torch.") for name, value in named if name not in IDS)


def arguments(function: Function, values: Sequence) -> tuple[list, dict[str, int]]:
    """Return (the arguments, the sizes B, N, ... that they fix); ids become int32 arrays.

    Raises:
        TypeError: the count of arguments is wrong, an array is not of a real type, ids are not integers, or a scalar is
            not of its type.
        ValueError: a shape contradicts the spec or another argument, dtypes differ, an id or a scalar is out of range,
            an array cannot be updated in place, or training is asked for on a single row, which has no variance.
    """
    names = function.python_arguments
    if len(values) != len(names):
        raise TypeError(f"{function.name} takes ({', '.join(names)}); got {len(values)} arguments")
    given = dict(zip(names, values, strict=True))
    shapes = function.updates | function.inputs
    sizes = {name: checks.positive_int(f"{function.name}: {name}", given[name]) for name in function.arguments}
    dtypes = {}
    for name, shape in shapes.items():
        if given[name] is None and name in function.optional:
            continue
        if name not in IDS:
            dtypes[name] = _real(function, name, given[name])
        if name in function.updates and isinstance(given[name], np.ndarray) and not given[name].flags.carray:
            how = "C-contiguous, aligned and writeable"
            raise ValueError(f"{function.name}: {name} is written in place, so it must be {how}")
        _fit(function, name, shape, np.shape(given[name]), sizes)
    if len(set(dtypes.values())) > 1:
        raise ValueError(f"{function.name}: all arrays must have one dtype; got {_listed(dtypes)}")
    for name in set(IDS) & set(shapes):
        given[name] = checks.token_ids(name, given[name], tuple(sizes[s] for s in letters(shapes[name])), sizes["V"])
    for name in function.scalars:
        given[name] = CHECKS.get(name, checks.non_negative)(f"{function.name}: {name}", given[name])
    if sizes.get("E", 0) % sizes.get("H", 1):
        raise ValueError(f"{function.name}: E must be a multiple of H; got E = {sizes['E']}, H = {sizes['H']}")
    if given.get("training"):
        checks.more_than_one_row(np.shape(given["x"]))
    return list(given.values()), sizes


def _real(function: Function, name: str, array: object) -> str:
    if not hasattr(array, "dtype"):
        raise TypeError(f"{function.name}: {name} must be an array, not {type(array).__name__}")
    dtype = str(array.dtype).removeprefix("torch.")
    if dtype not in checks.DTYPES:
        raise TypeError(f"{function.name}: {name} must be float32 or float64, not {dtype}")
    return dtype


def _fit(function: Function, name: str, shape: str, got: tuple[int, ...], sizes: dict[str, int]) -> None:
    if shape == "(...)":
        fixed = sizes.setdefault("...", got)
        if got != fixed:
            raise ValueError(f"{function.name}: {name} must have the shape {fixed} of the others; got {got}")
        sizes["n"] = int(np.prod(got))
        return
    wanted = letters(shape)
    sizes |= {letter: int(letter) for letter in wanted if letter.isdigit()}
    known = {letter: sizes[letter] for letter in wanted if letter in sizes}
    for letter, n in zip(wanted, got, strict=False):
        known.setdefault(letter, n)
    if len(got) != len(wanted) or any(known[letter] != n for letter, n in zip(wanted, got, strict=True)):
        which = {letter: n for letter, n in known.items() if letter in sizes and not letter.isdigit()}
        which = f" with {_listed(which)}" if which else ""
        raise ValueError(f"{function.name}: {name} must have shape {shape}{which}; got {got}")
    sizes.update(zip(wanted, got, strict=True))
    if 0 in got:
        raise ValueError(f"{function.name}: {name} is empty, shape {got}; every size must be at least 1")


def _listed(pairs: dict) -> str:
    return ", ".join(f"{name} = {value}" for name, value in pairs.items())
