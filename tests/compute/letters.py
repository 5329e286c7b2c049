"""Plans of shards for other processes: their work is in functions inside functions, as that of stages is."""

import os
import signal
from functools import partial
from pathlib import Path

import pyarrow as pa

from comus_core.compute import computing, current
from comus_core.errors import DatasetError
from comus_core.types import no_progress
from comus_core.workspace.artifacts import Artifact, ArtifactKey, ArtifactStore

IDS = [f"image{n:02d}.png" for n in range(12)]


def dies_once(marks: Path, image_id: str) -> None:
    """Kill this process, the first time that it comes to an image."""
    mark = marks / f"{image_id}.killed"
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def dies(_: Path, image_id: str) -> None:
    os._exit(3)


def fails(_: Path, image_id: str) -> None:
    raise ZeroDivisionError(f"a fault in {image_id}")


def refuses(_: Path, image_id: str) -> None:
    raise DatasetError(f"image {image_id}: no such thing")


def waits(marks: Path, image_id: str) -> None:
    """Stay at an image, and say which process does."""
    (marks / f"{os.getpid()}.pid").touch()
    signal.pause()


def make(root: Path, compute: str, at: dict[str, object] | None = None, on_progress=no_progress) -> Artifact:
    """The upper-case letters of some ids, four a shard; `at` is what happens at an id."""
    marks, happens = root / "marks", dict(at or {})
    marks.mkdir(parents=True, exist_ok=True)

    def work(ids, tick, folder):
        rows = []
        for image_id in ids:
            if image_id in happens:
                happens[image_id](marks, image_id)
            rows.append(image_id.upper())
            tick(1)
        return pa.table({"id": list(ids), "upper": rows})

    with computing(compute):
        store = ArtifactStore(root / "artifacts")
        make_it = partial(store.make_sharded, ArtifactKey("letters", 1), IDS, work)
        return make_it(stage="letters", on_progress=on_progress, shard_size=4, spread=current())
