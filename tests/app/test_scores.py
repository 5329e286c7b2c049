import csv
import io

import pytest

from comus_core.run_view import open_run_view
from comus_core.scoring import score_run
from tests.app.test_filter import metrics
from tests.app.test_frame import save_run, texts


@pytest.fixture
def view(shown):
    return open_run_view(*shown)


@pytest.mark.parametrize("matching", ["hungarian", "majority"])
@pytest.mark.parametrize("side", ["every", "core"])
def test_figures_and_tables_are_those_of_the_core(app_test, shown, matching, side):
    test = app_test("scores")
    test.get("button_group")[0].set_value(matching).run()
    test.get("button_group")[1].set_value(side).run()
    assert not test.exception
    scores = score_run(*shown, mode=matching)
    score = scores.every if side == "every" else scores.filtered
    assert metrics(test)["mIoU"] == f"{score.miou:.2f} %"
    assert metrics(test)["Pixel accuracy"] == f"{score.pixel_accuracy:.2f} %"
    assert metrics(test)["Coverage"] == ("100.0 %" if side == "every" else f"{100 * scores.coverage:.1f} %")
    classes, matches = (table.value for table in test.dataframe)
    assert dict(zip(classes["Class"], classes["IoU"], strict=True)) == score.per_class
    found = {c: (k or "no class") for c, k in score.class_of.items()}
    assert dict(zip(matches["Cluster"], matches["Stands for"], strict=True)) == found
    for name, clusters in zip(classes["Class"], classes["Found by"], strict=True):
        assert clusters == ", ".join(c for c, k in score.class_of.items() if k == name)


def test_the_page_opens_on_the_matching_of_the_run(app_test, shown):
    _, run = shown
    test = app_test("scores")
    assert test.get("button_group")[0].value == run.result["evaluation"]["matching"] == "majority"
    assert metrics(test)["mIoU"] == f"{run.result['evaluation']['miou']:.2f} %"


def test_the_tables_are_downloaded_whole_with_run_and_supervision_in_every_row(shown, view):
    from app import score_data
    from app.components import score_table
    from comus_core.score_tables import class_rows
    from comus_core.workspace.decisions import Decisions

    scored = score_data.scored(view, Decisions(), "majority", filtered=False)
    frame = score_table.class_frame(class_rows(scored, view.classes, view.labels(Decisions())))
    said = score_table.about(view, "majority", "Every proposal")
    rows = list(csv.DictReader(io.StringIO(score_table.as_csv(frame, said))))
    assert [row["Class"] for row in rows] == list(view.classes)
    assert {row["Class"]: float(row["IoU"]) for row in rows} == scored.score.per_class
    assert {row["run"] for row in rows} == {view.run.id}
    assert all(row["supervision"].startswith("supervised: masks") and row["matching"] == "majority" for row in rows)


def test_a_matching_frozen_from_another_run_is_offered_first_and_used(app_test, changeable):
    from dataclasses import replace

    workspace, run = changeable
    save_run(workspace, run, id="frozen-1", config=replace(run.config, matching_from=run.id, matching="hungarian"))
    test = app_test("scores", workspace=workspace, run="frozen-1")
    assert not test.exception and test.get("button_group")[0].value == "frozen"
    assert f"Matched as run {run.id} was" in texts(test)
    scores = score_run(workspace, workspace.runs.get("frozen-1"))
    assert metrics(test)["mIoU"] == f"{scores.every.miou:.2f} %"


def test_a_frozen_matching_that_is_gone_is_said_and_the_rest_still_works(app_test, changeable):
    from dataclasses import replace

    workspace, run = changeable
    save_run(workspace, run, id="frozen-2", config=replace(run.config, matching_from="gone-1"))
    test = app_test("scores", workspace=workspace, run="frozen-2")
    assert not test.exception and "no run 'gone-1'" in test.warning[0].value
    assert test.get("button_group")[0].value == "majority"


def test_without_ground_truth_the_page_says_so_and_how_to_add_some(app_test, changeable):
    workspace, run = changeable
    artifacts = {kind: name for kind, name in run.artifacts.items() if kind != "counts"}
    save_run(workspace, run, artifacts=artifacts, provenance={**run.provenance, "classes": []})
    test = app_test("scores", workspace=workspace)
    assert not test.exception and not test.metric and "No ground truth" in texts(test)
    assert all(word in test.code[0].value for word in ("images/", "masks/", "classes.txt"))
