"""A web service as a dataset: what is asked, what comes back, and what goes wrong without a word too much."""

import logging
import pickle
from email.utils import formatdate
from types import SimpleNamespace

import pytest

from tane import errors
from tane.catalog.web import sending
from tane.config import secret
from tane.testing import Answer, FakeAPI

KEY = "hush-hush-key"


@pytest.fixture
def api():
    with FakeAPI() as service:
        yield service


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """How long it would have waited, without waiting; chance has no say."""
    found = []
    monkeypatch.setattr(sending, "sleep", found.append)
    monkeypatch.setattr(sending, "jitter", lambda: 1.0)
    return found


@pytest.fixture
def ask(catalog, api):
    """Makes an API dataset for a path of the service."""

    def make(path, credentials=None, **entry):
        known = {"my_api": {key: secret.Secret(value) for key, value in (credentials or {}).items()}}
        named = {"credentials": "my_api"} if credentials else {}
        url = path if "://" in path else api.url + path
        return catalog({"it": {"type": "api.APIDataset", "url": url, **named, **entry}}, credentials=known).find("it")

    return make


def refused(action, *args):
    with pytest.raises(errors.TaneError) as raised:
        action(*args)
    assert raised.value.faults[0].hint
    return str(raised.value)


# -- asking ------------------------------------------------------------------------------------------------


def test_json_is_loaded(ask, api):
    api.gives("/days", {"days": [1, 2]})
    one = ask("/days", load_args={"params": {"from": "2024-01-01", "kind": ["a", "b"], "all": True, "none": None}})
    assert one.load() == {"days": [1, 2]}
    asked = api.asked[0]
    assert (asked.method, asked.path, asked.headers["accept"]) == ("GET", "/days", "application/json")
    assert asked.params == {"from": "2024-01-01", "kind": "b", "all": "true"}


def test_it_is_an_object_with_no_code_of_the_project(ask, api):
    one = ask("/days")
    assert (one.kind, one.code, one.distributions, one.local) == ("object", "", ("requests",), None)
    assert one.place == f"{api.url}/days" and not one.write_only
    assert pickle.loads(pickle.dumps(one)).load_spec == one.load_spec


@pytest.mark.parametrize(("kind", "value"), [("text", "smørrebrød"), ("bytes", "smørrebrød".encode())])
def test_texts_and_bytes_are_loaded_when_asked_for(ask, api, kind, value):
    api.gives("/menu", "smørrebrød".encode())
    assert ask("/menu", load_args={"as": kind}).load() == value


def test_the_charset_of_a_text_is_believed_and_can_be_set(ask, api):
    api.gives("/menu", "smørrebrød".encode("latin-1"), Content_Type="text/plain; charset=ISO-8859-1")
    assert ask("/menu", load_args={"as": "text"}).load() == "smørrebrød"
    api.gives("/menu", "smørrebrød".encode("latin-1"))
    assert "not utf-8 text" in refused(ask("/menu", load_args={"as": "text"}).load)
    assert ask("/menu", load_args={"as": "text", "encoding": "latin-1"}).load() == "smørrebrød"


def test_a_question_may_be_posted(ask, api):
    api.gives("/search", [1])
    one = ask("/search", method="post", load_args={"json": {"q": "x"}, "headers": {"X-Who": "me"}})
    assert one.load() == [1]
    assert (api.asked[0].method, api.asked[0].json, api.asked[0].headers["x-who"]) == ("POST", {"q": "x"}, "me")


def test_how_patiently_it_asks_is_no_part_of_what_is_asked(ask):
    plain = ask("/a", load_args={"params": {"a": 1}})
    assert plain.load_spec == ask("/b", load_args={"params": {"a": 1}, "timeout": 3, "retries": 1}).load_spec
    assert plain.load_spec != ask("/a", load_args={"params": {"a": 2}}).load_spec


# -- sending -----------------------------------------------------------------------------------------------


def test_a_list_is_sent_in_chunks(ask, api):
    api.gives("/rows", b"")
    one = ask("/rows", method="POST", save_args={"chunk_size": 2})
    one.save([{"a": 1}, {"a": 2}, {"a": 3}])
    assert [asked.json for asked in api.asked] == [[{"a": 1}, {"a": 2}], [{"a": 3}]]
    assert one.write_only


