"""The magic changes nothing about how a cell runs. In-process, no kernel, no browser."""

import ast

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

import carbon_magic
from carbon_magic import process


@pytest.fixture
def bare():
    shell = InteractiveShell(user_ns={})
    yield shell
    shell.history_manager.end_session()


def runs():
    return carbon_magic.session().runs


def run(shell, cell, **options):
    """The result and the runs that the cell made."""
    before = len(runs())
    result = shell.run_cell(cell, **options)
    assert process.current().tracker.active == []
    return result, runs()[before:]


def test_the_last_expression_is_the_result_and_the_run_is_kept(shell):
    result, [tracked] = run(shell, "%%carbon -n answer -s tune -t lr=0.1 -t opt=sgd\nx = 20\nx * 2 + 2")
    assert result.result == 42
    assert (tracked.name, tracked.stage, tracked.tags, tracked.state) == (
        "answer",
        "tune",
        {"lr": "0.1", "opt": "sgd"},
        "done",
    )
    assert carbon_magic.last is tracked
    assert tracked.energy_j > 0


def test_the_report_is_printed_in_a_terminal_and_not_with_quiet(shell, capsys):
    run(shell, "%%carbon -n loud\npass")
    assert "loud" in capsys.readouterr().out
    run(shell, "%%carbon -q -n silent\npass")
    assert capsys.readouterr().out == ""


def test_an_error_keeps_its_line_and_fails_the_cell(shell, capsys):
    result, [tracked] = run(shell, "%%carbon\na = 1\n1 / 0")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert result.error_in_exec.__traceback__.tb_next.tb_lineno == 3
    assert tracked.state == "failed"
    assert "carbon_magic/" not in capsys.readouterr().out.split("ZeroDivisionError")[0]


@pytest.mark.parametrize(
    ("raised", "state"), [("KeyboardInterrupt", "interrupted"), ("SystemExit", "done"), ("ValueError", "failed")]
)
def test_the_state_tells_how_it_ended(shell, capsys, raised, state):
    _, [tracked] = run(shell, f"%%carbon\nraise {raised}")
    assert tracked.state == state


def test_await(shell):
    result, [tracked] = run(shell, "%%carbon\nimport asyncio\nawait asyncio.sleep(0.01)\n7")
    assert result.result == 7
    assert tracked.duration_s >= 0.01


def test_a_semicolon_silences(shell, capsys):
    run(shell, "%%carbon -q\n41 + 1;", store_history=True)
    assert "42" not in capsys.readouterr().out


def test_nested_run_cell_is_part_of_the_cell(shell):
    _, tracked = run(shell, "%%carbon -n outer\nget_ipython().run_cell('1')\ny = 2")
    assert [t.name for t in tracked] == ["outer"]


def test_a_tracked_cell_within_a_tracked_cell_is_a_run_of_its_own_and_counts_once(shell):
    before = carbon_magic.session().energy_j
    _, tracked = run(
        shell,
        "%%carbon -n outer\nget_ipython().run_cell('%%carbon -n inner\\nimport time; time.sleep(.05)')\ntime.sleep(.05)",
    )
    assert [t.name for t in tracked] == ["inner", "outer"]
    assert carbon_magic.session().energy_j - before == pytest.approx(tracked[1].energy_j)


@pytest.mark.parametrize("cell", ["%%carbon -n one\n%%carbon -n two\n6 * 7", "%%carbon -n one\n\n%%carbon\n6 * 7"])
def test_given_twice_is_one_run(shell, cell):
    result, tracked = run(shell, cell)
    assert [t.name for t in tracked] == ["one"]
    if cell.count("\n\n") == 0:
        assert result.result == 42


def test_time_and_capture_inside_and_outside(shell, capsys):
    _, [tracked] = run(shell, "%%carbon -q\n%%capture cap\nprint('hidden')")
    assert shell.user_ns["cap"].stdout == "hidden\n"
    _, [tracked] = run(shell, "%%carbon -q\n%%time\nz = 3")
    assert shell.user_ns["z"] == 3
    _, [tracked] = run(shell, "%%time\n%%carbon -q\nz = 4")
    assert shell.user_ns["z"] == 4
    capsys.readouterr()
    _, [tracked] = run(shell, "%%capture cap\n%%carbon -n captured\nprint('hidden too')")
    assert shell.user_ns["cap"].stdout == "hidden too\n"
    assert "captured" in capsys.readouterr().out  # the report can still be seen
    _, tracked = run(shell, "%%timeit -n2 -r2\n%%carbon -n timed\npass")
    assert [t.name for t in tracked] == ["timed"]


