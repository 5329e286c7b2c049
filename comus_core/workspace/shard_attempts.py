"""Records of killed attempts at a shard, so that the same image does not kill the next process as well.

A shard that was killed twice is processed one image at a time; an image that then kills the process again is skipped,
with the reason. Cancelled and failed attempts do not count, nor does a kill by the supervisor of a cancelled one, and a
single kill changes nothing: the next process repeats the work and ends with the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from comus_core.files.atomic import write_json

SUFFIX = ".attempt.json"
SET_ASIDE = "set_aside.json"  # in a finished artifact: skipped image id -> reason; no file if there is none
KILLS = 2  # after which a shard is processed image by image


@dataclass
class Attempt:
    """The record beside a shard.

    Attributes:
        file: where it is kept.
        kills: number of processes killed at this shard.
        at_work: whether a process is working on it, or was when it was killed.
        image: the current image, if it works image by image.
        set_aside: skipped image id -> reason.
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
        """Record that a process is working on the shard, or on one image of it, during the block."""
        self.at_work, self.image = True, image
        self.keep()
        try:
            yield
        finally:  # not reached by a process that is killed
            self.at_work, self.image = False, None
            self.keep()

    def keep(self) -> None:
        """Write the record, or remove its file if it is empty."""
        if self.at_work or self.kills or self.set_aside:
            write_json(self.file, {name: value for name, value in asdict(self).items() if name != "file"})
        else:
            self.file.unlink(missing_ok=True)


def attempt_at(shard: Path, place: str) -> Attempt:
    """Begin an attempt, counting a kill of the last one.

    `place` is the artifact relative to the workspace, to be deleted for another try.
    """
    attempt = _read(shard.with_suffix(SUFFIX))
    if attempt.at_work:
        attempt.kills, attempt.at_work = attempt.kills + 1, False
        if attempt.image is not None:
            attempt.set_aside[attempt.image] = (
                f"the process was killed {attempt.kills} times at its part of the images, the last time at this image "
                f"alone (out of memory?): reduce its size, or free memory, delete {place} and run again"
            )
            attempt.image = None
        attempt.keep()
    return attempt


def excuse(shards: Path) -> None:
    """Exclude the kill of the process working in a folder of shards, to be called just before that kill.

    Their process must be stopped already.
    """
    for file in shards.glob(f"*{SUFFIX}"):
        attempt = _read(file)
        if attempt.at_work:
            attempt.at_work, attempt.image = False, None
            attempt.keep()


def _read(file: Path) -> Attempt:
    try:
        return Attempt(file, **json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):  # missing or incomplete
        return Attempt(file)


def set_aside_in(shards: Path) -> Mapping[str, str]:
    """Skipped image id -> reason, of all shards in a folder."""
    reasons: dict[str, str] = {}
    for file in sorted(shards.glob(f"*{SUFFIX}")):
        reasons |= json.loads(file.read_text())["set_aside"]
    return reasons
