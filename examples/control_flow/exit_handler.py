"""A step that comes last in any case: it says what there is to say, whether the others succeeded or not."""

from sequential import download

from tane import Pipeline, node


def count(text: str) -> int:
    """The number of its words."""
    return len(text.split())


def farewell(words: int | None = None) -> None:
    """What a failed step did not make is left to its default."""
    print("nothing was counted" if words is None else f"{words} words were counted")


pipeline = Pipeline(
    [
        node(download, "params:url_1", "text"),
        node(count, "text", "words"),
        node(farewell, "words", None, always=True),
    ]
)
