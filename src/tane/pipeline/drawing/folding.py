"""Less of a scene: without its parameters or datasets, or with namespaces folded into one box each.

Called by the command line and by `page`, `picture` and `terminal`. A namespace's box takes the place of its nodes and
of the datasets that are made and taken only there; edges lead to the box. Folding can lead edges in a circle, where a
namespace's nodes feed others that feed it again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from tane import fielded
from tane.pipeline.drawing import wording
from tane.pipeline.drawing.scene import Edge, Item, Scene, StepInfo, merged

_WORST = ("failed", "running", "would run", "skipped", "succeeded", "reused")


def namespaces(scene: Scene) -> list[str]:
    """All namespaces with nodes in them, each followed by those within, in order of first use."""
    found: dict[str, int] = {}
    for item in scene.items:
        if item.kind == "node" and item.namespace:
            for name in wording.around(item.namespace):
                found.setdefault(name, len(found))
    return sorted(found, key=lambda name: [found[outer] for outer in wording.around(name)])


def below(scene: Scene, depth: int) -> list[str]:
    """The namespaces to fold so that those of at most `depth` names stay open."""
    return [name for name in namespaces(scene) if name.count(".") == depth]


def fold(scene: Scene, folded: Collection[str]) -> tuple[Scene, list[int]]:
    """The scene with the namespaces `folded` as boxes, and where each item stood before.

    A box "stood" behind the items, at their number plus the namespace's place in `namespaces`.
    """
    order = {name: len(scene.items) + at for at, name in enumerate(namespaces(scene))}
    shut = {name for name in order if name in folded}
    boxed = {order[name]: name for name in shut}
    place: list[int] = []  # the item or box that stands for each item
    for at, item in enumerate(scene.items):
        name = _outermost(item.inside, shut)
        place.append(order[name] if name else at)
    kept = list(dict.fromkeys(place))
    now = {before: at for at, before in enumerate(kept)}
    pairs = [(place[edge.source], place[edge.target], edge) for edge in scene.edges]
    made = {pair[:2] for pair in pairs if pair[0] in boxed and scene.items[pair[2].target].kind == "dataset"}
    edges = merged(  # what a box makes and takes again is its own affair
        Edge(now[source], now[target], e.order, e.when) for source, target, e in pairs if (target, source) not in made
    )
    members: dict[int, list[Item]] = {}
    for at, item in enumerate(scene.items):
        if place[at] != at and item.kind == "node":
            members.setdefault(place[at], []).append(item)
    items = [
        _box(boxed[before], members[before], edges, at)
        if before in boxed
        else _renumbered(_moved(scene.items[before], shut), now, place)
        for at, before in enumerate(kept)
    ]
    return Scene(scene.title, tuple(items), edges), kept


def boxes(scene: Scene) -> list[Item]:
    """The box of each of the `namespaces`, in their order, folded alone."""
    found = []
    for name in namespaces(scene):
        inside = [item for item in scene.items if item.kind == "node" and name in wording.around(item.namespace)]
        found.append(_box(name, inside, (), -1))
    return found


def reduce(scene: Scene, *, parameters: bool = True, datasets: bool = True) -> tuple[Scene, list[int]]:
    """Fewer kinds of items, and where each kept one stood before. Without datasets, nodes meet directly."""
    kept = [
        at
        for at, item in enumerate(scene.items)
        if item.works or (parameters if item.kind == "parameter" else datasets)
    ]
    now = {before: at for at, before in enumerate(kept)}
    pairs: Iterable[Edge] = scene.edges
    if not datasets:
        makers: dict[int, int] = {}
        for edge in pairs:
            if scene.items[edge.target].kind == "dataset":
                makers[edge.target] = edge.source
        pairs = [fielded.replace(edge, source=makers.get(edge.source, edge.source)) for edge in pairs]
    edges = merged(
        Edge(now[e.source], now[e.target], e.order, e.when) for e in pairs if e.source in now and e.target in now
    )
    same = list(range(len(scene.items)))
    items = tuple(_renumbered(scene.items[at], now, same) for at in kept)
    return Scene(scene.title, items, edges), kept


def _outermost(home: str, shut: Collection[str]) -> str:
    """The outermost of the folded namespaces around `home`, or nothing."""
    if not home or not shut:
        return ""
    return next((name for name in wording.around(home) if name in shut), "")


def _moved(item: Item, shut: Collection[str]) -> Item:
    """The item beside the box of the namespace whose frame it lay in."""
    name = _outermost(item.home, shut)
    return fielded.replace(item, home=name.rpartition(".")[0]) if name else item


def _renumbered(item: Item, now: dict[int, int], place: Sequence[int]) -> Item:
    """The item with what it takes and makes by new indexes; what is not there any more is left out."""
    if not item.works:
        return item
    return fielded.replace(
        item,
        takes=tuple(dict.fromkeys(now[place[at]] for at in item.takes if place[at] in now)),
        makes=tuple(dict.fromkeys(now[place[at]] for at in item.makes if place[at] in now)),
    )


def _box(name: str, members: Sequence[Item], edges: Iterable[Edge], at: int) -> Item:
    home, _, _ = name.rpartition(".")
    return Item(
        "namespace",
        name,
        step=summed([item.step for item in members]),
        tags=tuple(sorted({tag for item in members for tag in item.tags})),
        namespace=name,
        home=home,
        inside=home,
        takes=tuple(edge.source for edge in edges if edge.target == at and not edge.order),
        makes=tuple(edge.target for edge in edges if edge.source == at and not edge.order),
        holds=len(members),
    )


def summed(steps: Sequence[StepInfo]) -> StepInfo:
    """How several steps stand as one: the status that most wants to be seen, all their time."""
    known = {status: at for at, status in enumerate(_WORST)}
    statuses = sorted((step.status for step in steps if step.status), key=lambda status: known.get(status, -1))
    seconds = [step.seconds for step in steps if step.seconds is not None]
    times = [step.at for step in steps if step.at is not None]
    return StepInfo(statuses[0] if statuses else "", sum(seconds) if seconds else None, max(times) if times else None)
