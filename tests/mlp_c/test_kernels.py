"""The fast C kernels against the plain ones that define them."""

from itertools import product

import numpy as np
import pytest

from nnz.conformance.bounds.rounding import ULP_BUDGET, gamma, unit_roundoff

_binding = pytest.importorskip("nnz.c._binding", reason="the C kernels are not built")
ops = pytest.importorskip("nnz.c.ops", reason="the C kernels are not built")

DTYPES = ("float32", "float64")


def matmul(name, a, b, transposed_a, transposed_b):
    """c = a b by the kernel `name`, a and b stored as they are or transposed."""
    (M, K), N = a.shape, b.shape[1]
    a_stored, b_stored = (np.ascontiguousarray(x.T if t else x) for x, t in ((a, transposed_a), (b, transposed_b)))
    a_strides, b_strides = ((1, M) if transposed_a else (K, 1)), ((1, K) if transposed_b else (N, 1))
    c = np.zeros((M, N), a.dtype)
    pointers = [_binding.pointer(x) for x in (c, a_stored, b_stored)]
    _binding.kernel(name, a.dtype)(pointers[0], pointers[1], *a_strides, pointers[2], *b_strides, M, N, K)
    return c


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("transposed_b", [False, True])
@pytest.mark.parametrize("transposed_a", [False, True])
def test_the_tiled_product_is_the_plain_one_within_its_bound(dtype, transposed_a, transposed_b):
    generator = np.random.default_rng(17)
    for M, N, K in [
        (1, 1, 1),
        (1, 40, 31),
        (2, 7, 300),
        (3, 5, 7),
        (6, 16, 256),
        (7, 17, 257),
        (13, 33, 600),
        (128, 27, 512),
        (395, 17, 257),
        (6, 16, 319),  # the longest sum that is taken at once
        (7, 17, 320),
        (395, 17, 321),
        (50, 150, 1024),  # rows so far apart that a is packed though they lie in order
    ]:
        a, b = (generator.normal(size=shape).astype(dtype) for shape in ((M, K), (K, N)))
        fast, plain = (matmul(name, a, b, transposed_a, transposed_b) for name in ("matmul_add", "matmul_add_plain"))
        exact = a.astype(np.float64) @ b.astype(np.float64)
        # both lie within gamma of the exact product, in whatever order they add
        bound = 2 * gamma(K + 1, unit_roundoff(dtype)) * (np.abs(a).astype(np.float64) @ np.abs(b).astype(np.float64))
        assert np.all(np.abs(fast.astype(np.float64) - plain) <= bound), (M, N, K)
        assert np.all(np.abs(fast - exact) <= bound), (M, N, K)


@pytest.fixture
def threads():
    """Sets how many there are; afterwards there is one again."""
    yield _binding.lib.set_threads
    _binding.lib.set_threads(1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("M", "N", "K"), [(131, 147, 513), (395, 147, 513), (147, 131, 1024), (40, 64, 700), (3, 300, 900)]
)
def test_the_number_of_threads_changes_no_bit_of_a_product(dtype, M, N, K, threads):
    generator = np.random.default_rng(18)
    a, b = (generator.normal(size=shape).astype(dtype) for shape in ((M, K), (K, N)))
    for transposed_a, transposed_b in product([False, True], repeat=2):
        products = []
        for n in (1, 2, 3, 7, 16, 64):
            threads(n)
            products.append(matmul("matmul_add", a, b, transposed_a, transposed_b))
        assert all(np.array_equal(product, products[0]) for product in products), (transposed_a, transposed_b)


@pytest.mark.parametrize(("dtype", "precision"), [("float32", "native"), ("float64", "native"), ("float32", "strict")])
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
    _binding.kernel("tanh_forward", x.dtype)(_binding.pointer(y), _binding.pointer(x), x.size)
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
    ffi, pointer = _binding.ffi, _binding.pointer
    model = _binding.kernel("mlp_new", dtype)(pointer(parameters), 4, 3, 2, 5)
    arrays = (pointer(out), pointer(out), pointer(ids), ffi.NULL)
    assert _binding.kernel("mlp_forward", dtype)(model, *arrays, B) == -1  # at some B the sizes of its arrays overflow
    assert _binding.kernel("mlp_forward", dtype)(model, *arrays, 1) == 0
    _binding.kernel("mlp_free", dtype)(model)
