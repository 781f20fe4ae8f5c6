"""Where a run comes from: its notebook, its cell, the project that it stands in and the commit that was checked out.

Git is not run: its files say the same in a tenth of a millisecond. Whether files were changed since is not known.
"""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from . import labels, threads

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_PATIENCE_S = 1.0
"""How long the first run waits for the folder's disk, once: it answers in a tenth of a millisecond, on a machine with
more work than processors some more, and runs of one notebook should not be filed under two names."""
PATIENCE_S = 0.05
"""How long later ones wait to hear of a new commit."""
FRESH_S = 1.0
"""What was seen so recently need not be looked at again: a loop of short runs looks once a second."""
_LARGEST_FILE = 1 << 24
_COMMIT = r"[0-9a-f]{40}(?:[0-9a-f]{24})?"
_HASH_CHARACTERS = 16


class Origin(NamedTuple):
    """What the folder of a notebook tells."""

    project: str
    """The name of the git repository around the folder, else of the folder."""
    commit: str | None


class Lookout:
    """Looks at a folder in a thread of its own, so that a disk that hangs costs the first run a second only."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._seen = Origin(folder.name if folder is not None else "", None)
        self._seen_s: float | None = None
        self._thread: threading.Thread | None = None

    def now(self) -> Origin:
        """What was seen at most FRESH_S ago; what was seen before where the disk does not answer."""
        fresh = self._seen_s is not None and time.monotonic() - self._seen_s < FRESH_S
        if self._folder is None or fresh or (self._thread is not None and self._thread.is_alive()):
            return self._seen
        self._thread = threads.start(self._look, name="git")
        if self._thread is not None:
            self._thread.join(FIRST_PATIENCE_S if self._seen_s is None else PATIENCE_S)
        return self._seen

    def _look(self) -> None:
        if self._folder is not None:
            self._seen = look(self._folder)
            self._seen_s = time.monotonic()


def look(folder: Path) -> Origin:
    """The repository around a folder. Never raises."""
    try:
        root = _root(folder)
        if root is None:
            return Origin(folder.name, None)
        own, common = _git_folders(root / ".git")
        # A worktree's folder has any name; the repository's is that of the folder which holds the common .git.
        home = common.parent if common.name == ".git" else root
        return Origin(home.name.removesuffix(".git") or folder.name, _commit(own, common))
    except (OSError, RuntimeError, ValueError):
        return Origin(folder.name, None)


def _root(folder: Path) -> Path | None:
    """The nearest folder with a .git. Not the home folder, unless the work is right in it: that is for dot files."""
    home = Path.home()
    for root in (folder, *folder.parents):
        if (root / ".git").exists() and (root != home or root == folder):
            return root
    return None


def _git_folders(git: Path) -> tuple[Path, Path]:
    """Where HEAD is, and where the branches are: not the same in a worktree; elsewhere for a submodule."""
    own = git
    if git.is_file():
        own = (git.parent / _read(git).removeprefix("gitdir:").strip()).resolve()
    shared = own / "commondir"
    return own, (own / _read(shared).strip()).resolve() if shared.is_file() else own


def _commit(own: Path, common: Path) -> str | None:
    head = _read(own / "HEAD").strip()
    if not head.startswith("ref:"):
        return _checked(head)
    ref = head.removeprefix("ref:").strip()
    for folder in (own, common):
        if ".." not in ref and (folder / ref).is_file():
            return _checked(_read(folder / ref).strip())
    packed = common / "packed-refs"
    if not packed.is_file():
        return None  # nothing is committed yet, or the branches are kept in a form of git's own
    lines = (line.split() for line in _read(packed).splitlines())
    return next((_checked(words[0]) for words in lines if words[1:] == [ref]), None)


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_LARGEST_FILE).decode("utf-8", "replace")


def _checked(commit: str) -> str | None:
    return commit if re.fullmatch(_COMMIT, commit) else None


def notebook(shell: Any, environ: Mapping[str, str]) -> str | None:
    """The notebook's name or path, as the program that runs it tells; None where none does.

    VS Code and papermill set variables in the notebook, Jupyter's servers one in the environment.
    """
    variables = getattr(shell, "user_ns", None) or {}
    told = [variables.get(name) for name in ("__vsc_ipynb_file__", "PAPERMILL_OUTPUT_PATH", "PAPERMILL_INPUT_PATH")]
    in_kernel = getattr(shell, "kernel", None) is not None
    told.append(environ.get("JPY_SESSION_NAME") if in_kernel else None)  # a script that a cell starts is no notebook
    for name in told:
        if isinstance(name, str) and (cleaned := labels.clean(name[-labels.LONGEST :])):
            return cleaned
    return None


def folder(notebook: str | None) -> Path | None:
    """Where the notebook stands; the folder that this process is in where its own is not told."""
    try:
        path = Path(notebook) if notebook else None
        return path.parent if path is not None and path.is_absolute() else Path.cwd()
    except OSError:
        return None  # the folder was deleted under the process


def cell(shell: Any) -> str | None:
    """The source of the cell that runs now; None where there is none."""
    try:
        if getattr(shell, "kernel", None) is not None:
            source = shell.get_parent()["content"]["code"]
        else:
            source = shell.history_manager.input_hist_raw[-1]
    except (AttributeError, LookupError, TypeError):
        return None
    return source if isinstance(source, str) and source.strip() else None


def cell_hash(source: str | None) -> str | None:
    """The first 16 hexadecimal digits of the SHA-256 of a cell's body: without its %%carbon line and the space around.

    So the same work under another name or with other tags has the same hash.
    """
    lines = (source or "").strip().splitlines()
    while lines and lines[0].split(maxsplit=1)[:1] == ["%%carbon"]:
        lines.pop(0)
    body = "\n".join(line.rstrip() for line in lines).strip()
    if not body:
        return None
    import hashlib  # brings OpenSSL, which a script that has no cell can do without

    return hashlib.sha256(body.encode("utf-8", "replace")).hexdigest()[:_HASH_CHARACTERS]
