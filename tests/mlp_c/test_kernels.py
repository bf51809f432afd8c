"""The fast and the strict C kernels against the plain ones, which define them."""

import threading

import numpy as np
import pytest

from nnz.backend import spec
from nnz.conformance.bounds.derived import op_bounds
from nnz.conformance.bounds.rounding import ULP_BUDGET
from nnz.conformance.cases.ops import op_cases
from nnz.conformance.checks.ops import complete
from nnz.numbers.rng import RNG

nn = pytest.importorskip("nnz.c", reason="the C kernels are not built")
library = pytest.importorskip("nnz.c.binding.library", reason="the C kernels are not built")
ops = pytest.importorskip("nnz.c.ops", reason="the C kernels are not built")
plain = pytest.importorskip("nnz.c.plain", reason="the C kernels are not built").ops

DTYPES = ("float32", "float64")
KERNELS = (("float32", "native"), ("float64", "native"), ("float32", "strict"))
SIZES = [  # B, N, M of a linear layer, at and next to the sizes of the tiles and blocks of each of its three products
    (1, 1, 1),
    (1, 31, 40),
    (2, 300, 7),
    (3, 7, 5),
    (6, 256, 16),
    (7, 257, 17),
    (13, 600, 33),
    (128, 512, 27),
    (395, 257, 17),
    (6, 319, 16),  # the longest sum that is taken at once
    (7, 320, 17),
    (395, 321, 17),
    (50, 1024, 150),  # rows so far apart that a factor is packed though they lie in order
]


def hold_to_the_plain_one(name, case, dtype, precision):
    """Both are within the bound of the exact result, in whatever order they add: they differ by twice that at most."""
    entry = spec.MLP_FUNCTIONS[name]
    bounds = op_bounds(name, case, dtype)
    results = []
    for function in (getattr(plain, name), getattr(ops, name)):
        given = {key: value.copy() if isinstance(value, np.ndarray) else value for key, value in case.items()}
        how = {} if function is getattr(plain, name) else {"precision": precision}
        found = function(*(given[key] for key in entry.python_arguments), **how)
        outputs = tuple(given[key] for key in entry.updates) or (found if isinstance(found, tuple) else (found,))
        results.append(outputs)
    for output, left, right in zip(bounds, *results, strict=True):
        assert np.isfinite(left).all()
        assert np.all(np.abs(np.subtract(left, right, dtype=np.float64)) <= 2 * bounds[output]), (name, output)


@pytest.mark.parametrize("name", spec.MLP_FUNCTIONS)
@pytest.mark.parametrize(("dtype", "precision"), KERNELS)
def test_a_fast_and_a_strict_kernel_are_the_plain_one_within_its_bound(dtype, precision, name):
    rng = np.random.default_rng(17)
    cases = [case for _ in range(3) for case in complete(name, op_cases(name, rng, dtype))]
    assert cases
    for case in cases:
        hold_to_the_plain_one(name, case, dtype, precision)


@pytest.mark.parametrize(("dtype", "precision"), KERNELS)
def test_the_tiled_products_are_the_plain_ones_within_their_bounds(dtype, precision):
    generator = np.random.default_rng(17)
    for B, N, M in SIZES:
        x, w, b, dy = (generator.normal(size=shape).astype(dtype) for shape in ((B, N), (M, N), (M,), (B, M)))
        hold_to_the_plain_one("linear_forward", {"x": x, "w": w, "b": b}, dtype, precision)
        hold_to_the_plain_one("linear_backward", {"dy": dy, "x": x, "w": w}, dtype, precision)


@pytest.fixture
def threads():
    """Sets how many there are; afterwards there is one again."""
    yield library.lib.set_threads
    library.lib.set_threads(1)


@pytest.mark.parametrize(("dtype", "precision"), KERNELS)
@pytest.mark.parametrize(
    ("B", "N", "M"), [(131, 513, 147), (395, 513, 147), (147, 1024, 131), (40, 700, 64), (3, 900, 300)]
)
def test_the_number_of_threads_changes_no_bit_of_a_product(dtype, precision, B, N, M, threads):
    generator = np.random.default_rng(18)
    x, w, dy = (generator.normal(size=shape).astype(dtype) for shape in ((B, N), (M, N), (B, M)))
    products = []
    for n in (1, 2, 3, 7, 16, 64):
        threads(n)
        forward = ops.linear_forward(x, w, None, precision=precision)
        products.append((forward, *ops.linear_backward(dy, x, w, precision=precision)))
    for product in products:
        assert all(np.array_equal(*pair) for pair in zip(product, products[0], strict=True))


