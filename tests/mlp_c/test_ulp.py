"""The program that measures the kernels' tanh and exp, on one float32 in some thousands; it can fail, too."""

import re
import subprocess

import pytest
from support.built_program import built

from nnz.conformance.bounds.rounding import ULP_BUDGET

STRIDE = 8191  # a prime, so that all exponents and all last digits are met


@pytest.fixture(scope="module", params=["dispatched", "baseline"])
def program(request):
    return built(f"build/ulp/{request.param}")


def ulp(program, budget):
    done = subprocess.run([program, str(budget), str(STRIDE)], capture_output=True, text=True, check=False)
    return done.returncode, [float(found) for found in re.findall(r"at most ([\d.]+) ULP", done.stdout)]


@pytest.mark.slow
def test_tanh_and_exp_keep_the_budget_that_the_bounds_are_made_of(program):
    code, worst = ulp(program, ULP_BUDGET)
    assert code == 0
    assert len(worst) == 2
    assert all(0.5 < off <= ULP_BUDGET for off in worst)  # 0 would mean that nothing was measured


@pytest.mark.slow
def test_a_budget_that_is_not_kept_is_an_error(program):
    _, (tanh, exp) = ulp(program, ULP_BUDGET)
    assert ulp(program, max(tanh, exp) * 1.01)[0] == 0
    assert ulp(program, min(tanh, exp) * 0.99)[0] == 1
    assert ulp(program, max(tanh, exp) * 0.99)[0] == 1
    assert ulp(program, 0)[0] == 2
