"""Ids and array types, with their shapes, that more than one room uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

ImageId: TypeAlias = str  # VOC stem, COCO decimal id, or POSIX path relative to the folder
ProposalId: TypeAlias = str  # f"{image_id}#{n}", unique within its proposals artifact

RgbImage: TypeAlias = NDArray[np.uint8]  # (H, W, 3), EXIF orientation applied
ByteArray: TypeAlias = NDArray[np.uint8]  # shares in 255ths, shape stated where used
SoftMap: TypeAlias = NDArray[np.float32]  # (h, w) in [0, 1], at the detector's own size
SoftMaps: TypeAlias = NDArray[np.float32]  # (n, h, w) in [0, 1], one map an object of one image
BoolMask: TypeAlias = NDArray[np.bool_]  # (H, W)
IndexMask: TypeAlias = NDArray[Any]  # (H, W) uint8 or uint16; 0 background, category + 1, ignore at the top
Vectors: TypeAlias = NDArray[np.float32]  # (n, d), raw
IntArray: TypeAlias = NDArray[Any]  # int32 or int64, shape stated where used
FloatArray: TypeAlias = NDArray[Any]  # float32 or float64, shape stated where used
StrArray: TypeAlias = NDArray[Any]  # (n,) dtype object or str: ids

StageName = Literal["images", "saliency", "features", "clustering", "projection", "pseudo_masks", "evaluation"]
STAGES: tuple[StageName, ...] = get_args(StageName)

MapMethod = Literal["tsne", "umap", "pca"]
MAP_METHODS: tuple[MapMethod, ...] = get_args(MapMethod)
MAP_NAMES: dict[str, str] = {"tsne": "t-SNE", "umap": "UMAP", "pca": "PCA"}

SimilarBy = Literal["mean", "nearest"]  # of several vectors: similar to their mean, or to the nearest of them


@dataclass(frozen=True)
class Progress:
    """Progress of a stage: `step` of `total` steps are done."""

    stage: str
    step: int
    total: int


OnProgress: TypeAlias = Callable[[Progress], None]  # may raise `Cancelled` to stop the stage


def no_progress(_: Progress) -> None:
    """Ignore progress."""
