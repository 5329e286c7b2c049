"""What a run will cost, before it starts: time from earlier runs on this machine, else from arithmetic."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from comus_core.config import ClusteringSettings, RunConfig
from comus_core.config.clustering import MOST_POINTS
from comus_core.features.encoders import encoder_spec
from comus_core.machine.device import cpu_cores
from comus_core.pipelines.model_selection import is_estimated
from comus_core.saliency.detectors import detector_spec
from comus_core.saliency.spec import ItemCost
from comus_core.workspace import Workspace

EFFICIENCY = 0.35  # share of the matrix-product speed that convolutions and attention reach
GPU_GFLOPS = 10_000.0  # a second, of a mid-range GPU at fp32
DECODE_SECONDS = 0.008  # a half-megapixel JPEG
HOW_MANY_SECONDS = 0.03  # a proposal that the choice of the number of clusters looks at: 6.5 s for 240, 28 s for 1,000
EXACT_UP_TO = 200_000  # points
JOIN_SECONDS = 2.6e-8  # of a core, a point that joins and a landmark
BASE_BYTES = 1_200_000_000  # of memory: the program, its networks and what they need for ordinary images
BYTES_PER_PIXEL = 8  # of memory, of the largest image: 7 while it is decoded, and what waits beside it
BYTES_PER_IMAGE = 16_000  # soft map, index mask and rows of tables


@dataclass(frozen=True)
class Estimate:
    """Seconds per stage, bytes of disk and memory, and where the seconds come from."""

    seconds: dict[str, float]
    disk_bytes: int
    memory_bytes: int
    measured: bool  # whether an earlier run on this machine gave the speeds of the long stages

    @property
    def total(self) -> float:
        """Seconds of all stages."""
        return sum(self.seconds.values())


def estimate(config: RunConfig, images: int, workspace: Workspace, device: str = "cpu", largest: int = 0) -> Estimate:
    """The cost of a run of `config` (with `auto` resolved) over so many images, if nothing is reused.

    `largest` are the pixels of the largest image (`images.sizes.largest_pixels`), which decide the peak of memory.
    """
    known = speeds(workspace, device)
    works = detector_cost(config).work, encoder_cost(config).work
    seconds = {stage: each * images for stage, each in seconds_per_image(config, workspace, device).items()}
    seconds["clustering"] = clustering_seconds(images, config.clustering)
    if is_estimated(config.clustering.clusters, True, config.clustering.method):
        seconds["clustering"] += HOW_MANY_SECONDS * min(images, 2000)
    seconds["projection"] = 12.0 + 0.01 * images
    seconds["pseudo_masks"] = seconds["evaluation"] = 0.01 * images
    return Estimate(
        seconds=seconds,
        disk_bytes=images * BYTES_PER_IMAGE,
        memory_bytes=memory_estimate(images, largest),
        measured=all(work in known for work in works),
    )


def clustering_seconds(points: int, settings: ClusteringSettings) -> float:
    """Seconds that so many points take to cluster on two cores, by the measurements of docs/scale.md.

    The graph is exact, so quadratic, up to 200,000 points. Where landmarks are clustered, each other point is compared
    with all of them (for 384 dimensions).
    """
    whole = min(points, settings.landmarks or MOST_POINTS) if settings.method == "spectral" else points
    exact = min(whole, EXACT_UP_TO)
    seconds = 1.0 + 1e-4 * whole + 3e-9 * exact**2 + 6e-4 * (whole - exact)
    return seconds + JOIN_SECONDS * whole * (points - whole) / cpu_cores()


def memory_estimate(images: int, largest: int) -> int:
    """Bytes of main memory at the peak of a run over so many images, of which the largest has so many pixels."""
    return BASE_BYTES + images * 12_000 + largest * BYTES_PER_PIXEL


def seconds_per_image(config: RunConfig, workspace: Workspace, device: str) -> dict[str, float]:
    """Seconds an image of `images`, `saliency` and `features`: measured here before, else by arithmetic."""
    known = speeds(workspace, device)
    saliency, encoder = detector_cost(config), encoder_cost(config)
    return {
        "images": known.get("images", DECODE_SECONDS),
        "saliency": known.get(saliency.work, _arithmetic(saliency, device)),
        "features": known.get(encoder.work, _arithmetic(encoder, device)),
    }


def detector_cost(config: RunConfig) -> ItemCost:
    """What an image costs the detector; `work` is what its speed is called in the table of speeds."""
    return detector_spec(config.saliency.detector).cost_for(config.saliency)


def encoder_cost(config: RunConfig) -> ItemCost:
    """What a crop costs the encoder, or an image that is pooled; nothing where the vectors are the user's own."""
    how, spec = config.features, encoder_spec(config.features.encoder)
    if how.pool == "mask" and not spec.path_kind:
        return ItemCost(f"{spec.name} mask {how.longer_side}", spec.gflop * (how.longer_side / spec.crop_size) ** 2)
    return ItemCost(spec.name, 0.0 if spec.path_kind else spec.gflop)


def free_disk(folder: Path) -> int:
    """Bytes free where `folder` is or will be."""
    import shutil

    existing = next(p for p in (folder, *folder.parents) if p.exists())
    return shutil.disk_usage(existing).free


def speeds(workspace: Workspace, device: str) -> dict[str, float]:
    """Seconds an item of each kind of work took on this machine and device before."""
    with workspace.database.reading() as connection:
        rows = connection.execute("SELECT work, seconds_per_item FROM speeds WHERE machine = ?", (_machine(device),))
        return {row["work"]: row["seconds_per_item"] for row in rows}


def remember_speeds(
    workspace: Workspace, config: RunConfig, device: str, seconds_per_item: Mapping[str, float]
) -> None:
    """Keep, for the next estimate, how fast each kind of artifact was made."""
    names = {"images": "images", "soft_maps": detector_cost(config).work, "features": encoder_cost(config).work}
    remember(workspace, {names[k]: seconds for k, seconds in seconds_per_item.items() if k in names}, device)


def remember(workspace: Workspace, seconds_of: Mapping[str, float], device: str) -> None:
    """Keep the seconds an item of each kind of work took on this machine and device."""
    rows = [(work, _machine(device), seconds) for work, seconds in seconds_of.items()]
    with workspace.database.writing(by_looking=True) as connection:
        connection.executemany("INSERT OR REPLACE INTO speeds VALUES (?, ?, ?)", rows)


def _machine(device: str) -> str:
    """This machine and device, as the table of speeds calls them."""
    return f"{platform.node()} {device}"


def _arithmetic(cost: ItemCost, device: str) -> float:
    speed = GPU_GFLOPS if device != "cpu" else matrix_speed() * EFFICIENCY
    return DECODE_SECONDS + cost.gflop / speed + cost.seconds


@lru_cache(maxsize=1)
def matrix_speed() -> float:
    """GFLOP a second of a float32 matrix product on all cores, measured in about 0.1 s.

    The fastest of five: what else the machine does at this moment slows the others, and the answer is kept.
    """
    square = np.ones((1024, 1024), np.float32)
    square @ square
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        square @ square
        seconds.append(time.perf_counter() - start)
    return 2 * 1024**3 / 1e9 / min(seconds)
