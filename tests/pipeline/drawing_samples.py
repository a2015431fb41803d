"""Stand-ins for pipelines, small enough to draw by hand."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tane.pipeline.drawing import scene


def work() -> None:
    """Do the work.

    Slowly.
    """


@dataclass(frozen=True)
class Node:
    name: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    func: Callable[..., object] = work
    after: tuple[str, ...] = ()
    namespace: str = ""


@dataclass(frozen=True)
class Pipeline:
    nodes: Sequence[Node]


CARS = Pipeline(
    [
        Node("load", ("cars_raw",), ("cars",), frozenset({"b", "a"})),
        Node("split", ("cars", "params:split.seed"), ("train", "test")),
        Node("fit", ("train", "params:model", "parameters"), ("model",)),
        Node("evaluate", ("model", "test"), ("metrics",)),
        Node("notify", after=("evaluate", "not here")),
    ]
)


def cars() -> scene.Scene:
    return scene.build(
        CARS,
        title="cars",
        datasets={
            "cars_raw": scene.DatasetInfo("pandas.CSVDataset", "data/cars.csv", "raw", "ab" * 32),
            "model": scene.DatasetInfo("pickle.PickleDataset", layer="models"),
        },
        steps={
            "load": scene.StepInfo("reused", 0.2, 0.0),
            "fit": scene.StepInfo("failed", 71.0, 60.0, ["code changed: fit()"], "cars.nodes", "Fit it."),
        },
        parameters={"split.seed": "7", "model.lr": "0.1", "model.depth": "6"},
    )


def layered(count: int, seed: int = 1) -> scene.Scene:
    """A random graph in which each node takes what up to three of the forty before it made."""
    chance = random.Random(seed)
    nodes = []
    for at in range(count):
        taken = {f"d{chance.randrange(max(0, at - 40), at)}" for _ in range(3) if at}
        inputs = (*sorted(taken), *((f"params:p{at % 50}",) if at % 3 == 0 else ()))
        nodes.append(Node(f"n{at}", inputs or ("raw",), (f"d{at}",)))
    return scene.build(Pipeline(nodes), title="layered")


def chain(count: int) -> scene.Scene:
    """A chain in which every node takes all parameters, and the last everything that was made."""
    made = [f"d{at}" for at in range(count)]
    nodes = [Node(f"n{at}", (made[at - 1], "parameters") if at else ("raw",), (made[at],)) for at in range(count)]
    return scene.build(Pipeline([*nodes, Node("last", tuple(made))]), title="chain")
