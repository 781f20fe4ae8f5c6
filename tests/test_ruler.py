"""The ruler: everything known on one scale, and a mark for what was measured."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon_magic.report import ruler
from carbon_magic.report.ruler.marks import Scale, amount, marks

EVIL = '<script>alert("x")</script> & \N{RIGHT-TO-LEFT OVERRIDE}name'


def test_it_reaches_from_a_phone_charge_beyond_300_tonnes():
    shown = marks()
    assert shown[0].g == 12.4
    assert shown[-1].g > 300e6
    assert [mark.g for mark in shown] == sorted(mark.g for mark in shown)
    labels = " ".join(mark.label for mark in shown)
    for word in ("phone", "water", "car", "San Francisco", "year of an average person", "lifetime", "4,789", "Transformer",
                 "BERT", "GPT-3", "BLOOM", "Llama 3.1"):  # fmt: skip
        assert word in labels
    assert all(mark.source for mark in shown)


def test_the_sources_of_all_marks_are_named_wherever_it_is_shown():
    named = {"Strubell", "Patterson", "Luccioni", "Touvron", "Llama 3.1", "DESNZ", "EPA", "Berners-Lee", "Ember"}
    for mark in marks():
        assert any(name in mark.source for name in named), mark
    for shown in (ruler.text(), ruler.html(), ruler.svg()):
        assert all(name in shown for name in named)


def test_the_papers_rows_are_its_pounds():
    grams = {mark.label: mark.g for mark in marks()}
    assert grams["an NLP project, 4,789 models (the paper: 78,468 lb)"] == pytest.approx(78_468 * 453.59237)
    assert grams["Evolved Transformer search (the paper: 626,155 lb)"] == pytest.approx(626_155 * 453.59237)
    assert grams["Evolved Transformer search, as it was run"] == pytest.approx(3.2e6)
    quoted = [mark for mark in marks() if "the paper" in mark.label]
    assert len(quoted) == 8
    for mark in quoted:  # with its pounds, as it prints them
        pounds = re.search(r"\(the paper: ([\d,]+) lb\)", mark.label)[1]
        assert mark.g == pytest.approx(float(pounds.replace(",", "")) * 453.59237, abs=0.51)
        for shown in (ruler.text(), ruler.html(), ruler.svg()):
            assert f"{pounds} lb" in shown


@given(st.floats(1e-9, 1e12), st.floats(1, 10))
def test_a_mark_lies_where_it_belongs(g, factor):
    here = ruler.Here("here", g, (g / factor, g * factor))
    shown = marks(here)
    scale = Scale.of(shown)
    places = [scale.at(mark.g) for mark in shown]
    assert places == sorted(places)
    assert all(0 <= place <= 1 for place in places)
    own = next(mark for mark in shown if mark.kind == "here")
    assert scale.at(own.range[0]) <= scale.at(own.g) <= scale.at(own.range[1])
    assert amount(own)


def test_a_decade_is_as_long_as_any_other():
    scale = Scale.of(marks())
    steps = {round(b - a, 9) for (a, _), (b, _) in zip(scale.decades, scale.decades[1:], strict=False)}
    assert len(steps) == 1


def test_nothing_measured_is_no_mark():
    assert not [mark for mark in marks(ruler.Here("here", 0.0, (0.0, 0.0))) if mark.kind == "here"]
    assert "here" not in ruler.text()


def test_the_neighbours():
    shown = marks(ruler.Here("here", 1e3, (5e2, 2e3)), around=3)
    assert len(shown) == 7
    assert shown[3].kind == "here"


def test_names_are_data_everywhere():
    here = ruler.Here(EVIL, 1e3, (5e2, 2e3))
    for made in (ruler.html(here), ruler.folded(here), ruler.svg(here)):
        assert "<script" not in made
        assert "&lt;script&gt;" in made
        assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in made
    ET.fromstring(ruler.svg(here))
    assert ruler.pdf(here).startswith(b"%PDF-")
    assert ruler.pdf(ruler.Here("プロジェクト", 1e3, (5e2, 2e3))).startswith(b"%PDF-")


def test_a_page_needs_no_script_and_every_figure_is_text():
    made = ruler.html(ruler.Here("mine", 1234.0, (800.0, 2500.0)))
    assert "<svg" not in made
    assert "<img" not in made
    words = re.sub("<[^>]*>", " ", made)
    for mark in marks():
        assert mark.label in words.replace("&#x27;", "'")
    assert "1.23 kg" in words


def test_text_fits_80_columns():
    for line in ruler.text(ruler.Here("mine " * 30, 1234.0, (800.0, 2500.0))).splitlines():
        assert len(line) <= 80


def test_the_command_writes_posters(tmp_path, monkeypatch):
    from IPython.core.error import UsageError

    from carbon_magic import commands

    said = []
    monkeypatch.setattr("carbon_magic.screen.show_bundle", lambda shell, bundle: said.append(bundle["text/plain"]))
    for suffix, begin in ((".svg", b"<svg"), (".pdf", b"%PDF")):
        path = tmp_path / f"my poster{suffix}"
        commands.run(None, ["ruler", "-o", str(path)])
        assert path.read_bytes().startswith(begin)
        assert str(path) in said[-1]
    with pytest.raises(UsageError, match=r"an \.svg or a \.pdf"):
        commands.run(None, ["ruler", "-o", "poster.docx"])
    with pytest.raises(UsageError, match="ruler"):
        commands.run(None, ["ruler", "-o", str(tmp_path / "no" / "such" / "folder.svg")])
    commands.run(None, ["ruler"])
    assert "phone charge" in said[-1]
    with pytest.raises(UsageError, match="no project"):
        commands.run(None, ["ruler", "no such project"])


def test_the_picture_in_the_documents_is_current():
    """Else: `%carbon ruler -o docs/ruler.svg` in a fresh session."""
    drawn = Path(__file__).parent.parent / "docs" / "ruler.svg"
    assert drawn.read_text(encoding="utf-8") == ruler.svg(None)


def test_no_line_leaves_the_poster():
    from carbon_magic.report.ruler.marks import CAPTION, CORRECTED, SOURCES

    assert max(map(len, (CAPTION, CORRECTED, SOURCES))) <= 180  # of 6 px each at 11.5 px


def test_a_long_name_stays_on_the_poster():
    drawn = ruler.svg(ruler.Here("W" * 200, 1e3, (5e2, 2e3)))
    (name,) = re.findall(">(W+…)<", drawn)
    assert len(name) <= 48
