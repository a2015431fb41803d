"""The objects that lock files name: those in the work tree, staged ones, and those of every commit Git still knows.

`roots` calls it. A lock file in conflict names the objects of all sides.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from tane import errors
from tane.runs import lockfile
from tane.store import failures

_DIGEST = re.compile(rb'"([0-9a-f]{64})"')
_SECONDS = 120.0
_HINT = "mend the repository (git fsck) or install git; or leave Git's history out of it: --no-git"


def named(root: Path, *, git: bool) -> set[str]:
    """The digests that the lock files of the project at `root` name, and of the others in its repository.

    Raises `errors.ProjectError` when there is a repository and Git cannot be asked: what only its history names would
    seem to be needed by nobody. Without `git` it is not asked.
    """
    paths = {root / lockfile.NAME}
    found: set[str] = set()
    top = _repository(root) if git else None
    if top is not None:
        staged = list(_staged(top))
        paths |= {top / os.fsdecode(name) for name, _ in staged}
        own = os.path.relpath(os.path.realpath(root), top)
        names = {name for name, _ in staged} | {os.fsencode(os.path.normpath(f"{own}/{lockfile.NAME}"))}
        found |= _digests(_contents(top, {blob for _, blob in staged} | set(_committed(top, names))))
    return found | _digests(filter(None, map(_read, paths)))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return b""
    except OSError as error:
        raise failures.of_store(error, "read", path) from error


def _digests(texts: Iterable[bytes]) -> set[str]:
    return {match.decode() for text in texts for match in _DIGEST.findall(text)}


# -- Git ---------------------------------------------------------------------------------------------------------


def _repository(root: Path) -> Path | None:
    """The top of the work tree that a project lies in."""
    real = Path(os.path.realpath(root))
    return next((folder for folder in (real, *real.parents) if (folder / ".git").exists()), None)


def _staged(top: Path) -> Iterator[tuple[bytes, bytes]]:
    """The lock files that Git follows, with what is staged of each; in a conflict, of each side."""
    listed = _git(top, ["ls-files", "--stage", "-z", "--", f":(top,glob)**/{lockfile.NAME}"])
    for record in listed.split(b"\0")[:-1]:
        facts, _, name = record.partition(b"\t")
        yield name, facts.split(b" ")[1]


def _committed(top: Path, names: Iterable[bytes]) -> Iterator[bytes]:
    """Every content that the files `names` have had in a commit that a branch, a tag, a stash or a reflog leads to."""
    asked = [b":(top,literal)" + name for name in sorted(names)]
    options = ["--all", "--reflog", "--full-history", "-m", "--raw", "--no-abbrev", "--no-renames", "--format=", "-z"]
    for record in _git(top, ["log", *options, "--", *map(os.fsdecode, asked)]).split(b"\0"):
        if record.startswith(b":"):  # ":mode mode blob blob status", then the path
            yield from record.split(b" ")[2:4]


def _contents(top: Path, blobs: set[bytes]) -> list[bytes]:
    wanted = sorted(blob for blob in blobs if blob.strip(b"0"))
    if not wanted:
        return []
    return [_git(top, ["cat-file", "--batch"], b"\n".join(wanted) + b"\n")]


def _git(top: Path, arguments: list[str], given: bytes = b"") -> bytes:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    quiet = ["-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-c", "log.showSignature=false"]
    try:
        ended = subprocess.run(
            ["git", "--no-pager", "-C", str(top), *quiet, *arguments],
            env=environment,
            input=given,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise errors.ProjectError(f"Git cannot be asked: {error}", where=str(top), hint=_HINT) from error
    if ended.returncode != 0:
        said = ended.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise errors.ProjectError(f"Git cannot be asked: {said}", where=str(top), hint=_HINT)
    return ended.stdout
