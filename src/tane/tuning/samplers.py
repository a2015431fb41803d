"""Where points come from: `grid`, `random`, `sobol` and `halton` need nothing; all others are Optuna's.

Each point of ours depends on the seed and the trial's number alone: workers need not ask each other, and a study that
was interrupted goes on as it would have. What a trial was asked to have stays as it is.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Mapping
from typing import Any

from tane import errors
from tane.ledger import studies
from tane.tuning import choices, spaces

DEFAULT = choices.Choice("")  # tpe where Optuna is installed, else sobol
OURS: Mapping[str, Mapping[str, float]] = {"grid": {"points": spaces.GRID}, "random": {}, "sobol": {}, "halton": {}}
THEIRS = ("tpe", "cmaes", "gp", "nsgaii", "nsgaiii", "brute_force", "qmc")

Chooser = Callable[[studies.Trial], Mapping[str, Any]]


def read(said: Any, where: Callable[..., str], faults: list[errors.Fault]) -> choices.Choice:
    """The sampler that a name, or a mapping with a name and settings, asks for."""
    if said is None or said == "":
        return DEFAULT
    return choices.read(said, "sampler", OURS, THEIRS, where, faults) or DEFAULT


def settled(choice: choices.Choice, space: spaces.Space) -> choices.Choice:
    """The sampler itself, where none was named."""
    if choice.name:
        return choice
    if choices.has_optuna():
        return choices.Choice("tpe", choice.options)
    return choices.Choice("sobol" if len(space) <= len(_DIRECTIONS) + 1 else "halton", choice.options)


def check(choice: choices.Choice, space: spaces.Space) -> None:
    """Raises `errors.TaneError` when this sampler cannot choose from that space, or is not installed."""
    if choice.name in THEIRS:
        choices.optunas(f"sampler {choice.name!r}").check(choice)
    elif choice.name == "grid":
        space.grid(int(choice.options.get("points", spaces.GRID)) or 1)
    elif choice.name == "sobol" and len(space) > len(_DIRECTIONS) + 1:
        raise errors.ConfigError(
            f"sobol chooses {len(_DIRECTIONS) + 1} parameters at most, and the space has {len(space)}",
            hint="use halton or random",
        )
    elif choice.name == "halton" and len(space) > len(_PRIMES):
        raise errors.ConfigError(
            f"halton chooses {len(_PRIMES)} parameters at most, and the space has {len(space)}", hint="use random"
        )


def grid(choice: choices.Choice, space: spaces.Space) -> list[dict[str, Any]]:
    """All points of a grid; none for samplers that choose one at a time."""
    return space.grid(int(choice.options.get("points", spaces.GRID)) or 1) if choice.name == "grid" else []


def ours(choice: choices.Choice, space: spaces.Space, seed: int) -> Chooser:
    """Chooses points for trials, by one of our own samplers."""
    share = _SHARES.get(choice.name, _random)

    def choose(trial: studies.Trial) -> Mapping[str, Any]:
        return space.point(lambda index, parameter: parameter.at(share(trial.number, index, seed)), given=trial.point)

    return choose


def _random(number: int, index: int, seed: int) -> float:
    return random.Random(f"{seed}/{number}/{index}").random()


@functools.lru_cache(maxsize=1024)
def _shift(index: int, seed: int) -> float:
    """Moves a quasi-random sequence by the same amount everywhere; the first point of its kind is in the middle."""
    return random.Random(f"{seed}|{index}").random() if seed else 0.5


def _halton(number: int, index: int, seed: int) -> float:
    """The share in base of the index-th prime, its digits in another order for each prime."""
    base, share, scale, left = _PRIMES[index], 0.0, 1.0, number + 1
    order = _order(base, seed)
    while left:
        left, digit = divmod(left, base)
        scale /= base
        share += order[digit] * scale
    return (share + _shift(index, seed)) % 1.0 if seed else share


@functools.lru_cache(maxsize=128)
def _order(base: int, seed: int) -> tuple[int, ...]:
    """0 stays where it is: else numbers would not end."""
    rest = list(range(1, base))
    random.Random(f"{seed}~{base}").shuffle(rest)
    return (0, *rest)


_BITS = 32


def _sobol(number: int, index: int, seed: int) -> float:
    """The share of point `number`, from 0 on, along dimension `index`; a digital shift belongs to the seed."""
    gray, found = number ^ (number >> 1), 0
    columns = _columns(index)
    at = 0
    while gray:
        if gray & 1:
            found ^= columns[at]
        gray >>= 1
        at += 1
    found ^= int(_shift(index, seed) * (1 << _BITS))
    return (found + 0.5) / (1 << _BITS)


@functools.lru_cache(maxsize=64)
def _columns(index: int) -> tuple[int, ...]:
    """The direction numbers of one dimension, after Joe and Kuo (2008)."""
    if index == 0:
        return tuple(1 << (_BITS - 1 - at) for at in range(_BITS))
    coefficients, first = _DIRECTIONS[index - 1]
    degree = len(first)
    found = [number << (_BITS - 1 - at) for at, number in enumerate(first)]
    for at in range(degree, _BITS):
        value = found[at - degree] ^ (found[at - degree] >> degree)
        for k in range(1, degree):
            if coefficients >> (degree - 1 - k) & 1:
                value ^= found[at - k]
        found.append(value)
    return tuple(found)


_SHARES: Mapping[str, Callable[[int, int, int], float]] = {"sobol": _sobol, "halton": _halton}
_DIRECTIONS: tuple[tuple[int, tuple[int, ...]], ...] = (
    (0, (1,)),
    (1, (1, 3)),
    (1, (1, 3, 1)),
    (2, (1, 1, 1)),
    (1, (1, 1, 3, 3)),
    (4, (1, 3, 5, 13)),
    (2, (1, 1, 5, 5, 17)),
    (4, (1, 1, 5, 5, 5)),
    (7, (1, 1, 7, 11, 19)),
    (11, (1, 1, 5, 1, 1)),
    (13, (1, 1, 1, 3, 11)),
    (14, (1, 3, 5, 5, 31)),
    (1, (1, 3, 3, 9, 7, 49)),
    (13, (1, 1, 1, 15, 21, 21)),
    (16, (1, 3, 1, 13, 27, 49)),
    (19, (1, 1, 1, 15, 7, 5)),
    (22, (1, 3, 1, 15, 13, 25)),
    (25, (1, 1, 5, 5, 19, 61)),
    (1, (1, 3, 7, 11, 23, 15, 103)),
    (4, (1, 3, 7, 13, 13, 15, 69)),
)
_PRIMES = tuple(
    number for number in range(2, 542) if all(number % divisor for divisor in range(2, int(number**0.5) + 1))
)
