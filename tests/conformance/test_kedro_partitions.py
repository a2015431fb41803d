"""Folders of partitions: what one side saved the other loads; and which partitions are new after a checkpoint."""

import plain
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_kedro_datasets import FRAME, GAPS, NESTED

from tane.catalog import catalogs

TABLE = {"type": "pandas.CSVDataset", "load_args": {"sep": ";"}, "save_args": {"sep": ";"}}
FOLDERS = {
    "tables": ({"dataset": TABLE, "filename_suffix": ".csv"}, {"2024-01": FRAME, "2024-02": GAPS}),
    "documents": ({"dataset": "json.JSONDataset", "filename_suffix": ".json"}, {"a": NESTED, "b": [1, 2]}),
    "folders in folders": (
        {"dataset": "text.TextDataset", "filename_suffix": ".txt"},
        {"n/a": "1", "n/b": "2", "c": ""},
    ),
    "without suffix": ({"dataset": "text.TextDataset"}, {"one.txt": "1", "two": "2"}),
    "objects": ({"dataset": {"type": "pickle.PickleDataset"}, "filename_suffix": ".pkl"}, {"x": {"y": (1, None)}}),
    "workbooks": ({"dataset": "pandas.ExcelDataset", "filename_suffix": ".xlsx"}, {"one": GAPS}),
    "not deep": (
        {"dataset": "text.TextDataset", "filename_suffix": ".txt", "load_args": {"maxdepth": 1}},
        {"a": "1", "b": "2"},
    ),
}


def entry(folder, more, kind="partitions.PartitionedDataset"):
    return {"type": kind, "path": str(folder), **more}


def ours(config, root):
    return catalogs.Catalog.from_config({"it": config}, {}, root).find("it")


def loaded(dataset):
    parts = dataset.read(dataset.local)
    return plain.told({key: part() if callable(part) else part for key, part in parts.items()})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # pandas' own
@pytest.mark.parametrize("more, value", FOLDERS.values(), ids=FOLDERS)
def test_a_folder_comes_out_alike(kedro, more, value, tmp_path):
    found = []
    for side in ("theirs", "ours"):
        config = entry(tmp_path / side, more)
        mine = ours(config, tmp_path)
        if side == "ours":
            mine.write(plain.made(plain.told(value)), mine.local)
        else:
            kedro.ask("save", config, plain.told(value))
        (tmp_path / side / "deep" / "er").mkdir(parents=True)
        (tmp_path / side / "deep" / "er" / "other.log").write_text("3")
        if not more.get("filename_suffix"):
            (tmp_path / side / "deep" / "er" / "other.log").unlink()
        found.append((loaded(mine), kedro.ask("load", config)))
    assert found[0][0] == found[0][1]
    assert found[1] == found[0]


DAYS = tuple(f"2024-01-{day:02}" for day in range(1, 7))
CHECKPOINTS = (
    None,
    {"force_checkpoint": DAYS[2]},
    {"comparison_func": "operator.ge"},
    {"filepath": "state/last.txt"},
    DAYS[1],
)
STEPS = st.lists(
    st.tuples(st.lists(st.sampled_from(DAYS), max_size=3, unique=True), st.booleans()), min_size=1, max_size=5
)


@settings(max_examples=100)
@given(steps=STEPS, checkpoint=st.sampled_from(CHECKPOINTS))
def test_the_partitions_after_the_checkpoint_are_those_kedro_takes(kedro, steps, checkpoint, tmp_path_factory):
    root = tmp_path_factory.mktemp("days")
    folders = {side: root / side for side in ("theirs", "ours")}
    configs = {}
    for side, folder in folders.items():
        (folder / "state").mkdir(parents=True)
        more = {"dataset": "text.TextDataset", "filename_suffix": ".txt"}
        if isinstance(checkpoint, dict) and "filepath" in checkpoint:
            more["checkpoint"] = {"filepath": str(folder / checkpoint["filepath"])}
        elif checkpoint:
            more["checkpoint"] = checkpoint
        configs[side] = entry(folder, more, "partitions.IncrementalDataset")
    for days, confirm in steps:
        for folder in folders.values():
            for day in days:
                (folder / f"{day}.txt").write_text(f"of {day}")
        dataset = ours(configs["ours"], root)
        assert loaded(dataset) == kedro.ask("increment", configs["theirs"], confirm)
        if confirm:
            dataset.confirm()
        assert contents(folders["ours"]) == contents(folders["theirs"])


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}
