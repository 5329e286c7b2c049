"""Masks as polygons: the outline of each part, with its holes cut open or apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.measure import approximate_polygon, find_contours

from comus_core.export.records import ExportObject
from comus_core.types import BoolMask, FloatArray

LEAST = 3  # corners of a polygon
NEAR = 1e-4  # pixels by which an outline through centres stays outside of them


@dataclass(frozen=True)
class Outline:
    """A connected part of a mask (4 neighbours).

    Attributes:
        outer: (k, 2) x, y in pixels, the left upper corner of the image is 0, 0; not closed: the last corner joins the
            first.
        holes: the same of each hole.
    """

    outer: FloatArray
    holes: tuple[FloatArray, ...] = ()


def outlines(one: ExportObject, tolerance: float, *, centres: bool = False) -> list[Outline]:
    """The parts of an object's mask, largest first; see `outlines_of`."""
    shift = np.array(one.box_xyxy[:2])
    return [
        Outline(part.outer + shift, tuple(hole + shift for hole in part.holes))
        for part in outlines_of(one.crop, tolerance, centres=centres)
    ]


def outlines_of(mask: BoolMask, tolerance: float, *, centres: bool = False) -> list[Outline]:
    """The parts of a mask (h, w).

    The outline runs half-way between the centres of pixels inside and outside, for programs that fill the pixels whose
    centre is inside (pycocotools); with `centres` through the centres of the outermost pixels, for those that fill the
    pixels on the outline too (OpenCV, Pillow). It is then thinned by Douglas and Peucker's rule to within `tolerance`
    pixels; below 0.35 the same pixels are filled, as no centre is nearer to the first outline.
    """
    level = 1 - NEAR if centres else 0.5
    parts, count = ndimage.label(mask)
    found = []
    for number, box in enumerate(ndimage.find_objects(parts), 1):
        inside = parts[box] == number
        rings = [_thinned(ring, tolerance) for ring in find_contours(np.pad(inside, 1).astype(np.float64), level)]
        shift = np.array(
            [box[1].start - 0.5, box[0].start - 0.5]
        )  # of the padding, and from centres to corners of pixels
        rings = sorted((ring + shift for ring in rings), key=lambda ring: -abs(signed_area(ring)))
        found.append((int(inside.sum()), Outline(rings[0], tuple(rings[1:]))))
    assert len(found) == count
    return [outline for _, outline in sorted(found, key=lambda entry: -entry[0])]


def cut_open(outline: Outline) -> FloatArray:
    """One polygon with its holes: each is joined to the outside by a cut of no width, there and back.

    Programs that fill by the even-odd or the non-zero rule leave the holes open: they run the other way round.
    """
    ring = _oriented(outline.outer, positive=True)
    for hole in sorted(outline.holes, key=lambda hole: float(hole[:, 0].min())):
        ring = _with_detour(ring, _oriented(hole, positive=False))
    return ring


def in_one(one: ExportObject, tolerance: float) -> FloatArray:
    """(k, 2) x, y of one polygon for a whole object, through centres: its parts are joined by cuts of no width."""
    first, *others = [cut_open(part) for part in outlines(one, tolerance, centres=True)]
    for other in others:
        first = _with_detour(first, other)
    return first


def _with_detour(ring: FloatArray, other: FloatArray) -> FloatArray:
    """A ring that at its corner nearest to another ring goes there, once around that one, and back."""
    apart = ((ring[:, None] - other[None]) ** 2).sum(axis=2)
    at, start = np.unravel_index(int(apart.argmin()), apart.shape)
    return np.concatenate([ring[: at + 1], other[start:], other[: start + 1], ring[at:]])


def coco_polygons(one: ExportObject, tolerance: float) -> list[list[float]]:
    """COCO's `segmentation`: a polygon a part, x and y in turn, to a hundredth of a pixel."""
    return [np.round(cut_open(part), 2).ravel().tolist() for part in outlines(one, tolerance)]


def signed_area(ring: FloatArray) -> float:
    """Square pixels; the sign says which way round it runs."""
    x, y = ring.T
    return float(0.5 * (x @ np.roll(y, -1) - y @ np.roll(x, -1)))


def _oriented(ring: FloatArray, positive: bool) -> FloatArray:
    return ring if (signed_area(ring) > 0) == positive else ring[::-1]


def _thinned(ring: FloatArray, tolerance: float) -> FloatArray:
    """(k, 2) x, y of a closed (row, column) ring, without its repeated end."""
    thin = approximate_polygon(ring, tolerance) if tolerance > 0 else ring
    thin = thin if len(thin) > LEAST else ring
    return np.ascontiguousarray(thin[:-1, ::-1])