def test_other_values_are_sent_at_once(ask, api):
    api.gives("/row", b"")
    one = ask("/row", method="PUT")
    one.save({"a": 1})
    one.save("text")
    assert [asked.body for asked in api.asked] == [b'{"a": 1}', b"text"]


def test_nothing_is_sent_by_get(ask):
    assert "cannot be sent by GET" in refused(ask("/row").save, {"a": 1})


def test_what_is_no_json_is_not_sent(ask):
    assert "cannot be sent as JSON" in refused(ask("/row", method="POST").save, {"a": float("nan")})


def test_what_may_have_been_taken_is_not_posted_twice(ask, api, waits):
    api.answers("/rows", Answer(500), Answer())
    assert "500" in refused(ask("/rows", method="POST").save, {"a": 1})
    api.answers("/rows", Answer(503), Answer())
    ask("/rows", method="POST").save({"a": 1})
    api.answers("/rows", Answer(reset=True), Answer())
    assert "the connection" in refused(ask("/rows", method="POST").save, {"a": 1})
    assert waits == [0.5]


# -- retries -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again_ever_later(ask, api, waits, status):
    api.answers("/flaky", *[Answer(status)] * 3, Answer(body=[1]))
    assert ask("/flaky").load() == [1]
    assert waits == [0.5, 1.0, 2.0]


def test_waits_are_scattered(ask, api, waits, monkeypatch):
    monkeypatch.setattr(sending, "jitter", lambda: 0.0)
    api.answers("/flaky", Answer(500), Answer(body=[1]))
    ask("/flaky").load()
    assert waits == [0.25]


def test_a_server_that_asks_for_time_gets_it(ask, api, waits, monkeypatch):
    monkeypatch.setattr(sending, "now", lambda: 1_000_000_000.0)
    date = formatdate(1_000_000_020.0, usegmt=True)
    api.answers(
        "/busy", *(Answer(429, headers={"Retry-After": text}) for text in ("7", date, "soon")), Answer(body=[1])
    )
    assert ask("/busy").load() == [1]
    assert waits == [7.05, 20.1, 2.0]


def test_a_server_that_asks_for_too_much_time_is_believed(ask, api, waits):
    api.answers("/busy", Answer(429, headers={"Retry-After": "7200"}))
    assert "asks to wait 2h" in refused(ask("/busy").load)
    assert waits == []


def test_a_failure_for_ever_ends(ask, api, waits):
    api.answers("/down", Answer(500, b"<html><title>Out of order</title></html>"))
    text = refused(ask("/down", load_args={"retries": 2}).load)
    assert f"{api.url}/down answered 3 times 500 Internal Server Error: Out of order" in text
    assert len(api.asked) == 3 and len(waits) == 2


def test_a_broken_connection_is_tried_again(ask, api, waits):
    api.answers("/flaky", Answer(reset=True), Answer(body=[1]))
    assert ask("/flaky").load() == [1]
    api.answers("/flaky", Answer(reset=True))
    assert "the connection to 127.0.0.1" in refused(ask("/flaky", load_args={"retries": 1}).load)


def test_a_silent_server_is_not_waited_for(ask, api):
    api.answers("/slow", Answer(silent=True))
    text = refused(ask("/slow", load_args={"timeout": 0.1, "retries": 1}).load)
    assert "did not answer within 0.1 s in 2 tries" in text and "timeout" in text


def test_nobody_at_the_address_is_told(ask):
    text = refused(ask("http://127.0.0.1:9/x", load_args={"retries": 0}).load)
    assert "the connection to 127.0.0.1:9 failed" in text and "refused" in text


def test_a_host_that_does_not_exist_is_told(ask):
    text = refused(ask("http://no-such-host.invalid/x", load_args={"retries": 0}).load)
    assert "no-such-host.invalid" in text and "object at 0x" not in text


