"""The options of `pytest --pyargs nnz.conformance`, and what an xfail file means there."""

from __future__ import annotations

import pytest

from nnz.errors import UsageError

from . import xfails
from .grading import ROUNDS, SEED, selected


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("nnz.conformance", "grading a backend of nnz")
    group.addoption("--backend", help="a backend of nnz, or any importable module")
    group.addoption("--xfails", help="a file of lines: level/check[dtype]  # reason")
    group.addoption("--rounds", type=int, default=ROUNDS, help=f"random shapes a check; default: {ROUNDS}")
    group.addoption("--case-seed", type=int, default=SEED, help=f"of the random shapes; default: {SEED}")


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
