import csv
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from app.components.scores import report_panel
from app.components.scores.evaluate_panel import against_row
from app.components.scores.score_figures import name_places
from app.components.shared.score_table import class_frame
from app.forms import verb_form
from comus_core import evaluate, jobs
from comus_core.datasets.voc import CLASSES
from comus_core.evaluation.image_rows import cell_images
from comus_core.jobs.logs import jobs_folder, result_path
from comus_core.jobs.table import JobTable
from comus_core.pipelines.train import train
from comus_core.pipelines.verb_settings import EvaluateSettings
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.paper_scores import VOC_ROWS
from comus_core.scoring.round_scores import score_clusters
from comus_core.scoring.score_tables import class_rows
from comus_core.training import TrainSettings, make_training
from tests.app.test_filter import metrics
from tests.app.test_frame import save_run, texts
from tests.app.working import by_key
from tests.builders import TINY_TRAINING, copy_of, score_run

pytestmark = pytest.mark.thorough


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
    assert dict(zip(matches["Cluster"], matches["Matched class"], strict=True)) == found
    for name, clusters in zip(classes["Class"], classes["Matched clusters"], strict=True):
        assert clusters == ", ".join(c for c, k in score.class_of.items() if k == name)


def test_the_page_opens_on_the_matching_of_the_run(app_test, shown):
    _, run = shown
    test = app_test("scores")
    assert test.get("button_group")[0].value == run.result["evaluation"]["matching"] == "majority"
    assert metrics(test)["mIoU"] == f"{run.result['evaluation']['miou']:.2f} %"


def test_the_tables_are_downloaded_whole_with_run_and_supervision_in_every_row(shown, view):
    from app.components.shared import score_table
    from app.data import score_data
    from comus_core.workspace.decisions import Decisions

    scored = score_data.scored(view, Decisions(), "majority", filtered=False)
    frame = score_table.class_frame(class_rows(scored))
    said = score_table.about(view, "majority", "All proposals")
    rows = list(csv.DictReader(io.StringIO(score_table.as_csv(frame, said).decode("utf-8-sig"))))
    assert [row["Class"] for row in rows] == list(view.classes)
    assert {row["Class"]: float(row["IoU"]) for row in rows} == scored.score.per_class
    assert {row["run"] for row in rows} == {view.run.id}
    assert all(row["supervision"].startswith("supervised: masks") and row["matching"] == "majority" for row in rows)


def test_a_matching_frozen_from_another_run_is_offered_first_and_used(app_test, changeable):
    workspace, run = changeable
    save_run(workspace, run, id="frozen-1", config=replace(run.config, matching_from=run.id, matching="hungarian"))
    test = app_test("scores", workspace=workspace, run="frozen-1")
    assert not test.exception and test.get("button_group")[0].value == "frozen"
    assert f"Matched as run {run.id} was" in texts(test)
    scores = score_run(workspace, workspace.runs.get("frozen-1"))
    assert metrics(test)["mIoU"] == f"{scores.every.miou:.2f} %"


def test_a_frozen_matching_that_is_gone_is_said_and_the_rest_still_works(app_test, changeable):
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
    assert not test.exception and not test.metric and "without ground truth" in texts(test)
    assert all(word in test.code[0].value for word in ("images/", "masks/", "classes.txt"))
    assert "has a trained round" not in texts(test)


def test_the_line_of_the_ground_truth_is_told_as_plain_text(app_test, changeable):
    workspace, run = changeable
    line = "ground truth: 28 of 30 images labelled; 1 mask without image (masks/*a*_[b](c).png)"
    save_run(workspace, run, result=run.result | {"truth": run.result["truth"] | {"line": line}})
    said = [caption.value for caption in app_test("scores", workspace=workspace).caption]
    assert r"Ground truth: 28 of 30 images labelled; 1 mask without image (masks/\*a\*\_\[b\](c).png)" in said
    no_truth = {"line": "no ground truth: val.json has no annotations"}
    artifacts = {kind: name for kind, name in run.artifacts.items() if kind != "counts"}
    without = {"artifacts": artifacts, "provenance": {**run.provenance, "classes": []}}
    save_run(workspace, run, result=run.result | {"truth": no_truth}, **without)
    assert "val.json has no annotations" in texts(app_test("scores", workspace=workspace))


@pytest.fixture(scope="module")
def trained(finished, tmp_path_factory):
    """(workspace, run, training): a copy of the small finished run, trained for one round."""
    workspace, run = copy_of(finished, tmp_path_factory.mktemp("scores"))
    tiny = TINY_TRAINING
    return workspace, run, train(run, workspace, TrainSettings(make_training(**tiny)))


def test_discovered_classes_and_the_correlation_with_size_are_those_of_the_core(app_test, view):
    scored = score_clusters(view, view.workspace.decisions_of(view.run))
    test = app_test("scores")
    ious = scored.score.per_class
    found = sum(ious[name] >= 20 for name in ("disc", "square", "bar"))
    assert metrics(test)["Discovered"] == f"{found} of 3"
    assert f"Spearman's ρ = **{scored.correlation.rho:+.2f}**" in texts(test)
    assert [len(test.get("plotly_chart"))] == [2]
    classes = test.dataframe[0].value
    assert classes["Size"].tolist() == scored.sizes.tolist() and "Difference" not in classes


