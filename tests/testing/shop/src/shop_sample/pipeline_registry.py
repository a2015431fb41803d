from tane import Pipeline, node

from .nodes import count, fetch, flaky, report, spread, stamp, total


def register_pipelines():
    totals = Pipeline([node(total, ["prices", "params:rate"], "totals"), node(report, "totals", "report")])
    return {
        "totals": totals,
        "spreading": Pipeline([node(spread, "report", ["archive", "cloud", "table"])]),
        "stamping": Pipeline([node(stamp, "report", "stamped", cache=False)]),
        "trying": Pipeline([node(flaky, "prices", "tried", retries={"times": 3, "delay": 20, "backoff": 1})]),
        "counting": Pipeline([node(count, "days", "day_count", confirms="days")]),
        "fetching": Pipeline([node(fetch, "items", "item_count")]),
        "__default__": totals,
    }
