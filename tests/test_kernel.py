"""In a real kernel: forty kinds of cell behave with %%carbon as without, and one output tells what they cost."""

import json
import re

import pytest
from kernels import kernel, kinds, ours, shown

pytestmark = pytest.mark.kernel

CELLS = {
    "value": "x = 20\nx + 1",
    "silenced": "x = 20\nx + 1;",
    "printed": "print('a')\nprint('b')",
    "stderr": "import sys\nprint('e', file=sys.stderr)",
    "print then value": "print('a')\n7",
    "error": "a = 1\n1 / 0",
    "error in a function": "def f(x):\n    return 1 / x\n\nf(0)",
    "chained error": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise KeyError('k') from e",
    "syntax error": "if True print(1)",
    "indentation error": "def f():\nreturn 1",
    "name error": "undefined_name",
    "await": "import asyncio\nawait asyncio.sleep(0.01)\n'awaited'",
    "async for": "async def g():\n    yield 1\n[x async for x in g()]",
    "await error": "async def f():\n    raise ValueError('late')\nawait f()",
    "shell": "!echo hi",
    "shell into a variable": "out = !echo hi\nout[0]",
    "line magic": "%pwd\n1",
    "line magic with a value": "y = %pwd\nisinstance(y, str)",
    "capture inside": "%%capture cap\nprint('hidden')",
    "writefile inside": "%%writefile /dev/null\nline one\n  line two",
    "bash inside": "%%bash\necho from bash",
    "unknown magic inside": "%%no_such_magic\nx",
    "help": "len?",
    "class": "class A:\n    def __repr__(self):\n        return 'an A'\nA()",
    "decorated": "import functools\n@functools.lru_cache\ndef f(n):\n    return n\nf(3)",
    "future import": "from __future__ import annotations\ndef f(x: Undefined): ...\nf.__annotations__",
    "getsource": "import inspect\ndef g():\n    return 1\nprint(inspect.getsource(g))",
    "display": "from IPython.display import display, HTML\ndisplay(HTML('<b>bold</b>'))\n2",
    "display updated": "from IPython.display import display\nh = display(1, display_id=True)\nh.update(2)",
    "nested run_cell": "get_ipython().run_cell('z = 5')\nz",
    "multi-line string": "s = '''\n%%carbon\n  indented\n'''\ns",
    "comment": "# nothing but this",
    "trailing comment": "5  # five",
    "unicode": "π = 3.14159\nprint('ß → 日本 🌍')\nπ",
    "indented": "    a = 1\n    a + 1",
    "blank lines first": "\n\nx = 1\nx",
    "prompts": ">>> a = 4\n>>> a * 2",
    "underscore": "6\n_",
    "assertion": "assert 1 == 2, 'no'",
    "system exit": "raise SystemExit",
    "warning": "import warnings\nwarnings.warn('careful')",
    "deep recursion": "def r(n):\n    return r(n + 1)\nr(0)",
    "line continuation": "x = 1 + \\\n    2\nx",
    "semicolons": "a = 1; b = 2; a + b",
    "thread prints": "import threading\nt = threading.Thread(target=print, args=('from a thread',))\nt.start(); t.join()",
    "subprocess": "import subprocess\nsubprocess.run(['echo', 'x'], capture_output=True).stdout",
    "pprint long": "list(range(100))",
    "exception group": "raise ExceptionGroup('g', [ValueError(1), TypeError(2)])",
}


@pytest.fixture(scope="module")
def pair():
    """Two kernels side by side: one loads carbon_magic, the other a small extension, so that their cells are numbered alike."""
    with kernel() as plain, kernel() as tracked:
        assert tracked.run("%load_ext carbon_magic")[0]["status"] == "ok"
        plain.run("pass")
        yield plain, tracked


def alike(item, shift):
    """An output without what must differ: line numbers moved by the %%carbon line, and that line where context shows it."""
    if item[0] != "error" and item[:2] != ("stream", "stderr"):
        return item
    return tuple(same_lines(part, shift) for part in item)


