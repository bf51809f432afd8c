"""A file of known failures: what is wrong in it is quoted, and shortened where it is long."""

import pytest

from nnz.conformance import xfails
from nnz.files.errors import UsageError


def test_a_line_of_a_megabyte_without_a_reason_is_quoted_short(tmp_path):
    path = tmp_path / "known.txt"
    path.write_text(f"tanh/*  # a reason\n{'x' * 1_000_000}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"line 2: 'xxx.*needs a reason after a #") as error:
        xfails.read(path)
    assert len(str(error.value)) < 300 + len(str(path))
