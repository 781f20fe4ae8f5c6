"""What a service has not told, in a sentence."""

from __future__ import annotations


class LiveError(Exception):
    """In one plain sentence, fit for a run's note: no address, no key, nothing that a server wrote."""

    def __init__(self, sentence: str, again_s: float | None = None) -> None:
        super().__init__(sentence)
        self.again_s = again_s
        """After how long the service wants to be asked again, if it said so."""