@pytest.mark.parametrize(("dtype", "precision"), KERNELS)
def test_the_number_of_threads_changes_no_bit_of_any_op(dtype, precision, threads):
    generator = np.random.default_rng(19)

    def normal(*shape):
        return generator.normal(size=shape).astype(dtype)

    logits, targets = normal(120, 1100), generator.integers(0, 1100, 120).astype(np.int32)
    x, dy, w, b = normal(4100, 3), normal(4100, 27), normal(27, 3), normal(27)
    wide = normal(300, 3), normal(300, 310), normal(310, 3)
    squashed = normal(100_001)
    calls = [
        lambda: ops.cross_entropy_forward(logits, targets, precision=precision),
        lambda: [ops.cross_entropy_backward(logits, targets, precision=precision)],
        lambda: [ops.tanh_backward(squashed, squashed, precision=precision)],
        lambda: [ops.linear_forward(x, w, given, precision=precision) for given in (b, None)],
        lambda: ops.linear_backward(dy, x, w, precision=precision),
        lambda: ops.linear_backward(wide[1], wide[0], wide[2], precision=precision),
    ]
    for call in calls:
        threads(1)
        alone = call()
        for n in (2, 3, 7) * 3:
            threads(n)
            assert all(np.array_equal(*pair) for pair in zip(call(), alone, strict=True)), n


def tanh(x):
    y = np.empty_like(x)
    library.kernel("tanh_forward", x.dtype)(library.pointer(y), library.pointer(x), x.size)
    return y


def test_tanh_keeps_its_budget_on_a_sweep_of_float32():
    x = np.arange(0, 2**32, 4099, dtype=np.uint64).astype(np.uint32).view(np.float32)
    x = x[np.isfinite(x)]
    exact = np.tanh(x.astype(np.float64))
    error = np.abs(tanh(x).astype(np.float64) - exact)
    assert np.all(error <= ULP_BUDGET * np.spacing(np.abs(exact).astype(np.float32)).astype(np.float64))


def test_tanh_keeps_its_budget_on_a_sweep_of_float64():
    mpmath = pytest.importorskip("mpmath")
    generator = np.random.default_rng(19)
    x = np.concatenate([generator.normal(size=2000) * 10.0 ** generator.integers(-12, 2, 2000), [0.0, 1e-300, -30.0]])
    with mpmath.workdps(50):
        error = [abs(mpmath.mpf(float(y)) - mpmath.tanh(mpmath.mpf(float(v)))) for v, y in zip(x, tanh(x), strict=True)]
    assert np.all(np.array([float(e) for e in error]) <= ULP_BUDGET * np.spacing(np.abs(np.tanh(x))))


@pytest.mark.parametrize("dtype", DTYPES)
def test_tanh_of_what_is_no_number_or_infinite_is_as_ieee_says(dtype):
    y = tanh(np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], dtype))
    assert np.isnan(y[0])
    assert list(y[1:]) == [1, -1, 0, 0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("B", [2**58, 2**61 + 1, 2**64 - 1])
def test_a_batch_larger_than_there_are_addresses_is_one_there_is_no_memory_for(dtype, B):
    ids, parameters, out = np.zeros(3, np.int32), np.zeros(200, dtype), np.zeros(16, dtype)
    ffi, pointer = library.ffi, library.pointer
    model = library.kernel("mlp_new", dtype)(pointer(parameters), 4, 3, 2, 5)
    arrays = (pointer(out), pointer(out), pointer(ids), ffi.NULL)
    assert library.kernel("mlp_forward", dtype)(model, *arrays, B) == -1  # at some B the sizes of its arrays overflow
    assert library.kernel("mlp_forward", dtype)(model, *arrays, 1) == 0
    library.kernel("mlp_free", dtype)(model)


@pytest.mark.parametrize(
    ("setting", "kilobytes"), [({"dtype": "float32"}, 256), ({"dtype": "float64"}, 256), ({"precision": "strict"}, 64)]
)
def test_a_thread_with_a_small_stack_is_enough(setting, kilobytes):
    losses = []

    def train():
        model = nn.MLP(27, 3, 48, 512, rng=RNG(1), **setting)
        losses.append(model(ids, ids[:, 0])[1])
        model.backward()

    ids = np.arange(3 * 256).reshape(-1, 3) % 27
    train()
    before = threading.stack_size(kilobytes * 1024)
    try:
        thread = threading.Thread(target=train)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert losses == losses[:1] * 2
