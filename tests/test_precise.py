"""The wish for a precise cell, from wherever it is made."""

import pytest

import carbon_magic
from carbon_magic.tracker import Tracker


@pytest.fixture
def wished(monkeypatch):
    """What each run's settings say, as they come to the tracker."""
    seen = []
    begin = Tracker.begin

    def spy(self, label, settings, *more, **others):
        seen.append(settings.precise)
        return begin(self, label, settings, *more, **others)

    monkeypatch.setattr(Tracker, "begin", spy)
    return seen


def test_it_may_be_asked_for_by_the_line_the_option_the_environment_and_the_block(shell, wished, monkeypatch):
    shell.run_cell("%%carbon -q\n1")
    shell.run_cell("%%carbon -q --precise\n1")
    shell.run_cell("%config CarbonMagic.precise = True")
    shell.run_cell("%%carbon -q\n1")
    shell.run_cell("%config CarbonMagic.precise = False")
    shell.run_cell("%%carbon -q\n1")
    with carbon_magic.track(quiet=True, precise=True):
        pass
    shell.run_cell("%config CarbonMagic.precise = None")
    monkeypatch.setenv("CARBON_MAGIC_PRECISE", "yes")
    with carbon_magic.track(quiet=True):
        pass
    assert wished == [False, True, True, False, True, True]


def test_a_word_that_is_neither_yes_nor_no_is_told():
    with pytest.raises(ValueError, match="yes or no"), carbon_magic.track(precise="perhaps"):
        pass


def test_an_interrupt_while_the_cell_waits_for_its_tick_is_the_user_s(shell, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("carbon_magic.meters.machine.Machine.next_tick", interrupted)
    shell.run_cell("%%carbon -q --precise\nran = True")
    assert "ran" not in shell.user_ns
    monkeypatch.undo()
    shell.run_cell("%%carbon -q -o run\nran = True")
    assert shell.user_ns["run"].state == "done"
