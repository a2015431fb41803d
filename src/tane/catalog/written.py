"""An entry of catalog.yml as it was written: its keys, where they stand, and the faults found in them.

`entries` reads entries through it. Every fault is noted, none raised, so that a user mends the file once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tane import errors, fielded
from tane.catalog import durations, kinds, places, remotes
from tane.config import origins

Origin = Callable[..., origins.Origin]  # the keys that lead to a value -> where it was written

OURS = ("type", "refresh", "versioned", "metadata", "layer", "keep")  # what every entry may say
FORMAT = 1  # raised when a format of ours starts to read or write otherwise
_KEEP = ("all", "last", "none")
_BACKENDS = ("pickle", "joblib", "cloudpickle")
_COMPRESSIONS = ("gzip", "bz2", "xz")


@fielded.frozen
class Context:
    """What entries refer to."""

    credentials: Mapping[str, Any]
    root: Path
    origin: Origin | None = None


class Entry:
    """One entry while it is read: its name, its name in the file, its body and the faults found in it.

    `above` are the keys that lead to the body from the entry's name: ("dataset",) for what partitions are.
    """

    def __init__(self, name: str, body: Any, context: Context, written: str = "", above: tuple[str, ...] = ()) -> None:
        self.name = name
        self.written = written or name
        self.body: dict[str, Any] = places.plain(body) if isinstance(body, Mapping) else {}
        self.context = context
        self.above = above
        self.faults: list[errors.Fault] = []

    def inside(self, key: str, body: Any) -> Entry:
        """What stands under a key of this entry and is read as an entry of its own; faults are noted together."""
        inner = Entry(self.name, body, self.context, self.written, (*self.above, key))
        inner.faults = self.faults
        return inner

    def where(self, *keys: str) -> str:
        """File and line of the entry or one of its keys; empty when unknown."""
        if self.context.origin is None:
            return ""
        found = self.context.origin("catalog", self.written, *self.above, *keys)
        return "" if found.kind == origins.NOWHERE else str(found)

    def fault(self, what: str, hint: str, *keys: str) -> None:
        """Note a mistake at one of the entry's keys."""
        within = f" in {'.'.join(self.above)}" if self.above else ""
        self.faults.append(errors.Fault(f"dataset {self.written!r}: {what}{within}", self.where(*keys), hint))

    def mapping(self, key: str) -> dict[str, Any]:
        """The value of a key that takes a mapping."""
        value = self.body.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.fault(f"{key} is {kind_of(value)}, not a mapping", f"write {key}: {{key: value}}", key)
            return {}
        return value

    def text(self, key: str) -> str:
        """The value of a key that takes a text; empty when it has none."""
        value = self.body.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.fault(f"{key} is {kind_of(value)}, not a text", f"write {key}: text", key)
            return ""
        return value

    def flag(self, key: str, default: bool) -> bool:
        """The value of a key that takes true or false."""
        value = self.body.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.fault(f"{key} is {value!r}", "write true or false", key)
            return default
        return value

    def check_keys(self, known: Iterable[str], kind: str) -> None:
        """Note the keys that nobody knows, each with the nearest right one."""
        allowed = list(known)
        for key in self.body:
            if key not in allowed:
                hint = errors.did_you_mean(str(key), allowed, f"{kind} takes {', '.join(allowed)}")
                self.fault(f"{kind} takes no key {str(key)!r}", hint, str(key))

    def said(self) -> dict[str, Any]:
        """The keys that every dataset has, checked."""
        keep = self.body.get("keep")
        if keep is not None and keep not in _KEEP:
            self.fault(f"keep is {keep!r}", f"choose one of {', '.join(_KEEP)}", "keep")
        metadata = self.mapping("metadata")
        viz = metadata.get("kedro-viz")
        layer = self.body.get("layer") or metadata.get("layer") or (viz.get("layer") if isinstance(viz, dict) else None)
        return {
            "layer": str(layer or ""),
            "metadata": metadata,
            "keep": keep,
            "versioned": self.flag("versioned", False),
            "where": self.where(),
        }

    def refresh(self, *, local: bool) -> float:
        """For how long a kept version of the source is good enough."""
        value = self.body.get("refresh")
        if value is None:
            return durations.ALWAYS
        if local:
            self.fault(
                "refresh says nothing about a local file: it is looked at in every run, and read when it has changed",
                "take refresh away; it is for services, databases and URLs",
                "refresh",
            )
            return durations.ALWAYS
        found = durations.seconds(value)
        if found is None:
            near = errors.nearest(value, ["always", "once"]) if isinstance(value, str) else None
            hint = f"did you mean {near!r}?" if near else "write always, once, or a time such as 30m, 6h or 1d"
            self.fault(f"refresh is {value!r}", hint, "refresh")
            return durations.ALWAYS
        return found

    def credentials(self, *, pair: bool = False) -> Any:
        """The credentials that the entry names; with `pair`, a user and a password may be given as a list."""
        named = self.body.get("credentials")
        if named is None:
            return {}
        if isinstance(named, dict):
            return named
        if not isinstance(named, str):
            self.fault(
                f"credentials is {kind_of(named)}", "give the name of an entry of credentials.yml", "credentials"
            )
            return {}
        known = self.context.credentials
        if named not in known:
            hint = errors.did_you_mean(named, map(str, known), "add it to conf/local/credentials.yml")
            self.fault(f"there are no credentials {named!r}", hint, "credentials")
            return {}
        found = places.plain(known[named])
        if pair and isinstance(found, list) and len(found) == 2:
            return {"username": found[0], "password": found[1]}
        if not isinstance(found, dict):
            self.fault(
                f"the credentials {named!r} are no mapping",
                "write them as keys and values in credentials.yml",
                "credentials",
            )
            return {}
        return found

    @property
    def credentials_name(self) -> str:
        """The name of its credentials; empty when there are none, or they stand in the entry itself."""
        named = self.body.get("credentials")
        return named if isinstance(named, str) else ""


