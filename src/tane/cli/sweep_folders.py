"""The jobs of a sweep laid out as folders: DIR/DATE/TIME/NUMBER, with a summary beside them.

2026-11-21/16-25-00/
    summary.json  summary.csv      every job with its values, metrics and status, best first
    0/  1/  ...                    what each made and logged, as `laying` has it
"""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

from tane import errors
from tane.cli import laying, tables
from tane.ledger import connection, read
from tane.project import projects
from tane.store import objects
from tane.tuning import sweep_records, sweeps

_LOG = "log.jsonl"


def check(folder: Path) -> Path:
    """`folder`, to lay sweeps out in. Raises `errors.UsageError` when it is a file."""
    if folder.exists() and not folder.is_dir():
        raise errors.UsageError(f"{folder} is a file", hint="name a folder: --folders runs")
    return folder


def lay_out(found: sweeps.Sweep, folder: Path, project: projects.Project) -> Path:
    """Lay out every job that has run and is not there yet, and write the summary anew; the sweep's own folder."""
    own = folder.resolve() / _place(found.id)
    own.mkdir(parents=True, exist_ok=True)
    with closing(connection.open_ledger(project.ledger)) as ledger, objects.Objects(project.store) as store:
        for state in found.points:
            target = own / str(state.number)
            if not state.run or state.status == sweep_records.RUNNING:
                continue
            if target.exists():
                if _of_run(target) == state.run:
                    continue
                _set_aside(target)
            run = read.run(ledger, state.run)
            log = project.home / "runs" / run.run / _LOG
            laying.lay_out(run, target, laying.Parts(ledger, store, project.root, project.source, log))
    (own / "summary.json").write_text(tables.as_json(found.as_dict()) + "\n", encoding="utf-8")
    rows = found.table()
    header = list(dict.fromkeys(key for row in rows for key in row))
    text = tables.csv(header, ([_cell(row.get(key)) for key in header] for row in rows))
    (own / "summary.csv").write_text(text, encoding="utf-8")
    return own


def _place(sweep: str) -> Path:
    """DATE/TIME of when a sweep began, as its id has it."""
    day, clock, _ = sweep.split("-", 2)
    return Path(re.sub(r"(\d{4})(\d\d)(\d\d)", r"\1-\2-\3", day), re.sub(r"(\d\d)(\d\d)(\d\d)", r"\1-\2-\3", clock))


def _of_run(target: Path) -> str:
    """The run that a folder was laid out of; empty when it is none of ours."""
    import json

    try:
        return str(json.loads((target / "run.json").read_text(encoding="utf-8")).get("id", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def _set_aside(target: Path) -> None:
    """Make room for a job that was done again: what was laid out of it before is kept beside it."""
    at = 1
    while (other := target.with_name(f"{target.name}.before-{at}")).exists():
        at += 1
    target.rename(other)


def _cell(value: object) -> object:
    return value if value is None or isinstance(value, str | int | float) else tables.value(value)
