import os
from pathlib import Path

import pytest

from comus_core.datasets import allowed_folders
from comus_core.datasets.allowed_folders import allowed, allowed_dataset, allowed_own, image_roots, list_folder
from comus_core.errors import DatasetError, SettingsError
from comus_core.features.encoders import ENCODERS
from comus_core.saliency.detectors import DETECTORS


@pytest.fixture
def disk(tmp_path):
    """open/ is the allowed root; beside it lies secret/."""
    for folder in ("open/photos/deep", "open/.hidden", "secret/deep", "opener"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("a.jpg", "b.PNG", "notes.txt", ".c.jpg"):
        (tmp_path / "open" / "photos" / file).touch()
    (tmp_path / "open" / "way-out").symlink_to(tmp_path / "secret")
    (tmp_path / "open" / "shortcut").symlink_to(tmp_path / "open" / "photos")
    return tmp_path.resolve()


def test_a_folder_shows_its_visible_subfolders_and_the_images_right_in_it(disk):
    listing = list_folder(disk / "open" / "photos", [disk / "open"])
    assert (listing.subfolders, listing.images, listing.complete) == (("deep",), 2, True)
    assert listing.parent == disk / "open"


def test_links_are_listed_only_if_they_stay_inside(disk):
    assert list_folder(disk / "open", [disk / "open"]).subfolders == ("photos", "shortcut")


def test_there_is_no_way_up_from_a_root_except_into_another_root(disk):
    root = disk / "open"
    assert list_folder(root, [root]).parent is None
    assert list_folder(root / "photos", [root / "photos", root]).parent == root


@pytest.mark.parametrize("path", ["secret", "opener", "open/../secret", "open/way-out", "open/way-out/deep", ""])
def test_everything_outside_the_roots_is_refused(disk, path):
    with pytest.raises(DatasetError, match="lies outside the folders"):
        allowed(disk / path, [disk / "open"])
    with pytest.raises(DatasetError, match="lies outside the folders"):
        list_folder(disk / path, [disk / "open"])


def test_a_path_that_no_system_takes_is_a_sentence(disk):
    with pytest.raises(DatasetError, match="is no path"):
        allowed("photos\0", [disk])


def test_a_folder_that_is_not_there_or_a_file_is_a_sentence(disk):
    with pytest.raises(DatasetError, match="No such file"):
        list_folder(disk / "open" / "nowhere", [disk / "open"])
    with pytest.raises(DatasetError, match="Not a directory"):
        list_folder(disk / "open" / "photos" / "a.jpg", [disk / "open"])


def test_a_folder_with_very_many_entries_is_cut_and_says_so(disk, monkeypatch):
    monkeypatch.setattr(allowed_folders, "MOST_ENTRIES", 3)
    assert not list_folder(disk / "open" / "photos", [disk]).complete


def test_data_sets_are_made_absolute_and_checked_by_their_folder(disk, monkeypatch):
    roots = [disk / "open"]
    monkeypatch.chdir(disk / "open")
    assert allowed_dataset("demo", roots) == "demo"
    assert allowed_dataset("photos", roots) == str(disk / "open" / "photos")
    assert allowed_dataset("voc:photos:trainval", roots) == f"voc:{disk / 'open' / 'photos'}:trainval"
    assert allowed_dataset("coco:shortcut:val", roots) == f"coco:{disk / 'open' / 'photos'}:val"
    for spec in ("../secret", "voc:../secret:val", "coco:way-out:val"):
        with pytest.raises(DatasetError, match="lies outside"):
            allowed_dataset(spec, roots)


def test_own_masks_and_vectors_must_lie_inside_and_be_there(disk):
    roots = [disk / "open"]
    photos = disk / "open" / "photos"
    assert allowed_own(DETECTORS, "u2netp", roots) == "u2netp" and allowed_own(ENCODERS, "auto", roots) == "auto"
    assert allowed_own(DETECTORS, f"masks:{photos}", roots) == f"masks:{photos}"
    assert allowed_own(ENCODERS, f"file:{photos / 'notes.txt'}", roots) == f"file:{photos / 'notes.txt'}"
    wrong = [(DETECTORS, f"masks:{photos / 'a.jpg'}"), (ENCODERS, f"file:{photos}"), (DETECTORS, "masks:")]
    for parts, name in [*wrong, (ENCODERS, f"file:{photos / 'none.npz'}"), (ENCODERS, "file: ")]:
        with pytest.raises(DatasetError if name.partition(":")[2].strip() else SettingsError, match=r"folder|file"):
            allowed_own(parts, name, roots)
    with pytest.raises(DatasetError, match="lies outside"):
        allowed_own(DETECTORS, f"masks:{disk / 'secret'}", roots)


def test_roots_come_from_the_environment_and_always_hold_the_workspace(disk, monkeypatch):
    monkeypatch.setenv(allowed_folders.ROOTS_VARIABLE, os.pathsep.join([str(disk / "open"), str(disk / "opener")]))
    assert image_roots(disk / "secret") == (disk / "open", disk / "opener", disk / "secret")
    monkeypatch.delenv(allowed_folders.ROOTS_VARIABLE)
    monkeypatch.chdir(disk / "open")
    assert image_roots(disk / "opener") == (disk / "open", Path.home().resolve(), disk / "opener")
