"""Penguins: cleaned by a shell command, summed up by an awk program, judged in Python."""

from typing import Any

from tane import Pipeline, command, node


def heaviest(mass: Any) -> str:
    """The heaviest species. What awk wrote comes as a data frame, as the catalog says."""
    row = mass.loc[mass["mean_g"].idxmax()]
    return f"{row['species']}: {row['mean_g']:.0f} g on average, of {row['count']} penguins"


pipeline = Pipeline(
    [
        command("grep -v NA {penguins}", "penguins", "complete", name="clean"),
        command("awk -F, -f mass.awk {complete} > {mass}", "complete", "mass", name="sum up"),
        node(heaviest, "mass", "heaviest"),
    ]
)
