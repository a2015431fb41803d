"""The dataset type `api.APIDataset`: what a web service gives or takes. Made by `foreign` from an entry.

`load_args` and `save_args` take the arguments of requests that say what is asked (`params headers json data files
cookies auth`) and how (`timeout retries follow_redirects verify cert proxies`), and `as`: what an answer becomes,
`json`, `text` or `bytes`. `load_args` also take `paging` (see `paging`) and `encoding`, `save_args` `chunk_size`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tane import errors
from tane.catalog import masking
from tane.catalog.formats import contract
from tane.catalog.web import paging, sending

_CREDENTIALS = (
    *("token", "bearer", "username", "user", "password"),
    *("api_key", "header", "param", "headers", "params", "auth"),
)
_CHUNK = 100


class APIDataset:
    """A web service: `load` asks it, `save` sends to it."""

    def __init__(
        self,
        url: str,
        method: str = "GET",
        load_args: Mapping[str, Any] | None = None,
        save_args: Mapping[str, Any] | None = None,
        credentials: Mapping[str, Any] | None = None,
    ) -> None:
        self._method = method.upper()
        self._load_args = dict(load_args or {})
        self._save_args = dict(save_args or {})
        parts = urlsplit(url)
        userinfo, _, host = parts.netloc.rpartition("@")
        self._url = urlunsplit(parts._replace(netloc=host))
        self._credentials = dict(credentials or {})
        if userinfo and not self._credentials:
            username, _, password = userinfo.partition(":")
            self._credentials = {"username": username, "password": password}

    def load(self) -> Any:
        """What the service answers: JSON as Python values, a text or bytes; of pages the list of all items."""
        options = self._load_args
        request = self._request(options)
        with self._sender(options, repeatable=True) as sender:
            if options.get("paging"):
                pages = options["paging"]
                return paging.collect(sender, request, pages, lambda answer: _decoded(answer, options, sender))
            return _decoded(sender.send(request), options, sender)

    def save(self, data: Any) -> None:
        """Send `data` as JSON, texts and bytes as they are; a list in chunks of `chunk_size`, 100 unless said."""
        if self._method not in ("POST", "PUT", "PATCH"):
            raise contract.EntryProblem(
                f"data cannot be sent by {self._method}", "add method: POST, PUT or PATCH to the entry"
            )
        options = self._save_args
        chunks = _chunks(data, int(options.get("chunk_size", _CHUNK))) if isinstance(data, list) else [data]
        with self._sender(options, repeatable=self._method == "PUT") as sender:
            for chunk in chunks:
                key = "data" if isinstance(chunk, str | bytes | bytearray) else "json"
                body = chunk.encode() if isinstance(chunk, str) else chunk
                request = self._request({**options, key: body})
                if key == "json":
                    _check_json(chunk)
                sender.send(request)

    def exists(self) -> bool:
        """Whether the service answers."""
        with self._sender(self._load_args, repeatable=True) as sender:
            try:
                sender.send(self._request(self._load_args))
            except contract.Problem:
                return False
            return True

    def _request(self, options: Mapping[str, Any]) -> sending.Request:
        headers = {str(name): str(value) for name, value in (options.get("headers") or {}).items()}
        if options.get("as", "json") == "json":
            headers.setdefault("Accept", "application/json")
        body = {key: options[key] for key in ("json", "data", "files", "cookies") if options.get(key) is not None}
        return sending.Request(self._method, self._url, sending.pairs(options.get("params")), headers, body)

    def _sender(self, options: Mapping[str, Any], *, repeatable: bool) -> sending.Sender:
        follow = options.get("follow_redirects", True)
        redirects = (10 if follow else 0) if isinstance(follow, bool) else int(follow)
        transport = {key: options[key] for key in ("verify", "cert", "proxies") if key in options}
        if isinstance(transport.get("cert"), list):
            transport["cert"] = tuple(transport["cert"])
        rules = sending.Rules(
            float(options.get("timeout", 30.0)), int(options.get("retries", 4)), redirects, repeatable, transport
        )
        credentials = self._credentials
        if options.get("auth") is not None:
            credentials = {**credentials, "auth": options["auth"]}
        return sending.Sender(auth_of(credentials, options), rules)


def auth_of(credentials: Mapping[str, Any], options: Mapping[str, Any]) -> sending.Auth:
    """What credentials make of a request. Secrets that stand in the entry itself are not shown either."""
    for key in credentials:
        if key not in _CREDENTIALS:
            hint = errors.did_you_mean(str(key), _CREDENTIALS, f"an API takes {', '.join(_CREDENTIALS)}")
            raise contract.EntryProblem(f"its credentials have a key {str(key)!r}, which means nothing here", hint)
    headers = {str(name): str(value) for name, value in (credentials.get("headers") or {}).items()}
    params = dict(credentials.get("params") or {})
    token = credentials.get("token", credentials.get("bearer"))
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    pair = credentials.get("auth")
    if isinstance(pair, Mapping) or (pair is not None and len(pair) != 2):
        raise contract.EntryProblem("auth is no pair of user and password", "write auth: [user, password]")
    username, password = pair or (credentials.get("username", credentials.get("user")), credentials.get("password", ""))
    if username is not None:
        headers["Authorization"] = sending.basic(username, password)
    if credentials.get("api_key") is not None:
        if credentials.get("param"):
            params[str(credentials["param"])] = credentials["api_key"]
        else:
            headers[str(credentials.get("header", "X-API-Key"))] = str(credentials["api_key"])
    hidden = {key: value for key, value in credentials.items() if key not in ("header", "param")}
    secrets = [*masking.leaves(hidden), *_inline(options)]
    return sending.Auth(headers, sending.pairs(params), tuple(secrets))


def _inline(options: Mapping[str, Any]) -> list[str]:
    """Secrets that stand in load_args: their names say so."""
    found = masking.leaves(options.get("auth"))
    for key in ("params", "headers", "cookies"):
        given = options.get(key)
        if isinstance(given, Mapping):
            for name, value in given.items():
                found += masking.leaves(value) if masking.is_secret(str(name)) else []
    return [*found, *(each.partition(" ")[2] for each in found if " " in each)]


def _decoded(answer: sending.Answer, options: Mapping[str, Any], sender: sending.Sender) -> Any:
    kind = options.get("as", "json")
    if kind == "bytes":
        return answer.content
    if kind == "text":
        encoding = str(options.get("encoding", answer.charset))
        try:
            return answer.content.decode(encoding)
        except (UnicodeDecodeError, LookupError) as error:
            raise sender.problem(
                f"the answer of {sender.shown(answer.url)} is not {encoding} text: {error}",
                "name its encoding: load_args: {encoding: latin-1}",
            ) from None
    if not answer.content.strip():
        raise sender.problem(
            f"the answer of {sender.shown(answer.url)} is empty ({answer.status})",
            "there is no JSON in it: check the url, or load_args: {as: text}",
        )
    try:
        return json.loads(answer.content)
    except ValueError as error:
        begins, url = answer.content[:60].decode("utf-8", "replace"), sender.shown(answer.url)
        raise sender.problem(
            f"the answer of {url} is {answer.media_type}, not JSON: it begins {begins!r} ({error})",
            "check the url; what is no JSON is loaded with load_args: {as: text}, or {as: bytes}",
        ) from None


def _chunks(items: list[Any], size: int) -> list[list[Any]]:
    return [items[at : at + size] for at in range(0, len(items), size)] or [items]


def _check_json(data: Any) -> None:
    try:
        json.dumps(data, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise contract.Problem(
            f"it cannot be sent as JSON: {error}", "return plain dicts, lists, texts and finite numbers, or bytes"
        ) from None
