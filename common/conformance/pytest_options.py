"""The options of `pytest --pyargs nnz.conformance`, and what an xfail file means there."""

from __future__ import annotations

import pytest

from nnz.files.errors import UsageError

from . import xfails
from .grading import ROUNDS, SEED, selected


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("nnz.conformance", "grading a backend of nnz")
    group.addoption("--backend", help="a backend of nnz, or any importable module")
    group.addoption("--xfails", help="a file of lines: level/check[dtype]  # reason")
    group.addoption("--rounds", type=int, default=ROUNDS, help=f"random shapes a check; default: {ROUNDS}")
    group.addoption("--case-seed", type=int, default=SEED, help=f"of the random shapes; default: {SEED}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Nothing that passed is no pass, as in `nnz parity`, whatever the xfails excuse."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    stats = reporter.stats if reporter else {}  # a worker of xdist has no reporter; the session that started it has
    if session.exitstatus == pytest.ExitCode.OK and stats.get("xfailed") and not stats.get("passed"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.ensure_newline()
        reporter.write_line("nothing passed: every failure is an xfail")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is known to fail, strictly: what passes all the same fails, as does an xfail that matches nothing."""
    if not config.getoption("--xfails"):
        return
    try:
        known = xfails.read(config.getoption("--xfails"))
    except (UsageError, OSError) as error:
        raise pytest.UsageError(str(error)) from error
    names = {f"{check.level}/{check.name}[{dtype}]" for check, dtype in selected()}
    for xfail in known:
        if not any(xfail.matches(name) for name in names):
            raise pytest.UsageError(f"the xfail {xfail.pattern!r} matches no check")
    for item in items:
        for xfail in known:
            if xfail.matches((getattr(item, "callspec", None) and item.callspec.id) or ""):
                item.add_marker(pytest.mark.xfail(reason=xfail.reason, strict=True, raises=pytest.fail.Exception))
