"""The names on which microgpt is trained."""

from pathlib import Path

import pytest

from nnz.files import downloads
from nnz.referee.start import Names


@pytest.fixture(scope="session")
def data() -> Path:
    try:
        return downloads.get("makemore-names")
    except downloads.DownloadError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def names(data: Path) -> Names:
    return Names(data.read_text(encoding="utf-8").split())
