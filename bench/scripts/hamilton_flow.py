import nodes
from hamilton import driver

print(driver.Builder().with_modules(nodes).with_cache(path="cache").build().execute(["v0"]))
