from __future__ import annotations

import http.server
import threading

import pytest

from tane import errors
from tane.config import compose
from tane.digest import hashing


class Server:
    """A server of one file, whose content may be changed; None: not there."""

    def __init__(self):
        outer = self
        self.content = b"alpha: 1\n"
        self.asked = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked += 1
                self.send_response(200 if outer.content is not None else 404)
                self.end_headers()
                self.wfile.write(outer.content or b"")

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/far.yml"

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server():
    made = Server()
    yield made
    made.close()


@pytest.fixture
def far(write, tmp_path):
    write({"base/parameters.yml": "defaults:\n  - model: near\n", "base/model/near.yml": "alpha: 0\n"})

    def make(place: str) -> compose.Config:
        return compose.compose(tmp_path, (), [f"model={place}"], {}, cache=tmp_path / ".tane/fetched")

    return make


def test_an_option_may_be_a_url(far, server):
    composed = far(server.url)
    assert composed.parameters == {"model": {"alpha": 1}}
    assert str(composed.origin("parameters", "model", "alpha")) == f"{server.url}:1"
    assert composed.remote
    (source,) = composed.sources
    assert (source.place, source.digest, source.content) == (server.url, hashing.of_bytes(b"alpha: 1\n"), b"alpha: 1\n")
    assert composed.notices == ()


def test_what_was_fetched_is_used_when_the_server_is_gone_and_that_is_told(far, server):
    far(server.url)
    server.content = None
    composed = far(server.url)
    assert composed.parameters == {"model": {"alpha": 1}}
    assert "cannot be read (the server says 404 Not Found)" in composed.notices[0]


def test_what_has_changed_is_taken_and_told(far, server):
    far(server.url)
    server.content = b"alpha: 2\n"
    composed = far(server.url)
    assert composed.parameters == {"model": {"alpha": 2}}
    assert "has changed" in composed.notices[0]
    assert far(server.url).notices == ()


def test_a_pinned_one_is_asked_for_once_and_never_taken_changed(far, server, tmp_path):
    pinned = f"{server.url}#{hashing.of_bytes(server.content)[:12]}"
    far(pinned)
    server.content = b"alpha: 2\n"
    composed = far(pinned)
    assert (composed.parameters, composed.remote, server.asked) == ({"model": {"alpha": 1}}, False, 1)
    for kept in (tmp_path / ".tane/fetched").iterdir():
        kept.unlink()
    with pytest.raises(errors.ConfigError, match="it has changed: look at it"):
        far(pinned)


def test_other_content_than_the_pinned_one_is_not_taken_when_the_server_is_gone(far, server):
    far(server.url)
    server.content = None
    with pytest.raises(errors.ConfigError, match="cannot read"):
        far(f"{server.url}#0123456789ab")


def test_content_that_was_damaged_in_the_cache_is_not_used(far, server, tmp_path):
    far(server.url)
    (tmp_path / ".tane/fetched" / hashing.of_bytes(server.content)).write_bytes(b"alpha: 3\n")
    server.content = None
    with pytest.raises(errors.ConfigError, match="404"):
        far(server.url)


def test_what_is_secret_in_a_url_is_shown_nowhere(far, server):
    secret = server.url.replace("http://", "http://ann:hunter2@") + "?token=hunter3"
    with pytest.raises(errors.ConfigError) as raised:
        far(f"'{secret.replace('127.0.0.1', 'nohost.invalid')}'")
    assert "cannot read http://nohost.invalid" in str(raised.value)


def test_other_places_are_read_too(far):
    import fsspec

    fsspec.filesystem("memory").pipe("/conf/far.yml", b"alpha: 5\n")
    assert far("memory://conf/far.yml").parameters == {"model": {"alpha": 5}}
    with pytest.raises(errors.ConfigError, match="cannot read memory://conf/none.yml"):
        far("memory://conf/none.yml")


def test_what_is_no_yaml_is_told_with_its_place(far, server):
    server.content = b"<html>\n  a: [\n"
    with pytest.raises(errors.ConfigError, match=r"far.yml"):
        far(server.url)


def test_files_are_asked_for_once_for_many_compositions(write, tmp_path, server):
    write({"base/parameters.yml": f"defaults:\n  - model: {server.url}\n", "base/model/near.yml": ""})
    files = compose.read(tmp_path, (), {}, cache=tmp_path / "fetched")
    assert [files.compose([f"model.alpha={n}"]).parameters["model"]["alpha"] for n in (4, 5)] == [4, 5]
    assert server.asked == 1
