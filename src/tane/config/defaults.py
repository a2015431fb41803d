"""Defaults lists: what each entry of `defaults:` asks for, and where in the parameters it lands. Called by `choosing`.

    defaults:
      - base                          the file base.yml beside this one
      - model: elastic_net            the option elastic_net of the group model
      - db/engine@store: fast         its values land at store rather than at db.engine
      - model: [trees, linear]        several options, one over the other
      - optional site: ${host}        none, where there is no such file
      - cache: null                   a group of which nothing is taken, unless it is chosen
      - _self_                        here come this file's own values; at the end, where it is not said
      - override /db: sqlite          another choice for a group that an entry elsewhere takes in

Groups are sought below the group of the file that names them, or from the top when they begin with "/". Packages begin
at the package of that file; `_global_` is the top, `_here_` that package itself, `_group_` the group's own name.
"""

from __future__ import annotations

from collections.abc import Sequence

from tane import errors, fielded
from tane.config import groups, origins, trees

SELF = "_self_"
GLOBAL = "_global_"
_HERE = "_here_"
_GROUP = "_group_"
_KEYWORDS = ("optional", "override")
_HINT = "write - GROUP: OPTION, - FILE, or - _self_"

Value = str | tuple[str, ...] | None


@fielded.frozen
class Element:
    """One entry: the options `value` of `group`, or the file `value` when `group` is "".

    `package` is None where none is given.
    """

    group: str
    value: Value
    package: str | None
    origin: origins.Origin
    optional: bool = False
    override: bool = False
    appended: bool = False

    @property
    def is_self(self) -> bool:
        """Whether it stands for the file's own values."""
        return not self.group and self.value == SELF

    @property
    def name(self) -> str | None:
        """The one option that is chosen."""
        assert not isinstance(self.value, tuple)
        return self.value

    def folder(self, base: str) -> str:
        """The group in full, seen from a file of the group `base`."""
        own = self._own()
        if not base or self._whole.startswith("/"):
            return own
        return f"{base}/{own}" if own else base

    def path(self, base: str) -> str:
        """The name of its file: group and option, or a place elsewhere."""
        name, folder = str(self.name), self.folder(base)
        if groups.is_elsewhere(name) and (self.group or "://" in name):
            return name
        last = name if self.group else name.rpartition("/")[2]
        return f"{folder}/{last}" if folder else last

    def lands(self, base: str, parent: str, header: str | None = None) -> str:
        """The package of its values: `parent` is that of the file that names it, `header` what its own file says."""
        package = self._own().replace("/", ".")
        if self.package is not None:
            package = self._in_full(self.package, base)
        elif header is not None:
            package = f"{GLOBAL}.{self._in_full(header, base)}"
        return joined(parent, package)

    def key(self, base: str, parent: str) -> str:
        """What it is called when another choice is made for it: group, or group@package where that is not its own."""
        folder, package = self.folder(base), self.lands(base, parent)
        return folder if package == folder.replace("/", ".") else f"{folder}@{package or GLOBAL}"

    @property
    def _whole(self) -> str:
        return self.group or str(self.value)

    def _own(self) -> str:
        """The group as it is written."""
        if not self.group and "://" in str(self.value):
            return ""
        rest = self._whole.removeprefix("/")
        return rest if self.group else rest.rpartition("/")[0]

    def _in_full(self, package: str, base: str) -> str:
        if package == _HERE:
            return ""
        if _GROUP in package:
            return f"{GLOBAL}.{package.replace(_GROUP, self.folder(base).replace('/', '.'))}"
        return package


def joined(parent: str, package: str) -> str:
    """A package below another one; what stands before `_global_` does not count."""
    whole = f"{parent}.{package}" if parent and package else parent or package
    at = whole.rfind(GLOBAL)
    return whole if at < 0 else whole[at + len(GLOBAL) :].lstrip(".")


def itself(origin: origins.Origin) -> Element:
    """The entry `_self_`."""
    return Element("", SELF, None, origin)


def read(tree: trees.Tree | None, faults: list[errors.Fault]) -> list[Element]:
    """The entries of a defaults list; what is none goes to `faults`."""
    if tree is None:
        return []
    if not isinstance(tree, trees.Items):
        what = f"`defaults` is {trees.kind(tree)}, not a list of what to take in"
        faults.append(errors.Fault(what, str(tree.origin), f"{_HINT}; or give the parameter another name"))
        return []
    found = [_element(item, faults) for item in tree.items]
    return [each for each in found if each is not None]


def _element(item: trees.Tree, faults: list[errors.Fault]) -> Element | None:
    where = str(item.origin)
    if isinstance(item, trees.Leaf) and isinstance(item.value, str) and item.value:
        path, at, package = item.value.partition("@") if "://" not in item.value else (item.value, "", "")
        if path == SELF and at:
            faults.append(errors.Fault("_self_ has no package of its own", where, "write - _self_"))
            return None
        return Element("", path, _package(package) if at else None, item.origin)
    if not isinstance(item, trees.Branch):
        shown = trees.shown(trees.plain(item))
        faults.append(errors.Fault(f"{shown} is no entry of a defaults list", where, _HINT))
        return None
    if len(item.entries) != 1:
        what = f"an entry of a defaults list names {len(item.entries)} groups"
        faults.append(errors.Fault(what, where, "begin each of them with a dash: one group in an entry"))
        return None
    ((key, chosen),) = item.entries.items()
    *words, group = trees.key_text(key).split(" ")
    group, at, package = group.partition("@")
    unknown = [word for word in words if word not in _KEYWORDS]
    if unknown or not group.strip("/"):
        what = f"{trees.key_text(key)!r} names no group"
        faults.append(errors.Fault(what, where, "write GROUP, optional GROUP or override GROUP"))
        return None
    value = options(chosen, faults)
    if value is _NONE:
        return None
    assert value is None or isinstance(value, str | tuple)
    return Element(
        group,
        value,
        _package(package) if at else None,
        chosen.origin,
        optional="optional" in words,
        override="override" in words,
    )


_NONE = object()


def options(tree: trees.Tree, faults: list[errors.Fault], where: str = "") -> Value | object:
    """The option or options that a value chooses; something else, with a fault, when it chooses none."""
    value = trees.plain(tree)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    what = f"{trees.shown(value)} is {trees.kind(value)}, not the name of an option"
    hint = "put it in quotes: names are text" if not isinstance(value, dict | list) else "name an option, or several"
    faults.append(errors.Fault(what, where or str(tree.origin), hint))
    return _NONE


def is_choice(value: Value | object) -> bool:
    """Whether `options` found any."""
    return value is not _NONE


def _package(text: str) -> str:
    """A package as it is given; what a colon renames it to was never used."""
    return text.partition(":")[0]


def named(elements: Sequence[Element]) -> bool:
    """Whether any entry takes something in, `_self_` among them."""
    return any(not each.override for each in elements)
