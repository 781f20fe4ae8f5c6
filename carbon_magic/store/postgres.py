"""A team's ledger in PostgreSQL, by URL. The password is in no message: libpq's own words may hold it."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from .. import own
from ..alive import Owner, me
from ..curve import Curve
from . import answers, rows, texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psycopg

    from ..run import Run

CONNECT_S, STATEMENT_S = 5, 10
"""A server that does not answer within these is as good as none: the run waits, and is tried again."""
VERSION = 1
LOCK = 0x434F3265
UNCLEAR = "the ledger's URL cannot be read: in a password, @ is written %40, / %2F, : %3A, % %25"
_TYPES = {
    "pid": "bigint", "gpus": "integer", "seq": "bigserial PRIMARY KEY", "run": "text NOT NULL", "curve": "bytea",
    "id": "text NOT NULL", "host": "text NOT NULL", "state": "text NOT NULL",
} | dict.fromkeys((
    "pid_started", "started_at", "ended_at", "updated_at", "duration_s", "energy_j", "energy_j_low", "energy_j_high",
    "co2e_g", "co2e_g_low", "co2e_g_high", "measured_j", "measured_fraction", "gpu_hours", "cost", "contract_co2e_g",
    "pue", "intensity_g_per_kwh"), "double precision")  # fmt: skip
TABLE = "carbon_magic_runs"
_SEED = rows.FIGURES.index("seed")
_COLUMNS = (*rows.FIGURES, "run", "curve")
_STEPS = (
    (
        f"CREATE TABLE IF NOT EXISTS {TABLE} ("
        + ", ".join(f"{c} {_TYPES.get(c, 'text')}" for c in ("seq", *_COLUMNS))
        + ", UNIQUE (id, host))",
        f"CREATE INDEX IF NOT EXISTS {TABLE}_project ON {TABLE} (project)",
    ),
)
_UPDATES = ", ".join(f"{c} = excluded.{c}" for c in _COLUMNS if c not in ("id", "host", "curve"))
_PUT = (
    f"INSERT INTO {TABLE} ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))}) "  # noqa: S608 - constants
    f"ON CONFLICT (id, host) DO UPDATE SET {_UPDATES}, curve = coalesce(excluded.curve, {TABLE}.curve) "
    f"WHERE excluded.state <> 'running' OR {TABLE}.state = 'running'"
)
_MOVE = (
    f"UPDATE {TABLE} SET {', '.join(f'{c} = %s' for c in rows.MOVING)} "  # noqa: S608 - constants
    "WHERE id = %s AND host = %s AND state = 'running'"
)


def connect(url: str) -> psycopg.Connection[Any]:
    """A connection in autocommit mode. Raises OSError in plain words; TimeoutError where the server does not answer."""
    try:
        import psycopg
    except ImportError as error:
        raise OSError("a ledger in PostgreSQL needs psycopg: pip install 'carbon_magic[postgres]'") from error
    if not _plain(url):  # no more: any part of it may be the password
        raise OSError(UNCLEAR)
    with plain_errors(url):
        return psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=CONNECT_S,
            options=f"-c statement_timeout={STATEMENT_S}s -c lock_timeout={STATEMENT_S}s",
            keepalives_idle=STATEMENT_S,
            tcp_user_timeout=1000 * STATEMENT_S,
        )


def _plain(url: str) -> bool:
    """Whether it reads in one way only: a password's own @ or / would make the rest of it a host or a database."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    _, _, rest = url.partition("://")
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    try:
        port = str(conninfo_to_dict(url).get("port") or "0")
    except psycopg.Error:
        return False
    return rest.count("@") <= authority.count("@") <= 1 and port.replace(",", "").isdecimal()


def name(url: str) -> str:
    """The server and the database, without user and password."""
    from psycopg.conninfo import conninfo_to_dict

    if not _plain(url):
        return "postgresql://***"
    parts = conninfo_to_dict(url)
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"postgresql://{parts.get('host') or ''}{port}/{parts.get('dbname') or ''}"


@contextmanager
def plain_errors(url: str) -> Iterator[None]:
    """PostgreSQL's errors as OSError with the server's name."""
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        raise OSError(f"{name(url)}: {_told(error, url)}") from None  # the chain would show it


def _told(error: Exception, url: str) -> str:
    """The server's words; only its kind of trouble where they have a secret of the URL in them, however written."""
    from psycopg.conninfo import conninfo_to_dict

    text = " ".join(str(error).split())
    given = [str(value) for key, value in conninfo_to_dict(url).items() if "password" in key and value]
    given.append(url.partition("://")[2].rpartition("@")[0].partition(":")[2])
    written = {form for each in given for form in (each, " ".join(each.split()), quote(each, ""), unquote(each))}
    if any(form and form in text for form in written):
        return type(error).__name__
    return text.rpartition("failed: ")[2].partition(" Is the server running")[0][
        :200
    ]  # the reason, without the way there


