"""Counts of pixels, made once; then every score is a sum over them. Imports no torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from comus_core.evaluation.bootstrap import CountedImages, PairedBootstrap, paired_bootstrap
    from comus_core.evaluation.counts import Counts, count_image
    from comus_core.evaluation.image_rows import ImageRows
    from comus_core.evaluation.matching import Matching, iou_matrix, match
    from comus_core.evaluation.report import CurvePoint, Score, filter_curve, score

__all__ = [
    "CountedImages",
    "Counts",
    "CurvePoint",
    "ImageRows",
    "Matching",
    "PairedBootstrap",
    "Score",
    "count_image",
    "filter_curve",
    "iou_matrix",
    "match",
    "paired_bootstrap",
    "score",
]

_HOMES = {
    "CountedImages": "bootstrap",
    "Counts": "counts",
    "CurvePoint": "report",
    "ImageRows": "image_rows",
    "Matching": "matching",
    "PairedBootstrap": "bootstrap",
    "Score": "report",
    "count_image": "counts",
    "filter_curve": "report",
    "iou_matrix": "matching",
    "match": "matching",
    "paired_bootstrap": "bootstrap",
    "score": "report",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
