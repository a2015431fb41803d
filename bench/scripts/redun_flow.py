from typing import Any

from redun import task
from shapes import needs

redun_namespace = "bench"


@task()
def value(number: int, *taken: int) -> int:
    return sum(taken, number)


@task()
def main(count: int) -> Any:
    return joined(value, count)


def joined(work: Any, count: int, shape: str = "tree") -> Any:
    """The call of node 0, on the calls that it takes."""
    calls: dict[int, Any] = {}
    for number in reversed(range(count)):
        calls[number] = work(number, *[calls[one] for one in needs(number, count, shape)])
    return calls[0]
