"""A project's store and ledger, filled by hand: what runs name is known, and so is what nobody needs."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from tane.ledger import connection, records, write
from tane.outcomes import RunStatus, StepStatus
from tane.store import collecting, objects, trees
from tane.versions import collection, places, roots

LARGE = 70_000  # bytes: more than lies in a pack
NOTHING = records.Basis("", "", {}, {}, {})


class KeptProject:
    """A project of which only what it kept is there."""

    def __init__(self, root: Path, *, store: Path | None = None, ledger: str = ".tane/ledger.db") -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.place = places.Place(root, store or root / ".tane/objects", root / ledger)

    def put(self, *contents: bytes) -> list[str]:
        """Objects that nobody names yet."""
        with objects.Objects(self.place.store) as store:
            return [store.put(content) for content in contents]

    def put_tree(self, *contents: bytes) -> str:
        """A folder of files, and a folder within it that holds the first."""
        with objects.Objects(self.place.store) as store:
            files = [
                trees.Entry(f"f{at}", trees.FILE, store.put(content), len(content))
                for at, content in enumerate(contents)
            ]
            inner = store.put_tree_bytes(trees.encode(files[:1]))
            return store.put_tree_bytes(trees.encode([*files, trees.Entry("inner", trees.FOLDER, inner, 0)]))

    def run(self, *digests: str, status: RunStatus = RunStatus.SUCCEEDED, kind: str = "run", name: str = "") -> str:
        """A run whose steps made these objects."""
        run = records.new_run_id()
        with closing(connection.open_ledger(self.place.ledger)) as ledger:
            write.start_run(ledger, records.RunRecord(run, "p", kind=kind, started=time.time(), name=name))
            steps = [
                records.StepRecord(
                    at, f"n{at}", StepStatus.SUCCEEDED, f"key {digest}", NOTHING, outputs=(kept(f"d{at}", digest),)
                )
                for at, digest in enumerate(digests)
            ]
            write.add_steps(ledger, run, steps)
            if status is not RunStatus.RUNNING:
                write.end_run(ledger, run, status, time.time())
        return run

    def collect(self, **asked: object) -> collection.Collection:
        """Collect, without a grace period unless one is asked for."""
        options = {"grace": 0.0, "git": False, **asked}
        really = bool(options.pop("really", True))
        now = options.pop("now", None)
        if "keep_runs" in options:
            options["old"] = roots.Old(keep_runs=options.pop("keep_runs"))
        return collection.collect(self.place, collection.Asked(**options), really=really, now=now)

    def lying(self) -> set[str]:
        """What is in the store, the trash left out."""
        with objects.Objects(self.place.store) as store:
            return {each.digest for each in collecting.lying(store)}

    def states(self, digests: Iterable[str]) -> set[str]:
        """How these objects are, without repeating what is said of several."""
        with objects.Objects(self.place.store) as store:
            return set(store.check_many(digests).values())

    def bytes(self) -> int:
        """How much the packs, the files and the trash take."""
        found = (path for path in self.place.store.rglob("*") if path.is_file() and "index.db" not in path.name)
        return sum(path.stat().st_size for path in found)


def kept(name: str, digest: str) -> records.Kept:
    return records.Kept(name, digest, codec="pickle", value=digest)
