"""What a shard was at when its process was killed, so that the same image does not kill the next process as well.

A shard that was killed twice is worked one image at a time; an image that then kills again is set aside, with the
reason, and the others are done. A cancelled or failed shard counts for nothing, nor does a kill by whoever got tired of
waiting for the end of a cancelled one, and one kill changes nothing: the next process does the same again and ends with
the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from comus_core.files.atomic import write_json

SUFFIX = ".attempt.json"
SET_ASIDE = "set_aside.json"  # in a finished artifact: image id -> why it is missing; no file where nothing is
KILLS = 2  # after which a shard is worked image by image


@dataclass
class Attempt:
    """The record beside a shard.

    Attributes:
        file: where it is kept.
        kills: how often a process was killed at this shard.
        at_work: whether one is at it now, or was when it was killed.
        image: what it is at, where it works image by image.
        set_aside: image id -> the reason.
    """

    file: Path
    kills: int = 0
    at_work: bool = False
    image: str | None = None
    set_aside: dict[str, str] = field(default_factory=dict)

    @property
    def careful(self) -> bool:
        """Whether to work image by image."""
        return self.kills >= KILLS

    @contextmanager
    def working(self, image: str | None = None) -> Iterator[None]:
        """Keep on record that a process is at the shard, or at one image of it, as long as the block lasts."""
        self.at_work, self.image = True, image
        self.keep()
        try:
            yield
        finally:  # not reached by a process that is killed
            self.at_work, self.image = False, None
            self.keep()

    def keep(self) -> None:
        """Write it down; where there is nothing to remember, no file stays."""
        if self.at_work or self.kills or self.set_aside:
            write_json(self.file, {name: value for name, value in asdict(self).items() if name != "file"})
        else:
            self.file.unlink(missing_ok=True)


def attempt_at(shard: Path, place: str) -> Attempt:
    """The attempt that begins now; what the last one was at when it was killed is counted.

    Args:
        shard: the file to be made.
        place: of the artifact, relative to the workspace: what to delete to try again.
    """
    known = _read(shard.with_suffix(SUFFIX))
    if known.at_work:
        known.kills, known.at_work = known.kills + 1, False
        if known.image is not None:
            known.set_aside[known.image] = (
                f"the process was killed {known.kills} times at its part of the images, the last time at this image "
                f"alone (out of memory?): scale it down, or free memory, delete {place} and run again"
            )
            known.image = None
        known.keep()
    return known


def excuse(shards: Path) -> None:
    """Let the kill of the process that is at work in a folder of shards not count: for whoever kills it, just before.

    Args:
        shards: folder of the shards; their process must have been stopped, else it may be at another meanwhile.
    """
    for file in shards.glob(f"*{SUFFIX}"):
        known = _read(file)
        if known.at_work:
            known.at_work, known.image = False, None
            known.keep()


def _read(file: Path) -> Attempt:
    try:
        return Attempt(file, **json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):  # none, or half of one
        return Attempt(file)


def set_aside_in(shards: Path) -> Mapping[str, str]:
    """Image id -> reason, of all shards of a folder."""
    found: dict[str, str] = {}
    for file in sorted(shards.glob(f"*{SUFFIX}")):
        found |= json.loads(file.read_text())["set_aside"]
    return found
