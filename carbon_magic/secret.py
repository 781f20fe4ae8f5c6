"""Addresses that may have a password in them."""

from __future__ import annotations


class Address(str):
    """A text like any other, which does not show itself: not in Out[], not in %config, not in a verbose traceback."""

    __slots__ = ()

    def __repr__(self) -> str:
        scheme, there, _ = self.partition("://")
        return f"'{scheme}://***'" if there else "'***'"


def hidden(value: object) -> object:
    """The same, an address if it is one."""
    return Address(value) if isinstance(value, str) and "://" in value else value
