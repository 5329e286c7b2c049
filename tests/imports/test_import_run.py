import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from pycocotools.coco import COCO

from comus_core import ImportSettings, curation, import_annotations, train
from comus_core.cli.main import cli
from comus_core.errors import SettingsError
from comus_core.proposals.mask_edits import grown
from comus_core.runs.artifact_readers import read_vectors
from comus_core.runs.run_view import open_run_view
from comus_core.training import TrainSettings, make_training
from tests.builders import TINY_TRAINING
from tests.imports.writing import coco, objects_of, rle, write


def imported(place, path, **settings):
    workspace, run = place
    return import_annotations(run, workspace, ImportSettings(str(path), **settings), device="cpu")


def preview(place, path, **settings):
    return imported(place, path, preview=True, **settings).plan


@pytest.mark.parametrize("ids", [True, False])
def test_a_file_that_says_what_the_run_says_changes_nothing(place, tmp_path, ids):
    view = open_run_view(*place)
    plan = preview(place, write(tmp_path / "a.json", coco(view, ids=ids)))
    assert plan.changes_nothing and plan.problems == () and plan.objects == plan.unchanged == len(view)
    assert "nothing changed" in "\n".join(plan.lines())


def test_corrected_masks_become_a_new_run_and_the_old_one_stays(place, tmp_path):
    """A mask grows by two pixels with pycocotools, one is removed, one is new; all else is as it was."""
    workspace, run = place
    view = open_run_view(workspace, run)
    first, second, *_ = (proposal for proposal, *_ in objects_of(view))
    empty = str(view.image_ids[-1])
    file = COCO()
    file.dataset = coco(view, lambda p, m: None if p == second else grown(m, 2) if p == first else m)
    file.createIndex()
    height, width = (int(v) for v in view.image_sizes[view.image_row_of[empty]])
    drawn = np.zeros((height, width), bool)
    drawn[10:40, 20:60] = True
    image = next(i["id"] for i in file.dataset["images"] if empty.endswith(i["file_name"]))
    file.dataset["annotations"].append({"id": 999, "image_id": image, "category_id": 2, "segmentation": rle(drawn)})
    path = write(tmp_path / "corrected.json", file.dataset)
    before = view.proposals.mask(0).copy(), dict(run.artifacts), workspace.decisions_of(run)

    plan = preview(place, path, missing="remove")
    assert [len(plan.changed), len(plan.new), len(plan.removed), len(plan.moved)] == [1, 1, 1, 0]
    assert plan.changed[0].proposal == first and plan.removed[0].proposal == second
    assert plan.new[0].proposal == f"{empty}#0" and plan.new[0].area == 1200

    result = imported(place, path, missing="remove")
    assert result.new and result.run != run.id
    new = workspace.runs.get(result.run)
    after = open_run_view(workspace, new)
    masks = {p: m for p, _, _, m in objects_of(after)}
    assert second not in masks and np.array_equal(masks[first], grown(before[0], 2))
    assert np.array_equal(masks[f"{empty}#0"], drawn)
    others = {p: m for p, _, _, m in objects_of(view) if p not in (first, second)}
    assert all(np.array_equal(masks[p], m) for p, m in others.items()) and len(masks) == len(others) + 2
    decided = workspace.decisions_of(new)
    assert [decided.name_of(k) for k in after.labels(decided).ids] == ["disc", "square", "bar"]
    id_of = after.categories(decided).id_of
    assert id_of[after.row_of[f"{empty}#0"]] == 1
    assert id_of[after.row_of[first]] == view.categories(before[2]).id_of[0]
    core = after.kept(decided)
    assert core[after.row_of[f"{empty}#0"]] and core[after.row_of[first]]
    assert new.provenance["supervision"]["direct"] == "masks"
    about = new.provenance["imported_from"]
    assert (about["run"], about["file"], about["counts"]["changed"]) == (run.id, "corrected.json", 1)
    old = open_run_view(workspace, workspace.runs.get(run.id))
    assert np.array_equal(old.proposals.mask(0), before[0]) and dict(old.run.artifacts) == before[1]
    assert workspace.decisions_of(run) == before[2]
    again = imported(place, path, missing="remove")
    assert again.run == result.run
    assert imported((workspace, new), path, missing="remove").plan.changes_nothing


def test_vectors_are_reused_where_the_box_is_the_same(place, tmp_path):
    workspace, run = place
    view = open_run_view(workspace, run)
    first = str(view.proposals.proposal_id[0])
    path = write(tmp_path / "a.json", coco(view, lambda p, m: grown(m, 3) if p == first else m))
    new = workspace.runs.get(imported(place, path).run)
    ids, vectors = read_vectors(workspace.artifact(new, "features"))
    known, old = read_vectors(workspace.artifact(run, "features"))
    assert ids.tolist() == known.tolist()
    same = (vectors == old).all(axis=1)
    assert same.tolist() == [p != first for p in ids]
    after = open_run_view(workspace, new)
    assert np.array_equal(after.embedding()[1:], view.embedding()[1:])
    assert np.array_equal(after.cluster, view.cluster)


