"""Dropout masks are those of numpy.random.Philox in every backend; clipping is torch's."""

import numpy as np
import pytest
import torch

from nnz.backend import registry

BACKENDS = ("c", "numpy", "torch")
KEYS = ((0, 0, 0), (1337, 5, 3), (2**64 - 1, 2**32 + 1, 2**40 + 7))  # seed, site, step

each_backend = pytest.mark.parametrize("name", BACKENDS)
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def word(seed, site, step, i):
    """Word i of the stream; numpy counts up before it draws, so it starts one below."""
    counter = (step + (i // 4 << 64) - 1) % 2**256
    return int(np.random.Philox(key=seed + (site << 64), counter=counter).random_raw(4)[i % 4])


@each_backend
@each_dtype
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("p", [0.0, 0.2, 0.75])
def test_a_mask_is_drawn_from_philox(name, dtype, key, p):
    mask = np.full((3, 7), np.nan, dtype)
    registry.load(name).ops.dropout_mask(mask, p, *key)
    kept = np.array([(word(*key, i) >> 11) >= p * 2**53 for i in range(mask.size)]).reshape(mask.shape)
    assert np.array_equal(mask, np.where(kept, 1 / (1 - p), 0).astype(dtype))


@each_backend
def test_an_element_of_a_mask_does_not_depend_on_the_shape(name):
    ops, long, square = registry.load(name).ops, np.empty(1001), np.empty((31, 31))
    for mask in (long, square):
        ops.dropout_mask(mask, 0.5, 1, 2, 3)
    assert np.array_equal(long[: square.size], square.ravel())


@each_backend
def test_another_seed_site_or_step_draws_another_mask(name):
    ops, drawn = registry.load(name).ops, set()
    for key in ((1, 2, 3), (2, 2, 3), (1, 3, 3), (1, 2, 4)):
        mask = np.empty(256)
        ops.dropout_mask(mask, 0.5, *key)
        drawn.add(mask.tobytes())
    assert len(drawn) == 4


@each_backend
def test_a_mask_keeps_its_share(name):
    mask = np.empty(100_000)
    registry.load(name).ops.dropout_mask(mask, 0.3, 7, 7, 7)
    deviation = np.sqrt(0.3 * 0.7 / mask.size)
    assert abs((mask == 0).mean() - 0.3) < 5 * deviation


@each_backend
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((1.0, 1, 1, 1), "dropout_mask: p must be below 1; got 1.0"),
        ((-0.1, 1, 1, 1), "dropout_mask: p must be finite and at least 0; got -0.1"),
        ((0.1, -1, 1, 1), "dropout_mask: seed must be at least 0; got -1"),
        ((0.1, 1, 2**64, 1), "dropout_mask: site must be at most 18446744073709551615; got 18446744073709551616"),
    ],
)
def test_a_mask_that_makes_no_sense_is_refused(name, values, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        registry.load(name).ops.dropout_mask(np.zeros(3), *values)


@each_backend
@each_dtype
@pytest.mark.parametrize("max_norm", [0.5, 1e9])
def test_clipping_is_torchs(name, dtype, max_norm):
    rng = np.random.default_rng(5)
    grads = {"a": rng.normal(size=(30, 7)).astype(dtype), "b": rng.normal(size=11).astype(dtype)}
    theirs = [torch.nn.Parameter(torch.tensor(g)) for g in grads.values()]
    for p in theirs:
        p.grad = p.detach().clone()
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm).item()
    assert registry.load(name).clip_grad_norm(grads, max_norm) == pytest.approx(expected)
    for ours, p in zip(grads.values(), theirs, strict=True):
        assert ours == pytest.approx(p.grad.numpy())


@pytest.mark.slow
@each_backend
def test_the_squares_of_float32_are_added_in_float64(name):
    ops, g = registry.load(name).ops, np.full(2**24 + 2, 1.0, np.float32)
    assert ops.square_sum(g) == g.size  # in float32 the sum would stop at 2^24
    assert type(ops.square_sum(g)) is float
    assert ops.square_sum(np.array([1e30], np.float32)) == float(np.float32(1e30)) ** 2  # and no square overflows


@each_backend
def test_a_norm_that_is_not_finite_is_returned_and_clips_nothing(name):
    nn = registry.load(name)
    for value in (np.nan, np.inf):
        grads = {"a": np.array([value, 2.0])}
        assert np.array_equal(nn.clip_grad_norm(grads, 1.0), value, equal_nan=True)
        assert np.array_equal(grads["a"], [value, 2.0], equal_nan=True)
