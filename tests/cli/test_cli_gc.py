"""`tane data gc` and `tane data verify`."""

import json
import os

import pytest

from tane.store import objects

REGISTRY = """
from tane import Pipeline, node


def many(table, scale):
    return [x * scale for x in table["x"]] * 20_000


def total(many):
    return sum(many)


def register_pipelines():
    return {"__default__": Pipeline([node(many, ["table", "params:scale"], "many"), total])}
"""


def loose(project):
    return [path for folder in (project.root / ".tane/objects").glob("??") for path in folder.iterdir()]


@pytest.fixture
def used(tiny):
    """A project with three runs, of which two had other parameters than now."""
    tiny.write("src/tiny/pipeline_registry.py", REGISTRY)
    for scale in ("1.0", "3.0", "2.0"):
        tiny.run(f"scale={scale}")
    return tiny


def test_nothing_is_to_collect_in_a_project_that_is_in_use(used):
    told = used.tane("data", "gc", "--grace", "0s")
    assert (told.code, told.out) == (0, "nothing to collect\n")


def test_what_would_go_is_shown_and_stays(used):
    before = sorted(loose(used))
    told = used.tane("data", "gc", "--grace", "0s", "--keep-runs", "1")
    assert told.code == 0 and len(before) == 3
    assert told.out.startswith("into the trash  4")
    assert "the values of 2 runs would be given up" in told.out
    assert told.out.endswith("nothing was changed: tane data gc --yes does it\n")
    assert sorted(loose(used)) == before


def test_values_of_old_runs_go_and_their_steps_run_again_for_a_true_reason(used):
    used.tane("data", "gc", "--yes", "--grace", "0s", "--keep-runs", "1", "--empty-trash")
    assert len(loose(used)) == 1
    assert len(used.tane("runs", "--json").json) == 3
    assert "2 steps: 2 reused" in used.tane("run").out
    why = "output missing: many is n"
    assert why in used.tane("plan", "scale=1.0").out
    ended = used.tane("run", "scale=1.0").out
    assert why in ended and "2 steps: 2 succeeded" in ended
    assert used.tane("data", "verify").code == 0


def test_a_run_after_values_were_given_up_does_not_say_that_nothing_changed(flow):
    first = flow.process("run", "flow.py").out
    unchanged = flow.process("run", "flow.py").out
    assert unchanged != first and unchanged == flow.process("run", "flow.py").out
    flow.tane("data", "gc", "flow.py", "--yes", "--grace", "0s", "--keep-runs", "0", "--empty-trash")
    told = flow.process("run", "flow.py")
    assert told.code == 0 and "output missing" in told.out


def test_what_a_killed_run_left_is_named_with_its_owner(used):
    used.write(f".tane/objects/tmp/{os.uname().nodename}-4194303-abcdef012345", "x" * 500)
    told = used.tane("data", "gc", "--grace", "0s")
    assert "left behind  1  500 B" in told.out and "of process 4194303, which is gone" in told.out
    used.tane("data", "gc", "--yes", "--grace", "0s")
    assert not list((used.root / ".tane/objects/tmp").iterdir())


def test_the_collection_as_json(used):
    found = used.tane("data", "gc", "--json", "--grace", "0s", "--keep-runs", "1").json
    assert (found["done"], found["thrown"]["count"], len(found["given_up"])) == (False, 4, 2)


@pytest.mark.parametrize("text", ["two days", "always", "-1d", ""])
def test_a_grace_period_that_is_none_is_refused(used, text):
    told = used.tane("data", "gc", "--grace", text)
    assert told.code == 2 and "--grace" in told.err and "12h" in told.err


def test_a_word_is_refused(used):
    assert used.tane("data", "gc", "model").code == 2 and used.tane("data", "verify", "model").code == 2


def test_a_one_file_project_is_collected(flow):
    flow.run("flow.py")
    assert flow.tane("data", "gc", "flow.py").out == "nothing to collect\n"


def test_hand_edits_that_were_replaced_are_not_collected(tiny):
    tiny.run()
    tiny.write("data/06_models/model.json", '{"weight": 42}')
    tiny.run()
    tiny.tane("data", "gc", "--yes", "--grace", "0s", "--empty-trash")
    with objects.Objects(tiny.root / ".tane/objects") as store:
        assert store.has(store.put(b'{"weight": 42}'))
    assert tiny.tane("data", "gc", "--grace", "0s").out == "nothing to collect\n"


# --- verify -----------------------------------------------------------------------------------------------------------


def spoil(path, at=-1):
    """Change a byte, and leave no trace of it in what the system says of the file but the time of its change."""
    before = path.stat()
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    path.chmod(0o444)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_all_is_well(used):
    told = used.tane("data", "verify")
    assert told.code == 0 and told.out.endswith("each is what its digest says\n")


def test_a_damaged_object_is_named_with_its_dataset_and_run_and_made_again(used):
    (spoilt, *_) = loose(used)
    spoil(spoilt)
    told = used.tane("data", "verify")
    assert told.code == 4
    assert told.out.startswith(f"damaged  {spoilt.parent.name}{spoilt.name[:10]}\n  many of run 2")
    assert "1 damaged, 0 missing" in told.out
    assert not spoilt.exists() and list((used.root / ".tane/objects/quarantine").iterdir())
    for scale in ("1.0", "2.0", "3.0"):
        used.run(f"scale={scale}")
    assert used.tane("data", "verify").code == 0


def test_a_damaged_object_in_a_pack_is_found(used):
    (pack,) = (used.root / ".tane/objects/packs").iterdir()
    spoil(pack)
    found = json.loads(used.tane("data", "verify", "--json").out)
    assert [each["state"] for each in found["faults"]] == ["damaged"]
    assert found["faults"][0]["named"]


def test_an_object_that_is_gone_is_missing(used):
    loose(used)[0].unlink()
    told = used.tane("data", "verify")
    assert told.code == 4 and told.out.startswith("missing ") and "0 damaged, 1 missing" in told.out


def test_objects_that_no_run_names_are_read_when_that_is_asked_for(used):
    with objects.Objects(used.root / ".tane/objects") as store:
        digest = store.put(b"nobody's" * 20_000)
    spoil(used.root / ".tane/objects" / digest[:2] / digest[2:])
    assert used.tane("data", "verify").code == 0
    told = used.tane("data", "verify", "--all")
    assert told.code == 4 and "named by no run" in told.out


def test_values_that_were_given_up_are_not_missed(used):
    used.tane("data", "gc", "--yes", "--grace", "0s", "--keep-runs", "1", "--empty-trash")
    assert used.tane("data", "verify").code == 0
    assert "not there" not in used.tane("doctor").out


# --- doctor -----------------------------------------------------------------------------------------------------------


def test_doctor_tells_of_garbage_and_of_the_trash(used):
    with objects.Objects(used.root / ".tane/objects") as store:
        store.put(b"nobody's" * 20_000)
    assert "1 object (160000 bytes) named by no run -> tane data gc" in used.tane("doctor").out
    used.tane("data", "gc", "--yes", "--grace", "0s")
    assert "the trash holds 1 object (160000 bytes) -> tane data gc --yes" in used.tane("doctor").out
