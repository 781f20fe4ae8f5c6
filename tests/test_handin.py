"""What is handed in: by each form's own rules, with every statement, and with no user's text taken for a command."""

import csv
import io
import json
import re
import shutil
import subprocess
import uuid
from dataclasses import replace
from html.parser import HTMLParser

import jsonschema
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from looks import FRANCE
from project_runs import NASTY, nasty, on_record, project, project_run
from spdx_python_model import v3_0_1

import carbon_magic
from carbon_magic.account import Project
from carbon_magic.embodied import Embodied
from carbon_magic.report.handin import FORMATS, Options, boamps, hand_in, latex, markdown, wording
from carbon_magic.store.export import guarded

THESIS = project()
POLAND = replace(
    FRANCE, place="PL", name="Poland", intensity_g_per_kwh=650.0, intensity_range=(600.0, 700.0), year=2024
)


def two_places():
    """A run in France at PUE 1, and a final one in a cloud in Poland at PUE 1.2."""
    abroad = project_run(1, 9000, stage="final", pue=1.2, pue_range=(1.1, 1.3), pue_source="the provider", project="p",
                         grid=replace(POLAND, place="aws:eu-x-1"))  # fmt: skip
    return Project.of([project_run(0, project="p"), abroad], "p")


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_states_how_sure_it_is_where_when_and_by_which_version(form):
    text = hand_in(THESIS, form)
    said = text.replace("\\", "").replace("{}", "").replace("ensuremath", "")
    assert carbon_magic.__version__ in said
    assert "2023" in said
    assert "France" in said or form == "csv"
    if form == "csv":
        header = text.splitlines()[0].split(",")
        assert {"energy_kwh_low", "energy_kwh_high", "measured_fraction", "modelled_fraction", "pue", "place", "grid_year",
                "intensity_source", "carbon_magic_version"} <= set(header)  # fmt: skip
        return
    assert "88.8 % was measured and 11.2 % modelled" in said
    assert "PUE" in said
    assert "90 % range" in said


@pytest.mark.parametrize("form", FORMATS)
def test_a_final_run_is_not_needed(form):
    text = hand_in(Project.of([project_run()], "p"), form)
    assert "None" not in text
    assert "nan" not in text.lower().replace("finance", "")


@pytest.mark.parametrize("form", FORMATS)
def test_without_runs_or_figures_there_is_nothing_to_hand_in(form):
    with pytest.raises(ValueError, match="there are no runs on record of a project 'x'"):
        hand_in(Project.of([], "x"), form)
    nothing = carbon_magic.Run.from_dict({**project_run().to_dict(), "devices": [], "energy_j_range": [0, 0]})
    with pytest.raises(ValueError, match="no run of the project 'x' has any figure"):
        hand_in(Project.of([nothing], "x"), form)


def test_an_unknown_form_is_told_with_those_there_are():
    with pytest.raises(ValueError, match=r"a report is markdown, latex, .* not 'word'"):
        hand_in(THESIS, "word")


def test_places_and_pues_are_told_with_their_parts():
    text = hand_in(two_places(), "markdown")
    assert "France in 2023 (56.0 g CO2e/kWh" in text
    assert "Poland in 2024 (650 g CO2e/kWh" in text
    assert "50 % of the energy" in text
    assert "PUEs of 1 and 1.2 (the provider)" in text
    facts = hand_in(two_places(), "sci")
    kwh = two_places().energy_kwh / 2
    assert f"**E** {carbon_magic.report.handin.wording.number(kwh * 2.2)} kWh" in facts
    assert f"**I** {carbon_magic.report.handin.wording.number((56 + 1.2 * 650) / 2.2)} gCO2e/kWh" in facts


# --- Markdown


