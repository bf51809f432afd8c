"""compare() never passes what it could not judge."""

import numpy as np
import pytest

from nnz.conformance.bounds.compare import T2_FLOOR, T2_LIMIT, VacuousComparison, compare, t2_error
from nnz.conformance.bounds.derived import op_bounds
from nnz.conformance.bounds.derived import terms as bounded_terms
from nnz.conformance.bounds.rounding import gamma, unit_roundoff
from nnz.conformance.oracle.ops import outputs

ORACLE = np.array([[0.5, -2.0, 1.0], [0.25, 1.5, -0.75]])
U = unit_roundoff(np.float32)
BOUND = 4 * U * np.abs(ORACLE)


def test_an_exact_result_is_ok_with_no_error_at_all() -> None:
    m = compare("y", ORACLE.astype(np.float32), ORACLE, BOUND, np.float32)
    assert (m.ok, m.finite, m.max_error, m.share_of_bound, m.reason) == (True, True, 0, 0, "")


def test_the_figures_name_the_worst_entry_and_both_values_there() -> None:
    actual = ORACLE.astype(np.float32)
    actual[1, 0] += np.float32(U / 2)  # two units of the last place of 0.25
    m = compare("y", actual, ORACLE, BOUND, np.float32)
    assert m.ok
    assert (m.index, m.expected, m.actual) == ((1, 0), 0.25, 0.25 + U / 2)
    assert (m.share_of_bound, m.u_of_largest, m.t2_share) == (0.5, 0.25, 0.25 / T2_LIMIT)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_error_of_the_next_number_is_one_ulp_of_the_largest_entry(dtype: type) -> None:
    actual = ORACLE.astype(dtype)
    actual[0, 1] = np.nextafter(actual[0, 1], dtype(0))  # below a power of two the numbers lie closer
    assert compare("y", actual, ORACLE, BOUND, dtype).ulp_of_largest == 0.5
    actual[0, 1] = np.nextafter(dtype(-2), dtype(-3))
    assert compare("y", actual, ORACLE, BOUND, dtype).ulp_of_largest == 1
    assert compare("y", ORACLE.astype(dtype), ORACLE, BOUND, dtype).ulp_of_largest == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_anything_not_finite_is_refused_and_its_place_named(value: float) -> None:
    actual = ORACLE.astype(np.float32)
    actual[1, 2] = value
    m = compare("y", actual, ORACLE, BOUND, np.float32)
    assert (m.ok, m.finite, m.index) == (False, False, (1, 2))
    assert "not finite" in m.reason


def test_nan_in_the_oracle_does_not_equal_nan() -> None:
    both = np.full((2,), np.nan)
    assert not compare("y", both, both, np.ones(2), np.float64).ok
    assert not compare("y", np.ones(2), both, np.ones(2), np.float64).ok


@pytest.mark.parametrize("bound", [np.nan, np.inf, -1.0])
def test_a_bound_that_says_nothing_passes_nothing(bound: float) -> None:
    assert not compare("y", ORACLE, ORACLE, np.full(ORACLE.shape, bound), np.float64).ok


def test_a_wrong_shape_is_refused_even_where_it_would_broadcast() -> None:
    for actual in (ORACLE.T, ORACLE[:1], ORACLE[0], np.float32(1)):
        m = compare("y", np.float32(actual), ORACLE, BOUND, np.float32)
        assert not m.ok
        assert "shape" in m.reason


def test_a_wrong_dtype_is_refused_save_for_a_python_float_as_a_loss() -> None:
    assert "dtype float64" in compare("y", ORACLE, ORACLE, BOUND, np.float32).reason
    assert "dtype" in compare("y", ORACLE.astype(np.int64), ORACLE, BOUND, np.float32).reason
    assert "dtype" in compare("loss", np.float64(0.5), 0.5, 0.0, np.float32).reason
    assert compare("loss", 0.5, 0.5, 0.0, np.float32).ok


def test_an_oracle_of_zeros_or_noise_is_vacuous() -> None:
    for largest in (0.0, T2_FLOOR / 2):
        oracle = np.full(3, largest)
        assert "vacuous" in compare("y", oracle, oracle, oracle, np.float64).reason
        with pytest.raises(VacuousComparison):
            t2_error(oracle, oracle, np.float64)
    assert not compare("y", np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3)), np.float64).ok


def test_an_error_where_none_is_allowed_is_infinitely_many_bounds() -> None:
    actual = ORACLE.astype(np.float32)
    actual[0, 0] = np.nextafter(actual[0, 0], np.float32(1))
    m = compare("y", actual, ORACLE, np.zeros(ORACLE.shape), np.float32)
    assert m.share_of_bound == np.inf
    assert (m.ok, m.index) == (False, (0, 0))


def test_t2_fails_where_t1_is_too_wide() -> None:
    actual = (ORACLE * (1 + 2 * T2_LIMIT * U)).astype(np.float32)
    m = compare("y", actual, ORACLE, np.ones(ORACLE.shape), np.float32)
    assert not m.ok
    assert m.reason.startswith("T2")
    assert m.t2_share > 1


def test_gamma_is_n_u_over_one_minus_n_u_and_refuses_to_be_meaningless() -> None:
    assert gamma(0, U) == 0
    assert gamma(3, U) == 3 * U / (1 - 3 * U)
    with pytest.raises(ValueError, match="nothing to bound"):
        gamma(1 / U, U)


def added(products: np.ndarray, order: str) -> np.ndarray:
    """Rows of exact products, each row added in its order, in float32; "fused" rounds no product."""
    rows = np.sort(products, axis=1)
    rows = {"ascending": rows, "descending": rows[:, ::-1], "by size": rows}.get(order, products)
    if order == "by size":
        rows = np.take_along_axis(rows, np.argsort(-np.abs(rows), axis=1), axis=1)
    if order == "pairwise":
        while rows.shape[1] > 1:
            rows = np.pad(rows, ((0, 0), (0, rows.shape[1] % 2))).astype(np.float32)
            rows = rows[:, ::2] + rows[:, 1::2]
        return rows[:, 0]
    if order == "in blocks":
        ends = range(0, rows.shape[1], 64)
        return np.cumsum([added(rows[:, i : i + 64], "one by one") for i in ends], axis=0, dtype=np.float32)[-1]
    total = np.zeros(len(rows), np.float32)
    for column in rows.T:
        total = (total + (column if order == "fused" else column.astype(np.float32))).astype(np.float32)
    return total


@pytest.mark.parametrize("terms", [33, 321, 2_000])
@pytest.mark.parametrize(
    "order", ["one by one", "ascending", "descending", "by size", "pairwise", "in blocks", "fused"]
)
def test_no_honest_order_of_a_long_sum_is_refused(order: str, terms: int) -> None:
    rng = np.random.default_rng(terms)
    for _ in range(3):
        x, w = rng.normal(size=(7, terms)).astype(np.float32), rng.normal(size=(11, terms)).astype(np.float32)
        products = (x[:, None].astype(np.float64) * w).reshape(-1, terms)
        y = added(products, order).reshape(7, 11)
        case = {"x": x, "w": w, "b": None}
        limits = op_bounds("linear_forward", case, np.float32)
        length = bounded_terms("linear_forward", case)["y"]
        m = compare("y", y, outputs("linear_forward", case)["y"], limits["y"], np.float32, length)
        assert m.ok, (order, terms, m.reason)
