import numpy as np
import pandas as pd
import pytest
from fraud.pipelines.evaluation import nodes
from matplotlib.figure import Figure
from sklearn.metrics import average_precision_score, roc_auc_score

RATE, ALARMS = 0.001727, 0.01


@pytest.fixture
def scores():
    random = np.random.default_rng(0)
    label = (np.arange(2000) % 40 == 0).astype(int)
    return pd.DataFrame({"row": range(2000), "Class": label, "score": random.random(2000) * 0.6 + 0.4 * label})


def test_scores_keep_row_ids_and_labels(trained, parts):
    scored = nodes.score_holdout(trained[0], parts[2])
    assert list(scored.columns) == ["row", "Class", "score"]
    assert scored[["row", "Class"]].equals(parts[2][["row", "Class"]])


def test_areas_are_those_of_the_scores(scores):
    values = nodes.measure(scores, RATE, ALARMS)
    assert values["pr_auc"] == average_precision_score(scores["Class"], scores["score"])
    assert values["roc_auc"] == roc_auc_score(scores["Class"], scores["score"])


def test_rarer_frauds_are_harder_to_find(scores):
    values = nodes.measure(scores, RATE, ALARMS)
    assert values["pr_auc_natural"] < values["pr_auc"]


def test_recall_counts_frauds_above_one_percent_of_the_honest():
    honest = pd.DataFrame({"Class": 0, "score": np.arange(100) / 100})
    frauds = pd.DataFrame({"Class": 1, "score": [0.985, 0.995, 0.5, 0.1]})
    table = pd.concat([honest, frauds], ignore_index=True).assign(row=range(104))
    assert nodes.measure(table, RATE, ALARMS)["recall_at_1pct_fpr"] == 0.5


@pytest.mark.parametrize("label", [0, 1])
def test_a_holdout_of_one_class_is_refused(scores, label):
    with pytest.raises(ValueError, match="no frauds or nothing else"):
        nodes.measure(scores.assign(Class=label), RATE, ALARMS)


def test_the_loss_curve_has_a_point_per_epoch(trained):
    lines = nodes.draw_loss_curve(trained[1]).axes[0].lines
    assert [len(line.get_xdata()) for line in lines] == [len(trained[1])] * 2


def test_the_roc_curve_is_drawn_from_scores(scores):
    curve = nodes.draw_roc_curve(scores).axes[0].lines[0]
    area = np.trapezoid(curve.get_ydata(), curve.get_xdata())
    assert area == pytest.approx(roc_auc_score(scores["Class"], scores["score"]))


def test_the_pr_curve_has_the_natural_share_too(scores):
    assert len(nodes.draw_pr_curve(scores, RATE).axes[0].lines) == 2


def test_the_confusion_matrix_counts_every_row(scores):
    figure = nodes.draw_confusion_matrix(scores, ALARMS)
    assert isinstance(figure, Figure)
    assert sum(int(text.get_text().replace(",", "")) for text in figure.axes[0].texts) == len(scores)
