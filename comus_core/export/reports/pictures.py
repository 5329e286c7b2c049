"""The pictures of a report: crops of clusters, and images with their errors, as JPEGs inside the page."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from comus_core.datasets.demo import drawing
from comus_core.errors import ComusError
from comus_core.evaluation.error_map import INVENTED, MISSED, WRONG_CLASS, error_map
from comus_core.export.reports.facts import RunFacts
from comus_core.runs.opened_round import OpenedRound
from comus_core.runs.run_truth import truth_of_run
from comus_core.types import IntArray

CROP, IMAGE, CORE, FILTERED = 96, 320, 8, 4  # pixels of the longer side; crops of a cluster
OUTLINE = "#ffffff"
ERROR_COLOURS = {WRONG_CLASS: (213, 94, 0), MISSED: (0, 114, 178), INVENTED: (240, 228, 66)}
ERROR_WORDS = {WRONG_CLASS: "wrong class", MISSED: "missed object", INVENTED: "background taken for an object"}
Readable = Callable[[str, Path], Path]  # (image, its file) -> the file to read; may raise


class Pictures:
    """Pictures of one run as `data:` addresses.

    Args:
        facts: of the run.
        readable: called for every image: a server refuses links out of the allowed folders.
    """

    def __init__(self, facts: RunFacts, readable: Readable = lambda _, path: path) -> None:
        self._facts, self._view, self._readable = facts, facts.view, readable
        self._decided = self._view.workspace.decisions_of(facts.run)

    def crops(self, rows: IntArray, most: int) -> list[tuple[str, str]]:
        """(proposal id, picture) of the first so many proposals; those whose image cannot be read are left out."""
        found: list[tuple[str, str]] = []
        masks = self._view.masks(self._decided)
        for row in rows[:most]:
            try:
                path = self._path(int(self._view.image_row[row]))
                crop = drawing.crop(path, masks.mask(int(row)), masks.box_xyxy[row], CROP, OUTLINE)
            except (ComusError, OSError):  # the image is gone; the rest of the report stands
                continue
            found.append((str(self._view.proposals.proposal_id[row]), _address(drawing.to_jpeg(crop, 80))))
        return found

    def failures(self) -> list[tuple[str, float, str, str | None]]:
        """(image id, IoU, picture, picture with its errors) of the worst images; None where errors cannot be drawn."""
        found: list[tuple[str, float, str, str | None]] = []
        for image_id, iou in self._facts.worst:
            row = self._view.image_row_of.get(image_id)
            if row is None:  # of another data set
                continue
            try:
                picture, _ = drawing.read_picture(self._path(row), IMAGE)
            except (ComusError, OSError):
                continue
            size = drawing.fitted((picture.height, picture.width), IMAGE)
            picture = picture.resize(size[::-1])
            errors = self._errors(image_id, picture)
            found.append((image_id, iou, _address(drawing.to_jpeg(picture, 80)), errors))
        return found

    def _errors(self, image_id: str, picture: Image.Image) -> str | None:
        scored = self._facts.shown
        if scored is None or scored.subject.dataset != self._facts.run.config.dataset:
            return None
        try:
            truth = truth_of_run(self._view.workspace, self._facts.run)
            if truth is None or not truth.has(image_id):
                return None
            mask = OpenedRound(scored.subject, self._view).mask(image_id)
            errors = error_map(mask, truth.mask(image_id), np.asarray(scored.matched.class_of), truth.ignore)
        except ComusError:
            return None
        small = np.asarray(Image.fromarray(errors).resize(picture.size, Image.Resampling.NEAREST))
        pixels = np.asarray(picture).astype(np.float64)
        for kind, colour in ERROR_COLOURS.items():
            pixels[small == kind] = 0.35 * pixels[small == kind] + 0.65 * np.array(colour)
        return _address(drawing.to_jpeg(Image.fromarray(pixels.astype(np.uint8)), 80))

    def _path(self, image_row: int) -> Path:
        return self._readable(str(self._view.image_ids[image_row]), self._view.image_path(image_row))


def _address(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
