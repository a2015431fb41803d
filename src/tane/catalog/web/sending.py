"""One request and its answer: time-outs, retries with waits, redirects, refusals in words. `api` and `paging` call it.

Credentials go to the host they were given for and to no other, and never from https to http. Every error is a
`contract.Problem` whose text names the URL without its secrets.
"""

from __future__ import annotations

import base64
import logging
import random
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from tane import extras, fielded
from tane.catalog import durations, masking
from tane.catalog.formats import contract

sleep = time.sleep
now = time.time
jitter = random.random

_RETRIED = frozenset({429, 500, 502, 503, 504})
_UNTOUCHED = frozenset({429, 503})  # the server did not take the request: it may be sent again, whatever it does
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FIRST_WAIT, _LONGEST_WAIT, _LONGEST_ASKED = 0.5, 30.0, 120.0  # seconds
_CONNECT = 10.0
_LONGEST_SAID = 200
_log = logging.getLogger(__name__)
_transport_log = logging.getLogger("urllib3.connectionpool")

Pairs = tuple[tuple[str, str], ...]


@fielded.frozen
class Rules:
    """How a request is sent. `retries` come after the first try, `redirects` is how many may be followed."""

    timeout: float = 30.0
    retries: int = 4
    redirects: int = 10
    repeatable: bool = True  # sending it twice does no harm: it only reads, or replaces
    transport: Mapping[str, Any] = fielded.field(default_factory=dict)  # verify, cert, proxies


@fielded.frozen
class Auth:
    """What proves who asks: headers and query parameters. `secrets` are never shown."""

    headers: Mapping[str, str] = fielded.field(default_factory=dict, repr=False)
    params: Pairs = fielded.field(default=(), repr=False)
    secrets: tuple[str, ...] = fielded.field(default=(), repr=False)


@fielded.frozen
class Request:
    """A request without credentials. `body` are the arguments `json`, `data`, `files` and `cookies` of requests."""

    method: str
    url: str
    params: Pairs = ()
    headers: Mapping[str, str] = fielded.field(default_factory=dict, repr=False)
    body: Mapping[str, Any] = fielded.field(default_factory=dict, repr=False)


@fielded.frozen
class Answer:
    """What came back, and from which URL in the end."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str

    @property
    def media_type(self) -> str:
        """What the server says it is: "application/json"."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip() or "of no said type"

    @property
    def charset(self) -> str:
        """The encoding the server names; UTF-8 when it names none."""
        found = re.search(r"charset=\"?([\w.:-]+)", self.headers.get("Content-Type", ""), re.IGNORECASE)
        return found[1] if found else "utf-8"


