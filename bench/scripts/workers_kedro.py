import json
import logging
from pathlib import Path

import nodes
from kedro.io import SharedMemoryDataCatalog
from kedro.pipeline import node, pipeline
from kedro.runner import ParallelRunner
from kedro_datasets.json import JSONDataset
from shapes import asked, expected, names
from watch import Watch


def main() -> None:
    count, _ = asked()
    logging.disable(logging.INFO)
    with Watch():
        made = [node(getattr(nodes, f"v{n}"), names(n, count) or None, f"v{n}") for n in range(count)]
        catalog = SharedMemoryDataCatalog({"v0": JSONDataset(filepath="v0.json")})
        ParallelRunner(max_workers=2).run(pipeline(made), catalog)
    assert json.loads(Path("v0.json").read_text()) == expected(count)


if __name__ == "__main__":
    main()
