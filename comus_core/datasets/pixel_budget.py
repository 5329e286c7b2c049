"""How many pixels may be in memory at once, whichever threads hold them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

DECODING_PIXELS = 2**26  # of images being decoded at once, 7 bytes each; one larger than that is decoded alone
WAITING_PIXELS = 2**25  # of decoded images that wait for their turn, 3 bytes each
BATCH_PIXELS = 2**25  # of images or crops that are worked on together


class PixelBudget:
    """Lets threads in as long as what they hold together stays within `most` pixels; one alone is always let in."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0
        self._changed = Condition()

    @contextmanager
    def holding(self, pixels: int) -> Iterator[None]:
        """Wait until there is room for so many pixels, and hold them as long as the block lasts."""
        with self._changed:
            self._changed.wait_for(lambda: not self.held or self.held + pixels <= self.most)
            self.held += pixels
        try:
            yield
        finally:
            with self._changed:
                self.held -= pixels
                self._changed.notify_all()


DECODING = PixelBudget(DECODING_PIXELS)
