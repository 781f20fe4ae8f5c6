"""track(): a block, a function or a script, measured without any magic."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from types import TracebackType
from typing import Any, TypeVar, cast

from . import process, screen
from .run import Run, Tag
from .tracking import Tracking, state_after

F = TypeVar("F", bound=Callable[..., Any])


class Handle:
    """A run in progress: every attribute of a Run, with the figures so far; the final ones once it has ended."""

    def __init__(self, tracking: Tracking) -> None:
        self._tracking = tracking

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._tracking.run(), name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(Run)})

    def __repr__(self) -> str:
        return repr(self._tracking.run())

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return self._tracking.run()._repr_mimebundle_()


class track:  # noqa: N801 - it is used like a function
    """Measure a block, or each call of a function (plain, async, generator or async generator).

    Args:
        name: what to call the run; default: the function's name, or a number.
        stage: explore, train, tune, evaluate, final, or a word of your own.
        tags: a dict of texts and numbers, hyperparameters say.
        place: where the electricity comes from, as "FR", "US-CA" or "aws:eu-west-1"; default: found out offline.
        pue: power usage effectiveness of the building, 1.0 to 3.0.
        hz: points of the power curve per second, 0.1 to 50.
        project: what the ledger files the run under; default: the git repository's name, else the folder's.
        budget: the most the block may use, as "50g", "0.2kWh" or "10min"; then CarbonBudgetExceeded is raised in it, if
            it runs in the main thread, and again if it is swallowed. One long call into C is stopped when it returns.
        seed: the seed of the run's random numbers, a whole number, to find the run again by it.
        precise: wait for the tick of a slow counter (a GPU's 0.1 s) before the run begins.
        quiet: show nothing in a notebook (outside one nothing is shown anyhow).

    Raises ValueError or TypeError in one sentence for a bad argument. An exception in the block passes through; the
    run is kept as "failed", after KeyboardInterrupt as "interrupted".

        with carbon_magic.track("fine-tune", stage="tune", tags={"lr": 0.1}) as run:
            ...
        print(run.energy_kwh, run.co2e_kg)
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        stage: str | None = None,
        tags: Mapping[str, Tag] | None = None,
        place: str | None = None,
        pue: float | None = None,
        hz: float | None = None,
        project: str | None = None,
        quiet: bool | None = None,
        precise: bool | None = None,
        budget: str | None = None,
        seed: int | None = None,
    ) -> None:
        if callable(name):
            raise TypeError("track needs its parentheses: @carbon_magic.track()")
        self._name, self._stage, self._tags, self._seed = name, stage, tags, seed
        self._options: dict[str, Any] = {"place": place, "pue": pue, "hz": hz, "project": project, "quiet": quiet}
        self._options |= {"budget": budget, "precise": precise}
        self._default_name = ""
        self._entered: list[tuple[Tracking, screen.Block | None]] = []

    def __enter__(self) -> Handle:
        now = process.current()
        wanted = now.wanted(self._name, self._stage, self._tags, self._options, self._default_name, self._seed)
        place = None if wanted.settings.quiet else screen.for_block(others_run=bool(now.tracker.active))
        if place is not None:
            place.begin(wanted.label.name, now.last)
        tracking = now.begin(wanted)
        if place is not None:
            place.follow(tracking)
        self._entered.append((tracking, place))
        return Handle(tracking)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tracking, place = self._entered.pop()
        run = process.current().end(tracking, state_after(error), error)
        if place is not None and not tracking.inherited:
            place.ended(run)

    def __call__(self, function: F) -> F:
        """Measure each call of the function as a run of its own."""

        def again() -> track:
            block = track(self._name, stage=self._stage, tags=self._tags, seed=self._seed, **self._options)
            block._default_name = getattr(function, "__qualname__", type(function).__qualname__)
            return block

        return cast("F", functools.wraps(function)(_wrapper(function, again)))


def _wrapper(function: Callable[..., Any], block: Callable[[], track]) -> Callable[..., Any]:
    """The function of the same kind that makes a new block for each call."""
    if inspect.isasyncgenfunction(function):

        async def async_generator(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            with block():
                async with contextlib.aclosing(function(*args, **kwargs)) as inner:
                    try:
                        item = await anext(inner)
                        while True:  # what `yield from` does for a plain generator
                            try:
                                sent = yield item
                            except GeneratorExit:
                                raise
                            except BaseException as error:
                                item = await inner.athrow(error)
                            else:
                                item = await inner.asend(sent)
                    except StopAsyncIteration:
                        return

        return async_generator
    if inspect.iscoroutinefunction(function):

        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            with block():
                return await function(*args, **kwargs)

        return coroutine
    if inspect.isgeneratorfunction(function):

        def generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            with block():
                return (yield from function(*args, **kwargs))

        return generator

    def plain(*args: Any, **kwargs: Any) -> Any:
        with block():
            return function(*args, **kwargs)

    return plain
