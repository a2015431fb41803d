"""A web service for tests: a real server on a free port of this machine, whose answers are scripted and which keeps
what it was asked. The fixture `api` is one; it needs nothing but Python's own library.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tane import fielded


@fielded.frozen(slots=False)
class Asked:
    """One request as it arrived. Header names are in lower case."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


@fielded.frozen(slots=False)
class Answer:
    """One scripted answer. A `body` that is no bytes is sent as JSON.

    `delay` is how many seconds it lets the client wait. `reset` breaks the connection instead of answering; `silent`
    says nothing until the service ends.
    """

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = fielded.field(default_factory=dict)
    delay: float = 0.0
    reset: bool = False
    silent: bool = False

    @classmethod
    def busy(cls, retry_after: float | str | None = None, status: int = 503) -> Answer:
        """Come again later: in so many seconds, or at that date, when it is said."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return cls(status, b"busy, come again\n", headers)

    @classmethod
    def broken(cls, text: bytes = b'{"cut": "of') -> Answer:
        """What says that it is JSON, and is not."""
        return cls(200, text, {"Content-Type": "application/json"})


Script = Answer | Callable[[Asked], Answer]

_NOWHERE: tuple[Script, ...] = (Answer(404, b"there is no such page\nand never was"),)


class FakeAPI:
    """A service at `url`, on a free port of this machine, for the length of a `with`.

        with FakeAPI() as api:
            api.answers("/flaky", Answer.busy(), Answer(body={"ok": True}))    # in this order; the last one stays
            api.pages("/items", [1, 2, 3], size=2)
            ...
            assert api.asked[0].params == {"page": "1"}

    A script may also be a function of what was `Asked`. What nobody scripted is answered by 404.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._scripts: dict[str, list[Script]] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                service._handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> FakeAPI:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.leave()

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def other_url(self) -> str:
        """The same service under the name of another host."""
        return f"http://localhost:{self._server.server_address[1]}"

    # -- scripts -------------------------------------------------------------------------------------------

    def answers(self, path: str, *script: Script) -> None:
        """Answer requests to `path` by each of `script` in turn, and by the last one from then on."""
        with self._lock:
            self._scripts[path] = list(script)

    def gives(self, path: str, body: Any, **headers: str) -> None:
        """Answer requests to `path` by 200 and `body`."""
        self.answers(path, Answer(body=body, headers={name.replace("_", "-"): text for name, text in headers.items()}))

    def moves(self, path: str, target: str, status: int = 302) -> None:
        """Redirect `path` to another path or URL."""
        self.answers(path, Answer(status, headers={"Location": target}))

    def pages(self, path: str, items: Sequence[Any], size: int, by: str = "page") -> None:
        """Give `items` in pages: by "page", "offset", "cursor", "next" or "link", as those are usually spelt."""

        def page(asked: Asked) -> Answer:
            start = int(asked.params.get({"page": "page", "offset": "offset"}.get(by, "cursor"), 0) or 0)
            start = max(start - 1, 0) * size if by == "page" else start
            here, end = list(items[start : start + size]), start + size
            body: dict[str, Any] = {"items": here, "count": len(items)}
            headers = {}
            more = end < len(items)
            if by == "cursor":
                body["meta"] = {"cursor": str(end) if more else None}
            elif by == "next":
                body["links"] = {"next": f"{path}?cursor={end}" if more else None}
            elif by == "link" and more:
                headers["Link"] = f'<{self.url}{path}?cursor=0>; rel="first", <{path}?cursor={end}>; rel="next"'
            return Answer(body=here if by == "link" else body, headers=headers)

        self.answers(path, page)

    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [each.path for each in self.asked]

    # -- serving -------------------------------------------------------------------------------------------

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        params = dict(parse_qsl(parts.query, keep_blank_values=True))
        asked = Asked(handler.command, parts.path, params, headers, body)
        with self._lock:
            self.asked.append(asked)
            script = self._scripts.get(parts.path) or list(_NOWHERE)
            step = script.pop(0) if len(script) > 1 else script[0]
        answer = step(asked) if callable(step) else step
        if answer.delay:
            self._over.wait(answer.delay)
        if answer.silent:
            self._over.wait()
            handler.close_connection = True
        elif answer.reset:
            # closing with something unsaid makes the kernel reset the connection
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
            handler.close_connection = True
        else:
            _send(handler, answer)


def _send(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    is_bytes = isinstance(answer.body, bytes)
    content: bytes = answer.body if is_bytes else json.dumps(answer.body).encode()
    handler.send_response(answer.status)
    known = {name.lower() for name in answer.headers}
    if "content-type" not in known:
        handler.send_header("Content-Type", "text/plain" if is_bytes else "application/json")
    for name, text in answer.headers.items():
        handler.send_header(name, text)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(content)


class _Server(HTTPServer):
    """A thread for each connection, and none left at the end: clients like to keep theirs open."""

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._open: dict[threading.Thread, Any] = {}

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own."""
        thread = threading.Thread(target=self._serve, args=(request, client_address), daemon=True)
        self._open[thread] = request
        thread.start()

    def handle_error(self, *_: Any) -> None:
        """A client that went away is what the test is about."""

    def leave(self) -> None:
        """Hang up on every client, and wait for the threads."""
        for thread, request in list(self._open.items()):
            try:
                request.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is closed already
            thread.join()
        self._open.clear()

    def _serve(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except Exception:
            self.handle_error(request, client_address)
        finally:
            self.shutdown_request(request)
