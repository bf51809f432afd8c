"""The operations in C, as functions on numpy arrays: the .c files of fast/ and strict/, called through cffi.

Every call is made from the op's entry in the spec: outputs are allocated and zeroed, then come inputs, sizes, scalars.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from nnz.backend.op_checks import IDS, checked, letters
from nnz.backend.spec import ARRAY_TYPES, FUNCTIONS, Function

from .library import KERNELS, kernel, pointer

__all__ = list(FUNCTIONS)
ANY = ["..."]
DTYPES = {"double": np.float64}  # of an array that is no `real` in C


def _function(function: Function, kernels: str) -> Callable:
    """The C function on arrays that fit it; their shapes give the sizes."""
    names = function.python_arguments
    read = {name: letters(shape) for name, shape in (function.updates | function.inputs).items()}
    made = {name: letters(shape) for name, shape in function.outputs.items()}
    typed = next(name for name in read if name not in IDS)

    def call(*values):
        given = dict(zip(names, values, strict=True))
        sizes = {name: given[name] for name in function.arguments}
        for name, axes in read.items():
            if given[name] is not None:
                if not (given[name].flags.c_contiguous and given[name].flags.aligned):
                    given[name] = np.require(given[name], requirements=["C", "A"])
                sizes.update(_sizes(axes, given[name]))
        dtype = given[typed].dtype
        outputs = [
            None
            if name in function.optional and given[name.removeprefix("d")] is None
            else np.zeros(_shape(axes, sizes), DTYPES.get(ARRAY_TYPES.get(name), dtype))
            for name, axes in made.items()
        ]
        arrays = (*outputs, *(given[name] for name in read))
        scalars = (given[name] for name in function.scalars)
        run = kernel(function.name, dtype, kernels)
        run(*map(pointer, arrays), *(sizes[s] for s in function.sizes), *scalars)
        outputs = [float(array) if array is not None and array.ndim == 0 else array for array in outputs]
        return None if not outputs else outputs[0] if len(outputs) == 1 else tuple(outputs)

    call.__name__ = call.__qualname__ = function.name
    call.__doc__ = function.summary
    return call


def _sizes(axes: list[str], array: np.ndarray) -> Iterable[tuple[str, Any]]:
    return (("...", array.shape), ("n", array.size)) if axes == ANY else zip(axes, array.shape, strict=True)


def _shape(axes: list[str], sizes: dict[str, Any]) -> tuple[int, ...]:
    return sizes["..."] if axes == ANY else tuple(sizes[axis] for axis in axes)


def functions(kernels: Mapping[str, str]) -> dict[str, SimpleNamespace]:
    """By precision the C functions of these kernels, unchecked."""
    return {
        precision: SimpleNamespace(**{name: _function(function, of) for name, function in FUNCTIONS.items()})
        for precision, of in kernels.items()
    }


OPS = functions(KERNELS)
globals().update({name: checked(name, OPS) for name in FUNCTIONS})