def test_training_learns_from_corrected_masks(place, tmp_path):
    workspace, run = place
    view = open_run_view(workspace, run)
    path = write(tmp_path / "a.json", coco(view, lambda p, m: grown(m, 2)))
    new = workspace.runs.get(imported(place, path).run)
    training = train(new, workspace, TrainSettings(make_training(**TINY_TRAINING)), device="cpu")
    assert training.result["rounds"][-1]["round"] == 1
    before, after = _learned(workspace, run), _learned(workspace, new)
    assert set(before) <= set(after)
    assert all(after[image_id].sum() > mask.sum() for image_id, mask in before.items())


def _learned(workspace, run):
    """Image id -> (H, W) bool, what is foreground in the pseudo-masks."""
    artifact = workspace.artifact(run, "pseudo_masks")
    rows = artifact.table().to_pylist()
    read = {row["image_id"]: np.asarray(Image.open(artifact.file(row["file"]))) for row in rows}
    return {image_id: (mask > 0) & (mask < 255) for image_id, mask in read.items()}


def test_names_alone_become_decisions_of_the_same_run(place, tmp_path):
    workspace, run = place
    view = open_run_view(workspace, run)
    names = {0: "ball", 1: "square", 2: "bar"}
    result = imported(place, write(tmp_path / "a.json", coco(view, name_of=names.get)))
    assert not result.new and result.run == run.id
    assert [(r.category, r.name, r.new_name) for r in result.plan.renamed] == [(0, "disc", "ball")]
    assert workspace.decisions_of(run).name_of(0) == "ball" and result.version == workspace.decisions_of(run).version
    curation.undo(open_run_view(workspace, run))
    assert workspace.decisions_of(run).name_of(0) == "disc"


def test_objects_move_and_new_categories_are_created(place, tmp_path):
    workspace, run = place
    view = open_run_view(workspace, run)
    content = coco(view)
    content["categories"].append({"id": 77, "name": "kite, red"})
    moved, created = content["annotations"][0], content["annotations"][1]
    target = next(c for c in (1, 2, 3) if c != moved["category_id"])
    moved["category_id"], created["category_id"] = target, 77
    result = imported(place, write(tmp_path / "a.json", content))
    decided = workspace.decisions_of(run)
    id_of = view.categories(decided).id_of
    assert id_of[view.row_of[moved["comus_id"]]] == target - 1
    assert decided.name_of(int(id_of[view.row_of[created["comus_id"]]])) == "kite, red"
    assert result.plan.created == {"kite, red": 1} and len(result.plan.moved) == 2
    assert preview(place, tmp_path / "a.json").changes_nothing


def test_the_command_says_what_changes_and_does_it(place, tmp_path):
    workspace, run = place
    view = open_run_view(workspace, run)
    first = str(view.proposals.proposal_id[0])
    path = write(tmp_path / "a.json", coco(view, lambda p, m: grown(m, 2) if p == first else m))
    words = ["import", run.id, str(path), "--workspace", str(workspace.root), "--device", "cpu"]
    shown = CliRunner().invoke(cli, [*words, "--preview"], catch_exceptions=False).output
    assert "1 mask changed" in shown and "preview: it would make a new run beside this one" in shown
    assert [r.id for r in workspace.runs.all()] == [run.id]
    file = tmp_path / "result.json"
    done = CliRunner().invoke(cli, [*words, "--json", str(file)], catch_exceptions=False).output
    result = json.loads(file.read_text())
    assert f"imported into the new run {result['run']}" in done and result["plan"]["counts"]["changed"] == 1


def test_decisions_go_on_in_the_new_run(place, tmp_path):
    """Merged, split, moved, erased, accepted and redrawn: all of it is as it was for proposals that are still there."""
    workspace, run = place
    view = open_run_view(workspace, run)
    ids = [str(p) for p in view.proposals.proposal_id]
    curation.merge(view, [0, 1])
    curation.split(view, curation.propose_split(view, 2, 2))
    curation.move(view, ids[3:5], 0)
    curation.erase(view, ids[6:7])
    curation.accept(view, ids[7:8])
    curation.redraw(view, ids[8], grown(view.proposals.mask(8), 4))
    curation.set_filter(view, 35.0)
    decided = workspace.decisions_of(run)
    path = write(tmp_path / "a.json", coco(view, lambda p, m: grown(m, 2) if p == ids[0] else m))
    result = imported(place, path)
    new = workspace.runs.get(result.run)
    after, now = open_run_view(workspace, new), workspace.decisions_of(new)
    assert [p for p in after.proposals.proposal_id] == ids
    was, is_now = view.categories(decided), after.categories(now)
    assert is_now.id_of.tolist() == was.id_of.tolist() and is_now.erased.tolist() == was.erased.tolist()
    assert is_now.by_hand.tolist() == was.by_hand.tolist()
    assert now.filter_percent == 35.0 and {k: now.name_of(k) for k in is_now.ids} == {
        k: decided.name_of(k) for k in was.ids
    }
    assert np.array_equal(after.proposals.mask(8), view.masks(decided).mask(8)) and not now.layout.redrawn


def test_a_run_with_vectors_of_the_users_own_says_why_it_cannot(finished, tmp_path):
    from tests.builders import copy_of

    place = copy_of(finished, tmp_path / "copy")
    view = open_run_view(*place)
    first = str(view.proposals.proposal_id[0])
    path = write(tmp_path / "a.json", coco(view, lambda p, m: grown(m, 2) if p == first else m))
    with pytest.raises(
        SettingsError, match=r"has vectors of your own, and .* needs a new one, since its box has changed"
    ):
        imported(place, path)
