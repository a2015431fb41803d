"""What `entries` asks of an entry of the type `api.APIDataset` before anything is sent: mistakes, and what it means.

It is apart from `api` so that a catalog is read without what sending takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tane import errors

NAME = "api.APIDataset"
_ASKED = ("params", "headers", "json", "data", "files", "cookies", "auth")
_HOW = ("timeout", "retries", "follow_redirects", "verify", "cert", "proxies")
_LOAD = (*_ASKED, *_HOW, "as", "encoding", "paging")
_SAVE = (*_ASKED, *_HOW, "chunk_size")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
_KINDS = ("json", "text", "bytes")
_OF_PAGING: dict[str, tuple[str, ...]] = {
    "next": ("by", "at", "items", "max_pages"),
    "link": ("by", "items", "max_pages"),
    "page": ("by", "param", "start", "size", "size_param", "items", "max_pages"),
    "offset": ("by", "param", "start", "size", "size_param", "items", "max_pages"),
    "cursor": ("by", "at", "param", "items", "max_pages"),
}


def faults(
    own: Mapping[str, Any], load_args: Mapping[str, Any], save_args: Mapping[str, Any]
) -> list[tuple[str, str, str]]:
    """What is wrong with an entry: key, mistake, hint."""
    found: list[tuple[str, str, str]] = []
    url = own.get("url")
    if url is not None:
        scheme, _, rest = str(url).partition("://")
        if scheme not in ("http", "https") or not rest.strip("/"):
            found.append(("url", "url is no address of the web", "write it whole: url: https://host/path"))
    method = own.get("method", "GET")
    if str(method).upper() not in _METHODS:
        hint = errors.did_you_mean(str(method), _METHODS, f"choose one of {', '.join(_METHODS)}")
        found.append(("method", f"there is no method {method!r}", hint))
    for key, given, known in (("load_args", load_args, _LOAD), ("save_args", save_args, _SAVE)):
        for name in given:
            if name not in known:
                hint = errors.did_you_mean(str(name), known, f"{key} takes {', '.join(known)}")
                found.append((key, f"{key} of an API takes no {str(name)!r}", hint))
        found += [(key, what, hint) for what, hint in _limits(given)]
    if load_args.get("as", "json") not in _KINDS:
        hint = errors.did_you_mean(str(load_args["as"]), _KINDS, f"choose one of {', '.join(_KINDS)}")
        found.append(("load_args", f"an answer cannot be loaded as {load_args['as']!r}", hint))
    if load_args.get("paging") is not None:
        found += [("load_args", what, hint) for what, hint in _faults_of_paging(load_args["paging"])]
        if load_args.get("as", "json") != "json":
            found.append(("load_args", "only JSON comes in pages", "take paging or as away"))
    return found


def _limits(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    timeout = given.get("timeout", 1)
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or timeout <= 0:
        found.append((f"timeout is {timeout!r}", "write seconds: timeout: 30"))
    for key, least in (("retries", 0), ("chunk_size", 1)):
        value = given.get(key, least)
        if type(value) is not int or value < least:
            found.append((f"{key} is {value!r}", f"write a whole number from {least} on"))
    follow = given.get("follow_redirects", True)
    if not isinstance(follow, int) or follow < 0:
        found.append((f"follow_redirects is {follow!r}", "write true, false, or how many"))
    return found


def of_content(args: Mapping[str, Any]) -> dict[str, Any]:
    """Those arguments that have a say in what is loaded or sent: not how patiently, nor in whose name."""
    return {key: value for key, value in args.items() if key not in _HOW and key != "auth"}


def is_only_written(own: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether the entry is for sending only: asking by POST needs load_args, and nobody asks by PUT."""
    method = str(own.get("method", "GET")).upper()
    return method in ("PUT", "PATCH", "DELETE") or (method == "POST" and body.get("load_args") is None)


def _faults_of_paging(written: Any) -> list[tuple[str, str]]:
    """What is wrong with `paging` as an entry has it: mistake and hint."""
    if not isinstance(written, Mapping):
        return [("paging is no mapping", "write paging: {by: next, at: next}")]
    by = written.get("by")
    if by not in _OF_PAGING:
        hint = errors.did_you_mean(str(by), _OF_PAGING, f"choose one of {', '.join(_OF_PAGING)}")
        return [(f"there is no paging by {by!r}" if by else "paging does not say by what", hint)]
    known = _OF_PAGING[by]
    found = [
        (f"paging by {by} takes no {key!r}", errors.did_you_mean(str(key), known, f"it takes {', '.join(known)}"))
        for key in written
        if key not in known
    ]
    if by == "cursor" and not written.get("at"):
        found.append(("paging by cursor does not say where the cursor is", "add at: meta.cursor"))
    for key, least in (("max_pages", 1), ("size", 1), ("start", 0)):
        value = written.get(key, least)
        if type(value) is not int or value < least:
            found.append((f"{key} of paging is {value!r}", f"write a whole number from {least} on"))
    return found
