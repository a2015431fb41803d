"""What a command's digest is made of, and what is known to be wrong with it before anything runs."""

from __future__ import annotations

import os

import pytest

from tane import errors
from tane.catalog import catalogs
from tane.pipeline import nodes
from tane.pipeline.commands import command
from tane.plan import code, scripts


@pytest.fixture
def root(tmp_path):
    """A project's folder with a few files."""
    for name in ("fit.R", "src/x.py", "src/y.py", "conf/a b.yml", "R/one.R", "R/deep/two.R", "R/.git/x", "out.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def digest(root, text, **options):
    return scripts.of(command(text, "table", **options).func, root)


def named(root, text, **options):
    """The scripts among the parts of a digest."""
    labels = digest(root, text, **options).parts
    return [label.removeprefix("script ") for label in labels if label.startswith("script ")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Rscript fit.R {table}", ["fit.R"]),
        ("python ./src/x.py --other=src/y.py", ["src/x.py", "src/y.py"]),
        ("cat 'conf/a b.yml' conf/a\\ b.yml < fit.R", ["conf/a b.yml", "fit.R"]),
        ("awk -ffit.R {table} | sh -c 'Rscript R/one.R; date > out.txt'", ["fit.R", "R/one.R"]),
        ("if true; then Rscript fit.R $(cat src/x.py); fi > out.txt", ["fit.R", "src/x.py"]),
        ("for x in a; do cat 'conf/a b.yml'; done", ["conf/a b.yml"]),
        ("cat fit.R > out.txt 2>> src/x.py", ["fit.R"]),
        ("ls src R . .. / '' missing.R", []),
        ("cat R/.git/x /etc/passwd {table}.R", []),
        ("echo fit.R,src/x.py", ["fit.R", "src/x.py"]),
    ],
)
def test_files_of_the_project_that_are_named_are_part_of_it(root, text, found):
    assert named(root, text) == found


def test_it_is_called_by_its_parts(root):
    found = digest(root, "Rscript fit.R {table}", sources="src")
    assert list(found.parts) == ["command", "script fit.R", "script src/x.py", "script src/y.py"]
    assert isinstance(found, code.CodeDigest) and not found.imports


def test_the_digest_changes_with_what_it_is_made_of_and_with_nothing_else(root):
    before = digest(root, "Rscript fit.R {table}")
    (root / "src/x.py").write_text("changed")
    assert digest(root, "Rscript fit.R {table}") == before
    (root / "fit.R").write_text("changed")
    changed = digest(root, "Rscript fit.R {table}")
    assert changed.digest != before.digest
    assert code.diff_parts(before.parts, changed.parts) == ["script fit.R"]


def test_white_space_and_the_shell_count(root):
    found = {digest(root, text, shell=shell).digest for text in ("a b", "a  b") for shell in ("sh", "bash")}
    assert len(found) == 4


def test_it_rests_on_its_files_and_on_those_that_may_come(root):
    found = digest(root, "Rscript fit.R missing.R", sources=["R"])
    assert {root / name for name in ("fit.R", "missing.R", "R", "R/one.R", "R/deep", "R/deep/two.R")} <= found.files
    assert root / "R/.git" not in found.files


@pytest.mark.parametrize(
    ("sources", "found"),
    [
        ("src/x.py", ["src/x.py"]),
        ("R", ["R/one.R", "R/deep/two.R"]),
        ("R/*.R", ["R/one.R"]),
        ("**/*.R", ["R/deep/two.R", "R/one.R", "fit.R"]),
        (["fit.R", "src/?.py"], ["fit.R", "src/x.py", "src/y.py"]),
    ],
)
def test_sources_are_files_folders_and_patterns(root, sources, found):
    assert sorted(named(root, "date", sources=sources)) == sorted(found)


def test_a_new_file_in_a_source_changes_it(root):
    before = digest(root, "date", sources=["R/*.R", "src"])
    (root / "R/more.R").write_text("")
    after = digest(root, "date", sources=["R/*.R", "src"])
    assert after.digest != before.digest and root / "R" in before.files


