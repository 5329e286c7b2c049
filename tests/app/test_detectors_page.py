"""The Images page's tabs on detectors: nothing there yet, a job running, results with and without truth; its routes."""

import io
import re
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.components.saliency.compare_panel import figures
from app.data import saliency_data
from app.forms import saliency_form
from app.server import asgi
from app.server.saliency_routes import INK, maps_url, masks_url, soft_url
from comus_core import compare_saliency, jobs, make_config, open_workspace, predict_saliency
from comus_core.datasets.demo import drawing
from comus_core.files.own_places import own_place
from comus_core.jobs import list_jobs
from comus_core.pipelines.image_index import index_key
from comus_core.pipelines.saliency_comparison import compared, open_maps, stored_comparison
from comus_core.pipelines.saliency_folders import DETECTORS, kept_detectors, new_detector, new_maps
from comus_core.pipelines.saliency_settings import SaliencyCompareSettings, SaliencyPredictSettings
from comus_core.saliency.thresholding import find_proposals, masks_from_soft_map
from comus_core.saliency.trained.network import SaliencyNetwork
from comus_core.saliency.trained.network_file import write_network
from comus_core.settings import from_dict
from tests.app.working import by_key, open_app, texts

pytestmark = pytest.mark.thorough

SALIENCY = make_config(dataset="-", saliency={"priors": {"side": 64}, "min_area": 100}).saliency
GONE = "trained:/nothing/here.safetensors"


@pytest.fixture(scope="module")
def done(drawn, tmp_path_factory):
    """(workspace, spec, result) of a finished comparison with ground truth: read it, do not change it."""
    workspace = open_workspace(tmp_path_factory.mktemp("detectors") / "w")
    settings = SaliencyCompareSettings(("mbd", "rbd", GONE), saliency=SALIENCY)
    return workspace, str(drawn), compare_saliency(str(drawn), workspace, settings, device="cpu")


@pytest.fixture
def at(monkeypatch):
    """`at(workspace, spec, tab)`: the Images page at that tab."""

    def start(workspace, spec, tab="detectors"):
        monkeypatch.setenv("COMUS_IMAGE_ROOTS", spec)
        monkeypatch.setattr("comus_core.jobs.ensure_supervisor", lambda *_: None)
        test = open_app(monkeypatch, workspace, "images", data=spec, tab=tab)
        assert not test.exception
        return test

    return start


@pytest.fixture
def client(done, monkeypatch):
    monkeypatch.setenv("COMUS_WORKSPACE", str(done[0].root))
    return TestClient(Starlette(routes=asgi.routes()))


def table(test):
    return next(frame.value for frame in test.dataframe)


def counts(test):
    return {metric.label: metric.value for metric in test.metric}


def test_without_a_data_set_there_are_no_tabs(monkeypatch, tmp_path):
    test = open_app(monkeypatch, open_workspace(tmp_path / "w"), "images", tab="detectors")
    assert not test.exception and "images_tab" not in [str(b.key).split("~")[0] for b in test.get("button_group")]


def test_before_a_comparison_it_says_what_to_do_and_the_button_queues_it(at, drawn, tmp_path):
    workspace = open_workspace(tmp_path / "w")
    test = at(workspace, str(drawn))
    assert "No detectors compared yet" in texts(test) and not test.metric
    chosen = by_key(test.multiselect, "detectors_choice").value
    assert len(chosen) > 1 and {"rbd", "mbd"} <= set(chosen)
    by_key(test.multiselect, "detectors_choice").set_value(["mbd", "dsr"]).run()
    by_key(test.number_input, "detectors_images").set_value(12).run()
    command = f"comus saliency compare {drawn} --detectors mbd --detectors dsr --images 12"
    assert command in test.code[0].value
    test.button(key="detectors_start").click().run()
    assert not test.exception and test.button(key="detectors_start").disabled
    (job,) = list_jobs(workspace)
    assert (job.kind, job.state, job.subject) == ("saliency-compare", "queued", str(drawn))
    assert from_dict(SaliencyCompareSettings, job.settings) == SaliencyCompareSettings(("mbd", "dsr"), 12)
    assert "comparison of 2 detectors" in texts(test) and "No detectors compared yet" in texts(test)
    jobs.cancel(workspace, job.id)
    assert not at(workspace, str(drawn)).button(key="detectors_start").disabled


def test_nothing_can_be_compared_while_no_detector_is_chosen(at, drawn, tmp_path):
    test = at(open_workspace(tmp_path / "w"), str(drawn))
    by_key(test.multiselect, "detectors_choice").set_value([]).run()
    assert not test.exception and test.button(key="detectors_start").disabled and not test.code


def test_the_table_has_a_row_a_detector_with_its_badge_and_the_reason_where_it_is_not_here(at, done):
    workspace, spec, result = done
    frame = table(at(workspace, spec))
    assert frame["Detector"].tolist() == ["mbd", "rbd", "here"]
    assert frame["Supervision"].tolist()[:2] == ["no supervision"] * 2
    for title, name in (("Empty", "empty"), ("Seconds", "seconds"), ("Pooled IoU", "pooled_iou"), ("MAE", "mae")):
        assert frame[title].tolist()[:2] == [row[name] for row in result["detectors"][:2]]
    assert "there is no such file" in frame["Not available here"][2] and frame["Not available here"][0] == ""
    assert np.isnan(frame["Max F"][2])
    words = texts(at(workspace, spec))
    assert f"{result['agreement'][0][1]:.1f}</td>" in words and "30 of 30 images labelled" in words


