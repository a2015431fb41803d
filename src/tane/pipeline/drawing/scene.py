"""What a drawing shows: nodes, datasets and parameters as items, and the edges between them.

The command line calls `build` with a pipeline and what catalog and ledger know of it; `terminal`, `svg` and
`page` draw the scene. A scene is a plain value: the same pipeline gives the same scene, whatever the order in
its sets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from tane.pipeline import nodes as described

Kind = Literal["node", "dataset", "parameter"]


class NodeLike(Protocol):
    """What is drawn of a node. `namespace` (dotted) and `after` (names of nodes) are read where present."""

    @property
    def name(self) -> str:
        """Its unique name."""
        ...

    @property
    def inputs(self) -> Sequence[str]:
        """The datasets and parameters it takes."""
        ...

    @property
    def outputs(self) -> Sequence[str]:
        """The datasets it makes."""
        ...

    @property
    def tags(self) -> Iterable[str]:
        """Its tags."""
        ...

    @property
    def func(self) -> Callable[..., Any]:
        """What it calls."""
        ...


class PipelineLike(Protocol):
    """Nodes in topological order."""

    @property
    def nodes(self) -> Sequence[NodeLike]:
        """The nodes."""
        ...


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """What the catalog and the store know of a dataset."""

    type: str = ""
    place: str = ""
    layer: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class StepInfo:
    """How a node stands: its status in the last run or in a plan, when and for how long.

    `at` is in seconds since 1970. `module` and `doc` replace what the node's function says of itself.
    """

    status: str = ""
    seconds: float | None = None
    at: float | None = None
    reasons: Sequence[str] = ()
    module: str = ""
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing drawn. `takes` and `makes` are a node's items in declared order, by index in the scene."""

    kind: Kind
    name: str
    dataset: DatasetInfo = DatasetInfo()
    step: StepInfo = StepInfo()
    value: str = ""
    tags: tuple[str, ...] = ()
    namespace: str = ""
    takes: tuple[int, ...] = ()
    makes: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        """The name as it is drawn: a parameter without its prefix, with its value where that is short."""
        if self.kind != "parameter":
            return self.name
        key = described.parameter_key(self.name) or self.name
        short = self.value and len(self.value) <= 18 and "\n" not in self.value
        return f"{key} = {self.value}" if short else key


@dataclass(frozen=True, slots=True)
class Edge:
    """From item to item by index; `order` when no data flows, one node only waits for the other."""

    source: int
    target: int
    order: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """Nodes in topological order, datasets and parameters where they first occur, and their edges."""

    title: str
    items: tuple[Item, ...]
    edges: tuple[Edge, ...] = field(default=())

    def of_kind(self, kind: Kind) -> list[Item]:
        """The items of one kind, in order."""
        return [item for item in self.items if item.kind == kind]

    def layers(self) -> list[str]:
        """The datasets' layers, in order of first use."""
        return list(dict.fromkeys(item.dataset.layer for item in self.items if item.dataset.layer))

    def statuses(self) -> list[str]:
        """The nodes' statuses, in order of first use."""
        return list(dict.fromkeys(item.step.status for item in self.items if item.step.status))


def build(
    pipeline: PipelineLike,
    *,
    datasets: Mapping[str, DatasetInfo] | None = None,
    steps: Mapping[str, StepInfo] | None = None,
    title: str = "pipeline",
    parameters: Mapping[str, str] | None = None,
) -> Scene:
    """The scene of `pipeline`.

    `datasets` and `steps` are by dataset and node name, `parameters` the values' texts by dotted key. What
    they do not name is drawn without details.
    """
    known, done, values = datasets or {}, steps or {}, parameters or {}
    index: dict[tuple[bool, str], int] = {}  # a node and a dataset may share a name
    items: list[Item] = []
    edges: dict[Edge, None] = {}

    def place(name: str) -> int:
        at = index.get((False, name))
        if at is None:
            at = index[False, name] = len(items)
            if described.is_parameter(name):
                items.append(Item("parameter", name, value=_value(name, values)))
            else:
                items.append(Item("dataset", name, dataset=known.get(name, DatasetInfo())))
        return at

    for node in pipeline.nodes:
        takes = tuple(place(name) for name in node.inputs)
        at = index[True, node.name] = len(items)
        items.append(_node(node, done.get(node.name, StepInfo())))
        makes = tuple(place(name) for name in node.outputs)
        items[at] = replace(items[at], takes=takes, makes=makes)
        edges.update({Edge(source, at): None for source in takes})
        edges.update({Edge(at, target): None for target in makes})
    for node in pipeline.nodes:
        for name in getattr(node, "after", None) or ():
            before = index.get((True, name))
            if before is not None:
                edges[Edge(before, index[True, node.name], order=True)] = None
    return Scene(title, tuple(items), tuple(edges))


def reduce(scene: Scene, *, parameters: bool = True, datasets: bool = True) -> tuple[Scene, list[int]]:
    """Fewer kinds of items, and where each kept one stood before. Without datasets, nodes meet directly."""
    kept = [
        at
        for at, item in enumerate(scene.items)
        if item.kind == "node" or (parameters if item.kind == "parameter" else datasets)
    ]
    now = {before: at for at, before in enumerate(kept)}
    pairs = list(scene.edges)
    if not datasets:
        makers = {e.target: e.source for e in pairs if scene.items[e.target].kind == "dataset"}
        pairs = [Edge(makers.get(e.source, e.source), e.target, e.order) for e in pairs]
    edges = {Edge(now[e.source], now[e.target], e.order): None for e in pairs if e.source in now and e.target in now}
    items = tuple(
        replace(
            item,
            takes=tuple(now[i] for i in item.takes if i in now),
            makes=tuple(now[i] for i in item.makes if i in now),
        )
        for item in (scene.items[at] for at in kept)
    )
    return Scene(scene.title, items, tuple(edges)), kept


def _node(node: NodeLike, step: StepInfo) -> Item:
    func: Any = node.func
    while not hasattr(func, "__name__") and callable(getattr(func, "func", None)):  # functools.partial
        func = func.func
    if not hasattr(func, "__name__"):
        func = type(func)
    module, name = getattr(func, "__module__", None), getattr(func, "__qualname__", func.__name__)
    step = replace(
        step,
        reasons=tuple(step.reasons),
        module=step.module or (f"{module}.{name}" if module else name),
        doc=step.doc or _clean(getattr(func, "__doc__", None) or ""),
    )
    namespace = getattr(node, "namespace", None) or ""
    return Item("node", node.name, step=step, tags=tuple(sorted(node.tags)), namespace=namespace)


def _clean(doc: str) -> str:
    """A docstring without the indentation of its source (`inspect.cleandoc`, whose import is slow)."""
    first, _, rest = doc.expandtabs().partition("\n")
    lines = rest.splitlines()
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join([first.strip(), *(line[margin:].rstrip() for line in lines)]).strip()


def _value(name: str, values: Mapping[str, str]) -> str:
    """The text of a parameter: its own, or a line for each leaf below its key."""
    key = described.parameter_key(name)
    for exact in (key, name):
        if exact in values:
            return values[exact]
    below = f"{key}." if key else ""
    return "\n".join(f"{leaf[len(below) :]} = {values[leaf]}" for leaf in values if leaf.startswith(below))
