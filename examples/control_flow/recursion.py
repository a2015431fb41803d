"""Flip until tails: a graph has no circles, so what repeats is a loop in a function, around a small pipeline."""

import random

import tane
from tane import Pipeline, node


def flip(seed: int, turn: int) -> str:
    """Heads or tails."""
    return random.Random(1000 * seed + turn).choice(["heads", "tails"])


def say(side: str, turn: int) -> str:
    """One line for each flip."""
    line = f"flip {turn}: {side}"
    print(line)
    return line


once = Pipeline([node(flip, ["seed", "turn"], "side"), node(say, ["side", "turn"], "line")])


def until_tails(start: int) -> list[str]:
    """All flips, the last of which is the only one that shows tails."""
    sides = []
    while "tails" not in sides:
        run = tane.run(once, inputs={"seed": start, "turn": len(sides) + 1})
        sides.append(run["side"])
    tane.log_metric("flips", len(sides))
    return sides


pipeline = Pipeline([node(until_tails, "params:start", "sides")])
