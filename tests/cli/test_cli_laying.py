"""`tane show RUN --artifacts DIR`: a run laid out as a folder."""

import json
import pickle

import numpy
import pandas
import pytest

from tane.cli import laying


@pytest.fixture
def done(tiny):
    """The project after a run."""
    tiny.id = tiny.run()
    return tiny


def test_everything_a_run_made_is_in_the_folder(done):
    told = done.tane("show", done.id, "--artifacts", "out")
    assert told.code == 0
    out = done.root / "out"
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()) == [
        "artifacts/notes/fit.txt",
        "data/06_models/model.json",
        "data/07_model_output/scores.json",
        "log.jsonl",
        "metrics.json",
        "metrics/loss.csv",
        "params.json",
        "run.json",
        "values/features.json",
    ]
    assert json.loads((out / "data/06_models/model.json").read_text()) == {"weight": 6.0}
    assert json.loads((out / "values/features.json").read_text()) == [2.0, 4.0, 6.0]
    assert (out / "artifacts/notes/fit.txt").read_text() == "fine"
    assert json.loads((out / "params.json").read_text()) == {"scale": 2.0, "model": {"rate": 0.5}}
    assert json.loads((out / "run.json").read_text())["id"] == done.id
    assert [line.split(",")[1] for line in (out / "metrics/loss.csv").read_text().splitlines()] == [
        "value",
        "2.0",
        "1.0",
    ]


def test_an_old_run_gives_its_own_files(done):
    done.run("model.rate=0.25")
    done.tane("show", done.id, "--artifacts", "old")
    assert json.loads((done.root / "old/data/06_models/model.json").read_text()) == {"weight": 6.0}


def test_a_renamed_catalog_entry_does_not_move_old_results(done):
    done.write("conf/base/catalog.yml", "table: {type: json.JSONDataset, filepath: data/01_raw/table.json}\n")
    assert done.tane("show", done.id, "--artifacts", "old").code == 0
    assert (done.root / "old/data/07_model_output/scores.json").is_file()


def test_a_folder_that_holds_something_is_refused(done):
    done.write("out/mine.txt", "mine")
    told = done.tane("show", done.id, "--artifacts", "out")
    assert told.code == 2
    assert "out holds files" in told.err
    assert [path.name for path in (done.root / "out").iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled_unless_one_stands_in_it(done, monkeypatch):
    (done.root / "out").mkdir()
    monkeypatch.chdir(done.root / "out")
    assert done.tane("show", "last", "--artifacts", ".").code == 2
    monkeypatch.chdir(done.root)
    assert done.tane("show", "last", "--artifacts", "out").code == 0
    assert (done.root / "out/run.json").is_file()


def test_a_failure_on_the_way_leaves_nothing_behind(done, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(laying, "_lay_artifact", fail)
    told = done.tane("show", done.id, "--artifacts", "out")
    assert told.code == 4
    assert "No space left on device" in told.err
    assert not [path for path in done.root.iterdir() if "out" in path.name]


def test_what_is_gone_from_the_store_is_left_out_and_named(done):
    known = done.tane("show", done.id, "--json").json
    for pack in (done.root / ".tane/objects/packs").iterdir():
        pack.unlink()
    told = done.tane("show", done.id, "--artifacts", "out", "--json").json
    assert told["placed"] == 0
    assert len(told["left_out"]) == len(known["outputs"]) + len(known["artifacts"])


def test_values_are_written_in_the_plainest_form_that_holds_them(tmp_path):
    values = {
        "array": numpy.arange(3.0),
        "frame": pandas.DataFrame({"a": [1, 2]}),
        "number": numpy.float64(0.5),
        "nested": {"a": [1, None, "x"]},
        "objects": {1: {2, 3}},
        "endless": float("inf"),
    }
    for name, value in values.items():
        assert laying._write_value(value, tmp_path / name) == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "array.npy", "endless.pkl", "frame.parquet", "nested.json", "number.json", "objects.pkl",
    ]  # fmt: skip
    assert numpy.load(tmp_path / "array.npy").tolist() == [0.0, 1.0, 2.0]
    assert pandas.read_parquet(tmp_path / "frame.parquet").equals(values["frame"])
    assert pickle.loads((tmp_path / "objects.pkl").read_bytes()) == values["objects"]


def test_values_of_project_classes_are_restored(flow):
    flow.write(
        "flow.py",
        "from tane import Pipeline\n\n\nclass Model:\n    weight = 3\n\n\ndef model():\n    return Model()\n\n\n"
        "pipeline = Pipeline([model])\n",
    )
    flow.process("run", "flow.py")
    assert flow.tane("show", "last", "--artifacts", "out").code == 0
    assert pickle.loads((flow.root / "out/values/model.pkl").read_bytes()).weight == 3


def test_a_metric_cannot_lead_out_of_the_folder():
    assert laying._file_name("train/loss") == "train/loss"
    assert "/" not in laying._file_name("../../loss")


def test_a_dataset_named_like_our_own_files_is_set_apart(tiny):
    tiny.write("conf/base/catalog.yml", (tiny.root / "conf/base/catalog.yml").read_text().replace(
        "data/06_models/model.json", "run.json"
    ))  # fmt: skip
    run = tiny.run()
    tiny.tane("show", run, "--artifacts", "out")
    assert json.loads((tiny.root / "out/datasets/model/run.json").read_text()) == {"weight": 6.0}
    assert json.loads((tiny.root / "out/run.json").read_text())["id"] == run
