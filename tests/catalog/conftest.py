import pytest

from tane.catalog import catalogs
from tane.config import origins


@pytest.fixture
def catalog(tmp_path):
    """Makes a catalog of entries given as keywords or a dict, rooted in the test's own folder."""

    def make(entries=None, /, credentials=None, **named):
        return catalogs.Catalog.from_config({**(entries or {}), **named}, credentials or {}, tmp_path, origin)

    return make


@pytest.fixture
def dataset(catalog):
    """Makes one dataset named "it"."""
    return lambda **entry: catalog(it=entry).find("it")


def origin(*keys):
    """Every entry stands in one file, each key on a line of its own."""
    return origins.Origin("conf/base/catalog.yml", 10 * len(keys), origins.FILE)
