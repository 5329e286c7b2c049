"""The Discover page: from choices to settings, an honest preview, and a job."""

import io
import shlex
import zipfile

import pytest

from app.components.jobs.discover_jobs import followed
from app.data.job_words import STAGE_WORDS
from app.forms import run_form
from comus_core import jobs, make_config, open_workspace
from comus_core.cli.run import config_of, run
from comus_core.config import RunConfig
from comus_core.pipelines.estimate import estimate
from comus_core.pipelines.model_selection import resolve
from comus_core.pipelines.verb_settings import DiscoverSettings, HealthSettings
from tests.app.working import by_key, ended_job, open_app, texts
from tests.builders import draw_folder
from tests.jobs.watching import end_all


@pytest.fixture
def workspace(tmp_path):
    place = open_workspace(tmp_path / "w")
    yield place
    end_all(place)


@pytest.fixture
def page(monkeypatch, workspace, tmp_path, pypi_weights):
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", str(tmp_path))
    return choose_kind(open_app(monkeypatch, workspace, "new_run"), "demo")


def choose_kind(test, kind):
    return next(group for group in test.get("button_group") if group.key == "new_kind").set_value(kind).run()


def command_of(test) -> RunConfig:
    """The settings that the command on the page means, read by `comus run` itself."""
    line = next(code.value for code in test.code if code.value.startswith("comus run"))
    given = run.make_context("run", shlex.split(line)[2:]).params
    for name in ("until", "background", "workspace", "device", "compute", "json_file", "excluded"):
        given.pop(name)
    return config_of(**given)


def start_of(test):
    return by_key(test.button, "new_start")


def outside_settings(block):
    """Labels of all widgets of a part of the page that are not folded away."""
    for child in block.children.values():
        if getattr(child, "type", "") in ("expander", "status", "popover"):
            continue
        if hasattr(child, "children"):
            yield from outside_settings(child)
        elif getattr(child, "label", None):
            yield child.label


def test_it_starts_with_the_folder_and_two_choices_and_folds_all_that_is_technical(monkeypatch, workspace, tmp_path):
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", str(tmp_path))
    test = open_app(monkeypatch, workspace, "new_run")
    assert not test.exception
    unfolded = list(outside_settings(test.main))
    assert unfolded == ["Data set", "Folder on the server", "Result", "Number of categories", "Number", "Start"]
    folded = next(e for e in test.expander if e.label == "Settings")
    assert "Vectors" in [box.label for box in folded.selectbox] and not folded.proto.expanded
    described = [*folded.selectbox, *folded.number_input, *folded.slider, *folded.toggle]
    assert len(described) > 15 and [w.label for w in described if not w.help] == []


def test_the_result_is_recommended_or_as_in_the_paper_and_says_when_it_is_neither(page):
    result = by_key(page.get("button_group"), "new_result")
    assert result.value == "best"
    result.set_value("paper").run()
    assert command_of(page) == make_config("paper-voc", dataset="demo")
    by_key(page.number_input, "new_seed").set_value(3).run()
    assert by_key(page.get("button_group"), "new_result").value == "custom"
    by_key(page.get("button_group"), "new_result").set_value("best").run()
    assert command_of(page) == RunConfig("demo")


def test_the_number_of_categories_is_automatic_or_entered(page):
    assert by_key(page.number_input, "new_clustering_clusters").disabled
    by_key(page.get("button_group"), "new_clusters_kind").set_value(True).run()
    field = by_key(page.number_input, "new_clustering_clusters")
    assert not field.disabled and field.value == 10  # as many as the demo has classes
    field.set_value(7).run()
    assert command_of(page) == make_config(dataset="demo", clustering={"clusters": 7})
    by_key(page.get("button_group"), "new_clusters_kind").set_value(False).run()
    assert command_of(page) == RunConfig("demo")


def test_the_demo_is_ready_to_start_and_says_what_it_is(page):
    assert not page.exception
    said = texts(page)
    assert "240 images" in said and "synthetic scenes" in said and "supervised: image labels" in said
    assert by_key(page.number_input, "new_clustering_clusters").proto.placeholder == "10, from labels"
    assert command_of(page) == RunConfig("demo")
    assert not start_of(page).disabled


