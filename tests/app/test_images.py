"""The Images page: before the check, while it stands, after it; the pictures behind each answer; its routes."""

import csv
import io
import re

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.components.datasets.health_panel import table
from app.components.shared.size_figures import aspect_histogram, size_counts
from app.forms import health_form
from app.server import asgi
from app.server.dataset_routes import image_url
from comus_core import check_health, open_workspace
from comus_core.errors import DatasetError, WorkspaceError
from comus_core.jobs import list_jobs
from comus_core.pipelines.image_index import quick_index, read_index
from tests.app.working import by_key, open_app, texts
from tests.image_faults import draw_faulty

pytestmark = pytest.mark.thorough


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", str(tmp_path))
    return draw_faulty(tmp_path / "photos")


@pytest.fixture
def workspace(tmp_path):
    return open_workspace(tmp_path / "w")


def opened(monkeypatch, workspace, folder):
    test = open_app(monkeypatch, workspace, "images")
    by_key(test.get("button_group"), "new_kind").set_value("folder").run()
    test.text_input(key="new_folder_path").set_value(str(folder)).run()
    assert not test.exception
    return test


def pictures(test) -> list[str]:
    return re.findall(r'data-image="([^"]+)"', texts(test))


def test_before_the_check_all_files_are_shown_and_the_command_that_checks_them(monkeypatch, workspace, folder):
    test = opened(monkeypatch, workspace, folder)
    assert len(pictures(test)) == 16 and "broken.jpg" in pictures(test)
    assert test.button(key="health_start").label == "Check the images"
    assert test.code[0].value == f"comus images {folder} --workspace {workspace.root}"


def test_what_the_ground_truth_holds_is_told_below_the_check(monkeypatch, workspace, drawn):
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", str(drawn))
    check_health(str(drawn), workspace)
    said = [caption.value for caption in opened(monkeypatch, workspace, drawn).caption]
    assert r"Ground truth: 30 of 30 images labelled, 3 classes" in said


def test_each_group_opens_its_pictures(monkeypatch, workspace, folder):
    report = check_health(str(folder), workspace)
    test = opened(monkeypatch, workspace, folder)
    words = texts(test)
    assert "15 of 16 files are usable" in words
    expected = {
        "exact": ["0.png", "sub/again.png", "sub/copy.bmp"],
        "near": ["0.png", "zoomed.jpg", "1.png", "smaller.jpg"],
        "tiny": ["icon.png"],
        "dark": ["night.png"],
        "blurry": [e["image"] for e in report["blurry"]],
    }
    for name, images in expected.items():
        by_key(test.get("button_group"), "health_group").set_value(name).run()
        assert not test.exception and pictures(test) == images
    by_key(test.get("button_group"), "health_group").set_value("unreadable").run()
    assert not test.exception and pictures(test) == [] and "<b>broken.jpg</b>: truncated" in texts(test)


def test_duplicates_are_excluded_but_one_of_each_and_it_is_undone(monkeypatch, workspace, folder):
    check_health(str(folder), workspace)
    test = opened(monkeypatch, workspace, folder)
    assert test.query_params["data"] == str(folder)
    by_key(test.get("button_group"), "health_group").set_value("exact").run()
    test.button(key="keep_one").click().run()
    gone = ("sub/again.png", "sub/copy.bmp")
    assert not test.exception and workspace.exclusions.read(str(folder)).images == gone
    assert "**2 images excluded** from new runs" in texts(test) and test.button(key="keep_one").disabled
    assert re.findall(r'data-tick="([^"]+)" aria-checked="true"', texts(test)) == list(gone)
    by_key(test.get("button_group"), "health_group").set_value("tiny").run()
    test.button(key="exclude_group").click().run()
    by_key(test.get("button_group"), "health_group").set_value("excluded").run()
    assert not test.exception and pictures(test) == ["icon.png", *gone]
    test.button(key="include_group").click().run()
    assert workspace.exclusions.read(str(folder)).images == ()
    for left in (3, 2, 0):
        test.button(key="exclusion_undo").click().run()
        assert not test.exception and len(workspace.exclusions.read(str(folder)).images) == left


def test_the_folder_is_in_the_address(monkeypatch, workspace, folder):
    test = open_app(monkeypatch, workspace, "images", data=str(folder))
    assert not test.exception and len(pictures(test)) == 16
    assert by_key(test.get("button_group"), "new_kind").value == "folder"
    test = open_app(monkeypatch, workspace, "images", data="coco:nosplit")
    assert not test.exception and not test.error
    test = open_app(monkeypatch, workspace, "images", data="/etc")
    assert not test.exception and test.error


def test_what_is_no_image_is_counted_and_notes_are_listed(monkeypatch, workspace, folder):
    (folder / "notes.txt").write_text("none")
    (folder / "clip.mov").write_bytes(b"none")
    deep = Image.fromarray(np.full((80, 80), 3000, np.uint16))
    deep.save(folder / "camera", "PNG")  # no suffix: known by its first bytes
    check_health(str(folder), workspace)
    test = opened(monkeypatch, workspace, folder)
    assert "Ignored 2 files (not images)" in texts(test)
    by_key(test.get("button_group"), "health_group").set_value("notes").run()
    assert not test.exception and pictures(test) == []
    assert "<b>camera</b>: 12-bit values in a 16-bit file were scaled to 0-255" in texts(test)


