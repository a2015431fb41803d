from prefect import flow, task
from shapes import expected, needs

COUNT = 4


@task
def value(number: int, *taken: int) -> int:
    return sum(taken, number)


@flow
def values() -> int:
    known: dict[int, int] = {}
    for number in reversed(range(COUNT)):
        known[number] = value(number, *[known[one] for one in needs(number, COUNT)])
    return known[0]


assert values() == expected(COUNT)
