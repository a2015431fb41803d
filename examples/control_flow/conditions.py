"""Flip a coin, draw a number on the side that came up, and tell whether it is a large one.

Each side is the same small pipeline with limits of its own. Without a seed chance decides, so the coin and the numbers
are never kept.
"""

import random

from tane import Pipeline, node


def flip(seed: int | None) -> str:
    """Heads or tails."""
    return random.Random(seed).choice(["heads", "tails"])


def draw(low: int, high: int, seed: int | None) -> int:
    """A number from low to high."""
    return random.Random(seed).randint(low, high)


def says(coin: str, side: str) -> bool:
    """Whether the coin shows this side."""
    return coin == side


def exceeds(number: int, limit: int) -> bool:
    """Whether the number is a large one."""
    return number > limit


def keeps(number: int, limit: int) -> bool:
    """Whether it is not."""
    return number <= limit


def more(side: str, number: int, limit: int) -> str:
    """What to say of a large number."""
    return f"{side} and {number} > {limit}"


def less(side: str, number: int, limit: int) -> str:
    """What to say of a small one."""
    return f"{side} and {number} <= {limit}"


def tell(heads_more="", heads_less="", tails_more="", tails_less="") -> str:
    """The one message of the four: what was skipped is left to its default."""
    message = heads_more or heads_less or tails_more or tails_less
    print(message)
    return message


side = Pipeline(
    [
        node(
            draw,
            ["params:low", "params:high", "params:seed"],
            "number",
            when=(says, ["coin", "params:side"]),
            cache=False,
        ),
        node(more, ["params:side", "number", "params:limit"], "more", when=(exceeds, ["number", "params:limit"])),
        node(less, ["params:side", "number", "params:limit"], "less", when=(keeps, ["number", "params:limit"])),
    ]
)

pipeline = Pipeline(
    [
        node(flip, "params:seed", "coin", cache=False),
        Pipeline(side, namespace="heads", inputs="coin", parameters="params:seed"),
        Pipeline(side, namespace="tails", inputs="coin", parameters="params:seed"),
        node(tell, ["heads.more", "heads.less", "tails.more", "tails.less"], "message"),
    ]
)
