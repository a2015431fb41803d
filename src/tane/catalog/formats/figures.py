"""Figures: Matplotlib to images, Plotly to JSON or a page. The same figure gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from tane.catalog.formats import contract

# what savefig would write of its own version and the time
_ANONYMOUS: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "svgz": {"Date": None},
    "pdf": {"CreationDate": None},
    "ps": {},
    "eps": {},
}


class Matplotlib(contract.Whole):
    """`Figure.savefig`; the suffix says the kind. A list or dict of figures becomes a folder of images."""

    __slots__ = ()
    distributions: ClassVar[tuple[str, ...]] = ("matplotlib",)
    faithful: ClassVar[bool] = True
    write_only: ClassVar[bool] = True
    folders: ClassVar[bool] = True

    def read(self, path: str) -> Any:
        """An image is no figure any more."""
        raise contract.Problem("an image cannot be loaded as a figure", "hand the figure's data to the node instead")

    def write(self, value: Any, path: str) -> None:
        """Write a figure, or a list or dict of figures."""
        if isinstance(value, dict | list | tuple):
            folder = Path(path)
            folder.mkdir(parents=True, exist_ok=True)
            kind = str(self.options.save_args.get("format", "png"))
            for name, figure in _named(value, kind):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                self._save(figure, str(folder / name), Path(name).suffix[1:].lower())
        else:
            self._save(value, path, self.options.suffix[1:] or "png")

    def _save(self, figure: Any, path: str, kind: str) -> None:
        figure = getattr(figure, "figure", figure)  # the figure of an Axes or a seaborn grid
        if not hasattr(figure, "savefig"):
            raise contract.wrong_type(figure, "a Matplotlib figure", "return the Figure, or a list or dict of figures")
        import matplotlib

        args = {"format": kind, **self.options.save_args}
        if args["format"] in _ANONYMOUS:
            args["metadata"] = {**_ANONYMOUS[args["format"]], **args.get("metadata", {})}
        supported = figure.canvas.get_supported_filetypes()
        if args["format"] not in supported:
            raise contract.Problem(
                f"Matplotlib cannot write {args['format']!r}", f"choose one of {', '.join(sorted(supported))}"
            )
        with matplotlib.rc_context({"svg.hashsalt": "tane"}):
            contract.call(figure.savefig, path, **args)


class Plotly(contract.Whole):
    """A Plotly figure as .json, which loads back, or as .html, a page that needs nothing else."""

    __slots__ = ()
    distributions: ClassVar[tuple[str, ...]] = ("plotly",)

    @property
    def write_only(self) -> bool:
        """A page is not read back."""
        return self.options.suffix in (".html", ".htm")

    @property
    def faithful(self) -> bool:
        """As for images: the page is all there is to keep."""
        return self.write_only

    def read(self, path: str) -> Any:
        """The figure."""
        import plotly.io

        if self.write_only:
            raise contract.Problem("a page cannot be loaded as a figure", "save the figure as .json to load it again")
        return contract.call(plotly.io.read_json, path, **self.options.load_args)

    def write(self, value: Any, path: str) -> None:
        """Write a figure."""
        import plotly.io

        if not hasattr(value, "to_plotly_json"):
            raise contract.wrong_type(value, "a Plotly figure", "return a plotly.graph_objects.Figure")
        if self.write_only:
            args = {"include_plotlyjs": True, "div_id": "figure", **self.options.save_args}
            text = contract.call(plotly.io.to_html, value, **args)
        else:
            text = contract.call(plotly.io.to_json, value, **self.options.save_args)
        Path(path).write_text(text, encoding="utf-8")


def _named(figures: Any, kind: str) -> Iterator[tuple[str, Any]]:
    if isinstance(figures, dict):
        for name, figure in figures.items():
            if not isinstance(name, str) or Path(name).is_absolute() or ".." in Path(name).parts:
                raise contract.Problem(f"{name!r} is no file name for a figure", "use plain names as keys of the dict")
            yield (name if Path(name).suffix else f"{name}.{kind}"), figure
    else:
        for i, figure in enumerate(figures):
            yield f"{i}.{kind}", figure
