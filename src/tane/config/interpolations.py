"""`${...}` in a composed configuration, resolved: `compose` calls it last, and nothing else resolves.

`${a.b}` is looked up in the section it stands in, `${params:a.b}` in the parameters; in the catalog the latter stays as
it is, to be filled when a run knows its window. What a value was made from is kept with its origin. All mistakes are
found at once; what rests on a mistake is not told again.

A value of `???` is still to be given, and so is all that rests on it. `missing` finds them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tane import errors, fielded, patterns
from tane.config import layers, placeholders, resolvers, scalars, secret, trees

Keys = tuple[str, ...]

MISSING = scalars.MISSING

_SIGN = "${"
_PARAMS = "params"
_HEAD = patterns.lazily(r"[^.\[]*")
_REST = patterns.lazily(r"\.([^.\[]*)|\[(.*?)\]", re.S)
_INDEX = patterns.lazily(r"[+-]?[0-9]+\Z")
_SHOWN_ORIGINS = 3
_MOST = 50_000  # interpolations: a few mappings that name each other twice can stand for billions of values


def resolve(
    sections: Mapping[str, trees.Branch],
    own: Mapping[str, resolvers.Resolver],
    environ: Mapping[str, str],
    runtime: Mapping[str, Any],
    faults: list[errors.Fault],
) -> dict[str, trees.Branch]:
    """`sections` with every interpolation replaced by what it stands for; mistakes go to `faults`.

    `own` are the project's resolvers by name, `runtime` the facts of `resolvers.facts`.
    """
    done = dict(sections)
    concerned = [name for name, tree in sections.items() if _any(tree)]
    if concerned:
        world = _World(sections, own, environ, runtime, faults)
        try:
            for name in concerned:
                whole = world.full(sections[name], (name,))
                assert isinstance(whole, trees.Branch)
                done[name] = whole
        except _Refused as refused:
            faults.append(refused.fault)
    return done


def missing(tree: trees.Tree, before: Keys = ()) -> Iterator[tuple[Keys, trees.Leaf]]:
    """The values of `tree` that are still to be given, with their keys."""
    if isinstance(tree, trees.Branch):
        for key, item in tree.entries.items():
            yield from missing(item, (*before, trees.key_text(key)))
    elif isinstance(tree, trees.Items):
        for i, item in enumerate(tree.items):
            yield from missing(item, (*before, str(i)))
    elif tree.value == MISSING:
        yield before, tree


def _any(tree: trees.Tree) -> bool:
    """Whether there is anything to resolve in `tree`."""
    if isinstance(tree, trees.Branch):
        return any(map(_any, tree.entries.values()))
    if isinstance(tree, trees.Items):
        return any(map(_any, tree.items))
    value = tree.value
    if type(value) is secret.Secret:
        value = value.reveal()
    return type(value) is str and _SIGN in value


def _written(tree: trees.Tree) -> str | None:
    """The text of a leaf that is to be resolved."""
    if not isinstance(tree, trees.Leaf):
        return None
    value = tree.value
    if type(value) is secret.Secret:
        value = value.reveal()
    return value if type(value) is str and _SIGN in value else None


class _Refused(Exception):
    """An interpolation that stands for nothing. It is told once, whatever rests on it."""

    def __init__(self, fault: errors.Fault) -> None:
        super().__init__(fault.what)
        self.fault = fault
        self.told = False


class _Missing(Exception):
    """An interpolation of a value that is still to be given, at `keys`."""

    def __init__(self, place: resolvers.Place) -> None:
        super().__init__()
        self.place = place


class _World:
    """All sections, and what has been resolved of them. Places are section and keys; () is nowhere: all done."""

    def __init__(
        self,
        sections: Mapping[str, trees.Branch],
        own: Mapping[str, resolvers.Resolver],
        environ: Mapping[str, str],
        runtime: Mapping[str, Any],
        faults: list[errors.Fault],
    ) -> None:
        self.sections = sections
        self.own = own
        self.environ = environ
        self.runtime = runtime
        self.faults = faults
        self.answers: dict[tuple[str, str], Any] = {}
        self.asking = 0  # while a value is being made of others, their mistakes are its own
        self._replaced = 0
        self._targets: dict[Keys, resolvers.Place | _Refused] = {}
        self._following: list[Keys] = []
        self._within: list[Keys] = []

    def full(self, tree: trees.Tree, at: Keys) -> trees.Tree:
        """`tree`, which stands at `at`, with all in it resolved."""
        if not at or not _any(tree):
            return tree
        if isinstance(tree, trees.Leaf):
            return self._full_leaf(tree, at)
        self._within.append(at)
        try:
            if isinstance(tree, trees.Items):
                items = tuple(self.full(item, (*at, str(i))) for i, item in enumerate(tree.items))
                return fielded.replace(tree, items=items)
            entries = {key: self.full(item, (*at, trees.key_text(key))) for key, item in tree.entries.items()}
            return fielded.replace(tree, entries=entries)
        finally:
            self._within.pop()

    def _full_leaf(self, leaf: trees.Leaf, at: Keys) -> trees.Tree:
        self._replaced += 1
        try:
            target = self.follow(leaf, at)
            if self._replaced > _MOST:
                what = f"more than {_MOST:,} values are interpolated: mappings that hold each other grow without end"
                raise _Refused(errors.Fault(what, str(leaf.origin), "name single values rather than whole mappings"))
            if target.at in self._within:
                shown, around = _name(at), _name(target.at)
                raise _Refused(
                    errors.Fault(f"{shown} stands for {around}, which it is a part of", str(leaf.origin), _NO_CIRCLE)
                )
            self._within.append(at)
            try:
                return self.full(target.tree, target.at)
            finally:
                self._within.pop()
        except _Refused as refused:
            if self.asking or self._replaced > _MOST:
                raise
            if not refused.told:
                refused.told = True
                self.faults.append(refused.fault)
        except RecursionError:
            self.faults.append(errors.Fault(f"{_name(at)} is nested too deeply", str(leaf.origin), "make it flatter"))
        return leaf

    def follow(self, tree: trees.Tree, at: Keys) -> resolvers.Place:
        """What stands behind `tree`: itself, unless it is an interpolation. Raises `_Refused`."""
        text = _written(tree) if at else None
        if text is None:
            return resolvers.Place(tree, at)
        assert isinstance(tree, trees.Leaf)
        known = self._targets.get(at)
        if known is None:
            known = self._follow(tree, text, at)
        if isinstance(known, _Refused):
            raise known
        return known

    def _follow(self, leaf: trees.Leaf, text: str, at: Keys) -> resolvers.Place | _Refused:
        made: resolvers.Place | _Refused
        if at in self._following:
            circle = [*self._following[self._following.index(at) :], at]
            shown = " -> ".join(map(_name, circle))
            return _Refused(errors.Fault(f"interpolations run in a circle: {shown}", str(leaf.origin), _NO_CIRCLE))
        self._following.append(at)
        try:
            made = _Asked(self, leaf, at).made(text)
        except _Refused as refused:
            made = refused
        finally:
            self._following.pop()
        self._targets[at] = made
        return made


_NO_CIRCLE = "write one of them out"
_PARTS = (placeholders.Node, placeholders.Call, placeholders.Joined, placeholders.Listed, placeholders.Mapped)


class _Asked:
    """One leaf in the making; what resolvers may ask of it is `resolvers.Asked`."""

    def __init__(self, world: _World, leaf: trees.Leaf, at: Keys) -> None:
        self.world = world
        self.leaf = leaf
        self.here = at
        self.secret = type(leaf.value) is secret.Secret
        self.environ = world.environ
        self.runtime = world.runtime
        self._sources: dict[str, None] = {}

    def made(self, text: str) -> resolvers.Place:
        """What the leaf's `text` stands for."""
        try:
            found = self._value(self._read(placeholders.read, text))
        except _Missing:
            return resolvers.Place(trees.Leaf(MISSING, self._origin()), ())
        if isinstance(found, resolvers.Place):
            if isinstance(found.tree, trees.Leaf):
                found = found.tree
            else:
                return resolvers.Place(fielded.replace(found.tree, origin=self._origin()), found.at)
        if isinstance(found, trees.Leaf | trees.Branch | trees.Items):
            found = fielded.replace(found, origin=self._origin())
        else:
            found = trees.of(found, self._origin())
        return resolvers.Place(_wrapped(found) if self.secret else found, ())

    def _origin(self) -> Any:
        sources = list(self._sources)
        if len(sources) > _SHOWN_ORIGINS:
            sources[_SHOWN_ORIGINS:] = ["..."]
        return self.leaf.origin._replace(through=", ".join(sources))

    def _refused(self, what: str, hint: str) -> _Refused:
        return _Refused(errors.Fault(f"{_name(self.here)}: {what}", str(self.leaf.origin), hint))

    def _read(self, reader: Any, text: str) -> Any:
        try:
            return reader(text)
        except placeholders.Bad as bad:
            shown = "a secret" if self.secret else trees.shown(text)
            raise self._refused(f"{bad.what}, at column {bad.column} of {shown}", bad.hint) from None
        except RecursionError:
            raise self._refused("the text is nested too deeply", "make it flatter") from None

    # --- parts of the text ---

    def _value(self, part: Any) -> Any:
        """A plain value, a tree, or a place of what a part stands for."""
        kind = type(part)
        if kind is placeholders.Node:
            place = self.require(self._path(part.pieces))
            self._note(place)
            return place
        if kind is placeholders.Call:
            return self._call(part)
        if kind is placeholders.Joined:
            return "".join(map(self._text, part.parts))
        if kind is placeholders.Listed:
            return [self._plain(item) for item in part.items]
        if kind is placeholders.Mapped:
            return {key: self._plain(item) for key, item in part.entries}
        return part

    def _note(self, place: resolvers.Place) -> None:
        origin = place.tree.origin
        if isinstance(place.tree, trees.Leaf) and (origin.file or origin.through):
            self._sources.setdefault(str(origin))

    def _plain(self, part: Any) -> Any:
        """A part as the plain value that resolvers take; secrets are revealed, for what is made is one again."""
        found = self._value(part)
        if isinstance(found, resolvers.Place):
            found = self.whole(found)
        if isinstance(found, trees.Leaf | trees.Items | trees.Branch):
            if any(True for _ in missing(found)):
                raise _Missing(resolvers.Place(found, ()))
            return _revealed(trees.plain(found))
        return found

    def _text(self, part: Any) -> str:
        """A part within longer text."""
        if isinstance(part, str):
            return part
        value = self._value(part)
        if isinstance(value, resolvers.Place | trees.Leaf):
            leaf = value.tree if isinstance(value, resolvers.Place) else value
            value = _revealed(leaf.value) if isinstance(leaf, trees.Leaf) else leaf
        if value is None or isinstance(value, list | tuple | Mapping | trees.Items | trees.Branch):
            what = f"{getattr(part, 'text', 'a part')} is {trees.kind(value)}, which cannot stand within text"
            raise self._refused(what, "name a plain value")
        return str(value)

    def _path(self, pieces: Sequence[Any]) -> str:
        return "".join(piece if isinstance(piece, str) else self._key(piece) for piece in pieces)

    def _key(self, part: Any) -> str:
        value = self._plain(part)
        if not isinstance(value, str | int):
            raise self._refused(f"{part.text} is {trees.kind(value)}, which is no key", "let it stand for a key")
        return trees.key_text(value)

    def _call(self, call: placeholders.Call) -> Any:
        name = self._path(call.name)
        if name == _PARAMS and self.here[0] == layers.CATALOG:  # filled when a run knows its window
            if not any(isinstance(argument, _PARTS) for argument in call.arguments):
                return call.text
            return f"{_SIGN}{name}:{','.join(map(self._text, call.arguments))}}}"
        if name in self.world.own:
            return self._own(name, [self._plain(argument) for argument in call.arguments])
        builtin = resolvers.BUILTIN.get(name)
        if builtin is None:
            raise self._refused(f"there is no resolver {name!r}", _unknown(name, resolvers.names(self.world.own)))
        least, most = resolvers.TAKES[name]
        if not least <= len(call.arguments) <= most:
            many = str(least) if least == most else f"{least} or {most}"
            raise self._refused(f"{name} takes {many} values, not {len(call.arguments)}", f"write ${{{name}:...}}")
        arguments = [self._plain(argument) for argument in call.arguments]
        try:
            return builtin(self, *arguments)
        except resolvers.Unresolved as unresolved:
            raise self._refused(unresolved.what, unresolved.hint) from None

    def _own(self, name: str, arguments: list[Any]) -> Any:
        """What a resolver of the project gives: called once for the same arguments."""
        known = (name, repr(arguments))
        if known not in self.world.answers:
            try:
                given = self.world.own[name](*arguments)
            except Exception as error:
                what = f"the resolver {name!r} raised {type(error).__name__}"
                what += "" if self.secret else f": {error}"
                raise self._refused(what, "mend the function, or what it is given") from error
            if not _is_plain(given):
                hint = "return text, numbers, true, false, null, lists or mappings of these"
                raise self._refused(f"the resolver {name!r} gave {trees.kind(given)}", hint)
            self.world.answers[known] = given
        return self.world.answers[known]

    # --- what resolvers ask ---

    def note_variable(self, name: str) -> None:
        """Note that the value comes from an environment variable."""
        self._sources.setdefault(f"environment variable {name}")

    def decode(self, text: str) -> Any:
        """What a text reads as."""
        return self._value(self._read(placeholders.element, text))

    def whole(self, place: resolvers.Place) -> trees.Tree:
        """A part with all that is in it resolved. Raises `_Refused` where that cannot be."""
        found = self.world.follow(place.tree, place.at)
        self.world.asking += 1
        try:
            return self.world.full(found.tree, found.at)
        finally:
            self.world.asking -= 1

    def select(self, key: str, *, parameters: bool = False) -> resolvers.Place | None:
        """What stands at a key; None where there is nothing, or a value still to be given."""
        found = self._find(key, parameters)
        return None if isinstance(found, str) or _is_missing(found.tree) else found

    def require(self, key: str, *, parameters: bool = False) -> resolvers.Place:
        """What stands at a key. Raises with the nearest key."""
        found = self._find(key, parameters)
        if isinstance(found, str):
            raise self._refused(found, self._near(key, parameters))
        if _is_missing(found.tree):
            self._note(found)
            raise _Missing(found)
        return found

    def _find(self, key: str, parameters: bool) -> resolvers.Place | str:
        """What stands at a key, or what is wrong with it."""
        dots, keys = _split(key)
        if parameters and layers.PARAMETERS not in self.world.sections and len(self.world.sections) == 1:
            what = f"{_section(self.here[0])} is read before the parameters are known"
            raise self._refused(what, "write ${env:NAME}, or a key of the same file")
        base: Keys = (layers.PARAMETERS,) if parameters else self.here[:1]
        if dots and not parameters:
            if dots >= len(self.here):
                raise self._refused(f"{key!r} leads out of {_section(self.here[0])}", self._near(key, parameters))
            base = self.here[:-dots]
        tree: trees.Tree | None = self.world.sections.get(base[0], trees.empty())
        assert tree is not None
        tree = trees.find(tree, base[1:])
        assert tree is not None
        place = resolvers.Place(tree, base)
        for one in keys:
            place = self.world.follow(place.tree, place.at)
            if _is_missing(place.tree):
                return place
            what = f"{one!r} of {key!r}: {_name(place.at) or 'what comes before it'} is {trees.kind(place.tree)}"
            if isinstance(place.tree, trees.Leaf):
                return what
            if isinstance(place.tree, trees.Items) and not _INDEX.match(one):
                raise self._refused(what, self._near(key, parameters))
            below = trees.child(place.tree, one)
            if below is None:
                return f"there is no {key!r}"
            place = resolvers.Place(below, (*place.at, one) if place.at else ())
        return self.world.follow(place.tree, place.at)

    def _near(self, key: str, parameters: bool) -> str:
        section = self.world.sections.get(layers.PARAMETERS if parameters else self.here[0], trees.empty())
        there = list(trees.paths(section))
        bare = key.lstrip(".")
        ends = [other for other in there if other.endswith(f".{bare}")]
        near = ends[0] if len(ends) == 1 else errors.nearest(bare, there)
        if near is not None and near != bare:
            return f"did you mean {near!r}?"
        if near is not None and key.startswith("."):
            return f"write ${{{near}}}: dots before a key count from where it stands"
        params = self.world.sections.get(layers.PARAMETERS)
        if self.here[0] != layers.PARAMETERS and params is not None and trees.find(params, bare.split(".")):
            return f"write ${{params:{bare}}} for the parameter"
        return "add the key, give another, or write \\${ for the signs themselves"


