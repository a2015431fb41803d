from __future__ import annotations

import pickle

import pytest

from tane import errors
from tane.pipeline import demands


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (90, 90),
        (0.5, 0.5),
        ("90", 90),
        ("30s", 30),
        ("10m", 600),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("2d", 172800),
        ("250ms", 0.25),
        ("1h 30m", 5400),
    ],
)
def test_times_are_read_as_people_write_them(written, seconds):
    assert demands.read(timeout=written).timeout == seconds


@pytest.mark.parametrize("written", [0, -1, True, "", "soon", "1h30", "nan", float("inf"), [1]])
def test_what_is_no_time_is_refused(written):
    with pytest.raises(errors.PipelineError, match="timeout is .*not a time") as caught:
        demands.read(timeout=written, where="node 'fit'")
    assert "node 'fit'" in str(caught.value)
    assert "1h30m" in caught.value.hint


def test_resources_are_numbers_or_sizes():
    found = demands.read(resources={"cpus": 2, "memory": "4GB", "cache": "1.5 KiB", "gpu": 0.5}).resources
    assert found == {"cpus": 2, "memory": 4e9, "cache": 1536, "gpu": 0.5}


@pytest.mark.parametrize("amount", [-1, "many", True, None])
def test_what_is_no_amount_is_refused(amount):
    with pytest.raises(errors.PipelineError, match="gpu is"):
        demands.read(resources={"gpu": amount})


def test_retries_are_a_number_or_say_more():
    assert demands.read(retries=3).retries == demands.Retry(3)
    wanted = demands.Retry(2, 5, 1.5, 30, ("builtins.ConnectionError", "requests.Timeout"))
    given = {"times": 2, "delay": "5s", "backoff": 1.5, "max_delay": "30s", "on": [ConnectionError, "requests.Timeout"]}
    assert demands.read(retries=given).retries == wanted
    assert demands.read(retries=wanted).retries is wanted


def test_all_mistakes_are_told_at_once():
    with pytest.raises(errors.PipelineError) as caught:
        demands.read(retries={"tims": 3, "backoff": 0.5, "on": ["not a name"]}, executor="thread")
    text = str(caught.value)
    assert "did you mean 'times'?" in text
    assert "backoff is 0.5" in text
    assert "'not a name' is no exception's name" in text
    assert "did you mean 'threads'?" in text


def test_waiting_grows_to_its_limit():
    retry = demands.Retry(5, delay=2, backoff=3, max_delay=10)
    assert [retry.wait(attempt) for attempt in (1, 2, 3)] == [2, 6, 10]
    assert demands.Retry(5, backoff=10).wait(10**6) == 60


def test_a_retry_covers_subclasses_by_short_or_full_name():
    names = [f"{kind.__module__}.{kind.__qualname__}" for kind in ConnectionResetError.__mro__]
    assert demands.Retry(1).covers(names)
    assert demands.Retry(1, on=("ConnectionError",)).covers(names)
    assert demands.Retry(1, on=("builtins.OSError",)).covers(names)
    assert not demands.Retry(1, on=("TimeoutError",)).covers(names)
    assert not demands.Retry(1, on=("Error",)).covers(names)


def test_what_is_set_wins_and_resources_join():
    code = demands.read(retries=3, timeout=60, resources={"cpus": 2})
    more = demands.read(timeout=90, resources={"gpu": 1}, executor="threads")
    assert code.over(more) == demands.Demands(demands.Retry(3), 90, {"cpus": 2, "gpu": 1}, "threads")
    assert code.over(demands.NONE) is code


def test_demands_travel_and_can_be_put_into_sets():
    made = demands.read(retries=3, resources={"cpus": 2})
    assert pickle.loads(pickle.dumps(made)) == made
    assert {made, demands.read(retries=3, resources={"cpus": 2.0})} == {made}


def test_an_installed_package_may_offer_an_executor(tmp_path, monkeypatch):
    info = tmp_path / "cluster-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: cluster\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tane.executors]\ncluster = cluster:Cluster\n")
    with pytest.raises(errors.PipelineError, match="no executor 'cluster'"):
        demands.read(executor="cluster")
    monkeypatch.syspath_prepend(tmp_path)
    assert demands.read(executor="cluster").executor == "cluster"
    with pytest.raises(errors.PipelineError, match="did you mean 'cluster'"):
        demands.read(executor="clutser")
