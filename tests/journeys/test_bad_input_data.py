"""Data that is missing, unreadable, broken or moving: told with file and dataset; what was there stays as it was."""

import json
import os

import pytest
from builders import REPORT, refused

ORDERS, MODEL = "data/01_raw/orders.json", "data/06_models/model.json"
CONF, NODES = "conf/base/catalog.yml", "src/shop/nodes.py"
RAW = "json.JSONDataset\n  filepath: data/01_raw"


def as_csv(shop, text):
    """Let orders be a CSV file with the column `value`."""
    shop.write("data/01_raw/orders.csv", text)
    shop.edit(CONF, f"{RAW}/orders.json", "pandas.CSVDataset\n  filepath: data/01_raw/orders.csv")
    shop.edit(NODES, "for value in orders", 'for value in orders["value"].tolist()')


def test_a_missing_file_offers_the_one_beside_it(shop):
    (shop.root / ORDERS).rename(shop.root / "data/01_raw/order.json")
    refused(shop.tane("run"), 2, ORDERS, "dataset 'orders'", "no such file", "did you mean data/01_raw/order.json?")
    shop.nothing_happened()
    (shop.root / "data/01_raw/order.json").rename(shop.root / ORDERS)
    shop.recovers()


def test_a_missing_file_like_no_other_says_where_its_path_is_written(shop):
    (shop.root / ORDERS).unlink()
    refused(shop.tane("run"), 2, "dataset 'orders'", "no such file", "put the file there", "conf/base/catalog.yml:2")
    shop.nothing_happened()


def test_all_missing_files_are_told_at_once(shop):
    (shop.root / ORDERS).unlink()
    refused(shop.tane("run", "--from", "report"), 2, "'model'", "'cleaned'")
    shop.nothing_happened()


def test_a_source_that_went_missing_is_taken_as_it_was_last_kept(shop):
    shop.recovers()
    (shop.root / ORDERS).unlink()
    ended = shop.tane("run")
    assert ended.code == 0
    assert "data/01_raw/orders.json is missing: its last kept version" in ended.out


def test_a_file_that_may_not_be_read_is_named(mortal):
    (mortal.root / ORDERS).chmod(0)
    refused(mortal.spawn("run"), 2, ORDERS, "Permission denied", "make the file readable for you")
    assert mortal.files().isdisjoint({MODEL})
    (mortal.root / ORDERS).chmod(0o644)
    mortal.recovers()


def test_a_conf_file_that_may_not_be_read_is_named(mortal):
    (mortal.root / "conf/base/parameters.yml").chmod(0)
    refused(
        mortal.spawn("run"), 2, "conf/base/parameters.yml", "cannot read the file: Permission denied", "permissions"
    )
    mortal.nothing_happened()


def test_a_folder_where_a_file_should_be(shop):
    (shop.root / ORDERS).unlink()
    (shop.root / ORDERS).mkdir()
    refused(shop.tane("run"), 2, ORDERS, "dataset 'orders'", "a folder, not a file", "name one file")
    assert MODEL not in shop.files()
    (shop.root / ORDERS).rmdir()
    shop.write(ORDERS, "[1, 2, -7, 3]")
    shop.recovers()


@pytest.mark.parametrize(
    ("text", "fragments"),
    [
        ("[1, 2,\n3", ("orders.json:2", "not JSON", "mend the file")),
        ("", ("orders.json", "the file is empty", "put the file back")),
    ],
    ids=["cut off", "empty"],
)
def test_broken_json_is_named_with_its_line(shop, text, fragments):
    shop.write(ORDERS, text)
    refused(shop.tane("run"), 2, "dataset 'orders'", *fragments)
    assert shop.steps() == {"clean": "failed", "fit": "skipped", "report": "skipped"}
    assert MODEL not in shop.files()
    shop.write(ORDERS, "[1, 2, -7, 3]")
    shop.recovers()