def test_without_ground_truth_there_are_no_columns_of_scores_and_no_reasons_without_a_fault(at, drawn, tmp_path):
    folder, workspace = tmp_path / "plain", open_workspace(tmp_path / "w")
    shutil.copytree(drawn / "images", folder)
    result = compare_saliency(
        str(folder), workspace, SaliencyCompareSettings(("mbd",), 6, saliency=SALIENCY), device="cpu"
    )
    test = at(workspace, str(folder))
    assert list(table(test)) == list(figures(result)) == ["Detector", "Supervision", "Empty", "Seconds"]
    assert "Agreement" not in [head.value for head in test.subheader]  # there is one detector
    assert "6 images of 30" in texts(test) and "agreement" not in texts(test)


def test_images_where_detectors_disagree_most_come_first(at, done):
    workspace, spec, result = done
    shown = re.findall(r'data-compared="([^"]+)"', texts(at(workspace, spec)))
    assert shown == [row["image"] for row in result["image_rows"][:6]]


def test_the_threshold_says_what_becomes_a_proposal_without_a_job(at, done):
    workspace, spec, result = done
    test = at(workspace, spec)
    maps = open_maps(workspace, result, compared(result)[1])
    by_key(test.selectbox, "detectors_tried_one").set_value(1).run()
    for threshold, min_area in ((0.5, 100), (0.83, 100), (0.83, 700), (0.05, 0)):
        by_key(test.slider, "detectors_slider").set_value(threshold).run()
        by_key(test.number_input, "detectors_area").set_value(min_area).run()
        settings = maps.at(threshold, min_area)
        found = [len(masks_from_soft_map(maps.stored_map(i), size, settings)) for i, size in maps.sizes.items()]
        assert counts(test) == {"Proposals": str(sum(found)), "Images without a proposal": str(found.count(0))}
        assert f"t={threshold:.2f}&amp;a={min_area}" in texts(test)
    assert list_jobs(workspace) == []


def test_the_detector_and_threshold_go_on_to_discover(at, done):
    workspace, spec, _ = done
    test = at(workspace, spec)
    by_key(test.slider, "detectors_slider").set_value(0.37).run()
    by_key(test.number_input, "detectors_area").set_value(250).run()
    test.button(key="detectors_use").click().run()
    test.switch_page("../pages/new_run.py").run()
    assert not test.exception and test.query_params["data"] == spec
    assert by_key(test.selectbox, "new_saliency_detector").value == "mbd"
    assert by_key(test.number_input, "new_saliency_threshold").value == 0.37
    assert by_key(test.number_input, "new_saliency_min_area").value == 250


def test_what_was_cleaned_up_is_told_and_a_damaged_file_too(at, done, tmp_path):
    workspace, spec, _ = done
    shutil.copytree(workspace.root, tmp_path / "w")
    copy = open_workspace(tmp_path / "w")
    shutil.rmtree(copy.artifacts.root / "soft_maps")
    test = at(copy, spec)
    assert (
        "are no longer in the workspace: compare the detectors again" in test.error[0].value and len(table(test)) == 3
    )
    for path in (tmp_path / "w" / "cache" / "images").glob("*.detectors.json"):
        path.write_text("{")
    assert "compare the detectors again" in at(copy, spec).error[0].value


def test_layers_are_the_stored_map_and_the_masks_at_the_threshold(client, done):
    workspace, spec, result = done
    key, maps = index_key(spec), open_maps(workspace, result, compared(result)[0])
    row = next(n for n, one in enumerate(result["image_rows"]) if maps.stored_map(one["image"]).max() > 150)
    image_id = result["image_rows"][row]["image"]
    size = maps.sizes[image_id]  # smaller than a layer may be
    soft = np.asarray(Image.open(io.BytesIO(client.get(soft_url(key, 0, row, maps, image_id)).content)))
    assert np.array_equal(soft, np.asarray(drawing.soft_layer(maps.stored_map(image_id), size)))
    for threshold, min_area in ((0.3, 0), (0.5, 10**6)):
        answer = client.get(masks_url(key, 0, row, maps, image_id, threshold, min_area))
        layer = np.asarray(Image.open(io.BytesIO(answer.content)))
        found = find_proposals(image_id, maps.stored_map(image_id), size, maps.at(threshold, min_area))
        inside = found.mask(0) if len(found) else np.zeros(size, bool)
        assert np.array_equal(layer[..., 3] > 0, _with_outline(inside))
        assert inside.any() == (min_area == 0) and (layer[inside][:, :3] == drawing.rgb([INK])[0]).all()
        assert "immutable" in answer.headers["Cache-Control"]


def _with_outline(mask):
    """The mask and the pixels beside it."""
    padded = np.pad(mask, 1)
    height, width = mask.shape
    return np.logical_or.reduce([padded[y : y + height, x : x + width] for y in range(3) for x in range(3)])


