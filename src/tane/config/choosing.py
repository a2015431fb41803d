"""What defaults lists and overrides choose: the files to take in, in their order. Called by `compose`.

The rules are those of Hydra 1.3. A choice on the command line wins over those of files; an `override` in a file wins
over the entry it is about; of two, that of the file further up, or further down the same list. Lists are followed from
their end, so an entry may only be overridden from above it, or from an entry after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tane import errors, fielded, patterns
from tane.config import defaults, grammar, groups, origins, scalars, trees

Origin = origins.Origin
Interpolate = Callable[[str, Mapping[str, str | None], Origin], "str | None"]

_MOST = 20  # names in a message
_INTERPOLATION = patterns.lazily(r"\$\{([^{}:.]+)\}")


class Choice(NamedTuple):
    """What was chosen of a group, and where."""

    value: defaults.Value
    origin: Origin


class Part(NamedTuple):
    """Values to take in, and the package they land at. `once` is the choice by which they may come but once."""

    package: str
    tree: trees.Branch
    once: str = ""
    origin: Origin = Origin()


@fielded.mutable
class _Forced:
    """A choice that stands in for the entry's own."""

    value: defaults.Value
    origin: Origin
    override: grammar.Override | None  # None: said by a file
    hint: str = ""
    used: bool = False


class Chosen(NamedTuple):
    """What a configuration is made of: its values, the choices by group, overrides that are about values."""

    tree: trees.Branch
    choices: Mapping[str, Choice]
    values: list[grammar.Override]


def choose(
    primary: groups.Document,
    repository: groups.Groups,
    overrides: Sequence[grammar.Override],
    faults: list[errors.Fault],
    interpolate: Interpolate | None = None,
) -> Chosen:
    """Take in all that the primary document's defaults list names, with these overrides. Mistakes go to `faults`.

    `interpolate` resolves what is more than the name of another group.
    """
    walk = _Walk(repository, faults, interpolate)
    about_values = walk.sort(overrides)
    try:
        parts = walk.whole(primary)
    except RecursionError:
        hint = "have fewer files that each take in the next"
        faults.append(errors.Fault("defaults lists are nested too deeply", str(primary.own.origin), hint))
        return Chosen(primary.own, {}, [])
    tree = _merged(parts, faults)
    about_values += walk.leftovers(tree)
    order = {id(override): at for at, override in enumerate(overrides)}
    about_values.sort(key=lambda override: order[id(override)])
    return Chosen(tree, walk.choices, about_values)


def _merged(parts: Sequence[Part], faults: list[errors.Fault]) -> trees.Branch:
    whole: trees.Tree = trees.empty()
    seen: dict[str, Origin] = {}
    for part in parts:
        if part.once:
            if part.once in seen:
                faults.append(
                    errors.Fault(
                        f"{part.once} is taken in twice: here and at {seen[part.once]}",
                        str(part.origin),
                        "keep one of them",
                    )
                )
            seen[part.once] = part.origin
        tree: trees.Tree = part.tree
        for key in reversed(part.package.split(".") if part.package else ()):
            tree = trees.Branch({key: tree}, part.tree.origin)
        whole = trees.merge(whole, tree)
    assert isinstance(whole, trees.Branch)
    return whole


