"""A notebook file as cells of Python: what each says, how it is tagged, which heading stands above it.

Called by `converting`. The file is read and never written. Lines that are IPython's and not Python's are taken out.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tane import errors, fielded, patterns

NODE, IMPORTS, HELPERS, PARAMETERS = "node", "imports", "helpers", "parameters"
TAGS = (NODE, IMPORTS, HELPERS, PARAMETERS)
_SAME = {"nodes": NODE, "import": IMPORTS, "helper": HELPERS, "parameter": PARAMETERS}
_RUNS_ITS_LINE = ("%time ", "%prun ", "%memit ", "%mprun ", "%lprun ")
_PYTHON_CELLS = ("time", "capture", "prun", "memit")


@fielded.frozen
class Cell:
    """A code cell: its place among all cells counted from 1, Python source, syntax tree and tag (empty for none).

    `name` is the one given after "node:" in its tag or first line, `heading` that of the text right above.
    """

    number: int
    source: str
    tree: ast.Module
    tag: str
    name: str = ""
    heading: str = ""


@fielded.frozen
class Notebook:
    """The code cells of a notebook, and what was left out of them."""

    file: Path
    cells: tuple[Cell, ...]
    notices: tuple[str, ...]


def read(file: Path) -> Notebook:
    """The notebook in `file`. Raises `errors.UsageError` with all cells that cannot be read."""
    cells: list[Cell] = []
    notices: list[str] = []
    faults: list[errors.Fault] = []
    heading = ""
    for number, raw in enumerate(_cells(file), 1):
        source = raw.get("source", "")
        text = "".join(source) if isinstance(source, list) else str(source)
        if raw.get("cell_type") == "markdown":
            heading = _heading(text)
        if raw.get("cell_type") != "code":
            continue
        tag, name = _tag(raw)
        first = _NAMED.match(text)
        where = f"{file.name}, cell {number}"
        python, tree = _python(text, where, bool(tag), notices, faults)
        if tree is not None:
            cells.append(Cell(number, python, tree, tag, name or (first[1] if first else ""), heading))
        heading = ""
    if faults:
        raise errors.UsageError.of(faults, f"{file.name} has {len(faults)} cells that cannot be read")
    return Notebook(file, tuple(cells), tuple(notices))


def _cells(file: Path) -> Iterator[dict[str, Any]]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise errors.UsageError(
            f"cannot read the notebook: {error.strerror}", where=str(file), hint="give the path of an .ipynb file"
        ) from None
    except ValueError as error:
        raise errors.UsageError(
            f"this is no notebook: {error}", where=str(file), hint="give the path of an .ipynb file"
        ) from None
    cells = document.get("cells") if isinstance(document, dict) else None
    if not isinstance(cells, list):
        raise errors.UsageError(
            "this is no notebook of version 4: it has no cells",
            where=str(file),
            hint="open it in Jupyter and save it again",
        )
    language = document.get("metadata", {}).get("kernelspec", {}).get("language", "python")
    if str(language).lower() != "python":
        raise errors.UsageError(
            f"this is a notebook in {language}", where=str(file), hint="only Python becomes nodes: see command nodes"
        )
    yield from (cell for cell in cells if isinstance(cell, dict))


def _tag(raw: dict[str, Any]) -> tuple[str, str]:
    """The tag that means something here, and the name in it: "node:fit"."""
    found = raw.get("metadata", {}).get("tags", [])
    for tag in found if isinstance(found, list) else []:
        word, _, name = str(tag).partition(":")
        word = word.strip().lower()
        word = _SAME.get(word, word)
        if word in TAGS:
            return word, name.strip()
    return "", ""


def _heading(text: str) -> str:
    found = _HEADING.findall(text)
    return str(found[-1]).strip() if found else ""


_HEADING = patterns.lazily(r"^#+[ \t]+(.+?)[ \t#]*$", 8)  # 8: re.MULTILINE
_NAMED = patterns.lazily(r"\s*#[ \t|]*node[ \t]*:[ \t]*(\S+)[ \t]*(?:\n|\Z)")


# --- lines that are no Python -----------------------------------------------------------------------------------------


def _python(
    text: str, where: str, needed: bool, notices: list[str], faults: list[errors.Fault]
) -> tuple[str, ast.Module | None]:
    """The Python of a cell: what IPython alone understands is taken out, line by line. A cell that nobody needs may be
    anything.
    """
    lines = text.split("\n")
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%"):
        magic = first[2:].split()[0] if first[2:].split() else ""
        if magic not in _PYTHON_CELLS:
            if needed:
                what = f"the cell is in another language: %%{magic}"
                faults.append(errors.Fault(what, where, "make it a command node, or take its tag away"))
            return "", None
        lines[lines.index(first)] = ""
        notices.append(f"{where}: left out {first.strip()}")
    while True:
        try:
            return "\n".join(lines), ast.parse("\n".join(lines))
        except (SyntaxError, ValueError) as error:
            at = (getattr(error, "lineno", None) or 0) - 1
            line = lines[at] if 0 <= at < len(lines) else ""
            bare, indent = line.strip(), line[: len(line) - len(line.lstrip())]
            kept = next((bare[len(magic) :].strip() for magic in _RUNS_ITS_LINE if bare.startswith(magic)), None)
            if kept is not None:
                lines[at] = indent + kept
                notices.append(f"{where}: kept {kept!r} of {bare!r}")
            elif bare.startswith(("%", "!", "?")) or bare.endswith("?"):
                lines[at] = f"{indent}pass" if indent else ""
                notices.append(f"{where}: left out {bare!r}")
            else:
                if needed:
                    faults.append(_not_python(bare, error, where))
                return "", None


def _not_python(line: str, error: Exception, where: str) -> errors.Fault:
    if _ASSIGNED_MAGIC.search(line):
        return errors.Fault(f"{line!r} needs IPython", where, "write it in Python, or move it to a cell without a tag")
    what = getattr(error, "msg", None) or str(error)
    return errors.Fault(f"this is not Python: {what}: {line!r}", where, "mend the cell, or take its tag away")


_ASSIGNED_MAGIC = patterns.lazily(r"=\s*[%!]")
