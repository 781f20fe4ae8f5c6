"""What a thread is doing, as its stack tells: whose code runs there, and what became of an exception."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import ast

Clause = Literal["ours", "interrupt", "any"]
"""By what an exception was caught: a clause that names our own, one that names KeyboardInterrupt, anything else."""

_HERE = f"{Path(__file__).parent.as_posix()}/"
_AROUND = {"plain", "coroutine", "generator", "async_generator", "_run_body", "carbon"}
"""Functions of ours that call the user's."""


def of(thread: int) -> FrameType | None:
    """Where a thread is now."""
    return sys._current_frames().get(thread)  # noqa: SLF001 - documented, for debugging and the like


def outward(frame: FrameType | None) -> Iterator[FrameType]:
    """The frame and those that called it."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def _file(frame: FrameType) -> str:
    return frame.f_code.co_filename.replace("\\", "/")


def is_ipythons(frame: FrameType) -> bool:
    """IPython's own code, or its kernel's."""
    return "/IPython/" in _file(frame) or "/ipykernel/" in _file(frame)


def _runs_code(frame: FrameType) -> bool:
    return frame.f_code.co_name == "run_code" and is_ipythons(frame)


def in_cell(frame: FrameType | None) -> bool:
    """Whether a cell's code runs."""
    return any(_runs_code(it) for it in outward(frame))


def is_users(frame: FrameType | None, cell: bool) -> bool:
    """Whether the user's code runs, rather than ours; for a run of a `cell` also: rather than IPython's around it."""
    called: FrameType | None = None
    for it in outward(frame):
        if _file(it).startswith(_HERE) and it.f_code.co_name not in _AROUND:
            return False
        if cell and _runs_code(it):
            return called is not None and not is_ipythons(called)
        called = it
    return not cell


def commanding(frame: FrameType | None) -> list[FrameType]:
    """The frames of the user's code that called a command of IPython's, `!` or a magic, which has not returned yet."""
    found: list[FrameType] = []
    called: FrameType | None = None
    for it in outward(frame):
        if called is not None and is_ipythons(called) and not is_ipythons(it):
            found.append(it)
        called = it
    return [it for it in found if in_cell(it)]


def command_pids(frame: FrameType | None) -> list[int]:
    """The processes that IPython's `!` and %%script wait for now."""
    local = [it.f_locals for it in outward(frame) if is_ipythons(it) and it.f_code.co_name in _COMMANDS]
    pids = [getattr(names.get(name), "pid", None) for names in local for name in ("child", "p")]
    return [pid for pid in pids if isinstance(pid, int)]


_COMMANDS = {"system", "shebang", "process_handler"}


def waits_for_threads(frame: FrameType | None) -> bool:
    """Whether it waits for the end of other threads, as leaving a pool of threads does.

    Not where a pool of processes is being put away: that ends them.
    """
    joins = False
    for it in outward(frame):
        file = _file(it)
        joins |= it.f_code.co_name == "join" and file.endswith("/threading.py")
        if "/multiprocessing/" in file:
            return False
    return joins


def loop_is_idle(frame: FrameType | None) -> bool:
    """Whether asyncio's own code was interrupted, rather than a task's or whatever runs outside of a loop."""
    for it in outward(frame):
        if it.f_code.co_name == "_run" and _file(it).endswith("/asyncio/events.py"):
            return False
        if it.f_code.co_name == "_run_once" and _file(it).endswith("/asyncio/base_events.py"):
            return True
    return False


def handled(thread: int) -> BaseException | None:
    """The exception that a thread deals with now: in `except`, in `finally`, in leaving a `with`."""
    found: Any = sys._current_exceptions().get(thread)  # noqa: SLF001 - documented, for debugging and the like
    error: BaseException | None = found[1] if isinstance(found, tuple) else found  # Python 3.11 has tuples
    return error


def in_flight(error: BaseException, now: BaseException | None) -> bool:
    """Whether `error` is what is dealt with, or what came before that."""
    seen: set[int] = set()
    while now is not None and id(now) not in seen:
        if now is error:
            return True
        seen.add(id(now))
        now = now.__context__
    return False


def caught_by(error: BaseException, ours: str, still: bool) -> Clause:
    """The clause that caught it: what can be told from the source, "any" where that cannot be had.

    `still`: only if that clause is being carried out now.
    """
    import ast  # when it is needed, which is next to never

    trace = error.__traceback__
    if trace is None:
        return "any"
    frame = trace.tb_frame  # the outermost so far: where it was caught
    found = [it for it in ast.walk(_tree(frame)) if isinstance(it, ast.Try | ast.With)]
    around = [it for it in found if it.body[0].lineno <= trace.tb_lineno <= (it.body[-1].end_lineno or 0)]
    for tried in sorted(around, key=lambda it: it.lineno, reverse=True):
        for clause, what in _clauses(tried):
            names = _names(what)
            if what is None or "BaseException" in names:
                return "any"
            if still and not clause.lineno <= (frame.f_lineno or 0) <= (clause.end_lineno or 0):
                continue
            if ours in names:
                return "ours"
            if "KeyboardInterrupt" in names:
                return "interrupt"
    return "any"


def _clauses(tried: ast.Try | ast.With) -> Iterator[tuple[ast.ExceptHandler | ast.expr, ast.expr | None]]:
    """What may catch an exception there, and what that names: `except X`, `suppress(X)`."""
    import ast

    if isinstance(tried, ast.Try):
        yield from ((clause, clause.type) for clause in tried.handlers)
        return
    for expression in (item.context_expr for item in tried.items):
        if isinstance(expression, ast.Call) and "suppress" in _names(expression.func):
            yield from ((expression, what) for what in expression.args)


def _tree(frame: FrameType) -> ast.AST:
    import ast
    import linecache

    try:
        return ast.parse("".join(linecache.getlines(frame.f_code.co_filename, frame.f_globals)))
    except (SyntaxError, ValueError):  # an extension's, or a file changed meanwhile
        return ast.Module([], [])


def _names(what: ast.expr | None) -> set[str]:
    import ast

    found = ast.walk(what) if what is not None else ()
    return {it.id if isinstance(it, ast.Name) else it.attr for it in found if isinstance(it, ast.Name | ast.Attribute)}
