"""%carbon where with a live service set: what it asks, and the best hours of its forecast."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from looks import run
from services import Answer, serve, shapes

from carbon_magic import process, screen
from carbon_magic.grid import live
from carbon_magic.grid.live.electricitymaps import ElectricityMaps


@pytest.fixture
def service(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CARBON_MAGIC_PLACE", "FR")
    monkeypatch.setenv("CARBON_MAGIC_LIVE", "electricitymaps")
    monkeypatch.setenv("CARBON_MAGIC_ELECTRICITYMAPS_KEY", "s3cret")
    with serve() as server:
        monkeypatch.setattr(live, "make", lambda name: ElectricityMaps(server.url))
        yield server


@pytest.fixture
def shown(service, shell, monkeypatch):
    bundles = []
    monkeypatch.setattr(screen, "show_bundle", lambda _, bundle: bundles.append(bundle))

    def show(line):
        shell.run_line_magic("carbon", line)
        return " ".join(bundles[-1]["text/plain"].split())

    return show


def test_where_says_what_is_asked_without_asking(shown, service, monkeypatch):
    assert "figures of their own hours from Electricity Maps, zone FR" in shown("where")
    monkeypatch.setenv("CARBON_MAGIC_PLACE", "US-CA")
    assert "Electricity Maps, which needs the setting live_zone here" in shown("where")
    monkeypatch.setenv("CARBON_MAGIC_LIVE", "off")
    assert "Nothing is fetched: the setting live names a service" in shown("where")
    assert service.asked == []


def test_the_best_hours_are_told_only_where_they_are_better_for_sure(shown, service):
    begin_s = shapes.hour(time.time())
    path = "/carbon-intensity/forecast"
    service.says[path] = Answer(shapes.electricitymaps("forecast", [400] * 6 + [40] * 4 + [300] * 14, begin_s))
    text = shown("where --compare")
    assert "Best hours of the forecast" in text
    assert "90 % less" in text


def test_hours_that_differ_little_are_not_worth_a_word(shown, service):
    begin_s = shapes.hour(time.time())
    service.says["/carbon-intensity/forecast"] = Answer(
        shapes.electricitymaps("forecast", [400] * 12 + [360] * 12, begin_s)
    )
    text = shown("where --compare")
    assert "Best hours" not in text
    assert "no best hours are known" not in text


def test_a_service_that_fails_is_told_and_the_comparison_stands(shown, service):
    service.says["/"] = Answer({"error": "s3cret"}, 403)
    text = shown("where --compare")
    assert "Electricity Maps does not allow this key what was asked for: no best hours are known." in text
    assert "France" in text
    assert "s3cret" not in text


def test_runs_of_a_zone_that_somebody_named_do_not_disturb_the_comparison(shown, service):
    service.says["/"] = Answer({}, 404)
    first = run()
    process.current().runs.append(replace(first, grid=replace(first.grid, place="electricitymaps:US-CAL-CISO")))
    assert "France" in shown("where --compare")
