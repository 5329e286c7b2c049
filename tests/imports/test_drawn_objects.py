"""Drawn objects leave by exports and come back by imports: unchanged, with another mask, without one."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from comus_core import (
    BundleSettings,
    ExportSettings,
    ImportSettings,
    curation,
    export_run,
    find_round,
    import_annotations,
    objects,
    open_workspace,
    stages,
)
from comus_core.curation import NewObject
from comus_core.datasets.dataset import open_dataset
from comus_core.export.bundle import bundle
from comus_core.export.bundle_opening import open_bundle
from comus_core.export.export_preview import preview_export
from comus_core.imports.formats import read_file
from comus_core.proposals.mask_edits import grown
from comus_core.runs.decided_objects import decided_objects
from comus_core.runs.run_view import open_run_view
from comus_core.stages import StageContext
from comus_core.types import no_progress
from tests.imports.label_studio import submitted
from tests.imports.writing import coco, rle, write


@pytest.fixture
def drawn(place):
    """(workspace, run, ids) with an object drawn in an empty image, one in a new category, and one erased."""
    workspace, run = place
    view = open_run_view(workspace, run)
    first, empty = str(view.image_ids[0]), str(view.image_ids[-1])
    curation.draw(view, empty, [NewObject(box(view, empty, 5), 1), NewObject(box(view, empty, 40), "stub")])
    mask = view.proposals.mask(view.row_of[f"{first}#0"])
    top = mask & (np.cumsum(mask.ravel()).reshape(mask.shape) <= mask.sum() // 3)
    curation.separate(view, f"{first}#0", [NewObject(top, 2)])
    curation.draw(view, first, [NewObject(corner(view, first), 1)])
    curation.erase(view, [f"{first}#d2"])
    return workspace, run, [f"{first}#d1", f"{empty}#d1", f"{empty}#d2"]


def box(view, image_id, top):
    mask = np.zeros(tuple(view.image_sizes[view.image_row_of[image_id]]), bool)
    mask[top : top + 12, 10:40] = True
    return mask


def corner(view, image_id):
    mask = np.zeros(tuple(view.image_sizes[view.image_row_of[image_id]]), bool)
    mask[-3:, -3:] = True
    return mask


def now(workspace, run):
    view = open_run_view(workspace, run)
    return decided_objects(view, workspace.decisions_of(run))


def masks_of(found):
    return {str(i): found.masks.mask(row) for row, i in enumerate(found.ids) if found.masks.area[row] > 0}


def with_drawn(found, change):
    """A COCO file of all objects in use; `change` gives other masks of drawn ones, None for none."""
    content = coco(found.view)
    number = {image["file_name"]: image["id"] for image in content["images"]}
    paths = dict(zip(found.view.image_ids, found.view.image_paths, strict=True))
    for row in range(len(found.view), len(found)):
        name, mask = str(found.ids[row]), found.masks.mask(row) if found.used[row] else None
        mask = mask if mask is None else change(name, mask)
        if mask is not None:
            image = number[str(paths[found.masks.image_id[row]])]
            entry = {"id": 1000 + row, "image_id": image, "category_id": int(found.id_of[row]) + 1, "comus_id": name}
            content["annotations"].append(entry | {"segmentation": rle(mask)})
    return content


def pseudo_masks(workspace, run):
    artifact = workspace.artifact(run, "pseudo_masks")
    rows = artifact.table().to_pylist()
    return {row["image_id"]: np.asarray(Image.open(artifact.file(row["file"]))) for row in rows}


@pytest.mark.parametrize("name", ["coco", "label-studio", "csv"])
@pytest.mark.parametrize("scope", ["all", "core", "accepted"])
def test_exported_drawn_objects_come_back_unchanged_and_the_preview_counts_them(drawn, tmp_path, name, scope):
    workspace, run, ids = drawn
    settings = ExportSettings(name, str(tmp_path / "out"), objects=scope)
    preview = preview_export(find_round(workspace, run.id, 0), workspace, settings)
    export_run(find_round(workspace, run.id, 0), workspace, settings)
    written = [o.object_id for o in read_file(tmp_path / "out").objects]
    assert len(written) == preview.objects == sum(c["objects"] for c in preview.categories)
    assert set(ids) <= set(written) and not any(i.endswith("#d2") and i not in ids for i in written)
    plan = import_annotations(run, workspace, ImportSettings(str(tmp_path / "out")), device="cpu").plan
    assert plan.changes_nothing and plan.problems == () and plan.unchanged == plan.objects == len(written), plan.lines()


def test_a_drawn_object_that_is_named_is_exported_alone(drawn, tmp_path):
    workspace, run, ids = drawn
    settings = ExportSettings("coco", str(tmp_path / "out"), proposals=(ids[0],))
    export_run(find_round(workspace, run.id, 0), workspace, settings)
    assert [o.object_id for o in read_file(tmp_path / "out").objects] == ids[:1]
    result = import_annotations(run, workspace, ImportSettings(str(tmp_path / "out")), device="cpu")
    assert result.plan.changes_nothing, "what was not exported is not missing"


def test_another_category_in_the_file_moves_it_in_the_same_run(drawn, tmp_path):
    workspace, run, ids = drawn
    content = with_drawn(now(workspace, run), lambda _, mask: mask)
    next(a for a in content["annotations"] if a.get("comus_id") == ids[1])["category_id"] = 1
    path = write(tmp_path / "a.json", content)
    result = import_annotations(run, workspace, ImportSettings(str(path), missing="remove"), device="cpu")
    assert not result.new and [(m.proposal, m.category) for m in result.plan.moved] == [(ids[1], 0)]
    found = now(workspace, run)
    assert found.id_of[found.row_of[ids[1]]] == 0


def test_changed_and_removed_drawn_masks_go_on_as_drawn_objects_of_a_new_run(drawn, tmp_path):
    workspace, run, (part, first, second) = drawn
    before = now(workspace, run)
    curation.move(before.view, [part], 0)
    before = now(workspace, run)
    old = masks_of(before)
    changes = {first: grown(old[first], 2), second: None}
    path = write(tmp_path / "a.json", with_drawn(before, lambda name, mask: changes.get(name, mask)))
    result = import_annotations(run, workspace, ImportSettings(str(path), missing="remove"), device="cpu")
    assert [c.proposal for c in result.plan.changed] == [first] and [r.proposal for r in result.plan.removed] == [
        second
    ]
    assert result.new and not result.plan.new and not result.plan.moved and result.plan.problems == ()
    new = workspace.runs.get(result.run)
    after = now(workspace, new)
    masks = masks_of(after)
    assert np.array_equal(masks.pop(first), changes[first]) and second not in masks
    assert all(np.array_equal(masks[i], old[i]) for i in masks) and masks.keys() == old.keys() - {first, second}
    assert len(after.view) == len(before.view) and not any("#d" in i for i in after.view.proposals.proposal_id)
    row = after.row_of
    assert [int(after.id_of[row[i]]) for i in (part, first)] == [0, 1]
    assert after.parent(row[part]) == part.replace("#d1", "#0")
    assert after.erased[row[part.replace("#d1", "#d2")]], "an erased one can still be put back"
    stub = [k for k in before.view.labels(before.decided).ids if before.decided.name_of(k) == "stub"]
    assert after.decided.name_of(stub[0]) == "stub", "the category that was made for the removed one goes on"
    was, learned = pseudo_masks(workspace, _with_masks(before)), pseudo_masks(workspace, new)
    image = first.rpartition("#")[0]
    assert (learned.pop(image) == 2).sum() == changes[first].sum() and was.pop(image) is not None
    assert was.keys() == learned.keys() and all(np.array_equal(was[i], learned[i]) for i in was)
    again = import_annotations(new, workspace, ImportSettings(str(path), missing="remove"), device="cpu")
    assert again.plan.changes_nothing, again.plan.lines()


def _with_masks(found):
    """The run with pseudo-masks of its decisions, made now."""
    workspace, run = found.view.workspace, found.view.run
    dataset = open_dataset(run.config.dataset, workspace.drawings)
    context = StageContext(workspace, dataset, run.config, "cpu", no_progress)
    made = {kind: workspace.artifact(run, kind) for kind in ("images", "proposals", "clustering")}
    artifact = stages.pseudo_masks(context, made, found.decided)
    return replace(run, artifacts=run.artifacts | {"pseudo_masks": artifact.fingerprint})


def test_the_new_run_forgets_what_is_gone_and_can_be_bundled(drawn, tmp_path):
    """Proposals and drawn objects with decisions of their own are removed, the only ones of a category among them."""
    workspace, run, (part, first, _) = drawn
    view = open_run_view(workspace, run)
    a, b, c, d = (str(p) for p in view.proposals.proposal_id[1:5])
    curation.create(view, "alone", [a])
    curation.move(view, [b, d], 2)
    curation.accept(view, [c])
    curation.erase(view, [first])
    curation.merge(view, [0, 1])
    gone = {a, b, c, part.replace("#d1", "#0")}
    content = with_drawn(now(workspace, run), lambda _, mask: mask)
    content["annotations"] = [e for e in content["annotations"] if e["comus_id"] not in gone]
    path = write(tmp_path / "a.json", content)
    result = import_annotations(run, workspace, ImportSettings(str(path), missing="remove"), device="cpu")
    assert {r.proposal for r in result.plan.removed} == gone
    new = workspace.runs.get(result.run)
    after = now(workspace, new)
    assert set(map(str, after.ids)) == set(map(str, now(workspace, run).ids)) - gone
    assert after.parent(after.row_of[part]) == "", "what it was taken from is gone"
    alone = [k for k in after.view.labels(after.decided).ids if after.decided.name_of(k) == "alone"]
    assert len(alone) == 1 and alone[0] not in after.id_of
    assert after.id_of[after.row_of[d]] == 2 and after.erased[after.row_of[first]]
    bundle(new, workspace, BundleSettings(str(tmp_path / "b.zip")))
    receiver = open_workspace(tmp_path / "receiver")
    opened = open_bundle(tmp_path / "b.zip", receiver)
    there = now(receiver, receiver.runs.get(opened.id))
    assert there.ids.tolist() == after.ids.tolist() and there.id_of.tolist() == after.id_of.tolist()


def test_a_new_object_of_an_image_is_a_proposal_beside_the_drawn_ones(drawn, tmp_path):
    workspace, run, (_, first, _) = drawn
    found = now(workspace, run)
    content = with_drawn(found, lambda _, mask: mask)
    image = next(a["image_id"] for a in content["annotations"] if a.get("comus_id") == first)
    mask = box(found.view, first.rpartition("#")[0], 20)
    content["annotations"].append({"id": 9, "image_id": image, "category_id": 1, "segmentation": rle(mask)})
    path = write(tmp_path / "a.json", content)
    result = import_annotations(run, workspace, ImportSettings(str(path), missing="remove"), device="cpu")
    assert [n.proposal for n in result.plan.new] == [first.replace("#d1", "#0")] and not result.plan.removed
    after = masks_of(now(workspace, workspace.runs.get(result.run)))
    assert after.keys() == masks_of(found).keys() | {first.replace("#d1", "#0")}


def test_the_table_of_objects_has_them_with_measures_and_class(drawn):
    workspace, run, ids = drawn
    frame: pd.DataFrame = objects(run, workspace).frame().set_index("id")
    found = now(workspace, run)
    assert frame.index.tolist() == [str(i) for i in found.ids]
    for name in ids:
        row, line = found.row_of[name], frame.loc[name]
        points = np.argwhere(found.masks.mask(row))
        assert (line["centroid_y"], line["centroid_x"]) == pytest.approx(tuple(points.mean(axis=0)))
        assert line["area"] == len(points) and line["core"] and line["by_hand"] and not line["erased"]
        assert pd.isna(line["distance"]) and pd.isna(line["cluster"]) and pd.isna(line["score"])
        assert line["category"] == found.id_of[row]
    assert frame.loc[ids[1], "class"] != frame.loc[ids[0], "class"], "an empty image has background alone"


@pytest.mark.parametrize("masks", ["rle", "polygons"])
@pytest.mark.parametrize("meta", [True, False])
def test_label_studio_gives_back_every_object_of_an_image_by_its_id(drawn, tmp_path, masks, meta):
    workspace, run, _ = drawn
    settings = ExportSettings("label-studio", str(tmp_path / "out"), masks=masks)
    export_run(find_round(workspace, run.id, 0), workspace, settings)
    tasks = json.loads((tmp_path / "out" / "tasks.json").read_text())
    assert max(len(p["result"]) for task in tasks for p in task["predictions"]) > 1
    file = write(tmp_path / "out" / "corrected.json", submitted(tasks, meta=meta))
    ids = {one.object_id for one in read_file(file).objects}
    assert ids == {one["meta"]["comus_id"] for task in tasks for p in task["predictions"] for one in p["result"]}
    result = import_annotations(run, workspace, ImportSettings(str(file)), device="cpu")
    assert result.plan.changes_nothing and result.plan.problems == (), result.plan.lines()
