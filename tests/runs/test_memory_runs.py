"""`tane.run`: pipelines in memory, with no project and nothing on disk."""

import numpy as np
import pandas as pd
import pytest

import tane
from tane import errors


def raw():
    return [3, 1, 2]


def scaled(raw, scale=2.0):
    tane.log_metric("rows", len(raw))
    return [row * scale for row in raw]


def total(scaled):
    scaled.append(100)  # nobody else may see this
    return sum(scaled)


def best(scaled):
    return max(scaled)


def test_functions_run_as_they_are_and_every_value_is_there():
    run = tane.run([raw, scaled, total, best], params={"scale": 3.0})
    assert (run["total"], run["best"], run["scaled"]) == (118.0, 9.0, [9.0, 3.0, 6.0])
    assert run.metrics["rows"].last == 3
    assert [step.node for step in run.steps] == ["raw", "scaled", "best", "total"]


def test_nothing_is_left_on_disk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tane.run([raw, scaled])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "value",
    [[1], {"a": [1]}, {1}, np.zeros(2), pd.DataFrame({"a": [1.0]})],
    ids=lambda v: type(v).__name__,
)
def test_given_values_are_not_changed_by_nodes(value):
    def spoil(given):
        if isinstance(given, list):
            given.append(2)
        elif isinstance(given, dict):
            given["a"].append(2)
        elif isinstance(given, set):
            given.add(2)
        elif isinstance(given, np.ndarray):
            given[0] = 7
        else:
            given["a"] = 7.0
        return repr(given)

    before = repr(value)
    run = tane.run([spoil], inputs={"given": value})
    assert run["spoil"] != before == repr(value)


def test_missing_and_unknown_names_are_told_at_once():
    with pytest.raises(errors.UsageError) as caught:
        tane.run([scaled, total], inputs={"rwa": [1]})
    text = str(caught.value)
    assert "input 'raw' of scaled is missing" in text and "takes no input 'rwa'" in text
    assert text.count("did you mean") == 2


def test_a_missing_parameter_is_told():
    needs = tane.node(lambda x: x, "params:model.lr", "y", name="needs")
    with pytest.raises(errors.UsageError, match=r"parameter 'model\.lr' of node 'needs' is missing"):
        tane.run([needs], params={"model": {"rate": 1}})
    assert tane.run([needs], params={"model": {"lr": 1}})["y"] == 1


def test_a_node_that_raises_shows_the_users_frames_only():
    def broken():
        return {}["no"]

    with pytest.raises(errors.UserCodeError, match="node 'broken' failed: KeyError: 'no'") as caught:
        tane.run([broken])
    assert "test_memory_runs.py" in caught.value.traceback
    assert "/tane/runs/" not in caught.value.traceback


@pytest.mark.parametrize(
    ("outputs", "result", "message"),
    [
        ("a", None, "returned None for output 'a'"),
        (["a", "b"], (1,), "returned 1 values for 2 outputs: a, b"),
        (["a", "b"], 1, "returned one int, not the 2 outputs a, b"),
        ({"x": "a", "y": "b"}, {"x": 1}, "without 'y'"),
        ({"x": "a"}, 1, "returned one int, not a dict with x"),
    ],
)
def test_outputs_that_do_not_fit_are_refused(outputs, result, message):
    with pytest.raises(errors.UserCodeError, match=message):
        tane.run([tane.node(lambda: result, None, outputs, name="made")])


def test_all_shapes_of_outputs():
    run = tane.run(
        [
            tane.node(lambda: (1, 2), None, ["a", "b"], name="many"),
            tane.node(lambda: {"x": 3, "y": 4}, None, {"x": "c"}, name="keys"),
            tane.node(lambda: 5, None, None, name="nothing"),
        ]
    )
    assert {name: run[name] for name in run} == {"a": 1, "b": 2, "c": 3}


def test_unknown_names_of_a_result_are_errors():
    run = tane.run([raw])
    with pytest.raises(errors.UsageError, match="did you mean 'raw'"):
        run["rwa"]
    with pytest.raises(errors.UsageError, match="no step 'rwa'"):
        run.step("rwa")


def test_generators_pass_in_memory():
    def numbers():
        return (n for n in range(4))

    def added(numbers):
        return sum(numbers)

    assert tane.run([numbers, added])["added"] == 6


def test_a_long_chain_has_no_recursion_limit():
    chain = [tane.node(lambda x: x + 1, f"d{i}", f"d{i + 1}", name=f"n{i}") for i in range(5000)]
    assert tane.run(chain, inputs={"d0": 0})["d5000"] == 5000


def test_the_result_is_plain_values_for_json():
    import json

    content = json.loads(json.dumps(tane.run([raw, scaled]).as_dict()))
    assert content["status"] == "succeeded"
    assert [step["node"] for step in content["steps"]] == ["raw", "scaled"]


def test_a_misspelt_parameter_is_refused():
    with pytest.raises(errors.UsageError, match="no node takes a parameter 'scal'") as caught:
        tane.run([raw, scaled], params={"scal": 3})
    assert "did you mean 'scale'" in str(caught.value)
