"""Two downloads side by side, and a step that waits for both: `tane run parallel_join.py -j 2`."""

from sequential import download

from tane import Pipeline, node


def join(text_1: str, text_2: str) -> str:
    """Both texts, one below the other."""
    both = f"Text 1:\n{text_1}\nText 2:\n{text_2}"
    print(both)
    return both


pipeline = Pipeline(
    [
        node(download, "params:url_1", "text_1", name="download_1"),
        node(download, "params:url_2", "text_2", name="download_2"),
        node(join, ["text_1", "text_2"], "both"),
    ]
)
