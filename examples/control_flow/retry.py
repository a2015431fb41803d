"""Steps that fail sometimes are tried again, after a wait that doubles.

The first is ready at its third call; the second depends on chance, and is given up after some attempts.
"""

import itertools
import random

from tane import Pipeline, node

calls = itertools.count(1)


def wake() -> str:
    """As a server that is asleep at first."""
    call = next(calls)
    if call < 3:
        raise ConnectionError(f"no answer to call {call}")
    return f"awake after {call} calls"


def draw(codes: list[int]) -> int:
    """Fails unless it draws a 0."""
    code = random.choice(codes)
    if code != 0:
        raise RuntimeError(f"ended with code {code}")
    return code


pipeline = Pipeline(
    [
        node(wake, None, "awake", retries={"times": 5, "delay": 0.05, "on": [ConnectionError]}),
        node(draw, "params:codes", "drawn", retries={"times": 10, "delay": 0.01, "backoff": 2, "max_delay": 0.1}),
    ]
)
