"""Planted faults in a folder of pictures: the report finds each of them and nothing else."""

import json

import pytest
from click.testing import CliRunner
from PIL import Image

from comus_core import check_health, open_workspace
from comus_core.cli.main import cli
from comus_core.errors import Cancelled, DatasetError
from comus_core.pipelines.image_health import HealthLimits, stored_report
from comus_core.pipelines.verb_settings import HealthSettings
from tests.image_faults import draw_faulty


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return draw_faulty(tmp_path_factory.mktemp("health") / "photos")


@pytest.fixture(scope="module")
def checked(folder, tmp_path_factory):
    workspace = open_workspace(tmp_path_factory.mktemp("w"))
    return workspace, check_health(str(folder), workspace)


def names(entries):
    return {entry["image"] for entry in entries}


def test_every_planted_fault_is_found_and_nothing_else(checked):
    _, report = checked
    assert [s["path"] for s in report["unreadable"]] == ["broken.jpg"] and "truncated" in report["unreadable"][0][
        "reason"
    ]
    assert report["exact"] == [["0.png", "sub/again.png", "sub/copy.bmp"]]
    assert report["near"] == [["0.png", "zoomed.jpg"], ["1.png", "smaller.jpg"]]
    assert names(report["tiny"]) == {"icon.png"} and report["tiny"][0]["value"] == 40
    assert names(report["dark"]) == {"night.png"}
    assert names(report["blurry"]) == {"soft.png", "flat1.png", "flat2.png"}
    assert (report["images"], report["usable"]) == (16, 15)


def test_sizes_are_those_of_the_files_in_the_order_of_the_ids(checked, folder):
    report = checked[1]
    for image_id, (height, width) in zip(report["ids"], report["sizes"], strict=True):
        assert Image.open(folder / image_id).size == (width, height)


def test_the_report_is_kept_and_nothing_is_measured_twice(checked, folder):
    workspace, report = checked
    assert stored_report(workspace, str(folder)) == report and stored_report(workspace, "/elsewhere") is None
    seen = []
    again = check_health(str(folder), workspace, HealthSettings(HealthLimits(tiny=100)), on_progress=seen.append)
    assert names(again["tiny"]) == {"icon.png", "smaller.jpg", "zoomed.jpg"} and seen == []
    assert stored_report(workspace, str(folder))["limits"]["tiny"] == 100
    check_health(str(folder), workspace)


def test_it_tells_of_every_picture_and_stops_when_asked(folder, tmp_path):
    workspace, seen = open_workspace(tmp_path / "w"), []

    def until_five(progress):
        seen.append(progress)
        if progress.stage == "health" and progress.step >= 5:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        check_health(str(folder), workspace, on_progress=until_five)
    assert stored_report(workspace, str(folder)) is None and seen[-1].total == 15
    check_health(str(folder), workspace)
    assert stored_report(workspace, str(folder)) is not None


def test_a_folder_without_a_usable_picture_says_why(tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.jpg").write_text("no")
    with pytest.raises(DatasetError, match=r"none of the 1 files is usable \(a\.jpg: not an image"):
        check_health(str(tmp_path / "p"), open_workspace(tmp_path / "w"))


def test_the_command_says_the_same(checked, folder, tmp_path):
    workspace, report = checked
    words = ["images", str(folder), "--workspace", str(workspace.root), "--json", str(tmp_path / "r.json")]
    told = CliRunner().invoke(cli, words)
    assert told.exit_code == 0, told.output
    written = json.loads((tmp_path / "r.json").read_text())
    assert written | {"checked_at": 0} == report | {"checked_at": 0}
    assert "exact duplicates, groups of: 1\n  0.png, sub/again.png, sub/copy.bmp" in told.output
    assert "unreadable: 1\n  broken.jpg: truncated" in told.output


def test_the_command_counts_what_is_no_image_and_lists_notes(tmp_path):
    (tmp_path / "p").mkdir()
    for name in ("a.txt", "b.json", "c.pdf"):
        (tmp_path / "p" / name).write_text("x")
    Image.effect_noise((80, 80), 90).save(tmp_path / "p" / "x.jpg")
    content = (tmp_path / "p" / "x.jpg").read_bytes()
    (tmp_path / "p" / "cut.jpg").write_bytes(content[:-2])
    told = CliRunner().invoke(cli, ["images", str(tmp_path / "p"), "--workspace", str(tmp_path / "w")])
    assert told.exit_code == 0, told.output
    assert "2 images, 2 usable\nignored 3 files (not images)\n" in told.output
    assert "read with a note: 1\n  cut.jpg: the end marker is missing, the image is complete\n" in told.output
