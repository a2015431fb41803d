"""What people look at."""

import pandas as pd
import plotly.graph_objects as go
import tane
from matplotlib.figure import Figure


def compare(active: dict[str, float], candidate: dict[str, float]) -> dict[str, object]:
    """The better model, and by how much it explains more."""
    gain = candidate["r2"] - active["r2"]
    tane.log_metrics({"active.r2": active["r2"], "candidate.r2": candidate["r2"]})
    return {"better": "candidate" if gain > 0 else "active", "r2_gain": round(gain, 6)}


def draw_capacity(shuttles: pd.DataFrame, least_shuttles: int) -> go.Figure:
    """The mean number of seats of each type of shuttle that is not rare."""
    types = shuttles.groupby("shuttle_type")["passenger_capacity"].agg(["mean", "size"])
    seats = types.loc[types["size"] >= least_shuttles, "mean"].sort_index()
    figure = go.Figure(go.Bar(x=list(seats.index), y=[round(float(value), 3) for value in seats]))
    return figure.update_layout(xaxis_title="type of shuttle", yaxis_title="seats, mean")


def draw_prices(active: pd.DataFrame, candidate: pd.DataFrame) -> Figure:
    """True against predicted prices, of both models."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    for axes, name, predictions in zip(
        figure.subplots(1, 2, sharey=True), ("active", "candidate"), (active, candidate), strict=True
    ):
        axes.scatter(predictions["price"], predictions["predicted"], s=4)
        axes.set(title=name, xlabel="price", ylabel="predicted")
    return figure
