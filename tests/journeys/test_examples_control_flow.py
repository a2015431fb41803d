"""examples/control_flow: each flow as a user tries it, with what it makes, what it skips and what it repeats."""

from __future__ import annotations

import contextlib
import datetime
import functools
import http.server
import threading

import examples
import pytest

FLOWS = sorted(path.stem for path in (examples.EXAMPLES / "control_flow").glob("*.py"))


@pytest.fixture
def flows(tmp_path):
    return examples.copy("control_flow", tmp_path)


# --- conditions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seed", "side", "said", "message"),
    [
        (1, "heads", "less", "heads and 2 <= 5"),
        (6, "heads", "more", "heads and 9 > 5"),
        (5, "tails", "more", "tails and 19 > 15"),
        (7, "tails", "less", "tails and 15 <= 15"),
    ],
)
def test_one_branch_of_four_runs_and_they_meet(flows, seed, side, said, message):
    ended = flows.run("conditions.py", f"seed={seed}")
    assert ended.printed() == [message]
    everything = ["flip", "tell"] + [
        f"{each}.{node}" for each in ("heads", "tails") for node in ("draw", "more", "less")
    ]
    run = {"flip", "tell", f"{side}.draw", f"{side}.{said}"}
    assert ended.steps == {node: "succeeded" if node in run else "skipped" for node in everything}


def test_a_message_that_was_made_before_is_reused(flows):
    flows.run("conditions.py", "seed=1")
    again = flows.run("conditions.py", "seed=1")
    assert (again.steps["flip"], again.steps["tell"]) == ("succeeded", "reused")
    assert again.printed() == []


@pytest.mark.parametrize(("seed", "fourth"), [(1, "succeeded"), (2, "skipped")])
def test_the_fourth_coin_is_flipped_only_if_two_agree(flows, seed, fourth):
    ended = flows.run("nested_conditions.py", f"seed={seed}")
    assert (ended.values["coin_2"] == ended.values["coin_3"]) == (fourth == "succeeded")
    assert ended.steps == {"first": "succeeded", "second": "succeeded", "third": "succeeded", "fourth": fourth}
    assert ("coin_4" in ended.values) == (fourth == "succeeded")


# --- loops -----------------------------------------------------------------------------------------------------------


def test_a_written_list_is_looped_over_in_its_order(flows):
    assert flows.run("loop_static.py").values == {"firsts": [101, 110], "seconds": [4, 40], "total": 355}
    assert flows.nothing_to_do("loop_static.py")
    assert flows.run("loop_static.py", "base=0").values["total"] == 55


def test_a_list_made_at_run_time_is_looped_over(flows):
    assert flows.run("loop_dynamic.py").printed() == ["c1 owes 5", "c2 owes 10", "c3 owes 15"]
    assert flows.nothing_to_do("loop_dynamic.py")
    assert flows.run("loop_dynamic.py", "customers=4").printed()[-1] == "c4 owes 20"
    none = flows.run("loop_dynamic.py", "customers=0")
    assert (none.values["priced"], none.values["bills"], none.values["letter"]) == ([], [], "")


@pytest.mark.parametrize(("options", "busiest"), [((), 1), (("-j", "4", "--executor", "threads"), 2)])
def test_no_more_rounds_go_on_at_once_than_there_is_room_for(flows, options, busiest):
    assert flows.run("loop_parallelism.py", *options).values["busiest"] == busiest


# --- care ------------------------------------------------------------------------------------------------------------


def test_a_step_that_fails_twice_succeeds_at_the_third_attempt(flows):
    ended = flows.run("retry.py", "codes=[0]")
    assert ended.values == {"awake": "awake after 3 calls", "drawn": 0}
    assert ended.attempts == {"wake": 3, "draw": 1}
    assert flows.nothing_to_do("retry.py", "codes=[0]")


def test_each_wait_is_twice_as_long(flows):
    said = flows.tane("run", "retry.py", "codes=[0]").stdout
    assert "node 'wake' failed: ConnectionError: no answer to call 1; attempt 2 of 6 in 0.05 s" in said
    assert "node 'wake' failed: ConnectionError: no answer to call 2; attempt 3 of 6 in 0.1 s" in said


def test_a_step_that_always_fails_is_given_up_and_the_other_is_kept(flows):
    ended = flows.run("retry.py", "codes=[3]", code=1)
    assert ended.attempts == {"wake": 3, "draw": 11}
    assert "node 'draw' failed: RuntimeError: ended with code 3" in ended.err
    assert ended.steps == {"wake": "succeeded", "draw": "failed"}
    assert flows.run("retry.py", "codes=[0]").steps == {"wake": "reused", "draw": "succeeded"}