class PostgresStore:
    """An open ledger on a server. Every method raises OSError in plain words."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._known: dict[str, Run] = {}
        self._db = connect(url)
        try:
            with plain_errors(url):
                _prepare(self._db)
        except BaseException:
            self._db.close()
            raise

    def put(self, run: Run) -> None:
        """Keep this snapshot in place of the one before."""
        with plain_errors(self._url):
            before = self._known.get(run.id)
            if run.state == "running" and before is not None and not run.curve.t_s and rows.moves_only(run, before):
                keys = (rows.storable(run.id), rows.storable(run.host))
                if self._db.execute(_MOVE, (*rows.moved(run), *keys)).rowcount == 1:
                    return
            self.put_all([run])

    def put_all(self, runs: Iterable[Run], owner: Owner | None = None) -> None:
        """Keep many in one transaction."""
        with plain_errors(self._url), self._db.transaction(), self._db.cursor() as cursor:
            for run in runs:
                figures = list(rows.figures(run, owner or me()))
                figures[_SEED] = None if run.seed is None else str(run.seed)
                cursor.execute(_PUT, (*figures, texts.dump(run.to_dict()), rows.pack(run)))
                self._known.pop(run.id, None)
                if run.state == "running":
                    self._known[run.id] = run

    def close(self) -> None:
        """Let go of the server."""
        self._db.close()


def _prepare(db: psycopg.Connection[Any]) -> None:
    with db.transaction():
        db.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))  # ten kernels may make the tables at once
        db.execute("CREATE TABLE IF NOT EXISTS carbon_magic_version (version integer NOT NULL)")
        found = db.execute("SELECT max(version) FROM carbon_magic_version").fetchone()
        known = found[0] if found and found[0] else 0
        if known > VERSION:
            raise OSError("the team's ledger was written by a newer version of carbon_magic, and is left as it is")
        for step in _STEPS[known:]:
            for statement in step:
                db.execute(statement)
        if known < VERSION:
            db.execute("INSERT INTO carbon_magic_version VALUES (%s)", (VERSION,))


class Postgres:
    """The runs on a server: a connection for each question. Raises OSError in plain words."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __repr__(self) -> str:
        return f"<Postgres {name(self._url)}>"

    @contextmanager
    def _open(self) -> Iterator[psycopg.Connection[Any]]:
        db = connect(self._url)
        try:
            with plain_errors(self._url):
                _prepare(db)
                yield db
        finally:
            db.close()

    def load(
        self, project: str | None = None, curves: bool = False, only: Collection[tuple[str, str]] | None = None
    ) -> list[Run]:
        """The runs themselves; of those with these (id, host)."""
        what = f"run, state, boot_id, pid, pid_started, updated_at, {'curve' if curves else 'NULL'}"
        what += ", duration_s, energy_j_low, energy_j_high, parts"
        where, values = _where(project)
        if only is not None:
            where = f"{where} AND" if where else " WHERE"
            where += " (id, host) IN (SELECT * FROM unnest(%s::text[], %s::text[]))"
            values += [[rows.storable(i) for i, _ in only], [rows.storable(host) for _, host in only]]
        runs = []
        with self._open() as db:
            sql = f"SELECT {what} FROM {TABLE}{where} ORDER BY seq"  # noqa: S608 - constants
            for run, state, *owner, curve, seconds, low, high, told in db.execute(sql, values):
                moved = (seconds, low, high, told) if state == "running" else None
                try:
                    boot_id, pid, started, updated_at = owner
                    runs.append(rows.read(run, state, boot_id, pid, started, updated_at, curve, moved))
                except (ValueError, TypeError):
                    continue
        return runs

    def table(self, project: str | None = None, columns: Sequence[str] = answers.NAMES) -> list[tuple[Any, ...]]:
        """Values of these columns; see answers.table."""
        where, values = _where(project)
        at = [rows.FIGURES.index(column) for column in ("host", "started_at", "duration_s", "parts")]
        with self._open() as db:
            what = ", ".join(("seq", *rows.FIGURES))
            found = db.execute(f"SELECT {what} FROM {TABLE}{where} ORDER BY seq", values).fetchall()  # noqa: S608
            spans = []
            for seq, *line in found:
                host, begin_s, duration_s, told = (line[i] for i in at)
                spans.append(rows.span(host, begin_s, duration_s, told, functools.partial(_curve, db, seq)))
            lines = [(*line, *its) for (_, *line), its in zip(found, own.owns(spans), strict=True)]
        return answers.pick(lines, columns)

    def totals(self, project: str | None = None) -> answers.Totals:
        """What they took together."""
        return answers.add_up(self.table(project))

    def projects(self) -> dict[str, answers.Totals]:
        """What those of each project took together."""
        with self._open() as db:
            names = [found[0] for found in db.execute(f"SELECT DISTINCT project FROM {TABLE} ORDER BY 1")]  # noqa: S608
        return {project: self.totals(project) for project in names}


def _where(project: str | None) -> tuple[str, list[Any]]:
    return (" WHERE project = %s", [rows.storable(project)]) if project is not None else ("", [])


def _curve(db: psycopg.Connection[Any], seq: int) -> Curve:
    found: Sequence[Any] | None = db.execute(f"SELECT curve FROM {TABLE} WHERE seq = %s", (seq,)).fetchone()  # noqa: S608
    return rows.unpack(found[0]) if found else Curve()
