"""%carbon where and --compare, as people see them, on machines made of a few settings; and that no socket is opened."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from looks import run
from shells import loaded

import carbon_magic
from carbon_magic import data, grid, process, project_file, screen, units
from carbon_magic.grid import Window, elsewhere
from carbon_magic.report import elsewhere as comparison
from carbon_magic.totals import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "Europe/Paris")
    monkeypatch.setattr(project_file, "PATIENCE_S", 10.0)
    monkeypatch.setattr(process, "_current", None)
    with loaded() as running:
        yield running
    units.use("SI")


@pytest.fixture
def shown(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, str]]:
    """What a line of %carbon shows, as text on one line and as HTML."""
    bundles: list[dict[str, str]] = []
    monkeypatch.setattr(screen, "show_bundle", lambda _, bundle: bundles.append(bundle))

    def show(line: str) -> dict[str, str]:
        shell.run_line_magic("carbon", line)
        text = bundles[-1]["text/plain"]
        return {**bundles[-1], "flat": " ".join(text.split()), "dense": "".join(text.split())}

    return show


def test_the_place_and_why_and_how_to_set_it(shown: Any) -> None:
    bundle = shown("where")
    text = bundle["flat"]
    assert text.startswith("France 41.4 g CO2e/kWh (29–54, 90 %)")
    assert "▸ time zone France: guessed from the time zone Europe/Paris" in text
    assert "FR: 2025, lifecycle, production. Ember" in text
    assert "CC BY 4.0" in text
    assert "silent %config, CARBON_MAGIC_PLACE, project file" in text
    for way in ("--place FR", 'CarbonMagic.place = "FR"', "CARBON_MAGIC_PLACE=FR", "carbon_magic.toml"):
        assert way in text
    assert all(len(line) <= 80 for line in bundle["text/plain"].splitlines())
    assert "41.4" in bundle["text/html"]
    assert "time zone" in bundle["text/html"]


def test_each_source_is_told_and_the_most_binding_chosen(
    shown: Any, shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "carbon_magic.toml").write_text('place = "SE"\n')
    text = shown("where")["dense"]
    assert text.startswith("Sweden")
    assert f"▸projectfileSE,in{tmp_path}/carbon_magic.toml" in text
    assert f"Givenin{tmp_path}/carbon_magic.toml." in text
    monkeypatch.setenv("CARBON_MAGIC_PLACE", "NO")
    text = shown("where")["flat"]
    assert text.startswith("Norway")
    assert "▸ CARBON_MAGIC_PLACE NO" in text
    assert "carbon_magic.toml, not used" in text
    assert "Given by CARBON_MAGIC_PLACE." in text
    shell.run_line_magic("config", 'CarbonMagic.place = "DE"')
    text = shown("where")["flat"]
    assert text.startswith("Germany")
    assert "▸ %config DE" in text
    assert "NO, not used" in text


def test_a_file_that_was_edited_just_now_counts(shown: Any, tmp_path: Path) -> None:
    (tmp_path / "carbon_magic.toml").write_text('place = "SE"\n')
    assert shown("where")["flat"].startswith("Sweden")
    (tmp_path / "carbon_magic.toml").write_text('place = "PL"  # moved\n')
    assert shown("where")["flat"].startswith("Poland")


def test_hints_that_cannot_be_used_are_told(shown: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("SLURM_CLUSTER_NAME", "jean-zay")
    text = shown("where")["flat"]
    assert "AWS_REGION is set but not used" in text
    assert 'the Slurm cluster "jean-zay" does not say where it stands' in text
    monkeypatch.setenv("CARBON_MAGIC_PLACES", "jean-zay=US-CA")
    assert '▸ Slurm California: the Slurm cluster "jean-zay", whose place is set' in shown("where")["flat"]


def test_nothing_known_is_said_to_be_unknown(shown: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "CET")
    text = shown("where")["flat"]
    assert "an ambiguous one: the range covers" in text
    assert "--place FR" in text
    monkeypatch.setattr(process, "looks", lambda *_, **__: iter(()))
    monkeypatch.setattr(grid, "guess", lambda *_, **__: grid.place.guess({}, Path("/nonexistent")))
    text = shown("where")["flat"]
    assert text.startswith("World 458 g CO2e/kWh (")
    assert "▸ world average nothing above names a place" in text
    assert "--place FR" in text


def test_the_building_and_the_making_are_told(shown: Any, shell: InteractiveShell) -> None:
    text = shown("where")["flat"]
    assert "PUE 1: nothing is added." in text
    assert "Embodied carbon is not accounted for" in text
    shell.run_line_magic("config", 'CarbonMagic.place = "aws:eu-west-1"')
    shell.run_line_magic("config", "CarbonMagic.embodied_kg = 900")
    text = shown("where")["flat"]
    assert "PUE 1.11, published by Amazon Web Services for this region, 2024." in text
    assert "Embodied carbon in a line of its own: 900 kg over 4 years, 100 % of it." in text
    shell.run_line_magic("config", "CarbonMagic.pue = 1.3")
    assert "PUE 1.3, given by %config." in shown("where")["flat"]


def test_settings_reach_the_run(shell: InteractiveShell) -> None:
    shell.run_line_magic("config", 'CarbonMagic.place = "aws:eu-west-1"')
    shell.run_line_magic("config", "CarbonMagic.embodied_kg = 1000")
    shell.run_line_magic("config", "CarbonMagic.embodied_share = 0.5")
    shell.run_cell("%%carbon -q\npass")
    tracked = carbon_magic.last
    assert tracked is not None
    assert tracked.pue == 1.11
    assert tracked.pue_range[0] < 1.11 < tracked.pue_range[1]
    assert tracked.co2e_g == pytest.approx(tracked.energy_kwh * 1.11 * 256.54)
    assert tracked.embodied_g == pytest.approx(1e6 * 0.5 * tracked.duration_s / (4 * 365.25 * 86400))
    assert tracked.grid.how == "given by %config"
    shell.run_cell("%%carbon -q --place FR --pue 1.5\npass")
    tracked = carbon_magic.last
    assert tracked is not None
    assert (tracked.pue, tracked.pue_source, tracked.grid.how) == (1.5, "given", "given")


def test_units_hold_for_the_report_and_the_session(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_line_magic("config", 'CarbonMagic.units = "J lb"')
    shell.run_cell("%%carbon\nsum(range(10**5))")
    shown = capsys.readouterr().out
    assert re.search(r"energy +[\d.]+ [mµk]?J", shown)
    assert re.search(r"CO2e +[\d.E−]+ lb", shown)
    shell.run_line_magic("config", 'CarbonMagic.units = "kWh kg"')
    shell.run_line_magic("carbon", "")
    shown = capsys.readouterr().out
    assert re.search(r"total .* [\d.]+ kWh .* [\d.E−]+ kg", shown)
    shell.run_line_magic("config", 'CarbonMagic.units = "stone"')
    shell.run_line_magic("carbon", "")
    said = capsys.readouterr()
    assert "units are SI, or of Wh kWh MWh J" in said.err
    assert "Wh" in said.out


@pytest.mark.parametrize("line", ["where now", "where --compare x", "where --comparison"])
def test_other_words_are_refused(shell: InteractiveShell, line: str) -> None:
    with pytest.raises(UsageError, match="%carbon where takes no arguments but --compare"):
        shell.run_line_magic("carbon", line)


# Other grids


def test_ten_grids_the_cleanest_first_with_grams_and_factor(shown: Any, shell: InteractiveShell) -> None:
    shell.run_cell("%%carbon -q --place aws:eu-west-1\nsum(range(10**6))")
    shell.run_cell("%%carbon -q\nsum(range(10**6))")
    bundle = shown("where --compare")
    text = bundle["text/plain"]
    rows = re.findall(r"^  ([▸ ]) (.{20}) +([\d,.]+) (.) (.{8}) +([\d.,]+ \S+) +([\d.,]+)  (.*)$", text, re.MULTILINE)
    assert len(rows) == 10
    factors = [float(row[2].replace(",", "")) for row in rows]
    assert factors == sorted(factors)
    assert [row[1].strip() for row in rows if row[0] == "▸"] == ["France"]
    own = next(factor for factor, row in zip(factors, rows, strict=True) if row[0] == "▸")
    for factor, row in zip(factors, rows, strict=True):
        assert float(row[6]) == pytest.approx(factor / own, rel=0.06)  # two digits
    why = {row[1].strip(): row[7] for row in rows}
    assert why["France"] == "here"
    assert why["Ireland"] == "in use"
    assert why["Germany"] == "a neighbour"
    assert (why["Norway"], why["Kazakhstan"]) == ("cleanest large grid", "dirtiest large grid")
    drawn = carbon_magic.session().drawn_kwh
    for row in rows:
        assert row[5] == units.grams(drawn * grid.intensity(row[1].strip()).intensity_g_per_kwh)
    assert bundle["text/html"].count("data:image/svg+xml;base64,") == 10
    assert "<svg" not in bundle["text/html"]
    assert "†" not in text, "all of these are lifecycle figures"
    assert all(len(line) <= 80 for line in text.splitlines())


def test_an_empty_session_compares_a_kwh(shown: Any) -> None:
    bundle = shown("where --compare")
    assert bundle["flat"].startswith("A kWh (no run has used any yet) on other grids")
    assert "41.4 g 1 here" in bundle["flat"]


def test_direct_figures_are_not_compared_with_lifecycle_ones_without_a_word(
    shown: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARBON_MAGIC_PLACE", "US-CA")
    bundle = shown("where --compare")
    lines = bundle["text/plain"].splitlines()
    assert all(("†" in line) == (grid.intensity(line[4:26].strip()).basis != "direct") for line in lines if " grid" in line and "░" in line)  # fmt: skip
    assert sum("†" in line for line in lines) >= 4
    assert "† lifecycle figures, not of one kind with direct ones" in bundle["flat"]
    assert "†" in bundle["text/html"]


@pytest.mark.parametrize("place", ["FR", "WORLD", "EUROPE", "US-TX", "aws:us-east-1", "EGRID:SRSO", "CN-BJ", "SE3", "AU-VIC", "IS", "MT", "CA-QC", "GB-DESNZ"])  # fmt: skip
def test_everywhere_has_ten_grids_to_compare_with(place: str) -> None:
    here = grid.intensity(place)
    found = elsewhere.others(here, ["gcp:europe-west9", "nonsense:here", "FR"])
    assert len(found) == 10
    assert [other.grid.place for other in found if other.why is None] == [here.place]
    assert len({other.grid.place for other in found}) == 10
    assert any(other.why and "cleanest" in other.why for other in found)
    assert any(other.why and "dirtiest" in other.why for other in found)


def test_many_regions_in_use_leave_room_for_others() -> None:
    regions = [row["region"] for row in data.rows("cloud_regions")]
    found = elsewhere.others(grid.intensity("aws:eu-west-1"), regions)
    assert len(found) == 10
    assert sum(other.why == "in use" for other in found) == 3


def test_a_neighbours_neighbour_is_oneself_and_every_country_has_one() -> None:
    rows = {row["key"]: set(row["neighbours"].split()) for row in data.rows("neighbours")}
    grids = {row["key"]: row for row in data.rows("grid_intensity")}
    for key, beside in rows.items():
        assert key in grids
        assert key not in beside
        assert beside
        assert all(key in rows[other] for other in beside), key
    alone = {key for key, row in grids.items() if row["level"] == "country"} - rows.keys()
    assert alone == set()
    parts = {key for key, row in grids.items() if row["level"] == "part" and row["basis"] != "direct"} - rows.keys()
    assert parts == set()


def compared(window: Window | None) -> str:
    here = grid.intensity("FR")
    bundle = comparison.bundle(comparison.Comparison(1.0, "A kWh", elsewhere.others(here), window))
    return " ".join(bundle["text/plain"].split())


def test_the_best_hours_are_shown_only_where_they_differ_for_sure() -> None:
    assert "Best hours" not in compared(None)
    sure = Window(1.7e9, 1.7e9 + 7200, 20.0, (16.0, 24.0), 60.0, 2 / 3, (0.57, 0.76), False)
    assert "20.0 g/kWh instead of 60.0 g/kWh now: 67 % less (57 to 76 %, 90 %)." in compared(sure)
    unsure = Window(1.7e9, 1.7e9 + 7200, 50.0, (40.0, 60.0), 60.0, 1 / 6, (-0.07, 0.4), False)
    assert "Best hours" not in compared(unsure)


def test_what_was_drawn_has_each_runs_own_pue_in_it() -> None:
    session = Session((run("a", pue=1.5), run("b", started_at=1.8e9, pue=1.1)))
    assert session.drawn_kwh == pytest.approx(sum(item.energy_kwh * item.pue for item in session.runs))


def test_no_socket_is_opened_from_loading_to_comparing(tmp_path: Path) -> None:
    """Python itself reports each use of a socket to an audit hook: none may reach out, resolve a name or listen."""
    code = """
import os, sys
used = []
def hook(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.bind", "socket.sendto"):
        used.append((event, str(arguments)))
sys.addaudithook(hook)
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(user_ns={})
shell.run_line_magic("load_ext", "carbon_magic")
shell.run_cell("%%carbon -n first\\nsum(range(10**5))")
shell.run_cell("%%carbon --place aws:eu-west-1 --pue 1.2\\npass")
import carbon_magic
with carbon_magic.track("block"):
    pass
for line in ("", "where", "where --compare", "help"):
    shell.run_line_magic("carbon", line)
carbon_magic.session().to_frame()
carbon_magic.ledger().runs()
import socket
try:
    socket.create_connection(("127.0.0.1", 9), timeout=0.1)
except OSError:
    pass
print("USED", len(used), used[:1])
"""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environ, cwd=tmp_path, capture_output=True, text=True)
    last = done.stdout.strip().splitlines()[-1]
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Ireland" in done.stdout
    # The one at the end is the test's own: the hook works. create_connection resolves, then connects.
    assert re.fullmatch(r"USED 2 \[\('socket.getaddrinfo'.*127\.0\.0\.1.*\]", last), done.stdout[-500:]
