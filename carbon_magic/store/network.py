"""Whether a folder is on a network file system, where SQLite's locks are not to be relied on."""

from __future__ import annotations

import os
import re
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
# SQLite's own words: "do not use it on NFS"; WAL needs memory shared by all who write, which no network has.
NETWORK = frozenset(
    {
        "nfs", "nfs3", "nfs4", "lustre", "gpfs", "beegfs", "cifs", "smb", "smb2", "smb3", "smbfs", "ceph", "afs", "9p",
        "glusterfs", "ocfs2", "gfs2", "pvfs2", "orangefs", "davfs", "virtiofs", "panfs", "wekafs", "vboxsf", "prl_fs",
    }
)  # fmt: skip


def is_network(path: Path, mounts: Path = MOUNTS) -> bool:
    """False where nothing says so: other systems, and mounts that hide what they are."""
    kind = file_system(path, mounts)
    # Any file system in user space may be a network's (sshfs, s3fs, rclone), and few of them know locks.
    return kind in NETWORK or kind.startswith("fuse.") or kind == "fuse"


def file_system(path: Path, mounts: Path = MOUNTS) -> str:
    """The type of the file system that this path is, or would be, on; empty where that cannot be known."""
    try:
        table = mounts.read_text(encoding="utf-8", errors="surrogateescape")
        real = os.path.realpath(path)
    except OSError:
        return ""
    best, kind = -1, ""
    for line in table.splitlines():
        before, separator, after = line.partition(" - ")
        fields = before.split(" ")
        if not separator or len(fields) < 5:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[4])
        # Of mounts on one point the last one hides the others.
        if (real == point or real.startswith(point.rstrip("/") + "/")) and len(point) >= best:
            best, kind = len(point), after.split(" ")[0]
    return kind