def test_a_trained_round_is_scored_and_held_against_the_clusters(app_test, trained):
    workspace, run, training = trained
    test = app_test("scores", workspace=workspace, run=run.id)
    by_key(test.selectbox, f"score_round_{run.id}").set_value(f"{training.id}@1").run()
    by_key(test.selectbox, f"score_against_{run.id}").set_value(f"{run.id}@0").run()
    assert not test.exception
    rounds = training.result["rounds"]
    assert metrics(test)["mIoU"] == f"{rounds[1]['miou']:.2f} %" and "Coverage" not in metrics(test)
    delta = next(m.delta for m in test.metric if m.label == "mIoU")
    assert delta == f"{rounds[1]['miou'] - rounds[0]['miou']:+.2f} points"
    points = dict(zip(test.dataframe[0].value["Class"], test.dataframe[0].value["Difference"], strict=True))
    first, second = (entry["per_class"] for entry in rounds)
    assert points == {name: second[name] - first[name] for name in first}


def test_without_ground_truth_a_trained_round_is_named_with_the_way_to_its_masks(app_test, trained, tmp_path):
    workspace, run = copy_of(trained[:2], tmp_path)
    artifacts = {kind: name for kind, name in run.artifacts.items() if kind != "counts"}
    save_run(workspace, run, artifacts=artifacts, provenance={**run.provenance, "classes": []})
    test = app_test("scores", workspace=workspace, run=run.id)
    assert not test.exception and "This run has a trained round." in texts(test)


def test_a_trained_round_that_is_better_is_opened_first_and_says_by_how_much(app_test, trained, tmp_path):
    workspace, run = copy_of(trained[:2], tmp_path)
    (training,) = workspace.trainings.of_run(run.id)
    before, after = (entry["miou"] for entry in training.result["rounds"])
    better = [{"round": 0, "miou": 10.0}, {**training.result["rounds"][1], "miou": 90.0}]
    for rounds, number in ((better, 1), ([better[0], {"round": 1, "miou": 5.0}], 0)):
        workspace.trainings.save(replace(training, result=training.result | {"rounds": rounds}))
        test = app_test("scores", workspace=workspace, run=run.id)
        assert not test.exception
        key = by_key(test.selectbox, f"score_round_{run.id}").value
        assert key == (f"{training.id}@1" if number else f"{run.id}@0")
        direction = "above" if after > before else "below"
        line = f"**Round 1 is {abs(after - before):.1f} points {direction} round 0**: {before:.1f} → {after:.1f} mIoU"
        assert (line in texts(test)) is (number == 1)


def test_a_cell_of_the_confusion_matrix_opens_the_images_of_its_pixels(app_test, shown, view):
    scored = score_clusters(view, view.workspace.decisions_of(view.run))
    predicted, true = np.argwhere(np.tril(scored.confusion[:4], -1) > 0)[0]
    test = app_test("scores", run=shown[1].id, cell=f"{predicted}-{true}")
    assert not test.exception
    images, pixels = cell_images(scored.rows, scored.matched.class_of, predicted, true)
    assert f"{len(images)} images, {pixels.sum():,} pixels" in texts(test)
    shown_ids = re.findall(r'data-image="([^"]+)"', texts(test))[: min(len(images), 12)]
    assert shown_ids == [scored.rows.image_ids[k] for k in images[:12]]
    by_key(test.button, "close_cell").click().run()
    assert 'aria-current="true"' not in texts(test) and "close_cell" not in [b.key for b in test.button]


def test_the_worst_images_come_first_or_the_best(app_test, view):
    scored = score_clusters(view, view.workspace.decisions_of(view.run))
    test = app_test("scores")
    ious, ids = scored.pixels.ious, scored.rows.image_ids
    for side, order in (("worst", np.argsort(ious, kind="stable")), ("best", np.argsort(-ious, kind="stable"))):
        by_key(test.get("button_group"), "extremes").set_value(side).run()
        found = re.findall(r'data-image="([^"]+)"[^>]*><img [^>]*alt="[^"]*, IoU ([0-9.]+) %"', texts(test))
        assert found == [(ids[k], f"{ious[k]:.1f}") for k in order[:12]]


def test_the_row_of_the_paper_is_subtracted_where_its_classes_are_known_and_other_images_are_said(app_test, changeable):
    workspace, run = changeable
    names = list(CLASSES[: len(run.provenance["classes"])])
    lookalike = view_of_classes(workspace, run)
    score = lookalike.score
    (row,) = [row for row in VOC_ROWS if row.round == 0]
    held = against_row(row, lookalike)
    assert held.miou == row.miou and held.per_class == {"background": 82.2, "chair": 0.1, "diningtable": 0.0}
    frame = class_frame(class_rows(lookalike), lookalike.sizes, held.per_class)
    points = dict(zip(frame["Class"], frame["Difference"], strict=True))
    assert points["background"] == score.per_class["background"] - 82.2
    assert [name for name, value in points.items() if not np.isnan(value)] == [n for n in names if n in held.per_class]
    assert "these are other images" in held.note and "Table 1" in held.note