class Sender:
    """Sends requests over one connection. Use it in a `with`."""

    def __init__(self, auth: Auth, rules: Rules) -> None:
        self._requests: Any = extras.require("requests", "api", "an API dataset")
        self._session = self._requests.Session()
        self._auth = auth
        self._rules = rules

    def __enter__(self) -> Sender:
        _transport_log.addFilter(self._mask)
        return self

    def __exit__(self, *_: object) -> None:
        _transport_log.removeFilter(self._mask)
        self._session.close()

    def _mask(self, record: logging.LogRecord) -> bool:
        """Keep secrets out of what the transport logs: it has whole URLs."""
        record.msg, record.args = self._shown(record.getMessage()), ()
        return True

    # -- retries -------------------------------------------------------------------------------------------

    def send(self, request: Request) -> Answer:
        """The answer, whose status is 2xx."""
        tries = self._rules.retries + 1
        for turn in range(1, tries + 1):
            wait: float | None = None
            try:
                answer = self._follow(request)
                if 200 <= answer.status < 300:
                    return answer
                problem = self._refused(answer, turn)
                if answer.status in (_RETRIED if self._rules.repeatable else _UNTOUCHED):
                    wait = self._asked(answer)
                    if wait is not None and wait > _LONGEST_ASKED:
                        asked = f"it asks to wait {durations.about(wait)}"
                        raise contract.Problem(
                            f"{self._shown(answer.url)} answered {answer.status}: {asked}",
                            "run again after that, or ask for less at a time",
                        )
                else:
                    raise problem
            except self._requests.RequestException as error:
                problem = self._broken(error, request.url, turn)
                if not self._is_passing(error):
                    raise problem from None
            if turn == tries:
                break
            pause = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (turn - 1)) * (0.5 + jitter() / 2)
            pause = pause if wait is None else max(wait, 0.0) + pause * 0.1
            _log.info("%s; trying again in %.1f s (%d of %d)", problem.what, pause, turn, tries - 1)
            sleep(pause)
        raise problem from None

    def _is_passing(self, error: Exception) -> bool:
        """Whether the same request may do better in a moment, and may be sent again."""
        known = self._requests.exceptions
        if isinstance(error, known.SSLError):
            return False
        if isinstance(error, known.ConnectTimeout):
            return True
        passing = (known.ConnectionError, known.Timeout, known.ChunkedEncodingError, known.ContentDecodingError)
        return self._rules.repeatable and isinstance(error, passing)

    def _asked(self, answer: Answer) -> float | None:
        """The seconds that `Retry-After` asks for: a number, or a date."""
        text = answer.headers.get("Retry-After", "").strip()
        if text.isdigit():
            return float(text)
        if text:
            from email.utils import parsedate_to_datetime

            try:
                return parsedate_to_datetime(text).timestamp() - now()
            except (ValueError, TypeError):
                return None
        return None

    # -- redirects -----------------------------------------------------------------------------------------

    def _follow(self, request: Request) -> Answer:
        """The answer at the end of all redirects."""
        trusted, seen = True, {request.url}
        for _ in range(self._rules.redirects + 1):
            answer = self._once(request, trusted)
            target = answer.headers.get("Location", "")
            if answer.status not in _REDIRECTS:
                return answer
            if not target:
                raise contract.Problem(
                    f"{self._shown(answer.url)} answered {answer.status} without saying where to", "check the url"
                )
            target = urljoin(answer.url, target)
            self._check_redirect(request, answer, target)
            if target in seen:
                raise contract.Problem(f"{self._shown(target)} redirects in a circle", "check the url in a browser")
            seen.add(target)
            if not same_origin(answer.url, target):
                trusted = False  # and stays so: what another host sends back is not ours any more
            request = fielded.replace(request, url=target, params=())
        raise contract.Problem(
            f"{self._shown(request.url)}: more than {self._rules.redirects} redirects", "check the url in a browser"
        )

    def _check_redirect(self, request: Request, answer: Answer, target: str) -> None:
        moved = f"{self._shown(answer.url)} answered {answer.status}: it has moved to {self._shown(target)}"
        if self._rules.redirects == 0:
            raise contract.Problem(moved, "put the new address in url, or allow follow_redirects")
        if request.method not in ("GET", "HEAD"):
            raise contract.Problem(moved, f"redirects are followed for GET, not {request.method}: put that in url")
        if urlsplit(target).scheme not in ("http", "https"):
            raise contract.Problem(moved, "that is no address of the web: check the url")
        if urlsplit(answer.url).scheme == "https" and urlsplit(target).scheme == "http":
            raise contract.Problem(
                f"{moved}, which is not encrypted", "what is asked over https is not asked over http: check the url"
            )

    def _once(self, request: Request, trusted: bool) -> Answer:
        """One request on the wire, with credentials if the host is the one they are for."""
        headers = {"Accept-Encoding": "gzip, deflate", **request.headers}
        body, url = dict(request.body), with_params(request.url, request.params)
        if trusted:
            headers.update(self._auth.headers)
            url = with_params(url, self._auth.params, keep=True)
        else:
            headers = {name: value for name, value in headers.items() if not masking.is_secret(name)}
            body.pop("cookies", None)
            self._session.cookies.clear()
        response = self._session.request(
            request.method,
            url,
            headers=headers,
            timeout=(min(_CONNECT, self._rules.timeout), self._rules.timeout),
            allow_redirects=False,
            auth=_as_it_is,
            **body,
            **self._rules.transport,
        )
        return Answer(response.status_code, response.headers, response.content, url)

    # -- words ---------------------------------------------------------------------------------------------

    def problem(self, what: str, hint: str) -> contract.Problem:
        """A problem without secrets."""
        return contract.Problem(masking.text(what, self._auth.secrets), hint)

    def shown(self, url: str) -> str:
        """A URL as messages call it."""
        return self._shown(url)

    def _shown(self, url: str) -> str:
        return masking.text(masking.url(url), self._auth.secrets)

    def _refused(self, answer: Answer, turn: int) -> contract.Problem:
        said = first_line(answer)
        tried = f" {turn} times" if turn > 1 else ""
        what = f"{self._shown(answer.url)} answered{tried} {answer.status} {_reason(answer.status)}".rstrip()
        return self.problem(what + (f": {said}" if said else ""), _hint(answer.status))

    def _broken(self, error: Exception, url: str, turn: int) -> contract.Problem:
        known = self._requests.exceptions
        host, tried = urlsplit(url).netloc.rpartition("@")[2], f" in {turn} tries" if turn > 1 else ""
        if isinstance(error, known.Timeout):
            seconds = f"{self._rules.timeout:g} s"
            return self.problem(
                f"{host} did not answer within {seconds}{tried}", "try later, or allow more: load_args: {timeout: 120}"
            )
        if isinstance(error, known.SSLError):
            return self.problem(
                f"the certificate of {host} is not to be trusted: {_innermost(error)}",
                "check the host name; for a certificate of your own give load_args: {verify: path/to/ca.pem}",
            )
        if isinstance(error, known.ConnectionError | known.ChunkedEncodingError | known.ContentDecodingError):
            return self.problem(
                f"the connection to {host} failed{tried}: {_innermost(error)}", "check the url and the network"
            )
        return self.problem(f"{host or 'the url'} cannot be asked: {_innermost(error)}", "check the url and load_args")


