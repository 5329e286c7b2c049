"""The Export page: what it offers, what it previews, and the job and the file that come of it."""

import io
import json
import shutil
import zipfile

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.data import export_data
from app.forms import export_form, verb_form
from app.forms.export_form import ExportChoices
from app.server import asgi, export_routes
from comus_core import curation, export_run, find_round
from comus_core.errors import DatasetError, SettingsError
from comus_core.export.export_formats import EXPORT_FORMATS
from comus_core.jobs import logs
from comus_core.jobs.table import JobTable
from comus_core.pipelines.export_settings import ExportSettings
from comus_core.pipelines.kept_files import export_file, kept_exports
from comus_core.pipelines.train import train
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import open_run_view
from comus_core.training import TrainSettings, make_training
from tests.app.test_explore import expected_ids, half
from tests.app.working import by_key
from tests.app.working import texts as said
from tests.builders import TINY_TRAINING


def test_the_page_counts_what_the_export_writes(app_test, shown, tmp_path):
    workspace, run = shown
    test = app_test("export")
    assert not test.exception
    result = export_run(RunRound(run, 0), workspace, ExportSettings("coco", str(tmp_path / "a.zip")))
    assert f"**{result.objects} objects in {result.images} images, 5 categories**" in said(test)
    assert "comus export" in test.code[0].value and "--format coco" in test.code[0].value


def test_each_format_says_what_it_is_for_and_shows_only_its_options(app_test, shown):
    test = app_test("export")
    for name, kind in EXPORT_FORMATS.items():
        by_key(test.selectbox, "export_format").select(kind.title).run()
        words = said(test)
        assert not test.exception and kind.what[1:].partition(";")[0][:20] in words.replace("\\", ""), name
        keys = {str(w.key).partition("~")[0] for w in (*test.number_input, *test.checkbox, *test.get("button_group"))}
        default = kind.defaults.get("masks", "rle")
        assert (f"export_masks_{default}" in keys) == ("masks" in kind.options), name
        outlined = "tolerance" in kind.options and kind.defaults.get("masks", "polygons") == "polygons"
        assert ("export_tolerance" in keys) == outlined, name
        assert ("export_margin" in keys) == ("margin" in kind.options), name
        assert ("export_images" in keys) == (kind.pictures == "beside"), name


def test_scope_and_categories_reach_the_counts_and_the_command(app_test, changeable):
    workspace, run = changeable
    view = open_run_view(workspace, run)
    curation.accept(view, [str(p) for p in view.proposals.proposal_id[:3]])
    test = app_test("export", workspace=workspace, run=run.id, scope="accepted")
    assert "**3 objects in 3 images, 5 categories**" in said(test) and "--objects accepted" in test.code[0].value
    decided = workspace.decisions_of(run)
    kept = view.kept(decided) & (view.categories(decided).id_of == 2)
    test = app_test("export", workspace=workspace, run=run.id, scope="core", categories="2,99")
    assert f"**{kept.sum()} objects in" in said(test) and "1 category**" in said(test)
    assert "--categories 2" in test.code[0].value and "--objects core" in test.code[0].value


def test_a_list_of_selected_objects_comes_along_by_its_key(app_test, changeable):
    workspace, run = changeable
    view = open_run_view(workspace, run)
    ids = [str(p) for p in view.proposals.proposal_id[[5, 9]]]
    key = workspace.image_lists.keep(ids)
    test = app_test("export", workspace=workspace, run=run.id, scope="these", these=key)
    assert not test.exception and "**2 objects in 2 images" in said(test)
    assert all(f"--proposals '{one}'" in test.code[0].value for one in ids)
    test = app_test("export", workspace=workspace, run=run.id, scope="these", these="nowhere")
    assert not test.exception and "Selected objects" not in said(test)


def choices_of(shown, **more):
    return ExportChoices(round=RunRound(shown[1], 0), format=more.pop("format", "coco"), **more)


