"""What the tests of the reading page in a browser share."""

import pytest
from support.chromium import Visit, chromium

from nnz.reading.page.figures import Figures
from nnz.reading.page.site import build


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return build(tmp_path_factory.mktemp("site"), Figures(None, None)).parent


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser, site):
    """Visits a page. Afterwards there must be no complaint in the console, and no request that left the site."""
    visits = []

    def start(name, **settings):
        visits.append(Visit(browser, site, **settings))
        visits[-1].open(name)
        return visits[-1]

    yield start
    for visited in visits:
        visited.context.close()
        assert visited.complaints == []
        assert [url for url in visited.requests if not url.startswith((site.as_uri(), "data:", "blob:null/"))] == []
