"""Runs: what Kedro's runner leaves in the outputs of a pipeline in memory, `tane.run` leaves there."""

import json

import conftest
import drawn
import pytest
import tane_side
from hypothesis import assume, given

from tane import errors

PLAIN = tuple(name for name in drawn.DATASETS if "@" not in name)


def parameters_for(pipeline):
    """A value for each parameter that the pipeline takes."""
    params = {"more": 0} if "parameters" in pipeline.parameters() else {}
    for name in sorted(pipeline.parameters() - {"parameters"}):
        *above, last = name.removeprefix("params:").split(".")
        within = params
        for key in above:
            within = within.setdefault(key, {})
        within[last] = f"value of {last}"
    return params


@given(said=drawn.descriptions(datasets=PLAIN))
def test_a_run_in_memory_makes_what_it_makes_with_kedro(kedro, said):
    pipeline = tane_side.build(said)
    assume(pipeline and not any(node.confirms for node in pipeline.nodes))  # values in memory cannot be confirmed
    inputs = {name: name.upper() for name in pipeline.free_inputs()}
    params = parameters_for(pipeline)
    assert tane_side.run(said, inputs, params) == kedro.ask("run", said, inputs, params)


NAMED = (None, "x", ["x"], ["x", "y"], {"k": "x"}, {"k": "x", "l": "y"})
RETURNED = (None, "one", 1, 2, 3, ["k"], ["k", "l"], ["k", "l", "m"])


PAIRS = [
    (outputs, returns)
    for outputs in NAMED
    for returns in RETURNED
    if not (isinstance(outputs, dict) and isinstance(returns, list) and set(returns) > set(outputs))  # see differences
]


@pytest.mark.parametrize("outputs, returns", PAIRS, ids=str)
def test_what_a_function_returns_fits_its_outputs_or_not(kedro, outputs, returns):
    said = ["nodes", [{"name": "it", "inputs": "a", "outputs": outputs, "call": [1, returns]}]]
    try:
        theirs = kedro.ask("run", said, {"a": "A"}, {})
    except conftest.Refusal:
        theirs = None
    try:
        ours = tane_side.run(said, {"a": "A"}, {})
    except errors.TaneError:
        ours = None
    assert json.loads(json.dumps(ours)) == theirs
