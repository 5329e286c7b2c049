import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comus_core.config import TruthSettings
from comus_core.datasets.dataset import open_dataset
from comus_core.datasets.truth_check import check_truth
from comus_core.errors import DatasetError
from tests.datasets.broken_files import picture
from tests.datasets.test_many_files import without_privileges


def ids_of(dataset) -> list[str]:
    return [file.image_id for file in dataset.files]


def put(path: Path, width: int = 6, height: int = 4) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(1, width, height).save(path)
    return path


def put_mask(path: Path, indices) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(indices)).save(path)
    return path


def mask_of(*values: int, dtype=np.uint8):
    """A 4 x 6 mask whose first pixels are these values."""
    mask = np.zeros((4, 6), dtype)
    mask.flat[: len(values)] = values
    return mask


@pytest.fixture
def labelled(tmp_path) -> Path:
    """Two images, one with a mask, and a list of classes without background."""
    root = tmp_path / "My Photos (2024)"
    put(root / "images/a.png")
    put(root / "images/more/b.webp")
    put_mask(root / "masks/more/b.png", mask_of(1, 2, 255))
    (root / "classes.txt").write_text("cat\ndog\n\n")
    return root


def test_a_folder_is_read_recursively_and_sorted_by_posix_path(tmp_path):
    for name in ("z.jpg", "a/b/c.PNG", "a/x.gif", "b.tif", "notes.txt", ".hidden.jpg", ".git/x.png", "a/.thumbs/y.png"):
        if name.endswith("txt"):
            (tmp_path / name).write_text("no image")
        else:
            put(tmp_path / name)
    dataset = open_dataset(str(tmp_path), tmp_path / "unused")
    assert ids_of(dataset) == ["a/b/c.PNG", "a/x.gif", "b.tif", "z.jpg"]
    assert all(file.path == tmp_path / file.relative and file.relative == file.image_id for file in dataset.files)
    assert dataset.truth is None and not dataset.synthetic and dataset.skipped == ()
    assert not (tmp_path / "unused").exists()


def test_links_that_lead_in_circles_are_followed_once(tmp_path):
    put(tmp_path / "a/x.png")
    (tmp_path / "a/up").symlink_to(tmp_path)
    (tmp_path / "a/self").symlink_to(tmp_path / "a")
    (tmp_path / "again.png").symlink_to(tmp_path / "a/x.png")
    assert ids_of(open_dataset(str(tmp_path), tmp_path)) == ["a/x.png", "again.png"]


def test_a_linked_folder_outside_is_read_too(tmp_path):
    put(tmp_path / "elsewhere/x.png")
    (tmp_path / "here").mkdir()
    (tmp_path / "here/linked").symlink_to(tmp_path / "elsewhere")
    assert ids_of(open_dataset(str(tmp_path / "here"), tmp_path)) == ["linked/x.png"]


def test_a_folder_that_may_not_be_read_and_a_name_that_is_no_text_are_set_aside(tmp_path):
    root = tmp_path / "open"
    put(root / "x.png")
    with open(os.fsencode(root) + b"/caf\xe9.png", "wb") as file:
        file.write((root / "x.png").read_bytes())
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder.name.startswith(("pytest-", "popen-", tmp_path.name)):
            folder.chmod(0o755)
    put(root / "locked/y.png")
    (root / "locked").chmod(0)
    with without_privileges():
        dataset = open_dataset(str(root), tmp_path)
    (root / "locked").chmod(0o755)
    assert ids_of(dataset) == ["x.png"]
    reasons = {s.path: s.reason for s in dataset.skipped}
    assert reasons == {
        "caf?.png": "the file name is not valid UTF-8: rename it",
        "locked/": "folder cannot be read: Permission denied",
    }


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda root: None, "no such folder"),
        (lambda root: put(root.with_suffix(".png")).rename(root), "is a file"),
        (lambda root: root.mkdir(), "no images in"),
        (
            lambda root: (root.mkdir(), (root / "x.jpg").symlink_to("gone")),
            "x.jpg: a link to a file that does not exist",
        ),
    ],
)
def test_a_folder_that_cannot_serve_says_why(tmp_path, make, words):
    make(tmp_path / "photos")
    with pytest.raises(DatasetError, match=words):
        open_dataset(str(tmp_path / "photos"), tmp_path)


def test_masks_and_classes_beside_the_images_are_ground_truth(labelled):
    put(labelled / "extra.png")  # outside images/
    dataset = open_dataset(str(labelled), labelled)
    assert dataset.name == "my-photos-2024"
    assert ids_of(dataset) == ["images/a.png", "images/more/b.webp"]
    assert dataset.truth.classes == ("background", "cat", "dog") and dataset.truth.ignore == 255
    assert not dataset.truth.has("images/a.png") and dataset.truth.has("images/more/b.webp")
    np.testing.assert_array_equal(dataset.truth.mask("images/more/b.webp"), mask_of(1, 2, 255))
    assert dataset.truth.files() == (labelled / "classes.txt", labelled / "masks/more/b.png")
    with pytest.raises(DatasetError, match=r"images/a\.png.*no mask with its name"):
        dataset.truth.mask("images/a.png")


def test_a_class_list_may_start_with_background(labelled):
    (labelled / "classes.txt").write_text("\ufeffbackground\ncat\ndog\n")
    assert open_dataset(str(labelled), labelled).truth.classes == ("background", "cat", "dog")


@pytest.mark.parametrize(
    ("text", "words"),
    [("cat\ndog\ncat\n", "duplicate name cat"), ("background\n", "no class besides"), ("", "no class")],
)
def test_a_bad_class_list_is_refused(labelled, text, words):
    (labelled / "classes.txt").write_text(text)
    with pytest.raises(DatasetError, match=words):
        open_dataset(str(labelled), labelled)


