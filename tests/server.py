"""A real PostgreSQL for tests, on a socket of its own: nothing but this process can reach it."""

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path


def program(name):
    """Debian keeps the server's programs outside PATH."""
    found = shutil.which(name)
    return found or next(
        (str(p) for p in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), None
    )


@contextmanager
def postgres():
    """The URL of a fresh server, and a function that stops and starts it."""
    as_user = ["runuser", "-u", "postgres", "--"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="carbon-pg-", dir="/tmp"))
    data = folder / "data"
    if as_user:
        shutil.chown(folder, "postgres")
    folder.chmod(0o755)

    def run(*command):
        subprocess.run([*as_user, *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")

    def control(action):
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        run(
            program("pg_ctl"),
            "-D",
            str(data),
            "-w",
            "-m",
            "immediate",
            "-o",
            options,
            "-l",
            str(folder / "log"),
            action,
        )

    try:
        run(program("initdb"), "-D", str(data), "-U", "team", "-A", "trust", "--no-sync")
        control("start")
        yield f"postgresql://team:s3cret@/postgres?host={folder}", control
    finally:
        subprocess.run([*as_user, program("pg_ctl"), "-D", str(data), "-m", "immediate", "stop"], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")  # fmt: skip
        shutil.rmtree(folder, ignore_errors=True)