def test_an_indented_body_and_prompts(shell):
    result, _ = run(shell, "%%carbon -q\n    a = 1\n    a + 1")
    assert result.result == 2
    result, _ = run(shell, "%%carbon -q\n>>> a = 5\n>>> a + 1")
    assert result.result == 6


def test_an_empty_body_is_told_as_for_every_cell_magic(shell, capsys):
    _, tracked = run(shell, "%%carbon\n")
    assert tracked == ()
    assert "body is empty" in "".join(capsys.readouterr())


def test_a_body_of_comments_is_a_run(shell):
    result, [tracked] = run(shell, "%%carbon -q\n# nothing")
    assert result.success
    assert tracked.state == "done"


def test_a_syntax_error_begins_nothing(shell, capsys):
    result, tracked = run(shell, "%%carbon\nif True print(1)")
    assert isinstance(result.error_before_exec, SyntaxError)
    assert tracked == ()


def test_from_future_and_shell_and_magics_in_the_body(shell):
    result, _ = run(shell, "%%carbon -q\nfrom __future__ import annotations\nout = !echo hi\n%timeit -n1 -r1 1\nout[0]")
    assert result.result == "hi"


def test_run_cell_magic_is_the_same_run(shell):
    before = len(runs())
    shell.run_cell_magic("carbon", "-n direct", "w = 5")
    assert shell.user_ns["w"] == 5
    assert [t.name for t in runs()[before:]] == ["direct"]
    with pytest.raises(ZeroDivisionError):
        shell.run_cell_magic("carbon", "-n bad", "1 / 0")
    assert runs()[-1].state == "failed"


def test_output_variable(shell):
    run(shell, "%%carbon -q -o cost\npass")
    assert shell.user_ns["cost"] is carbon_magic.last


def test_the_line_is_data(shell):
    shell.user_ns["secret"] = "leaked"
    _, [tracked] = run(shell, "%%carbon -q -n \"{secret} $secret $(date)\" -t 'k=a b'\npass")
    assert tracked.name == "{secret} $secret $(date)"
    assert tracked.tags == {"k": "a b"}


def test_country_is_place(shell):
    _, [tracked] = run(shell, "%%carbon -q --country FR --pue 1.2\npass")
    assert tracked.grid.place == "FR"
    assert tracked.co2e_g == pytest.approx(tracked.energy_kwh * 1.2 * tracked.grid.intensity_g_per_kwh)


@pytest.mark.parametrize("line", [
    "--hz 0", "--hz 51", "--hz nan", "--hz fast", "-t novalue", "-t =3", "-n 'unclosed", "-o 1x", "-o class", "-o a.b",
    "--place Atlantis", "--country Frnce", "--pue 0.5", "--nonsense", "--pla FR", "stray words", "--budget lots", "-n",
])  # fmt: skip
def test_a_bad_line_is_one_sentence_and_the_cell_does_not_run(shell, capsys, line):
    result, tracked = run(shell, f"%%carbon {line}\nran = True")
    assert isinstance(result.error_in_exec, UsageError)
    assert tracked == ()
    assert "ran" not in shell.user_ns
    message = str(result.error_in_exec)
    assert len(message) < 600
    assert message.count("\n") <= 2
    assert "Traceback" not in "".join(capsys.readouterr())


def test_an_unknown_country_names_the_closest(shell, capsys):
    result, _ = run(shell, "%%carbon --country Frnce\n1")
    assert "FR" in str(result.error_in_exec)


def test_config_and_environment_and_their_order(shell, monkeypatch):
    monkeypatch.setenv("CARBON_MAGIC_PLACE", "SE")
    _, [tracked] = run(shell, "%%carbon -q\npass")
    assert tracked.grid.place == "SE"
    shell.run_line_magic("config", "CarbonMagic.place = 'NO'")
    _, [tracked] = run(shell, "%%carbon -q\npass")
    assert tracked.grid.place == "NO"
    _, [tracked] = run(shell, "%%carbon -q --place FR\npass")
    assert tracked.grid.place == "FR"
    with carbon_magic.track("block", quiet=True) as block:
        pass
    assert block.grid.place == "NO"


