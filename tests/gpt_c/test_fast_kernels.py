"""The GPT's fast C kernels against the plain ones, which define them, and on any number of threads."""

import numpy as np
import pytest

from nnz.backend import spec
from nnz.conformance.bounds.rounding import unit_roundoff

nn = pytest.importorskip("nnz.c", reason="the C kernels are not built")
library = pytest.importorskip("nnz.c.binding.library", reason="the C kernels are not built")
plain = pytest.importorskip("nnz.c.plain", reason="the C kernels are not built").ops

DTYPES = ("float32", "float64")
FUNCTIONS = [function for op in spec.GPT_OPS.values() for function in op.functions]
# B, T, H, E: at and next to the sizes of what is short, of the blocks of queries and of the tiles of keys, and with
# ragged heads
SHAPES = [
    (1, 1, 1, 1),
    (2, 5, 3, 12),
    (3, 16, 2, 10),
    (1, 17, 2, 6),
    (3, 24, 2, 32),
    (1, 25, 4, 64),
    (1, 129, 1, 5),
    (1, 300, 2, 34),
    (2, 70, 1, 130),
]
ROUNDINGS = 2**12  # of numbers of order 1, one after the other; more than there are terms in a sum

each_dtype = pytest.mark.parametrize("dtype", DTYPES)


def arguments(function, dtype, B, T, H, E, generator):
    """Arguments of order 1 for any of the functions; of a row's operations there are B T rows, of any shape's too."""
    sizes = {"B": B, "T": T, "H": H, "E": E, "3": 3}
    flat = {"B": B * T, "E": E}
    named = {}
    for name, shape in (function.updates | function.inputs).items():
        axes = shape.strip("()").split(",")
        attends = "T" in "".join((function.updates | function.inputs).values())
        axes = [B * T, E] if axes == ["..."] else [(sizes if attends else flat)[axis] for axis in axes if axis]
        named[name] = generator.normal(size=axes).astype(dtype)
    if function.name == "attention_backward":
        named["probs"] = plain.attention_forward(named["qkv"], None, H)[1]
    if "rstd" in named:
        named["rstd"] = np.abs(named["rstd"])
    named |= {"H": H, "eps": 1e-5, "scale": 0.5, "p": 0.25, "seed": 2**64 - 1, "site": 5, "step": 3}
    return [named[name] for name in function.python_arguments]


def results(function, ops, values):
    """What the function returns, or the arrays that it updates, as a list of arrays."""
    values = [value.copy() if isinstance(value, np.ndarray) else value for value in values]
    found = getattr(ops, function.name)(*values)
    found = values[: len(function.updates)] if function.updates else found
    return list(found) if isinstance(found, list | tuple) else [np.asarray(found)]


@each_dtype
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_a_fast_kernel_is_the_plain_one_up_to_rounding(function, dtype):
    generator, limit = np.random.default_rng(20), ROUNDINGS * unit_roundoff(dtype)
    for shape in SHAPES:
        values = arguments(function, dtype, *shape, generator)
        for left, right in zip(results(function, nn.ops, values), results(function, plain, values), strict=True):
            assert left.shape == right.shape
            assert np.isfinite(right).all()
            assert np.all(np.abs(left - right) <= limit * np.maximum(1, np.abs(right).max())), shape


@each_dtype
@pytest.mark.parametrize("T", [7, 70])
@pytest.mark.parametrize("absent", ["mask", "weight"])
def test_what_may_be_absent_may_be_absent_in_a_fast_kernel_too(absent, T, dtype):
    generator, limit = np.random.default_rng(21), ROUNDINGS * unit_roundoff(dtype)
    for function in FUNCTIONS:
        if absent in function.optional:
            values = arguments(function, dtype, 2, T, 4, 24, generator)
            values[function.python_arguments.index(absent)] = None
            fast, slow = results(function, nn.ops, values), results(function, plain, values)
            assert [array is None for array in fast] == [array is None for array in slow]
            pairs = [pair for pair in zip(fast, slow, strict=True) if pair[0] is not None]
            assert all(np.abs(left - right).max() <= limit * max(1, np.abs(right).max()) for left, right in pairs)


@each_dtype
def test_no_weight_is_given_to_what_is_to_come(dtype):
    qkv = 50 * np.random.default_rng(22).normal(size=(2, 61, 3, 12)).astype(dtype)
    _, probs = nn.ops.attention_forward(qkv, None, 3)
    assert np.all(np.triu(probs, 1) == 0)


@pytest.fixture
def threads():
    """Sets how many there are; afterwards there is one again."""
    yield library.lib.set_threads
    library.lib.set_threads(1)


@each_dtype
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_the_number_of_threads_changes_no_bit(function, dtype, threads):
    values = arguments(function, dtype, 4, 150, 6, 222, np.random.default_rng(23))
    threads(1)
    alone = results(function, nn.ops, values)
    for n in (2, 3, 7):
        threads(n)
        assert all(np.array_equal(*pair) for pair in zip(results(function, nn.ops, values), alone, strict=True)), n


@pytest.mark.parametrize("name", ["dropout_mask", "relu_forward", "relu_backward", "clip_step"])
@each_dtype
def test_what_rounds_once_or_never_is_the_plain_one_to_the_bit(name, dtype):
    (function,) = [function for function in FUNCTIONS if function.name == name]
    values = arguments(function, dtype, 3, 1234, 1, 7, np.random.default_rng(24))
    assert all(map(np.array_equal, results(function, nn.ops, values), results(function, plain, values)))