# -- refusals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b"who are you?\nsecond line", "401 Unauthorized: who are you?"),
        (403, {"message": "not yours"}, "403 Forbidden: not yours"),
        (404, {"error": {"message": "no such day"}}, "404 Not Found: no such day"),
        (400, b"", "400 Bad Request"),
        (422, {"detail": "from is no date"}, "from is no date"),
        (299 + 1, b"", "300 Multiple Choices"),
    ],
)
def test_a_refusal_is_told_at_once_in_one_line(ask, api, waits, status, body, said):
    api.answers("/no", Answer(status, body))
    text = refused(ask("/no").load)
    assert said in text and "second line" not in text and f"{api.url}/no" in text
    assert waits == []


def test_json_that_is_none_is_told_by_its_beginning(ask, api):
    api.gives("/page", b"<html><body>Welcome", Content_Type="text/html")
    text = refused(ask("/page").load)
    assert "is text/html, not JSON: it begins '<html><body>Welcome'" in text and "as: text" in text


def test_an_empty_answer_is_no_json(ask, api):
    api.answers("/none", Answer(204))
    assert "is empty (204)" in refused(ask("/none").load)


def test_exists_says_whether_it_answers(ask, api):
    api.gives("/there", [1])
    assert ask("/there").exists() and not ask("/nowhere").exists()


# -- redirects ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_for_get(ask, api, status):
    api.moves("/old", "/new", status)
    api.gives("/new", [1])
    assert ask("/old", load_args={"params": {"a": "1"}}).load() == [1]


def test_redirects_can_be_refused(ask, api):
    api.moves("/old", "/new", 301)
    text = refused(ask("/old", load_args={"follow_redirects": False}).load)
    assert f"answered 301: it has moved to {api.url}/new" in text and "follow_redirects" in text


def test_redirects_are_not_followed_for_post(ask, api):
    api.moves("/old", "/new", 307)
    assert "followed for GET, not POST" in refused(ask("/old", method="POST").save, {"a": 1})


def test_circles_of_redirects_end(ask, api):
    api.moves("/a", "/b")
    api.moves("/b", "/a")
    assert "redirects in a circle" in refused(ask("/a").load)


def test_redirects_without_end_end(ask, api):
    for number in range(9):
        api.moves(f"/{number}", f"/{number + 1}")
    assert "more than 3 redirects" in refused(ask("/0", load_args={"follow_redirects": 3}).load)
    assert len(api.asked) == 4


@pytest.mark.parametrize("target", ["ftp://host/x", "file:///etc/passwd"])
def test_redirects_lead_to_the_web_only(ask, api, target):
    api.moves("/old", target)
    assert "no address of the web" in refused(ask("/old").load)


def test_redirects_do_not_give_up_encryption(ask, monkeypatch):
    import requests

    def answer(_self, _method, _url, **_options):
        return SimpleNamespace(status_code=302, headers={"Location": "http://host/x"}, content=b"")

    monkeypatch.setattr(requests.Session, "request", answer)
    assert "not encrypted" in refused(ask("https://host/x").load)


def test_credentials_are_not_sent_to_another_host(ask, api):
    api.moves("/old", api.other_url + "/new")
    api.moves("/new", api.url + "/back")
    api.gives("/back", [1])
    credentials = {"token": KEY, "params": {"key": KEY}, "headers": {"X-Mine": KEY}}
    headers = {"X-API-Key": KEY, "X-Plain": "yes"}
    assert ask("/old", credentials, load_args={"headers": headers, "cookies": {"session": KEY}}).load() == [1]
    first, *others = api.asked
    assert KEY in str(first)
    assert [asked.path for asked in others] == ["/new", "/back"]
    assert KEY not in str(others) and others[0].headers["x-plain"] == "yes"


def test_credentials_go_along_within_a_host(ask, api):
    api.moves("/old", "/new?a=1")
    api.gives("/new", [1])
    ask("/old", {"token": KEY, "params": {"key": KEY}}).load()
    assert api.asked[1].headers["authorization"] == f"Bearer {KEY}"
    assert api.asked[1].params == {"a": "1", "key": KEY}


# -- pages -------------------------------------------------------------------------------------------------

ITEMS = list(range(7))
PAGING = [
    {"by": "page"},
    {"by": "page", "size": 3, "size_param": "per_page"},
    {"by": "offset", "items": "items"},
    {"by": "cursor", "at": "meta.cursor"},
    {"by": "next", "at": "links.next"},
    {"by": "link"},
]


