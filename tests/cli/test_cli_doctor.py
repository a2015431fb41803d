"""`tane doctor`: each thing that can be spoilt is spoilt, and named."""

import os
import socket
import subprocess

import pytest

from tane.ledger import connection, write
from tane.ledger.records import RunRecord
from tane.outcomes import RunStatus
from tane.runs import health

HELPER = '''

def spread(values):
    """How far values lie apart."""
    least, most = min(values), max(values)
    if most == least:
        return 0.0
    return (most - least) / len(values) + abs(least - most)
'''


def found(project, check, *arguments):
    """The findings of one kind."""
    return [each for each in diagnose(project, *arguments)["findings"] if each["check"] == check]


def diagnose(project, *arguments):
    import json

    return json.loads(project.tane("doctor", "--json", *arguments).out)


@pytest.fixture
def whole(tiny):
    """A project with which all is well."""
    tiny.write("README.md", "tiny")
    tiny.write(".gitignore", ".tane/\nconf/local/*\n")
    tiny.write("tests/test_nothing.py", "")
    return tiny


def git(project, *arguments):
    subprocess.run(["git", *arguments], cwd=project.root, check=True, capture_output=True)


def test_a_project_with_which_all_is_well(whole):
    whole.run()
    told = whole.tane("doctor", "--deep")
    assert (told.code, told.out) == (0, "tiny: all is well\n")


def test_a_one_file_project_can_be_looked_at(flow):
    flow.run("flow.py")
    assert flow.tane("doctor", "flow.py").code == 0


def test_nothing_is_made_where_nothing_has_run(whole):
    whole.tane("doctor", "--deep")
    assert not (whole.root / ".tane").exists()


def test_advice_alone_is_no_failure_and_one_line_each(whole):
    (whole.root / "README.md").unlink()
    told = whole.tane("doctor")
    assert told.code == 0
    line, summary = told.out.splitlines()
    assert line.startswith("advice  README.md: README.md is missing") and " -> " in line
    assert summary == "tiny: 1 piece of advice"


@pytest.mark.parametrize("name", ["conf/base", "tests", ".gitignore", "data"])
def test_what_is_missing_of_the_layout_is_named(whole, name):
    (whole.root / name).rename(whole.root / "elsewhere")
    assert name in [each["where"] for each in found(whole, "layout")]


def test_what_does_not_belong_into_the_layout_is_named(whole):
    whole.write("data/raw/x.txt", "")
    whole.write("src/tiny/look.ipynb", "{}")
    whole.write("src/tiny/pipelines/my-own/nodes.py", "")
    places = [each["where"] for each in found(whole, "layout")]
    assert places == ["data/raw", "src/tiny/look.ipynb", "src/tiny/pipelines/my-own"]


def test_a_module_that_hides_pythons_own_is_wrong(whole):
    whole.write("src/json.py", "")
    (each,) = found(whole, "layout")
    assert (each["level"], each["where"]) == ("wrong", "src/json.py")


def test_settings_that_are_wrong_are_named(whole):
    whole.write("pyproject.toml", '[tool.tane]\npackage = "tiny"\nkeeep = "all"\n')
    told = whole.tane("doctor")
    assert told.code == 2
    assert "did you mean 'keep'?" in told.out and "not looked at: " in told.out


def test_configuration_that_does_not_compose_is_named_in_each_environment(whole):
    whole.write("conf/staging/parameters.yml", "scale: [1\n")
    (each,) = found(whole, "configuration")
    assert each["level"] == "wrong" and each["where"].startswith("conf/staging/parameters.yml")


def test_a_catalog_that_is_no_catalog_is_named(whole):
    whole.write("conf/base/catalog.yml", "table: {type: jsn.JSONDataset, filepath: x}\n")
    (each,) = found(whole, "catalog")
    assert each["level"] == "wrong" and each["where"] == "conf/base/catalog.yml:1"


