"""Out by every export format and back in: nothing has changed, and the next export has the same bytes."""

import pytest

from comus_core import ExportSettings, ImportSettings, curation, export_run, find_round, import_annotations
from comus_core.proposals.mask_edits import grown
from comus_core.runs.run_view import open_run_view
from tests.builders import copy_of

EXPORTS = [
    ("coco", {}),
    ("coco", {"masks": "polygons"}),
    ("coco", {"images": "none"}),
    ("coco", {"objects": "core"}),
    ("voc", {}),
    ("yolo", {"validation": 0.3}),
    ("yolo-detect", {}),
    ("label-studio", {}),
    ("label-studio", {"masks": "polygons"}),
    ("cvat", {}),
    ("cvat", {"masks": "polygons"}),
    ("labelme", {}),
    ("labelme", {"masks": "rle", "images": "none"}),
    ("csv", {}),
]


@pytest.fixture(scope="module")
def decided(finished, tmp_path_factory):
    """(workspace, run) with two categories of one name, a name like a formula, a hole, two parts, an erased mask."""
    workspace, run = copy_of(finished, tmp_path_factory.mktemp("round_trip"))
    view = open_run_view(workspace, run)
    for k, name in enumerate(("dog", "dog", "=1+1, a: b")):
        curation.rename(view, k, name)
    first, second, third = (str(p) for p in view.proposals.proposal_id[:3])
    hole = view.proposals.mask(0) & ~grown(_centre(view.proposals.mask(0)), 3)
    curation.redraw(view, first, hole)
    halves = view.proposals.mask(1).copy()
    middle = int(halves.any(axis=0).nonzero()[0].mean())
    halves[:, middle : middle + 3] = False
    curation.redraw(view, second, halves)
    curation.erase(view, [third])
    return workspace, run


def _centre(mask):
    point = mask & False
    rows, columns = mask.nonzero()
    point[int(rows.mean()), int(columns.mean())] = True
    return point


def files_of(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize(("name", "more"), EXPORTS)
def test_an_export_comes_back_with_nothing_changed_and_the_next_one_is_equal(decided, tmp_path, name, more):
    workspace, run = decided
    subject = find_round(workspace, run.id, 0)
    out = tmp_path / "first"
    export_run(subject, workspace, ExportSettings(name, str(out), **more))
    result = import_annotations(run, workspace, ImportSettings(str(out)), device="cpu")
    assert result.plan.changes_nothing, result.plan.lines()
    assert result.plan.problems == () and result.plan.objects == result.plan.unchanged > 0
    assert not result.new and result.run == run.id
    export_run(subject, workspace, ExportSettings(name, str(tmp_path / "second"), **more))
    assert files_of(out) == files_of(tmp_path / "second")