def same_lines(text, shift):
    def move(match):
        return f"{match[1]}{int(match[2]) - shift}"

    text = re.sub(r"(/tmp/ipykernel_\d+/)?\d+\.py", "cell.py", text)
    text = re.sub(r"""((?:Cell In\[\d+\]|cell\.py"?), line |on line |at line |cell\.py:)(\d+)""", move, text)
    text = re.sub(r"^((?:-+>)? *)(\d+)(?= |$)", move, text, flags=re.MULTILINE)
    lines = [
        re.sub(r"^-*>? *", "", line)
        for line in text.splitlines()
        if "carbon_begin" not in line and "%%carbon" not in line
    ]
    return "\n".join(line.strip() for line in lines)


@pytest.mark.parametrize("body", CELLS.values(), ids=CELLS)
def test_a_cell_shows_the_same(pair, body):
    plain, tracked = pair
    reply, outputs = plain.run(body)
    reply_tracked, outputs_tracked = tracked.run(f"%%carbon\n{body}")
    assert reply_tracked["status"] == reply["status"]
    assert reply_tracked.get("ename") == reply.get("ename")
    assert reply_tracked["execution_count"] == reply["execution_count"]
    assert [alike(item, 1) for item in shown(outputs_tracked)] == [alike(item, 0) for item in shown(outputs)]
    begun = not isinstance_of_syntax(reply)
    placeholders = [c for k, c in outputs_tracked if k == "display_data" and ours(c)]
    reports = [c for k, c in outputs_tracked if k == "update_display_data" and ours(c)]
    assert len(placeholders) == len(reports) == (1 if begun else 0)
    assert tracked.value("__import__('carbon_magic').process.current().tracker.active") == "[]"


def isinstance_of_syntax(reply):
    return reply.get("ename") in ("SyntaxError", "IndentationError")


INTERRUPTED = {
    "sleep": "print('go', flush=True)\nimport time\ntime.sleep(60)",
    "loop": "print('go', flush=True)\nwhile True: pass",
    "await": "print('go', flush=True)\nimport asyncio\nawait asyncio.sleep(3)",
    "subprocess": "print('go', flush=True)\nimport subprocess\nsubprocess.run(['sleep', '60'])",
}


@pytest.mark.parametrize("body", INTERRUPTED.values(), ids=INTERRUPTED)
def test_an_interrupt_ends_the_run_and_leaves_a_report(pair, body):
    _, tracked = pair
    reply, outputs = tracked.run(f"%%carbon -n stopped\n{body}", interrupt_when=lambda m: m["msg_type"] == "stream")
    assert reply["status"] == "error"
    assert reply["ename"] in ("KeyboardInterrupt", "CancelledError")
    assert kinds(outputs).count("update_display_data") == 1
    assert tracked.value("__import__('carbon_magic').last.state") == "'interrupted'"


def test_ticks_flow_while_the_kernel_is_busy_and_each_is_small(pair):
    _, tracked = pair
    _, outputs = tracked.run("""%%carbon
import time, carbon_magic
[run] = carbon_magic.process.current().tracker.active
end = time.time() + 30
while run._ticks < 20 and time.time() < end: pass""")
    ticks = [content for kind, content in outputs if kind == "comm_msg" and "now" in content["data"].get("state", {})]
    assert len(ticks) >= 15
    assert max(len(json.dumps(tick)) for tick in ticks) < 700


def test_a_bad_option_is_one_line_and_the_cell_does_not_run(pair):
    _, tracked = pair
    reply, outputs = tracked.run("%%carbon --country Frnce\nran = True")
    assert reply["status"] == "error"
    text = "".join(c["text"] for k, c in outputs if k == "stream") + "".join(
        "\n".join(c["traceback"]) for k, c in outputs if k == "error"
    )
    assert "UsageError" in text
    assert "FR" in text
    assert "Traceback" not in text
    assert tracked.value("'ran' in globals()") == "False"


