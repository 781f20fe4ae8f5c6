"""Trouble is told in one short line."""

import pytest

from carbon_magic import trouble


@pytest.mark.parametrize("sentence", ["words that\ngo on " * 200, "x" * 5000])
def test_a_long_sentence_is_cut_and_says_so(capsys, monkeypatch, sentence):
    monkeypatch.setattr(trouble, "_said", set())
    trouble.say_once("long", sentence)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert 500 < len(said) <= 600
    assert said.endswith("…\n")


def test_a_short_one_is_told_once_and_whole(capsys, monkeypatch):
    monkeypatch.setattr(trouble, "_said", set())
    for _ in range(2):
        trouble.say_once("short", "a disk is full")
    assert capsys.readouterr().err == "carbon_magic: a disk is full\n"
