"""`pytest --pyargs nnz.conformance --backend ...`: its options, and what an xfail file means there.

pytest reads the conftest.py of a package that --pyargs names only after the command line, which is too late for an
option. This module is an entry point of the group pytest11, so it is imported in every run of pytest: it imports the
grading only in a run that names this package.
"""

from __future__ import annotations

from typing import Any

import pytest

PACKAGE = "nnz.conformance"


def pytest_load_initial_conftests(early_config: Any, args: list[str]) -> None:
    """Add the options if the run names this package."""
    if any(str(word).split("::")[0].startswith(PACKAGE) for word in args):
        early_config.pluginmanager.register(_Options())


class _Options:
    def pytest_addoption(self, parser: pytest.Parser) -> None:
        from .grading import ROUNDS, SEED

        group = parser.getgroup(PACKAGE, "grading a backend of nnz")
        group.addoption("--backend", help="a backend of nnz, or any importable module")
        group.addoption("--xfails", help="a file of lines: level/check[dtype]  # reason")
        group.addoption("--rounds", type=int, default=ROUNDS, help=f"random shapes for each check; default: {ROUNDS}")
        group.addoption("--case-seed", type=int, default=SEED, help=f"seed of the random shapes; default: {SEED}")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A run in which nothing passed fails, as in `nnz parity`, whatever the xfails excuse."""
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        stats = reporter.stats if reporter else {}  # an xdist worker has no reporter; the session that started it has
        if session.exitstatus == pytest.ExitCode.OK and stats.get("xfailed") and not stats.get("passed"):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            reporter.ensure_newline()
            reporter.write_line("nothing passed: every failure is an xfail")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Mark the expected failures, strictly: one that passes fails, and so does an xfail that matches nothing."""
        from nnz.files.errors import UsageError, quoted

        from . import xfails
        from .grading import selected

        if not config.getoption("--xfails"):
            return
        try:
            known = xfails.read(config.getoption("--xfails"))
        except (UsageError, OSError) as error:
            raise pytest.UsageError(str(error)) from error
        names = {f"{check.level}/{check.name}[{dtype}]" for check, dtype in selected()}
        for xfail in known:
            if not any(xfail.matches(name) for name in names):
                raise pytest.UsageError(f"the xfail {quoted(xfail.pattern)} matches no check")
        for item in items:
            for xfail in known:
                if xfail.matches((getattr(item, "callspec", None) and item.callspec.id) or ""):
                    item.add_marker(pytest.mark.xfail(reason=xfail.reason, strict=True, raises=pytest.fail.Exception))
