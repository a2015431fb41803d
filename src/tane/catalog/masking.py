"""Keeping secrets out of whatever a person may read: URLs, server answers, arguments shown by a command.

Everybody who words a message about something behind a network calls it. Credentials are secret whatever they
are; of other values those are whose names say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tane.config import secret

MASK = secret.MASK
_WORDS = r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+"
_SECRET = frozenset(
    (
        *("apikey", "auth", "authorization", "bearer", "cookie", "credential", "credentials", "jwt", "key"),
        *("passphrase", "passwd", "password", "pwd", "secret", "session", "sig", "signature", "token"),
    )
)
_SHORTEST = 3  # to mask every "a" of a text would only make it unreadable


def is_secret(name: str) -> bool:
    """Whether a value of that name is likely to be secret: "api_key", "X-Amz-Signature", "accessToken"."""
    return not _SECRET.isdisjoint(word.lower() for word in re.findall(_WORDS, name))


def url(text: str) -> str:
    """A URL, chained ones too, without user and password and without the values of secret parameters."""
    return "::".join(map(_one_url, text.split("::")))


def _one_url(text: str) -> str:
    scheme, mark, rest = text.partition("://")
    if not mark:
        return text
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    authority = rest[:end].rpartition("@")[2]
    path, question, query = rest[end:].partition("?")
    if question:
        query, sharp, fragment = query.partition("#")
        query = "&".join(map(_parameter, query.split("&"))) + sharp + fragment
    return f"{scheme}://{authority}{path}{question}{query}"


def _parameter(text: str) -> str:
    name, equals, value = text.partition("=")
    return f"{name}={MASK}" if equals and value and is_secret(name) else text


def urls(text: str) -> str:
    """A text whose URLs have no user with a password any more."""
    return re.sub(r"(?<=://)[^\s/?#@:]*:[^\s/?#@]*@", "", text) if "://" in text else text


def text(message: str, secrets: Iterable[str]) -> str:
    """`message` with each of `secrets` replaced, in the spellings in which it travels too."""
    for known in sorted({form for each in secrets for form in _forms(each)}, key=len, reverse=True):
        message = message.replace(known, MASK)
    return message


def _forms(known: str) -> Iterable[str]:
    if len(known) < _SHORTEST:
        return ()
    import base64  # only what fails needs them
    from urllib.parse import quote, quote_plus

    coded = base64.b64encode(known.encode()).decode()
    return (known, quote(known, safe=""), quote_plus(known), repr(known)[1:-1], coded, coded.rstrip("="))


def leaves(value: Any) -> list[str]:
    """All texts and numbers in `value`, secrets revealed: what credentials hold."""
    if isinstance(value, secret.Secret):
        return leaves(value.reveal())
    if isinstance(value, Mapping):
        return [leaf for item in value.values() for leaf in leaves(item)]
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in leaves(item)]
    return [] if value is None or isinstance(value, bool) else [str(value)]


def arguments(value: Any, name: str = "") -> Any:
    """`value` as it may be shown: plain containers, URLs without passwords, secret leaves masked."""
    if isinstance(value, Mapping):
        return {key: arguments(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [arguments(item, name) for item in value]
    if isinstance(value, secret.Secret) or (name and value not in (None, True, False) and is_secret(name)):
        return MASK
    return url(value) if isinstance(value, str) and "://" in value else value
