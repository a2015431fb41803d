"""Hourly forecasts of an area's electricity load: what each hour's forecast would have been, hour by hour.

The first two nodes know nothing of the hour and are done once. The others take `params:window.start` and
`params:window.end`: they are done once for each window of a backfill, and see nothing that came after it began.
"""

import pandas as pd

import tane
from tane import Pipeline, node


def clean(load: pd.DataFrame) -> pd.Series:
    """One value for each hour, in order: sorted, the doubled hour of autumn dropped, missing hours interpolated."""
    series = load.set_index(pd.to_datetime(load["Datetime"]))["DAYTON_MW"].sort_index()
    series = series[~series.index.duplicated()]
    return series.asfreq("h").interpolate().rename("load")


def profile(hourly: pd.Series, train_until: str) -> pd.Series:
    """The mean load of each of the 168 hours of the week, over what was known when the forecasts began."""
    known = hourly[hourly.index < pd.Timestamp(train_until)]
    return known.groupby(known.index.day_of_week * 24 + known.index.hour).mean()


def features(hourly: pd.Series, start: str, hours: int) -> pd.Series:
    """The load of the hours before the window; nothing later."""
    begin = pd.Timestamp(start)
    return hourly[(hourly.index >= begin - pd.Timedelta(hours=hours)) & (hourly.index < begin)]


def forecast(features: pd.Series, profile: pd.Series, start: str, end: str) -> pd.DataFrame:
    """The profile of the window's hours, raised or lowered as far as the last hours were above or below theirs."""
    level = features.mean() / profile[features.index.day_of_week * 24 + features.index.hour].mean()
    times = pd.date_range(start, end, freq="h", inclusive="left")
    expected = profile[times.day_of_week * 24 + times.hour].to_numpy() * level
    return pd.DataFrame({"time": times.strftime("%Y-%m-%d %H:%M"), "load": expected.round(1)})


def score(forecast: pd.DataFrame, hourly: pd.Series) -> float:
    """How far off it was, in per cent of the true load."""
    true = hourly[pd.to_datetime(forecast["time"])].to_numpy()
    error = float((abs(forecast["load"] - true) / true).mean() * 100)
    tane.log_metric("error_pct", error)
    return error


pipeline = Pipeline(
    [
        node(clean, "load", "hourly"),
        node(profile, ["hourly", "params:train_until"], "profile"),
        node(features, ["hourly", "params:window.start", "params:hours"], "features"),
        node(forecast, ["features", "profile", "params:window.start", "params:window.end"], "forecast"),
        node(score, ["forecast", "hourly"], "error"),
    ]
)
