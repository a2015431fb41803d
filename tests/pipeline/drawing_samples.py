"""Stand-ins for pipelines, small enough to draw by hand."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tane.pipeline import graph, nodes
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
    over: tuple[str, ...] = ()
    always: bool = False


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
    made = []
    for at in range(count):
        taken = {f"d{chance.randrange(max(0, at - 40), at)}" for _ in range(3) if at}
        inputs = (*sorted(taken), *((f"params:p{at % 50}",) if at % 3 == 0 else ()))
        made.append(Node(f"n{at}", inputs or ("raw",), (f"d{at}",)))
    return scene.build(Pipeline(made), title="layered")


AREAS = graph.Pipeline(
    [
        nodes.node(work, None, "raw", name="read"),
        *(
            nodes.node(lambda *_: 1, takes, f"{area}.{makes}", name=name, namespace=f"{area}{inner}")
            for area in ("north", "south")
            for name, takes, makes, inner in (
                ("clean", ["raw", "params:rate"], "clean", ""),
                ("fit", [f"{area}.clean", f"params:{area}.lr"], "model", ".train"),
                ("check", [f"{area}.model"], "errors", ".train"),
                ("judge", [f"{area}.model", f"{area}.clean"], "metrics", ""),
            )
        ),
        nodes.node(lambda *_: 1, ["north.metrics", "south.metrics"], "summary", name="merge"),
    ]
)


def areas(**steps: str) -> scene.Scene:
    """Two areas with a namespace each, and one within; `steps` are statuses by node, with _ for the dots."""
    done = {node.name: steps.get(node.name.replace(".", "_"), "") for node in AREAS.nodes}
    return scene.build(
        AREAS,
        title="areas",
        steps={name: scene.StepInfo(status, 1.0, 5.0) for name, status in done.items() if status},
    )


def spaces(count: int, each: int) -> scene.Scene:
    """`count` namespaces of `each` nodes, half of them one deeper."""
    chance = random.Random(1)
    made = []
    for space in range(count):
        for at in range(each):
            before = [f"s{space}.d{at - 1}"] if at else [f"s{n}.d{each - 1}" for n in range(max(0, space - 2), space)]
            extra = [f"s{space}.d{chance.randrange(at - 1)}"] if at > 2 else []
            name = f"s{space}" if at < each // 2 else f"s{space}.deep"
            takes = tuple(dict.fromkeys([*(before or ["raw"]), *extra, f"params:p{at % 5}"]))
            made.append(Node(f"{name}.n{at}", takes, (f"s{space}.d{at}",), namespace=name))
    return scene.build(Pipeline(made), title="spaces")


def chain(count: int) -> scene.Scene:
    """A chain in which every node takes all parameters, and the last everything that was made."""
    made = [f"d{at}" for at in range(count)]
    links = [Node(f"n{at}", (made[at - 1], "parameters") if at else ("raw",), (made[at],)) for at in range(count)]
    return scene.build(Pipeline([*links, Node("last", tuple(made))]), title="chain")
