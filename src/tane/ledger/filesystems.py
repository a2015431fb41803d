"""Whether a folder is on a network file system, where SQLite's shared memory fails. `connection` asks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

_KINDS = {
    "9p", "afs", "beegfs", "ceph", "cifs", "davfs", "gfs", "gfs2", "glusterfs", "gpfs", "lustre", "nfs",
    "nfs4", "ocfs2", "orangefs", "pvfs2", "smb2", "smb3", "smbfs",
}  # fmt: skip
_FUSE = {
    "blobfuse", "blobfuse2", "ceph", "cephfs", "curlftpfs", "davfs", "davfs2", "gcsfuse", "glusterfs",
    "goofys", "juicefs", "mount-s3", "nfs", "rclone", "s3fs", "smbnetfs", "sshfs",
}  # fmt: skip


class Mount(NamedTuple):
    """What a folder lies on: the kind of file system, and the device or server it comes from."""

    kind: str
    source: str


def network_mount(folder: Path, table: str = "/proc/self/mountinfo") -> Mount | None:
    """The network mount that `folder` lies on; None when it is local, or the system does not say.

    Raises OSError when the folder cannot be looked at.
    """
    device = os.stat(folder).st_dev
    if os.major(device):
        return None  # a disk of this machine has a number of its own; network mounts do not
    try:
        with open(table, encoding="utf-8", errors="surrogateescape") as file:
            return find(file.read(), f"0:{os.minor(device)}")
    except OSError:
        return None


def find(table: str, device: str) -> Mount | None:
    """The network mount of `device` ("0:52") in a mountinfo table."""
    for line in table.splitlines():
        if f" {device} " in line:
            before, _, after = line.partition(" - ")
            if before.split(" ")[2] == device:
                kind, source = after.split(" ")[:2]
                return Mount(kind, source) if is_network(kind) else None
    return None


def is_network(kind: str) -> bool:
    """Whether file systems of that kind are shared between machines."""
    return kind in _KINDS or (kind.startswith("fuse.") and kind[5:] in _FUSE)
