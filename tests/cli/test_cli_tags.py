"""`tane tag`, `tane note` and `tane runs tail`."""

import os
import signal
import subprocess
import sys

import pytest


@pytest.fixture
def ran(tiny):
    """The project after a run."""
    tiny.id = tiny.run()
    return tiny


def test_tags_are_set_shown_and_removed(ran):
    assert ran.tane("tag", "last", "owner=ada", "stage=a = b").code == 0
    assert ran.tane("tag", "last", "--json").json["tags"] == {"owner": "ada", "stage": "a = b"}
    assert ran.tane("tag", "last", "owner=eve", "--remove", "stage", "--json").json["tags"] == {"owner": "eve"}
    assert "owner = eve" in ran.tane("show", "last").out


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("last", "--remove", "ownr"), "did you mean 'owner'?"),
        (("last", "owner"), "key=value"),
        (("last", "=x"), "key=value"),
        (("last", "a=1", "a=2"), "keep one"),
        (("last", "owner=1", "--remove", "owner"), "do one of them"),
        (("owner=1",), "tane tag RUN"),
        ((), "tane tag RUN"),
        (("nix", "a=1"), "the newest are"),
    ],
)
def test_a_mistake_in_tags_says_what_to_do(ran, arguments, hint):
    ran.tane("tag", "last", "owner=ada")
    told = ran.tane("tag", *arguments)
    assert told.code == 2
    assert hint in told.err
    assert ran.tane("tag", "last", "--json").json["tags"] == {"owner": "ada"}


def test_a_note_is_written_shown_and_removed(ran):
    assert ran.tane("note", "last").err == f"run {ran.id} has no note\n"
    assert ran.tane("note", "last", "# Good\n\n- slow").code == 0
    assert ran.tane("note", "last").out == "# Good\n\n- slow\n"
    assert "# Good" in ran.tane("show", "last").out
    ran.tane("note", "last", "")
    assert ran.tane("note", "last", "--json").json == {"run": ran.id, "note": ""}


def test_a_note_is_taken_from_a_file_and_added_to(ran):
    ran.write("findings.md", "first\n")
    ran.tane("note", "last", "--file", "findings.md")
    ran.tane("note", "last", "second", "--append")
    assert ran.tane("note", "last").out == "first\n\nsecond\n"


def test_a_note_is_written_in_the_editor(ran, monkeypatch):
    editor = ran.write("editor.sh", '#!/bin/sh\necho "by hand" > "$1"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    monkeypatch.delenv("VISUAL", raising=False)
    ran.tane("note", "last", "--edit")
    assert ran.tane("note", "last").out == "by hand\n"


def test_an_editor_that_fails_is_told_with_what_to_set(ran, monkeypatch):
    monkeypatch.setenv("EDITOR", "false")
    monkeypatch.delenv("VISUAL", raising=False)
    told = ran.tane("note", "last", "--edit")
    assert told.code == 2
    assert "set EDITOR" in told.err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("last", "a", "b"), "quotes"),
        (("last", "a", "--file", "x"), "choose one"),
        (("last", "--append"), "give a text"),
        (("last", "--file", "nowhere.md"), "name a file"),
        (("last", "--file", "data"), "name a file"),
        ((), "tane runs"),
    ],
)
def test_a_mistake_in_a_note_says_what_to_do(ran, arguments, hint):
    told = ran.tane("note", *arguments)
    assert told.code == 2
    assert hint in told.err


def test_an_ended_run_is_told_from_its_last_lines_and_its_end(ran):
    lines = ran.tane("runs", "tail", "last", "-n", "2").out.splitlines()
    assert len(lines) == 3
    assert "run ended" in lines[1]
    assert lines[2].startswith(f"run {ran.id} succeeded")


def test_without_a_live_run_tail_names_the_last(ran):
    told = ran.tane("runs", "tail")
    assert told.code == 2
    assert ran.id in told.err


_SLOW = """
import os, time, tane

with tane.start_run("slow"):
    for step in range(4):
        tane.log_metric("loss", 1 / (step + 1), step)
    print("began", flush=True)
    while not os.path.exists("stop"):
        time.sleep(0.02)
    tane.log_metric("loss", float("nan"), 4)
"""


@pytest.fixture
def slow(empty):
    """A folder in which a script has a run open; it ends when there is a file "stop"."""
    empty.write("slow.py", _SLOW)
    empty.script = subprocess.Popen([sys.executable, "slow.py"], cwd=empty.root, stdout=subprocess.PIPE, text=True)
    with empty.script:
        assert empty.script.stdout.readline() == "began\n"
        yield empty
        empty.script.kill()


def follow(project):
    """`tane runs tail` as a process, after its first line."""
    following = subprocess.Popen(
        [sys.executable, "-m", "tane", "runs", "tail"],
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert following.stdout.readline().endswith("loss = 1 (step 0)\n")
    return following


def test_a_live_run_is_followed_to_its_end(slow):
    following = follow(slow)
    slow.write("stop", "")
    rest, beside = following.communicate(timeout=60)
    assert beside.startswith("following run ") and " slow;" in beside
    lines = rest.splitlines()
    assert [line.split("  ", 1)[1] for line in lines[:-1]] == [
        "loss = 0.5 (step 1)",
        "loss = 0.333333 (step 2)",
        "loss = 0.25 (step 3)",
        "loss = nan (step 4)",
    ]
    assert "succeeded" in lines[-1]


def test_a_run_that_is_killed_is_said_to_be(slow):
    following = follow(slow)
    os.kill(slow.script.pid, signal.SIGKILL)
    rest, _ = following.communicate(timeout=60)
    assert "was killed" in rest.splitlines()[-1]
    assert following.returncode == 0


@pytest.mark.parametrize("verb", ["export", "delete"])
def test_a_live_run_is_neither_exported_nor_deleted(slow, verb):
    told = slow.tane("runs", verb, "last")
    assert told.code == 2
    assert "still running" in told.err
    assert not (slow.root / "runs.tane").exists()