def test_entries_that_nobody_uses_are_named(whole):
    with (whole.root / "conf/base/catalog.yml").open("a") as file:
        file.write("spare: {type: json.JSONDataset, filepath: data/01_raw/spare.json}\n")
    (each,) = found(whole, "catalog")
    assert each["level"] == "advice" and "'spare'" in each["what"] and each["where"] == "conf/base/catalog.yml:5"


def test_a_source_that_is_not_there_is_wrong(whole):
    (whole.root / "data/01_raw/table.json").unlink()
    (each,) = found(whole, "sources")
    assert each["level"] == "wrong" and each["where"] == "data/01_raw/table.json"


def test_an_input_that_nobody_knows_is_wrong_until_a_value_of_it_is_kept(whole):
    whole.write(
        "src/tiny/pipeline_registry.py",
        "from tane import Pipeline, node\nfrom .nodes import fit\n\n\ndef register_pipelines():\n"
        "    return {'a': Pipeline([node(fit, {'features': 'given', 'rate': 'params:model.rate'}, 'model')])}\n",
    )
    assert [each["what"] for each in found(whole, "sources")][:1] == [
        "input 'given' of fit is neither in the catalog nor made by any node"
    ]


def test_parameters_that_nobody_takes_are_named(whole):
    whole.write("conf/base/parameters.yml", "scale: 2.0\nmodel: {rate: 0.5, depth: 3}\nold: {a: 1, b: 2}\n")
    each, other = found(whole, "parameters")
    assert "'model.depth'" in each["what"] and each["where"] == "conf/base/parameters.yml:2"
    assert "'old'" in other["what"]


def test_parameters_that_the_catalog_takes_are_used(whole):
    whole.write("conf/base/parameters.yml", "scale: 2.0\nmodel: {rate: 0.5}\nplace: {raw: data/01_raw}\n")
    whole.write(
        "conf/base/catalog.yml",
        "table: {type: json.JSONDataset, filepath: '${params:place.raw}/table.json'}\n",
    )
    assert not found(whole, "parameters")


def test_code_that_does_not_import_is_named_and_the_rest_looked_at(whole):
    whole.write("src/tiny/nodes.py", "import nowhere_to_be_found\n")
    report = diagnose(whole)
    (each,) = [each for each in report["findings"] if each["check"] == "code"]
    assert each["level"] == "wrong" and each["where"].endswith("nodes.py:1")
    assert report["unseen"] == ["what rests on the pipelines"]


def test_functions_that_stand_twice_are_named_with_both_places(whole):
    whole.write("src/tiny/one.py", HELPER)
    whole.write("src/tiny/two.py", HELPER.replace("spread", "width").replace("How far", "By how much"))
    (each,) = found(whole, "duplicates")
    assert "spread() (src/tiny/one.py:3) and width() (src/tiny/two.py:3)" in each["what"]
    assert "src/tiny/shared.py" in each["hint"]


def test_functions_that_differ_or_are_tiny_are_no_duplicates(whole):
    whole.write("src/tiny/one.py", HELPER + "\n\ndef half(x):\n    return x / 2\n")
    whole.write("src/tiny/two.py", HELPER.replace("0.0", "1.0") + "\n\ndef half(x):\n    return x / 2\n")
    assert not found(whole, "duplicates")


# --- store and ledger -----------------------------------------------------------------------------------------------


def large(project):
    """A run whose result lies in a file of its own; that file."""
    project.write("src/tiny/nodes.py", (project.root / "src/tiny/nodes.py").read_text() + "\n\nBIG = 'x' * 400_000\n")
    project.write(
        "src/tiny/pipeline_registry.py",
        "from tane import Pipeline, node\n\n\ndef many(table):\n    return table['x'] * 200_000\n\n\n"
        "def register_pipelines():\n    return {'a': Pipeline([node(many, 'table', 'lots')])}\n",
    )
    project.run()
    store = project.root / ".tane/objects"
    (file,) = [path for path in store.rglob("*") if path.is_file() and len(path.parent.name) == 2]
    return file


