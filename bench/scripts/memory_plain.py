import graphlib

import nodes
from shapes import asked, expected, names
from watch import Watch

count, shape = asked()
functions = {f"v{number}": getattr(nodes, f"v{number}") for number in range(count)}
taken = {f"v{number}": names(number, count, shape) for number in range(count)}

with Watch():
    values: dict[str, int] = {}
    for name in graphlib.TopologicalSorter(taken).static_order():
        values[name] = functions[name](*[values[one] for one in taken[name]])
assert values["v0"] == expected(count)
