import nodes
from hamilton import ad_hoc_utils, driver
from shapes import asked, expected
from watch import Watch

count, _ = asked()


def one() -> int:
    return 1


driver.Builder().with_modules(ad_hoc_utils.create_temporary_module(one)).build().execute(["one"])  # import everything

with Watch():
    found = driver.Builder().with_modules(nodes).build().execute(["v0"])
assert found["v0"] == expected(count)
