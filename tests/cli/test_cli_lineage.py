"""`tane show --lineage`."""

import pytest


def lineage(project, name):
    return {each["name"]: each for each in project.tane("show", "--lineage", name, "--json").json}


def test_a_dataset_leads_back_to_the_source_file(tiny):
    run = tiny.run()
    found = lineage(tiny, "scores")
    assert list(found) == ["scores", "model", "features", "table"]
    assert found["model"]["made"]["node"] == "fit" and found["model"]["made"]["run"] == run
    assert found["model"]["made"]["params"] == {"model.rate": 0.5}
    assert any("fit()" in label for label in found["model"]["made"]["code"])
    assert (found["table"]["made"], found["table"]["place"]) == (None, "data/01_raw/table.json")


def test_inputs_carry_the_digests_of_what_they_name(tiny):
    tiny.run()
    found = lineage(tiny, "scores")
    for each in found.values():
        for taken in each["made"]["inputs"] if each["made"] else ():
            assert taken["digest"] == found[taken["name"]]["digest"]


def test_a_reused_step_counts_as_made_where_it_worked(tiny):
    first = tiny.run()
    second = tiny.run("model.rate=0.25")
    found = lineage(tiny, "model")
    assert (found["model"]["made"]["run"], found["features"]["made"]["run"]) == (second, first)


def test_a_run_that_began_in_the_middle_leads_on_into_the_run_before(tiny):
    first = tiny.run("training")
    second = tiny.run("scoring")
    found = lineage(tiny, f"scores@{second}")
    assert found["model"]["made"]["run"] == first
    assert found["table"]["made"] is None


def test_an_older_version_by_run_and_by_digest(tiny):
    first = tiny.run()
    tiny.run("model.rate=0.25")
    old = lineage(tiny, f"model@{first}")["model"]
    assert old["made"]["params"] == {"model.rate": 0.5}
    assert lineage(tiny, old["digest"][:10])["model"] == old


def test_it_reads_as_blocks(tiny):
    tiny.run()
    blocks = tiny.tane("show", "--lineage", "model").out.split("\n\n")
    assert [block.split()[0] for block in blocks] == ["model", "features", "table"]
    assert "made by  fit in run" in blocks[0]
    assert "source" in blocks[2]


@pytest.mark.parametrize("name", ["modle", "modle@last"])
def test_an_unknown_name_offers_the_nearest(tiny, name):
    tiny.run()
    told = tiny.tane("show", "--lineage", name)
    assert told.code == 2
    assert "did you mean 'model'?" in told.err


def test_a_long_chain_needs_no_recursion(empty):
    steps = "\n".join(f"def s{i}(s{i - 1}):\n    return s{i - 1} + 1\n" for i in range(1, 1200))
    names = ", ".join(f"s{i}" for i in range(1200))
    empty.write(
        "flow.py", f"from tane import Pipeline\n\ndef s0():\n    return 0\n\n{steps}\npipeline = Pipeline([{names}])\n"
    )
    empty.run("flow.py")
    assert len(lineage(empty, "s1199")) == 1200
