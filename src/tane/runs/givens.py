"""What the steps of one run have to go on: the values known so far, and each step's arguments and tasks made from them.

Owned by the loop. It knows which value is kept, held in memory, left out by a condition, and when nobody needs one any
more; it decides nothing and runs nothing but conditions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from tane import errors, fielded
from tane.catalog import catalogs, codecs
from tane.ledger import records
from tane.pipeline import graph, nodes
from tane.plan import steps, transforms
from tane.runs import arguments, calling, fanning, gathered, keeping, keying, sources, work


class Absent(NamedTuple):
    """What keeps a step from running: `skipped` because of a condition, or `unmade`, by a failure or until now."""

    skipped: Sequence[str]
    unmade: Sequence[str]


_NOTHING_ABSENT = Absent((), ())


class Givens:
    """The values of one run. `kept` by the name they were made or pinned under, `held` those in memory."""

    def __init__(
        self,
        run: str,
        pipeline: graph.Pipeline,
        catalog: catalogs.Catalog,
        place: arguments.Place,
        keys: keying.Keys,
        active: transforms.Transforms,
        start: sources.Sources,
        *,
        root: Path,
        keep: bool,
    ) -> None:
        self._run = run
        self._catalog = catalog
        self._place = place
        self._keys = keys
        self._transforms = active
        self._root = str(root)
        self._keep = keep
        self._in_place = start.in_place
        self._takers: dict[str, int] = {}
        for node in pipeline.nodes:
            for name in node.needs:
                self._takers[name] = self._takers.get(name, 0) + 1
        self._forms: dict[str, str] = {}  # a transcoded dataset's plain name -> the name it was made under
        self._left_out = set(map(nodes.base_name, start.left_out))
        self._lasting = frozenset(start.held)  # nobody could make these again
        self.datasets = {name: catalog.find(name) for name in pipeline.datasets()}
        self.catalogued = any(dataset is not None for dataset in self.datasets.values())
        self.kept: dict[str, records.Kept] = dict(start.kept)
        self.held: dict[str, Any] = dict(start.held)

    # --- values ----------------------------------------------------------------------------------------------------

    def find(self, name: str) -> records.Kept | None:
        """What is known of a dataset, in whichever of its forms it was made; None before it is."""
        found = self.kept.get(name)
        if found is None and "@" in name:
            found = self.kept.get(self._forms.get(nodes.base_name(name), ""))
        return found

    def add(self, kept: records.Kept) -> None:
        """A step has made, or would have made, `kept`."""
        self.kept[kept.name] = kept
        if "@" in kept.name:
            self._forms[nodes.base_name(kept.name)] = kept.name

    def forget(self, step: steps.Step) -> None:
        """A step has failed: what it had made before, and was to make again, is not to be had."""
        for name in step.node.outputs:
            self.kept.pop(name, None)

    def leave_out(self, outputs: Sequence[str]) -> None:
        """These will not be made, and that is no failure."""
        self._left_out.update(map(nodes.base_name, outputs))

    def is_left_out(self, name: str) -> bool:
        """Whether a dataset is not made because a condition does not hold."""
        return nodes.base_name(name) in self._left_out

    def absent(self, step: steps.Step) -> Absent:
        """What a step needs and cannot have."""
        names = [name for name in step.needs if self.find(name) is None]
        if not names:
            return _NOTHING_ABSENT
        node = step.node
        needed = [name for name in names if name not in node.optional or name in step.looks]
        skipped = [name for name in needed if self.is_left_out(name)]
        if not skipped and not node.always and step.takes and all(map(self.is_left_out, step.takes)):
            skipped = list(step.takes)
        return Absent(skipped, [name for name in (needed if node.always else names) if not self.is_left_out(name)])

    def let_go(self, step: steps.Step) -> None:
        """Free values whose last taker is done."""
        for name in step.needs:
            self._takers[name] -= 1
            if not self._takers[name]:
                if name not in self._lasting:
                    self.held.pop(name, None)
                self._place.shared.pop(name, None)

    # --- what a step is given --------------------------------------------------------------------------------------

    def task(
        self, step: steps.Step, label: str, *, remote: bool, fan: fanning.Fan | None = None, index: int = -1
    ) -> work.Task:
        """All that performing the step takes, or its work on one item."""
        node = step.node

        def argument(name: str) -> arguments.Argument:
            if fan is not None and name in fan.lanes:
                return fan.lanes[name].items[index].argument
            return self._argument(step, name, remote=remote, often=fan is not None)

        outputs = self.outputs(step)
        return work.Task(
            run=self._run,
            node=label,
            func=node.func,
            positional=tuple(map(argument, self._positional(step))),
            by_name=tuple((name, argument(taken)) for name, taken in self._by_name(step)),
            outputs=outputs if fan is None else fanning.as_item(outputs, label),
            returns=node.returns,
            keys=node.keys,
            streams=node.streams,
            root=self._root,
            wrap=self._place.wrap if remote else None,
        )

    def inputs(self, step: steps.Step, fan: fanning.Fan | None = None, index: int = -1) -> list[records.Kept]:
        """The datasets a step was given, each in a form that is in the store."""
        found = []
        for name in step.takes:
            kept = self.find(name)
            if fan is not None and name in fan.lanes:
                found.append(self._stored(name, fan.lanes[name].items[index].argument))
            elif kept is not None and (kept.value or kept.file or name not in self.held):
                found.append(fielded.replace(kept, name=name))
            elif name in self.held:
                found.append(self._stored(name, arguments.Held(self.held[name])))
        return found

    def outputs(self, step: steps.Step) -> tuple[keeping.Output, ...]:
        """Where what the step makes goes."""
        found = []
        for name in step.node.outputs:
            entry = self._catalog.entry(name)
            in_memory = entry is not None and (entry.kind == "memory" or entry.keep == "none")
            dataset = self.datasets[name]
            kept = self._keep and not in_memory
            found.append(keeping.Output(name, dataset, kept, self._keys.saver(dataset)))
        return tuple(found)

    def adds(self, step: steps.Step) -> bool:
        """Whether the step adds to what is there already, so that its inputs do not say what comes of it."""
        found = (self.datasets[name] for name in step.node.outputs)
        return any(dataset is not None and dataset.accumulates for dataset in found)

    def seconds_by_input(self, step: steps.Step, loading: Sequence[float]) -> Mapping[str, float]:
        """How long loading each input took, from the times of the arguments in order."""
        names = [*self._positional(step), *(taken for _, taken in self._by_name(step))]
        return dict(zip(names, loading, strict=False))

    def fan(self, step: steps.Step) -> fanning.Fan:
        """The items of what a step is fanned out over. Raises when it is nothing that has items."""
        node = step.node
        return fanning.fan({name: self._lane(step, name) for name in node.over}, node.name)

    def holds(self, step: steps.Step) -> bool:
        """Whether the step's condition is true. Raises `errors.UserCodeError` for what it raises."""
        when = step.node.when
        assert when is not None
        seen = dict(step.asked)
        with ExitStack() as during:
            for name in step.looks:
                seen[name] = self._argument(step, name, remote=False).fetch(self._place, during)
            return calling.ask(when, seen, step.node.name)

    def _positional(self, step: steps.Step) -> Sequence[str]:
        """The positional inputs; those after one that was left out go by name."""
        given = step.node.positional
        if not self._left_out and not step.node.always:
            return given
        absent = next((at for at, name in enumerate(given) if self._is_absent(step, name)), len(given))
        return given[:absent]

    def _by_name(self, step: steps.Step) -> Sequence[tuple[str, str]]:
        node = step.node
        pairs: Sequence[tuple[str, str]] = node.by_name
        if self._left_out or node.always:
            rest = nodes.bound(node)[len(self._positional(step)) : len(node.positional)]
            pairs = (*rest, *pairs)
        return [(argument, name) for argument, name in pairs if not self._is_absent(step, name)]

    def _is_absent(self, step: steps.Step, name: str) -> bool:
        """Whether the callable's own default stands for an input: a parameter not set, a dataset left out."""
        if name not in step.node.optional or name in step.params:
            return False
        return nodes.is_parameter(name) or self.find(name) is None

    def _argument(self, step: steps.Step, name: str, *, remote: bool, often: bool = False) -> arguments.Argument:
        if name in step.params:
            return arguments.Held(step.arguments.get(name, step.params[name]))
        return self._wrapped(name, self._plain_argument(name, remote=remote, often=often))

    def _plain_argument(self, name: str, *, remote: bool, often: bool) -> arguments.Source:
        if name in self.held:
            return arguments.Held(self.held[name])
        kept = self.find(name)
        assert kept is not None
        dataset = self.datasets[name]
        if dataset is not None and dataset.kind == "file" and kept.file:
            path, signature = self._in_place.get(name, (None, None))
            shared = not remote and (often or self._takers[name] > 1)
            return arguments.Filed(dataset, kept.file, path, signature, shared)
        return arguments.Stored(name, kept.codec, kept.value)

    def _wrapped(self, name: str, argument: arguments.Source) -> arguments.Argument:
        """The argument with the input transforms that apply to it."""
        dataset = self.datasets[name]
        found = self._transforms.of(name, dataset.type if dataset is not None else "")
        return arguments.Transformed(argument, name, found) if found else argument

    def _lane(self, step: steps.Step, name: str) -> fanning.Lane:
        place, keys, node = self._place, self._keys, step.node.name
        if name in step.params:
            return fanning.of_value(step.arguments.get(name, step.params[name]), name, node, keys, place)
        kept, dataset = self.find(name), self.datasets[name]
        assert kept is not None
        if dataset is not None and dataset.kind == "file" and dataset.partitioned and kept.file:
            return fanning.of_partitions(kept, dataset, keys, place, lambda part: self._wrapped(name, part))
        argument = self._argument(step, name, remote=False)
        if isinstance(argument, arguments.Stored) and argument.codec == gathered.CODEC:
            return fanning.of_gathered(argument.digest, name, keys, place)
        with ExitStack() as during:
            return fanning.of_value(argument.fetch(place, during), name, node, keys, place)

    def _stored(self, name: str, argument: arguments.Argument) -> records.Kept:
        """An argument that is only in memory, put into the store; by name alone when it cannot be."""
        if isinstance(argument, arguments.Stored):
            return records.Kept(name, argument.digest, argument.codec, argument.digest)
        if isinstance(argument, arguments.Part):
            return records.Kept(name, argument.digest, file=argument.digest)
        try:
            with ExitStack() as during:
                encoded = codecs.encode(argument.fetch(self._place, during))
        except errors.TaneError:
            return records.Kept(name, keeping.unique())
        digest = self._place.store.put(encoded.chunks)
        return records.Kept(name, digest, encoded.codec, digest)
