"""Imports only point down."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "carbon_magic"
FLOORS = [
    {"data", "units", "clock", "forks", "trouble", "threads", "alive", "folders", "record", "secret"},
    {"ranges", "device", "curve", "tick", "calibration"},
    {"meters", "grid", "equivalents", "cost", "embodied", "project_file"},
    {"run", "labels", "checks", "config", "budget"},
    {"origin", "literature"},
    {"overlaps", "own", "bills"},
    {"totals"},
    {"store"},
    {"share", "account"},
    {"strubell"},
    {"calibrating", "tracking", "tracker"},
    {"report"},
    {"widgets"},
    {"screen", "terminal"},
    {"budgeting", "children", "stack", "stopping"},
    {"progress", "process", "desk", "cell_source"},
    {"blocks", "commands"},
    {"magic", "__init__"},
]
HEIGHT = {name: height for height, floor in enumerate(FLOORS) for name in floor}
# By name, at the moment of showing: a Run has looks without knowing HTML.
LOOKS = {("run", "report"), ("totals", "report"), ("account", "report")}


def imports(path):
    """The parts of the package that a module imports."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    depth = len(parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = parts[: depth - node.level]
            target = (*above, *(node.module or "").split(".")) if node.module else above
            yield from [target[0]] if target and target[0] else [alias.name for alias in node.names]


def test_every_part_has_a_floor():
    parts = {
        p.stem if p.is_file() else p.name
        for p in PACKAGE.iterdir()
        if p.suffix == ".py" or (p / "__init__.py").exists()
    }
    assert parts == set(HEIGHT)


def test_imports_only_point_down():
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for target in imports(path):
            if (
                target in HEIGHT
                and HEIGHT[target] > HEIGHT[part]
                and part != "__init__"
                and (part, target) not in LOOKS
            ):
                wrong.append(f"{path.relative_to(PACKAGE)} imports {target}")
    assert wrong == []


def test_files_stay_small():
    long = {
        str(p.relative_to(PACKAGE)): n for p in PACKAGE.rglob("*.py") if (n := len(p.read_text().splitlines())) > 300
    }
    assert long == {}