def test_a_folder_outside_the_allowed_ones_is_refused(monkeypatch, workspace, folder, tmp_path_factory):
    elsewhere = draw_faulty(tmp_path_factory.mktemp("elsewhere") / "p")
    test = opened(monkeypatch, workspace, elsewhere)
    assert "outside the folders" in texts(test) and pictures(test) == []


def test_the_button_queues_the_check(monkeypatch, workspace, folder):
    monkeypatch.setattr("comus_core.jobs.ensure_supervisor", lambda *_: None)
    test = opened(monkeypatch, workspace, folder)
    test.button(key="health_start").click().run()
    assert not test.exception
    (job,) = list_jobs(workspace)
    assert (job.kind, job.state, job.subject) == ("images", "queued", str(folder))
    assert test.button(key="health_start").disabled and "check of the images" in texts(test)


def test_thumbnails_are_the_pictures_and_nothing_else_is_served(monkeypatch, workspace, folder, tmp_path_factory):
    monkeypatch.setenv("COMUS_WORKSPACE", str(workspace.root))
    client = TestClient(Starlette(routes=asgi.routes()))
    index = quick_index(workspace, str(folder))
    row = index.ids.index("0.png")
    answer = client.get(image_url(index, row))
    shown, stored = (
        np.asarray(Image.open(f).convert("RGB")).astype(int) for f in (io.BytesIO(answer.content), folder / "0.png")
    )
    assert shown.shape == stored.shape and abs(shown - stored).mean() < 8
    assert "immutable" in answer.headers["Cache-Control"]
    assert client.get(image_url(index, row), headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    small = Image.open(io.BytesIO(client.get(image_url(index, row, 240)).content))
    assert max(small.size) == 200  # never enlarged
    assert client.get(f"/api/datasets/{index.key}/images/16").status_code == 404
    assert client.get(f"/api/datasets/{index.key}/images/0?size=9").status_code == 400
    assert client.get("/api/datasets/..%2f..%2fx/images/0").status_code == 404
    broken = client.get(image_url(index, index.ids.index("broken.jpg")))
    assert (broken.status_code, broken.headers["Content-Type"]) == (200, "image/svg+xml")
    assert "<title>truncated" in broken.text and broken.headers["Cache-Control"] == "private, no-cache"
    secret = tmp_path_factory.mktemp("secret") / "secret.png"
    Image.new("RGB", (9, 9)).save(secret)
    (folder / "0.png").unlink()
    (folder / "0.png").symlink_to(secret)
    assert "is a link to a file outside its data set" in client.get(image_url(index, row)).text
    (folder / "1.png").unlink()
    assert client.get(f"/api/datasets/{index.key}/images/{index.ids.index('1.png')}").status_code == 404


def test_the_list_of_a_data_set_is_the_same_by_both_ways(workspace, folder):
    quick = quick_index(workspace, str(folder))
    check_health(str(folder), workspace)
    assert read_index(workspace, quick.key) == quick
    assert quick_index(workspace, "coco:/x:val2017") is None and quick_index(workspace, "demo") is None
    with pytest.raises(WorkspaceError, match="no data set"):
        read_index(workspace, "../x")
    with pytest.raises(DatasetError, match="no such folder"):
        quick_index(workspace, str(folder / "gone"))


def test_the_table_has_a_row_an_image_with_what_was_found_of_it(workspace, folder):
    report = check_health(str(folder), workspace)
    rows = {row["image"]: row for row in csv.DictReader(io.StringIO(table(report).decode("utf-8-sig")))}
    assert list(rows) == report["ids"]
    assert (rows["icon.png"]["width"], rows["icon.png"]["height"], rows["icon.png"]["tiny"]) == ("60", "40", "40")
    assert {i for i, row in rows.items() if row["exact_group"] == "1"} == set(report["exact"][0])
    assert {i for i, row in rows.items() if row["near_group"] == "2"} == set(report["near"][1])


def test_size_counts_and_aspects_are_those_of_counting_one_by_one():
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 5, (200, 2)) * 100
    found, count = size_counts(sizes)
    assert {tuple(s): int(n) for s, n in zip(found.tolist(), count, strict=True)} == {
        size: [tuple(s) for s in sizes.tolist()].count(size) for size in {tuple(s) for s in sizes.tolist()}
    }
    edges, bars = aspect_histogram(sizes, 8)
    ratio = sizes[:, 1] / sizes[:, 0]
    assert bars.sum() == 200 and edges[0] * edges[-1] == pytest.approx(1)
    for low, high, number in zip(edges[:-2], edges[1:-1], bars, strict=False):
        assert number == ((ratio >= low) & (ratio < high)).sum()
    assert aspect_histogram(np.zeros((0, 2)))[1].sum() == 0


def test_each_kind_is_counted_by_the_pictures_that_are_shown_of_it(workspace, folder):
    report = check_health(str(folder), workspace)
    words = health_form.counts(report, 16)
    for name, label in health_form.WORDS.items():
        pictures = health_form.shown(report, report["ids"], name) if name not in ("all", "unreadable", "notes") else []
        assert not pictures or words[name] == f"{label} {len(pictures)}"
    assert words["exact"] == "Exact duplicates 3" and words["all"] == "All 16"
    assert list(health_form.counts(None, 3)) == ["all"]
