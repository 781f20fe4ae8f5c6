"""A ledger on a network file system: files of lines, merged into a cache."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from store_runs import run

from carbon_magic.alive import Owner
from carbon_magic.store import Pump, lines, network, open_store, rescue, spool, where
from carbon_magic.store.ledger import Ledger
from carbon_magic.store.spool import Spool, SpoolStore
from carbon_magic.store.sqlite import SqliteStore

HERE = Path(__file__).parent
MOUNTS = """\
22 1 0:21 / / rw - overlay overlay rw
30 22 0:30 / /home rw,relatime shared:1 - nfs4 server:/home rw
31 30 0:31 / /home/local rw - ext4 /dev/sda1 rw
32 22 0:32 / /mnt/with\\040space rw - fuse.sshfs me@there:/ rw
33 22 0:33 / /scratch rw - lustre a@tcp:/x rw
34 33 0:34 / /scratch rw - tmpfs tmpfs rw
short line
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "home" / "ledger.db"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    return tmp_path / "cache"


def ledger(path):
    return Ledger(where(str(path), {}, store="spool"))


@pytest.mark.parametrize(
    ("folder", "kind", "is_network"),
    [("/home/me/x/ledger.db", "nfs4", True), ("/home/local/x", "ext4", False), ("/homes", "overlay", False),
     ("/mnt/with space/a", "fuse.sshfs", True), ("/scratch/a", "tmpfs", False), ("/home", "nfs4", True)],
)  # fmt: skip
def test_the_file_system_is_the_last_mount_above(folder, kind, is_network, tmp_path):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert network.file_system(Path(folder), mounts) == kind
    assert network.is_network(Path(folder), mounts) == is_network


def test_nothing_said_is_no_network(tmp_path):
    assert not network.is_network(tmp_path, tmp_path / "gone")
    assert where(str(tmp_path / "a.db"), {}).kind == "sqlite"


def test_a_network_home_gets_a_spool_and_the_setting_is_stronger(tmp_path, monkeypatch):
    monkeypatch.setattr(network, "file_system", lambda path, mounts: "beegfs")
    chosen = str(tmp_path / "a.db")
    assert where(chosen, {}).kind == "spool"
    assert where(chosen, {"CARBON_MAGIC_STORE": "sqlite"}).kind == "sqlite"
    assert where(chosen, {}, store="sqlite").kind == "sqlite"
    assert where("postgresql://host/x", {"CARBON_MAGIC_STORE": "spool"}).kind == "postgresql"


def test_a_run_comes_back_as_it_was(path):
    store = SpoolStore(spool.folder(path))
    r = run(points=40, stage="tune", tags={"lr": 0.1}, notes=("one",), name="\ud800 日本語")
    store.put(run("2", "running", 1.0))
    store.put(run("2", "running", 2.0, duration_s=11.0))
    store.put(r)
    (going, back) = ledger(path).load(curves=True)
    assert back == r
    assert (going.state, going.energy_j, going.duration_s) == ("running", 2.0, 11.0)
    store.put(run("2", "failed", 3.0))
    assert ledger(path).runs()["state"].tolist() == ["failed", "done"]
    assert not path.exists()
    store.close()


def test_ten_kernels_race_and_a_lost_cache_is_made_again_exactly(path, cache):
    script = (
        "import sys; from store_runs import run\nfrom carbon_magic.store import where\n"
        "from carbon_magic.store.spool import SpoolStore, folder\nfrom carbon_magic.store.ledger import Ledger\n"
        "from pathlib import Path\nstore = SpoolStore(folder(Path(sys.argv[1])))\n"
        "for i in range(30):\n"
        "    store.put(run(f'{sys.argv[2]} {i}', 'running')); store.put(run(f'{sys.argv[2]} {i}', host=sys.argv[2]))\n"
        "    if i % 10 == 0: Ledger(where(sys.argv[1], {}, store='spool')).totals()\n"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)])}
    kernels = [subprocess.Popen([sys.executable, "-c", script, str(path), str(i)], env=environ) for i in range(10)]
    assert [kernel.wait(60) for kernel in kernels] == [0] * 10
    before = ledger(path).totals().iloc[0].to_dict()
    ended = ledger(path).runs().query("state == 'done'")
    assert len(ended) == 300
    again = ledger(path).totals().iloc[0].to_dict()
    for file in cache.rglob("*.db*"):
        file.unlink()
    anew = ledger(path).totals().iloc[0].to_dict()
    assert again == before
    for name, figure in before.items():
        assert anew[name] == pytest.approx(figure)


def test_a_damaged_cache_is_thrown_away(path, cache):
    store = SpoolStore(spool.folder(path))
    store.put(run("1"))
    store.close()
    assert len(ledger(path).load()) == 1
    (file,) = cache.rglob("*.db")
    for spoilt in (b"no database at all" * 1000, file.read_bytes()[:5000]):
        file.write_bytes(spoilt)
        assert len(ledger(path).load()) == 1


