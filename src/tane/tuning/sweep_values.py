"""Values that the runs of a sweep made, loaded when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Any

from tane import errors
from tane.catalog import catalogs
from tane.config import compose
from tane.ledger import connection, read
from tane.project import projects, references
from tane.runs import sources
from tane.store import objects

Configured = Callable[[int], compose.Config]


class Loader:
    """Loads a value of a run of a project; `configured` gives the configuration of a point."""

    def __init__(self, project: projects.Project, configured: Configured) -> None:
        self._project = project
        self._configured = configured

    def __call__(self, run: str, name: str) -> Any:
        """The value of dataset `name` in that run."""
        project = self._project
        with ExitStack() as during:
            ledger = during.enter_context(closing(connection.open_ledger(project.ledger)))
            store = during.enter_context(objects.Objects(project.store))
            made = {kept.name: kept for _, kept in read.outputs(ledger, [run]).get(run, ())}
            if name not in made:
                hint = errors.did_you_mean(name, made, f"it made: {', '.join(made) or 'nothing'}")
                raise errors.UsageError(f"run {run} made no dataset {name!r}", hint=hint)
            config = self._configured(read.run(ledger, run).trial)
            project.use_code()
            entries = references.fill(config.catalog, config.parameters, lambda keys: str(config.origin(*keys)))
            catalog = catalogs.Catalog.from_config(entries, config.credentials, project.root, config.origin)
            return sources.decode(made[name], catalog.find(name), store)
