import nodes
from hamilton import driver
from shapes import asked, expected
from watch import Watch

count, _ = asked()

with Watch():
    found = driver.Builder().with_modules(nodes).with_cache(path="cache").build().execute(["v0"])
assert found["v0"] == expected(count)