def test_bad_settings_are_told_in_one_line_and_the_defaults_apply(shell, monkeypatch, capsys):
    monkeypatch.setenv("CARBON_MAGIC_PLACE", "Atlantis")
    monkeypatch.setenv("CARBON_MAGIC_HZ", "often")
    shell.run_line_magic("config", "CarbonMagic.pue = 'high'")
    _, [tracked] = run(shell, "%%carbon -q\npass")
    assert tracked.pue == 1.0
    said = capsys.readouterr().err
    assert said.count("carbon_magic:") == 1
    assert said.count("\n") == 1
    assert "pue" in said
    assert "HZ" in said
    run(shell, "%%carbon -q\npass")
    assert capsys.readouterr().err == ""


def test_the_session_is_shown(shell, capsys):
    run(shell, "%%carbon -q -n first\npass")
    shell.run_line_magic("carbon", "")
    shown = capsys.readouterr().out
    assert "first" in shown
    assert "by car" in shown
    assert "flight" in shown


def test_what_carbon_can_do_is_listed_and_what_it_cannot_is_said(shell, capsys):
    from carbon_magic import commands

    shell.run_line_magic("carbon", "help")
    shown = capsys.readouterr().out
    for name, what in commands.COMMANDS.items():
        assert f"%carbon {name}" in shown
        assert what in shown
    for line, said in [
        ("nonsense", "has no command 'nonsense'"),
        ("sesion", "did you mean %carbon session"),
        ("session now", "takes no arguments"),
        ('"open', "a quote is not closed"),
    ]:
        with pytest.raises(UsageError, match=said):
            shell.run_line_magic("carbon", line)


def test_completion_treats_it_as_a_cell_magic(shell):
    assert shell.check_complete("%%carbon\nx = 1")[0] == "incomplete"


def test_the_source_in_the_history_is_the_users(shell):
    run(shell, "%%carbon -q\nx = 1", store_history=True)
    assert shell.user_ns["In"][-1].startswith("get_ipython().run_line_magic('carbon_begin'")
    assert shell.history_manager.input_hist_raw[-1] == "%%carbon -q\nx = 1"


def test_unload_leaves_nothing(bare):
    def state():
        return (
            list(bare.input_transformers_cleanup),
            {event: list(callbacks) for event, callbacks in bare.events.callbacks.items()},
            sorted(bare.magics_manager.magics["line"]), sorted(bare.magics_manager.magics["cell"]),
            sorted(bare.magics_manager.registry), len(bare.configurables),
        )  # fmt: skip

    bare.run_line_magic("load_ext", "json")  # IPython registers its own extension magics with their first use
    before = state()
    bare.run_line_magic("load_ext", "carbon_magic")
    bare.run_cell("%%carbon -q\npass")
    bare.run_cell("%%carbon -q\nget_ipython().run_line_magic('unload_ext', 'carbon_magic')")
    assert state() == before
    assert process.current().tracker.active == []
    bare.run_line_magic("load_ext", "carbon_magic")
    assert bare.run_cell("%%carbon -q\n6 * 7").result == 42
    bare.run_line_magic("unload_ext", "carbon_magic")


def test_help_tells_the_options(shell):
    text = shell.magics_manager.magics["cell"]["carbon"].__doc__
    for word in ("--name", "--stage", "--tag", "--output", "--quiet", "--hz", "--place", "--pue"):
        assert word in text


@pytest.mark.parametrize(
    "body", ["x = 1\n\n\ny = '''\n%%carbon\n'''", "def f():\n    return 1\nf()", "for i in range(2):\n  pass"]
)
def test_no_line_moves(shell, body):
    cell = f"%%carbon -q\n{body}\n"
    transformed = shell.transform_cell(cell)
    assert transformed.count("\n") == cell.count("\n")
    assert transformed.split("\n", 1)[1] == body + "\n"
    ast.parse(transformed)
