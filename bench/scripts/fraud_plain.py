"""The default pipeline of the fraud starter by hand: `fraud_plain.py PROJECT` with PROJECT/src on the path.

Reads the project's data and parameters, calls its node functions and saves the same files in the current folder.
"""

import json
import sys
from pathlib import Path

import joblib
import pandas as pd
import yaml
from fraud.pipelines.data_processing import nodes as processing
from fraud.pipelines.evaluation import nodes as evaluation
from fraud.pipelines.training import nodes as training

project = Path(sys.argv[1])
parameters = {}
for file in sorted((project / "conf/base").glob("parameters*.yml")):
    parameters.update(yaml.safe_load(file.read_text()))
rate, alarms = parameters["natural_fraud_rate"], parameters["evaluation"]["false_alarm_rate"]

checked = processing.check_transactions(pd.read_csv(project / parameters["import"]["path"]))
train, validation, holdout = processing.split_transactions(checked, parameters["split"])
for name, table in {"checked": checked, "train": train, "validation": validation, "holdout": holdout}.items():
    table.to_parquet(f"{name}.parquet")
model, losses = training.train_model(train, validation, parameters["model"], rate)
joblib.dump(model, "model.joblib")
losses.to_csv("loss_history.csv", index=False)
scores = evaluation.score_holdout(model, holdout)
scores.to_csv("holdout_scores.csv", index=False)
Path("metrics.json").write_text(json.dumps(evaluation.measure(scores, rate, alarms)))
evaluation.draw_loss_curve(losses).savefig("loss_curve.png")
evaluation.draw_roc_curve(scores).savefig("roc_curve.png")
evaluation.draw_pr_curve(scores, rate).savefig("pr_curve.png")
evaluation.draw_confusion_matrix(scores, alarms).savefig("confusion_matrix.png")