class Place(NamedTuple):
    """Where an entry's data lie: `local` in the workspace or `remote` behind a URL; `shown` is for messages."""

    shown: str
    local: Path | None = None
    remote: remotes.Remote | None = None


def place(entry: Entry, key: str, example: str) -> Place | None:
    """The place that the entry names under `key`."""
    fs_args, credentials = entry.mapping("fs_args"), entry.credentials()
    filepath = entry.body.get(key)
    if not isinstance(filepath, str) or not filepath.strip():
        entry.fault(f"it has no {key}", f"add {key}: {example}", key)
        return None
    root = entry.context.root
    local, shown = places.local_path(filepath, root), places.shown(filepath, root)
    if local is not None:
        return Place(shown, local)
    opened = {name: value for name, value in fs_args.items() if not name.startswith("open_args_")}
    options = remotes.merged(opened, credentials)
    return Place(shown, None, remotes.Remote(places.absolute(filepath, root), shown, options, entry.credentials_name))


_ENCODED = ("text.TextDataset", "pandas.CSVDataset")


def encodings(entry: Entry, kind: str, load_args: dict[str, Any], save_args: dict[str, Any]) -> None:
    """Put the encoding where ours is, if it stands where Kedro has it: in `open_args_load` and `_save` of `fs_args`."""
    for key, args in (("open_args_load", load_args), ("open_args_save", save_args)):
        opened = entry.mapping("fs_args").get(key)
        encoding = opened.get("encoding") if isinstance(opened, Mapping) else None
        if encoding is None:
            continue
        if kind in _ENCODED:
            args.setdefault("encoding", encoding)
        elif str(encoding).lower().replace("_", "-") not in ("utf-8", "utf8"):
            entry.fault(f"{kind} has no encoding but UTF-8", "convert the file, and take the encoding away", "fs_args")


def own_keys(entry: Entry, kind: kinds.Kind) -> dict[str, Any]:
    """The keys that only this type of file takes, checked."""
    found = {key: entry.body[key] for key in sorted(kind.keys) if entry.body.get(key) is not None}
    backend = found.get("backend", "pickle")
    if backend not in _BACKENDS:
        hint = errors.did_you_mean(str(backend), _BACKENDS, f"choose one of {', '.join(_BACKENDS)}")
        entry.fault(f"there is no backend {backend!r}", hint, "backend")
    packing = found.get("compression", "gzip")
    if packing not in _COMPRESSIONS:
        entry.fault(f"there is no compression {packing!r}", f"choose one of {', '.join(_COMPRESSIONS)}", "compression")
    return found


def kind_of(value: Any) -> str:
    """What a value of YAML is called."""
    if value is None:
        return "empty"
    return {str: "text", list: "a list", bool: "true or false", int: "a number", float: "a number"}.get(
        type(value), f"a {type(value).__name__}"
    )