def test_the_time_is_told_by_stage_and_the_stages_add_up(page, workspace):
    said = texts(page)
    cost = estimate(resolve(RunConfig("demo")), 240, workspace, run_form.given_device("auto"))
    parts = run_form.stage_costs(cost)
    assert [words for words, _ in parts] == list(STAGE_WORDS.values())
    assert sum(seconds for _, seconds in parts) == pytest.approx(cost.total)
    line = next(c.value for c in page.caption if c.value.startswith("Images "))
    assert [part.rsplit(" ", 2)[0] for part in line.split(" · ")] == list(STAGE_WORDS.values())
    assert "no supervision" in said or "supervised" in said


def test_a_run_that_stopped_is_shown_where_it_was_started_and_goes_on_from_there(monkeypatch, workspace):
    done = ended_job(workspace, "done")
    assert "Stopped" not in [s.value for s in open_app(monkeypatch, workspace, "new_run").header]
    job = ended_job(workspace, "failed", "no such folder")
    test = open_app(monkeypatch, workspace, "new_run")
    assert not test.exception and "Stopped" in [s.value for s in test.header]
    assert [e.value for e in test.error] == ["no such folder"] and done.id != job.id
    button = by_key(test.button, f"job_resume_{job.id}")
    assert button.label == "Retry"
    button.click().run()
    assert not test.exception and jobs.get(workspace, job.id).attempt == 2


def test_runs_at_work_are_followed_and_other_jobs_are_not(workspace):
    ended = ended_job(workspace, "cancelled")
    assert [j.id for j in followed(jobs.list_jobs(workspace))] == [ended.id]
    jobs.submit(workspace, "discover", RunConfig("a"), DiscoverSettings())
    jobs.submit(workspace, "images", "c", HealthSettings())
    jobs.submit(workspace, "discover", RunConfig("b"), DiscoverSettings())
    assert [j.subject["dataset"] for j in followed(jobs.list_jobs(workspace))] == ["a", "b"]


def test_a_preset_fills_the_form_and_a_change_makes_it_ones_own(page):
    by_key(page.selectbox, "new_preset").select("paper-voc").run()
    assert not page.exception
    assert by_key(page.number_input, "new_clustering_clusters").value == 20
    assert by_key(page.selectbox, "new_saliency_detector").value == "basnet"
    assert command_of(page) == make_config("paper-voc", dataset="demo")
    by_key(page.number_input, "new_clustering_clusters").set_value(12).run()
    assert by_key(page.selectbox, "new_preset").value == "custom"
    assert command_of(page) == make_config("paper-voc", dataset="demo", clustering={"clusters": 12})
    by_key(page.selectbox, "new_preset").select("").run()
    assert command_of(page) == RunConfig("demo")


def test_the_number_of_clusters_can_be_left_to_stability(page):
    by_key(page.toggle, "new_clusters_auto").set_value(True).run()
    assert not page.exception
    field = by_key(page.number_input, "new_clustering_clusters")
    assert field.disabled and field.proto.placeholder == "auto: the most stable number"
    assert command_of(page) == make_config(dataset="demo", clustering={"clusters": "auto"})
    by_key(page.toggle, "new_clusters_auto").set_value(False).run()
    assert command_of(page) == RunConfig("demo")


def test_missing_weights_stop_the_start_and_say_how_to_get_them(page):
    by_key(page.selectbox, "new_features_encoder").select("dino-vitb8").run()
    assert start_of(page).disabled
    assert "comus weights download dino-vitb8" in texts(page)
    assert "dino_vitbase8_pretrain.pth" in texts(page)


def test_any_model_of_timm_is_named_and_what_it_owes_and_needs_is_said(page):
    import torch  # noqa: F401 - a process that has it needs no other one to look into timm

    by_key(page.selectbox, "new_features_encoder").select("timm:").run()
    field = by_key(page.text_input, "new_features_encoder_path")
    assert field.label == "Name of the model in timm"
    assert "name the model too" in page.error[0].value
    field.set_value("test_vit").run()
    assert not page.exception and command_of(page).features.encoder == "timm:test_vit"
    assert start_of(page).disabled
    assert "comus weights download timm:test_vit.r160_in1k" in texts(page)
    by_key(page.text_input, "new_features_encoder_path").set_value("test_vot").run()
    assert "no model of that name with weights" in page.error[0].value


