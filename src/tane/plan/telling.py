"""Words by which code reaches more than it names: dynamic imports, reflection, package files, child
processes.

`definitions` looks up every builtin and every outside object that project code uses here. A hit means that
the digest of the whole package joins the code's own: too many re-runs rather than one too few.
"""

from __future__ import annotations

from typing import NamedTuple


class Sign(NamedTuple):
    """What was found. `as_text`: comments and docstrings can be seen by it, so that they count."""

    word: str
    as_text: bool = False


BUILTINS = frozenset({"eval", "exec", "compile", "globals", "__import__"})
MODULE_NAMES = frozenset({"__file__", "__path__", "__spec__", "__loader__", "__dict__", "__cached__", "__doc__"})
IGNORED_NAMES = frozenset({"__package__", "__builtins__", "__debug__", "__annotations__"})
NOT_FOLLOWED = MODULE_NAMES | IGNORED_NAMES

_ANY: frozenset[str] = frozenset()
_SYNTAX: dict[str, frozenset[str]] = {
    "importlib": _ANY,
    "importlib_resources": _ANY,
    "pkg_resources": _ANY,
    "pkgutil": _ANY,
    "runpy": _ANY,
    "zipimport": _ANY,
    "subprocess": _ANY,
    "_frozen_importlib": _ANY,
    "builtins": BUILTINS,
    "pydoc": frozenset({"locate", "resolve", "safeimport"}),
    "hydra": frozenset({"instantiate", "call", "get_class", "get_method", "get_object"}),
    "gc": frozenset({"get_objects", "get_referrers", "get_referents"}),
    "sys": frozenset({"modules", "_getframe", "_current_frames", "meta_path", "path_hooks"}),
    "os": frozenset({"system", "popen", "fork", "startfile"}),
    "posix": frozenset({"system", "fork"}),
    "nt": frozenset({"system", "startfile"}),
}
_PROCESSES = ("exec", "spawn", "posix_spawn")
_TEXT: dict[str, frozenset[str]] = {
    "inspect": _ANY,
    "linecache": _ANY,
    "annotationlib": _ANY,
    "typing": frozenset({"get_type_hints"}),
}
_HARMLESS = frozenset({"isclass", "isfunction", "ismethod", "isroutine", "isgenerator", "iscoroutine", "isawaitable"})
VIEWS = frozenset({"locals", "vars"})
ORDER = "order of members"  # seen by what lists the members of a class
READERS = frozenset({"query", "eval", "evaluate", "sql", "execute", "sqldf"})  # of names written in a text
_AS_TEXT = frozenset({"__doc__", "__annotations__", "__code__"})
ATTRIBUTES = _AS_TEXT | {
    "__subclasses__",
    "__globals__",
    "__builtins__",
    "_getframe",
    "f_globals",
    "f_locals",
}


def names_in(text: str, read: bool) -> set[str]:
    """The words of a text that may be names which a library looks up where it is called from: all of a formula's
    (`y ~ half(x)`), and where one of the `READERS` is called those of queries and expressions (`a > @limit`).
    """
    if "~" in text or (read and "@" not in text):
        return set(_words(text))
    return {word for part in text.split("@")[1:] for word in _words(part)[:1]} if read else set()


def _words(text: str) -> list[str]:
    return "".join(one if one.isalnum() or one == "_" else " " for one in text).split()


def outside(module: str, name: str) -> Sign | None:
    """The sign that using `name` of an outside `module` gives (no name: the module itself)."""
    top = module.partition(".")[0]
    for table, as_text in ((_SYNTAX, False), (_TEXT, True)):
        names = table.get(top)
        if names is None:
            continue
        if (names is _ANY and name not in _HARMLESS) or name in names or (names is not _ANY and not name):
            return Sign(f"{top}.{name}" if name else top, as_text)
    if top in ("os", "posix", "nt") and name.startswith(_PROCESSES):
        return Sign(f"os.{name}")
    return None


def mark(word: str) -> Sign:
    """The sign that a telling attribute or call gives."""
    return Sign(word, word in _AS_TEXT)
