import graphlib
import sys

import nodes
from watch import Watch, expected, needs

count = int(sys.argv[1])
functions = {f"v{number}": getattr(nodes, f"v{number}") for number in range(count)}
taken = {f"v{number}": needs(number, count) for number in range(count)}

with Watch():
    values: dict[str, int] = {}
    for name in graphlib.TopologicalSorter(taken).static_order():
        values[name] = functions[name](*[values[one] for one in taken[name]])
assert values["v0"] == expected(count)
