"""The operations in C, as functions on numpy arrays: the .c files beside this one, called through cffi.

Every call is made from the op's entry in nnz.spec: outputs are allocated and zeroed, then come inputs, sizes, scalars.
"""

from __future__ import annotations

import numpy as np

from nnz.border import IDS, arguments, letters
from nnz.spec import FUNCTIONS, Function

from .._binding import kernel, pointer

__all__ = list(FUNCTIONS)


def _public(function: Function):
    def call(*values):
        values, sizes = arguments(function, values)
        given = dict(zip(function.python_arguments, values, strict=True))
        for name in function.updates:
            if not (given[name].flags.c_contiguous and given[name].flags.writeable):
                raise ValueError(f"{function.name}: {name} is written in place, so it must be contiguous and writeable")
        for name in function.inputs:
            given[name] = None if given[name] is None else np.ascontiguousarray(given[name])
        dtype = next(given[name].dtype for name in function.updates | function.inputs if name not in IDS)
        outputs = [np.zeros(_shape(shape, sizes), dtype) for shape in function.outputs.values()]
        arrays = (*outputs, *(given[name] for name in (*function.updates, *function.inputs)))
        scalars = (given[name] for name in function.scalars)
        kernel(function.name, dtype)(*map(pointer, arrays), *(sizes[s] for s in function.sizes), *scalars)
        outputs = [float(array) if array.ndim == 0 else array for array in outputs]
        return None if not outputs else outputs[0] if len(outputs) == 1 else tuple(outputs)

    call.__name__ = call.__qualname__ = function.name
    call.__doc__ = function.summary
    return call


def _shape(shape: str, sizes: dict) -> tuple[int, ...]:
    return sizes["..."] if shape == "(...)" else tuple(sizes[letter] for letter in letters(shape))


globals().update({name: _public(function) for name, function in FUNCTIONS.items()})
