"""A run on drawn images, with names and decisions, exported once a format."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from comus_core import ExportSettings, curation, export_run, find_round
from comus_core.runs.run_view import open_run_view
from tests.builders import copy_of

NAMES = {0: "bird", 1: "fire, engine", 2: "名 🐟"}


@dataclass(frozen=True)
class Exporter:
    """Exports a run; what was exported before with the same settings is given again."""

    workspace: object
    run: object
    folder: Path

    @property
    def view(self):
        return open_run_view(self.workspace, self.run)

    def export(self, name, out=None, **settings):
        out = self.folder / (out or "-".join([name, *map(str, settings.values())]))
        settings = ExportSettings(name, str(out), **settings)
        return export_run(find_round(self.workspace, self.run.id, 0), self.workspace, settings)

    def truth(self):
        """Image id -> [(proposal id, stable id of its category, (H, W) bool)] of what is exported."""
        view = self.view
        decided = self.workspace.decisions_of(self.run)
        categories, masks = view.categories(decided), view.masks(decided)
        found = {str(i): [] for i in view.image_ids if i not in decided.layout.excluded}
        for row in np.flatnonzero(categories.category >= 0):
            one = (str(masks.proposal_id[row]), int(categories.id_of[row]), masks.mask(row))
            found[str(masks.image_id[row])].append(one)
        return found


@pytest.fixture(scope="module")
def exporter(finished, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports")
    workspace, run = copy_of(finished, folder)
    view = open_run_view(workspace, run)
    for category, name in NAMES.items():
        curation.rename(view, category, name)
    curation.exclude(view, [str(view.image_ids[4])])
    curation.erase(view, [str(view.proposals.proposal_id[0])])
    return Exporter(workspace, run, folder)


def iou(one, other):
    return (one & other).sum() / (one | other).sum()


def decoded(segmentation, height, width):
    """The mask of a COCO segmentation by pycocotools."""
    if isinstance(segmentation, list):
        segmentation = coco_mask.merge(coco_mask.frPyObjects(segmentation, height, width))
    return coco_mask.decode(segmentation).astype(bool)
