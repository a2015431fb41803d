"""Run, change one thing, run again: exactly what the change reaches runs, each step with its reason."""

import json
import os
import shutil

import pytest


@pytest.fixture
def done(box):
    """The project after its first run."""
    assert box.run().ran == ["features", "fit", "score"]
    return box


def weight(box):
    return box.read("data/06_models/model.json")["weight"]


def test_the_first_run_makes_everything_and_says_why(box):
    ended = box.run()
    assert ended.reasons == {name: ["first run"] for name in ("features", "fit", "score")}
    assert box.read("data/07_model_output/scores.json") == [value * 13.5 for value in (5.0, 9.0, 13.0)]
    assert ended.json["metrics"]["total"]["last"] == 27.0


def test_nothing_runs_twice(done):
    again = done.run()
    assert again.ran == []
    assert again.json["metrics"]["total"]["last"] == 27.0


def test_a_run_with_nothing_to_do_ends_before_the_code_is_imported(box):
    assert box.tane("run").code == 0
    box.write("src/small/nodes.py", "raise SystemExit('imported')").touch()
    os.utime(box.root / "src/small/nodes.py")
    assert "imported" in box.tane("run").err
    box.write("src/small/nodes.py", "import nothing_of_that_name")  # broken in another way: noticed too
    assert box.tane("run").code == 1


def test_the_no_op_stands_on_the_last_run_and_records_nothing(box):
    first = box.tane("run")
    run = first.out.split()[1].rstrip(":")
    noop = box.tane("run")
    assert f"nothing changed since run {run}" in noop.out
    assert "total = 27" in noop.out
    assert sorted(path.name for path in (box.root / ".tane/runs").iterdir()) == [run]


@pytest.mark.parametrize(
    "lose",
    [
        lambda root: (root / ".tane/ledger.db").unlink(),
        lambda root: shutil.rmtree(root / ".tane/objects"),
        lambda root: (root / "data/06_models/model.json").unlink(),
        lambda root: (root / "tane.lock").unlink(),
        lambda root: (root / "conf/local").mkdir(),
        lambda root: (root / "conf/base/parameters_more.yml").write_text("x: 1"),
        lambda root: (root / "src/small/more.py").write_text(""),
    ],
    ids=["ledger", "objects", "output", "lock", "conf/local", "conf file", "module"],
)
def test_nothing_is_said_to_be_unchanged_when_something_is(box, lose):
    assert box.tane("run").code == 0
    assert "nothing changed" in box.tane("run").out
    lose(box.root)
    assert "nothing changed" not in box.tane("run").out


def test_a_parameter_runs_what_takes_it(done):
    changed = done.run("model.rate=0.25")
    assert changed.reasons == {
        "fit": ["parameter model.rate 0.5 -> 0.25"],
        "score": ["input model changed"],
    }
    assert weight(done) == 6.75


def test_a_parameter_back_is_no_work(done):
    done.run("model.rate=0.25")
    back = done.run()
    assert back.ran == []
    assert weight(done) == 13.5


def test_a_parameter_in_a_file_counts_like_an_override(done):
    done.edit("conf/base/parameters.yml", "rate: 0.5", "rate: 0.25")
    assert done.run().ran == ["fit", "score"]
    assert done.run("model.rate=0.5").ran == []


def test_a_parameter_of_the_environment_counts_too(done):
    done.write("conf/prod/parameters.yml", "model:\n  rate: 0.25\n")
    assert done.run("-e", "prod").ran == ["fit", "score"]
    assert done.tane("run", "--json", env={"TANE_PARAM__model__rate": "0.25"}).ran == []


def test_a_helper_two_calls_deep_is_named(done):
    done.edit("src/small/deeper.py", "scale * 2", "scale * 3")
    assert done.run().reasons["features"] == ["code changed: helper factor() in deeper.py"]


def test_the_class_that_an_annotation_makes_of_a_parameter_counts(box):
    """Values, defaults and methods of it are seen by a function whose own code does not name it."""
    options = "import dataclasses\n@dataclasses.dataclass\nclass Options:\n    rate: float\n    more: float = 1.0\n"
    box.edit("src/small/nodes.py", "def fit(features, rate: float = 0.5)", f"{options}def fit(features, rate: Options)")
    box.edit("src/small/nodes.py", "sum(features) * rate", "sum(features) * rate.rate * rate.more")
    box.edit("src/small/pipeline_registry.py", "params:model.rate", "params:model")
    assert box.run().ran == ["features", "fit", "score"]
    box.edit("src/small/nodes.py", "more: float = 1.0", "more: float = 2.0")
    assert box.run().reasons["fit"] == ["code changed: class Options in nodes.py"]
    assert weight(box) == 27.0


