"""%%carbon and %carbon: read the line, begin; end when the cell has ended. No other logic lives here."""

from __future__ import annotations

import shlex
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments
from traitlets import Any as AnyTrait
from traitlets import Bunch, validate

from . import config, labels, trouble
from .cell_source import BEGIN, prefilter_lone_line, replace_magic_line
from .secret import hidden

if TYPE_CHECKING:
    from . import screen, terminal
    from .process import Process
    from .run import Run
    from .tracking import Tracking


def _option(what: str) -> Any:
    """An option that ipython_config.py or %config may set to anything: checked when a run begins, with the others."""
    return AnyTrait(None, allow_none=True, help=what).tag(config=True)


@dataclass(slots=True)
class _Cell:
    """A run that a cell began, and what is owed when the cell ends."""

    level: tuple[int, int]
    """The thread that runs the cell, and how deep: run_cell may nest, and a kernel's subshells are threads."""
    tracking: Tracking
    variable: str | None
    quiet: bool
    place: screen.Place | None
    line: terminal.LiveLine | None


@magics_class
class CarbonMagic(Magics):
    """What did this cell cost? These options hold for every run; `%%carbon?` tells those of a single cell."""

    place = _option("Where the electricity comes from: FR, US-CA, aws:eu-west-1 ... None: found out offline.")
    places = _option('Where clusters and hubs stand: "jean-zay=FR, hub.example.org=DE".')
    pue = _option("Power usage effectiveness of the building, 1.0 to 3.0. None: as the cloud publishes it, else 1.0.")
    embodied_kg = _option("CO2e of the making of this machine in kg, told in a line of its own. None: not told.")
    embodied_years = _option("How long the machine will serve, in years. None: 4.")
    embodied_share = _option("The part of the machine reserved for the work, 0 to 1. None: 1.")
    units = _option('What energy and CO2e are shown in: "SI", or of Wh kWh MWh J and g kg t lb: "J lb". None: SI.')
    equivalents = _option('What CO2e is compared with: "phone_charge kettle"; three at most. None: what fits the size.')
    hz = _option("Points of the power curve per second, 0.1 to 50. None: as many as the view needs.")
    quiet = _option("True shows nothing.")
    precise = _option("True waits for a slow counter's tick before a cell begins, a GPU's 0.1 s.")
    project = _option("What the ledger files runs under. None: the git repository's name, else the folder's.")
    ledger = _option("The file that keeps the runs, or a postgresql:// URL. None: one file per user.")
    store = _option("How that file's runs are kept: sqlite, or spool on a network home. None: found out.")
    wall = _option('Meters that see the whole machine: "shelly://HOST, prometheus://HOST:9090". None: none is asked.')
    price = _option('Of a kWh, "0.32 EUR". None: what is published for the place; "off": none.')
    cloud_price = _option('Of an hour of this machine: "2.48 USD" or "aws:p3.2xlarge". None: found out; "off": none.')
    budget = _option('What one cell may use at most, then it is stopped: "50g", "0.2kWh", "10min". None: no end.')
    session_budget = _option("The same of all cells of a session together.")
    project_budget = _option("The same of all runs of the project on record.")
    contract_g_per_kwh = _option("Factor of the electricity contract, shown beside the grid's. None: no contract.")
    contract_source = _option("Who says so.")
    live = _option("Service for live figures of the grid: electricitymaps, watttime, gb, energidataservice, rte.")
    live_zone = _option("Its zone, where the place does not tell it: US-CAL-CISO, DK1, CAISO_NORTH ...")

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._depth: dict[int, int] = {}  # cells running now, by thread
        self._sources: dict[tuple[int, int], str] = {}  # what they are, by level
        self._cells: list[_Cell] = []
        self._late: list[Run] = []
        options = list(self.traits(config=True))
        config.defaults.update({name: getattr(self, name) for name in options})
        self.observe(self._configured, options)

    @validate("ledger")
    def _hidden(self, proposal: Bunch) -> Any:
        return hidden(proposal["value"])  # %config shows it, and the notebook would keep a password

    def _configured(self, change: Bunch) -> None:
        config.overrides[change["name"]] = change["new"]

    @magic_arguments("%carbon")
    @argument("-n", "--name", help="what to call the run; default: the cell's number")
    @argument("-s", "--stage", help="explore, train, tune, evaluate, final, or a word of your own")
    @argument("-t", "--tag", action="append", metavar="KEY=VALUE", help="a tag, a hyperparameter say; may be repeated")
    @argument("-p", "--project", help="what the ledger files the run under; default: the git repository or folder")
    @argument("--seed", help="the seed of the run's random numbers, a whole number")
    @argument("-o", "--output", metavar="VAR", help="put the finished Run into this variable")
    @argument("-q", "--quiet", action="store_true", default=None, help="show nothing")
    @argument("--precise", action="store_true", default=None, help="wait for a slow counter's tick first")
    @argument("--hz", help="points of the power curve per second, 0.1 to 50")
    @argument(
        "--place", "--country", dest="place", help="where the electricity comes from: FR, US-CA, aws:eu-west-1 ..."
    )
    @argument("--budget", help="the most it may use, 50g, 0.2kWh or 10min: then it is stopped")
    @argument("--pue", help="power usage effectiveness of the building, 1.0 to 3.0")
    @no_var_expand
    @line_cell_magic
    def carbon(self, line: str, cell: str | None = None) -> None:
        """Measure the energy and CO2e of a cell: put %%carbon on its first line.

        %carbon shows the session; %carbon help lists what else there is.

        While the cell runs, its output shows watts, energy and CO2e; at the end a report stands there, which also says
        how sure each figure is. The cell itself behaves as without the magic.

            %%carbon -n "large model" -s tune -t lr=0.1
            model.fit(X, y)

        Quotes and spaces are taken as a shell takes them; nothing in the line is evaluated.
        """
        if cell is None:
            from . import commands

            commands.run(self.shell, _words(line, "%carbon"))
            return
        self._run_body(line, cell)

    @no_var_expand
    @line_magic(BEGIN)
    def begin(self, line: str) -> None:
        """What the %%carbon line of a cell becomes. Not for use by hand."""
        if not self._running_here():  # given twice, or in a loop of %%timeit: one run
            self._begin(line)

    def _level(self) -> tuple[int, int]:
        thread = threading.get_ident()
        return thread, self._depth.get(thread, 0)

    def _running_here(self) -> bool:
        return any(cell.level == self._level() for cell in self._cells)

    def _begin(self, line: str) -> None:
        with trouble.Contained("this cell is not measured", UsageError):
            self._begin_run(line)

    def _begin_run(self, line: str) -> None:
        from . import screen

        now = _process()
        try:
            options = self._parse(line)
            variable = labels.variable(options.output) if options.output is not None else None
            given = {
                name: getattr(options, name) for name in ("budget", "hz", "place", "pue", "project", "quiet", "precise")
            }
            # Not execution_count: IPython 9.18 steps it at the beginning of a cell, earlier ones at the end.
            default = f"cell {len(self.shell.history_manager.input_hist_raw) - 1}"
            tags, source = labels.tag_pairs(options.tag), self._sources.get(self._level())
            wanted = now.wanted(options.name, options.stage, tags, given, default, options.seed, source)
        except (ValueError, TypeError) as error:
            raise UsageError(f"%%carbon: {error}") from None
        place = None
        if not wanted.settings.quiet and screen.in_kernel(self.shell) and not screen.captured(self.shell):
            place = screen.Place(self.shell)
            place.wait(wanted.label.name, now.last)
        live_line = None if wanted.settings.quiet else screen.live_line(self.shell, wanted.label.name)
        views = [view for view in (place, live_line) if view is not None]
        try:
            tracking = now.begin(wanted)
        except BaseException:  # interrupted while it waited: the cell does not run; else the cell runs without us
            for view in views:
                view.leave()
            raise
        self._cells.append(_Cell(self._level(), tracking, variable, wanted.settings.quiet, place, live_line))
        for view in views:
            view.follow(tracking)

    def _parse(self, line: str) -> Any:
        """The options. ValueError in a sentence for an unclosed quote and for what argparse refuses."""
        words = _words(line, "%%carbon")
        try:
            return self.carbon.parser.parse_args(words)
        except UsageError as error:
            raise ValueError(f"{error}; %%carbon? tells the options") from None

    def _run_body(self, line: str, body: str) -> None:
        """The way without the transformer: run_cell_magic(), a notebook turned into a script."""
        mine = not self._running_here()
        if mine:
            self._sources[self._level()] = body
            self._begin(line)
        result = self.shell.run_cell(body)
        error = result.error_before_exec or result.error_in_exec
        if mine:
            self._end(self._level(), error)
            if self._level()[1] == 0:  # a script: no cell is around that will end
                self._show_late()
        if error is not None:
            error._render_traceback_ = list  # run_cell has shown it already
            raise error

    def before_cell(self, info: Any = None) -> None:
        """A cell begins."""
        thread = threading.get_ident()
        self._depth[thread] = self._depth.get(thread, 0) + 1
        self._sources[self._level()] = getattr(info, "raw_cell", "")

    def after_cell(self, result: Any = None) -> None:
        """The cell has ended, however it did. Counted, not matched: a cell that is torn down gets a new info."""
        thread = threading.get_ident()
        depth = self._depth.pop(thread, 1)
        self._sources.pop((thread, depth), None)
        if depth > 1:
            self._depth[thread] = depth - 1
        self._end((thread, depth), getattr(result, "error_before_exec", None) or getattr(result, "error_in_exec", None))
        if depth <= 1:
            self._show_late()
        elif self._cells:
            for stopper in _process().stoppers.values():
                stopper.resume()

    def _end(self, level: tuple[int, int], error: BaseException | None) -> None:
        thread, depth = level
        for cell in [cell for cell in self._cells if cell.level[0] == thread and cell.level[1] >= depth]:
            self._cells.remove(cell)
            with trouble.Contained("the figures of this cell are not shown"):
                self._end_run(cell, error)

    def _end_run(self, cell: _Cell, error: BaseException | None) -> None:
        from .tracking import state_after

        if cell.line is not None:
            cell.line.leave()
        run = _process().end(cell.tracking, state_after(error), error)
        if cell.variable is not None:
            self.shell.user_ns[cell.variable] = run
        if cell.quiet or cell.tracking.inherited:
            return
        if cell.place is None:
            self._late.append(run)
            return
        cell.place.show(run)
        cell.place.leave()

    def _show_late(self) -> None:
        """What could not be shown in its time: in a terminal, or because %%capture held the output."""
        late, self._late = self._late, []
        for run in late:
            from . import screen

            with trouble.Contained("the figures of this cell are not shown"):
                screen.show_run(self.shell, run)


