"""What every test run shares: in CI nothing may be skipped, and no test sees a user's cache or settings."""

import os

import pytest

IN_CI = os.environ.get("CI") == "true"
SANITIZED = "libasan" in os.environ.get("LD_PRELOAD", "")  # make test-asan
collect_ignore = ["mlp_c/test_old_cpu.py" if SANITIZED else "mlp_c/test_sanitized.py"]  # a sanitizer cannot be emulated


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, which CI does not allow: {report.longrepr[2]}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """A module that skips itself, for want of what it imports, is a skip too."""
    report = yield
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped, which CI does not allow: {report.longrepr[2]}"
    return report


@pytest.fixture(autouse=True, scope="session")
def _one_blas_thread():
    """Two pytest workers share two cores; results do not depend on the number of threads."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
