import logging

import nodes
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import node, pipeline
from kedro.runner import SequentialRunner
from shapes import asked, expected, names
from watch import Watch

count, shape = asked()
logging.disable(logging.INFO)  # its log of two lines a node would cost more than the rest


def made(numbers: range) -> list[object]:
    return [node(getattr(nodes, f"v{number}"), names(number, count, shape) or None, f"v{number}") for number in numbers]


SequentialRunner().run(pipeline(made(range(count - 1, count))), DataCatalog())  # import everything

with Watch():
    found = SequentialRunner().run(pipeline(made(range(count))), DataCatalog())
result = found["v0"]
assert (result.load() if isinstance(result, MemoryDataset) else result) == expected(count)
