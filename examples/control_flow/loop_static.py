"""A loop over a list that is written down: each item has fields, and a parameter is the same for all."""

from tane import Pipeline, node


def first(item, base: int) -> int:
    """What is made of the field a."""
    return item["a"] + base


def second(item) -> int:
    """What is made of the field b."""
    return item["b"] * 2


def total(firsts: list[int], seconds: list[int], base: int) -> int:
    """After the loop: a list of each, in the order of the items."""
    print(f"{firsts} + {seconds} + {base}")
    return sum(firsts) + sum(seconds) + base


pipeline = Pipeline(
    [
        node(first, ["params:pairs", "params:base"], "firsts", over="params:pairs"),
        node(second, "params:pairs", "seconds", over="params:pairs"),
        node(total, ["firsts", "seconds", "params:base"], "total"),
    ]
)
