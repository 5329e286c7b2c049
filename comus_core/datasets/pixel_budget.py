"""Limits on the pixels in memory at once, over all threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

DECODING_PIXELS = 2**26  # of images being decoded at once, 7 bytes each; a larger image is decoded alone
WAITING_PIXELS = 2**25  # of decoded images in the queue, 3 bytes each
BATCH_PIXELS = 2**25  # of images or crops in one batch


class PixelBudget:
    """A semaphore of `limit` pixels over all threads; a single thread may exceed it."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self._changed = Condition()

    @contextmanager
    def holding(self, pixels: int) -> Iterator[None]:
        """Wait until that many pixels are free, and hold them during the block."""
        with self._changed:
            self._changed.wait_for(lambda: not self.held or self.held + pixels <= self.limit)
            self.held += pixels
        try:
            yield
        finally:
            with self._changed:
                self.held -= pixels
                self._changed.notify_all()


DECODING = PixelBudget(DECODING_PIXELS)
