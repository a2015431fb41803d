"""Flip two coins, a third if the first has landed at all, and a fourth if the second and the third agree."""

import random

from tane import Pipeline, node


def flip(seed: int | None, coin: int = 1) -> str:
    """Heads or tails; each coin has its own luck."""
    side = random.Random(None if seed is None else 10 * seed + coin).choice(["heads", "tails"])
    print(f"coin {coin}: {side}")
    return side


def second(seed: int | None) -> str:
    """The second coin."""
    return flip(seed, 2)


def third(seed: int | None) -> str:
    """The third."""
    return flip(seed, 3)


def fourth(seed: int | None) -> str:
    """The last."""
    return flip(seed, 4)


def agree(coin_2: str, coin_3: str) -> bool:
    """Whether both show the same."""
    return coin_2 == coin_3


pipeline = Pipeline(
    [
        node(flip, "params:seed", "coin_1", name="first", cache=False),
        node(second, "params:seed", "coin_2", cache=False),
        node(third, "params:seed", "coin_3", when={"coin_1": ["heads", "tails"]}, cache=False),
        node(fourth, "params:seed", "coin_4", when=agree, cache=False),
    ]
)
