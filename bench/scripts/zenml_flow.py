"""The tree of four nodes. Without ZenML's cache: each run counts as a first one."""

from zenml import pipeline, step


@step
def leaf(number: int) -> int:
    return number


@step
def one_more(taken: int) -> int:
    return taken + 1


@step
def total(one: int, two: int) -> int:
    return one + two


@pipeline(enable_cache=False)
def values() -> None:
    total(one_more(leaf(3)), leaf(2))


if __name__ == "__main__":
    values()
