"""python -m benchmarks [speed | truth | floor | live | ledger]: measure, print tables, write results/."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from pathlib import Path

from . import figure
from .fresh import fresh
from .where import described


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m benchmarks", description="How fast, how true and how live carbon_magic is."
    )
    p.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(figure.NAMES)}; all of them by default")
    p.add_argument("--results", type=Path, default=figure.RESULTS, metavar="FOLDER", help="where the results go")
    return p


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what was asked for, print it, write it."""
    p = parser()
    options = p.parse_args(arguments)
    unknown = [name for name in options.names if name not in figure.NAMES]
    if unknown:
        p.error(f"no benchmark is called {unknown[0]!r}; there are {', '.join(figure.NAMES)}")
    for name in options.names or figure.NAMES:
        with fresh() as processes, described() as machine:
            figures = list(importlib.import_module(f".{name}", __package__).measure(processes))
        report = figure.Report(name, machine, figures)
        report.write(options.results)
        print(figure.text(report), end="\n\n", flush=True)
    print(figure.write_table(options.results))


if __name__ == "__main__":
    main()
