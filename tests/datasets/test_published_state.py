"""What of a published data set is in a folder: nothing, a part of an archive, a half of it, all."""

import json

import pytest
from click.testing import CliRunner

from comus_core import check_dataset, download_dataset, list_datasets, open_workspace
from comus_core.cli.main import cli
from comus_core.datasets.published import PUBLISHED
from comus_core.datasets.published_state import state_in
from comus_core.errors import DatasetError, NotAllowedError, SettingsError, WorkspaceError
from comus_core.files.output_folder import locked
from comus_core.person import Person, acting_as
from comus_core.pipelines.dataset_settings import DatasetDownloadSettings, DatasetListSettings
from comus_core.pipelines.published_datasets import stored_check
from tests.datasets.published_folder import NOWHERE, draw_voc, small_table


@pytest.fixture
def wanted(monkeypatch):
    return small_table(monkeypatch)


@pytest.mark.parametrize("name", PUBLISHED)
def test_of_a_folder_that_is_not_there_nothing_is_there(name, tmp_path):
    found = state_in(PUBLISHED[name], tmp_path / "gone")
    assert (found.state, found.message, found.specs) == ("absent", "", ()) and not any(found.images.values())


def test_all_of_it_is_complete_and_its_splits_are_counted(wanted, tmp_path):
    root = draw_voc(tmp_path)
    found = state_in(wanted, tmp_path)
    assert found.state == "complete" and found.images == {"train": 2, "val": 1, "trainval": 3}
    assert found.message == "counts as published: train 2, val 1, trainval 3 images with ground truth"
    assert found.specs == tuple(f"voc:{root}:{split}" for split in ("train", "val", "trainval"))


@pytest.mark.parametrize("gone", ["JPEGImages/a.jpg", "SegmentationClass/a.png"])
def test_an_image_or_a_mask_that_is_missing_is_counted(wanted, tmp_path, gone):
    root = draw_voc(tmp_path)
    (root / gone).unlink()
    found = state_in(wanted, tmp_path)
    assert (found.state, found.specs) == ("half", (f"voc:{root}:val",))
    assert found.message == "images with ground truth: train 1 of 2, trainval 2 of 3"


def test_a_half_that_was_not_unpacked_is_named(wanted, tmp_path):
    (draw_voc(tmp_path) / "SegmentationClass").rename(tmp_path / "elsewhere")
    found = state_in(wanted, tmp_path)
    assert found.state == "half" and "is only half of PASCAL VOC: there is no SegmentationClass" in found.message


def test_a_part_of_an_archive_says_how_much_has_come(wanted, tmp_path):
    (tmp_path / "voc.tar.part").write_bytes(bytes(5000))
    found = state_in(wanted, tmp_path)
    assert (found.state, found.message) == (
        "partial",
        "5 kB of 20 kB of voc.tar has come; the download goes on from there",
    )
    (tmp_path / "voc.tar.part").rename(tmp_path / "voc.tar")
    assert "voc.tar has come and is not, or not wholly, unpacked" in state_in(wanted, tmp_path).message


def test_coco_is_its_images_and_the_annotations_of_the_split(tmp_path):
    (tmp_path / "val2017").mkdir()
    for number in range(3):
        (tmp_path / "val2017" / f"{number}.jpg").touch()
    assert state_in(PUBLISHED["coco2017"], tmp_path).state == "absent"  # no annotations: nothing to open
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/instances_val2017.json").touch()
    found = state_in(PUBLISHED["coco2017"], tmp_path)
    assert found.state == "half" and found.images == {"train2017": 0, "val2017": 3}
    assert "val2017 3 of 5,000" in found.message


def test_the_list_tells_what_is_in_a_folder(wanted, tmp_path):
    draw_voc(tmp_path / "data")
    workspace = open_workspace(tmp_path / "w")
    assert {row["here"] for row in list_datasets(workspace)} == {None}
    row = list_datasets(workspace, DatasetListSettings(str(tmp_path / "data")))[0]
    assert (row["name"], row["bytes"], row["here"]["state"]) == ("voc2012", 20_000, "complete")
    words = ["datasets", "list", "--to", str(tmp_path / "data"), "--workspace", str(workspace.root)]
    said = CliRunner().invoke(cli, words, catch_exceptions=False).output
    assert "complete: counts as published: train 2" in said and "voc2007-test" in said and NOWHERE.url in said
    with pytest.raises(SettingsError, match="data set 'voc': choose one of voc2012"):
        DatasetDownloadSettings("voc", str(tmp_path))


def test_a_check_is_kept_in_the_workspace_and_a_viewer_downloads_nothing(wanted, tmp_path):
    workspace, spec = open_workspace(tmp_path / "w"), f"voc:{draw_voc(tmp_path / 'data')}:val"
    assert stored_check(workspace, spec) is None
    found = check_dataset(spec, workspace)
    kept = stored_check(workspace, spec)
    assert (kept["images"], kept["complete"]) == (1, False) and kept["lines"] == found.lines()
    assert json.loads(json.dumps(found.to_json())).items() <= kept.items()
    settings = DatasetDownloadSettings("voc2012", str(tmp_path / "other"))
    with acting_as(Person("Vera", "viewer")), pytest.raises(NotAllowedError):
        download_dataset(workspace, settings)
    with pytest.raises(DatasetError, match=r"no network: 127.0.0.1 cannot be reached"):
        download_dataset(workspace, settings)


def test_what_was_brought_before_is_brought_again_where_it_is_asked_for(wanted, tmp_path):
    (tmp_path / ".comus-voc2012").touch()
    workspace, said = open_workspace(tmp_path / "w"), []
    result = download_dataset(workspace, DatasetDownloadSettings("voc2012", str(tmp_path)), log=said.append)
    assert result["state"] == "absent" and len(result["specs"]) == 3 and "was brought to" in said[0]
    with pytest.raises(DatasetError, match="no network"):
        download_dataset(workspace, DatasetDownloadSettings("voc2012", str(tmp_path), again=True))


def test_a_folder_whose_name_holds_the_word_split_is_that_folder(wanted, tmp_path):
    draw_voc(tmp_path / "SPLITS")
    assert state_in(wanted, tmp_path / "SPLITS").state == "complete"
    (tmp_path / "SPLITS/voc.tar").touch()
    assert state_in(wanted, tmp_path / "SPLITS").message.endswith(
        "; voc.tar has come and is not, or not wholly, unpacked"
    )


def test_two_downloads_to_one_folder_are_refused(wanted, tmp_path):
    settings, workspace = DatasetDownloadSettings("voc2012", str(tmp_path / "data")), open_workspace(tmp_path / "w")
    (tmp_path / "data").mkdir()
    with locked(tmp_path / "data"), pytest.raises(WorkspaceError, match="wait until it has ended, or choose another"):
        download_dataset(workspace, settings)
    with pytest.raises(DatasetError, match="no network"):
        download_dataset(workspace, settings)
    assert not list((tmp_path / "data").iterdir())


def test_a_check_is_told_where_nothing_can_be_kept(wanted, tmp_path, monkeypatch):
    workspace, spec = open_workspace(tmp_path / "w"), f"voc:{draw_voc(tmp_path / 'data')}:val"

    def refuse(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("comus_core.files.atomic.os.replace", refuse)
    assert check_dataset(spec, workspace).images == 1
    monkeypatch.undo()
    assert stored_check(workspace, spec) is None