class _Walk:
    """One composition."""

    def __init__(self, repository: groups.Groups, faults: list[errors.Fault], interpolate: Interpolate | None) -> None:
        self.repository = repository
        self.faults = faults
        self.interpolate = interpolate
        self.choices: dict[str, Choice] = {}
        self.known: dict[str, Choice] = {}  # those of one option, which interpolations may name
        self.forced: dict[str, _Forced] = {}
        self.deleted: dict[str, _Forced] = {}
        self.appended: list[defaults.Element] = []

    # --- overrides ---

    def sort(self, overrides: Sequence[grammar.Override]) -> list[grammar.Override]:
        """Note those that choose; the others are given back."""
        values = []
        for override in overrides:
            if not self._chooses(override):
                values.append(override)
        return values

    def _chooses(self, override: grammar.Override) -> bool:
        """Whether the override is about a group; then it is noted, or a fault."""
        where, is_dotted = str(override.origin), len(override.keys) > 1
        group = "/".join(override.keys)
        if isinstance(override.value, trees.Branch) or not self.repository.exists(group):
            if "/" in override.name or override.package is not None:
                self.faults.append(self._no_group(override.name, where))
                return True
            return False
        if is_dotted and override.sign:
            return False  # +db.engine=fast adds a value
        value: object = None
        if override.value is not None:
            assert isinstance(override.value, trees.Leaf | trees.Items)
            found: list[errors.Fault] = []
            value = defaults.options(override.value, found, where)
            if not defaults.is_choice(value):
                self.faults += found if override.sign else ()
                return bool(override.sign)
        assert value is None or isinstance(value, str | tuple)
        self._note(override, group, value)
        return True

    def _no_group(self, group: str, where: str) -> errors.Fault:
        names = self.repository.names()
        hint = f"groups are {_few(names)}" if names else "make the folder, with its options in it"
        return errors.Fault(f"there is no group {group!r}", where, errors.did_you_mean(group, names, hint))

    def _note(self, override: grammar.Override, group: str, value: defaults.Value) -> None:
        where = str(override.origin)
        key = group if override.package is None else f"{group}@{override.package}"
        if override.sign == "++":
            what = f"{key} is a group: an option of it is chosen or added, not forced"
            self.faults.append(errors.Fault(what, where, f"write {key}=... or +{key}=..."))
        elif override.sign == "~":
            if isinstance(value, tuple):
                self.faults.append(errors.Fault("one option is taken away at a time", where, f"write ~{key}"))
            else:
                self.deleted[key] = _Forced(value, override.origin, override)
        elif override.sign == "+":
            self.appended.append(defaults.Element(group, value, override.package, override.origin, appended=True))
        else:
            self.forced[key] = _Forced(value, override.origin, override)

    def leftovers(self, tree: trees.Branch) -> list[grammar.Override]:
        """Overrides of groups that no defaults list takes in: about a value of that name, or faults."""
        values = []
        for key, forced in [*self.forced.items(), *self.deleted.items()]:
            if forced.used:
                continue
            override = forced.override
            present = None if override is None or override.package else trees.find(tree, override.keys)
            if override is not None and present is not None and not isinstance(present, trees.Branch):
                values.append(override)
            else:
                self.faults.append(self._unused(key, forced))
        return values

    def _unused(self, key: str, forced: _Forced) -> errors.Fault:
        group = key.partition("@")[0]
        others = [other for other in self.choices if other.partition("@")[0] == group]
        near = errors.nearest(key, self.choices)
        if self.deleted.get(key) is forced and key in self.choices:
            said = self.choices[key]
            what = f"{key} is {_shown(said.value)} ({said.origin}), not {_shown(forced.value)}"
            return errors.Fault(what, str(forced.origin), f"write ~{key} to take it away whatever it is")
        if key in self.choices:
            what = f"the override of {key} comes too late: {self.choices[key].origin} stands after what takes it in"
            return errors.Fault(what, str(forced.origin), "put the entry it is about above")
        if others and forced.override is None:
            hint = f"did you mean {' or '.join(map(_from_the_top, others))}?"
        elif others:
            hint = f"did you mean {' or '.join(map(repr, others))}?"
        elif forced.override is not None and not self.repository.options(group):
            return self._no_group(group, str(forced.origin))
        elif forced.override is None:
            hint = forced.hint or "name it without `override` to take it in"
        elif forced.override.sign == "~":
            hint = "leave it out"
        else:
            hint = f"did you mean {near!r}? or " if near else ""
            hint += f"use +{key}={_shown(forced.value)} to add it"
        return errors.Fault(f"no defaults list takes in the group {key!r}", str(forced.origin), hint)

    # --- the lists ---

    def whole(self, primary: groups.Document) -> list[Part]:
        """All there is to take in, in order."""
        package = defaults.joined("", f"{defaults.GLOBAL}.{primary.package}") if primary.package else ""
        parts = self._inside(primary, "", package, (), root=True)
        return [Part(package, primary.own), *_above(primary, package)] if parts is None else parts

    def _visit(
        self, element: defaults.Element, base: str, parent: str, trail: tuple[str, ...], *, interpolated: bool = False
    ) -> list[Part]:
        """What one entry takes in."""
        key = element.key(base, parent) if element.group else ""
        name = element.name
        if key in self.deleted and self.deleted[key].value in (None, name):
            self.deleted[key].used = True
            return []
        if key:
            self._know(key, name, element)
        if name is None:
            return []
        if name == scalars.MISSING:
            there = self.repository.options(element.folder(base))
            what = f"an option of {key or 'this list'} must be chosen"
            hint = f"write {key}=OPTION; there are: {_few(there)}" if there else "name a file"
            self.faults.append(errors.Fault(what, str(element.origin), hint))
            return []
        path = element.path(base)
        if path in trail:
            circle = " -> ".join((*trail[trail.index(path) :], path))
            hint = "take one of them out of its defaults list"
            self.faults.append(errors.Fault(f"defaults lists go in a circle: {circle}", str(element.origin), hint))
            return []
        before = len(self.faults)
        document = self.repository.read(path, element.origin, self.faults)
        if document is None:
            if not element.optional and len(self.faults) == before:
                self.faults.append(self._absent(element, base))
            return []
        package = element.lands(base, parent, document.package)
        parts = self._inside(document, element.folder(base), package, (*trail, path), interpolated=interpolated)
        if parts is not None:
            return parts
        once = f"{key}={name}" if key else ""
        return [Part(package, document.own, once, element.origin), *_above(document, package)]

    def _know(self, key: str, name: str | None, element: defaults.Element) -> None:
        known = self.known.setdefault(key, Choice(name, element.origin))
        if known.value != name:
            one, other = (known, element) if known.origin.kind == origins.COMMAND_LINE else (element, known)
            hint = f"keep one; to choose anew write `override {key}: {_shown(name)}`"
            if one.origin.kind == origins.COMMAND_LINE:
                hint = f"write {key}={_shown(one.value)} to choose anew"
            what = f"{key} is {_shown(one.value)} here and {_shown(other.value)} at {other.origin}"
            self.faults.append(errors.Fault(what, str(one.origin), hint))
        self.choices.setdefault(key, self.known[key])

    def _absent(self, element: defaults.Element, base: str) -> errors.Fault:
        where, name = str(element.origin), str(element.name)
        if not element.group:
            path = element.path(base)
            others = self.repository.options(element.folder(base)) if element.folder(base) else []
            place = self.repository.place(path)
            hint = errors.did_you_mean(path.rpartition("/")[2], others, f"make it: {place}")
            return errors.Fault(f"there is no file {place} to take in", where, hint)
        group = element.folder(base)
        options = self.repository.options(group)
        if options:
            is_name = name.replace("-", "_").isidentifier()
            add = f", or add {self.repository.place(f'{group}/{name}')}" if is_name else ""
            hint = errors.did_you_mean(name, options, f"write one of them{add}")
            what = f"the group {group!r} has no option {name!r}; there are: {_few(options)}"
            return errors.Fault(what, where, hint)
        if group.partition("/")[0] == "hydra":
            return errors.Fault(f"{group!r} is a group of Hydra's own", where, "leave it out: nothing here reads it")
        if base and element.group in self.repository.names():
            hint = f"write /{element.group}: without the slash it is seen from {base!r}"
            return errors.Fault(f"there is no group {group!r}", where, hint)
        return self._no_group(group, where)

    def _inside(
        self,
        document: groups.Document,
        folder: str,
        package: str,
        trail: tuple[str, ...],
        *,
        interpolated: bool = False,
        root: bool = False,
    ) -> list[Part] | None:
        """What a document and all that its defaults list names give; None when it has no such list."""
        elements = defaults.read(document.defaults, self.faults)
        selves = [each for each in elements if each.is_self]
        for twice in selves[1:]:
            self.faults.append(errors.Fault("_self_ stands twice in one defaults list", str(twice.origin), "keep one"))
            elements.remove(twice)
        if not selves and (defaults.named(elements) or (root and not elements)):
            elements.append(defaults.itself(document.own.origin))
        own = len(elements)
        elements += self.appended if root else ()
        self._register(elements, folder, package, interpolated)
        if not defaults.named(elements):
            return None
        slots: list[list[Part]] = [[] for _ in elements]
        later: list[tuple[int, defaults.Element]] = []
        for at in reversed(range(len(elements))):
            element = elements[at]
            if element.is_self:
                slots[at] = [Part(package, document.own)]
            elif not element.override:
                element = self._forced(element, folder, package)
                if isinstance(element.value, tuple):
                    slots[at] = self._several(element, folder, package, trail, interpolated)
                elif "${" in (element.value or ""):
                    later.append((at, element))
                else:
                    slots[at] = self._visit(element, folder, package, trail, interpolated=interpolated)
        known = {key: choice.value for key, choice in self.known.items() if not isinstance(choice.value, tuple)}
        for at, element in later:
            resolved = self._resolved(element, known)
            if resolved is not None:
                slots[at] = self._visit(resolved, folder, package, trail, interpolated=True)
        slots.insert(own, _above(document, package))
        return [part for parts in slots for part in parts]

    def _several(
        self, element: defaults.Element, folder: str, package: str, trail: tuple[str, ...], interpolated: bool
    ) -> list[Part]:
        """The options of one group, one over the other."""
        assert isinstance(element.value, tuple)
        key, where = element.key(folder, package), str(element.origin)
        if key in self.deleted and self.deleted[key].value is None:
            self.deleted[key].used = True
            return []
        self.choices.setdefault(key, Choice(element.value, element.origin))
        found: list[list[Part]] = []
        for option in reversed(element.value):
            if "${" in option:
                what = f"{option!r} stands in a list of options, where nothing is interpolated"
                self.faults.append(errors.Fault(what, where, "name the option"))
                continue
            path = option if groups.is_elsewhere(option) else f"{element.group}/{option}"
            one = defaults.Element("", path, element.package, element.origin, element.optional)
            if groups.is_elsewhere(option):
                one = fielded.replace(element, value=option)
            found.append(self._visit(one, folder, package, trail, interpolated=interpolated))
        return [part for parts in reversed(found) for part in parts]

    def _forced(self, element: defaults.Element, folder: str, package: str) -> defaults.Element:
        """The entry with the choice that was made for it elsewhere."""
        forced = self.forced.get(element.key(folder, package)) if element.group else None
        if forced is None:
            return element
        forced.used = True
        return fielded.replace(element, value=forced.value, origin=forced.origin)

    def _register(self, elements: Sequence[defaults.Element], folder: str, package: str, interpolated: bool) -> None:
        """Note the overrides among the entries."""
        last: defaults.Element | None = None
        for element in elements:
            if element.is_self:
                continue
            if last is not None and not element.override and not element.appended:
                what = f"the override at {last.origin} stands before an entry that is none"
                self.faults.append(errors.Fault(what, str(element.origin), "put overrides at the end of the list"))
            if not element.override:
                continue
            last = element
            key = element.key(folder, package)
            if interpolated:
                what = f"{key} is overridden by a file that an interpolated entry takes in"
                hint = "override it in a file taken in by its name"
                self.faults.append(errors.Fault(what, str(element.origin), hint))
            elif key not in self.forced:
                hint = ""
                if package and not element.group.startswith("/") and element.package is None:
                    hint = f"write `override /{element.group}@{defaults.GLOBAL}...` where it lies outside of {package}"
                self.forced[key] = _Forced(element.value, element.origin, None, hint)

    def _resolved(self, element: defaults.Element, known: Mapping[str, str | None]) -> defaults.Element | None:
        """An entry with its interpolations of other choices resolved; None with a fault."""
        text = str(element.value)
        names = [match[1] for match in _INTERPOLATION.finditer(text)]
        if all(name in known for name in names):
            text = _INTERPOLATION.sub(lambda match: str(known[match[1]]), text)
        if "${" in text:
            given = self.interpolate(text, known, element.origin) if self.interpolate is not None else None
            if given is None:
                hint = f"groups chosen so far: {', '.join(known)}" if known else "no group is chosen before it"
                what = f"{element.value!r} names a choice that is not made"
                self.faults.append(errors.Fault(what, str(element.origin), hint))
                return None
            text = given
        return fielded.replace(element, value=text)


def _above(document: groups.Document, package: str) -> list[Part]:
    return [] if document.above is None else [Part(package, document.above)]


def _from_the_top(key: str) -> str:
    """How any file's list says `override` of the entry with this key."""
    group, _, package = key.partition("@")
    return f"`override /{group}@{defaults.GLOBAL}.{package or group.replace('/', '.')}`"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST]) + (f", ... ({len(names)} in all)" if len(names) > _MOST else "")


def _shown(value: defaults.Value) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(value)}]"
    return "null" if value is None else value
