"""Score the hold-out with this run's model; measure and draw."""

from tane import Pipeline, node

from . import nodes


def create_pipeline() -> Pipeline:
    rate, alarms = "params:natural_fraud_rate", "params:evaluation.false_alarm_rate"
    return Pipeline(
        [
            node(nodes.score_holdout, ["model", "holdout"], "holdout_scores", name="score_holdout"),
            node(nodes.measure, ["holdout_scores", rate, alarms], "metrics", name="measure"),
            node(nodes.draw_loss_curve, "loss_history", "loss_curve", name="draw_loss_curve"),
            node(nodes.draw_roc_curve, "holdout_scores", "roc_curve", name="draw_roc_curve"),
            node(nodes.draw_pr_curve, ["holdout_scores", rate], "pr_curve", name="draw_pr_curve"),
            node(
                nodes.draw_confusion_matrix,
                ["holdout_scores", alarms],
                "confusion_matrix",
                name="draw_confusion_matrix",
            ),
        ],
        tags="evaluation",
    )
