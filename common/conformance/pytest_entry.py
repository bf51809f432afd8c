"""Lets `pytest --pyargs nnz.conformance --backend ...` know its options, and leaves every other run alone.

pytest reads the conftest.py of a package that --pyargs names only after the command line, too late for an option; an
entry point of the group pytest11 is in time.
"""

from __future__ import annotations

from typing import Any

PACKAGE, OPTIONS = "nnz.conformance", "nnz.conformance.pytest_options"


def pytest_load_initial_conftests(early_config: Any, args: list[str]) -> None:
    """Add the options if the run names this package."""
    if any(str(word).split("::")[0].startswith(PACKAGE) for word in args):
        early_config.pluginmanager.import_plugin(OPTIONS)
