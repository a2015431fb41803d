"""`tane adopt`: a run's configuration and code in the working tree."""

import subprocess

import pytest

from tane import errors
from tane.store import placing
from tane.versions import adopting

PARAMETERS = """\
# what features are multiplied by
scale: 2.0   # tried: 1, 2

model:
  rate: 0.5  # of learning
  # below come lists
  layers: [1, 2]
  steps:
    - 10   # first
    - 20
shared: &shared
  depth: 3
tree: *shared
"""


@pytest.fixture
def noted(tiny):
    """The project with comments in its configuration."""
    tiny.write("conf/base/parameters.yml", PARAMETERS)
    return tiny


def adopt(project, *arguments):
    told = project.tane("adopt", *arguments, "--yes")
    assert told.code == 0, told.err
    return told


def parameters(project):
    return (project.root / "conf/base/parameters.yml").read_text()


def all_reused(project, *arguments):
    """Whether a run now is that run again."""
    project.tane("run", *arguments, "--json")
    steps = project.tane("runs", "-n", "1", "--json").json[0]["steps"]
    return steps["reused"] > 0 and steps["succeeded"] == 0


def test_values_are_changed_where_they_stand_and_the_next_run_reuses_all(noted):
    run = noted.run("scale=3.5", "model.rate=1e-05", "model.steps=[10,30]", "model.layers=[5]")
    noted.run()
    told = adopt(noted, run)
    assert "-scale: 2.0   # tried: 1, 2\n+scale: 3.5   # tried: 1, 2\n" in told.out
    wanted = PARAMETERS
    for old, new in (
        ("scale: 2.0", "scale: 3.5"),
        ("rate: 0.5", "rate: 1e-05"),
        ("- 20", "- 30"),
        ("[1, 2]", "[5]"),
    ):
        wanted = wanted.replace(old, new)
    assert parameters(noted) == wanted
    assert all_reused(noted)


def test_what_the_run_had_and_no_file_says_is_added(noted):
    run = noted.run("+model.extra={a: 1, b: [yes, 'no']}", "+name=two words")
    adopt(noted, run)
    assert "    - 20\n  extra:\n    a: 1\n" in parameters(noted)
    assert parameters(noted).endswith("tree: *shared\nname: two words\n")
    assert all_reused(noted)


def test_what_the_run_did_not_have_is_taken_out(noted):
    run = noted.run("~model.layers", "~scale", "+scale=2.0")
    adopt(noted, run)
    assert parameters(noted) == PARAMETERS.replace("  layers: [1, 2]\n", "")


def test_a_value_that_others_share_is_said_in_a_file_above(noted):
    run = noted.run("tree.depth=5")
    told = adopt(noted, run)
    assert "conf/local/parameters_adopted.yml" in told.err
    assert parameters(noted) == PARAMETERS
    assert "depth: 5" in (noted.root / "conf/local/parameters_adopted.yml").read_text()
    assert all_reused(noted)


def test_a_value_of_an_environment_is_changed_there(tiny):
    run = tiny.run("--env", "staging", "scale=4.0", "model.rate=0.25")
    told = adopt(tiny, run)
    assert "--env staging" in told.err
    assert (tiny.root / "conf/staging/parameters.yml").read_text() == "scale: 4.0\n"
    assert parameters(tiny) == "scale: 2.0\nmodel:\n  rate: 0.25\n"
    assert all_reused(tiny, "--env", "staging")


def test_a_flow_file_gets_its_first_configuration(flow):
    run = flow.run("flow.py", "by=5")
    adopt(flow, "flow.py", run)
    assert (flow.root / "conf/base/parameters.yml").read_text() == "by: 5\n"
    assert all_reused(flow, "flow.py")