def test_every_choice_reaches_the_command(page):
    for key, value in (
        ("new_saliency_detector", "tokencut"),
        ("new_clustering_method", "kmeans"),
        ("new_clustering_features", "raw"),
        ("new_matching", "majority"),
        ("new_saliency_resize", "binary"),
        ("new_saliency_split", "peaks"),
        ("new_features_pool", "mask"),
        ("new_features_precision", "fastest"),
        ("new_filter_by", "density"),
        ("new_truth_boxes", "ignore"),
        ("new_truth_orientation", "stored"),
        ("new_truth_groups", "keep"),
        ("new_truth_crowds", "ignore"),
        ("new_truth_overlaps", "last"),
    ):
        by_key(page.selectbox, key).select(value).run()
    for key, value in (
        ("new_seed", 9),
        ("new_saliency_threshold", 0.4),
        ("new_saliency_min_area", 100),
        ("new_truth_least_pixels", 1000),
        ("new_saliency_peaks_depth", 0.3),
        ("new_clustering_neighbours", 12),
        ("new_clustering_n_init", 3),
        ("new_clustering_over_clusters", 40),
    ):
        by_key(page.number_input, key).set_value(value).run()
    by_key(page.slider, "new_filter_percent").set_value(35.0).run()
    assert not page.exception
    assert command_of(page) == make_config(
        dataset="demo",
        saliency={"detector": "tokencut", "resize": "binary", "threshold": 0.4, "min_area": 100}
        | {"split": "peaks", "peaks": {"depth": 0.3}},
        features={"pool": "mask", "precision": "fastest"},
        clustering={"method": "kmeans", "features": "raw", "neighbours": 12, "n_init": 3, "over_clusters": 40},
        truth={"boxes": "ignore", "orientation": "stored", "groups": "keep"}
        | {"crowds": "ignore", "overlaps": "last", "least_pixels": 1000},
        filter_by="density",
        matching="majority",
        filter_percent=35.0,
        seed=9,
    )


def test_landmarks_that_another_method_refuses_can_be_taken_back(page):
    by_key(page.number_input, "new_clustering_landmarks").set_value(500).run()
    by_key(page.selectbox, "new_clustering_method").select("kmeans").run()
    assert "landmarks 500: kmeans clusters all proposals" in page.error[0].value and start_of(page).disabled
    by_key(page.number_input, "new_clustering_landmarks").set_value(0).run()
    assert not page.error and command_of(page) == make_config(dataset="demo", clustering={"method": "kmeans"})


def test_ground_truth_may_be_left_unread_and_then_gives_no_number_of_clusters(page):
    by_key(page.toggle, "new_truth_read").set_value(False).run()
    assert command_of(page) == make_config(dataset="demo", truth={"read": False})
    field = by_key(page.number_input, "new_clustering_clusters")
    assert field.proto.placeholder == "auto: the most stable number"


def test_a_folder_is_counted_and_one_outside_the_roots_is_refused(page, tmp_path):
    folder = draw_folder(tmp_path / "shapes", count=5, empty=1)
    choose_kind(page, "folder")
    assert start_of(page).disabled and "Choose the images first" in texts(page)
    by_key(page.text_input, "new_folder_path").set_value(str(folder)).run()
    assert "**5 images**, ground truth, 3 classes" in texts(page)
    assert command_of(page).dataset == str(folder)
    by_key(page.text_input, "new_folder_path").set_value("/etc").run()
    assert "lies outside the folders" in page.error[0].value and "COMUS_IMAGE_ROOTS" in page.error[0].value
    assert start_of(page).disabled
    by_key(page.text_input, "new_folder_path").set_value(str(tmp_path / "nowhere")).run()
    assert "no such folder" in page.error[0].value


def test_what_the_folder_holds_of_this_program_is_told_and_not_counted(page, tmp_path):
    folder = draw_folder(tmp_path / "shapes", count=3, empty=0) / "images"
    open_workspace(folder / "_*w*_")
    (folder / "_*w*_/artifacts").mkdir()
    (folder / "000.png").rename(folder / "_*w*_/artifacts/000.png")
    by_key(page.get("button_group"), "new_kind").set_value("folder").run()
    by_key(page.text_input, "new_folder_path").set_value(str(folder)).run()
    assert "**2 images**" in texts(page)
    assert r"Ignored 1 image file (in a workspace): \_\*w\*\_/." in [c.value for c in page.caption]


