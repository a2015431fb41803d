import sys

import nodes
from watch import Watch, expected

import tane

count = int(sys.argv[1])
functions = [getattr(nodes, f"v{number}") for number in range(count)]
tane.run(tane.Pipeline(functions[-3:]))  # import everything

with Watch():
    run = tane.run(tane.Pipeline(functions))
assert run["v0"] == expected(count)
