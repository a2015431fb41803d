"""What is known to be wrong before anything runs."""

import pytest

from tane import errors
from tane.catalog import catalogs
from tane.config import origins
from tane.pipeline.graph import Pipeline
from tane.pipeline.nodes import node
from tane.plan import checks


def check(pipeline, entries, root):
    catalog = catalogs.Catalog.from_config(entries, {}, root)
    nowhere = origins.Origin("", 0, origins.NOWHERE)
    return checks.check(pipeline, {}, lambda *keys: nowhere, catalog, {})


def made_and_taken():
    return Pipeline([node(lambda: "", None, "cars@txt", name="make"), node(len, "cars@json", "size")])


def entries(txt, json):
    return {"cars@txt": {"type": "text", "filepath": txt}, "cars@json": {"type": "json", "filepath": json}}


def test_forms_of_what_is_made_lie_at_one_place(tmp_path):
    with pytest.raises(errors.ConfigError) as caught:
        check(made_and_taken(), entries("c.txt", "d.json"), tmp_path)
    (fault,) = caught.value.faults
    assert all(word in fault.what for word in ("'cars@json'", "'cars@txt'", "c.txt", "d.json"))
    assert "the same filepath" in fault.hint


def test_one_place_may_be_written_in_two_ways(tmp_path):
    check(made_and_taken(), entries("c.txt", "./c.txt"), tmp_path)


def test_forms_of_sources_may_lie_apart(tmp_path):
    taken = Pipeline([node(len, "cars@txt", "a", name="one"), node(len, "cars@json", "b", name="other")])
    check(taken, entries("c.txt", "d.json"), tmp_path)
