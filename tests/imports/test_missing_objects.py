"""What a file lacks is removed only where the file says that it was exported with it."""

import json

import numpy as np
import pytest

from comus_core import ExportSettings, ImportSettings, curation, export_run, find_round, import_annotations
from comus_core.export import import_planning
from comus_core.export.import_numbers import highest_numbers
from comus_core.export.import_planning import plan_import
from comus_core.imports.formats import read_file
from comus_core.imports.given_masks import GivenMasks
from comus_core.imports.image_matching import ImageIndex
from comus_core.imports.records import ImportedImage, ReadFile
from comus_core.runs.run_view import open_run_view
from tests.builders import copy_of
from tests.imports.writing import coco, write


@pytest.fixture(scope="module")
def view(finished):
    return open_run_view(*finished)


def plan_of(view, path, **settings):
    return plan_import(view, curation.decided_in(view), read_file(path), ImportSettings(str(path), **settings))


def test_a_label_tools_own_file_of_the_core_removes_nothing(view, tmp_path):
    """As after Label Studio: the tasks come back without `comus.json`."""
    workspace, run = view.workspace, view.run
    core = ExportSettings("label-studio", str(tmp_path / "out"), objects="core")
    export_run(find_round(workspace, run.id, 0), workspace, core)
    tasks = next(p for p in (tmp_path / "out").rglob("*.json") if isinstance(json.loads(p.read_text()), list))
    content = [{**task, "annotations": task["predictions"]} for task in json.loads(tasks.read_text())]
    annotated = [task for task in content if any(a["result"] for a in task.get("annotations", ()))]
    for task in annotated[:2]:
        task["annotations"][0]["result"] = []
    path = write(tmp_path / "project-1.json", content)
    plan = plan_of(view, path)
    assert 0 < plan.objects < len(view) and not plan.removed and plan.changes_nothing, plan.lines()
    assert any("2 objects of the run are not in it, and stay" in note for note in plan.notes), plan.notes
    assert len(plan_of(view, path, missing="remove").removed) == 2
    assert not plan_of(view, path, missing="keep").removed
    (tmp_path / "comus.json").write_bytes((tmp_path / "out" / "comus.json").read_bytes())
    beside = plan_of(view, path)
    assert len(beside.removed) == 2, "comus.json in its folder says what was exported"
    assert not any("and stay" in note for note in beside.notes)
    about = json.loads((tmp_path / "comus.json").read_text())
    write(tmp_path / "comus.json", {**about, "run": "another-run"})
    assert not plan_of(view, path).removed, "what another run exported says nothing"


def test_a_lone_coco_file_of_one_category_removes_nothing_else(view, tmp_path):
    workspace, run = view.workspace, view.run
    name = curation.decided_in(view).name_of(0)
    out = ExportSettings("coco", str(tmp_path / "out"), categories=(name,))
    export_run(find_round(workspace, run.id, 0), workspace, out)
    content = json.loads((tmp_path / "out" / "annotations" / "instances_default.json").read_text())
    lone = write(tmp_path / "instances_default.json", content)
    assert 0 < plan_of(view, lone).objects < len(view) and plan_of(view, lone).changes_nothing
    gone = content["annotations"].pop()["attributes"]["comus_id"]
    removed = plan_of(view, write(tmp_path / "less.json", content)).removed
    assert [r.proposal for r in removed] == [gone], "what was exported and is missing is removed"
    del content["info"]["comus"]["categories"]
    assert not plan_of(view, write(tmp_path / "old.json", content)).removed


def test_no_mask_is_held_when_its_image_is_compared(view, tmp_path, monkeypatch):
    seen, plan_categories = [], import_planning.plan_categories

    def watched(objects, listed, found, *more):
        seen.extend(found)
        return plan_categories(objects, listed, found, *more)

    monkeypatch.setattr(import_planning, "plan_categories", watched)
    plan_of(view, write(tmp_path / "a.json", coco(view)))
    assert len(seen) == len(view) and all(one.mask is None for one in seen)


@pytest.mark.parametrize("order", [1, -1])
def test_the_better_of_two_references_has_the_image_in_any_order(order):
    index = ImageIndex([("a/0001.jpg", "a/0001.jpg")])
    image_of, why = index.find_all(["a/0001.jpg", "b/0001.jpg"][::order])
    assert image_of == {"a/0001.jpg": "a/0001.jpg"}
    assert why == {"b/0001.jpg": "'a/0001.jpg' fits the same image of the run, a/0001.jpg, better; left out"}
    image_of, why = index.find_all(["b/0001.jpg", "c/0001.jpg"][::order])
    assert image_of == {} and all(words.endswith("as well; both are left out") for words in why.values())
    longest, short = "/data/a/0001.png", "0001.jpg"
    assert index.find_all([longest, short][::order])[0] == {longest: "a/0001.jpg"}


@pytest.mark.parametrize("order", [1, -1])
def test_masks_of_an_image_that_is_not_in_the_run_do_not_go_onto_another(view, tmp_path, order):
    content = coco(view, ids=False)
    first = content["images"][0]
    other = {**first, "id": 9000, "file_name": "elsewhere/" + first["file_name"].rpartition("/")[2]}
    corner = np.zeros((first["height"], first["width"]), bool)
    corner[:5, :5] = True
    from tests.imports.writing import rle

    content["images"] = [first, other][::order] + content["images"][1:]
    content["annotations"].append({"id": 9001, "image_id": 9000, "category_id": 1, "segmentation": rle(corner)})
    plan = plan_of(view, write(tmp_path / "a.json", content), missing="remove")
    assert plan.changes_nothing and plan.objects == len(view)
    assert [p.value for p in plan.problems] == [other["file_name"]] and "with its object" in plan.problems[0].message
    names = [i["file_name"] for i in content["images"][:2]]
    read = ReadFile("coco", "x", tuple(ImportedImage(name, None, "x", "") for name in names))
    given = GivenMasks(read, [(first["file_name"], first["file_name"])])
    assert [p.value for p in given.problems] == [other["file_name"]]


def test_a_new_object_never_has_the_id_of_a_removed_one(encoded_run, tmp_path):
    workspace, run = copy_of(encoded_run, tmp_path / "copy")
    view = open_run_view(workspace, run)
    last = str(view.proposals.proposal_id[0])
    path = write(tmp_path / "a.json", coco(view, lambda p, m: None if p == last else m))
    less = import_annotations(run, workspace, ImportSettings(str(path), missing="remove"), device="cpu")
    after = open_run_view(workspace, workspace.runs.get(less.run))
    image, _, number = last.rpartition("#")
    assert last not in after.proposals.proposal_id and highest_numbers(after)[image] == int(number)
    again = plan_of(after, write(tmp_path / "b.json", coco(view, ids=False)))
    assert [n.proposal for n in again.new] == [f"{image}#{int(number) + 1}"]
