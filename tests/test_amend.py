"""A run renamed and tagged after it ended, here and in the ledger; and what is preferred from then on."""

import pytest

import carbon_magic
from carbon_magic import config, equivalents, process, units
from carbon_magic.desk import Desk


@pytest.fixture
def now(monkeypatch):
    monkeypatch.setattr(process, "_current", None)
    monkeypatch.setattr(config, "overrides", {})
    yield process.current()
    units.use("SI")
    equivalents.use("")


def test_a_run_gets_another_name_and_tags_in_the_session_and_on_record(now):
    for name in ("one", "two"):
        with carbon_magic.track(name, tags={"lr": 0.1}):
            pass
    first = now.runs[0]
    amended = Desk(now).amend(first.id, name=" the best ", tags={"lr": 0.2, "chosen": True})
    assert amended.name == "the best"
    assert [run.name for run in carbon_magic.session().runs] == ["the best", "two"]
    assert amended.energy_j == first.energy_j
    assert first.name == "one"  # what somebody holds stays as it was
    runs = carbon_magic.ledger().runs().set_index("id")
    assert runs.loc[first.id, "name"] == "the best"
    assert runs.loc[first.id, "tags"] == {"lr": 0.2, "chosen": True}
    assert len(runs) == 2
    assert carbon_magic.last.name == "two"


def test_the_last_run_is_the_amended_one(now):
    with carbon_magic.track("one"):
        pass
    Desk(now).amend(now.runs[0].id, name="other")
    assert carbon_magic.last.name == "other"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [({"tags": {"": 1}}, TypeError), ({"tags": {"x": object()}}, TypeError), ({"name": 3}, TypeError)],
)
def test_what_no_run_can_be_called_is_refused(now, arguments, error):
    with carbon_magic.track("one"):
        pass
    with pytest.raises(error):
        Desk(now).amend(now.runs[0].id, **arguments)
    assert now.runs[0].name == "one"


def test_a_run_that_is_not_there_is_told(now):
    with pytest.raises(KeyError):
        Desk(now).amend("nothing", name="x")


def test_an_empty_name_leaves_the_old_one(now):
    with carbon_magic.track("one"):
        pass
    assert Desk(now).amend(now.runs[0].id, name="  ").name == "one"


def test_what_is_preferred_holds_from_then_on(now):
    Desk(now).prefer("units", "J lb")
    Desk(now).prefer("equivalents", "kettle led")
    assert units.energy(3600) == "3.60 kJ"
    assert equivalents.chosen() == ("kettle", "led")
    now.settings({})
    assert units.energy(3600) == "3.60 kJ"
    with pytest.raises(ValueError, match="units are SI"):
        Desk(now).prefer("units", "furlongs")


@pytest.mark.parametrize("words", ["nothing", "kettle led phone_charge streaming", "a b c d"])
def test_comparisons_that_there_are_not_are_refused_in_a_sentence(words):
    with pytest.raises(ValueError, match=r"nothing to compare|at most 3"):
        equivalents.choice(words)


def test_chosen_comparisons_stand_beside_the_car_and_the_flight(now):
    from carbon_magic.report import beside

    usual = beside.lines(500.0, 2.0)
    Desk(now).prefer("equivalents", "led kettle")
    chosen = beside.lines(500.0, 2.0)
    assert chosen[:2] == usual[:2]
    assert chosen[2:] == [found.text for found in equivalents.named(["led", "kettle"], 500.0, 2.0)]
    Desk(now).prefer("equivalents", "")
    assert beside.lines(500.0, 2.0) == usual


def test_the_session_summary_is_given_somebody_who_takes_changes(now, monkeypatch):
    from carbon_magic import commands, screen

    given = []
    monkeypatch.setattr(screen, "show_session", lambda shell, session, desk=None: given.append(desk))
    commands.run(None, ["session"])
    assert isinstance(given[0], Desk)