def test_clear_output_leaves_a_report_that_can_be_seen(pair):
    _, tracked = pair
    _, outputs = tracked.run("%%carbon\nfrom IPython.display import clear_output\nclear_output()\nprint('after')")
    reports = [k for k, c in outputs if ours(c)]
    assert reports == ["display_data", "display_data"]


def test_capture_outside_leaves_a_report_that_can_be_seen(pair):
    _, tracked = pair
    _, outputs = tracked.run("%%capture cap\n%%carbon\nprint('hidden')")
    assert [k for k, c in outputs if ours(c)] == ["display_data"]
    assert tracked.value("cap.stdout") == "'hidden\\n'"
    assert tracked.value("len(cap.outputs)") == "0"


def test_quiet_shows_nothing(pair):
    _, tracked = pair
    _, outputs = tracked.run("%%carbon -q\n5")
    assert kinds(outputs) == ["status", "execute_input", "execute_result", "status"]


def test_blocks_of_one_cell_share_one_output(pair):
    _, tracked = pair
    _, outputs = tracked.run("import carbon_magic\nfor i in range(20):\n    with carbon_magic.track(f'fold {i}'): pass")
    mine = [(k, c) for k, c in outputs if ours(c)]
    assert [k for k, _ in mine].count("display_data") == 1
    assert len({c["transient"]["display_id"] for _, c in mine}) == 1
    assert len(mine) <= 6
    assert "fold 0" in mine[-1][1]["data"]["text/plain"]
    assert "fold 19" in mine[-1][1]["data"]["text/plain"]


def test_a_block_within_a_tracked_cell_shows_nothing_of_its_own(pair):
    _, tracked = pair
    _, outputs = tracked.run("%%carbon -n outer\nimport carbon_magic\nwith carbon_magic.track('inner'): pass")
    assert len({c["transient"]["display_id"] for _, c in outputs if ours(c)}) == 1


def test_the_session_is_static_html_and_text(pair):
    _, tracked = pair
    _, outputs = tracked.run("%carbon")
    [content] = [c for k, c in outputs if k == "display_data"]
    assert sorted(content["data"]) == ["text/html", "text/plain"]
    assert "<script" not in content["data"]["text/html"]
    assert "flight" in content["data"]["text/plain"]


def test_a_subshells_cell_does_not_end_the_main_one(pair):
    """Cells may run in threads of their own: depth is counted for each."""
    _, tracked = pair
    tracked.run("""%%carbon -n main
import threading
def other():
    shell = get_ipython()
    shell.events.trigger('pre_run_cell', None)
    shell.events.trigger('post_run_cell', None)
t = threading.Thread(target=other); t.start(); t.join()
still = len(__import__('carbon_magic').process.current().tracker.active)""")
    assert tracked.value("still") == "1"


def test_forked_workers_that_track_send_nothing_to_the_page(pair):
    _, tracked = pair
    _, outputs = tracked.run("""import carbon_magic, multiprocessing, warnings
warnings.simplefilter('ignore')
def work(n):
    with carbon_magic.track('worker'):
        return __import__('carbon_magic.screen').screen.in_kernel(get_ipython())
with multiprocessing.get_context('fork').Pool(2) as pool:
    print(pool.map(work, range(2)))""")
    assert [c["text"] for k, c in outputs if k == "stream"] == ["[False, False]\n"]
    assert not any(ours(c) for _, c in outputs)


@pytest.mark.parametrize("takes_input", [True, False])
def test_a_client_that_takes_no_input_is_no_page_and_gets_no_widget(takes_input):
    with kernel(CARBON_MAGIC_PLACE="FR") as one:
        one.client.allow_stdin = takes_input
        one.run("%load_ext carbon_magic")
        _, outputs = one.run("%%carbon\nimport time; time.sleep(1.5)")
        assert ("comm_open" in kinds(outputs)) is takes_input
