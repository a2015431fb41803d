"""`tane status`."""


def test_before_the_first_run_everything_is_to_run(tiny):
    told = tiny.tane("status")
    assert told.code == 0
    assert "last run: none yet" in told.out
    assert "features  first run" in told.out


def test_after_a_run_nothing_has_changed(tiny):
    first = tiny.process("run")
    run = first.out.split()[1].rstrip(":")
    told = tiny.process("status", "--json").json
    assert (told["changed"], told["since"], told["last_run"]["id"]) == (False, run, run)
    assert f"nothing changed since run {run}" in tiny.process("status").out


def test_what_changed_is_said_with_its_reason(tiny):
    tiny.run()
    tiny.write("conf/base/parameters.yml", "scale: 2.0\nmodel:\n  rate: 0.25\n")
    told = tiny.tane("status")
    assert "1 to run, 1 waiting for those, 1 to reuse" in told.out
    assert "run   fit    parameter model.rate 0.5 -> 0.25" in told.out
    assert "features" not in told.out


def test_the_plan_comes_as_json(tiny):
    tiny.run()
    told = tiny.tane("status", "scale=3.0", "--json").json
    assert told["changed"] is True
    assert [step["action"] for step in told["plan"]["steps"]] == ["run", "wait", "wait"]


def test_files_missing_or_changed_by_hand_are_named(tiny):
    tiny.run()
    (tiny.root / "data/07_model_output/scores.json").unlink()
    tiny.write("data/06_models/model.json", '{"weight": 1}')
    told = tiny.tane("status")
    assert "data/07_model_output/scores.json: missing" in told.out
    assert "data/06_models/model.json: changed by hand" in told.out
    assert tiny.tane("status", "--json").json["changed"] is True


def test_a_failed_last_run_is_told(tiny):
    tiny.tane("run", "scale=-1.0")
    told = tiny.tane("status")
    assert "failed" in told.out and "no rows" in told.out


def test_a_missing_input_is_an_error(tiny):
    (tiny.root / "data/01_raw/table.json").unlink()
    told = tiny.tane("status")
    assert told.code == 2
    assert "data/01_raw/table.json" in told.err


def test_status_writes_nothing_to_the_ledger(tiny):
    tiny.run()
    tiny.tane("status", "scale=3.0")
    assert len(tiny.tane("runs", "--json").json) == 1