def test_an_outline_is_drawn_as_the_other_tool_fills_it_and_run_lengths_are_exact(shown):
    workspace, run = shown
    exact = export_form.checked(workspace, choices_of(shown, masks="rle"))
    coarse = export_form.checked(workspace, choices_of(shown, masks="polygons", tolerance=4.0))
    found = export_data.shown(workspace, RunRound(run, 0), exact)
    view = open_run_view(workspace, run)
    differ = 0
    for number in range(5):
        (one,) = found.objects(number)
        assert np.array_equal(export_data.as_exported(one, exact), view.proposals.mask(view.row_of[one.id]))
        filled = export_data.as_exported(one, coarse)
        runs = [coco_mask.encode(np.asfortranarray(m.astype(np.uint8))) for m in (filled, one.mask)]
        overlap = float(coco_mask.iou(runs[:1], runs[1:], [0])[0, 0])
        assert overlap > 0.75
        differ += overlap < 1
    assert differ


def test_what_excludes_each_other_or_is_outside_is_refused_with_a_sentence(shown, monkeypatch, tmp_path):
    workspace, _ = shown
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", str(tmp_path))
    with pytest.raises(DatasetError, match="outside the folders"):
        export_form.checked(workspace, choices_of(shown, folder="/etc/exported"))
    assert export_form.checked(workspace, choices_of(shown, folder=str(tmp_path / "a"))).out == str(tmp_path / "a")
    with pytest.raises(SettingsError, match="give a folder"):
        export_form.checked(workspace, choices_of(shown, folder=str(tmp_path / "a.zip")))
    with pytest.raises(SettingsError, match="no object is selected"):
        export_form.checked(workspace, choices_of(shown, scope="these"))
    with pytest.raises(SettingsError, match="nothing is selected on the map"):
        export_form.checked(workspace, choices_of(shown, scope="selection"))


def test_a_zip_links_no_images_and_a_folder_may(shown, tmp_path):
    assert "link" not in export_form.image_choices(EXPORT_FORMATS["coco"], zipped=True)
    assert "link" in export_form.image_choices(EXPORT_FORMATS["coco"], zipped=False)
    assert export_form.settings_of(choices_of(shown, images="link"), "a.zip").images == "copy"
    assert export_form.settings_of(choices_of(shown, images="link", folder="a"), "a").images == "link"


def test_the_zip_of_a_finished_job_is_linked_sent_listed_and_deleted(app_test, changeable, monkeypatch):
    workspace, run = changeable
    key, name = "0123456789abcdef", f"{run.id}-coco.zip"
    out = export_file(workspace, run.id, key, name)
    result = export_run(RunRound(run, 0), workspace, ExportSettings("coco", str(out), images="none"))
    monkeypatch.setenv("COMUS_WORKSPACE", str(workspace.root))
    client = TestClient(Starlette(routes=asgi.routes()))
    answer = client.get("/" + export_routes.address(run.id, key))
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert len(json.loads(archive.read("annotations/instances_default.json"))["annotations"]) == result.objects
    assert name in answer.headers["content-disposition"]
    for wrong in ("fedcba9876543210", "..%2f..", "x"):
        assert client.get(f"/api/runs/{run.id}/exports/{wrong}").status_code == 404
    test = app_test("export", workspace=workspace, run=run.id)
    assert name in said(test)
    test.button(key=f"delete_{key}").click().run()
    assert not test.exception and kept_exports(workspace, run.id) == [] and not out.exists()


def test_zips_say_that_decisions_have_changed_since(app_test, changeable, monkeypatch):
    workspace, run = changeable
    out = export_file(workspace, run.id, "0123456789abcdef", f"{run.id}-coco.zip")
    wanted = ExportSettings("coco", str(out), images="none")
    result = export_run(RunRound(run, 0), workspace, wanted)
    monkeypatch.setattr("comus_core.jobs.ensure_supervisor", lambda *_: None)
    verb_form.submit_verb(workspace, "export", RunRound(run, 0), wanted)
    table = JobTable(workspace.database)
    job = table.claim(lambda device, taken: device)
    logs.jobs_folder(workspace.root)
    logs.result_path(job).write_text(json.dumps(result.to_json()))
    table.finish(job, "done", None)
    assert export_form.decisions_in(workspace) == {str(out): workspace.decisions_of(run).version}
    test = app_test("export", workspace=workspace, run=run.id)
    assert not test.exception and "Decisions have changed" not in said(test)
    curation.rename(open_run_view(workspace, run), 1, "bird")
    test = app_test("export", workspace=workspace, run=run.id)
    assert not test.exception and "Decisions have changed since this export" in said(test)


