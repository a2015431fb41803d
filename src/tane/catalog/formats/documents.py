"""Documents: JSON, YAML and plain text, as UTF-8, compressed when the file's suffix says so."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from tane.catalog.formats import contract, streams


@dataclass(frozen=True, slots=True)
class _Document:
    """What all documents share."""

    options: contract.Options
    distributions: ClassVar[tuple[str, ...]] = ()
    faithful: ClassVar[bool] = False
    write_only: ClassVar[bool] = False
    folders: ClassVar[bool] = False
    empty: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class JSON(_Document):
    """`json.load` and `json.dump`, indented by two unless `save_args` say otherwise."""

    def read(self, path: str) -> Any:
        """The document."""
        with streams.reading_text(path, self.options.compression) as text:
            try:
                return contract.call(json.load, text, **self.options.load_args)
            except json.JSONDecodeError as error:
                raise contract.Problem(f"it is not JSON: {error.msg}", "mend the file", error.lineno) from None

    def write(self, value: Any, path: str) -> None:
        """Write plain values: dicts, lists, text, numbers."""
        try:
            text = contract.call(json.dumps, value, **{"indent": 2, **self.options.save_args})
        except TypeError as error:
            raise contract.Problem(
                f"the value is not plain JSON: {error}",
                "turn numbers of NumPy into float(...) or int(...), arrays into .tolist()",
            ) from None
        with streams.writing_text(path, self.options.compression) as file:
            file.write(text)


@dataclass(frozen=True, slots=True)
class YAML(_Document):
    """Safe YAML: plain values only, keys in their order."""

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


@dataclass(frozen=True, slots=True)
class Text(_Document):
    """One text. `encoding` in `load_args` and `save_args` is UTF-8 unless said."""

    empty: ClassVar[bool] = True

    def read(self, path: str) -> str:
        """The text, line ends as newlines."""
        encoding = str(self.options.load_args.get("encoding", "utf-8"))
        with streams.reading_text(path, self.options.compression, encoding) as text:
            return text.read()

    def write(self, value: Any, path: str) -> None:
        """Write a text as it is."""
        if not isinstance(value, str):
            raise contract.wrong_type(value, "text", "return a str, or choose another type for the dataset")
        encoding = str(self.options.save_args.get("encoding", "utf-8"))
        with streams.writing_text(path, self.options.compression, encoding) as file:
            file.write(value)