def test_the_markdown_table_has_a_row_per_stage_and_adds_up():
    lines = [line for line in hand_in(THESIS, "markdown").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert len({len(row) for row in cells}) == 1
    assert [row[0] for row in cells[2:]] == ["explore", "train", "tune", "evaluate", "final", "Total"]
    assert sum(int(row[1]) for row in cells[2:-1]) == int(cells[-1][1]) == 401
    assert sum(float(row[5]) for row in cells[2:-1]) == pytest.approx(float(cells[-1][5]), rel=0.01)


@given(st.text(alphabet=st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"))))
@example(NASTY)
@example("- item")
@example("\\@")
@example("[a](http://x) ![b](y)")
def test_markdown_shows_a_users_text_as_it_is(text):
    escaped = markdown.escape(text)
    bare = re.sub(r"\\[\\`*_{}\[\]<>#|~$^!&+=.)/-]", "", escaped)
    assert not set("`*_[]<>|$") & set(bare)
    assert re.sub(r"\\([!-/:-@\[-`{-~])|&#64;", lambda found: found.group(1) or "@", escaped) == text


# --- LaTeX


COMMANDS = {"paragraph", "ensuremath", "times", "approx", "textbackslash", "textasciicircum", "textasciitilde", "ttfamily",
            "ldots", "begin", "end", "centering", "small", "setlength", "tabcolsep", "caption", "label", "hline", "item",
            "answerYes", "div", "pm", "mu", "circ", "cdot", "ss", "o", "O", "ae", "AE", "l", "L", "i",
            "c", "v", "u", "r", "H", "d"}  # fmt: skip


def sound(text):
    """Nothing but our own commands, every brace closed, plain ASCII."""
    assert text.isascii()
    assert set(re.findall(r"\\([A-Za-z]+)", text)) <= COMMANDS
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", re.sub(r"\\\\", "", text)):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0
    assert not re.search(r"(?<!\\)[#%$]", text)


@pytest.mark.parametrize("thing", [THESIS, nasty(), two_places()])
@pytest.mark.parametrize("form", ["latex", "neurips"])
def test_latex_is_sound(thing, form):
    sound(hand_in(thing, form))


@given(st.text())
@example(NASTY)
@example("--- `` '' ?` !` \\\\ {")
@example("Ünïcödé Łódź ßø ñ ÿ")
def test_no_text_is_a_latex_command(text):
    sound(latex.escape(text))
    escaped = latex.escape(text.replace("\xa0", " "))  # a space that does not break is ~
    assert not re.search(
        r"(?<!\\)[&_^~]", re.sub(r"ensuremath\{.*?\}", "", escaped).replace(r"\~{", "").replace(r"\^{", "")
    )


def test_latex_compiles(tmp_path):
    """By an engine where there is one; where there is none, the two tests above hold it."""
    paper = (
        r"\documentclass{article}\usepackage[margin=1cm]{geometry}\newcommand{\answerYes}[1]{[Yes]}\begin{document}"
        + "\n".join(hand_in(thing, "latex") for thing in (THESIS, nasty(), two_places()))
        + r"\begin{enumerate}"
        + "\n".join(hand_in(thing, "neurips") for thing in (THESIS, nasty()))
        + r"\end{enumerate}"
        + latex.escape("".join(map(chr, range(32, 0x250))) + "--- ?` !` « »")
        + r"\end{document}"
    )
    assert paper.count(r"\begin{") == paper.count(r"\end{")
    engine = shutil.which("pdflatex")
    if engine is not None:
        (tmp_path / "paper.tex").write_text(paper)
        command = [engine, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "paper.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout[-2000:]
        assert "Missing character" not in done.stdout


def test_the_checklist_tells_each_stage_the_total_and_what_is_not_in_the_paper():
    text = hand_in(THESIS, "neurips")
    assert r"Answer: \answerYes{}" in text
    assert "Tune: 296 runs, 11 min 19 s each (median)." in text
    assert "401 runs (35 failed, 10 interrupted), 234 GPU-hours" in text
    assert "The full project took 46.9 times the energy of the final runs that are reported" in text
    assert "not marked" in hand_in(Project.of([project_run()], "p"), "neurips")
    assert "no more than" in hand_in(Project.of([project_run(stage="final")], "p"), "neurips")


# --- Model cards


@pytest.mark.parametrize("thing", [THESIS, nasty(), two_places()])
def test_the_model_card_is_yaml_with_grams(thing):
    front, card, end = hand_in(thing, "huggingface", Options(training_type="fine-tuning")).split("---\n")
    assert (front, end) == ("", "")
    fields = yaml.safe_load(card)["co2_eq_emissions"]
    assert set(fields) == {"emissions", "source", "training_type", "geographical_location", "hardware_used"}
    assert fields["emissions"] == pytest.approx(thing.final_co2e_g, rel=1e-5)
    assert fields["training_type"] == "fine-tuning"
    assert all(isinstance(value, str) for name, value in fields.items() if name != "emissions")
    low, high = thing.final_co2e_g_range
    assert low < thing.final_co2e_g < high
    assert f"the final model's training (90 % range {wording.span(low, high)} g)" in fields["source"]


@pytest.mark.parametrize(
    ("place", "name", "region", "boamps_name"),
    [("gcp:europe-west1", "Google Cloud Platform", "europe-west1", "google"), ("EGRID:SRSO", None, "Poland", None),
     ("ovhcloud:eu-west-gra", "OVHcloud", "eu-west-gra", "ovh"), ("scaleway:fr-par-1", "Scaleway", "fr-par-1", "scaleway")],
)  # fmt: skip
def test_a_cloud_is_named_in_each_forms_words(place, name, region, boamps_name):
    thing = Project.of([project_run(grid=replace(POLAND, place=place))], "p")
    fields = hand_in(thing, "mlco2")
    assert f"**Cloud Provider:** {name or 'private infrastructure'}" in fields
    assert f"**Compute Region:** {region}" in fields
    infrastructure = json.loads(hand_in(thing, "boamps"))["infrastructure"]
    assert infrastructure.get("cloudProvider") == boamps_name
    assert infrastructure["infraType"] == ("publicCloud" if boamps_name else "other")
    assert (f"Cloud provider: {name}." in hand_in(thing, "neurips")) is (name is not None)


def test_hostile_hardware_comes_through_yaml_unchanged():
    fields = yaml.safe_load(hand_in(nasty(), "huggingface").strip("-\n"))["co2_eq_emissions"]
    assert NASTY in fields["hardware_used"]


def test_without_a_final_run_the_card_is_of_the_whole_project():
    thing = Project.of([project_run(), project_run(1, 9000)], "p")
    fields = yaml.safe_load(hand_in(thing, "huggingface").strip("-\n"))["co2_eq_emissions"]
    assert fields["emissions"] == pytest.approx(thing.co2e_g, rel=1e-5)
    assert "the whole project, 2 runs, failed ones included" in fields["source"]
    assert "training_type" not in fields


def test_the_fields_of_ml_co2_impact():
    lines = hand_in(two_places(), "mlco2").splitlines()
    fields = dict(re.match(r"- \*\*(.+):\*\* (.+)", line).groups() for line in lines[:5])
    assert list(fields) == ["Hardware Type", "Hours used", "Cloud Provider", "Compute Region", "Carbon Emitted"]
    assert fields["Cloud Provider"] == "private infrastructure and Amazon Web Services"
    assert fields["Compute Region"] == "France and eu-x-1"
    assert "kg CO2e" in fields["Carbon Emitted"]


# --- SPDX, BoAmps


@pytest.mark.parametrize("thing", [THESIS, nasty(), two_places()])
def test_spdx_is_a_graph_whose_energy_adds_up(thing):
    document = json.loads(hand_in(thing, "spdx"))
    assert document["@context"] == "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
    creation, *elements = document["@graph"]
    assert (creation["type"], creation["specVersion"]) == ("CreationInfo", "3.0.1")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", creation["created"])
    ids = {element["spdxId"]: element for element in elements}
    assert len(ids) == len(elements)
    assert all(element["creationInfo"] == creation["@id"] for element in elements)
    [package] = [e for e in elements if e["type"] == "ai_AIPackage"]
    [root] = [e for e in elements if e["type"] == "SpdxDocument"]
    assert root["rootElement"] == [package["spdxId"]]
    assert {ids[i]["type"] for i in creation["createdBy"]} == {"SoftwareAgent"}
    energy = package["ai_energyConsumption"]
    assert energy.pop("type") == "ai_EnergyConsumption"
    assert set(energy) <= {"ai_trainingEnergyConsumption", "ai_finetuningEnergyConsumption"}
    parts = [part for several in energy.values() for part in several]
    assert all(re.fullmatch(r"\d+(\.\d+)?", part["ai_energyQuantity"]) for part in parts)
    assert {part["ai_energyUnit"] for part in parts} == {"kilowattHour"}
    assert sum(float(part["ai_energyQuantity"]) for part in parts) == pytest.approx(thing.energy_kwh, rel=1e-4)


@pytest.mark.parametrize("thing", [THESIS, nasty(), two_places()])
def test_spdx_is_read_and_written_again_by_the_models_own_library(thing):
    objects = v3_0_1.SHACLObjectSet()
    v3_0_1.JSONLDDeserializer().read(io.BytesIO(hand_in(thing, "spdx").encode()), objects)
    assert objects.missing_ids == set()
    [package] = objects.foreach_type(v3_0_1.ai_AIPackage)
    energy = package.ai_energyConsumption
    parts = [*energy.ai_trainingEnergyConsumption, *energy.ai_finetuningEnergyConsumption]
    assert sum(part.ai_energyQuantity for part in parts) == pytest.approx(thing.energy_kwh, rel=1e-4)
    v3_0_1.JSONLDSerializer().write(objects, io.BytesIO())  # refuses what lacks a property that the model demands


def test_spdx_writes_the_smallest_energy_without_an_exponent():
    tiny = Project.of([project_run(seconds=1e-6)], "p")
    assert isinstance(yaml.safe_load(hand_in(tiny, "huggingface").strip("-\n"))["co2_eq_emissions"]["emissions"], float)
    package = json.loads(hand_in(tiny, "spdx"))["@graph"][-1]
    [part] = package["ai_energyConsumption"]["ai_finetuningEnergyConsumption"]
    assert re.fullmatch(r"0\.0+\d+", part["ai_energyQuantity"])


def text_of(*values):
    return {"enum": list(values)} if values else {"type": "string"}


def record(required, **properties):
    return {"type": "object", "required": required.split(), "properties": properties, "additionalProperties": False}


BOAMPS = record(
    "task measures infrastructure",
    header=record("reportDatetime", licensing=text_of(), formatVersion=text_of(), formatVersionSpecificationUri=text_of(),
        reportId=text_of(), reportDatetime={"type": "string", "pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"},
        reportStatus=text_of("draft", "final", "corrective", "other"),
        publisher=record("confidentialityLevel", name=text_of(), division=text_of(), projectName=text_of(), publicKey=text_of(),
            confidentialityLevel=text_of("public", "internal", "confidential", "secret"))),
    task=record("taskStage taskFamily algorithms dataset", taskStage=text_of(), taskFamily=text_of(), taskDescription=text_of(),
        algorithms={"type": "array", "minItems": 1, "items": record("", algorithmName=text_of())},
        dataset={"type": "array", "minItems": 1, "items": record("dataUsage dataType", dataUsage=text_of("input", "output"),
            dataType=text_of("tabular", "audio", "boolean", "image", "video", "object", "text", "token", "word", "other"))}),
    measures={"type": "array", "minItems": 1, "items": record("measurementMethod powerConsumption", measurementMethod=text_of(),
        version=text_of(), cpuTrackingMode=text_of(), gpuTrackingMode=text_of(), powerConsumption={"type": "number"},
        measurementDuration={"type": "number"}, measurementDateTime=text_of())},
    software=record("language", language=text_of(), version=text_of()),
    infrastructure=record("infraType components", infraType=text_of("publicCloud", "privateCloud", "onPremise", "other"),
        cloudProvider=text_of(), components={"type": "array", "minItems": 1, "items": record("componentType nbComponent",
            componentName=text_of(), componentType=text_of(), nbComponent={"type": "integer"}, memorySize={"type": "integer"})}),
    environment=record("country", country=text_of(), location=text_of(), powerSourceCarbonIntensity={"type": "number"}),
    quality=text_of("high", "medium", "low"),
)  # fmt: skip
"""The names, types and words that the published schemas know and demand (Boavizta/BoAmps, model/*.json)."""


@pytest.mark.parametrize("thing", [THESIS, nasty(), two_places(), Project.of([project_run(hardware="", gpus=0)], "p")])
def test_boamps_keeps_to_the_schema(thing):
    report = json.loads(hand_in(thing, "boamps"))
    jsonschema.validate(report, BOAMPS)
    uuid.UUID(report["header"]["reportId"])
    [measure] = report["measures"]
    assert measure["powerConsumption"] == pytest.approx(thing.energy_kwh, rel=1e-5)
    assert report["infrastructure"]["infraType"] == (
        "publicCloud" if thing.name == "p" and len(thing.entries) == 2 else "other"
    )


def test_boamps_names_the_parts_of_a_machine():
    assert boamps.components("AMD EPYC 7B13, 64 CPUs, 540 GB; 2 × NVIDIA A100-SXM4-80GB; NVIDIA T4") == [
        {"componentName": "AMD EPYC 7B13", "componentType": "cpu", "nbComponent": 64},
        {"componentType": "ram", "nbComponent": 1, "memorySize": 540},
        {"componentName": "NVIDIA A100-SXM4-80GB", "componentType": "gpu", "nbComponent": 2},
        {"componentName": "NVIDIA T4", "componentType": "gpu", "nbComponent": 1},
    ]
    assert boamps.components("1 CPU, 4.1 GB") == [
        {"componentType": "cpu", "nbComponent": 1}, {"componentType": "ram", "nbComponent": 1, "memorySize": 4},
    ]  # fmt: skip


# --- SCI


def test_the_sci_score_is_operation_and_making_over_the_unit():
    making = Embodied(1000.0)
    run = project_run(stage="final", embodied=making)
    thing = Project.of([run], "p")
    text = hand_in(thing, "sci", Options(unit="1,000 predictions", count=40))
    score = float(re.search(r"\*\*([\d.]+) gCO2e per 1,000 predictions\*\*", text)[1])
    assert score == pytest.approx((thing.co2e_g + run.embodied_g) / 40, rel=0.01)
    assert "not included" not in text
    assert "- **M** not given, so not included" in hand_in(THESIS, "sci")  # unknown is not 0
    with pytest.raises(ValueError, match="--count NUMBER"):
        hand_in(THESIS, "sci", Options(unit="prediction"))
    with pytest.raises(ValueError, match="above zero"):
        hand_in(THESIS, "sci", Options(count=0))


# --- CSV


def test_the_csv_has_a_row_per_run_and_its_own_columns_add_up():
    rows = list(csv.DictReader(io.StringIO(hand_in(THESIS, "csv"))))
    assert len(rows) == 401
    assert sum(float(row["own_energy_kwh"]) for row in rows) == pytest.approx(THESIS.energy_kwh)
    assert [row["name"] for row in rows if row["final"] == "True"] == ["the model of the paper"]
    assert json.loads(rows[100]["tags"]) == dict(THESIS.entries[100].tags)


def test_no_cell_of_the_csv_is_a_formula():
    rows = list(csv.DictReader(io.StringIO(hand_in(nasty(), "csv"))))
    assert rows[0]["name"] == f"'{NASTY}"
    assert rows[1]["name"] == "'@SUM(1+1)"
    for row in rows:
        for cell in row.values():
            assert not cell.startswith(tuple("=+@\t\r"))
            assert not cell.startswith("-") or float(cell) < 0
    for formula in (" =1+1", "\uff1d1+1", "\u3000@A1", "|calc", "%x", "\tx"):
        assert guarded(formula) == f"'{formula}"
    assert guarded("plain") == "plain"
    assert guarded(-1.5) == -1.5


# --- HTML


class Elements(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("thing", [THESIS, nasty(), two_places()])
def test_the_page_stands_by_itself_without_a_script(thing):
    html = hand_in(thing, "html")
    page = Elements(html)
    tags = {tag for tag, _ in page.found}
    assert not {"script", "link", "iframe", "object", "form", "b", "a"} & tags
    for tag, attributes in page.found:
        assert not any(name.startswith("on") for name in attributes)
        assert attributes.get("src", "data:").startswith("data:image/svg+xml;base64,") or tag != "img"
    [policy] = [a["content"] for tag, a in page.found if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "Method" in page.text
    assert len(html) < 600_000
    if thing.name == NASTY:
        assert '<b onmouseover="x()">R&D</b>' in page.text


# --- the command


@pytest.fixture
def shell(shell, own_ledger, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    on_record(own_ledger, project(60).runs)
    return shell


def test_the_command_shows_or_writes_a_report(shell, capsys, tmp_path):
    shell.run_line_magic("carbon", "report")
    out = capsys.readouterr().out
    assert all(f"%carbon report {form}" in out for form in FORMATS)
    shell.run_line_magic("carbon", "report huggingface -p thesis --training-type fine-tuning")
    fields = yaml.safe_load(capsys.readouterr().out.strip().strip("-"))["co2_eq_emissions"]
    assert fields["training_type"] == "fine-tuning"
    shell.run_line_magic("carbon", "report latex -p thesis --final stage:train -o 'a paper.tex'")
    assert capsys.readouterr().out.strip() == "written: a paper.tex"
    trained = sum(run.stage == "train" for run in project(60).runs)
    assert f"The final model's {trained} runs account for" in (tmp_path / "a paper.tex").read_text()
    shell.run_line_magic("carbon", "report html -p thesis")
    assert (tmp_path / "carbon_report.html").read_text().startswith("<!DOCTYPE html>")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("word -p thesis", "a report is markdown"), ("latex -p nobody", "there is no project 'nobody'"),
        ("latex -p thesis --final x", "no run of this project is 'x'"), ("latex -p thesis -o .", "is a folder"),
        ("latex -p thesis -o /nowhere/at/all.tex", "No such file"), ("sci -p thesis --count many", "invalid float"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_told_in_a_sentence(shell, capsys, words, said):
    shell.run_cell(f"%carbon report {words}")
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_the_same_from_python():
    assert carbon_magic.report.hand_in(THESIS, "markdown") == hand_in(THESIS, "markdown") == THESIS.report()
    assert json.loads(THESIS.report("spdx"))["@graph"]
