"""The live services against a server on loopback that speaks the documented shapes, and misbehaves."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from services import Answer, shapes

from carbon_magic import checks, config, grid
from carbon_magic.grid import live
from carbon_magic.grid.live import LiveError, key
from carbon_magic.grid.live.ask import Ask
from carbon_magic.grid.live.electricitymaps import ElectricityMaps
from carbon_magic.grid.live.energidataservice import EnergiDataService
from carbon_magic.grid.live.gb import CarbonIntensityGB
from carbon_magic.grid.live.rte import Rte
from carbon_magic.grid.live.watttime import G_PER_KWH, WattTime

SECRET = "s3cret-KEY-0123456789"
NOW = time.time()
THIS_HOUR = shapes.hour(NOW)


def asking(title="Service", words=SECRET, **limits):
    slept = []
    asked = Ask(title, key.Key(words), slept.append, **limits)
    return asked, slept


def history(service, zone, now_s=NOW):
    return service.history(asking(service.title)[0], zone, now_s)


def forecast(service, zone, hours=24.0, now_s=NOW):
    return service.forecast(asking(service.title)[0], zone, now_s, hours)


class TestElectricityMaps:
    def test_the_last_day_as_documented(self, server):
        server.says["/carbon-intensity/history"] = Answer(
            shapes.electricitymaps("history", [35, 36.5, None, 38], THIS_HOUR - 3 * 3600)
        )
        points = history(ElectricityMaps(server.url), "FR")
        assert [(p.start_s, p.g_per_kwh) for p in points] == [
            (THIS_HOUR - 3 * 3600, 35), (THIS_HOUR - 2 * 3600, 36.5), (THIS_HOUR, 38),
        ]  # fmt: skip
        assert all(p.end_s - p.start_s == 3600 and not p.marginal and not p.estimated for p in points)
        asked = server.asked[0]
        assert asked.params == {"zone": "FR", "emissionFactorType": "lifecycle"}
        assert asked.headers["auth-token"] == SECRET
        assert SECRET not in asked.path + str(asked.params)

    def test_the_hours_to_come(self, server):
        server.says["/carbon-intensity/forecast"] = Answer(shapes.electricitymaps("forecast", [40, 43], THIS_HOUR))
        assert [p.g_per_kwh for p in forecast(ElectricityMaps(server.url), "FR", 30)] == [40, 43]
        assert server.asked[0].params["horizonHours"] == "48"

    def test_estimates_are_marked_and_sandbox_figures_refused(self, server):
        service = ElectricityMaps(server.url)
        path = "/carbon-intensity/history"
        estimated = {"isEstimated": True, "estimationMethod": "TIME_SLICER_AVERAGE"}
        server.says[path] = Answer(shapes.electricitymaps("history", [35], THIS_HOUR, **estimated))
        assert history(service, "FR")[0].estimated
        sandbox = {"isEstimated": True, "estimationMethod": "SANDBOX_MODE_DATA"}
        server.says[path] = Answer(shapes.electricitymaps("history", [512], THIS_HOUR, **sandbox))
        with pytest.raises(LiveError, match="made-up figures, as this is a sandbox key: they are refused"):
            history(service, "FR")

    @pytest.mark.parametrize(
        "fields",
        [{"zone": "DE"}, {"zone": None}, {"emissionFactorType": "direct"}, {"carbonIntensity": "38"},
         {"carbonIntensity": True}, {"carbonIntensity": -1}, {"carbonIntensity": 5000}, {"carbonIntensity": 10**400},
         {"carbonIntensity": [38]}, {"datetime": None}, {"datetime": 1700000000}, {"datetime": "soon"},
         {"datetime": "2026-11-23T15:00:00"}, {"datetime": "1926-11-23T15:00:00Z"}],
    )  # fmt: skip
    def test_a_row_that_is_not_as_documented(self, server, fields):
        server.says["/"] = Answer(shapes.electricitymaps("history", [38], THIS_HOUR, **fields))
        with pytest.raises(LiveError):
            history(ElectricityMaps(server.url), "FR")

    @pytest.mark.parametrize(
        "body",
        [None, [], "text", 5, {}, {"zone": "FR"}, {"zone": "FR", "history": None}, {"zone": "FR", "history": {}},
         {"zone": "FR", "history": []}, {"zone": "FR", "history": [None]}, {"zone": "FR", "history": [[]]},
         {"zone": "FR", "temporalGranularity": "yearly", "history": []}, {"zone": "FR", "history": [{}] * 6000},
         shapes.electricitymaps("history", [None, None], THIS_HOUR), shapes.electricitymaps("history", [1], 0.0),
         shapes.electricitymaps("history", [38], THIS_HOUR, zone="DE")],
    )  # fmt: skip
    def test_an_answer_that_is_not_as_documented(self, server, body):
        server.says["/"] = Answer(body)
        with pytest.raises(LiveError) as caught:
            history(ElectricityMaps(server.url), "FR")
        assert len(str(caught.value)) < 200

    def test_figures_on_top_of_each_other(self, server):
        body = shapes.electricitymaps("history", [38, 39], THIS_HOUR - 7200)
        body["history"][1]["datetime"] = shapes.iso(THIS_HOUR - 7200 + 600)
        server.says["/"] = Answer(body)
        with pytest.raises(LiveError, match="overlapping"):
            history(ElectricityMaps(server.url), "FR")

    @pytest.mark.parametrize(
        ("place", "zone"),
        [("FR", "FR"), ("DE", "DE"), ("CA-QC", "CA-QC"), ("SE-SE3", "SE-SE3"), ("US", None), ("US-CA", None),
         ("DK", None), ("WORLD", None), ("EU", None), ("EGRID:SRSO", None)],
    )  # fmt: skip
    def test_zones_of_places(self, place, zone):
        assert ElectricityMaps().zone(place) == zone


class TestWattTime:
    def says(self, server, average=900.0, marginal=870.0):
        server.says["/login"] = Answer({"token": "header.payload.signature"})
        server.says["/v3/historical"] = Answer(shapes.watttime([average] * 3, THIS_HOUR - 7200, "co2_aoer"))
        server.says["/v3/forecast"] = Answer(shapes.watttime([marginal, 868.5], THIS_HOUR, "co2_moer"))

    def test_averages_for_the_account(self, server):
        self.says(server)
        points = history(WattTime(server.url), "CAISO_NORTH")
        assert [p.g_per_kwh for p in points] == pytest.approx([900 * G_PER_KWH] * 3)
        assert not any(p.marginal for p in points)
        login, asked = server.asked
        assert login.headers["authorization"].startswith("Basic ")
        assert asked.headers["authorization"] == "Bearer header.payload.signature"
        assert (asked.params["signal_type"], asked.params["region"]) == ("co2_aoer", "CAISO_NORTH")

    def test_marginal_figures_are_marked(self, server):
        self.says(server)
        points = forecast(WattTime(server.url), "CAISO_NORTH")
        assert all(p.marginal for p in points)
        assert points[0].g_per_kwh == pytest.approx(870 * G_PER_KWH)

    def test_a_token_is_asked_for_once(self, server):
        self.says(server)
        service = WattTime(server.url)
        history(service, "CAISO_NORTH")
        forecast(service, "CAISO_NORTH")
        assert [r.path for r in server.asked].count("/login") == 1
        assert "signature" not in f"{service!r} {vars(service)}"

    def test_an_account_without_averages_has_nothing_to_count(self, server):
        self.says(server)
        server.says["/v3/historical"] = Answer({"error": "no"}, 403)
        with pytest.raises(LiveError, match="gives this account no averages"):
            history(WattTime(server.url), "CAISO_NORTH")

    @pytest.mark.parametrize(
        "meta",
        [{"units": "g_per_kwh"}, {"units": "percentile"}, {"units": None}, {"signal_type": "co2_moer"},
         {"region": "ERCOT"}, {"data_point_period_seconds": 0}, {"data_point_period_seconds": "300"},
         {"data_point_period_seconds": True}],
    )  # fmt: skip
    def test_another_signal_unit_or_region_is_refused(self, server, meta):
        self.says(server)
        body = shapes.watttime([900.0], THIS_HOUR, "co2_aoer")
        body["meta"] |= meta
        server.says["/v3/historical"] = Answer(body)
        with pytest.raises(LiveError):
            history(WattTime(server.url), "CAISO_NORTH")

    @pytest.mark.parametrize("token", [None, "", 5, "a\nb", "ü"])
    def test_a_login_without_a_token(self, server, token):
        server.says["/login"] = Answer({"token": token})
        with pytest.raises(LiveError, match="no token"):
            history(WattTime(server.url), "CAISO_NORTH")


class TestGB:
    def test_the_whole_island(self, server):
        half = NOW // 1800 * 1800
        server.says["/intensity/"] = Answer(shapes.gb([(150, 148), (142, 138), (140, None)], half - 3600))
        points = history(CarbonIntensityGB(server.url), "GB")
        assert [(p.g_per_kwh, p.estimated) for p in points] == [(148, False), (138, False), (140, True)]
        assert points[0].end_s - points[0].start_s == 1800
        assert server.asked[0].path.endswith("/pt24h")

    @pytest.mark.parametrize("wrap", [lambda d: d, lambda d: [d]])
    def test_a_region_has_forecasts_only(self, server, wrap):
        rows = shapes.half_hours([(121, None), (119, None)], NOW // 1800 * 1800 - 1800)
        for row in rows:
            del row["intensity"]["actual"]
        server.says["/regional/intensity/"] = Answer({"data": wrap({"regionid": 13, "data": rows})})
        points = history(CarbonIntensityGB(server.url), "13")
        assert [(p.g_per_kwh, p.estimated) for p in points] == [(121, True), (119, True)]
        assert server.asked[0].path.endswith("/pt24h/regionid/13")
        server.says["/regional/intensity/"] = Answer({"data": wrap({"regionid": 12, "data": rows})})
        with pytest.raises(LiveError, match="region"):
            history(CarbonIntensityGB(server.url), "13")

    def test_the_hours_to_come(self, server):
        server.says["/intensity/"] = Answer(shapes.gb([(142, None), (90, None)], NOW // 1800 * 1800))
        points = forecast(CarbonIntensityGB(server.url), "GB", 48)
        assert [(p.g_per_kwh, p.estimated) for p in points] == [(142, False), (90, False)]
        assert server.asked[0].path.endswith("/fw48h")

    def test_half_hours_that_are_none(self, server):
        body = shapes.gb([(142, 138)], THIS_HOUR)
        body["data"][0]["to"] = body["data"][0]["from"]
        server.says["/"] = Answer(body)
        with pytest.raises(LiveError):
            history(CarbonIntensityGB(server.url), "GB")
        with pytest.raises(LiveError, match="1 to 17"):
            history(CarbonIntensityGB(server.url), "18")


class TestEnergiDataService:
    def test_the_last_day(self, server):
        server.says["/CO2Emis"] = Answer(shapes.energidataservice([88.0, 89], NOW // 300 * 300 - 600))
        points = history(EnergiDataService(server.url), "DK1")
        assert [(p.g_per_kwh, p.end_s - p.start_s) for p in points] == [(88, 300), (89, 300)]
        assert server.asked[0].params["filter"] == '{"PriceArea":["DK1"]}'
        with pytest.raises(LiveError, match="DK1"):
            history(EnergiDataService(server.url), "DK3")

    def test_the_day_ahead(self, server):
        begin = NOW // 300 * 300
        server.says["/CO2EmisProg"] = Answer(shapes.energidataservice([95.0] * 500, begin, "CO2EmisProg"))
        points = forecast(EnergiDataService(server.url), "DK1", 24)
        assert points[-1].end_s <= NOW + 24 * 3600 + 300

    def test_another_area_is_refused(self, server):
        server.says["/CO2Emis"] = Answer(shapes.energidataservice([88.0], THIS_HOUR, area="DK2"))
        with pytest.raises(LiveError, match="price area"):
            history(EnergiDataService(server.url), "DK1")


class TestRte:
    def test_quarters_of_an_hour(self, server):
        server.says["/records"] = Answer(shapes.rte([29, 31], NOW // 900 * 900 - 1800))
        points = history(Rte(server.url), "FR")
        assert [(p.g_per_kwh, p.end_s - p.start_s) for p in points] == [(29, 900), (31, 900)]
        with pytest.raises(LiveError, match="publishes no forecast"):
            forecast(Rte(server.url), "FR")

    def test_another_area_is_refused(self, server):
        body = shapes.rte([29], THIS_HOUR)
        body["results"][0]["perimetre"] = "Bretagne"
        server.says["/records"] = Answer(body)
        with pytest.raises(LiveError, match="area"):
            history(Rte(server.url), "FR")


SERVICES = [(ElectricityMaps, "FR"), (WattTime, "CAISO_NORTH"), (CarbonIntensityGB, "GB"), (CarbonIntensityGB, "13"),
            (EnergiDataService, "DK1"), (Rte, "FR")]  # fmt: skip
JUNK = [None, [], {}, "x", 5, {"data": []}, {"data": [{}]}, {"data": [[]]}, {"records": [{}]}, {"results": [None]},
        {"token": "t", "meta": {}, "data": {}}, {"data": {"regionid": 13, "data": [{}]}}]  # fmt: skip


@pytest.mark.parametrize(("make", "zone"), SERVICES)
@pytest.mark.parametrize("junk", JUNK)
def test_no_service_believes_junk(server, make, zone, junk):
    server.says["/"] = Answer(junk)
    server.says["/login"] = Answer({"token": "t"})
    for question in (history, forecast):
        with pytest.raises(LiveError):
            question(make(server.url), zone)


class Said:
    """Stands for Ask where the answer is at hand."""

    def __init__(self, title, answer):
        self.title, self.key, self.answer = title, key.Key("a:b"), answer

    def json(self, url, params, headers=dict):
        return {"token": "t"} if url.endswith("/login") else self.answer


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.just("2026-11-23T15:30Z"),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=10), some, max_size=3),
    max_leaves=8,
)
HALF = NOW // 1800 * 1800
AS_DOCUMENTED = [
    (ElectricityMaps, "FR", shapes.electricitymaps("history", [35, 36], THIS_HOUR - 3600)),
    (WattTime, "CAISO_NORTH", shapes.watttime([900.0, 890.0], THIS_HOUR, "co2_aoer")),
    (CarbonIntensityGB, "GB", shapes.gb([(142, 138), (140, None)], HALF - 1800)),
    (CarbonIntensityGB, "13", {"data": {"regionid": 13, "data": shapes.half_hours([(121, None)], HALF)}}),
    (EnergiDataService, "DK1", shapes.energidataservice([88.0, 89], THIS_HOUR)),
    (Rte, "FR", shapes.rte([29, 31], THIS_HOUR)),
]


def leaves(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield from leaves(part, (*path, name))


def altered(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = altered(value[path[0]], path[1:], new)
    return copy


@pytest.mark.parametrize(("make", "zone", "body"), AS_DOCUMENTED)
@settings(max_examples=300)
@given(data=st.data())
def test_whatever_stands_in_an_answer_it_is_points_or_a_sentence(make, zone, body, data):
    path = data.draw(st.sampled_from(list(leaves(body))))
    service = make()
    points, said = (), ""
    try:
        points = service.history(Said(service.title, altered(body, path, data.draw(JSON))), zone, NOW)
    except LiveError as error:
        said = str(error)
    assert bool(points) != bool(said)
    assert len(said) < 200
    assert all(0 <= p.g_per_kwh <= 2000 and p.start_s < p.end_s and not p.marginal for p in points)
    assert all(a.end_s <= b.start_s + 1 for a, b in pairwise(points))


@pytest.mark.parametrize(("make", "zone", "body"), AS_DOCUMENTED)
def test_answers_as_documented_are_taken(make, zone, body):
    service = make()
    assert len(service.history(Said(service.title, body), zone, NOW)) >= 1


def test_settings():
    assert checks.live("Electricity-Maps") == "electricitymaps"
    assert checks.live("off") is None
    with pytest.raises(ValueError, match="a live service is one of electricitymaps, watttime, gb"):
        checks.live("weather")
    for wrong in ("", "../x", "FR&key=1", "x" * 50, "FR/DE"):
        with pytest.raises(ValueError, match="a zone is a short code"):
            checks.live_zone(wrong)
    settings, problems = config.current({}, {"CARBON_MAGIC_LIVE": "gb", "CARBON_MAGIC_LIVE_ZONE": "13"})
    assert (settings.live, settings.live_zone, problems) == ("gb", "13", [])
    assert config.current({}, {})[0].live is None


def test_each_service_is_one_file_and_says_what_its_figures_are():
    for name in live.NAMES:
        service = live.make(name)
        assert service.name == name
        assert service.basis in ("lifecycle", "direct")
        assert service.title
        assert service.licence
        assert service.boundary
        assert service.url.startswith("https://")


def test_a_forecast_by_name(server, monkeypatch):
    server.says["/intensity/"] = Answer(shapes.gb([(200, None)] * 4 + [(50, None)] * 4, NOW // 1800 * 1800))
    monkeypatch.setattr(live, "make", lambda name: CarbonIntensityGB(server.url))
    found = grid.forecast("gb", "GB", 4)
    assert (found.service, found.zone, found.basis) == ("gb", "GB", "direct")
    assert grid.best_window(found.points, 1).sure
    assert grid.forecast("gb", "GB", 4).points == found.points
    assert len(server.asked) == 1
    with pytest.raises(ValueError, match="zone"):
        grid.forecast("gb", "a b")