def test_missing_sources_are_told_all_at_once(root):
    with pytest.raises(errors.PipelineError) as caught:
        digest(root, "date", sources=["fitt.R", "julia/*.jl", "src/z/q.py"])
    text = str(caught.value)
    assert "there is no source 'fitt.R'" in text and "did you mean 'fit.R'?" in text
    assert "no file fits the source 'julia/*.jl'" in text and "'src/z/q.py'" in text


def test_the_digest_of_a_file_may_be_known_already(root):
    asked = []
    scripts.of(command("Rscript fit.R").func, root, digest=lambda path: asked.append(path) or "d")
    assert asked == [root / "fit.R"]


def test_the_names_of_its_files_count_and_those_of_its_datasets_do_not(root):
    def of(path, name="model"):
        entries = {name: {"type": "text", "filepath": path}}
        rests = scripts.Rests(root, catalogs.Catalog.from_config(entries, {}, root))
        return scripts.of_node(command("fit {to}", None, {"to": name}), rests)

    assert of("data/a.txt") == of("other/a.txt", "renamed")
    assert code.diff_parts(of("data/a.txt").parts, of("data/a.csv").parts) == [
        "file name of to: a.csv",
        "file name of to: a.txt",
    ]


def test_a_function_is_no_command(root):
    rests = scripts.Rests(root, catalogs.Catalog.from_config({}, {}, root))
    assert scripts.of_node(nodes.node(len, "a", "b"), rests) is None


def test_a_link_that_leads_out_of_the_project_counts_by_its_content(root, tmp_path_factory):
    outside = tmp_path_factory.mktemp("elsewhere") / "lib.R"
    outside.write_text("one")
    os.symlink(outside, root / "lib.R")
    before = digest(root, "Rscript lib.R")
    outside.write_text("two")
    assert digest(root, "Rscript lib.R").digest != before.digest


# --- before a run --------------------------------------------------------------------------------------------------


def said(root, text, **options):
    return [str(fault) for fault in scripts.check([command(text, "table", name="n", **options)], root)]


@pytest.mark.parametrize(
    "text",
    [
        "echo {table} | sort | uniq",
        "A=1 B={table} sort",
        "cd src && :",
        "{table} --help",
        "$TOOL x",
        "export PATH=/opt/bin; mytool",
        "PATH=/opt/bin:$PATH mytool",
        ". ./env.sh && mytool",
        "if true; then mytool; fi",
        "make tool && ./tool" if os.path.exists("/usr/bin/make") else "true && ./tool",
        "'sort' | \"sort\"",
    ],
)
def test_what_may_well_be_run_is_no_fault(root, text):
    assert said(root, text) == []


def test_a_program_that_is_not_installed_is_a_fault(root):
    (fault,) = said(root, "grepp x {table}")
    assert "node 'n': the program 'grepp' is not installed" in fault and "did you mean 'grep'?" in fault
    assert len(said(root, "nothing-such | sort | nothing-either")) == 2


def test_a_program_says_how_to_install_it(root, monkeypatch):
    monkeypatch.setenv("PATH", str(root))
    (fault,) = [each for each in said(root, "Rscript fit.R") if "Rscript" in each]
    assert "apt-get install r-base-core" in fault


def test_a_program_of_the_project_must_be_there_and_executable(root):
    assert (
        "there is no program ./fitt.R" in said(root, "./fitt.R")[0]
        and "did you mean './fit.R'" in said(root, "./fitt.R")[0]
    )
    assert "chmod +x ./fit.R" in said(root, "./fit.R")[0]
    (root / "fit.R").chmod(0o755)
    assert said(root, "./fit.R") == []


def test_a_shell_that_is_not_installed_and_missing_sources_are_faults(root, monkeypatch):
    monkeypatch.setenv("PATH", str(root))
    found = said(root, "true", shell="mksh", sources="fitt.R")
    assert "its shell 'mksh' is not installed" in found[0]
    assert found[1].startswith("node 'n': there is no source 'fitt.R'")
