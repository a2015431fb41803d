"""What fails between here and a server, in words: who refused, what was not there, what did not answer.

`remotes` calls it. Errors of optional packages are told apart by the names of their classes, so that none of those
packages is imported for it.
"""

from __future__ import annotations

from collections.abc import Iterable

from tane.catalog import masking, places
from tane.catalog.formats import contract

_DENIED = {"PermissionError", "ClientAuthenticationError", "Forbidden", "AuthenticationException"}
_NO_CREDENTIALS = {
    "NoCredentialsError",
    "PartialCredentialsError",
    "CredentialRetrievalError",
    "ProfileNotFound",
    "DefaultCredentialsError",
    "TokenRetrievalError",
}
_TOO_SLOW = {"TimeoutError", "FSTimeoutError", "ConnectTimeoutError", "ReadTimeoutError", "ServerTimeoutError"}
_NO_LINE = {
    "ConnectionError",
    "gaierror",
    "EndpointConnectionError",
    "ConnectionClosedError",
    "ProxyConnectionError",
    "HTTPClientError",
    "ClientConnectionError",
    "ClientConnectorError",
    "ClientPayloadError",
    "SSLError",
    "ServiceRequestError",
}
_LONGEST = 300


def explain(
    error: Exception, place: str, credentials: str, secrets: Iterable[str], *, sending: bool
) -> contract.Problem | None:
    """The problem that `error` stands for; None when there is simply nothing at the place.

    `place` is the URL for messages, `credentials` the name of its credentials, which may be empty.
    """
    error = _meant(error)
    names = {kind.__name__ for kind in type(error).__mro__}
    said = masking.text(str(error).strip(), secrets).partition("\n")[0][:_LONGEST]
    status = getattr(error, "status", None)  # of an HTTP answer
    server = _server(place)
    scheme = places.scheme(place)
    if "FileNotFoundError" in names or status in (404, 410):
        return _nothing(said, place, sending=sending)
    if names & _NO_CREDENTIALS:
        return contract.Problem(
            f"{server} wants credentials, and there are none that work: {said}",
            _credentials(credentials, "name them: credentials: my_store, with its keys in credentials.yml"),
        )
    if names & _DENIED or status in (401, 403):
        return contract.Problem(
            f"{server} denied access: {said}",
            _credentials(credentials, "name them: credentials: my_store, with its keys in credentials.yml"),
        )
    if names & _TOO_SLOW:
        return contract.Problem(
            f"{server} did not answer in time" + (f": {said}" if said else ""),
            "check the network and the endpoint, then run again",
        )
    if names & _NO_LINE:
        return contract.Problem(
            f"{server} cannot be reached: {said or type(error).__name__}",
            "check the network, the host name and the endpoint in the credentials",
        )
    if isinstance(error, NotImplementedError):
        return contract.Problem(f"{scheme}:// cannot do that: {said}", "use another place for it")
    if isinstance(status, int):
        return contract.Problem(f"{server} answered {status}: {said}", "check the URL, or try again later")
    return contract.Problem(
        f"{server} failed: {type(error).__name__}: {said}", "check the URL, the entry's fs_args and the credentials"
    )


def _meant(error: Exception) -> Exception:
    """What is behind an error: fsspec says of every failure of a web server that there is no such file."""
    inner = error.__cause__ or error.__context__
    if isinstance(error, FileNotFoundError) and isinstance(inner, Exception):
        names = {kind.__name__ for kind in type(inner).__mro__}
        if isinstance(getattr(inner, "status", None), int) or names & (_TOO_SLOW | _NO_LINE):
            return inner
    return error


def _nothing(said: str, place: str, *, sending: bool) -> contract.Problem | None:
    if "bucket" in said.lower() or (sending and places.scheme(place) in ("s3", "s3a")):
        bucket = place.partition("://")[2].partition("/")[0]
        return contract.Problem(
            f"there is no bucket {bucket!r}", "correct the filepath, make the bucket, or check the endpoint"
        )
    return contract.Problem(f"there is no such place: {said}", "make the folder first") if sending else None


def _server(place: str) -> str:
    scheme, mark, rest = place.rpartition("::")[2].partition("://")
    return f"{scheme}://{rest.partition('/')[0]}" if mark else scheme


def _credentials(named: str, otherwise: str) -> str:
    if not named:
        return otherwise
    return f"check the keys of {named!r} in credentials.yml, their rights and the endpoint"
