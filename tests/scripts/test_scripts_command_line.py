"""A script started by Python: what it prints, keeps and ends with."""

from __future__ import annotations

import json
import re
import signal
import time

import pytest

SCRIPT = """
import sys
import tane


@tane.inject
def get_model(alpha, l1_ratio):
    return alpha, l1_ratio


@tane.main
def train(alpha=0.0005, l1_ratio=0.9, random_state=3):
    \"\"\"Fit a model.\"\"\"
    print(alpha, l1_ratio, random_state)
    print("to errors", file=sys.stderr)
    if l1_ratio > 1:
        raise ValueError("l1_ratio is above 1")
    return {"r2": get_model()[1], "kind": "net"}


if __name__ == "__main__":
    train()
"""


@pytest.fixture
def script(folder):
    folder.write("train.py", SCRIPT)
    return folder


def test_it_prints_started_result_and_completed_and_is_recorded(script):
    told = script.python("train.py")
    lines = told.out.splitlines()
    assert told.code == 0, told.err
    assert re.match(r"Started run \S+ of train at \d{4}-", lines[0])
    assert lines[1:3] == ["0.0005 0.9 3", "Result: {'r2': 0.9, 'kind': 'net'}"]
    assert re.match(r"Completed after .* at \d{4}-", lines[3])
    shown = script.tane("show", "last")
    assert shown["id"] in lines[0] and shown["status"] == "succeeded" and shown["name"] == "train"
    assert shown["logged_params"] == {"alpha": 0.0005, "l1_ratio": 0.9, "random_state": 3}
    assert shown["metrics"]["r2"]["last"] == 0.9
    assert {each["path"] for each in shown["artifacts"]} == {"config.yaml", "output.txt", "result.json"}


def test_what_it_kept_can_be_laid_out(script):
    script.python("train.py", "l1_ratio=0.25")
    script.tane("show", "last", "--artifacts", "laid")
    files = {path.name: path.read_text() for path in (script.root / "laid").rglob("*") if path.is_file()}
    assert json.loads(files["result.json"]) == {"r2": 0.25, "kind": "net"}
    assert files["config.yaml"] == "alpha: 0.0005\nl1_ratio: 0.25\nrandom_state: 3\n"
    assert files["output.txt"] == "0.0005 0.25 3\nto errors\n"


@pytest.mark.parametrize("words", [["l1_ratio=0.01"], ["with", "l1_ratio=0.01"]])
def test_an_override_changes_that_value_alone_and_the_result(script, words):
    told = script.python("train.py", *words)
    assert "0.0005 0.01 3\nResult: {'r2': 0.01," in told.out


def test_the_environment_overrides_too(script):
    assert "0.5 0.9 3" in script.python("train.py", TANE_PARAM__alpha="0.5").out


def test_help_shows_the_configuration_with_types(script):
    told = script.python("train.py", "--help")
    assert told.code == 0
    assert "Fit a model." in told.out
    assert re.search(r"l1_ratio +0\.9 +number +train\(\)", told.out)
    assert not (script.root / ".tane").exists()


@pytest.mark.parametrize("words", [["--config-only"], ["--cfg", "job"], ["--cfg=job"]])
def test_the_configuration_can_be_printed_without_running(script, words):
    assert script.python("train.py", "alpha=1.0", *words).out == "alpha: 1.0\nl1_ratio: 0.9\nrandom_state: 3\n"
    assert not (script.root / ".tane").exists()


def test_a_failing_script_shows_the_users_frames_and_ends_with_1(script):
    told = script.python("train.py", "l1_ratio=3")
    assert told.code == 1
    assert 'train.py", line 17' in told.err and "/tane/scripts/" not in told.err
    assert "Failed after" in told.out and "ValueError: l1_ratio is above 1" in told.out
    shown = script.tane("show", "last")
    assert shown["status"] == "failed" and "l1_ratio is above 1" in shown["error"]


