"""What a drawing shows: nodes, datasets and parameters as items, and the edges between them.

The command line calls `build` with a pipeline and what catalog and ledger know of it; `folding` makes less of a
scene; `terminal`, `svg` and `page` draw it. A scene is a plain value: the same pipeline gives the same scene,
whatever the order in its sets.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

from tane import fielded
from tane.pipeline import nodes as described
from tane.pipeline.drawing import wording

Kind = Literal["node", "dataset", "parameter", "namespace"]


class NodeLike(Protocol):
    """What is drawn of a node. `namespace after when over always`, as `nodes.Node` has them, are read where present."""

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


@fielded.frozen
class DatasetInfo:
    """What the catalog and the store know of a dataset."""

    type: str = ""
    place: str = ""
    layer: str = ""
    digest: str = ""


@fielded.frozen
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


@fielded.frozen
class Item:
    """One thing drawn: a node, a dataset, a parameter, or a namespace folded into one box.

    `takes` and `makes` are a node's items in declared order, by index in the scene. `home` is the namespace whose frame
    the item lies in: a dataset lies where it is made and taken. `inside` is the one that nothing of it leaves: a
    dataset that is taken elsewhere too may lie in a frame, yet be seen when that is folded. `when` is a node's
    condition in words, `over` names the inputs of which it takes one item at a time, `always` says that it runs however
    the others ended, `command` is the text of a shell command. `holds` is the number of nodes in a folded namespace.
    """

    kind: Kind
    name: str
    dataset: DatasetInfo = DatasetInfo()
    step: StepInfo = StepInfo()
    value: str = ""
    tags: tuple[str, ...] = ()
    namespace: str = ""
    home: str = ""
    inside: str = ""
    takes: tuple[int, ...] = ()
    makes: tuple[int, ...] = ()
    when: str = ""
    over: tuple[str, ...] = ()
    always: bool = False
    command: str = ""
    after: tuple[str, ...] = ()
    holds: int = 0

    @property
    def works(self) -> bool:
        """Whether it does something: a node, or nodes in a box."""
        return self.kind in ("node", "namespace")

    @property
    def label(self) -> str:
        """The name as it is drawn: a parameter without its prefix, with its value where that is short."""
        return self.label_within(())

    def label_within(self, frames: Collection[str]) -> str:
        """The label without the namespace that a frame around it says already."""
        name = self.name
        if self.kind == "parameter":
            name = described.parameter_key(name) or name
        for space in reversed(wording.around(self.inside)):
            if space in frames and name.startswith(f"{space}."):
                name = name[len(space) + 1 :]
                break
        short = self.kind == "parameter" and self.value and len(self.value) <= 18 and "\n" not in self.value
        return f"{name} = {self.value}" if short else name


@fielded.frozen
class Edge:
    """From item to item by index.

    `order` when no data flows: one node only waits for the other, or for what its condition looks at. `when` is that
    condition in words.
    """

    source: int
    target: int
    order: bool = False
    when: str = ""


@fielded.frozen
class Scene:
    """Nodes in topological order, datasets and parameters where they first occur, and their edges."""

    title: str
    items: tuple[Item, ...]
    edges: tuple[Edge, ...] = fielded.field(default=())

    def of_kind(self, kind: Kind) -> list[Item]:
        """The items of one kind, in order."""
        return [item for item in self.items if item.kind == kind]

    def workers(self) -> list[Item]:
        """The nodes and folded namespaces, in order."""
        return [item for item in self.items if item.works]

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
    they do not name is drawn without details. The forms of a dataset ("cars@pandas", "cars@polars") are one.
    """
    known, done, values = _bases(datasets or {}), steps or {}, parameters or {}
    index: dict[tuple[bool, str], int] = {}  # a node and a dataset may share a name
    items: list[Item] = []
    edges: list[Edge] = []

    def place(name: str) -> int:
        name = described.base_name(name) if not described.is_parameter(name) else name
        at = index.get((False, name))
        if at is None:
            at = index[False, name] = len(items)
            if described.is_parameter(name):
                items.append(Item("parameter", name, value=_value(name, values)))
            else:
                items.append(Item("dataset", name, dataset=known.get(name, DatasetInfo())))
        return at

    for node in pipeline.nodes:
        takes = tuple(dict.fromkeys(place(name) for name in node.inputs))
        when = getattr(node, "when", None)
        looks = [place(name) for name in when.inputs] if when is not None else []
        at = index[True, node.name] = len(items)
        items.append(_node(node, done.get(node.name, StepInfo())))
        makes = tuple(dict.fromkeys(place(name) for name in node.outputs))
        items[at] = fielded.replace(items[at], takes=takes, makes=makes)
        edges += [Edge(source, at) for source in takes]
        edges += [Edge(source, at, order=True, when=str(when)) for source in looks]
        edges += [Edge(at, target) for target in makes]
    edges += _orders(pipeline.nodes, index, edges)
    kept = merged(edges)
    return Scene(title, tuple(_housed(items, kept)), kept)