@pytest.mark.parametrize("paging", PAGING)
def test_pages_are_put_together(ask, api, paging):
    api.pages("/items", ITEMS, 3, paging["by"])
    one = ask("/items", {"params": {"key": KEY}}, load_args={"paging": paging})
    assert one.load() == ITEMS
    assert all(asked.params["key"] == KEY for asked in api.asked)


def test_a_short_page_is_the_last_one(ask, api):
    api.pages("/items", ITEMS, 3, "offset")
    assert ask("/items", load_args={"paging": {"by": "offset", "size": 3}}).load() == ITEMS
    assert [asked.params for asked in api.asked] == [{"offset": str(at), "limit": "3"} for at in (0, 3, 6)]


def test_more_pages_than_allowed_are_an_error_not_a_cut(ask, api):
    api.pages("/items", ITEMS, 1, "next")
    text = refused(ask("/items", load_args={"paging": {"by": "next", "at": "links.next", "max_pages": 3}}).load)
    assert "more than 3 pages" in text and "max_pages" in text


def test_pages_that_go_in_a_circle_end(ask, api):
    api.gives("/items", {"items": [1], "next": "/items"})
    assert "go in a circle" in refused(ask("/items", load_args={"paging": {"by": "next"}}).load)


def test_a_service_that_does_not_know_the_parameter_is_found_out(ask, api):
    api.gives("/items", [1, 2])
    assert "same page again" in refused(ask("/items", load_args={"paging": {"by": "page", "param": "p"}}).load)


def test_the_next_page_is_not_fetched_from_another_host(ask, api):
    api.gives("/items", {"items": [1], "next": f"{api.other_url}/items?page=2"})
    assert "at another server" in refused(ask("/items", {"token": KEY}, load_args={"paging": {"by": "next"}}).load)
    assert len(api.asked) == 1


def test_pages_whose_items_are_not_plain_say_so(ask, api):
    api.gives("/items", {"rows": [1], "warnings": []})
    text = refused(ask("/items", load_args={"paging": {"by": "next"}}).load)
    assert "rows, warnings" in text and "items" in text


def test_a_flaky_page_is_tried_again(ask, api, waits):
    api.answers("/items", Answer(body=[1]), Answer(500), Answer(body=[2]), Answer(body=[]))
    assert ask("/items", load_args={"paging": {"by": "page"}}).load() == [1, 2]
    assert waits == [0.5]


# -- credentials -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("credentials", "name", "sent"),
    [
        ({"token": KEY}, "authorization", f"Bearer {KEY}"),
        ({"bearer": KEY}, "authorization", f"Bearer {KEY}"),
        ({"username": "me", "password": "you"}, "authorization", "Basic bWU6eW91"),
        ({"api_key": KEY}, "x-api-key", KEY),
        ({"api_key": KEY, "header": "X-Mine"}, "x-mine", KEY),
        ({"headers": {"X-Other": KEY}}, "x-other", KEY),
    ],
)
def test_credentials_are_sent(ask, api, credentials, name, sent):
    api.gives("/x", [1])
    ask("/x", credentials).load()
    assert api.asked[0].headers[name] == sent


def test_a_key_may_be_a_parameter(ask, api):
    api.gives("/x", [1])
    ask("/x?a=1", {"api_key": KEY, "param": "appid"}).load()
    assert api.asked[0].params == {"a": "1", "appid": KEY}


def test_a_pair_of_user_and_password_is_kedros_form(catalog, api):
    api.gives("/x", [1])
    entry = {"type": "api", "url": f"{api.url}/x", "credentials": "pair"}
    catalog({"it": entry}, credentials={"pair": ["me", "you"]}).find("it").load()
    assert api.asked[0].headers["authorization"] == "Basic bWU6eW91"


