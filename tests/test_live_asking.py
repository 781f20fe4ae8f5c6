"""Asking a live service: refusals, trouble, time, keys and the cache."""

from __future__ import annotations

import logging
import pickle
import socket
import time
import traceback

import pytest
from services import Answer, after, shapes
from test_live import SECRET, THIS_HOUR, asking

from carbon_magic import grid
from carbon_magic.grid import live
from carbon_magic.grid.live import LiveError, ask, cache, fetch, key
from carbon_magic.grid.live.electricitymaps import ElectricityMaps
from carbon_magic.grid.live.gb import CarbonIntensityGB
from carbon_magic.grid.live.watttime import WattTime


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "does not accept the key"), (403, "does not allow"), (404, "knows nothing"), (400, "refuses the question"),
     (302, "redirect, which is not followed"), (418, "HTTP 418")],
)  # fmt: skip
def test_a_refusal_is_told_at_once_and_in_our_words(server, status, words):
    server.says["/"] = Answer({"error": f"Invalid auth-token {SECRET}"}, status, {"Location": server.url + "/other"})
    asked, slept = asking("Electricity Maps")
    with pytest.raises(LiveError, match=words) as caught:
        asked.json(server.url + "/x", {})
    assert str(caught.value).startswith("Electricity Maps ")
    assert SECRET not in str(caught.value)
    assert len(server.asked) == 1
    assert slept == []


def test_trouble_that_passes_is_outlived(server):
    server.says["/"] = after(Answer(None, 500), Answer(None, 502), Answer({"fine": True}))
    asked, slept = asking()
    assert asked.json(server.url, {}) == {"fine": True}
    assert slept == list(ask.WAITS_S)


def test_trouble_that_stays_is_told(server):
    server.says["/"] = Answer({"error": "x"}, 500)
    with pytest.raises(LiveError, match=r"has trouble of its own \(HTTP 500\)"):
        asking()[0].json(server.url, {})
    assert len(server.asked) == 3


def test_retry_after_is_honoured_where_there_is_time_for_it(server):
    server.says["/"] = after(Answer(None, 429, {"Retry-After": "2"}), Answer({"fine": True}))
    asked, slept = asking()
    assert asked.json(server.url, {}) == {"fine": True}
    assert slept == [2.0]
    server.says["/"] = Answer(None, 429, {"Retry-After": "3600"})
    asked, slept = asking()
    with pytest.raises(LiveError, match="asks for fewer questions") as caught:
        asked.json(server.url, {})
    assert (slept, caught.value.again_s) == ([], 3600.0)
    later = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 600))
    assert ask._seconds(later) == pytest.approx(600, abs=3)
    assert ask._seconds("whenever") is None
    assert ask._seconds("9" * 50) == 86400


@pytest.mark.parametrize("body", [b"<html>", b"", b"{", b"\xff\xfe", b"[" * 200000])
def test_what_is_no_json(server, body):
    server.says["/"] = Answer(body)
    with pytest.raises(LiveError, match="no JSON"):
        asking()[0].json(server.url, {})


def test_an_endless_answer(server, monkeypatch):
    monkeypatch.setattr(ask, "LARGEST", 1 << 16)
    server.says["/"] = Answer(b"[" + b"1," * (1 << 16) + b"1]")
    with pytest.raises(LiveError, match="more than"):
        asking()[0].json(server.url, {})


@pytest.mark.parametrize("trouble", ["hang", "drip", "drip headers", "hang up"])
def test_a_server_that_does_not_come_to_the_point(server, monkeypatch, trouble):
    """Bytes that come now and then outlive every timeout between bytes; the deadline ends them."""
    monkeypatch.setattr(ask, "READ_S", 0.4)
    server.says["/"] = Answer({"a": 1}, trouble=trouble)
    began_s = time.monotonic()
    with pytest.raises(LiveError, match=r"answers too slowly|did not answer in time|cannot be reached"):
        asking(all_s=2.0, try_s=0.3)[0].json(server.url, {})
    assert time.monotonic() - began_s < 10.0  # the server says nothing for much longer


def test_nobody_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(LiveError, match="cannot be reached"):
        asking()[0].json(url, {})
    with pytest.raises(LiveError):
        asking()[0].json("http://\0/", {})


def test_the_deadline_holds_for_all_tries_together(server):
    server.says["/"] = Answer(None, 500)
    asked, slept = asking(all_s=1.0)
    with pytest.raises(LiveError):
        asked.json(server.url, {})
    assert sum(slept) < 1.0
    assert len(server.asked) == 2


