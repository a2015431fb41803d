from dagster import AssetIn, AssetsDefinition, asset, materialize, mem_io_manager
from shapes import asked, expected, names
from watch import Watch

count, shape = asked()
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def made(number: int) -> AssetsDefinition:
    taken = {f"taken{place}": AssetIn(name) for place, name in enumerate(names(number, count, shape))}
    arguments = ", ".join(f"{name}: int" for name in taken)
    space: dict[str, object] = {}
    exec(f"def value({arguments}) -> int:\n    return {' + '.join([*taken, str(number)])}\n", space)
    return asset(name=f"v{number}", ins=taken, io_manager_key="memory")(space["value"])


materialize([made(count - 1)], resources={"memory": mem_io_manager}, run_config=QUIET)  # import everything

with Watch():
    found = materialize([made(n) for n in range(count)], resources={"memory": mem_io_manager}, run_config=QUIET)
assert found.output_for_node("v0") == expected(count)
