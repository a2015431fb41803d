"""The fake web service: scripted answers, over a real connection."""

import http.client
import json
import threading
import time
from urllib.parse import urlsplit

import pytest

from tane.catalog import catalogs
from tane.testing import Answer, FakeAPI


@pytest.fixture
def ask(api):
    """Asks with nothing but Python's own client."""

    def asking(path, method="GET", body=None, timeout=10, **headers):
        connection = http.client.HTTPConnection(urlsplit(api.url).netloc, timeout=timeout)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    return asking


def test_json_is_given_and_the_request_is_kept(ask, api):
    api.gives("/days", {"a": 1}, X_Page="3")
    status, headers, body = ask("/days?from=2024&to=", "POST", b'{"b": 2}', Accept="text/x")
    assert (status, headers["X-Page"], json.loads(body)) == (200, "3", {"a": 1})
    assert headers["Content-Type"] == "application/json"
    (asked,) = api.asked
    assert (asked.method, asked.path, dict(asked.params)) == ("POST", "/days", {"from": "2024", "to": ""})
    assert (asked.json, asked.headers["accept"], api.paths()) == ({"b": 2}, "text/x", ["/days"])


def test_answers_come_in_turn_and_the_last_one_stays(ask, api):
    api.answers("/flaky", Answer.busy(retry_after=2), Answer.busy(status=429), Answer(body=b"fine"))
    found = [ask("/flaky") for _ in range(4)]
    assert [status for status, _, _ in found] == [503, 429, 200, 200]
    assert [headers.get("Retry-After") for _, headers, _ in found] == ["2", None, None, None]


def test_what_nobody_scripted_is_not_found(ask):
    assert ask("/nowhere")[0] == 404


def test_an_answer_may_depend_on_the_question(ask, api):
    api.answers("/double", lambda asked: Answer(body=2 * int(asked.params["n"])))
    assert [ask(f"/double?n={n}")[2] for n in (1, 2)] == [b"2", b"4"]


def test_it_redirects(ask, api):
    api.moves("/old", "/new", 301)
    status, headers, _ = ask("/old")
    assert (status, headers["Location"]) == (301, "/new")


def test_what_is_broken_says_that_it_is_json(ask, api):
    api.answers("/broken", Answer.broken())
    _, headers, body = ask("/broken")
    assert headers["Content-Type"] == "application/json"
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


def test_a_connection_is_reset(ask, api):
    api.answers("/reset", Answer(reset=True))
    with pytest.raises(ConnectionError):
        ask("/reset")


def test_an_answer_may_take_its_time(ask, api):
    api.answers("/slow", Answer(body=b"late", delay=0.2))
    with pytest.raises(TimeoutError):
        ask("/slow", timeout=0.05)
    assert ask("/slow")[2] == b"late"


@pytest.mark.parametrize("by", ["page", "offset", "cursor", "next", "link"])
def test_pages_are_given_in_every_usual_way(api, by):
    api.pages("/items", list(range(5)), size=2, by=by)
    assert walk(api, by) == list(range(5))


def walk(api, by):
    """All items, page by page, as a client of that kind goes on."""
    import requests

    items, params, url, number = [], {"page": 1} if by == "page" else {}, f"{api.url}/items", 0
    with requests.Session() as session:
        while url and number < 10:
            number += 1
            answer = session.get(url, params=params)
            body = answer.json()
            here = body if by == "link" else body["items"]
            items += here
            if by in ("page", "offset"):
                params = {"page": number + 1} if by == "page" else {"offset": len(items)}
                url = url if len(items) < body["count"] else ""
            elif by == "cursor":
                params = {"cursor": body["meta"]["cursor"]}
                url = url if params["cursor"] else ""
            else:
                onward = body["links"]["next"] if by == "next" else answer.links.get("next", {}).get("url")
                params, url = {}, api.url + onward if onward else ""
    return items


def test_at_the_end_no_thread_is_left_though_clients_hang_on():
    before = set(threading.enumerate())
    with FakeAPI() as api:
        api.answers("/silent", Answer(silent=True))
        connections = [http.client.HTTPConnection(urlsplit(api.url).netloc) for _ in range(3)]
        for connection in connections:
            connection.request("GET", "/silent")
        while len(api.asked) < 3:
            time.sleep(0.01)
    assert set(threading.enumerate()) <= before
    for connection in connections:
        connection.close()


def test_a_dataset_of_ours_reads_from_it(api, tmp_path):
    api.gives("/items", [1, 2])
    found = catalogs.Catalog.from_config({"it": {"type": "api", "url": f"{api.url}/items"}}, {}, tmp_path)
    assert found.find("it").load() == [1, 2]