def test_netrc_does_not_replace_credentials(ask, api, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    api.gives("/x", [1])
    ask("/x", {"token": KEY}).load()
    ask("/x").load()
    assert api.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert "authorization" not in api.asked[1].headers


def test_a_key_of_credentials_that_means_nothing_is_named(ask):
    text = refused(ask("/x", {"tokn": KEY}).load)
    assert "'tokn'" in text and "'token'" in text and KEY not in text


SPOKEN = [
    Answer(401, f"the key {KEY} is unknown".encode()),
    Answer(200, f"oops {KEY}".encode()),
    Answer(500, {"message": f"{KEY} broke it"}),
    Answer(302, headers={"Location": f"ftp://host/{KEY}"}),
    Answer(reset=True),
]


@pytest.mark.parametrize("answer", SPOKEN)
@pytest.mark.parametrize(
    "credentials", [{"token": KEY}, {"params": {"q": KEY}}, {"username": "me", "password": KEY}, {"api_key": KEY}]
)
def test_no_secret_is_shown(ask, api, credentials, answer, caplog):
    caplog.set_level(logging.DEBUG)
    api.answers("/x", answer)
    inline = {"params": {"access_token": KEY}, "headers": {"Cookie": KEY}}
    one = ask(f"/x?api_key={KEY}", credentials, load_args={**inline, "retries": 1})
    with pytest.raises(errors.TaneError) as raised:
        one.load()
    shown = [str(raised.value), repr(raised.value), repr(raised.value.__cause__), repr(one), one.place, caplog.text]
    assert KEY not in "".join(shown) and KEY not in str(one.facts())


def test_user_and_password_in_the_url_are_sent_and_not_shown(ask, api):
    one = ask(api.url.replace("://", f"://me:{KEY}@") + "/x")
    text = refused(one.load)
    assert api.asked[0].headers["authorization"].startswith("Basic ")
    assert KEY not in text and KEY not in one.place and f"{api.url}/x" in text


# -- entries -----------------------------------------------------------------------------------------------

FAULTS = [
    ({"url": "example.com"}, "url is no address of the web"),
    ({}, "it has no url"),
    ({"url": "http://h/x", "method": "GIT"}, "did you mean 'GET'?"),
    ({"url": "http://h/x", "methd": "GET"}, "did you mean 'method'?"),
    ({"url": "http://h/x", "load_args": {"parms": {}}}, "did you mean 'params'?"),
    ({"url": "http://h/x", "load_args": {"as": "jsn"}}, "did you mean 'json'?"),
    ({"url": "http://h/x", "load_args": {"timeout": 0}}, "timeout is 0"),
    ({"url": "http://h/x", "load_args": {"retries": -1}}, "retries is -1"),
    ({"url": "http://h/x", "load_args": {"follow_redirects": "no"}}, "follow_redirects is 'no'"),
    ({"url": "http://h/x", "load_args": {"paging": {"by": "pages"}}}, "did you mean 'page'?"),
    ({"url": "http://h/x", "load_args": {"paging": {"by": "cursor"}}}, "where the cursor is"),
    ({"url": "http://h/x", "load_args": {"paging": {"by": "page", "sise": 3}}}, "did you mean 'size'?"),
    ({"url": "http://h/x", "load_args": {"paging": {"by": "page", "max_pages": 0}}}, "max_pages of paging is 0"),
    ({"url": "http://h/x", "refresh": "6 hourss"}, "refresh is '6 hourss'"),
    ({"url": "http://h/x", "refresh": "alway"}, "did you mean 'always'?"),
    ({"url": "http://h/x", "credentials": "nobody"}, "no credentials 'nobody'"),
]


@pytest.mark.parametrize(("entry", "said"), FAULTS)
def test_mistakes_of_the_entry_are_told_before_anything_is_asked(catalog, entry, said):
    assert said in refused(lambda: catalog(it={"type": "api.APIDataset", **entry}))


def test_facts_are_told_without_asking(ask, api):
    one = ask(
        "/x?token=abc", {"token": KEY}, load_args={"params": {"day": 1, "api_key": "abc"}}, refresh="6h", layer="raw"
    )
    facts = one.facts()
    assert facts["place"] == f"{api.url}/x?token=***"
    assert facts["load_args"] == {"params": {"day": 1, "api_key": "***"}}
    assert (facts["credentials"], facts["refresh"], facts["layer"]) == ("my_api", "6h", "raw")
    assert api.asked == [] and "abc" not in str(facts)
