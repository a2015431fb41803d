import logging
import sys

import nodes
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import node, pipeline
from kedro.runner import SequentialRunner
from watch import Watch, expected, needs

count = int(sys.argv[1])
logging.disable(logging.INFO)  # its log of two lines a node would cost more than the rest


def made(numbers: range, size: int) -> list[object]:
    return [node(getattr(nodes, f"v{number}"), needs(number, size) or None, f"v{number}") for number in numbers]


SequentialRunner().run(pipeline(made(range(count - 3, count), count)), DataCatalog())  # import everything

with Watch():
    found = SequentialRunner().run(pipeline(made(range(count), count)), DataCatalog())
result = found["v0"]
assert (result.load() if isinstance(result, MemoryDataset) else result) == expected(count)
