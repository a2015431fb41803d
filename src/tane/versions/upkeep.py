"""What `tane doctor` says of things that lie around in a project's store and could be tidied up. It only looks."""

from __future__ import annotations

from collections.abc import Iterator

from tane import errors
from tane.project import findings, projects
from tane.versions import collection, places

Finding = findings.Finding


def findings_of(project: projects.Project) -> Iterator[Finding]:
    """Objects that no run names, and what is in the trash. What is wrong with configuration is told elsewhere."""
    place = places.Place(project.root, project.store, project.ledger)
    try:
        seen = collection.collect(place, collection.Asked(git=False), really=False)
    except errors.UsageError:
        return
    where = place.store.relative_to(place.root).as_posix() if place.store.is_relative_to(place.root) else place.store
    count, size = seen.thrown.count + seen.young.count, seen.thrown.bytes + seen.young.bytes
    if count:
        what = f"{_count(count, 'object')} ({size} bytes) named by no run"
        yield Finding("advice", "orphans", what, str(where), "tane data gc shows which are old enough to go")
    count, size = seen.emptied.count + seen.resting.count, seen.emptied.bytes + seen.resting.bytes
    if count:
        what = f"the trash holds {_count(count, 'object')} ({size} bytes)"
        hint = "tane data gc --yes deletes what has lain there for two days, --empty-trash all"
        yield Finding("advice", "trash", what, f"{where}/trash", hint)


def _count(number: int, one: str) -> str:
    return f"{number} {one}" if number == 1 else f"{number} {one}s"
