"""A run as JSON: what of it is the same for thousands of runs is put into words once."""

from __future__ import annotations

import functools
import json
import math
import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..device import Device
from ..run import Run, fields
from ..totals import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..grid import Intensity

STILL_OF_A_DEVICE = tuple(name for name in Device.__dataclass_fields__ if not name.startswith("energy_j"))
"""What of a device does not change while a run goes on."""
_REST = tuple(name for name in Run.__dataclass_fields__ if name not in ("grid", "devices", "others", "curve"))

still = operator.attrgetter(*STILL_OF_A_DEVICE)
_rest = operator.attrgetter(*_REST)


def document(run: Run) -> str:
    """All of a run but its curve and what follows from the rest: what Run.from_dict needs."""
    rest = _encode(dict(zip(_REST, _rest(run), strict=True)))[:-1]
    devices, others = _devices(run.devices), _devices(run.others)
    return f'{rest},"grid":{_grid(run.grid)},"devices":[{devices}],"others":[{others}]}}'


def parts(run: Run) -> str:
    """Each device's joules, the counted ones first; and the share's."""
    share = "null" if run.share is None else dump([run.share.energy_j, *run.share.energy_j_range])
    return f"[[{_joules(run.devices)}],[{_joules(run.others)}],{share}]"


def others(run: Run, columns: Iterable[str]) -> str:
    """What a table of runs has in these columns, by their names."""
    return dump({name: value(run, name) for name in columns})


def dump(value: Any) -> str:
    """JSON in ASCII."""
    return _encode(value) if value or not isinstance(value, dict | tuple) else "{}" if isinstance(value, dict) else "[]"


@functools.lru_cache(maxsize=64)
def _grid(grid: Intensity) -> str:
    return dump(grid.to_dict())


def _devices(devices: Sequence[Device]) -> str:
    return ",".join([
        f'{_device(still(it))},"energy_j":{_number(it.energy_j)},"energy_j_range":[{_number(low)},{_number(high)}]}}'
        for it in devices for low, high in (it.energy_j_range,)
    ])  # fmt: skip


@functools.lru_cache(maxsize=256)
def _device(still: Sequence[Any]) -> str:
    return _encode(dict(zip(STILL_OF_A_DEVICE, still, strict=True)))[:-1]


def _joules(devices: Sequence[Device]) -> str:
    return ",".join([
        f"[{_name(it.name, it.kind)},{_number(it.energy_j)},{_number(low)},{_number(high)}]"
        for it in devices for low, high in (it.energy_j_range,)
    ])  # fmt: skip


@functools.lru_cache(maxsize=256)
def _name(name: str, kind: str) -> str:
    return f"{_encode(name)},{_encode(kind)}"


def _number(value: Any) -> str:
    return repr(value) if type(value) is float and math.isfinite(value) else _encode(value)


def _plain(value: Any) -> object:
    """What JSON does not know: dataclasses and mappings as dicts, NumPy's numbers as numbers, anything else as text."""
    told = fields(type(value))
    if told is not None:
        names, get = told
        return dict(zip(names, get(value), strict=True))
    if isinstance(value, Mapping):
        return dict(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)


_encode = json.JSONEncoder(separators=(",", ":"), default=_plain, check_circular=False).encode  # no run holds itself
