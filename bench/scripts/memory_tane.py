import nodes
from shapes import asked, expected
from watch import Watch

import tane

count, _ = asked()
functions = [getattr(nodes, f"v{number}") for number in range(count)]
tane.run(tane.Pipeline(functions[-3:]))  # import everything

with Watch():
    run = tane.run(tane.Pipeline(functions))
assert run["v0"] == expected(count)