def test_a_group_is_chosen_where_its_choice_stands(tiny):
    tiny.write("conf/base/parameters.yml", "defaults:\n  - model: slow  # or fast\n  - _self_\nscale: 2.0\n")
    tiny.write("conf/base/model/slow.yml", "rate: 0.5\n")
    tiny.write("conf/base/model/fast.yml", "rate: 0.9\n")
    run = tiny.run("model=fast", "model.rate=0.8")
    adopt(tiny, run)
    assert parameters(tiny).startswith("defaults:\n  - model: fast  # or fast\n")
    assert (tiny.root / "conf/base/model/fast.yml").read_text() == "rate: 0.8\n"
    assert (tiny.root / "conf/base/model/slow.yml").read_text() == "rate: 0.5\n"
    assert all_reused(tiny)


def test_a_reference_stays_when_what_it_refers_to_is_changed(tiny):
    tiny.write("conf/base/parameters.yml", "scale: 2.0\nmodel:\n  rate: ${scale}\n")
    run = tiny.run("scale=3.0")
    adopt(tiny, run)
    assert parameters(tiny) == "scale: 3.0\nmodel:\n  rate: ${scale}\n"


def test_a_source_that_is_another_now_is_told(noted):
    run = noted.run("scale=3.0")
    assert "note:" not in noted.tane("adopt", run, "--dry-run").err
    noted.write("data/01_raw/table.json", '{"x": [1, 2, 4]}')
    assert "table is not what the run took" in noted.tane("adopt", run, "--dry-run").err


def test_a_dry_run_changes_nothing(noted):
    run = noted.run("scale=3.0")
    told = noted.tane("adopt", run, "--dry-run", "--json").json
    assert (told["files"], told["done"]) == (["conf/base/parameters.yml"], False)
    assert "+scale: 3.0" in told["diff"]
    assert parameters(noted) == PARAMETERS


def test_where_nobody_can_be_asked_nothing_is_done(noted):
    told = noted.tane("adopt", noted.run("scale=3.0"))
    assert told.code == 2
    assert "--yes" in told.err and "+scale: 3.0" in told.out
    assert parameters(noted) == PARAMETERS


def test_the_configuration_that_is_there_needs_no_change(noted):
    told = adopt(noted, noted.run())
    assert "nothing to do" in told.out


def test_a_failure_on_the_way_leaves_every_file_as_it_was(tiny, monkeypatch):
    run = tiny.run("--env", "staging", "scale=4.0", "model.rate=0.25")
    before = parameters(tiny)
    written = []

    def fail(path, fill):
        written.append(path)
        if len(written) == 2:
            raise errors.StoreError("the disk is full", hint="make room")
        return real(path, fill)

    real = placing.file
    monkeypatch.setattr(adopting.placing, "file", fail)
    assert tiny.tane("adopt", run, "--yes").code == 4
    assert len(written) > 2
    assert parameters(tiny) == before
    assert (tiny.root / "conf/staging/parameters.yml").read_text() == "scale: 3.0\n"


@pytest.mark.parametrize(
    ("arguments", "what"),
    [((), "no run is named"), (("nix",), "there is no run"), (("last", "--force"), "--force is about the code")],
)
def test_a_mistake_says_what_to_do(tiny, arguments, what):
    tiny.run()
    told = tiny.tane("adopt", *arguments)
    assert told.code == 2
    assert what in told.err and "hint:" in told.err


def test_a_link_to_a_file_of_configuration_stays_one(tiny):
    run = tiny.run("scale=3.0")
    place = tiny.root / "conf/base/parameters.yml"
    place.rename(tiny.root / "shared.yml")
    place.symlink_to("../../shared.yml")
    adopt(tiny, run)
    assert place.is_symlink()
    assert (tiny.root / "shared.yml").read_text() == "scale: 3.0\nmodel:\n  rate: 0.5\n"


def test_a_variable_that_wins_over_files_is_told(tiny, monkeypatch):
    run = tiny.run("scale=3.0")
    monkeypatch.setenv("TANE_PARAM__SCALE", "9.0")
    told = adopt(tiny, run)
    assert "TANE_PARAM__SCALE is set" in told.err
    assert "scale: 3.0" in parameters(tiny)