def spoil(file):
    """Change a byte and leave no trace but the time of the change."""
    before = file.stat()
    file.chmod(0o644)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    file.chmod(0o444)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_damaged_object_of_a_late_run_is_a_broken_place(whole):
    file = large(whole)
    spoil(file)
    told = whole.tane("doctor")
    assert told.code == 4
    assert "broken  .tane/objects: 1 object" in told.out
    assert file.exists()  # it looks only


def test_deep_reads_what_no_run_names(whole):
    file = large(whole)
    (whole.root / ".tane/ledger.db").unlink()
    spoil(file)
    assert not [each for each in found(whole, "store") if each["level"] == "broken"]
    (each,) = [each for each in found(whole, "store", "--deep") if each["level"] == "broken"]
    assert file.parent.name + file.name[:10] in each["what"]


def test_an_object_in_a_pack_is_read_as_well(whole):
    whole.run()
    (pack,) = (whole.root / ".tane/objects/packs").iterdir()
    spoil(pack)
    (each,) = [each for each in found(whole, "store", "--deep") if each["level"] == "broken"]
    assert "not what the digest says" in each["what"]


def test_objects_that_are_gone_are_wrong(whole):
    large(whole).unlink()
    (each,) = found(whole, "store")
    assert each["level"] == "wrong" and "not there" in each["what"] and "run again" in each["hint"]


def test_objects_that_no_run_names_are_counted_and_left_alone(whole):
    size = large(whole).stat().st_size
    (whole.root / ".tane/ledger.db").unlink()
    (each,) = found(whole, "orphans")
    assert each["level"] == "advice" and "named by no run" in each["what"] and "tane data gc" in each["hint"]
    assert int(each["what"].partition("(")[2].partition(" bytes")[0]) >= size


def test_folders_and_artifacts_are_no_orphans(whole):
    whole.run()
    assert not found(whole, "orphans")


def test_a_damaged_ledger_is_a_broken_place(whole):
    whole.run()
    file = whole.root / ".tane/ledger.db"
    connection.open_ledger(file).close()
    data = bytearray(file.read_bytes())
    for at in range(8192, len(data) - 512, 4096):
        data[at : at + 512] = os.urandom(512)
    file.write_bytes(data)
    for beside in (file.with_name("ledger.db-wal"), file.with_name("ledger.db-shm")):
        beside.unlink(missing_ok=True)
    told = whole.tane("doctor")
    assert told.code == 4
    assert "broken" in told.out and "ledger" in told.out


def test_a_run_whose_process_is_gone_is_named(whole):
    whole.run()
    ended = subprocess.Popen(["true"])
    ended.wait()
    ledger = connection.open_ledger(whole.root / ".tane/ledger.db")
    write.start_run(
        ledger,
        RunRecord("20261121-101010-0123abcd", "p", status=RunStatus.RUNNING, host=socket.gethostname(), pid=ended.pid),
    )
    ledger.close()
    (each,) = found(whole, "runs")
    assert each["level"] == "advice" and "20261121-101010-0123abcd" in each["what"]


def test_half_written_files_are_named(whole):
    whole.run()
    whole.write("data/06_models/.model.json.tane-0123456789ab", "{")
    ended = subprocess.Popen(["true"])
    ended.wait()
    whole.write(f".tane/objects/tmp/{os.uname().nodename}-{ended.pid}-abcdef012345", "x")
    places = [each["where"] for each in found(whole, "leftovers")]
    assert places == [".tane/objects/tmp", "data/06_models/.model.json.tane-0123456789ab"]


def test_objects_set_aside_are_told(whole):
    whole.run()
    whole.write(".tane/objects/quarantine/0123", "x")
    (each,) = found(whole, "store")
    assert "1 damaged object" in each["what"]