def test_a_torn_line_costs_only_itself(path):
    store = SpoolStore(spool.folder(path))
    store.put(run("1"))
    with store.path.open("ab") as file:
        file.write(lines.whole(run("2"), Owner("", 0, None))[:-200])
        assert [r.id for r in ledger(path).load()] == ["1"]
        file.write(b'\n{"v": 1}\n[]\n\xff\xfe\n{"v": 99, "run": {}}\n')
    store.put(run("3"))
    store.close()
    assert [r.id for r in ledger(path).load()] == ["1", "3"]


def test_a_line_half_written_is_read_when_it_is_whole(path):
    folder = spool.folder(path)
    folder.mkdir(parents=True)
    line = lines.whole(run("1"), Owner("", 0, None))
    file = folder / "there.jsonl"
    file.write_bytes(line[:100])
    assert ledger(path).load() == []
    file.write_bytes(line)
    assert [r.id for r in ledger(path).load()] == ["1"]


def test_a_run_of_another_host_has_a_lease(path, monkeypatch):
    folder = spool.folder(path)
    folder.mkdir(parents=True)
    line = lines.whole(run("1", "running"), Owner("another boot", 5, 1.0))
    (folder / "there.jsonl").write_bytes(line)
    assert [r.state for r in ledger(path).load()] == ["running"]
    now = time.time()
    monkeypatch.setattr("carbon_magic.store.rows.time.time", lambda: now + 60)
    assert [r.state for r in ledger(path).load()] == ["interrupted"]
    assert ledger(path).runs()["state"].tolist() == ["interrupted"]


def test_kill_9_loses_nothing_that_was_written(path):
    script = (
        "import sys; from store_runs import run\nfrom pathlib import Path\n"
        "from carbon_magic.store.spool import SpoolStore, folder\nstore = SpoolStore(folder(Path(sys.argv[1])))\n"
        "i = 0\nwhile True: i += 1; store.put(run('1', 'running', float(i))); print(i, flush=True)\n"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)])}
    kernel = subprocess.Popen([sys.executable, "-c", script, str(path)], env=environ, stdout=subprocess.PIPE, text=True)
    last = 0
    while last < 50:
        last = int(kernel.stdout.readline())
    kernel.kill()
    last = max(last, *map(int, kernel.stdout.read().split()), 0)
    kernel.wait()
    (left,) = ledger(path).load()
    assert left.state == "interrupted"
    assert left.energy_j in (last, last + 1)


def test_lines_that_are_useless_go_when_a_run_ends(path, monkeypatch):
    monkeypatch.setattr(spool, "SMALLER_BYTES", 10_000)
    store = SpoolStore(spool.folder(path))
    store.put(run("0"))
    for i in range(100):
        store.put(run("1", "running", float(i)))
    grown = store.path.stat().st_size
    assert len(ledger(path).load()) == 2
    store.put(run("1", "done", 5.0))
    store.put(run("2"))
    assert store.path.stat().st_size < grown
    store.close()
    assert [(r.id, r.energy_j) for r in ledger(path).load()] == [("0", 3600), ("1", 5.0), ("2", 3600)]
    assert [p.suffix for p in spool.folder(path).iterdir()] == [".jsonl"]


def test_a_ledger_from_before_counts_too(path):
    path.parent.mkdir()
    old = SqliteStore(path)
    old.put(run("old"))
    old.close()
    store = SpoolStore(spool.folder(path))
    store.put(run("new"))
    store.close()
    assert sorted(r.id for r in ledger(path).load()) == ["new", "old"]
    assert len(ledger(path).load()) == 2


def test_from_the_pump_and_nothing_is_lost_where_the_spool_cannot_be_written(path, tmp_path):
    said = []
    path.parent.mkdir()
    spool.folder(path).write_text("in the way")
    environ = {"CARBON_MAGIC_STORE": "spool"}
    pump = Pump(lambda: open_store(str(path), environ, said.append), said.append, rescue(str(path), environ))
    pump.put(run("1"))
    pump._leave()
    assert len(said) == 1
    spool.folder(path).unlink()
    pump = Pump(lambda: open_store(str(path), environ, said.append), said.append)
    pump.put(run("2"))
    assert pump.close(5)
    assert [r.id for r in ledger(path).load()] == ["1", "2"]
    assert list(tmp_path.rglob("unsent/*/*")) == []


def test_the_cache_itself_is_never_on_a_network(monkeypatch):
    monkeypatch.setattr(network, "file_system", lambda path, mounts: "nfs" if "cache" in str(path) else "ext4")
    assert Spool(Path("/x/ledger.db"))._cache.parent.parent == Path(tempfile.gettempdir())