def test_lines_that_end_as_elsewhere_go_on_so(tiny):
    (tiny.root / "conf/base/parameters.yml").write_bytes(b"scale: 2.0  # a\r\nmodel:\r\n  rate: 0.5\r\n")
    adopt(tiny, tiny.run("scale=3.0"))
    assert (tiny.root / "conf/base/parameters.yml").read_bytes().startswith(b"scale: 3.0  # a\r\nmodel:\r\n")


def test_a_script_has_nothing_to_adopt(tiny):
    import tane

    with tane.start_run("trial", params={"rate": 1}):
        pass
    told = tiny.tane("adopt", "last")
    assert told.code == 2
    assert "no run of a pipeline" in told.err


# --- code -----------------------------------------------------------------------------------------------------------


def git(root, *arguments):
    subprocess.run(
        ["git", "-c", "user.email=a@b.c", "-c", "user.name=a", *arguments], cwd=root, check=True, capture_output=True
    )


@pytest.fixture
def versioned(tiny):
    """The project in Git; a run of other code, made before that code was thrown away, by its id."""
    git(tiny.root, "init", "-q")
    tiny.write(".gitignore", ".tane/\n__pycache__/\ntane.lock\ndata/0[67]*\n")
    git(tiny.root, "add", ".")
    git(tiny.root, "commit", "-qm", "all")
    nodes = tiny.root / "src/tiny/nodes.py"
    tiny.old = nodes.read_text()
    tiny.new = tiny.old.replace("row * scale for", "row * scale + 1 for")
    nodes.write_text(tiny.new)
    tiny.write("src/tiny/more.py", "x = 1\n")
    tiny.write("conf/base/catalog_more.yml", "other: {type: json.JSONDataset, filepath: data/08_reporting/o.json}\n")
    tiny.id = tiny.process("run", "scale=5.0", "--json").json["id"]
    git(tiny.root, "checkout", "-q", ".")
    git(tiny.root, "clean", "-qfd", "src", "conf")
    return tiny


def test_code_that_was_thrown_away_comes_back_and_all_is_reused(versioned):
    told = versioned.process("adopt", versioned.id, "--code", "--yes")
    assert told.code == 0, told.err
    assert (versioned.root / "src/tiny/nodes.py").read_text() == versioned.new
    assert (versioned.root / "src/tiny/more.py").read_text() == "x = 1\n"
    assert (versioned.root / "conf/base/catalog_more.yml").exists()
    assert "scale: 5.0" in parameters(versioned)
    assert versioned.process("run", "--json").code == 0
    (run,) = versioned.tane("runs", "-n", "1", "--json").json
    assert run["steps"]["reused"] == 3


def test_changes_that_are_not_committed_are_not_replaced(versioned):
    versioned.write("src/tiny/nodes.py", versioned.old + "\n# mine\n")
    told = versioned.tane("adopt", versioned.id, "--code", "--yes")
    assert told.code == 2
    assert "not committed" in told.err
    assert (versioned.root / "src/tiny/nodes.py").read_text() == versioned.old + "\n# mine\n"


def test_forced_changes_are_kept_as_a_patch(versioned):
    versioned.write("src/tiny/nodes.py", versioned.old + "\n# mine\n")
    versioned.write("notes.txt", "not code\n")
    assert versioned.tane("adopt", versioned.id, "--code", "--yes", "--force").code == 0
    assert (versioned.root / "src/tiny/nodes.py").read_text() == versioned.new
    assert (versioned.root / "notes.txt").exists()
    (patch,) = (versioned.root / ".tane/adopted").glob("*.patch")
    git(versioned.root, "stash", "-qu")
    git(versioned.root, "apply", str(patch))
    assert (versioned.root / "src/tiny/nodes.py").read_text() == versioned.old + "\n# mine\n"


def test_without_git_there_is_no_code_to_adopt(tiny):
    told = tiny.tane("adopt", tiny.run(), "--code", "--yes")
    assert told.code == 2
    assert "Git" in told.err