def test_the_button_queues_one_job_and_the_page_watches_it(app_test, changeable, monkeypatch):
    workspace, run = changeable
    monkeypatch.setattr("comus_core.jobs.ensure_supervisor", lambda *_: None)
    test = app_test("export", workspace=workspace, run=run.id)
    test.button(key="export_start").click().run()
    assert not test.exception
    job = export_form.last_job(workspace, run)
    assert (job.kind, job.state, job.settings["format"]) == ("export", "queued", "coco")
    assert export_form.is_kept(job.settings["out"]) and "queued" in said(test)
    test.button(key="export_start").click().run()
    assert export_form.last_job(workspace, run).id == job.id


def test_a_selection_on_the_map_and_a_crop_lead_here_with_what_is_selected(app_test, shown):
    workspace, run = shown
    view = open_run_view(workspace, run)
    gesture = half(view)
    expected = expected_ids(view, gesture)
    test = app_test("explore", selection=workspace.selections.keep("tsne", (gesture,)).key)
    test.button(key="map_selection_export").click().run()
    assert not test.exception and f"**{len(expected)} objects in" in said(test)
    assert by_key(test.get("button_group"), "export_scope").value == "selection" and "--selection" in test.code[0].value
    name = str(view.proposals.proposal_id[7])
    test = app_test("explore", proposal=name)
    test.button(key="map_selection_export").click().run()
    assert not test.exception and "**1 object in 1 image" in said(test) and name in test.code[0].value


def test_clusters_and_the_card_of_a_run_lead_here(app_test, shown):
    _, run = shown
    test = app_test("clusters", cluster="2")
    test.button(key="export_clusters").click().run()
    assert not test.exception and "1 category**" in said(test) and "--categories 2" in test.code[0].value
    test = app_test("jobs", run=run.id, side="runs")
    links = [link.proto for link in test.get("page_link")]
    assert any(link.label == "Export" and run.id in link.query_string for link in links)


@pytest.fixture
def trained(changeable):
    """(workspace, run, round 1) of a training of a second."""
    workspace, run = changeable
    train(run, workspace, TrainSettings(make_training(**TINY_TRAINING)), device="cpu")
    return workspace, run, find_round(workspace, run.id, 1)


@pytest.mark.thorough
def test_the_masks_of_a_round_are_previewed_as_they_are_exported(app_test, trained, tmp_path):
    workspace, run, one = trained
    test = app_test("export", workspace=workspace, run=run.id, round="1")
    assert not test.exception and f"{one.key}" in test.code[0].value
    assert by_key(test.selectbox, "export_round").value == one.key
    chosen = ExportChoices(round=one, format="coco", images="none")
    found = export_data.shown(workspace, one, export_form.checked(workspace, chosen))
    out = str(tmp_path / "a")
    result = export_run(one, workspace, export_form.settings_of(chosen, out))
    assert sum(len(found.objects(n)) for n in range(len(found.images))) == result.objects
    test = app_test("export", workspace=workspace, run=run.id, round="7")
    assert not test.exception and "the clusters are chosen" in said(test)


@pytest.mark.thorough
def test_the_page_applies_no_network_itself(app_test, trained, monkeypatch):
    workspace, run, one = trained
    stored = one.training.artifacts["predictions-1"]
    shutil.rmtree(workspace.artifacts.get("predictions", stored).folder)
    monkeypatch.setattr("comus_core.export.export_scope.applied_objects", lambda *_: pytest.fail("a network ran"))
    test = app_test("export", workspace=workspace, run=run.id, round="1")
    assert not test.exception and any("when the export is made" in info.value for info in test.info)