def test_a_step_is_ended_when_its_time_is_over(flows):
    assert flows.run("timeout.py").values["report"] == "done in 0.1 s"
    assert flows.nothing_to_do("timeout.py")
    late = flows.run("timeout.py", "seconds=60", code=1)
    assert late.steps == {"work": "failed", "report": "skipped"}
    assert "stopped after 1 s: it took longer than its timeout" in late.err
    assert flows.run("timeout.py").steps == {"work": "reused", "report": "reused"}


@pytest.mark.parametrize(("environment", "at_once"), [((), False), (("-e", "large"), True)])
def test_steps_share_what_there_is(flows, environment, at_once):
    ended = flows.run("resources.py", "-j", "2", "--executor", "threads", *environment)
    assert ended.values["at_once"] is at_once


def test_the_last_step_runs_whatever_happened(flows):
    well = flows.run("exit_handler.py")
    assert well.printed() == ["33 words were counted"]
    again = flows.run("exit_handler.py")
    assert again.steps == {"download": "reused", "count": "reused", "farewell": "succeeded"}
    assert again.printed() == ["33 words were counted"]
    failed = flows.run("exit_handler.py", "url_1=data/none.txt", code=1)
    assert failed.steps == {"download": "failed", "count": "skipped", "farewell": "succeeded"}
    assert "nothing was counted" in failed.printed()


# --- plain sequences -------------------------------------------------------------------------------------------------


def test_steps_go_one_after_the_other(flows):
    ended = flows.run("sequential.py")
    assert ended.printed()[0].startswith("Shall I compare thee")
    assert ended.printed()[-1] == "that was all"
    assert list(ended.steps) == ["download", "show", "leave"]
    assert flows.nothing_to_do("sequential.py")


@contextlib.contextmanager
def served(folder):
    """The folder on a local web server; its address."""

    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=folder))
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_two_downloads_are_joined(flows):
    with served(flows.root / "data") as address:
        urls = (f"url_1={address}/sonnet_116.txt", f"url_2={address}/sonnet_18.txt")
        ended = flows.run("parallel_join.py", "-j", "2", *urls)
    lines = ended.values["both"].splitlines()
    assert (lines[1], lines[7]) == (
        "Let me not to the marriage of true minds",
        "Shall I compare thee to a summer's day?",
    )
    assert flows.nothing_to_do("parallel_join.py", "-j", "2", *urls)


def test_a_step_makes_several_values(flows):
    ended = flows.run("outputs.py")
    assert ended.values == {
        "quotient": 3,
        "rest": 2,
        "is_even": False,
        "sentence": "3, and 2 is left over",
        "text": "3, and 2 is left over (odd)",
    }
    assert flows.nothing_to_do("outputs.py")
    # the quotient is equal, but the step that makes it has another dividend
    changed = flows.run("outputs.py", "dividend=15")
    assert changed.values["text"] == "3, and 0 is left over (odd)"


def test_what_repeats_is_a_loop_in_a_function(flows):
    ended = flows.run("recursion.py", "start=2")
    sides = ended.values["sides"]
    assert sides == ["heads"] * (len(sides) - 1) + ["tails"]
    assert ended.printed() == [f"flip {turn}: {side}" for turn, side in enumerate(sides, 1)]
    assert ended.run["metrics"]["flips"]["last"] == len(sides)
    assert flows.nothing_to_do("recursion.py", "start=2")


def test_one_step_is_never_kept(flows):
    first = flows.run("caching.py")
    assert len(first.values["primes"]) == 25
    second = flows.run("caching.py")
    same_day = first.values["today"] == second.values["today"] == datetime.date.today().isoformat()
    assert second.steps["primes"] == "reused"
    assert second.steps["today"] == "succeeded"
    assert second.reasons["today"] == "never kept: cache=False"
    assert second.steps["chosen"] == "reused" or not same_day


# --- looking ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flow", "words"),
    [
        ("conditions", "(when says())"),
        ("loop_dynamic", "(once for each item of orders)"),
        ("exit_handler", "(always, however the others end)"),
    ],
)
def test_control_flow_is_drawn_and_nothing_is_made(flows, flow, words):
    before = set(flows.root.rglob("*"))
    drawn = flows.tane("graph", f"{flow}.py")
    assert drawn.returncode == 0, drawn.stderr
    assert drawn.stdout.startswith(f"{flow}\n")
    assert words in drawn.stdout
    assert set(flows.root.rglob("*")) == before


def test_the_second_run_says_that_nothing_changed(flows):
    assert flows.tane("run", "outputs.py").returncode == 0
    assert flows.tane("run", "outputs.py").stdout.startswith("nothing changed since run ")


def test_what_waits_for_a_coin_is_planned_as_waiting(flows):
    planned = flows.tane("plan", "nested_conditions.py")
    assert planned.returncode == 0, planned.stderr
    assert planned.stdout.startswith("pipeline __default__: 2 to run, 2 waiting for those\n")


def test_the_readme_names_every_flow():
    text = (examples.EXAMPLES / "control_flow" / "README.md").read_text()
    assert [flow for flow in FLOWS if f"| `{flow}.py` |" not in text] == []
