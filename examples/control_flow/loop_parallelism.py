"""A loop of which no more than two rounds go on at once, however many hands the run has: `tane run ... -j 4`."""

import time

from tane import Pipeline, node


def visit(site, pause: float) -> list[float]:
    """When the visit began and when it ended."""
    began = time.time()
    time.sleep(pause)
    return [began, time.time()]


def busiest(visits: list[list[float]]) -> int:
    """The largest number of visits that went on at once."""
    return max(sum(began <= moment < ended for began, ended in visits) for moment, _ in visits)


pipeline = Pipeline(
    [
        node(visit, ["params:sites", "params:pause"], "visits", over="params:sites", resources={"visitors": 1}),
        node(busiest, "visits", "busiest"),
    ]
)
