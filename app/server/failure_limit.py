"""A limit on how often one may be wrong."""

from __future__ import annotations

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable

MOST, WINDOW = 10, 60.0  # so many wrong tokens from one address in so many seconds
MOST_OF_ALL = 200  # from all addresses together
MOST_CLIENTS = 4096  # addresses remembered


class FailureLimit:
    """The times of the last failures, by the address that they came from and of all together."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._of_client: OrderedDict[str, deque[float]] = OrderedDict()
        self._of_all: deque[float] = deque(maxlen=MOST_OF_ALL)

    def add(self, client: str) -> None:
        """Note a failure."""
        now = self._now()
        self._of_client.setdefault(client, deque(maxlen=MOST)).append(now)
        self._of_client.move_to_end(client)
        while len(self._of_client) > MOST_CLIENTS:
            self._of_client.popitem(last=False)
        self._of_all.append(now)

    def wait(self, client: str) -> int:
        """Seconds to wait before the next attempt, 0 for none."""
        return max(self._left(self._of_client.get(client), MOST), self._left(self._of_all, MOST_OF_ALL))

    def _left(self, times: deque[float] | None, most: int) -> int:
        if not times or len(times) < most:
            return 0
        return max(0, math.ceil(times[0] + WINDOW - self._now()))
