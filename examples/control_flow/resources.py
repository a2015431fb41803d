"""Steps that say what they need. Those that do not fit beside each other wait, however many hands the run has.

conf/base/run.yml says what there is: one gpu. With `-e large` there are two.
"""

import time

from tane import Pipeline, node


def train(pause: float) -> list[float]:
    """When the training began and when it ended."""
    began = time.time()
    time.sleep(pause)
    return [began, time.time()]


def at_once(first: list[float], second: list[float]) -> bool:
    """Whether both went on at once."""
    return max(first[0], second[0]) < min(first[1], second[1])


needs = {"gpu": 1, "cpus": 1, "memory": "200MB"}

pipeline = Pipeline(
    [
        node(train, "params:pause", "first", name="train_first", resources=needs, cache=False),
        node(train, "params:pause", "second", name="train_second", resources=needs, cache=False),
        node(at_once, ["first", "second"], "at_once"),
    ]
)
