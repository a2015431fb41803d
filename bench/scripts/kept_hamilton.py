import sys

import nodes
from hamilton import driver
from watch import Watch, expected

count = int(sys.argv[1])

with Watch():
    found = driver.Builder().with_modules(nodes).with_cache(path="cache").build().execute(["v0"])
assert found["v0"] == expected(count)
