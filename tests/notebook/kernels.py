"""Notebooks as users run them: in real kernels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class Ran:
    """A notebook that was executed."""

    notebook: Any
    payloads: list[list[dict[str, Any]]]

    def printed(self, cell: int) -> str:
        return "".join(one["text"] for one in self.notebook.cells[cell].outputs if one.output_type == "stream")

    def html(self, cell: int) -> str:
        return "".join(
            "".join(one["data"].get("text/html", ""))
            for one in self.notebook.cells[cell].outputs
            if one.output_type in ("execute_result", "display_data")
        )

    def text(self, cell: int) -> str:
        return "".join(
            one["data"].get("text/plain", "")
            for one in self.notebook.cells[cell].outputs
            if one.output_type == "execute_result"
        )

    def next_input(self, cell: int) -> str:
        """What the cell puts into the next one."""
        found = [one["text"] for one in self.payloads[cell] if one["source"] == "set_next_input"]
        return str(found[-1]) if found else ""


def notebook(*cells: str | tuple[str, ...]) -> Any:
    """A notebook of code cells: a source, or a source and its tags; a source that begins with "# md" is text."""
    import nbformat

    made = nbformat.v4.new_notebook()
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for number, each in enumerate(cells):
        source, *tags = (each,) if isinstance(each, str) else each
        if source.startswith("# md\n"):
            cell = nbformat.v4.new_markdown_cell(source.removeprefix("# md\n"))
        else:
            cell = nbformat.v4.new_code_cell(source)
            cell.metadata["tags"] = tags
        cell["id"] = f"cell-{number}"
        made.cells.append(cell)
    return made


def execute(made: Any, folder: Path) -> Ran:
    """Run all cells in a kernel that stands in `folder`; raises what a cell raises."""
    from nbclient import NotebookClient

    payloads: list[list[dict[str, Any]]] = [[] for _ in made.cells]

    def note(cell: Any, cell_index: int, execute_reply: dict[str, Any]) -> None:
        payloads[cell_index] = execute_reply["content"].get("payload", [])

    client = NotebookClient(
        made,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        on_cell_executed=note,
    )
    client.execute()
    return Ran(made, payloads)