def view_of_classes(workspace, run):
    """The run's score under the names of the first VOC classes."""
    scored = score_clusters(open_run_view(workspace, run), workspace.decisions_of(run))
    return replace(scored, classes=CLASSES[: len(scored.classes)], dataset="voc:/data:trainval")


def test_names_of_classes_stand_above_their_points_unless_something_is_there():
    assert name_places([], [], []) == []
    assert name_places([10, 20], [50, 50], ["cat", "dog"]) == ["top center"] * 2
    assert name_places([20, 20], [50, 55], ["cat", "dog"]) == ["bottom center", "top center"], "a point above"
    assert name_places([20, 20, 20], [45, 50, 55], ["cat", "dog", "cow"])[1] == "middle right", "one above, one below"
    beside = name_places([19, 20], [50, 50], ["mushroom", "balloon"])
    assert beside == ["top center", "bottom center"], "the other's name"


def test_cluster_quality_is_that_of_comus_evaluate(app_test, shown):
    workspace, run = shown
    test = app_test("scores")
    found = evaluate(RunRound(run, 0), workspace, EvaluateSettings())["cluster_quality"]
    assert metrics(test)["NMI"] == f"{found['nmi']:.3f}" and metrics(test)["ARI"] == f"{found['ari']:.3f}"
    assert metrics(test)["Accuracy"] == f"{found['accuracy']:.1f} %"
    assert metrics(test)["Purity"] == f"{found['purity']:.1f} %"
    assert f"{found['proposals']} proposals, each of the class of most of its pixels" in texts(test)


def test_a_protocol_and_seeds_are_started_from_the_page_as_jobs(app_test, changeable, monkeypatch):
    monkeypatch.setattr(jobs, "ensure_supervisor", lambda workspace: None)
    workspace, run = changeable
    test = app_test("scores", workspace=workspace)
    by_key(test.selectbox, "protocol").set_value("majority").run()
    assert "several may become one" in texts(test)
    assert any(f"comus evaluate {run.id}" in code.value and "--protocol majority" in code.value for code in test.code)
    by_key(test.button, "protocol_start").click().run()
    by_key(test.selectbox, "seeds_protocol").set_value("comus").run()
    by_key(test.button, "seeds_start").click().run()
    by_key(test.selectbox, "protocol").set_value("cause").run()
    assert by_key(test.button, "protocol_start").disabled and "of trained rounds alone" in texts(test)
    assert not test.exception
    seeds, score = jobs.list_jobs(workspace)
    assert (score.kind, score.subject) == ("evaluate", f"{run.id}@0")
    assert score.settings | {"protocol": "majority"} == score.settings
    assert (seeds.kind, seeds.settings["seeds"], seeds.settings["protocol"]) == ("seeds", [0, 1, 2], "comus")


def test_a_folder_that_may_not_be_read_is_not_matched_on(app_test, changeable, tmp_path, monkeypatch):
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", str(tmp_path / "allowed"))
    test = app_test("scores", workspace=changeable[0])
    by_key(test.text_input, "protocol_matched_on").set_value("/etc").run()
    assert not test.exception and test.error and "/etc" in test.error[0].value
    assert not [button for button in test.button if button.key == "protocol_start"]


@pytest.mark.parametrize(("own", "expected"), [(0, (0, 1, 2)), (1, (0, 1, 2)), (7, (0, 1, 7))])
def test_the_seed_of_the_run_is_among_its_repetitions(own, expected):
    assert verb_form.seeds_with(own, 3) == expected


def test_scores_of_finished_jobs_are_listed_with_their_protocol(app_test, changeable):
    workspace, run = changeable
    result = evaluate(RunRound(run, 0), workspace, EvaluateSettings(protocol="majority"))
    jobs.submit(workspace, "evaluate", RunRound(run, 0), EvaluateSettings(protocol="majority"), "cpu")
    table = JobTable(workspace.database)
    job = table.claim(lambda device, taken: device)
    jobs_folder(workspace.root)
    job.log_path.write_text("")
    result_path(job).write_text(json.dumps(result))
    table.finish(job, "done", None)
    listed = app_test("scores", workspace=workspace).dataframe[-1].value
    assert listed["Protocol"].tolist() == ["Majority vote"]
    assert listed["mIoU"].tolist() == [result["evaluation"]["miou"]]


def test_a_report_is_offered_with_the_command_that_writes_it(app_test, shown):
    workspace, run = shown
    test = app_test("scores")
    assert {button.key for button in test.get("download_button")} >= {"report_html", "report_md"}
    assert any(f"comus report {run.id} --out report.html" in code.value for code in test.code)
    made = report_panel.content(workspace, [run], "html").decode()
    assert made.startswith("<!doctype html>") and made.count("<img") > 20
    assert report_panel.content(workspace, [run], "md").decode().startswith("# Report: ")
