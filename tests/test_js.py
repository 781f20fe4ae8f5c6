"""The JavaScript: types, its own tests, and that the committed bundle is what its source builds. Only where node is."""

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from carbon_magic import units
from carbon_magic.report.html import card

ROOT = Path(__file__).parents[1]
STATIC = Path("carbon_magic/widgets/static")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of what the build reads, with its tools installed, so that nothing of the checkout is touched."""
    copy = tmp_path_factory.mktemp("js-build")
    shutil.copytree(ROOT / "js", copy / "js", ignore=shutil.ignore_patterns("node_modules"))
    (copy / STATIC).mkdir(parents=True)
    (copy / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "units.json", copy / "tests")
    npm(copy, "ci", "--no-audit", "--no-fund")
    return copy


def npm(copy, *arguments):
    done = subprocess.run(["npm", *arguments], cwd=copy / "js", capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_types(copy):
    npm(copy, "run", "check")


def test_its_own_tests(copy):
    assert "passed" in npm(copy, "test")


def test_the_committed_bundle_is_what_the_source_builds(copy):
    npm(copy, "run", "build")
    built = {path.name: path.read_text() for path in (copy / STATIC).iterdir()}
    committed = {path.name: path.read_text() for path in (ROOT / STATIC).iterdir()}
    assert built == committed, "run `make js` and commit carbon_magic/widgets/static"


PRINT = """
import * as units from "./units.mjs";
import { readFileSync, writeFileSync } from "node:fs";
const asked = JSON.parse(readFileSync(process.argv[2], "utf8"));
writeFileSync(process.argv[3], JSON.stringify(asked.map(([name, args]) => units[name](...args.map((a) => units[a] ?? a)))));
"""
ONE = ("watts", "energy", "kwh", "joules", "grams", "pounds", "per_kwh", "distance", "duration", "number")


def asked():
    """Quantities of every size, the limits between units and digits, what lies just beside them, and ties."""
    chance = random.Random(20191110)
    values = [chance.choice((1, -1)) * chance.uniform(1, 10) * 10.0 ** chance.randint(-12, 17) for _ in range(1500)]
    values += [chance.choice((1, 3.6, 60, 86400)) * 10.0 ** chance.randint(-9, 15) for _ in range(300)]
    values += [round(chance.randint(1, 10**5) + 0.5, 1) * 10.0 ** chance.randint(-9, 9) for _ in range(1500)]  # ties
    values += [
        limit * (1 + chance.choice((-1, 0, 1)) * 1e-15) for limit in (0.09995, 9.995, 59.95, 999.5, 3599.5, 86399.5)
    ]
    for value in values:
        yield from ([name, [value]] for name in ONE)
        yield ["number", [value, chance.randint(1, 6)]]
        other = value * (1 + chance.choice((1e-5, 1e-3, 0.05, 0.5, 3.0, 100.0)))
        yield from (["span", [value, other, name]] for name in ("watts", "energy", "grams", "kwh"))
        yield ["percent", [value, abs(value) + 1, abs(other)]]


def test_python_and_the_page_print_the_same(copy):
    npm(copy, "exec", "--", "esbuild", "src/units.ts", "--bundle", "--format=esm", "--outfile=units.mjs")
    (copy / "js" / "print.mjs").write_text(PRINT)
    questions = list(asked())
    (copy / "js" / "asked.json").write_text(json.dumps(questions))
    subprocess.run(["node", "print.mjs", "asked.json", "answers.json"], cwd=copy / "js", check=True, timeout=60)
    answers = json.loads((copy / "js" / "answers.json").read_text())
    expected = [
        getattr(units, name)(*(getattr(units, a) if isinstance(a, str) else a for a in arguments))
        for name, arguments in questions
    ]
    differ = [
        (*question, mine, theirs)
        for question, mine, theirs in zip(questions, expected, answers, strict=True)
        if mine != theirs
    ]
    assert not differ, f"{len(differ)} of {len(questions)}: {differ[:8]}"
    assert len(questions) > 40_000


def test_a_card_declares_the_language_that_its_figures_are_printed_in():
    language = (ROOT / "js" / "src" / "units.ts").read_text().partition('LANGUAGE = "')[2].partition('"')[0]
    assert language
    assert f' lang="{language}"' in card("t", "label", "body").partition(">")[0]