CarbonMagic.carbon.parser.allow_abbrev = False


def _process() -> Process:
    """Everything behind the magic, imported when the first cell needs it: %load_ext itself costs next to nothing."""
    from . import process

    return process.current()


def _words(line: str, magic: str) -> list[str]:
    """The words of a line, split as a shell does. UsageError in a sentence for an unclosed quote."""
    try:
        return shlex.split(line)
    except ValueError:
        raise UsageError(f"{magic}: a quote is not closed in: {labels.clean(line)}") from None


def load(shell: InteractiveShell) -> None:
    """Register the magics, the transformer and the two events."""
    magics = CarbonMagic(shell)
    shell.register_magics(magics)
    shell.input_transformers_cleanup.append(replace_magic_line)
    shell.input_transformers_post.insert(0, prefilter_lone_line)
    shell.events.register("pre_run_cell", magics.before_cell)
    shell.events.register("post_run_cell", magics.after_cell)


def unload(shell: InteractiveShell) -> None:
    """Take everything back; a run in progress ends here."""
    magics = shell.magics_manager.registry.pop("CarbonMagic", None)
    if magics is None:
        return
    magics.after_cell()
    shell.input_transformers_cleanup.remove(replace_magic_line)
    shell.input_transformers_post.remove(prefilter_lone_line)
    shell.events.unregister("pre_run_cell", magics.before_cell)
    shell.events.unregister("post_run_cell", magics.after_cell)
    for kind, name in (("line", "carbon"), ("cell", "carbon"), ("line", BEGIN)):
        shell.magics_manager.magics[kind].pop(name, None)
    if magics in shell.configurables:
        shell.configurables.remove(magics)
    config.overrides.clear()
    config.defaults.clear()
    _process().tracker.close()