def test_a_lock_file_that_does_not_match_is_named(whole):
    whole.run()
    whole.write("data/01_raw/table.json", '{"x": [4]}')
    (whole.root / "data/06_models/model.json").unlink()
    assert sorted(each["what"] for each in found(whole, "lock")) == [
        "data/01_raw/table.json is not what tane.lock says of table",
        "data/06_models/model.json is not there",
    ]


def test_a_conflict_in_the_lock_file_is_wrong(whole):
    whole.write("tane.lock", "<<<<<<< a\n=======\n>>>>>>> b\n")
    (each,) = found(whole, "lock")
    assert each["level"] == "wrong" and "Git conflict" in each["what"]


# --- secrets and Git ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("conf/base/credentials.yml", "db:\n  password: tiger\n", "conf/base/credentials.yml:2"),
        ("conf/base/parameters.yml", "scale: 2\nmodel: {rate: 1.0}\napi_key: k3y\n", "conf/base/parameters.yml:3"),
        ("conf/staging/serving.yml", "log: postgresql://scott:tiger@host/db\n", "conf/staging/serving.yml:1"),
    ],
)
def test_a_secret_that_git_keeps_is_wrong(whole, name, text, where):
    git(whole, "init", "-q")
    whole.write(name, text)
    (each,) = found(whole, "secrets")
    assert (each["level"], each["where"]) == ("wrong", where)
    assert "tiger" not in str(each) and "k3y" not in str(each)


def test_secrets_in_their_place_are_fine(whole):
    git(whole, "init", "-q")
    whole.write("conf/local/credentials.yml", "db: {password: tiger}\n")
    whole.write("conf/base/parameters.yml", "scale: 2\nmodel: {rate: 1.0}\nmax_tokens: 100\npad_token: '<pad>'\n")
    assert not found(whole, "secrets") and not found(whole, "ignored")


def test_what_git_should_ignore_and_does_not_is_named(whole):
    git(whole, "init", "-q")
    whole.write(".gitignore", "")
    whole.write("conf/local/credentials.yml", "db: {password: tiger}\n")
    git(whole, "add", "conf/local/credentials.yml")
    levels = {each["where"]: each["level"] for each in found(whole, "ignored")}
    assert levels == {"conf/local": "wrong", ".tane": "advice"}
    assert any("git rm --cached" in each["hint"] for each in found(whole, "ignored"))


# --- what is installed ----------------------------------------------------------------------------------------------


def test_requirements_that_are_not_met_are_named(whole):
    whole.write(
        "pyproject.toml",
        '[project]\nname = "tiny"\nrequires-python = ">=4"\n'
        'dependencies = ["click<1", "nowhere-to-be-found", "x; python_version < \'3\'"]\n'
        '[tool.tane]\npackage = "tiny"\n',
    )
    whole.write("requirements.txt", "# ours\n-e .\nPyYAML>=5  # fine\nnot a requirement\n")
    what = {each["where"]: each["what"] for each in found(whole, "requirements")}
    assert "the project asks for >=4" in str([each["what"] for each in found(whole, "requirements")])
    assert "click is installed as" in str(found(whole, "requirements"))
    assert "nowhere-to-be-found is not installed" in str(found(whole, "requirements"))
    assert what["requirements.txt:4"] == "'not a requirement' is no requirement"
    assert len(found(whole, "requirements")) == 4


def test_an_extra_that_a_dataset_needs_is_named(whole, monkeypatch):
    import importlib.util

    whole.write("conf/base/catalog.yml", "table: {type: polars.CSVDataset, filepath: data/01_raw/table.csv}\n")
    known = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "polars" else known(name, *a))
    (each,) = found(whole, "extras")
    assert each["level"] == "wrong" and "tane[polars]" in each["hint"]


def test_outside_of_a_project_there_is_nothing_to_look_at(empty):
    assert empty.tane("doctor").code == 2


def test_an_examination_says_whose_project_it_is(whole):
    report = health.examine(str(whole.root))
    assert (report.project, report.root, report.exit_code) == ("tiny", whole.root, 0)
