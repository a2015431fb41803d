"""`tane compare`: text, JSON and the page."""

import json
import re
import subprocess

import pytest

from tane.cli import comparison


@pytest.fixture
def two(tiny):
    """Two runs that differ in a parameter, in code and in a source."""
    git(tiny.root, "init", "-q")
    tiny.write(".gitignore", ".tane/\n__pycache__/\ntane.lock\n")
    git(tiny.root, "add", ".")
    git(tiny.root, "commit", "-qm", "all")
    first = tiny.process("run", "--name", "first", "--json").json["id"]
    nodes = tiny.root / "src/tiny/nodes.py"
    nodes.write_text(nodes.read_text().replace("row * scale for", "row * scale + 1 for"))
    tiny.write("data/01_raw/table.json", '{"x": [1, 2, 3, 4]}')
    tiny.ids = [first, tiny.process("run", "scale=3.0", "--json").json["id"]]
    return tiny


@pytest.fixture
def pair(tiny):
    """Two runs that differ in a parameter."""
    tiny.ids = [tiny.run("--name", "first"), tiny.run("scale=3.0")]
    return tiny


def git(root, *arguments):
    subprocess.run(
        ["git", "-c", "user.email=a@b.c", "-c", "user.name=a", *arguments], cwd=root, check=True, capture_output=True
    )


def test_two_runs_side_by_side(two):
    told = two.tane("compare", "first", "last").out
    for said in (
        "parameters: 1 of 2 differ",
        "  scale  2.0  3.0",
        "with uncommitted changes",
        "features  b   function features() in nodes.py",
        '  -    return [row * scale for row in table["x"]]',
        '  +    return [row * scale + 1 for row in table["x"]]',
        "sources: 1 of 1 differ",
        "results: 3 of 3 differ",
        "packages do not differ",
    ):
        assert said in told


def test_a_metric_comes_with_its_difference():
    assert comparison.difference(0.5, 0.75) == ("+0.25", "+50%")
    assert comparison.difference(2.0, 1.0) == ("-1", "-50%")
    assert comparison.difference(0.0, 1.0) == ("+1", "")
    assert comparison.difference(1.0, float("nan")) == ("", "")


def test_json_has_what_differs_and_the_points_of_curves(two):
    known = two.tane("compare", *two.ids, "--json").json
    assert [each["id"] for each in known["runs"]] == two.ids
    (scale,) = [each for each in known["params"] if each["name"] == "scale"]
    assert (scale["differs"], list(scale["values"].values())) == (True, [2.0, 3.0])
    assert known["curves"][0]["name"] == "loss"
    assert known["curves"][0]["lines"][0]["values"] == [2.0, 1.0]
    assert "+    return [row * scale + 1" in known["code"]["states"][1]["diff"]


def test_many_runs_have_a_line_each(empty):
    import tane

    for number in range(12):
        with tane.start_run(f"trial {number}", params={"rate": number / 10, "same": 1}):
            tane.log_metric("auc", 0.5 + number / 100)
    told = empty.tane("compare", "--filter", "metrics.auc > 0", "--sort", "params.rate").out
    assert "parameters: 1 of 2 differ; metrics" in told
    assert re.search(r"^ +rate +auc$", told, re.M)
    assert re.search(r"^ +12 +1.1 +0.61$", told, re.M)


def test_a_filter_chooses_what_is_compared(pair):
    known = pair.tane("compare", "--filter", "params.scale >= 2", "--json").json
    assert sorted(each["id"] for each in known["runs"]) == sorted(pair.ids)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ((), "no runs are named"),
        (("first",), "one run alone"),
        (("first", "first"), "'first' and 'first' are the same run"),
        (("first", "nix"), "there is no run 'nix'"),
        (("--filter", "params.scale > 99"), "no run is chosen"),
        (("--filter", "name = 'first'"), "only"),
        (("--filter", "params.scale >"), "filter, column 15"),
        (("first", "last", "--html", "conf"), "is a folder"),
    ],
)
def test_what_cannot_be_compared_says_why(pair, arguments, what):
    told = pair.tane("compare", *arguments)
    assert told.code == 2
    assert what in told.err and "hint:" in told.err


def test_runs_of_different_pipelines_are_compared_with_a_note(tiny):
    tiny.run("training")
    tiny.run()
    told = tiny.tane("compare", "last", tiny.tane("runs", "--json").json[1]["id"]).out
    assert "runs of different pipelines" in told
    assert "scores" in told


# --- the page -------------------------------------------------------------------------------------------------------


def page_of(project, *arguments):
    assert project.tane("compare", *arguments, "--html", "page.html").code == 0
    return (project.root / "page.html").read_text()


def test_the_page_needs_no_nepairrk(pair):
    page = page_of(pair, *pair.ids)
    assert not re.search(r"""(src|href)\s*=|@import|url\(|fetch\(|XMLHttp""", page)
    assert set(re.findall(r"https?://[^\"'\s<]+", page)) == {"http://www.w3.org/2000/svg"}


def test_the_page_has_the_curves_as_data(pair):
    page = page_of(pair, *pair.ids)
    data = json.loads(re.search(r'id="data">(.*?)</script>', page)[1])
    assert data["runs"][0] == "first"
    assert data["curves"][0]["lines"][0]["value"] == [2.0, 1.0]
    assert 'data-curve="0"' in page


def test_names_and_values_cannot_break_out_of_the_page(empty):
    import tane

    for number in range(2):
        with tane.start_run("<script>alert(1)</script>", params={"<b>": f"</script><i>{number}"}) as run:
            tane.log_metrics({"</script>&": float("nan")}, step=0)
            tane.log_metrics({"</script>&": float("inf")}, step=1)
        empty.tane("note", run.id, "</pre><script>x</script>")
    page = page_of(empty, "--filter", "name is not null")
    assert page.count("<script") == 2
    assert "</script><i>" not in page and "<script>alert" not in page


def test_a_page_of_many_runs_can_be_sorted(empty):
    import tane

    for number in range(8):
        with tane.start_run(f"trial {number}", params={"rate": number}):
            tane.log_metric("auc", number)
    page = page_of(empty, "--filter", "metrics.auc >= 0")
    assert page.count('class="sort"') == 2
    assert 'data-sort="7.0"' in page