def test_a_constant_is_named(done):
    done.edit("src/small/nodes.py", "OFFSET = 1", "OFFSET = 2")
    assert done.run().reasons["features"] == ["code changed: constant OFFSET in nodes.py"]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("deeper.py", "def factor", "# a comment\ndef factor"),
        ("nodes.py", "Scale the numbers.", "Scale all the numbers."),
        ("nodes.py", "features(table, scale: float):", "features(\n    table,\n    scale: float,\n):"),
        ("helpers.py", "def unused(value):\n    return value", "def unused(value):\n    return value + 1"),
    ],
    ids=["comment", "docstring", "formatting", "unused helper"],
)
def test_what_cannot_change_a_result_runs_nothing(done, file, old, new):
    done.edit(f"src/small/{file}", old, new)
    assert done.run().ran == []


def test_equal_results_stop_the_wave(done):
    done.edit("src/small/nodes.py", 'for row in table["x"]]', 'for row in list(table["x"])]')
    assert done.run().ran == ["features"]


def test_a_changed_source_runs_all_that_rests_on_it(done):
    done.write("data/01_raw/table.json", json.dumps({"x": [1, 2, 4]}))
    assert done.run().reasons["features"] == ["input table changed"]


def test_a_touched_source_runs_nothing(done):
    os.utime(done.root / "data/01_raw/table.json")
    assert done.run().ran == []


def test_a_deleted_output_is_restored_without_work(done):
    (done.root / "data/06_models/model.json").unlink()
    planned = done.tane("plan")
    assert "data/06_models/model.json is missing and would be restored" in planned.out
    assert done.run().ran == []
    assert weight(done) == 13.5


def test_a_hand_edited_output_is_kept_reported_and_replaced(done):
    done.write("data/06_models/model.json", '{"weight": 99}')
    assert "model.json was changed by hand" in done.tane("plan").out
    ended = done.run()
    assert ended.ran == []
    [note] = ended.json["notes"]
    assert "data/06_models/model.json was changed by hand" in note
    assert weight(done) == 13.5
    from tane.store import objects

    kept = note.rsplit(" ", 1)[1]
    store = objects.Objects(done.root / ".tane/objects")
    [found] = [d for d in _all_digests(store) if d.startswith(kept)]
    assert store.read(found) == b'{"weight": 99}'


def _all_digests(store):
    import sqlite3

    with sqlite3.connect(store.root / "index.db") as db:
        tables = [row[0] for row in db.execute("select name from sqlite_master where type = 'table'")]
        found = set()
        for table in tables:
            for row in db.execute(f"select * from {table}"):
                found |= {v.hex() if isinstance(v, bytes) else v for v in row if isinstance(v, (bytes, str))}
    for folder in store.root.iterdir():
        if len(folder.name) == 2:
            found |= {folder.name + file.name for file in folder.iterdir()}
    return {d for d in found if len(d) == 64}


def test_an_overwritten_source_is_still_there_for_the_old_run(done):
    old = done.run("scale=3.0").json
    done.write("data/01_raw/table.json", json.dumps({"x": [10]}))
    assert done.run().ran == ["features", "fit", "score"]
    again = done.run("--resume", old["id"])
    assert again.ran == []
    assert again.json["datasets"]["model"] == old["datasets"]["model"]
    assert again.json["params"]["scale"] == 3.0
    assert "table.json has changed since" in again.json["notes"][0]


def test_an_old_run_is_repeated_even_when_its_results_are_forced(done):
    old = done.run().json
    done.write("data/01_raw/table.json", json.dumps({"x": [10]}))
    done.run()
    again = done.run("--resume", old["id"], "--force")
    assert len(again.ran) == 3
    assert again.json["datasets"] == old["datasets"]


