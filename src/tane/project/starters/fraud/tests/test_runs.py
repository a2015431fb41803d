"""Whole runs on a few transactions, in a folder of the test: data/ and what earlier runs have kept are left alone."""

import pytest

from tane.testing import assert_ran, assert_reused


@pytest.fixture
def ran(tiny_run, transactions, small):
    """The default pipeline, run on a few transactions."""
    return tiny_run(inputs={"transactions": transactions}, params=small)


def test_a_run_goes_from_transactions_to_the_report(ran, catalog):
    assert_ran(ran)
    assert ran["metrics"]["pr_auc"] > 0.5
    assert ran["metrics"]["holdout_rows"] == len(ran["holdout"]) == len(ran["holdout_scores"])
    for picture in ("loss_curve", "roc_curve", "pr_curve", "confusion_matrix"):
        assert catalog.path(picture).stat().st_size > 0


def test_new_transactions_are_scored_with_the_model_that_was_trained(ran, tiny_run, transactions, small):
    new = transactions.drop(columns="Class").head(20)
    scored = tiny_run("inference", inputs={"new_transactions": new}, params=small)
    assert list(scored["scores"]["row"]) == list(range(20))


def test_another_kind_of_model_changes_nothing_before_training(ran, tiny_run, transactions, small):
    boosted = tiny_run(inputs={"transactions": transactions}, params={**small, "model.kind": "gradient_boosting"})
    assert_reused(boosted, "check_transactions", "split_transactions")
    assert_ran(boosted, "train_model", reason="parameter model.kind neural_network -> gradient_boosting")
