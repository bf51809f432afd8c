"""Run inside a mutated copy of nnz: one level of the grading, on nnz.numpy, or tests of the project by name.

`python -m mutants.in_tree TREE CHECK...` exits 0 if all pass, 1 if one fails, 3 if it could not be tried.
"""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def main(tree: str, *checks: str) -> int:
    """Levels first, then all tests in one pytest."""
    import nnz
    import nnz.numpy
    from nnz.conformance import grading

    for module in (nnz, nnz.numpy, grading):
        if Path(tree) not in Path(module.__file__).parents:
            print(f"{module.__file__} is not in {tree}")
            return 3
    levels = [check for check in checks if check in grading.LEVELS]
    report = grading.grade("numpy", levels) if levels else None
    if report is not None and not report.ok:
        print(*(f"{result.name}: {result.reason}" for result in (*report.failed, *report.missing)), sep="\n")
        return 1
    return _tests([check for check in checks if check not in levels])


def _tests(names: list[str]) -> int:
    import pytest

    if not names:
        return 0
    how = [
        "-q",
        "-x",
        "--tb=no",
        "--no-header",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "--rootdir",
        str(TESTS.parent),
    ]
    code = pytest.main([*how, *(str(TESTS / name) for name in names)])
    return code if code in (0, 1) else 3


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