def test_nothing_else_is_served(client, done):
    _, spec, _ = done
    base = f"/api/detectors/{index_key(spec)}"
    assert client.get(f"{base}/7/0/soft").status_code == 404
    assert client.get(f"{base}/0/99/soft").status_code == 404
    assert client.get("/api/detectors/..%2f..%2fx/0/0/soft").status_code == 404
    for bad in ("t=2&a=0", "t=x&a=0", "t=0.5&a=-1", "t=nan&a=0", "a=0"):
        assert client.get(f"{base}/0/0/masks?{bad}").status_code == 400
    assert client.get(f"/api/maps/{index_key(spec)}/20260101-000000-00000000").status_code == 404
    assert client.get(f"/api/maps/{index_key(spec)}/..").status_code == 404


def test_a_comparison_made_again_is_read_again(done, monkeypatch, tmp_path):
    workspace, spec, result = done
    shutil.copytree(workspace.root, tmp_path / "w")
    copy = open_workspace(tmp_path / "w")
    monkeypatch.setenv("COMUS_WORKSPACE", str(copy.root))
    assert saliency_data.comparison(index_key(spec)) == result
    settings = SaliencyCompareSettings(("mbd",), 4, saliency=SALIENCY)
    again = compare_saliency(spec, copy, settings, device="cpu")
    assert saliency_data.comparison(index_key(spec)) == again == stored_comparison(copy, spec)
    assert saliency_data.comparison("0" * 16) is None


def test_a_detector_is_trained_by_a_job_and_then_used_in_discover(at, drawn, tmp_path):
    workspace = open_workspace(tmp_path / "w")
    test = at(workspace, str(drawn), "own")
    assert "No detector trained yet" in texts(test)
    by_key(test.number_input, "own_epochs").set_value(5).run()
    by_key(test.number_input, "own_images").set_value(20).run()
    assert test.code[0].value.startswith(f"comus saliency train {drawn} --out detector.safetensors --set")
    assert '"epochs": 5' in test.code[0].value and "recipe.images=20" in test.code[0].value
    test.button(key="own_start").click().run()
    (job,) = list_jobs(workspace)
    assert not test.exception and test.button(key="own_start").disabled
    [network] = job.settings["recipe"]["networks"]
    assert (job.kind, job.settings["recipe"]["images"], network["epochs"]) == ("saliency-train", 20, 5)
    assert own_place(workspace.root, DETECTORS).joinpath(job.settings["out"]).parent.is_dir()


def test_detectors_that_were_trained_are_listed_and_used(at, drawn, tmp_path):
    workspace = open_workspace(tmp_path / "w")
    out = new_detector(workspace, str(drawn))
    facts = {"side": 64, "images": 30, "supervision": {"direct": "none", "inherited": "none"}}
    write_network(out, SaliencyNetwork().state_dict(), facts)
    assert kept_detectors(workspace) == [out] and out.name.startswith("shapes-")
    (out.parent / "broken.safetensors").write_bytes(b"x")
    test = at(workspace, str(drawn), "own")
    assert "trained on 30 images" in texts(test) and "this file cannot be read" in texts(test)
    own = f"trained:{out}"
    offered = by_key(at(workspace, str(drawn)).multiselect, "detectors_choice").options
    assert saliency_form.label(own) == out.stem and out.stem in offered
    number = list(saliency_form.own_detectors(workspace)).index(own)
    test.button(key=f"own_use_{number}").click().run()
    test.switch_page("../pages/new_run.py").run()
    assert not test.exception and by_key(test.selectbox, "new_saliency_detector").value == "trained:"
    assert by_key(test.text_input, "new_saliency_detector_path").value == str(out)


def test_soft_maps_are_written_by_a_job_and_sent_as_a_zip(at, done, client, monkeypatch, tmp_path):
    done_workspace, spec, _ = done
    shutil.copytree(done_workspace.root, tmp_path / "w")
    workspace = open_workspace(tmp_path / "w")
    test = at(workspace, spec, "maps")
    assert "No soft maps written yet" in texts(test)
    by_key(test.selectbox, "maps_detector").set_value("mbd").run()
    test.button(key="maps_start").click().run()
    (job,) = list_jobs(workspace)
    assert not test.exception and (job.kind, job.settings["saliency"]["detector"]) == ("saliency-predict", "mbd")
    settings = SaliencyPredictSettings(
        str(new_maps(workspace, spec)),
        make_config(dataset="-", saliency={"detector": "mbd", "priors": {"side": 64}}).saliency,
    )
    written = predict_saliency(spec, workspace, settings, device="cpu")
    words = texts(at(workspace, spec, "maps"))
    assert "30 maps of mbd" in words
    name = settings.out.rpartition("/")[2]
    assert maps_url(index_key(spec), name) in words
    answer = client.get("/" + maps_url(index_key(spec), name))
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = set(archive.namelist())
        assert names == {f"{name}/saliency.json", *(f"{name}/{row['map']}" for row in written["maps"])}
    assert not list(workspace.root.glob(".maps-*"))
