"""A body of one line is to %%carbon what a cell of one line is to IPython: automagic, aliases, automatic calls."""

import pytest


@pytest.fixture(autouse=True)
def fresh_alias(shell):
    yield
    shell.alias_manager.undefine_alias("spoken") if shell.alias_manager.is_alias("spoken") else None


@pytest.mark.parametrize("body", ["pwd", "\n  \npwd", "pwd\n\n", "x = 1\npwd", "pwd = 3\npwd", "1 + 1", "/len 'abc'"])
def test_a_body_gives_what_the_cell_alone_gives(shell, body):
    shell.user_ns.pop("pwd", None)
    alone = shell.run_cell(body)
    shell.user_ns.pop("pwd", None)
    tracked = shell.run_cell(f"%%carbon -q\n{body}")
    shell.user_ns.pop("pwd", None)
    assert (tracked.success, tracked.result) == (alone.success, alone.result)
    assert type(tracked.error_in_exec) is type(alone.error_in_exec)


def test_an_alias_is_run(shell, capfd):
    shell.alias_manager.define_alias("spoken", "echo said")
    assert shell.run_cell("%%carbon -q\nspoken 1").success
    assert "said 1" in capfd.readouterr().out
