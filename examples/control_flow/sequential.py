"""One step after the other: a file is downloaded and printed; the last step waits, though nothing is handed on."""

from pathlib import Path
from urllib.request import urlopen

from tane import Pipeline, node


def download(url: str) -> str:
    """The text behind a URL, or in a file of this folder."""
    with urlopen(url if "://" in url else Path(url).absolute().as_uri(), timeout=10) as answer:
        return answer.read().decode()


def show(text: str) -> None:
    """Print it."""
    print(text)


def leave() -> None:
    """Print a last line."""
    print("that was all")


pipeline = Pipeline(
    [
        node(download, "params:url_1", "text", retries={"times": 2, "delay": 0.1, "on": [OSError]}),
        node(show, "text", None),
        node(leave, None, None, after="show"),
    ]
)
