"""Documents: JSON, JSON lines, YAML and plain text, as UTF-8, compressed when the file's suffix says so."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from tane.catalog.formats import contract, streams


class _Document(contract.Whole):
    """What all documents share."""

    __slots__ = ()


class JSON(_Document):
    """`json.load` and `json.dump`, indented by two unless `save_args` say otherwise."""

    __slots__ = ()

    def read(self, path: str) -> Any:
        """The document."""
        with streams.reading_text(path, self.options.compression) as text:
            try:
                return contract.call(json.load, text, **self.options.load_args)
            except json.JSONDecodeError as error:
                raise contract.Problem(f"it is not JSON: {error.msg}", "mend the file", error.lineno) from None

    def write(self, value: Any, path: str) -> None:
        """Write plain values: dicts, lists, text, numbers."""
        text = _plain(value, {"indent": 2, **self.options.save_args})
        with streams.writing_text(path, self.options.compression) as file:
            file.write(text)


class JSONLines(_Document):
    """A list of plain values, one a line; with `load_args: {chunksize: N}` lists of N of them."""

    __slots__ = ()
    empty: ClassVar[bool] = True
    streams: ClassVar[bool] = True

    @property
    def lazy(self) -> bool:
        """Whether it gives chunks."""
        return self.options.load_args.get("chunksize") is not None

    def read(self, path: str) -> Any:
        """The list, or its parts."""
        size = contract.count(self.options.load_args, "chunksize")
        return contract.Chunks(_by(self._values(path), size)) if size else list(self._values(path))

    def _values(self, path: str) -> Iterator[Any]:
        args = {key: value for key, value in self.options.load_args.items() if key != "chunksize"}
        with streams.reading_text(path, self.options.compression) as text:
            for number, line in enumerate(text, 1):
                if line.strip():
                    try:
                        yield contract.call(json.loads, line, **args)
                    except json.JSONDecodeError as error:
                        raise contract.Problem(f"it is not JSON: {error.msg}", "mend that line", number) from None

    def write(self, value: Any, path: str) -> None:
        """Write a list of plain values."""
        if not isinstance(value, list | tuple):
            raise contract.wrong_type(value, "a list", "return a list of plain values, one for each line")
        self.write_chunks(iter([value]), path)

    def write_chunks(self, chunks: Iterator[Any], path: str) -> None:
        """Write lists of values, or single values."""
        with streams.writing_text(path, self.options.compression) as file:
            for chunk in chunks:
                for value in chunk if isinstance(chunk, list | tuple) else [chunk]:
                    file.write(_plain(value, self.options.save_args) + "\n")


class YAML(_Document):
    """Safe YAML: plain values only, keys in their order."""

    __slots__ = ()

    distributions: ClassVar[tuple[str, ...]] = ("yaml",)
    empty: ClassVar[bool] = True

    def read(self, path: str) -> Any:
        """The document; an empty file is None."""
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        with streams.reading(path, self.options.compression) as file:
            try:
                return yaml.load(file, loader)
            except yaml.MarkedYAMLError as error:
                line = error.problem_mark.line + 1 if error.problem_mark else None
                raise contract.Problem(f"it is not YAML: {error.problem}", "mend the file", line) from None

    def write(self, value: Any, path: str) -> None:
        """Write plain values: dicts, lists, text, numbers, dates."""
        import yaml

        args = {
            "default_flow_style": False,
            "sort_keys": False,
            "allow_unicode": True,
            **self.options.save_args,
        }
        try:
            text = contract.call(yaml.dump_all, [value], Dumper=yaml.SafeDumper, **args)
        except yaml.representer.RepresenterError as error:
            raise contract.Problem(
                f"the value is not plain YAML: {error.args[0]}: {error.args[-1]!r}",
                "turn numbers of NumPy into float(...) or int(...), tuples into lists",
            ) from None
        with streams.writing_text(path, self.options.compression) as file:
            file.write(text)


class Text(_Document):
    """One text, or with `load_args: {chunksize: N}` texts of N lines. `encoding` is UTF-8 unless said."""

    __slots__ = ()
    empty: ClassVar[bool] = True
    streams: ClassVar[bool] = True

    @property
    def lazy(self) -> bool:
        """Whether it gives chunks."""
        return self.options.load_args.get("chunksize") is not None

    def read(self, path: str) -> Any:
        """The text, line ends as newlines, or its parts."""
        size = contract.count(self.options.load_args, "chunksize")
        if size:
            return contract.Chunks(map("".join, _by(self._lines(path), size)))
        with streams.reading_text(path, self.options.compression, self._encoding) as text:
            return text.read()

    @property
    def _encoding(self) -> str:
        return str(self.options.load_args.get("encoding", "utf-8"))

    def _lines(self, path: str) -> Iterator[str]:
        with streams.reading_text(path, self.options.compression, self._encoding) as text:
            yield from text

    def write(self, value: Any, path: str) -> None:
        """Write a text as it is."""
        self.write_chunks(iter([value]), path)

    def write_chunks(self, chunks: Iterator[Any], path: str) -> None:
        """Write texts, one after the other."""
        encoding = str(self.options.save_args.get("encoding", "utf-8"))
        with streams.writing_text(path, self.options.compression, encoding) as file:
            for chunk in chunks:
                if not isinstance(chunk, str):
                    raise contract.wrong_type(chunk, "text", "return a str, or choose another type for the dataset")
                file.write(chunk)


def _plain(value: Any, args: Mapping[str, Any]) -> str:
    """`value` as JSON."""
    try:
        return str(contract.call(json.dumps, value, **args))
    except TypeError as error:
        raise contract.Problem(
            f"the value is not plain JSON: {error}",
            "turn numbers of NumPy into float(...) or int(...), arrays into .tolist()",
        ) from None


def _by(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Lists of `size` items, the last one with the rest."""
    items = iter(items)
    while part := list(itertools.islice(items, size)):
        yield part
