"""A step that may take a second and no more; when its time is over it is ended, and the step after it does not run."""

import time

from tane import Pipeline, node


def work(seconds: float) -> float:
    """Takes as long as it is told to."""
    time.sleep(seconds)
    return seconds


def report(worked: float) -> str:
    """What there is to say about it."""
    text = f"done in {worked} s"
    print(text)
    return text


pipeline = Pipeline([node(work, "params:seconds", "worked", timeout="1s"), node(report, "worked", "report")])
