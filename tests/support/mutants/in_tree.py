"""Run inside a mutated copy of nnz: levels of the grading, on nnz.numpy, and tests of the project by name.

`python -m support.mutants.in_tree TREE CHECK...` exits with FOUND if one fails and
0 if all pass; any other code means that they could not be run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

from .mutant import level_of

TESTS = Path(__file__).resolve().parents[2]
FOUND = 10  # a code with which neither Python nor pytest exits
QUIET = ["-q", "-x", "--tb=no", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist"]


def main(tree: str, *checks: str) -> int:
    """Tests first: pytest must import nnz itself."""
    tests = [check for check in checks if "::" in check]
    complaint = (_tests(tests) if tests else "") or _levels([check for check in checks if check not in tests])
    _prove(Path(tree))
    print(complaint)
    return FOUND if complaint else 0


def _tests(names: list[str]) -> str:
    """The first test that fails. Raises RuntimeError if pytest could not run them."""
    import pytest

    failed: list[str] = []
    watcher = SimpleNamespace(
        pytest_runtest_logreport=lambda report: failed.append(report.nodeid) if report.failed else None
    )
    code = pytest.main([*QUIET, "--rootdir", str(TESTS.parent), *(str(TESTS / name) for name in names)], [watcher])
    if code not in (0, 1) or bool(failed) != (code == 1):
        raise RuntimeError(f"pytest ended with {code}")
    return failed[0] if failed else ""


def _levels(levels: list[str]) -> str:
    from nnz.conformance import grading

    reports = [grading.grade("numpy", [level], dtypes) for level, dtypes in map(level_of, levels)]
    return "; ".join(f"{r.name}: {r.reason}" for report in reports for r in report.failed)


def _prove(tree: Path) -> None:
    """Raises RuntimeError unless nnz, its numpy backend and the grading are those of the tree."""
    import nnz.numpy
    from nnz.conformance import grading

    for module in (nnz, nnz.numpy, grading):
        if tree not in Path(module.__file__).parents:
            raise RuntimeError(f"{module.__file__} is not in {tree}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
