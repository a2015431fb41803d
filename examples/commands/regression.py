"""Penguins: a linear model fitted in R, used in Python."""

from typing import Any

import tane
from tane import Pipeline, command, node


def predicted(model: Any) -> float:
    """The body mass in g at a flipper length of 200 mm."""
    value = dict(zip(model["term"], model["value"], strict=True))
    mass = float(value["(Intercept)"] + 200 * value["flipper_length_mm"])
    tane.log_metric("mass_at_200_mm", mass)
    return mass


pipeline = Pipeline(
    [
        command("grep -v NA {penguins}", "penguins", "complete", name="clean"),
        command(
            "Rscript fit.R {complete} {model} --species {params:species}",
            ["complete", "params:species"],
            "model",
            name="fit",
            timeout="5m",
        ),
        node(predicted, "model", "mass_at_200_mm"),
    ]
)
