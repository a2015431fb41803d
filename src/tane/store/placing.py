"""Puts bytes where the user wants them: whole or not at all. `objects` calls it; it knows no store.

A file is written beside its target and renamed over it; a folder is built beside its target and swapped in.
Bytes are shared with the source where the file system can (reflink), else copied.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from tane.digest import hashing
from tane.store import failures

_FICLONE = 0x40049409
_COPY_BLOCK = 64 * 1024 * 1024
_HERE = -100  # AT_FDCWD: paths are relative to where the process stands
_EXCHANGE = 2  # RENAME_EXCHANGE and RENAME_SWAP
_REFUSALS = {errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM}


def clone(source: int, target: int) -> bool:
    """Make the open file `target` share the bytes of `source`; False where the file system cannot."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True


def copy(source: str, target: int) -> None:
    """Write the file `source` into the open, empty file `target`."""
    file = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if clone(file, target) or _copy_in_kernel(file, target):
            return
        while block := os.read(file, 4 * 1024 * 1024):
            write_all(target, block)
    finally:
        os.close(file)


def write_all(target: int, data: hashing.Buffer) -> None:
    """Write all of `data`, however often the system stops short."""
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]


def _copy_in_kernel(source: int, target: int) -> bool:
    """Copy without the bytes passing through here; False when the system cannot (the rest is to do)."""
    if not hasattr(os, "copy_file_range"):
        return False
    size = os.fstat(source).st_size
    done = 0
    while done < size:
        try:
            count = os.copy_file_range(source, target, min(_COPY_BLOCK, size - done))
        except OSError as error:
            if done == 0 and error.errno in _REFUSALS:
                return False
            raise
        if count == 0:
            return False  # special file systems say so; what is read from here on is the rest
        done += count
    return True


def beside(target: Path) -> Path:
    """A fresh name in the target's folder."""
    return target.with_name(f".{target.name[:100]}.tane-{os.urandom(6).hex()}")


def clear_beside(target: Path) -> None:
    """Delete what was to become `target`, or had been it, and was left by a process that was killed.

    Nobody may be at work on `target`. What cannot be deleted stays.
    """
    own = re.compile(re.escape(beside(target).name[:-12]) + "[0-9a-f]{12}").fullmatch
    try:
        for name in os.listdir(target.parent):
            if own(name):
                remove(target.parent / name)
    except OSError:
        pass


def file(target: Path, fill: Callable[[int], None], mode: int = 0o666) -> None:
    """Make the file `target` by `fill`, which writes into an open file. `mode` is cut by the umask."""
    with failures.guarding("write", target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = beside(target)
        opened = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            try:
                fill(opened)
            finally:
                os.close(opened)
            swap(temporary, target)
        except BaseException:
            remove(temporary)
            raise


def link(source: str, target: Path) -> bool:
    """Make `target` another name of `source`; False where that cannot be (another disk, too many links)."""
    with failures.guarding("write", target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = beside(target)
        try:
            os.link(source, temporary)
        except OSError as error:
            if error.errno in _REFUSALS | {errno.EMLINK}:
                return False
            raise
        try:
            swap(temporary, target)
            return True
        finally:
            remove(temporary)  # renaming one name of a file over another of the same file leaves both


def folder(target: Path, fill: Callable[[Path], None]) -> None:
    """Make the folder `target` by `fill`, which writes into an empty folder."""
    with failures.guarding("write", target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = beside(target)
        try:
            temporary.mkdir()
            fill(temporary)
            swap(temporary, target)
        except BaseException:
            remove(temporary)
            raise


def swap(temporary: Path, target: Path) -> None:
    """Give `temporary` the name `target`. What had it is deleted; when it is a folder, after the names were exchanged
    at once, or, where the system cannot do that, after it stepped aside.
    """
    if not _is_folder(target) and not _is_folder(temporary):
        os.replace(temporary, target)
        return
    if exchange(temporary, target):
        remove(temporary)
        return
    aside = beside(target)
    try:
        os.rename(target, aside)
    except FileNotFoundError:
        os.rename(temporary, target)
        return
    try:
        os.rename(temporary, target)
    except BaseException:
        os.rename(aside, target)
        raise
    remove(aside)


def exchange(one: Path, other: Path) -> bool:
    """Give two files or folders each other's name at once; False when one is missing or the system cannot."""
    import ctypes  # seldom needed, and slow to import

    names = os.fsencode(one), os.fsencode(other)
    system = ctypes.CDLL(None)
    if hasattr(system, "renameat2"):  # Linux
        return not system.renameat2(_HERE, names[0], _HERE, names[1], ctypes.c_uint(_EXCHANGE))
    if hasattr(system, "renamex_np"):  # macOS
        return not system.renamex_np(*names, ctypes.c_uint(_EXCHANGE))
    return False


def below(folder: str) -> Iterator[str]:
    """The paths of all files, folders and links below a folder."""
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield os.path.join(place, name)


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False


def remove(path: Path) -> None:
    """Delete a file or folder, if it is there."""
    try:
        if not _is_folder(path):
            path.unlink()
            return
        for place, folders, files in os.walk(path, topdown=False):
            for name in files:
                os.unlink(os.path.join(place, name))
            for name in folders:
                inner = os.path.join(place, name)
                os.unlink(inner) if os.path.islink(inner) else os.rmdir(inner)
        path.rmdir()
    except FileNotFoundError:
        pass
