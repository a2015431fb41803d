"""Where a run stood when it began: the Git state of its code and configuration, host, user, Python, command.

Called once by each run. Never asks, never fails, runs Git at most twice; without Git or a repository those
parts are empty. Secrets take no part: conf/local and credentials files are left out of the diff.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tane import fielded
from tane.project import layout, patches


@fielded.frozen
class Git:
    """The state of the project's code in Git.

    `dirty` says that code, configuration or requirements differ from `commit`; `diff` is how, as a patch that
    `git apply` takes; `omitted` names files too large for it.
    """

    commit: str = ""
    branch: str = ""
    dirty: bool = False
    diff: bytes = b""
    omitted: tuple[str, ...] = ()


@fielded.frozen
class Snapshot:
    """Where a run stood when it began."""

    git: Git
    host: str
    user: str
    python: str
    command: tuple[str, ...]


DIFF_LIMIT = 16 * 1024 * 1024
FILE_LIMIT = 1024 * 1024
_STATUS_SECONDS = 5.0
_DIFF_SECONDS = 10.0
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # what a repository without commits differs from


def take(root: Path, code: Sequence[Path], conf: Path, command: Sequence[str] | None = None) -> Snapshot:
    """The state now. `code` and `conf` are a project's; `command` is this process's unless given."""
    given = list(sys.argv if command is None else command)
    if given:
        given[0] = os.path.basename(given[0])
    return Snapshot(
        git=git_state(root, code, conf),
        host=os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", ""),
        user=_user(),
        python=".".join(map(str, sys.version_info[:3])),
        command=tuple(given),
    )


def for_ledger(state: Git, diff: str) -> dict[str, str]:
    """The Git state as a run's record has it; `diff` is the object that holds the diff."""
    if not state.commit and not state.dirty:
        return {}
    return {"commit": state.commit, "branch": state.branch, "dirty": "yes" if state.dirty else "no", "diff": diff}


def git_state(root: Path, code: Sequence[Path], conf: Path) -> Git:
    """The Git state of code and configuration, and of the files beside them that say what is installed."""
    top = repository(root)
    if top is None:
        return Git()
    watched = pathspecs(root, code, conf)
    status = git(
        root,
        [
            "status",
            "--porcelain=v2",
            "--branch",
            "-z",
            "--untracked-files=all",
            "--no-renames",
            "--",
            *watched,
        ],
        _STATUS_SECONDS,
    )
    if status is None:
        return Git()
    commit, branch, changed, untracked = _read_status(status)
    state = Git(commit, branch, changed or bool(untracked))
    if not state.dirty:
        return state
    tracked = b""
    omitted: list[str] = []
    if changed:
        options = ["--binary", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames"]
        options += ["--src-prefix=a/", "--dst-prefix=b/", commit or _EMPTY_TREE]
        differs = git(root, ["diff", *options, "--", *watched], _DIFF_SECONDS)
        if differs is None or len(differs) > DIFF_LIMIT:
            omitted.append("(changes to tracked files)")
        else:
            tracked = differs
    added, left_out = _added(top, untracked, DIFF_LIMIT - len(tracked))
    return fielded.replace(state, diff=tracked + added, omitted=(*omitted, *left_out))


def repository(root: Path) -> Path | None:
    """The folder at or above `root` that is a Git repository."""
    for folder in (root, *root.parents):
        if (folder / ".git").exists():
            return folder
    return None


def pathspecs(root: Path, code: Sequence[Path], conf: Path) -> list[str]:
    """What of a repository is a project's code and configuration, without secrets, as Git takes it at `root`."""
    names = [layout.PYPROJECT, "requirements.txt", "uv.lock", "poetry.lock", "environment.yml"]
    names += [os.path.relpath(path, root) for path in (*code, conf) if path.is_relative_to(root)]
    chosen = [f":(literal){name}" for name in names if (root / name).exists()]
    if any(path.parent == root and path.is_file() for path in code):
        chosen.append(":(glob)*.py")  # what one file imports lies beside it
    excluded = ["**/__pycache__/**", f"**/{layout.WORK}/**"]
    if conf.is_relative_to(root):
        secret = (f"{layout.LOCAL}/**", "**/credentials*", "**/credentials*/**", "**/.env*")
        excluded += [f"{os.path.relpath(conf, root)}/{pattern}" for pattern in secret]
    return [*chosen, *(f":(exclude,glob){pattern}" for pattern in excluded)]


def git(
    root: Path,
    arguments: list[str],
    seconds: float,
    *,
    given: bytes = b"",
    environment: Mapping[str, str] = {},
) -> bytes | None:
    """What Git prints, or None when it is missing, slow or does not like what it is asked. `given` is what it reads."""
    import subprocess

    # inside a Git hook GIT_DIR and its like point elsewhere
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    surroundings |= {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", **environment}
    quiet = ["-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-c", "diff.submodule=short"]
    try:
        done = subprocess.run(
            ["git", "--no-pager", *quiet, *arguments],
            cwd=root,
            env=surroundings,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None


def _read_status(status: bytes) -> tuple[str, str, bool, list[str]]:
    """Commit, branch, whether tracked files differ, and the untracked files."""
    commit = branch = ""
    changed = False
    untracked: list[str] = []
    for record in status.split(b"\0"):
        line = os.fsdecode(record)
        if line.startswith("# branch.oid "):
            commit = line[len("# branch.oid ") :]
        elif line.startswith("# branch.head "):
            branch = line[len("# branch.head ") :]
        elif line.startswith(("1 ", "2 ", "u ")):
            changed = True
        elif line.startswith("? "):
            untracked.append(line[2:])
    commit = "" if commit.startswith("(") else commit
    return commit, "" if branch.startswith("(") else branch, changed, untracked


def _added(top: Path, names: Sequence[str], room: int) -> tuple[bytes, list[str]]:
    """A patch that adds these files, and the names of those too large for it."""
    parts: list[bytes] = []
    omitted: list[str] = []
    for name in names:
        path = top / name
        try:
            mode = path.lstat()
            if mode.st_size > FILE_LIMIT:
                omitted.append(name)
                continue
            linked = path.is_symlink()
            data = os.fsencode(path.readlink()) if linked else path.read_bytes()
        except OSError:
            continue  # gone or unreadable meanwhile
        kind = "120000" if linked else "100755" if mode.st_mode & 0o111 else "100644"
        patch = patches.adding(name, data, kind)
        if len(patch) > room:
            omitted.append(name)
            continue
        room -= len(patch)
        parts.append(patch)
    return b"".join(parts), omitted


def _user() -> str:
    for name in ("LOGNAME", "USER", "USERNAME"):
        if os.environ.get(name):
            return os.environ[name]
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):  # no such table here, or a container's number without a name
        return str(os.getuid()) if hasattr(os, "getuid") else ""
