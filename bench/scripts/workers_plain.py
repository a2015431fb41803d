"""Each node of the tree is one call of a bare pool of two processes, level by level."""

from concurrent.futures import ProcessPoolExecutor

import nodes
from shapes import asked, expected, needs
from watch import Watch


def main() -> None:
    count, _ = asked()
    values: dict[int, int] = {}
    with Watch(), ProcessPoolExecutor(2) as pool:
        for level in reversed(range(count.bit_length())):
            numbers = range(2**level - 1, min(2 ** (level + 1) - 1, count))
            under_way = {
                number: pool.submit(getattr(nodes, f"v{number}"), *[values[one] for one in needs(number, count)])
                for number in numbers
            }
            values |= {number: future.result() for number, future in under_way.items()}
    assert values[0] == expected(count)


if __name__ == "__main__":
    main()
