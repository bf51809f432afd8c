"""The kill matrix: which known bug is found by which tolerance. `make kill-matrix` writes it, in the checkout."""

from __future__ import annotations

from importlib import resources

FILE = "kill_matrix.md"


def kill_matrix() -> str:
    """The matrix as text, as it was written last."""
    return resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8")