def test_the_picker_walks_down_and_up_and_never_out(page, tmp_path):
    (tmp_path / "a" / "deep").mkdir(parents=True)
    choose_kind(page, "folder")
    labels = {button.label: button for button in page.button}
    assert "a" in labels and "Up" not in labels
    labels["a"].click().run()
    assert by_key(page.text_input, "new_folder_path").value == str(tmp_path / "a")
    labels = {button.label: button for button in page.button}
    assert "deep" in labels
    labels["Up"].click().run()
    assert by_key(page.text_input, "new_folder_path").value == str(tmp_path)
    assert "Up" not in {button.label for button in page.button}


def test_voc_offers_the_splits_that_are_there(page, tmp_path):
    root = tmp_path / "VOC2012"
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    for split, stems in (("train", "ab"), ("val", "c")):
        (root / "ImageSets" / "Segmentation" / f"{split}.txt").write_text("\n".join(stems))
    choose_kind(page, "voc")
    by_key(page.text_input, "new_folder_path").set_value(str(tmp_path)).run()
    split = by_key(page.selectbox, "new_split_voc")
    assert split.options == ["train", "val"] and "**2 images**, ground truth, 20 classes" in texts(page)
    split.select("val").run()
    assert command_of(page).dataset == f"voc:{tmp_path}:val"
    choose_kind(page, "coco")
    assert "ROOT must contain annotations/" in page.error[0].value


def test_a_zip_becomes_a_folder_of_the_workspace_and_stays_to_choose_from(page, workspace, tmp_path):
    source = draw_folder(tmp_path / "source", count=4, empty=0)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in source.rglob("*.*"):
            archive.write(path, path.relative_to(source))
    choose_kind(page, "zip")
    by_key(page.get("file_uploader"), "new_zip_0").upload("My shapes.zip", packed.getvalue(), "application/zip").run()
    assert not page.exception
    assert command_of(page).dataset == str(workspace.root / "uploads" / "my-shapes")
    assert "**4 images**, ground truth, 3 classes" in texts(page)
    assert by_key(page.selectbox, "new_uploaded").options == ["my-shapes"]


def test_a_zip_that_leads_out_is_refused_with_a_sentence(page, workspace):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../x.png", b"x")
    choose_kind(page, "zip")
    by_key(page.get("file_uploader"), "new_zip_0").upload("slip.zip", packed.getvalue(), "application/zip").run()
    assert not page.exception
    assert "not a path inside the zip" in page.error[0].value
    assert start_of(page).disabled


def test_own_masks_ask_for_their_folder(page, tmp_path):
    (tmp_path / "cut").mkdir()
    by_key(page.selectbox, "new_saliency_detector").select("masks:").run()
    assert start_of(page).disabled
    by_key(page.text_input, "new_saliency_detector_path").set_value(str(tmp_path / "cut")).run()
    assert command_of(page).saliency.detector == f"masks:{tmp_path / 'cut'}"
    assert not start_of(page).disabled


@pytest.mark.parametrize(
    ("key", "part", "label"),
    [
        ("new_saliency_detector", "trained:", "Path of your detector on the server"),
        ("new_saliency_detector", "annotations:", "Path of your annotations on the server"),
        ("new_features_encoder", "file:", "Path of your vectors on the server"),
    ],
)
def test_a_part_says_itself_what_its_field_is_for(page, key, part, label):
    by_key(page.selectbox, key).select(part).run()
    assert by_key(page.text_input, f"{key}_path").label == label and start_of(page).disabled


def test_start_queues_what_the_page_shows_and_leads_to_the_jobs(page, workspace, tmp_path, monkeypatch):
    folder = draw_folder(tmp_path / "shapes", count=5, empty=1)
    choose_kind(page, "folder")
    by_key(page.text_input, "new_folder_path").set_value(str(folder)).run()
    shown = command_of(page)
    (folder / "images").rename(folder / "away")  # so that the real job ends at once
    start_of(page).click().run()
    assert not page.exception
    (job,) = jobs.list_jobs(workspace)
    settings = dict(job.subject)
    assert (job.settings, job.device) == ({"until": "evaluation"}, "auto")
    assert run_form.values_of(shown) | {"dataset": shown.dataset} == run_form.values_of(make_config(**settings)) | {
        "dataset": settings["dataset"]
    }
    assert page.title[0].value == "Jobs and runs" and f"job {job.id}" in texts(page)