@pytest.mark.parametrize(
    "words, said",
    [
        (["l1_ration=1"], "did you mean 'l1_ratio'?"),
        (["l1_ratio", "1"], "write l1_ratio=1"),
        (["--l1_ratio", "1"], "set by l1_ratio=1, without dashes"),
        (["--experimen", "x"], "did you mean '--experiment'?"),
        (["l1_ratio=text"], "'text' is text"),
        (["l1_ratio=1,2"], "-m"),
        (["-j", "2"], "-m"),
        (["-m", "-j", "0"], "no number of jobs"),
        (["--name"], "takes a value"),
    ],
)
def test_mistakes_on_the_command_line_are_told_before_anything_runs(script, words, said):
    told = script.python("train.py", *words)
    assert told.code == 2 and said in told.err, told.err
    assert "Started" not in told.out


def test_it_can_run_without_a_record(script):
    assert script.python("train.py", "--no-record").out.startswith("Started of train at")
    assert not (script.root / ".tane").exists()


def test_name_and_experiment_are_recorded(script):
    script.python("train.py", "--name", "first", "--experiment=net")
    shown = script.tane("show", "last")
    assert (shown["name"], shown["experiment"]) == ("first", "net")


def test_a_file_stands_in_for_all_parameters(script):
    script.write("other.yml", "alpha: 1.0\nl1_ratio: 0.5\nrandom_state: 1\n")
    for words in (["--params", "other.yml"], ["with", "other.yml"]):
        assert "1.0 0.5 1" in script.python("train.py", *words).out


def test_ctrl_c_and_sigterm_close_the_run_as_interrupted(script):
    script.write(
        "slow.py",
        SCRIPT.replace("print(alpha", "import time; print('up', flush=True); time.sleep(60)\n    print(alpha"),
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        process = script.start("slow.py")
        while "up" not in process.stdout.readline():
            pass
        process.send_signal(number)
        process.communicate(timeout=30)
        assert process.returncode == 130
        assert script.tane("show", "last")["status"] == "interrupted"


def test_a_killed_script_shows_as_killed(script):
    script.write(
        "slow.py",
        SCRIPT.replace("print(alpha", "import time; print('up', flush=True); time.sleep(60)\n    print(alpha"),
    )
    process = script.start("slow.py")
    while "up" not in process.stdout.readline():
        pass
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 10
    while script.tane("show", "last")["status"] != "killed":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_result_that_json_cannot_say_is_pickled(folder):
    folder.write(
        "odd.py",
        "import tane\n@tane.main\ndef go():\n    return {complex(1, 2)}\nif __name__ == '__main__':\n    go()\n",
    )
    assert folder.python("odd.py").code == 0
    assert "result.pkl" in {each["path"] for each in folder.tane("show", "last")["artifacts"]}


def test_the_exit_code_of_the_script_is_its_own(folder):
    folder.write(
        "leave.py",
        "import sys, tane\n@tane.main\ndef go(code=3):\n    sys.exit(code)\nif __name__ == '__main__':\n    go()\n",
    )
    assert folder.python("leave.py").code == 3
    assert folder.python("leave.py", "code=0").code == 0
    assert [run["status"] for run in folder.runs()] == ["failed", "succeeded"]


def test_imported_it_is_a_plain_function(script):
    told = script.python(
        "-c", "import train; print(train.train(), train.train(l1_ratio=0.5)); print(train.train.__name__)"
    )
    assert told.out.splitlines()[-2:] == ["{'r2': 0.9, 'kind': 'net'} {'r2': 0.5, 'kind': 'net'}", "train"]
    assert not (script.root / ".tane").exists()


def test_groups_and_a_defaults_list_compose(folder):
    folder.write("conf/config.yaml", "defaults:\n  - model: elastic_net\ndata: diabetes\n")
    folder.write("conf/model/elastic_net.yaml", "alpha: 0.0005\nl1_ratio: 0.9\nrandom_state: 3\n")
    folder.write("conf/model/catboost.yaml", "depth: 6\n")
    folder.write(
        "train.py",
        "import tane\n@tane.main(config='conf/config.yaml')\ndef train(cfg):\n    print(*cfg.model.values())\n"
        "if __name__ == '__main__':\n    train()\n",
    )
    assert "0.0005 0.9 3" in folder.python("train.py").out
    assert "0.0005 0.01 3" in folder.python("train.py", "model.l1_ratio=0.01").out
    assert "\n6\n" in folder.python("train.py", "model=catboost").out
    wrong = folder.python("train.py", "model=catbost")
    assert wrong.code == 2 and "catboost" in wrong.err
    assert "elastic_net of catboost, elastic_net" in folder.python("train.py", "--help").out
