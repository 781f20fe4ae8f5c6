"""A service's key: from the environment or the system's keyring, never written, never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from .error import LiveError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .service import Service

KEYRING = "carbon_magic"
_LONGEST = 2000


class Key:
    """A secret that no print, log, traceback or pickle can show."""

    __slots__ = ("_words",)

    def __init__(self, words: str) -> None:
        self._words = words

    def reveal(self) -> str:
        """For the header of a request, and nothing else."""
        return self._words

    def __repr__(self) -> str:
        return "<key>"

    __str__ = __repr__

    def __format__(self, how: str) -> str:
        return "<key>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not to be written down")


def variable(name: str) -> str:
    """Where the environment holds it."""
    return f"CARBON_MAGIC_{name.upper()}_KEY"


def find(service: Service, environ: Mapping[str, str]) -> Key | None:
    """None where the service needs none. LiveError where it does and there is none, or none that can be sent."""
    if not service.needs_key:
        return None
    words = (environ.get(variable(service.name)) or _from_keyring(service.name) or "").strip()
    if not words:
        raise LiveError(
            f"{service.title} needs a key: set {variable(service.name)}, or keep it in the system's keyring "
            f"(keyring set {KEYRING} {service.name})"
        )
    if not words.isascii() or not words.isprintable() or len(words) > _LONGEST:
        raise LiveError(f"the key for {service.title} has characters that no key has")
    return Key(words)


def _from_keyring(name: str) -> str | None:
    """Asked by a thread of ours only: a keyring may want to be unlocked first."""
    try:
        import keyring

        return keyring.get_password(KEYRING, name)
    except Exception:
        return None  # not installed, no backend, locked: the sentence says what to do
