"""The bounds of single ops and of optimizer steps: honest code of two kinds stays within, named bugs do not."""

from collections.abc import Callable

import numpy as np
import pytest
from support import honest_ops
from support.honest_ops import Array, adamw_numpy, adamw_torch

from nnz.conformance.bounds import derived as bounds
from nnz.conformance.bounds.compare import T2_SEEN, Measurement, compare
from nnz.conformance.cases.mlp import op_cases
from nnz.conformance.oracle import mlp as oracle
from nnz.conformance.oracle import optimizers as oracle_optimizers

DTYPES = [np.float32, np.float64]
SHAPES = 20
STEPS = 5
Step = Callable[..., tuple[Array, Array, Array]]


def the_oracle(op_name: str, arguments: dict) -> tuple[Array, ...]:
    function = getattr(oracle, op_name, None) or getattr(oracle_optimizers, op_name)
    result = function(**arguments)
    return result if isinstance(result, tuple) else (result,)


def measure(op_name: str, arguments: dict, actual: tuple[Array | None, ...], dtype: type) -> list[Measurement]:
    limits = bounds.op_bounds(op_name, arguments, dtype)
    both = zip(limits, actual, the_oracle(op_name, arguments), strict=True)
    return [compare(name, a, expected, limits[name], dtype) for name, a, expected in both if a is not None]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op_name", bounds.OUTPUTS)
def test_an_honest_op_stays_within_its_bounds_in_numpy_and_in_torch(op_name: str, dtype: type) -> None:
    for seed in range(SHAPES):
        for arguments in op_cases(op_name, np.random.default_rng(seed), dtype):
            for implementation in (honest_ops.NUMPY, honest_ops.TORCH):
                if op_name in implementation:
                    for m in measure(op_name, arguments, implementation[op_name](**arguments), dtype):
                        assert m.ok, (seed, m)
                        assert m.u_of_largest <= T2_SEEN, (seed, m)


def walk(step: Step, dtype: type, decay: float) -> list[Measurement]:
    """STEPS of AdamW on injected gradients; the bounds of p, m, v go from step to step as the state does."""
    rng = np.random.default_rng(11)
    p = rng.normal(size=(7, 5)).astype(dtype)
    actual = expected = (p, np.zeros_like(p), np.zeros_like(p))
    settings = {"lr": 0.02, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": decay}
    errors, measured = {}, []
    for t in range(1, STEPS + 1):
        g = rng.normal(size=p.shape).astype(dtype)
        arguments = dict(zip("pmv", expected, strict=True)) | {"g": g, "t": t, **settings}
        limits = bounds.op_bounds("adamw_step", arguments | errors, dtype)
        actual = step(*actual, g, t, **settings)
        expected = oracle_optimizers.adamw_step(**arguments)
        measured += [compare(k, a, e, limits[k], dtype) for k, a, e in zip("pmv", actual, expected, strict=True)]
        errors = {f"{k}_error": limit for k, limit in limits.items()}
    return measured


@pytest.mark.parametrize("decay", [1e-4, 0.1])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("step", [adamw_numpy, adamw_torch])
def test_honest_adamw_stays_within_bounds_carried_over_several_steps(step: Step, dtype: type, decay: float) -> None:
    assert all(m.ok and m.u_of_largest <= T2_SEEN for m in walk(step, dtype, decay))


WRONG_SETTINGS: dict[str, Callable[[dict], dict]] = {
    "beta1 of 0.9001": lambda s: {**s, "beta1": 0.9001},
    "beta2 of 0.99": lambda s: {**s, "beta2": 0.99},
    "eps of 1e-5": lambda s: {**s, "eps": 1e-5},
    "no decay": lambda s: {**s, "weight_decay": 0.0},
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bug", WRONG_SETTINGS)
def test_a_wrong_setting_of_adamw_is_seen_in_a_few_steps(bug: str, dtype: type) -> None:
    def broken(p: Array, m: Array, v: Array, g: Array, t: int, **settings: float) -> tuple[Array, Array, Array]:
        return adamw_numpy(p, m, v, g, t, **WRONG_SETTINGS[bug](settings))

    for decay in (1e-4, 0.1):
        assert not all(m.ok for m in walk(broken, dtype, decay))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("late", [-1, 1])
def test_a_step_number_off_by_one_is_seen(late: int, dtype: type) -> None:
    def broken(p: Array, m: Array, v: Array, g: Array, t: int, **settings: float) -> tuple[Array, Array, Array]:
        return adamw_numpy(p, m, v, g, max(t + late, 1), **settings)

    assert not all(m.ok for m in walk(broken, dtype, 0.1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bug", honest_ops.BROKEN)
def test_a_broken_op_is_seen_in_every_case(bug: str, dtype: type) -> None:
    op_name, broken = honest_ops.BROKEN[bug]
    for seed in range(SHAPES):
        found = []
        for arguments in op_cases(op_name, np.random.default_rng(seed), dtype):
            found += measure(op_name, arguments, broken(**arguments), dtype)
        assert not all(m.ok for m in found), seed


def test_an_op_without_a_bound_is_named() -> None:
    with pytest.raises(ValueError, match="gelu_forward"):
        bounds.op_bounds("gelu_forward", {}, np.float32)
    with pytest.raises(ValueError, match="gelu_forward"):
        op_cases("gelu_forward", np.random.default_rng(0), np.float32)