def test_palette_masks_give_their_indices_not_their_colours(labelled):
    mask = Image.fromarray(mask_of(2, 1, 255)).convert("P")
    mask.putpalette(np.random.default_rng(0).integers(0, 256, 768).tolist())
    mask.save(labelled / "masks/more/b.png")
    dataset = open_dataset(str(labelled), labelled)
    np.testing.assert_array_equal(dataset.truth.mask("images/more/b.webp"), mask_of(2, 1, 255))


def test_without_a_class_list_classes_are_the_ids_found(labelled):
    (labelled / "classes.txt").unlink()
    put_mask(labelled / "masks/a.png", mask_of(7, 255))
    put_mask(labelled / "masks/more/b.png", mask_of(3, 7))
    truth = open_dataset(str(labelled), labelled).truth
    assert truth.classes == ("background", "class 3", "class 7")
    np.testing.assert_array_equal(truth.mask("images/a.png"), mask_of(2, 255))
    np.testing.assert_array_equal(truth.mask("images/more/b.webp"), mask_of(1, 2))
    assert labelled / "classes.txt" not in truth.files()


def test_more_than_255_classes_make_255_a_class_and_65535_the_ignored_id(labelled):
    (labelled / "classes.txt").write_text("".join(f"kind {k}\n" for k in range(1, 301)))
    put_mask(labelled / "masks/more/b.png", mask_of(255, 300, 65535, dtype=np.uint16))
    truth = open_dataset(str(labelled), labelled).truth
    assert truth.classes[255] == "kind 255" and truth.ignore == 65535
    np.testing.assert_array_equal(truth.mask("images/more/b.webp"), mask_of(255, 300, 65535, dtype=np.uint16))


@pytest.mark.parametrize(
    ("indices", "words"),
    [
        (mask_of(9, 1), r"b\.png: contains the class ids 9, but the 3 classes.*have the ids 0 to 2 \(and 255"),
        (np.zeros((6, 4), np.uint8), r"b\.png: the mask is 4 x 6 pixels, but the upright image .*b\.webp is 6 x 4"),
        (
            np.full((4, 6, 3), 7, np.uint8),
            r"b\.png: contains colours \(mode RGB\).*such as .* \(7, 7, 7\)",
        ),
    ],
)
def test_a_mask_that_does_not_fit_names_the_file_and_what_to_do(labelled, indices, words):
    put_mask(labelled / "masks/more/b.png", indices)
    dataset = open_dataset(str(labelled), labelled)
    with pytest.raises(DatasetError, match=words):
        check_truth(dataset, ids_of(dataset))


def test_good_masks_pass_the_check_of_ground_truth(labelled):
    dataset = open_dataset(str(labelled), labelled)
    check_truth(dataset, ids_of(dataset))


def test_masks_of_0_and_255_alone_hold_no_class(labelled):
    (labelled / "classes.txt").unlink()
    put_mask(labelled / "masks/more/b.png", mask_of(255, 255))
    with pytest.raises(DatasetError, match=r"only the ids \[0, 255\].*number the classes from 1"):
        open_dataset(str(labelled), labelled)


def test_masks_that_no_image_matches_are_refused(labelled):
    (labelled / "masks/more/b.png").rename(labelled / "masks/b_mask.png")
    with pytest.raises(DatasetError, match="no file in masks/ has the name"):
        open_dataset(str(labelled), labelled)


def test_what_pairing_found_is_counted(labelled):
    put(labelled / "images/c.png")
    put_mask(labelled / "masks/lost.png", mask_of(1))
    (labelled / "masks/b.tif").touch()
    report = open_dataset(str(labelled), labelled).truth_report
    assert (report.images, report.labelled, report.classes) == (3, 1, ("background", "cat", "dog"))
    assert report.images_without_mask.first == ("images/a.png", "images/c.png")
    assert report.masks_without_image.first == ("masks/lost.png",)
    assert report.masks_not_png.first == ("masks/b.tif",)


def test_ground_truth_that_is_not_to_be_read_is_not_even_looked_at(labelled):
    (labelled / "classes.txt").write_text("cat\ncat\n")
    dataset = open_dataset(str(labelled), labelled, TruthSettings(read=False))
    assert dataset.truth is None and dataset.truth_report is None
    assert ids_of(dataset) == ["images/a.png", "images/more/b.webp"]  # the same images under the same ids


def test_masks_in_the_colours_of_voc_give_their_indices(labelled):
    colours = np.zeros((4, 6, 3), np.uint8)
    colours[0, 0], colours[0, 1], colours[0, 2] = (128, 0, 0), (0, 128, 0), (224, 224, 192)
    put_mask(labelled / "masks/more/b.png", colours)
    truth = open_dataset(str(labelled), labelled).truth
    np.testing.assert_array_equal(truth.mask("images/more/b.webp"), mask_of(1, 2, 255))


def test_masks_in_the_colours_of_a_label_map_give_the_indices_of_its_names(labelled):
    (labelled / "classes.txt").unlink()
    (labelled / "labelmap.txt").write_text("# label:color_rgb:parts:actions\nBackground:9,9,9::\ncat:1,2,3::\n")
    colours = np.full((4, 6, 3), 9, np.uint8)
    colours[0, 0] = (1, 2, 3)
    put_mask(labelled / "masks/more/b.png", colours)
    truth = open_dataset(str(labelled), labelled).truth
    assert truth.classes == ("background", "cat") and labelled / "labelmap.txt" in truth.files()
    np.testing.assert_array_equal(truth.mask("images/more/b.webp"), mask_of(1))