@pytest.mark.parametrize("damage", ["flip", "truncate", "delete"])
def test_a_damaged_object_is_made_again_and_never_used(done, damage):
    loose = [f for f in (done.root / ".tane/objects").rglob("*") if f.is_file() and f.parent.name != "objects"]
    for file in loose:
        file.chmod(0o644)
        data = bytearray(file.read_bytes())
        if damage == "flip":
            data[::5] = bytes(byte ^ 1 for byte in data[::5])  # no object escapes
            file.write_bytes(data)
        elif damage == "truncate":
            file.write_bytes(data[: len(data) // 2])
        else:
            file.unlink()
    ended = done.run()
    assert ended.ran, "all objects were damaged, so something had to run"
    for reasons in ended.reasons.values():
        assert any("output missing" in reason or "changed" in reason for reason in reasons)
    assert weight(done) == 13.5
    assert done.run().ran == []


def test_another_way_of_saving_writes_again_without_running(done):
    done.edit("conf/base/catalog.yml", "model.json", "model.yml")
    done.edit(
        "conf/base/catalog.yml",
        "model:\n  type: json.JSONDataset",
        "model:\n  type: yaml.YAMLDataset",
    )
    ended = done.run()
    assert "fit" not in ended.ran
    assert (done.root / "data/06_models/model.yml").read_text() == "weight: 13.5\n"
    assert done.run().ran == []


def test_an_uncatalogued_value_may_get_an_entry_later(done):
    with (done.root / "conf/base/catalog.yml").open("a") as file:
        file.write("features:\n  type: json.JSONDataset\n  filepath: data/04_feature/features.json\n")
    ended = done.run()
    assert "features" not in ended.ran
    assert done.read("data/04_feature/features.json") == [5.0, 9.0, 13.0]


def test_an_entry_that_goes_away_needs_no_work_where_the_value_is_kept(done):
    done.edit(
        "conf/base/catalog.yml",
        "model:\n  type: json.JSONDataset\n  filepath: data/06_models/model.json\n",
        "",
    )
    assert "fit" not in done.run().ran


def test_force_runs_everything_and_changes_nothing(done):
    before = done.run().json["datasets"]
    forced = done.run("--force")
    assert forced.ran == ["features", "fit", "score"]
    assert forced.reasons["fit"] == ["forced"]
    assert forced.json["datasets"] == before


def test_one_node_may_be_forced(done):
    assert done.run("--force-node", "fit").ran == ["fit"]


def test_a_dry_run_does_nothing(box):
    planned = box.tane("run", "--dry-run", "--json").json
    assert [step["action"] for step in planned["steps"]] == ["run", "wait", "wait"]
    assert not (box.root / "data/06_models").exists()
    assert box.run().ran == ["features", "fit", "score"]


def test_the_plan_says_what_the_run_will_do(done):
    done.edit("src/small/nodes.py", "sum(features) * rate", "sum(features) * rate * 1")
    planned = {step["node"]: step for step in done.tane("plan", "--json").json["steps"]}
    assert planned["features"]["action"] == "reuse"
    assert planned["fit"] == {
        "node": "fit",
        "action": "run",
        "reasons": ["code changed: function fit() in nodes.py"],
    }
    assert planned["score"]["reasons"] == ["waits on fit"]
    assert done.run().ran == ["fit"]


def test_one_pipeline_rests_on_what_another_kept(done):
    assert done.run("scoring").ran == []
    (done.root / "data/06_models/model.json").unlink()
    assert done.run("scoring").ran == []


def test_part_of_a_pipeline_runs_alone(box):
    assert box.run("--to", "fit").ran == ["features", "fit"]
    assert box.run("--only", "score").ran == ["score"]


def test_the_lock_file_names_every_dataset_of_the_workspace(done):
    import tomllib

    lock = tomllib.loads((done.root / "tane.lock").read_text())["dataset"]
    assert sorted(lock) == ["model", "scores", "table"]
    from tane.digest import hashing

    for block in lock.values():
        assert block["digest"] == hashing.of_file(done.root / block["path"])
        assert block["bytes"] == (done.root / block["path"]).stat().st_size


def test_removing_the_store_costs_work_but_no_correctness(done):
    shutil.rmtree(done.root / ".tane")
    assert done.run().ran == ["features", "fit", "score"]
    assert weight(done) == 13.5


def test_a_moved_project_keeps_its_results(done, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.copytree(done.root, moved)
    done.root = moved
    assert done.run().ran == []


def test_processes_give_what_one_process_gives(box):
    parallel = box.run("-j", "2")
    assert parallel.ran == ["features", "fit", "score"]
    assert parallel.json["metrics"]["total"]["last"] == 27.0
    assert box.run().ran == []


def test_setting_a_parameter_to_its_default_changes_nothing(box):
    box.write(
        "flow.py",
        "from tane import Pipeline\ndef one(): return 1\ndef add(one, n: int = 2): return one + n\n"
        "pipeline = Pipeline([one, add])\n",
    )
    assert box.run("flow.py").ran == ["one", "add"]
    assert box.run("flow.py", "n=2").ran == []
    assert box.run("flow.py", "n=3").reasons == {"add": ["parameter n 2 -> 3"]}


def test_a_value_in_memory_by_entry_is_made_only_when_it_is_needed(done):
    with (done.root / "conf/base/catalog.yml").open("a") as file:
        file.write("features:\n  type: MemoryDataset\n")
    assert done.run().ran == []
    assert done.run("model.rate=0.25").ran == ["fit", "score"]  # it was kept before the entry came


def test_the_plan_says_when_a_file_holds_what_another_run_made(done):
    done.run("model.rate=0.25")
    planned = done.tane("plan")
    assert "data/06_models/model.json holds what another run made and would be replaced" in planned.out
    assert done.run().ran == []
    assert weight(done) == 13.5


FLOW = """
import os
from tane import Pipeline
{top}
def value(): return {value}
pipeline = Pipeline([value])
"""


def flow(box, top="", value="1"):
    box.write("flow.py", FLOW.format(top=top, value=value))
    assert box.tane("run", "flow.py", env={"MODE": "a"}).code == 0
    again = box.tane("run", "flow.py", env={"MODE": "a"})
    assert "nothing changed" in again.out
    return box


def made(box, mode="a"):
    import sys

    from tane.digest import values

    sys.modules.pop("flow", None)
    digest = box.tane("run", "--json", "flow.py", env={"MODE": mode}).json["datasets"]["value"]
    return next(v for v in (1, 2, "a", "b") if values.of(v).digest == digest)


def test_an_environment_variable_read_at_import_is_noticed(box):
    flow(box, 'C = os.environ["MODE"]', "C")
    assert "nothing changed" not in box.tane("run", "flow.py", env={"MODE": "b"}).out
    assert made(box, "b") == "b"


def test_a_file_read_at_import_is_noticed(box):
    box.write("c.json", "1")
    flow(box, "import json\nC = json.load(open('c.json'))", "C")
    box.write("c.json", "2")
    assert "nothing changed" not in box.tane("run", "flow.py", env={"MODE": "a"}).out
    assert made(box) == 2


def test_a_module_that_appears_is_noticed(box):
    flow(box, "try:\n    import extra\n    C = extra.C\nexcept ImportError:\n    C = 1", "C")
    box.write("extra.py", "C = 2\n")
    assert "nothing changed" not in box.tane("run", "flow.py", env={"MODE": "a"}).out
    assert made(box) == 2


def test_an_edit_of_the_same_size_and_time_is_noticed(box):
    box.write("other.py", "C = 1\n")
    os.utime(box.root / "other.py", (10**9, 10**9))
    flow(box, "import other", "other.C")
    box.write("other.py", "C = 2\n")
    os.utime(box.root / "other.py", (10**9, 10**9))
    assert made(box) == 2


def test_the_newest_value_of_a_name_counts_whichever_run_made_it(box):
    box.write("conf/base/catalog.yml", "y: {type: json, filepath: data/y.json}\n")
    box.write(
        "flow.py",
        "from tane import Pipeline\ndef x(n: int = 3): return n\ndef y(x): return x * 10\n"
        "pipelines = {'p1': Pipeline([x]), 'p2': Pipeline([y])}\n",
    )
    for words in (["p1"], ["p2"], ["p1", "n=5"], ["p2"], ["p1"], ["p2"]):
        assert box.tane("run", "flow.py", *words).code == 0
    assert box.read("data/y.json") == 30
    for words in (["p1", "n=5"], ["p1"], ["p1", "n=5"], ["p2"]):
        assert box.tane("run", "flow.py", *words).code == 0
    assert box.read("data/y.json") == 50


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("data/01_raw/table.json", "datasets 'table' and 'model' have the same file"),
        ("data/07_model_output/../07_model_output/scores.json", "have the same file"),
        ("src/small/nodes.py", "would be written over the project's code"),
        ("conf/base/model.json", "would be written over the configuration"),
        (".tane/ledger.db", "would be written over what Tane keeps"),
        ("tane.lock", "would be written over the lock file"),
    ],
)
def test_an_output_may_not_be_written_over_something_else(box, path, message):
    box.edit("conf/base/catalog.yml", "data/06_models/model.json", path)
    ended = box.tane("run")
    assert ended.code == 2
    assert message in ended.err and "catalog.yml" in ended.err
    assert "OFFSET" in (box.root / "src/small/nodes.py").read_text()


def test_a_linked_output_is_written_where_the_link_points(box):
    (box.root / "elsewhere").mkdir()
    (box.root / "data/06_models").mkdir(parents=True)
    (box.root / "data/06_models/model.json").symlink_to(box.root / "elsewhere/model.json")
    box.run()
    assert (box.root / "data/06_models/model.json").is_symlink()
    assert json.loads((box.root / "elsewhere/model.json").read_text()) == {"weight": 13.5}
    assert box.run().ran == []


def test_a_reader_that_leaves_early_is_no_error(box):
    import subprocess
    import sys

    for _ in range(2):
        done = subprocess.run(
            f"{sys.executable} -m tane run | true",
            shell=True,
            cwd=box.root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
    full = subprocess.run(
        f"{sys.executable} -m tane run > /dev/full",
        shell=True,
        cwd=box.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert full.returncode == 4
    assert "cannot write to standard output" in full.stderr


def test_looking_changes_nothing(box):
    assert box.tane("plan").code == 0
    assert box.tane("status").code == 0
    assert not (box.root / ".tane").exists()
    box.run()
    [pack] = (box.root / ".tane/objects/packs").glob("*.pack")
    pack.chmod(0o644)
    pack.write_bytes(bytes(byte ^ 1 for byte in pack.read_bytes()))
    before = {path: path.stat().st_mtime_ns for path in (box.root / ".tane/objects").rglob("*") if path.is_file()}
    first, second = box.tane("plan").out, box.tane("plan").out
    assert first == second and "was damaged" in first
    after = {path: path.stat().st_mtime_ns for path in (box.root / ".tane/objects").rglob("*") if path.is_file()}
    assert {p for p in before if "index.db-" not in p.name} == {p for p in after if "index.db-" not in p.name}
    assert box.run().ran


def test_the_plan_knows_a_form_that_was_written_before(done):
    catalog = (done.root / "conf/base/catalog.yml").read_text()
    done.edit(
        "conf/base/catalog.yml",
        "type: json.JSONDataset\n  filepath: data/06_models/model.json",
        "type: yaml.YAMLDataset\n  filepath: data/06_models/model.yml",
    )
    done.run()
    done.write("conf/base/catalog.yml", catalog)
    planned = done.tane("plan", "--json").json
    assert [step["action"] for step in planned["steps"]] == ["reuse"] * 3
    assert done.run().ran == []


def test_an_environment_may_give_a_dataset_another_type(box):
    box.edit(
        "conf/base/catalog.yml",
        "filepath: data/06_models/model.json",
        "filepath: data/06_models/model.json\n  save_args: {sort_keys: true}",
    )
    box.write("conf/prod/catalog.yml", "model:\n  type: yaml.YAMLDataset\n  filepath: prod/model.yml\n")
    assert box.run("-e", "prod").ran == ["features", "fit", "score"]
    assert (box.root / "prod/model.yml").read_text() == "weight: 13.5\n"
    assert not (box.root / "data/06_models").exists()


def test_a_part_whose_inputs_were_never_made_says_who_makes_them(box):
    ended = box.tane("run", "--only", "fit")
    assert ended.code == 2
    assert "input 'features' of fit is made by features, which is not among the chosen nodes" in ended.err
    assert "tane run --to features" in ended.err


def test_a_run_is_found_by_its_name(done):
    named = done.run("--name", "exp1", "model.rate=0.1").json["id"]
    done.run()
    assert done.tane("show", "exp1", "--json").json["id"] == named


def test_variables_that_the_code_sets_itself_do_not_count(box):
    flow(box, "os.environ['SET_BY_A_LIBRARY'] = str(os.getpid())", "1")


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("{x: 1, y: 2}", "{y: 2, x: 1}", "parameter settings: keys in another order"),
        ("{x: 1.0}", "{x: '1.0'}", "parameter settings.x 1.0 -> '1.0'"),
        ("{x: [1]}", "{x: [1.0]}", "parameter settings.x [1] -> [1.0]"),
        (
            "{a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1}",
            "{a: 2, b: 2, c: 2, d: 2, e: 2, f: 2, g: 2}",
            "parameter settings.e 1 -> 2, and 2 more",
        ),
    ],
)
def test_the_reason_names_what_differs_in_a_parameter_that_looks_the_same(box, before, after, reason):
    flow = "from tane import Pipeline, node\ndef keys(d): return str(d)\n"
    box.write("flow.py", flow + 'pipeline = Pipeline([node(keys, "params:settings", "k")])\n')
    box.write("conf/base/catalog.yml", "")
    box.write("conf/base/parameters.yml", f"settings: {before}\n")
    assert box.tane("run", "flow.py").code == 0
    box.write("conf/base/parameters.yml", f"settings: {after}\n")
    assert reason in box.tane("plan", "flow.py").out
