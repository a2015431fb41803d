"""Pipelines: what Tane builds of a description is what Kedro builds, and what one refuses the other does."""

import conftest
import drawn
import tane_side
from hypothesis import event, given


def compare(kedro, said):
    try:
        theirs = kedro.ask("pipeline", said)
    except conftest.Refusal as refusal:
        theirs, why = None, str(refusal)
    else:
        why = ""
    event("refused" if why else "built")
    assert tane_side.pipeline_told(said) == theirs, why


@given(said=drawn.descriptions())
def test_a_pipeline_is_what_it_is_with_kedro(kedro, said):
    compare(kedro, said)


@given(said=drawn.descriptions(wild=True))
def test_what_does_not_hold_together_is_refused_by_both(kedro, said):
    compare(kedro, said)
