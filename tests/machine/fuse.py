"""A read-only file system that answers the kernel on /dev/fuse itself; the structures are those of linux/fuse.h 7.31."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import struct
from typing import TYPE_CHECKING

from machine.powercap import Node, State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_IN = struct.Struct("<IIQQIIII")  # fuse_in_header: length, opcode, unique, node, uid, gid, pid, padding
_OUT = struct.Struct("<IiQ")  # fuse_out_header: length, -errno, unique
_ATTR = struct.Struct("<QQQQQQIIIIIIIIII")
_ENTRY = struct.Struct("<QQQQII")
_READ = struct.Struct("<QQI")

_FORGET, _INTERRUPT, _BATCH_FORGET = 2, 36, 42
_DIRECT_IO, _CACHE_SYMLINKS = 1, 1 << 23
_TYPES = {"dir": stat.S_IFDIR | 0o555, "file": stat.S_IFREG | 0o444, "link": stat.S_IFLNK | 0o777}
_STEADY_S = 3600
"""How long the kernel may remember that a name is a node. It may: opening, reading, listing and looking at an entry ask
us each time all the same (attributes are never kept), so a zone that vanished is gone at once."""


class Server:
    """Answers one request at a time. `state` says what the tree shows now."""

    def __init__(self, fd: int, nodes: Sequence[Node], state: Callable[[], State]) -> None:
        self._fd = fd
        self._state = state
        self._nodes = {1: Node("", "dir")} | dict(enumerate(nodes, start=2))
        self._numbers = {node.path: number for number, node in self._nodes.items()}
        self._children: dict[int, list[int]] = {}
        for number, node in self._nodes.items():
            if node.path:
                self._children.setdefault(self._numbers[node.path.rpartition("/")[0]], []).append(number)
        self._open: dict[int, bytes] = {}
        self._handles = 0
        # The kernel refuses a reader whose buffer is smaller than the largest write it might send.
        self._buffer = bytearray(1 << 17)
        self._answers: dict[int, Callable[[Node, memoryview], bytes | int]] = {
            1: self._lookup,
            3: self._getattr,
            5: self._readlink,
            14: self._open_file,
            15: self._read,
            17: lambda node, body: struct.pack("<QQQQQIIII24x", 0, 0, 0, len(self._nodes), 0, 4096, 255, 4096, 0),
            18: self._release,
            26: self._init,
            27: lambda node, body: self._gone(node) or struct.pack("<QII", 0, 0, 0),
            28: self._readdir,
            29: lambda node, body: b"",
            34: self._access,
            38: lambda node, body: b"",
        }

    def serve_one(self) -> bool:
        """Answer the request that waits; False when the file system was unmounted."""
        try:
            length = os.readv(self._fd, [self._buffer])
        except OSError as error:
            if error.errno in (errno.EINTR, errno.EAGAIN, errno.ENOENT):  # ENOENT: the caller gave up meanwhile
                return True
            if error.errno == errno.ENODEV:
                return False
            raise
        _, opcode, unique, number, *_ = _IN.unpack_from(self._buffer)
        if opcode in (_FORGET, _INTERRUPT, _BATCH_FORGET):
            return True
        answer = self._answers.get(opcode, _unknown)
        result = answer(self._nodes[number or 1], memoryview(self._buffer)[_IN.size : length])
        body = result if isinstance(result, bytes) else b""
        failed = -result if isinstance(result, int) else 0
        with contextlib.suppress(FileNotFoundError):  # interrupted: nobody waits for the answer
            os.write(self._fd, _OUT.pack(_OUT.size + len(body), failed, unique) + body)
        return True

    def _init(self, node: Node, body: memoryview) -> bytes:
        readahead = struct.unpack_from("<III", body)[2]
        return struct.pack("<IIIIHHIIHHI28x", 7, 31, readahead, _CACHE_SYMLINKS, 16, 12, 4096, 1, 1, 0, 0)

    def _gone(self, node: Node) -> int:
        return 0 if self._state().present(node) else errno.ENOENT

    def _attributes(self, node: Node) -> bytes:
        mode = _TYPES[node.kind]
        size = len(node.text) if node.kind == "link" and isinstance(node.text, str) else 4096
        # As in sysfs, a file says 4096 bytes whatever it holds.
        ids = (os.getuid(), os.getgid())
        if self._state().refused(node):
            mode, ids = stat.S_IFREG | 0o400, (0, 0)
        return _ATTR.pack(self._numbers[node.path], size, 0, 0, 0, 0, 0, 0, 0, mode, 1, *ids, 0, 4096, 0)

    def _lookup(self, node: Node, body: memoryview) -> bytes | int:
        name = bytes(body).rstrip(b"\0").decode(errors="replace")
        number = self._numbers.get(f"{node.path}/{name}".lstrip("/"))
        if number is None or self._gone(self._nodes[number]):
            return errno.ENOENT
        return _ENTRY.pack(number, 0, _STEADY_S, 0, 0, 0) + self._attributes(self._nodes[number])

    def _getattr(self, node: Node, body: memoryview) -> bytes | int:
        return self._gone(node) or struct.pack("<QII", 0, 0, 0) + self._attributes(node)

    def _readlink(self, node: Node, body: memoryview) -> bytes | int:
        return self._gone(node) or str(node.text).encode()

    def _access(self, node: Node, body: memoryview) -> bytes | int:
        wanted = struct.unpack_from("<I", body)[0]
        if wanted & os.W_OK or (wanted & os.R_OK and self._state().refused(node)):
            return errno.EACCES
        return self._gone(node) or b""

    def _open_file(self, node: Node, body: memoryview) -> bytes | int:
        if self._state().refused(node):
            return errno.EACCES
        if gone := self._gone(node):
            return gone
        self._handles += 1
        self._open[self._handles] = b""
        return struct.pack("<QII", self._handles, _DIRECT_IO, 0)

    def _read(self, node: Node, body: memoryview) -> bytes | int:
        handle, offset, size = _READ.unpack_from(body)
        if offset == 0:
            # Only the start of a file is a fresh value, as in sysfs: the rest of a number must be of the same number.
            state = self._state()
            content: str | int = state.content(node) if state.present(node) else errno.ENODEV
            if isinstance(content, int):
                return content
            self._open[handle] = content.encode()
        return self._open[handle][offset : offset + size]

    def _release(self, node: Node, body: memoryview) -> bytes:
        self._open.pop(_READ.unpack_from(body)[0], None)
        return b""

    def _readdir(self, node: Node, body: memoryview) -> bytes | int:
        _, offset, size = _READ.unpack_from(body)
        state = self._state()
        own = self._numbers[node.path]
        names = [(own, "."), (own, "..")]
        names += [(n, self._nodes[n].path.rpartition("/")[2]) for n in self._children.get(own, [])]
        entries = b""
        for position, (number, name) in enumerate(names[offset:], start=offset + 1):
            child = self._nodes[number]
            if not state.present(child):
                continue
            raw = name.encode()
            entry = struct.pack("<QQII", number, position, len(raw), _TYPES[child.kind] >> 12) + raw
            entry += b"\0" * (-len(entry) % 8)
            if len(entries) + len(entry) > size:
                break
            entries += entry
        return entries


def _unknown(node: Node, body: memoryview) -> int:
    return errno.ENOSYS
