"""The code and configuration that a run had, as trees of Git: compared with each other, or with the work tree.

`comparing` and `adopting` call it. A run's state is its commit with the patch of its uncommitted changes on top. The
trees are made in a folder of their own that borrows the repository's objects: nothing of the repository changes.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tane import errors
from tane.project import snapshot
from tane.store import objects

_SECONDS = 60.0


class State(NamedTuple):
    """One state of the code: its tree; or why there is none."""

    tree: str = ""
    why: str = ""


class Repository:
    """The Git repository around a project, with room for trees of its own; `opened` makes it."""

    def __init__(self, top: Path, root: Path, watched: Sequence[str], scratch: Path) -> None:
        self.top = top
        self.root = root
        self._watched = list(watched)
        self._scratch = scratch
        self._made: dict[tuple[str, str, str], State] = {}
        self._index = 0
        (scratch / "objects").mkdir()
        theirs = self._run(["rev-parse", "--git-path", "objects"], own=False)
        borrowed = os.path.join(root, os.fsdecode(theirs or b"").strip())
        self._own = {"GIT_OBJECT_DIRECTORY": str(scratch / "objects"), "GIT_ALTERNATE_OBJECT_DIRECTORIES": borrowed}

    def of_run(self, git: Mapping[str, str], store: objects.Objects) -> State:
        """The state that a run's record tells of."""
        commit, patch = git.get("commit", ""), git.get("diff", "")
        if not git:
            return State(why="it was not made in a Git repository")
        key = (commit, patch, git.get("dirty", ""))
        known = self._made.get(key)
        if known is None:
            known = self._made[key] = self._of(commit, patch, git, store)
        return known

    def _of(self, commit: str, patch: str, git: Mapping[str, str], store: objects.Objects) -> State:
        if commit and self._run(["cat-file", "-e", f"{commit}^{{commit}}"]) is None:
            return State(why=f"commit {commit[:10]} is not in this repository (git fetch may bring it)")
        data = b""
        if patch:
            try:
                data = store.read(patch)
            except errors.StoreError:
                return State(why="the patch of its uncommitted changes is no longer in the store")
        elif git.get("dirty") == "yes":
            return State(why="its uncommitted changes were too large to be kept")
        index = self._new_index()
        if self._run(["read-tree", commit or "--empty"], index=index) is None:
            return State(why=f"commit {commit[:10]} cannot be read")
        if data and self._run(["apply", "--cached", "--whitespace=nowarn", "-"], index=index, given=data) is None:
            return State(why=f"the patch of its uncommitted changes does not fit commit {commit[:10]}")
        return self._written(index)

    def of_work_tree(self) -> State:
        """The state of the files as they lie in the work tree now, whether Git knows them or not."""
        index = self._new_index()
        has_commit = self._run(["rev-parse", "-q", "--verify", "HEAD^{commit}"]) is not None
        if self._run(["read-tree", "HEAD" if has_commit else "--empty"], index=index) is None:
            return State(why="the last commit cannot be read")
        if self._watched and self._run(["add", "-A", "--", *self._watched], index=index, cwd=self.root) is None:
            return State(why="the files of the work tree cannot be read")
        return self._written(index)

    def of_head(self) -> State:
        """The state of the last commit."""
        index = self._new_index()
        if self._run(["read-tree", "HEAD"], index=index) is None:
            return State(why="there is no commit yet")
        return self._written(index)

    def diff(self, one: State, other: State, *, to_apply: bool = False) -> bytes:
        """How the code and configuration of `other` differs from that of `one`, as a unified diff.

        For people renames are found and bytes left out; `to_apply` it is whole.
        """
        if one.tree == other.tree:
            return b""
        form = ["--binary", "--full-index", "--no-renames"] if to_apply else ["--find-renames"]
        plain = ["--no-color", "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/"]
        found = self._run(["diff", *form, *plain, one.tree, other.tree, "--", *self._watched], cwd=self.root)
        if found is None:
            raise errors.PlaceError("Git could not compare two states of the code", hint="git fsck says what is wrong")
        return found

    def apply(self, patch: bytes, *, check: bool = False, back: bool = False) -> bool:
        """Change the work tree as `patch` says, all of it or nothing; with `check` only say whether that would do, with
        `back` undo it.
        """
        how = ["apply", "--whitespace=nowarn", *(["--check"] if check else []), *(["-R"] if back else []), "-"]
        return self._run(how, given=patch, own=False) is not None

    def apply_elsewhere(self, patch: bytes, folder: Path, within: str) -> None:
        """Change copies of files in `folder`, which stands for the top, as `patch` says; only those below `within`."""
        how = ["apply", "--whitespace=nowarn", f"--include={within}/*", "-"]
        if (
            snapshot.git(
                folder, how, _SECONDS, given=patch, environment={"GIT_CEILING_DIRECTORIES": str(folder.parent)}
            )
            is None
        ):
            raise errors.UsageError("the patch of the run's configuration does not fit", hint="git status shows why")

    def _written(self, index: Path) -> State:
        tree = self._run(["write-tree"], index=index)
        return State(os.fsdecode(tree).strip()) if tree else State(why="Git could not write down its files")

    def _new_index(self) -> Path:
        self._index += 1
        return self._scratch / f"index-{self._index}"

    def _run(
        self,
        arguments: list[str],
        *,
        index: Path | None = None,
        given: bytes = b"",
        own: bool = True,
        cwd: Path | None = None,
    ) -> bytes | None:
        """What Git prints, or None when it fails."""
        more = {**(self._own if own else {}), **({"GIT_INDEX_FILE": str(index)} if index else {})}
        return snapshot.git(cwd or self.top, arguments, _SECONDS, given=given, environment=more)


@contextmanager
def opened(root: Path, code: Sequence[Path], conf: Path) -> Iterator[Repository | None]:
    """The repository that the project at `root` lies in; None without one, or without Git."""
    top = snapshot.repository(root)
    if top is None or snapshot.git(root, ["rev-parse", "--git-dir"], _SECONDS) is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="tane-") as scratch:
        yield Repository(top, root, snapshot.pathspecs(root, code, conf), Path(scratch))
