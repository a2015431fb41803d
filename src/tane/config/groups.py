"""Config groups: folders of conf/'s layers whose files are options to choose from. Called by `defaults`.

    conf/base/model/{elastic_net,lightgbm}.yml      the group model with two options
    conf/base/db/engine/{fast,safe}.yml             the group db/engine

An option may stand in several layers: what they say merges, the higher over the lower. The highest layer that has a
`defaults:` list gives it; what layers above that one say comes over all that the list takes in. Options are read when
they are chosen, once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from pathlib import Path
from typing import NamedTuple

from tane import errors
from tane.config import documents, layers, origins, trees

DEFAULTS = "defaults"

Fetch = Callable[[str, origins.Origin, list[errors.Fault]], "Text | None"]


class Text(NamedTuple):
    """A document that was fetched: how messages name it, and what it says."""

    name: str
    content: str


class Document(NamedTuple):
    """One file of configuration, over all layers.

    `own` is what it says up to the layer whose defaults list counts, `above` what the layers over that one say.
    `package` is that of its header: where its values land, "" at the top, None where it does not say.
    """

    own: trees.Branch
    above: trees.Branch | None = None
    defaults: trees.Tree | None = None
    package: str | None = None


def document(parts: Sequence[trees.Branch], package: str | None = None) -> Document:
    """The document that layers make together, the lowest first."""
    at = max((i for i, part in enumerate(parts) if DEFAULTS in part.entries), default=None)
    bare = [_without_defaults(part) for part in parts]
    if at is None:
        return Document(_merged(bare), package=package)
    above = _merged(bare[at + 1 :]) if bare[at + 1 :] else None
    return Document(_merged(bare[: at + 1]), above, parts[at].entries[DEFAULTS], package)


class Groups:
    """The groups of a configuration: the folders named `tops` in `folders`, which are those of its layers, the lowest
    first, and the folders below.

    All files and folders that are looked at go to `files`. `fetch` gets what lies elsewhere. `plain` says that nothing
    that was read can be an interpolation.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        root: Path,
        files: list[Path],
        *,
        tops: Set[str],
        fetch: Fetch | None = None,
    ) -> None:
        self._folders = folders
        self._root = root
        self._files = files
        self._tops = tops
        self._fetch = fetch
        self.plain = True
        self._read: dict[str, tuple[Document | None, list[errors.Fault]]] = {}

    def exists(self, group: str) -> bool:
        """Whether any layer has a folder of this name."""
        if not self._is_name(group) or group.partition("/")[0] not in self._tops:
            return False
        found = False
        for folder in self._folders:
            self._files.append(folder / group)
            found = found or (folder / group).is_dir()
        return found

    def options(self, group: str) -> list[str]:
        """The names of a group's options, over all layers."""
        found: set[str] = set()
        for folder in self._folders if self._is_name(group) else ():
            found.update(path.stem for path in _listed(folder / group) if _is_option(path))
        return sorted(found)

    def names(self) -> list[str]:
        """The names of all groups that have options, nested ones as db/engine."""
        found: set[str] = set()
        for folder in self._folders:
            for top in self._tops:
                found.update(
                    path.parent.relative_to(folder).as_posix() for path in (folder / top).rglob("*") if _is_option(path)
                )
        return sorted(found)

    def place(self, name: str) -> str:
        """Where the file of the option `name` ("model/elastic_net") would stand."""
        if not self._folders:
            return f"{name}.yml"
        path = self._folders[0] / name
        beside = next((other.suffix for other in _listed(path.parent) if _is_option(other)), layers.SUFFIXES[0])
        return f"{layers.name_of(path, self._root)}{beside}"

    def read(self, name: str, origin: origins.Origin, faults: list[errors.Fault]) -> Document | None:
        """What the option `name` ("model/elastic_net", or a place elsewhere) says; None when there is no such file.

        `origin` is where it was asked for. Mistakes in it go to `faults`.
        """
        known = self._read.get(name)
        if known is None:
            found: list[errors.Fault] = []
            read = self._elsewhere(name, origin, found) if is_elsewhere(name) else self._of_layers(name, found)
            known = self._read[name] = (read, found)
        faults += known[1]
        return known[0]

    def _of_layers(self, name: str, faults: list[errors.Fault]) -> Document | None:
        if not self._is_name(name) or (name in layers.SECTIONS and name not in self._tops):
            return None
        parts: list[trees.Branch] = []
        package, found = None, False
        for path in self._paths(name, faults):
            found, label = True, layers.name_of(path, self._root)
            text = layers.read_text(path, label, faults)
            if text is not None:
                part, header = self._parsed(text, label, faults)
                parts += [] if part is None else [part]
                package = package if header is None else header
        return document(parts, package) if found else None

    def _paths(self, name: str, faults: list[errors.Fault]) -> list[Path]:
        """The files of an option, the lowest layer's first."""
        found: list[Path] = []
        stem = name.removesuffix(".yaml").removesuffix(".yml")
        for folder in self._folders:
            candidates = [folder / f"{stem}{suffix}" for suffix in layers.SUFFIXES]
            self._files += candidates
            there = [path for path in candidates if path.is_file()]
            found += there[:1]
            for twice in there[1:]:
                what, hint = f"there is {there[0].name} beside it", "keep one: which of them counts would be chance"
                faults.append(errors.Fault(what, layers.name_of(twice, self._root), hint))
        return found

    def _elsewhere(self, place: str, origin: origins.Origin, faults: list[errors.Fault]) -> Document | None:
        text = self._fetch(place, origin, faults) if self._fetch is not None else None
        if text is None:
            return None
        part, header = self._parsed(text.content, text.name, faults)
        return document([] if part is None else [part], header)

    def _parsed(self, text: str, name: str, faults: list[errors.Fault]) -> tuple[trees.Branch | None, str | None]:
        self.plain = self.plain and layers.is_plain(text)
        return documents.read(text, name, faults), documents.package(text, name, faults)

    def _is_name(self, name: str) -> bool:
        return not any(part in ("", ".", "..") for part in name.split("/"))


def is_elsewhere(name: str) -> bool:
    """Whether an option is given as a path or URL, rather than by its name in the group."""
    return "://" in name or (name.startswith(("/", "./", "../", "~/")) and name.endswith(layers.SUFFIXES))


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # not there, or not to be looked into: its options cannot be named
        return []


def _is_option(path: Path) -> bool:
    return path.suffix in layers.SUFFIXES and not path.name.startswith(".") and path.is_file()


def _without_defaults(tree: trees.Branch) -> trees.Branch:
    if DEFAULTS not in tree.entries:
        return tree
    return trees.Branch({key: item for key, item in tree.entries.items() if key != DEFAULTS}, tree.origin)


def _merged(parts: Sequence[trees.Branch]) -> trees.Branch:
    whole: trees.Tree = parts[0] if parts else trees.empty()
    for part in parts[1:]:
        whole = trees.merge(whole, part)
    assert isinstance(whole, trees.Branch)
    return whole
