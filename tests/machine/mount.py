"""Mounting and unmounting a FUSE file system: by mount(2) where we may, by fusermount where not."""

from __future__ import annotations

import array
import ctypes
import errno
import os
import shutil
import socket
import subprocess
from pathlib import Path

NAME = "carbon-machine"
_DEVICE = "/dev/fuse"
# From linux/mount.h.
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MNT_DETACH = 1, 2, 4, 2


class NotPermitted(OSError):
    """This machine lets us mount nothing."""


def mount(folder: Path) -> int:
    """Mount on the folder and return the descriptor on which the kernel asks."""
    sweep()
    try:
        return _mount_directly(folder)
    except OSError:
        return _mount_by_helper(folder)


def unmount(folder: Path) -> None:
    """Unmount, now if nobody is in it, else as soon as nobody is; nothing if it is not mounted."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.umount2(os.fsencode(folder), _MNT_DETACH) == 0 or ctypes.get_errno() == errno.EINVAL:
        return
    if helper := _helper():
        subprocess.run([helper, "-u", "-z", "-q", "--", str(folder)], check=False, stderr=subprocess.DEVNULL)


def mounted(folder: Path) -> bool:
    """Whether one of ours is on the folder."""
    return folder in _mounts()


def sweep() -> None:
    """Unmount what is left of servers that were killed before they could."""
    for folder in _mounts():
        try:
            folder.stat()
        except OSError as error:
            if error.errno == errno.ENOTCONN:
                unmount(folder)


def _mounts() -> list[Path]:
    # Spaces and the like stand as octal escapes in this file.
    lines = [line.split(" ") for line in Path("/proc/self/mounts").read_text().splitlines()]
    return [
        Path(os.fsdecode(where.encode().decode("unicode_escape").encode("latin-1")))
        for what, where, *_ in lines
        if what == NAME
    ]


def _mount_directly(folder: Path) -> int:
    fd = os.open(_DEVICE, os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={fd},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()},allow_other"
    libc = ctypes.CDLL(None, use_errno=True)
    flags = ctypes.c_ulong(_MS_RDONLY | _MS_NOSUID | _MS_NODEV)
    if libc.mount(NAME.encode(), os.fsencode(folder), f"fuse.{NAME}".encode(), flags, options.encode()):
        os.close(fd)
        raise NotPermitted(ctypes.get_errno(), "mount is not permitted")
    return fd


def _mount_by_helper(folder: Path) -> int:
    helper = _helper()
    if helper is None:
        raise NotPermitted(errno.ENOENT, "there is no fusermount")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours, theirs:
        result = subprocess.run(
            [helper, "-o", f"ro,nosuid,nodev,fsname={NAME},subtype={NAME}", "--", str(folder)],
            env=os.environ | {"_FUSE_COMMFD": str(theirs.fileno())},
            pass_fds=[theirs.fileno()],
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if result.returncode:
            raise NotPermitted(errno.EPERM, "fusermount may not mount")
        # The helper hands the descriptor over as an ancillary message of one byte.
        size = array.array("i").itemsize
        _, ancillary, _, _ = ours.recvmsg(1, socket.CMSG_SPACE(size))
        fd: int = array.array("i", ancillary[0][2][:size])[0]
        os.set_inheritable(fd, False)
        return fd


def _helper() -> str | None:
    return shutil.which("fusermount3") or shutil.which("fusermount")