def test_a_key_is_nowhere_to_be_seen(server, caplog, capsys, monkeypatch):
    caplog.set_level(logging.DEBUG)
    hidden = key.Key(SECRET)
    assert SECRET not in f"{hidden} {hidden!r} {hidden:>40}"
    with pytest.raises(TypeError):
        pickle.dumps(hidden)
    monkeypatch.setenv("CARBON_MAGIC_ELECTRICITYMAPS_KEY", SECRET)
    monkeypatch.setattr(live, "make", lambda name: ElectricityMaps(server.url))
    for answer in (Answer({"error": SECRET}, 401), Answer(SECRET), Answer(None, trouble="hang up")):
        server.says["/"] = answer
        with pytest.raises(LiveError) as caught:
            grid.forecast("electricitymaps", "FR")
        error = caught.value
        assert (error.__context__, error.__cause__) == (None, None)
        # As IPython's verbose tracebacks do: every variable of every frame.
        told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        assert "grid/__init__.py" in told
        assert SECRET not in told.partition("grid/__init__.py")[2]
    assert server.asked[0].headers["auth-token"] == SECRET
    assert caplog.text == ""  # nor anything else of ours, which would land in whatever cell runs
    assert "".join(capsys.readouterr()) == ""
    import httpx

    server.says["/theirs"] = Answer({})
    httpx.get(server.url + "/theirs")  # while what others ask is told as ever
    assert "/theirs" in caplog.text


@pytest.mark.parametrize("words", ["", "  ", "a\r\nX-Evil: 1", "ключ", "x" * 5000])
def test_a_key_that_is_none(words, monkeypatch):
    monkeypatch.setattr(key, "_from_keyring", lambda name: None)
    with pytest.raises(LiveError) as caught:
        key.find(ElectricityMaps(), {"CARBON_MAGIC_ELECTRICITYMAPS_KEY": words})
    assert not words.strip() or words not in str(caught.value)


def test_the_environment_before_the_keyring_and_none_where_none_is_needed(monkeypatch):
    asked = []
    monkeypatch.setattr(key, "_from_keyring", lambda name: asked.append(name) or "from the ring")
    assert key.find(CarbonIntensityGB(), {}) is None
    assert asked == []
    assert key.find(WattTime(), {"CARBON_MAGIC_WATTTIME_KEY": "a:b"}).reveal() == "a:b"
    assert key.find(WattTime(), {}).reveal() == "from the ring"
    assert asked == ["watttime"]


def test_a_broken_keyring_is_no_keyring(monkeypatch):
    import keyring

    def broken(*_):
        raise RuntimeError("locked")

    monkeypatch.setattr(keyring, "get_password", broken)
    with pytest.raises(LiveError, match=r"set CARBON_MAGIC_WATTTIME_KEY.*keyring set carbon_magic watttime"):
        key.find(WattTime(), {})


def test_the_cache_spares_the_second_question(server):
    server.says["/"] = Answer(shapes.electricitymaps("history", [35], THIS_HOUR))
    environ = {"CARBON_MAGIC_ELECTRICITYMAPS_KEY": SECRET}
    first, age = fetch.history(ElectricityMaps(server.url), "FR", environ)
    assert age == 0
    again, age = fetch.history(ElectricityMaps(server.url), "FR", environ)
    assert (list(again), len(server.asked)) == (list(first), 1)
    assert 0 <= age < 60
    kept = list(cache.folder().iterdir())
    assert [path.name for path in kept] == ["electricitymaps-FR.json"]
    assert SECRET not in kept[0].read_text()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"version":1,"fetched_at":"x","points":[]}', '{"version":9,"fetched_at":NOW,"points":[[1,2,3,0,0]]}',
     '{"version":1,"fetched_at":NOW,"points":[[1,2,-3,0,0]]}', '{"version":1,"fetched_at":NOW,"points":[[2,1,3,0,0]]}',
     '{"version":1,"fetched_at":NOW,"points":[[1]]}', '{"version":1,"fetched_at":99999999999,"points":[[1,2,3,0,0]]}',
     '{"version":1,"fetched_at":1000,"points":[[1,2,3,0,0]]}'],
)  # fmt: skip
def test_a_cache_that_is_old_or_damaged_is_none(tmp_path, text):
    (tmp_path / "a.json").write_text(text.replace("NOW", str(time.time())))
    assert cache.read("a", 60, tmp_path) is None


def test_the_cache_is_written_whole_and_names_cannot_leave_it(tmp_path):
    points = [grid.Point(1.0, 2.0, 3.0), grid.Point(2.0, 3.0, 4.0, True, True)]
    cache.write("a/../../b c", points, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a_.._.._b_c.json"]
    assert cache.read("a/../../b c", 60, tmp_path)[0] == tuple(points)
    blocked = tmp_path / "file"
    blocked.write_text("")
    cache.write("x", points, blocked)
    assert cache.read("x", 60, blocked) is None
