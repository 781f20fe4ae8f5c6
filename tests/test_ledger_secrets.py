"""A PostgreSQL URL with a password in it: it is shown nowhere, however it is written and whatever goes wrong."""

import traceback
from urllib.parse import quote

import pytest
from server import postgres

from carbon_magic import config
from carbon_magic.config import Settings
from carbon_magic.secret import Address, hidden
from carbon_magic.store import Pump, open_store, rescue, where
from carbon_magic.store.ledger import Ledger

PASSWORDS = ["s3cr3t", "s3cr3t@12", "12/s3cr3t", "12/s3cr3t@x", "s3cr3t:s3cr3t", "s3cr3t%", "s3cr3t%40", "a s3cr3t b",
             "5?host=s3cr3t", "5#s3cr3t", "@s3cr3t", "5/@s3cr3t", "s3cr3t\n2", "'s3cr3t \\'", "5?user=s3cr3t"]  # fmt: skip


def urls(password):
    """As people write it, and as it should be written; to a port where nobody is, and to one that is none."""
    for written in (password, quote(password, "")):
        for host in ("127.0.0.1:1", "127.0.0.1:999999", "nowhere.invalid", "[::1", "127.0.0.1:one"):
            yield f"postgresql://me:{written}@{host}/x"
    yield f"postgresql://me@127.0.0.1:1/x?password={quote(password, '')}"
    yield f"postgresql://me:{quote(password, '')}@127.0.0.1:1/x?nonsense=1"


@pytest.mark.parametrize("password", PASSWORDS)
def test_no_error_tells_it(password, monkeypatch, tmp_path_factory):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("home")))
    for url in urls(password):
        ledger = Ledger(where(url, {}))
        with pytest.raises(OSError) as caught:
            ledger.totals()
        with pytest.raises(OSError) as written:
            open_store(url, {}, pytest.fail)
        told = [repr(ledger), repr(where(url, {})), repr(where(None, {"CARBON_MAGIC_LEDGER": url}))]
        for error in (caught, written):
            told += [str(error.value), repr(error.value), *traceback.format_exception(error.value)]
            assert error.value.__cause__ is None
        assert "s3cr3t" not in "".join(told), url
        assert len(str(caught.value)) < 300


@pytest.fixture(scope="module")
def server():
    with postgres() as found:
        yield found[0]


def test_a_server_that_takes_no_such_password_does_not_tell_it(server):
    bad = server.replace("team:s3cret@/postgres", "nobody:s3cret@/postgres")
    with pytest.raises(OSError, match="nobody") as caught:
        Ledger(where(bad, {})).totals()
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))
    named = server.replace("team:s3cret@/postgres", "team:s3cret@/s3cret_db")  # libpq's own words would have it
    with pytest.raises(OSError) as caught:
        open_store(named, {}, pytest.fail)
    assert "does not exist" not in str(caught.value)


def test_the_pump_says_it_not(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    from store_runs import run

    url, said = "postgresql://me:s3cr3t%40@127.0.0.1:1/x", []
    pump = Pump(lambda: open_store(url, {}, said.append), said.append, rescue(url, {}))
    pump.put(run())
    assert not pump.close(20)
    assert len(said) == 1
    assert "127.0.0.1:1/x: Connection refused)" in said[0]
    assert "s3cr3t" not in said[0]
    unclear = []
    pump = Pump(lambda: open_store("postgresql://me:s3cr3t@2@host/x", {}, pytest.fail), unclear.append)
    pump.put(run())
    assert not pump.close(20)
    assert "in a password, @ is written %40, / %2F, : %3A, % %25)" in unclear[0]  # not cut in its midst
    assert "s3cr3t" not in unclear[0]
    rescue(url, {})([run()])
    assert not [p for p in tmp_path.rglob("*") if "s3cr3t" in str(p) or (p.is_file() and b"s3cr3t" in p.read_bytes())]


@pytest.fixture
def quiet_config(monkeypatch):
    monkeypatch.setattr(config, "overrides", {})
    monkeypatch.setattr(config, "defaults", {})


def test_config_shows_that_there_is_one_and_not_what(quiet_config, shell, capsys):
    url = "postgresql://me:s3cr3t@127.0.0.1:1/x"
    shell.run_line_magic("config", f"CarbonMagic.ledger = {url!r}")
    result = shell.run_cell("%config CarbonMagic.ledger").result
    shell.run_cell("%config CarbonMagic")
    shown = str(shell.display_formatter.format(result)) + capsys.readouterr().out
    assert "postgresql://***" in shown
    assert "s3cr3t" not in shown
    settings, problems = config.current({}, {})
    assert (settings.ledger, problems) == (url, [])  # what is connected to is the whole of it


@pytest.mark.parametrize("mode", ["Plain", "Context", "Verbose", "Minimal"])
def test_no_traceback_of_ipython_shows_it(quiet_config, shell, capsys, mode):
    shell.run_line_magic("config", "CarbonMagic.ledger = 'postgresql://me:s3cr3t@127.0.0.1:1/x'")
    shell.run_line_magic("xmode", mode)
    shell.run_cell("import carbon_magic; carbon_magic.ledger().totals()")
    said = capsys.readouterr()
    assert "127.0.0.1:1/x" in said.out + said.err
    assert "s3cr3t" not in said.out + said.err


def test_an_address_is_a_text_that_does_not_show_itself():
    it = hidden("postgresql://me:s3cr3t@host/x")
    assert isinstance(it, Address)
    assert it == "postgresql://me:s3cr3t@host/x"
    assert repr(it) == "'postgresql://***'"
    assert repr([it]) == "['postgresql://***']"
    assert hidden("/a/file.db") == "/a/file.db"
    assert type(hidden("/a/file.db")) is str
    assert hidden(None) is None
    assert "s3cr3t" not in repr(Settings(ledger=it))
