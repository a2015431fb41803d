"""What is logged, as the ledger and every other sink take it: flat names, values that JSON knows, no secrets.

All sinks get what these functions give, so that they hold the same. Nothing here fails on a value: what has no plain
form becomes its text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from itertools import pairwise
from typing import Any

from tane import errors, patterns
from tane.catalog import masking
from tane.config import secret
from tane.ledger import rows

Secrets = Sequence[str]
_WORDS = patterns.lazily(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET = frozenset(
    (
        *("apikey", "authorization", "bearer", "credential", "credentials", "jwt", "passphrase", "passwd"),
        *("password", "passwords", "pwd", "secret", "secrets"),
    )
)
_KEYS = frozenset(("access", "account", "api", "encryption", "master", "private", "signing", "ssh"))
_LIKELY = frozenset(("auth", "cookie", "session", "signature", "token"))
_DEEP = 64


def params(given: Any, secrets: Secrets = ()) -> dict[str, Any]:
    """Parameters by dotted names: of a mapping, an `argparse.Namespace`, a dataclass or a model of pydantic.

    Raises `errors.UsageError` for what has no names, and where two would come under one name.
    """
    found: dict[str, Any] = {}
    content = _fields(given)
    if content is None:
        raise errors.UsageError(
            f"parameters are given as {type(given).__name__}, which has no names",
            hint='log a mapping, such as {"rate": 0.1}',
        )
    _flatten(content, "", secrets, found, ())
    return found


def tags(given: Mapping[str, Any], secrets: Secrets = ()) -> dict[str, str]:
    """Tags, each of them text. Raises `errors.UsageError` for what has no names."""
    if not isinstance(given, Mapping):
        raise errors.UsageError(
            f"tags are given as {type(given).__name__}, not by name", hint='write set_tags({"owner": "me"})'
        )
    return {
        rows.clean(str(name)): rows.clean(str(masked(str(name), _atom(value), secrets)))
        for name, value in given.items()
    }


def text(given: str, secrets: Secrets) -> str:
    """Free text without those secrets that are known."""
    return rows.clean(masking.text(given, secrets) if secrets else given)


def said(given: str, secrets: Secrets) -> str:
    """What somebody wrote, or what an error says: as `text`, and URLs without passwords."""
    return text(masking.urls(given), secrets)


def document(given: Any, secrets: Secrets = ()) -> Any:
    """Nested content as JSON and YAML know it."""
    return _plain(given, "", secrets, ())


def masked(name: str, value: Any, secrets: Secrets) -> Any:
    """A plain value as it may be kept under `name`."""
    if isinstance(value, str):
        if not value:
            return value
        if _hides(name, value):
            return secret.MASK
        if "://" in value:
            value = masking.url(value)
        return masking.text(value, secrets) if secrets else value
    if value is None or isinstance(value, bool):
        return value
    return secret.MASK if _hides(name, "") else value


def _hides(name: str, value: str) -> bool:
    """Whether a value of that name is secret. "token" may also be one of a language: then it is a word, or a number."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not _SECRET.isdisjoint(words):
        return True
    if any(one in _KEYS and other == "key" for one, other in pairwise(words)):
        return True
    return len(value) >= 16 and not _LIKELY.isdisjoint(words) and not any(map(str.isspace, value))


def _flatten(
    content: Mapping[Any, Any], prefix: str, secrets: Secrets, found: dict[str, Any], within: tuple[int, ...]
) -> None:
    if id(content) in within or len(within) > _DEEP:
        _add(found, prefix[:-1], "...")
        return
    within = (*within, id(content))
    for key, value in content.items():
        name = f"{prefix}{key}"
        below = _fields(value)
        if below:
            _flatten(below, name + ".", secrets, found, within)
        else:
            _add(found, name, _plain(value, name, secrets, within) if below is None else {})


def _add(found: dict[str, Any], name: str, value: Any) -> None:
    name = rows.clean(name)
    if name in found:
        raise errors.UsageError(
            f"two parameters come under the name {name!r}", hint="rename one: nested names are joined by dots"
        )
    found[name] = value


def _plain(value: Any, name: str, secrets: Secrets, within: tuple[int, ...]) -> Any:
    kind = type(value)
    if kind is str or kind is int or kind is float or kind is bool or value is None:
        return masked(name, value, secrets)
    if isinstance(value, secret.Secret):
        return secret.MASK
    if id(value) in within or len(within) > _DEEP:
        return "..."
    content = _fields(value)
    if content is not None:
        within = (*within, id(value))
        return {str(key): _plain(item, f"{name}.{key}", secrets, within) for key, item in content.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items: Iterable[Any] = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
        within = (*within, id(value))
        return [_plain(item, name, secrets, within) for item in items]
    atom = _atom(value)
    if isinstance(atom, list):
        return [_plain(item, name, secrets, (*within, id(value))) for item in atom]
    return masked(name, atom, secrets)


def _atom(value: Any) -> Any:
    """A value that holds no others, as a number, a text, True, False or None; an array as a list."""
    if isinstance(value, secret.Secret):
        return secret.MASK
    if isinstance(value, Enum):
        return _atom(value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return _base(value)
    if hasattr(value, "tolist") and hasattr(value, "dtype"):  # a number or an array of NumPy, a tensor
        try:
            return value.tolist()
        except Exception:  # a tensor that is not in reach
            return _text(value)
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return f"{value.__module__}.{value.__qualname__}" if value.__module__ != "builtins" else value.__qualname__
    return _text(value)


def _base(value: Any) -> Any:
    """A subclass of a number or a text as what it is a kind of."""
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value) if kind is not str else str.__str__(value)
    return value


def _text(value: Any) -> str:
    try:
        return str(value)
    except Exception as error:
        return f"<{type(value).__qualname__}, whose text cannot be made: {type(error).__name__}>"


def _fields(value: Any) -> Mapping[Any, Any] | None:
    """What `value` holds by name, if that is what it is for."""
    if isinstance(value, Mapping):
        return value
    kind = type(value)
    if kind.__module__ == "builtins" or isinstance(value, type | Enum | secret.Secret):
        return None
    if hasattr(kind, "model_dump") and hasattr(kind, "model_fields"):
        return {name: getattr(value, name) for name in kind.model_fields}
    if hasattr(kind, "__dataclass_fields__"):
        return {name: getattr(value, name, None) for name in kind.__dataclass_fields__}
    if f"{kind.__module__}.{kind.__name__}" in ("argparse.Namespace", "types.SimpleNamespace"):
        return dict(vars(value))
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return dict(zip(kind._fields, value, strict=False))
    return None


def number(name: str, value: Any) -> float:
    """A metric's value. Raises `errors.UsageError` for what is not a number; NaN and infinities are numbers."""
    if not isinstance(value, str | bytes | bytearray):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
        except (TypeError, ValueError):
            pass
        except Exception:  # what a library raises of a tensor with many numbers
            pass
    raise errors.UsageError(
        f"metric {name!r} is {type(value).__name__}, not a number",
        hint="log one number; text belongs into set_tag or log_text, many numbers into log_table",
    ) from None


_GREATEST = 1 << 63


def whole(step: Any) -> int | None:
    """A step. Raises `errors.UsageError` for what is no whole number, or too large to be kept."""
    if step is None:
        return None
    try:
        found = int(step)
        if found == step and -_GREATEST <= found < _GREATEST:
            return found
    except (TypeError, ValueError, OverflowError):
        pass
    raise errors.UsageError(f"step {step!r} is no whole number", hint="give the iteration: 0, 1, 2, ...")
