"""The catalog that a run had, from its record: where its datasets lay, whatever the project says today."""

from __future__ import annotations

from pathlib import Path

from tane import errors
from tane.catalog import catalogs
from tane.ledger import records
from tane.project import references


def catalog_of(run: records.RunRecord, root: Path) -> catalogs.Catalog:
    """The catalog as it was when `run` began; an empty one when it can no longer be understood."""
    try:
        entries = references.fill(run.config.get("catalog") or {}, run.params, lambda keys: "")
        return catalogs.Catalog.from_config(entries, run.config.get("credentials") or {}, root)
    except errors.TaneError:
        return catalogs.Catalog()
