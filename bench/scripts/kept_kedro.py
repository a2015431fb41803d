import json
import logging
from pathlib import Path

import nodes
from kedro.io import DataCatalog
from kedro.pipeline import node, pipeline
from kedro.runner import SequentialRunner
from kedro_datasets.json import JSONDataset
from shapes import asked, expected, names
from watch import Watch

count, shape = asked()
logging.disable(logging.INFO)  # its log of two lines a node would cost more than the rest

with Watch():
    made = [node(getattr(nodes, f"v{n}"), names(n, count, shape) or None, f"v{n}") for n in range(count)]
    catalog = DataCatalog({f"v{n}": JSONDataset(filepath=f"data/v{n}.json") for n in range(count)})
    SequentialRunner().run(pipeline(made), catalog)
assert json.loads(Path("data/v0.json").read_text()) == expected(count)
