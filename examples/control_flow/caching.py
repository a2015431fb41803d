"""Of three steps one is done in every run: the day cannot be kept. What follows it runs only if the day changed."""

import datetime

from tane import Pipeline, node


def primes(below: int = 100) -> list[int]:
    """Kept: the same parameter gives the same numbers."""
    return [n for n in range(2, below) if all(n % d for d in range(2, n))]


def today() -> str:
    """Never kept."""
    return datetime.date.today().isoformat()


def chosen(primes: list[int], today: str) -> int:
    """The prime of the day."""
    return primes[datetime.date.fromisoformat(today).toordinal() % len(primes)]


pipeline = Pipeline([primes, node(today, None, "today", cache=False), chosen])