def merged(edges: Iterable[Edge]) -> tuple[Edge, ...]:
    """One edge for each pair of items, none from an item to itself; data outweigh order."""
    found: dict[tuple[int, int], Edge] = {}
    for edge in edges:
        if edge.source == edge.target:
            continue
        pair = edge.source, edge.target
        other = found.get(pair)
        if other is not None:
            words = dict.fromkeys(word for word in (other.when, edge.when) if word)
            edge = Edge(*pair, other.order and edge.order, " and ".join(words))
        found[pair] = edge
    return tuple(found.values())


def _orders(nodes: Sequence[NodeLike], index: Mapping[tuple[bool, str], int], edges: Iterable[Edge]) -> list[Edge]:
    """Edges from nodes to those that go after them. One that runs last of all comes after those nobody follows."""
    made = []
    for node in nodes:
        for name in getattr(node, "after", None) or ():
            before = index.get((True, name))
            if before is not None:
                made.append(Edge(before, index[True, node.name], order=True))
    last = [node for node in nodes if getattr(node, "always", False) and not getattr(node, "after", None)]
    if last:
        followed = {edge.source for edge in (*edges, *made)}
        ends = []
        for node in nodes:
            at = index[True, node.name]
            outputs = [index[False, described.base_name(name)] for name in node.outputs]
            if not getattr(node, "always", False) and followed.isdisjoint([*outputs, *([] if outputs else [at])]):
                ends.append(at)
        made += [Edge(end, index[True, node.name], order=True) for node in last for end in ends]
    return made


def _housed(items: Sequence[Item], edges: Iterable[Edge]) -> list[Item]:
    """The items with the namespaces they lie within."""
    makers: dict[int, int] = {}
    takers: dict[int, list[int]] = {}
    for edge in edges:
        if items[edge.source].kind == "node":
            makers[edge.target] = edge.source
        else:
            takers.setdefault(edge.source, []).append(edge.target)
    housed = []
    for at, item in enumerate(items):
        home = inside = ""
        if item.kind == "node":
            home = inside = item.namespace
        elif at in takers and (at in makers or item.kind == "parameter"):
            spaces = [items[other].namespace for other in takers[at]]
            if item.kind == "parameter":
                key = described.parameter_key(item.name)
                inside = common(spaces)
                while inside and not key.startswith(f"{inside}."):
                    inside = inside.rpartition(".")[0]
                home = inside
            else:
                maker = items[makers[at]].namespace
                inside = common([maker, *spaces])
                home = max((common([maker, space]) for space in spaces), key=len)
        housed.append(fielded.replace(item, home=home, inside=inside) if home else item)
    return housed


def common(namespaces: Sequence[str]) -> str:
    """The innermost namespace around all of these."""
    parts = [namespace.split(".") for namespace in namespaces]
    kept = []
    for level in zip(*parts, strict=False):
        if len(set(level)) > 1:
            break
        kept.append(level[0])
    return ".".join(kept)


def _bases(datasets: Mapping[str, DatasetInfo]) -> dict[str, DatasetInfo]:
    """What is known by name of dataset, the forms of one taken together."""
    found: dict[str, DatasetInfo] = {}
    for name, info in datasets.items():
        base = described.base_name(name)
        other = found.get(base)
        if other is not None:
            types = ", ".join(dict.fromkeys(each for each in (other.type, info.type) if each))
            info = DatasetInfo(types, other.place or info.place, other.layer or info.layer, other.digest or info.digest)
        found[base] = info
    return found


def _node(node: NodeLike, step: StepInfo) -> Item:
    func: Any = node.func
    while not hasattr(func, "__name__") and callable(getattr(func, "func", None)):  # functools.partial
        func = func.func
    command = getattr(func, "text", "") if _is_command(func) else ""
    if not hasattr(func, "__name__"):
        func = type(func)
    module, name = getattr(func, "__module__", None), getattr(func, "__qualname__", func.__name__)
    step = fielded.replace(
        step,
        reasons=tuple(step.reasons),
        module=step.module or ("" if command else f"{module}.{name}" if module else name),
        doc=step.doc or ("" if command else _clean(getattr(func, "__doc__", None) or "")),
    )
    when = getattr(node, "when", None)
    return Item(
        "node",
        node.name,
        step=step,
        tags=tuple(sorted(node.tags)),
        namespace=getattr(node, "namespace", None) or "",
        when=str(when) if when is not None else "",
        over=tuple(getattr(node, "over", ())),
        always=bool(getattr(node, "always", False)),
        command=command,
        after=tuple(getattr(node, "after", None) or ()),
    )


def _is_command(func: object) -> bool:
    """Whether a callable is a shell command; told by its class's name, which spares importing that module."""
    return f"{type(func).__module__}.{type(func).__name__}" == "tane.pipeline.commands.Command"


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
