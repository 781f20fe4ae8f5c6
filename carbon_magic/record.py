"""What frozen dataclasses have alike, written once instead of made anew for each: a third of what making one takes."""

from __future__ import annotations

from typing import Any


class Record:
    """For @dataclass(frozen=True, slots=True, repr=False, eq=False): compares, hashes and prints as others do."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self._compared() == other._compared() if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._compared())

    def __repr__(self) -> str:
        shown = (name for name, field in _fields(self) if field.repr)
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    def _compared(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name, field in _fields(self) if field.compare)


def _fields(record: Any) -> Any:
    return record.__dataclass_fields__.items()