def _as_it_is(request: Any) -> Any:
    """Keep requests from taking credentials out of ~/.netrc, which would replace ours."""
    return request


def same_origin(one: str, other: str) -> bool:
    """Whether both URLs are of one server; the same host's step up to https counts as such."""
    first, second = urlsplit(one), urlsplit(other)
    if first.hostname != second.hostname:
        return False
    ports = _port(first), _port(second)
    if first.scheme == second.scheme:
        return ports[0] == ports[1]
    return (first.scheme, second.scheme) == ("http", "https") and ports == (80, 443)


def _port(parts: Any) -> int:
    return int(parts.port or (443 if parts.scheme == "https" else 80))


def with_params(url: str, params: Pairs, *, keep: bool = False) -> str:
    """`url` with more query parameters; with `keep`, those it has already stay as they are."""
    if not params:
        return url
    parts = urlsplit(url)
    present = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    added = urlencode([(name, value) for name, value in params if not (keep and name in present)])
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, added)))))


def pairs(params: Any) -> Pairs:
    """Query parameters as text: a mapping, whose values may be lists, or a list of pairs. None is left out."""
    items: Sequence[Any] = list(params.items()) if isinstance(params, Mapping) else list(params or ())
    found: list[tuple[str, str]] = []
    for name, value in items:
        for each in value if isinstance(value, list | tuple) else (value,):
            if each is not None:
                found.append((str(name), str(each).lower() if isinstance(each, bool) else str(each)))
    return tuple(found)


def basic(username: Any, password: Any) -> str:
    """The header of a user and a password."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def first_line(answer: Answer) -> str:
    """What the server said, shortly: a message in its JSON, or the first line of its text."""
    text = answer.content[:20_000].decode(answer.charset if _is_codec(answer.charset) else "utf-8", "replace").strip()
    if text.startswith("{"):
        import json

        try:
            body = json.loads(text)
        except ValueError:
            body = {}
        said = next((body[key] for key in ("message", "detail", "error", "title") if body.get(key)), text)
        text = str(said.get("message", said) if isinstance(said, dict) else said)
    if text.startswith("<"):
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        text = title[1] if title else re.sub(r"<[^>]*>", " ", text)
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line[:_LONGEST_SAID]


def _is_codec(name: str) -> bool:
    import codecs

    try:
        return bool(codecs.lookup(name))
    except LookupError:
        return False


def _innermost(error: BaseException) -> str:
    """The one line of a chain of wrapped errors that says what happened."""
    reason = error
    while True:
        wrapped = next((arg for arg in reason.args if isinstance(arg, Exception)), None)
        inner = getattr(reason, "reason", None) or wrapped
        if not isinstance(inner, BaseException) or inner is reason:
            break
        reason = inner
    return str(reason).rpartition(">: ")[2].partition("\n")[0].strip()[:_LONGEST_SAID] or type(reason).__name__


def _reason(status: int) -> str:
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _hint(status: int) -> str:
    if status in (401, 407):
        return "give the entry credentials: my_api, with token, or username and password, in conf/local/credentials.yml"
    if status == 403:
        return "check the credentials and what they are allowed to see"
    if status in (404, 410):
        return "check the url and its parameters"
    if status == 429:
        return "ask less often: refresh: 6h keeps what was loaded; or ask the owner for a higher limit"
    if status >= 500:
        return "the server is at fault: try again later"
    return "check the entry's url, method and load_args"