def test_a_csv_with_a_broken_row_is_named_with_its_line(shop):
    as_csv(shop, "id,value\n1,1\n2,2,\n3,3\n")
    refused(
        shop.tane("run"), 2, "data/01_raw/orders.csv:3", "dataset 'orders'", "expected 2 fields, saw 3", "on_bad_lines"
    )
    assert MODEL not in shop.files()
    shop.write("data/01_raw/orders.csv", "id,value\n1,1\n2,2\n3,3\n")
    shop.recovers()


def test_a_csv_in_another_encoding_says_how_to_name_it(shop):
    as_csv(shop, "")
    (shop.root / "data/01_raw/orders.csv").write_bytes("id,value\nä,1\n".encode("latin-1"))
    refused(shop.tane("run"), 2, "data/01_raw/orders.csv", "not utf-8 text", "encoding: latin-1")


def test_an_option_the_reader_does_not_take_is_a_mistake_of_the_entry(shop):
    mend = shop.edit(CONF, "orders.json", "orders.json\n  load_args: {strct: true}")
    refused(shop.tane("run"), 2, "conf/base/catalog.yml:2", "dataset 'orders'", "takes no option 'strct'")
    mend()
    shop.recovers()


def test_an_option_the_writer_does_not_take_is_a_mistake_of_the_entry(shop):
    mend = shop.edit(CONF, "model.json", "model.json\n  save_args: {idnt: 2}")
    refused(shop.tane("run"), 2, "conf/base/catalog.yml:6", "dataset 'model'", "idnt")
    assert MODEL not in shop.files()
    mend()
    shop.recovers()


def test_a_file_that_changes_while_it_is_read_is_refused_by_name(shop, monkeypatch):
    """Another program appends to the file as soon as its bytes were read."""
    read, orders = os.read, shop.root / ORDERS

    def read_and_append(file, count):
        data = read(file, count)
        if os.path.samestat(os.fstat(file), orders.stat()):
            orders.write_bytes(orders.read_bytes() + b" ")
        return data

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(os, "read", read_and_append)
        refused(shop.tane("run"), 2, "orders.json", "changed while it was read", "wait until its writer is done")
    shop.nothing_happened()
    shop.recovers()


def test_a_pipe_where_a_file_should_be_does_not_hang_the_run(shop):
    (shop.root / ORDERS).unlink()
    os.mkfifo(shop.root / ORDERS)
    refused(shop.tane("run"), 2, "orders.json", "neither a file nor a folder")
    shop.nothing_happened()


def test_a_link_that_leads_nowhere_is_a_missing_file(shop):
    (shop.root / ORDERS).unlink()
    (shop.root / ORDERS).symlink_to("gone.json")
    refused(shop.tane("run"), 2, "dataset 'orders'", ORDERS)
    shop.nothing_happened()


def test_a_file_that_changes_while_the_run_goes_on_is_used_as_it_was(shop):
    overwrite = "import pathlib\n    pathlib.Path('data/01_raw/orders.json').write_text('[50]')"
    mend = shop.edit(NODES, "def clean(orders):", f"def clean(orders):\n    {overwrite}")
    shop.recovers()
    assert shop.json(ORDERS) == [50]
    mend()
    shop.recovers(expected={"lines": 1, "weight": 25.0})


def test_a_source_that_can_only_be_written_is_refused_before_anything_runs(shop):
    mend = shop.edit(CONF, RAW, RAW.replace("json.JSON", "matplotlib.Matplotlib"))
    refused(shop.tane("run"), 2, "dataset 'orders'", "can only be written", "clean takes it", "hint: take the value")
    shop.nothing_happened()
    mend()
    shop.recovers()


def test_a_hand_edited_result_is_replaced_and_its_bytes_are_kept(shop):
    shop.recovers()
    shop.write(MODEL, json.dumps({"weight": 99}))
    ended = shop.tane("run")
    assert ended.code == 0
    assert "data/06_models/model.json was changed by hand; it is replaced" in ended.out
    assert shop.json(MODEL) == {"weight": 3.0}
    assert shop.json("data/08_reporting/report.json") == REPORT
