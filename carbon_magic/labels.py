"""Names, stages and tags as users give them: cleaned where that loses nothing, refused in a sentence where it would."""

from __future__ import annotations

import keyword
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .run import Tag


class Label(NamedTuple):
    """What people call a run, and where it belongs."""

    name: str
    stage: str | None
    tags: Mapping[str, Tag]
    project: str
    host: str
    seed: int | None = None
    notebook: str | None = None
    cell_hash: str | None = None
    git_commit: str | None = None


LONGEST = 200
MOST_TAGS = 64


def clean(text: str) -> str:
    """Without control characters and lone surrogates, at most LONGEST characters."""
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    text = "".join(c if c.isprintable() or c == "\u200d" else " " if c.isspace() else "\ufffd" for c in text)
    return " ".join(text.split())


def name(value: Any, default: str) -> str:
    """A run's name. None or nothing but spaces gives the default."""
    return _text(value, "name") or default


def stage(value: Any) -> str | None:
    """A run's stage: explore, train, tune, evaluate, final, or the user's own word."""
    return _text(value, "stage") or None


def tag_pairs(given: Sequence[str] | None) -> dict[str, str]:
    """Tags as they are typed. ValueError in a sentence for what is no KEY=VALUE."""
    found: dict[str, str] = {}
    for pair in given or ():
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise ValueError(f"a tag is KEY=VALUE, which {clean(pair)!r} is not")
        found[key] = value
    return found


def tags(value: Any) -> dict[str, Tag]:
    """A run's tags: at most MOST_TAGS texts, numbers or truth values under text keys."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"tags are a dict such as {{'lr': 0.1}}, not {type(value).__name__}")
    if len(value) > MOST_TAGS:
        raise ValueError(f"at most {MOST_TAGS} tags fit on a run, not {len(value):,}")
    try:
        told = list(value.items())
    except Exception as error:  # a mapping of the user's own making may raise anything
        raise TypeError(
            f"the tags cannot be read: their {type(value).__name__} raised {type(error).__name__}"
        ) from error
    return {_key(key): _tag(key, tag) for key, tag in told}


def seed(value: Any) -> int | None:
    """The seed of a run's random numbers: a whole number of at most 64 bits."""
    if value is None:
        return None
    if hasattr(value, "item") and not isinstance(value, int):  # a number of NumPy's
        value = value.item()
    if isinstance(value, str) and value.strip().removeprefix("-").isdecimal() and len(value) < LONGEST:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise ValueError(f"a seed is a whole number of at most 64 bits, which {clean(str(value)[:40])!r} is not")
    return value


def _key(key: Any) -> str:
    if not isinstance(key, str) or not clean(key):
        raise TypeError(
            f"a tag's key is a text, not {type(key).__name__}" if not isinstance(key, str) else "a tag needs a key"
        )
    return clean(key)


def _tag(key: Any, tag: Any) -> Tag:
    if not isinstance(tag, str | int | float) and hasattr(tag, "item"):  # a number of NumPy's
        try:
            tag = tag.item()
        except Exception as error:
            raise TypeError(f"tag {clean(str(key))!r} is not a single number") from error
    if isinstance(tag, str):
        return clean(tag)
    if isinstance(tag, float):
        return float(tag) if math.isfinite(tag) else str(tag)
    if isinstance(tag, int):
        if abs(tag) >= 2**63:
            raise ValueError(f"tag {clean(str(key))!r} is too large a number: give it as a text")
        return tag
    raise TypeError(f"tag {clean(str(key))!r} is a {type(tag).__name__}: a text, a number or True/False fits")


def _text(value: Any, what: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"a {what} is a text, not {type(value).__name__}")
    return clean(value)


def variable(value: str) -> str:
    """A name that a cell may assign to."""
    if not value.isidentifier() or keyword.iskeyword(value):
        raise ValueError(f"-o needs the name of a variable, which {clean(value)!r} cannot be")
    return value
