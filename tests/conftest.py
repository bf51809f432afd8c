"""What every test run shares: in .ci/run nothing may be skipped, and no test sees a user's cache or settings."""

import os
import random

import pytest

NO_SKIPS = os.environ.get("NNZ_NO_SKIPS") == "true"
DATA = "NNZ_DATA_HOME"  # unset, tests of the public text are skipped, and say so by this name
SANITIZED = "libasan" in os.environ.get("LD_PRELOAD", "")  # make test-asan
collect_ignore = ["mlp_c/test_old_cpu.py" if SANITIZED else "mlp_c/test_sanitized.py"]  # a sanitizer cannot be emulated


def pytest_addoption(parser):
    parser.addoption(
        "--shuffle", type=int, metavar="SEED", help="run modules, and the tests of each, in a random order"
    )


def pytest_collection_modifyitems(config, items):
    if (seed := config.getoption("--shuffle", None)) is not None:
        random.Random(seed).shuffle(items)
        modules = list(dict.fromkeys(item.path for item in items))
        items.sort(key=lambda item: modules.index(item.path))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if _is_forbidden(report) and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, which CI does not allow: {report.longrepr[2]}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """A module that skips itself, for want of what it imports, is a skip too."""
    report = yield
    if _is_forbidden(report):
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped, which CI does not allow: {report.longrepr[2]}"
    return report


def _is_forbidden(report):
    if not (NO_SKIPS and report.skipped):
        return False
    return DATA in os.environ or DATA not in str(report.longrepr)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with a few names, for tests that only read it."""
    from support.tiny_runs import data_folder  # here: what needs no data set starts faster

    return data_folder(tmp_path_factory.mktemp("data") / "few-names")


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The sdist and the wheels of the checkout, each built once: the tests that use them are of one xdist group."""
    from support.built_wheels import Built

    return Built(tmp_path_factory.mktemp("built"))


@pytest.fixture
def without_pictures(monkeypatch):
    """A run draws no pictures: to draw them takes ten times as long as a tiny run."""
    monkeypatch.setattr("nnz.pictures.of_run.draw", lambda *of_a_run: [])


@pytest.fixture(autouse=True, scope="session")
def _one_blas_thread():
    """Two pytest workers share two cores; results do not depend on the number of threads."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