def _split(key: str) -> tuple[int, list[str]]:
    """How many dots a key begins with, and its parts: a.b, a[b] and [a].b are the same."""
    bare = key.lstrip(".")
    dots = len(key) - len(bare)
    if not bare:
        return dots, []
    head = _HEAD.match(bare)
    assert head is not None
    keys = [head[0]] if head[0] else []
    keys += [found[1] if found[1] is not None else found[2] for found in _REST.finditer(bare, head.end())]
    return dots, keys


def _is_missing(tree: trees.Tree) -> bool:
    return isinstance(tree, trees.Leaf) and tree.value == MISSING


def _wrapped(tree: trees.Tree) -> trees.Tree:
    """A tree whose every leaf is a secret."""
    if isinstance(tree, trees.Branch):
        return fielded.replace(tree, entries={key: _wrapped(item) for key, item in tree.entries.items()})
    if isinstance(tree, trees.Items):
        return fielded.replace(tree, items=tuple(map(_wrapped, tree.items)))
    return tree if type(tree.value) is secret.Secret else fielded.replace(tree, value=secret.Secret(tree.value))


def _revealed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _revealed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_revealed(item) for item in value]
    return value.reveal() if type(value) is secret.Secret else value


_PLAIN = (str, int, float, bool, type(None))


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(type(key) in _PLAIN and _is_plain(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return type(value) in _PLAIN


def _unknown(name: str, names: Sequence[str]) -> str:
    known = {
        "now": "a time would be another one each run: give it by an override, or by ${env:NAME}",
        "hydra": "write ${runtime:cwd} or another fact that ${runtime:...} knows",
        "globals": "write ${a.b} for a key of this section, ${params:a.b} for a parameter",
        "runtime_params": "write ${params:a.b}: overrides change the parameters",
    }
    otherwise = f"there are {', '.join(names)}; a project's own are named in pyproject.toml"
    return known.get(name) or errors.did_you_mean(name, names, otherwise)


def _name(at: Keys) -> str:
    """A place as messages name it: parameters by their keys, all else with the section."""
    return ".".join(at[1:] if at[:1] == (layers.PARAMETERS,) else at)


def _section(name: str) -> str:
    return f"the {name}" if name in layers.SPREAD else f"{name}.yml"
