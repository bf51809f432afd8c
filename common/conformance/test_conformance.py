"""Every check in every dtype as one test of pytest: pytest --pyargs nnz.conformance --backend mypkg.mybackend

What the backend does not have fails, like what is wrong: name it in a file of --xfails, with the reason. The GPT's
operations are skipped for a backend that has none of them.
"""

from __future__ import annotations

import pytest

from nnz.conformance.checks.backend_under_test import BackendUnderTest
from nnz.conformance.grading import GPT_CHECKS, GPT_PART, grade_one, has_gpt, selected


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    asked = selected()
    metafunc.parametrize(("check", "dtype"), asked, ids=[f"{c.level}/{c.name}[{dtype}]" for c, dtype in asked])


@pytest.fixture(scope="module")
def backend(request: pytest.FixtureRequest) -> BackendUnderTest:
    name = request.config.getoption("--backend", default=None)
    if name is None:
        pytest.exit("name the backend to grade: pytest --pyargs nnz.conformance --backend MODULE", returncode=2)
    try:
        return BackendUnderTest(name)
    except (ImportError, ValueError) as error:
        pytest.exit(str(error), returncode=2)


def test_the_backend_meets(backend, check, dtype, request) -> None:
    options = request.config
    if check in GPT_CHECKS and not has_gpt(backend):
        pytest.skip(f"{GPT_PART}, of which it has none")
    result = grade_one(backend, check, dtype, options.getoption("--rounds"), options.getoption("--case-seed"))
    if not result.passed:
        pytest.fail(f"{result.outcome}: {result.reason}", pytrace=False)
