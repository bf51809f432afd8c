"""What the tests of checkpoints share."""

import pytest
from support.tiny_checkpoints import checkpoint

from nnz.runs import checkpoints


@pytest.fixture
def path(tmp_path):
    """A checkpoint in a file."""
    checkpoints.save(tmp_path / "a.safetensors", checkpoint())
    return tmp_path / "a.safetensors"
