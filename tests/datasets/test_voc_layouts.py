"""PASCAL VOC as annotation tools write it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comus_core.datasets.dataset import open_dataset, splits, summarise
from comus_core.datasets.index_masks import read_index_mask
from comus_core.errors import DatasetError
from tests.datasets.broken_files import picture

MASK = np.zeros((5, 8), np.uint8)
MASK[1:3, 2:5], MASK[4] = 2, 255


def write(
    root: Path, names=("a.jpg", "b.jpg"), lines=None, lists="ImageSets/Segmentation", masks="SegmentationClass"
) -> Path:
    """A VOC folder in which the first image has a mask; `lines` of its split train, else the stems."""
    for folder in ("JPEGImages", masks, lists):
        (root / folder).mkdir(parents=True, exist_ok=True)
    stems = [Path(name).stem for name in names]
    for number, name in enumerate(names):
        picture(number, 8, 5).save(root / "JPEGImages" / name)
    Image.fromarray(MASK).save(root / masks / f"{stems[0]}.png")
    (root / lists / "train.txt").write_text("\n".join(lines or stems) + "\n", encoding="utf-8")
    return root


def ids_of(dataset) -> list[str]:
    return [file.image_id for file in dataset.files]


@pytest.mark.parametrize(
    ("names", "lines"),
    [
        (("a.png", "b.png"), None),
        (("a.JPG", "b.jpeg"), None),
        (("IMG 1.jpg", "IMG 2.jpg"), None),
        (("IMG 1.JPG", "IMG 2.JPG"), ["IMG 1.JPG", "IMG 2.JPG"]),
        (("a.jpg", "b.jpg"), ["JPEGImages\\a.jpg", "JPEGImages\\b.jpg"]),
        (
            ("IMG 1.jpg", "IMG 2.jpg"),
            [f"/JPEGImages/IMG {n}.jpg /SegmentationClass/IMG {n}.png" for n in (1, 2)],
        ),
        (("a.v1.jpg", "b.v1.jpg"), None),
        (("Käse.jpg", "b.jpg"), None),
    ],
)
def test_images_of_any_suffix_and_name_are_found_with_their_masks(tmp_path, names, lines):
    dataset = open_dataset(f"voc:{write(tmp_path, names, lines)}:train", tmp_path)
    assert ids_of(dataset) == [Path(name).stem for name in names] and dataset.skipped == ()
    assert [file.path.name for file in dataset.files] == list(names)
    np.testing.assert_array_equal(dataset.truth.mask(Path(names[0]).stem), MASK)
    assert dataset.truth_report.images_without_mask.first == (f"JPEGImages/{names[1]}",)


@pytest.mark.parametrize("inner", ["VOCdevkit/VOC2007", "VOC2007", "VOCdevkit", "."])
def test_the_folder_may_be_of_any_year_or_none(tmp_path, inner):
    root = write(tmp_path / inner)
    for given in {tmp_path, root.parent if inner != "." else root, root}:
        assert open_dataset(f"voc:{given}:train", tmp_path).root.samefile(root)


def test_two_years_are_a_choice(tmp_path):
    for year in ("VOC2007", "VOC2012"):
        write(tmp_path / "VOCdevkit" / year)
    with pytest.raises(DatasetError, match=r"choose one of .*VOC2007 and .*VOC2012 as ROOT"):
        open_dataset(f"voc:{tmp_path}:train", tmp_path)
    assert len(open_dataset(f"voc:{tmp_path}/VOCdevkit/VOC2007:train", tmp_path).files) == 2


def test_lists_of_whole_images_serve_where_there_are_no_others(tmp_path):
    root = write(tmp_path, lists="ImageSets/Main")
    (root / "ImageSets/Main/cat_train.txt").write_text("a  1\nb -1\n")
    assert splits("voc", str(root)) == ("train",)
    assert ids_of(open_dataset(f"voc:{root}:train", tmp_path)) == ["a", "b"]
    with pytest.raises(DatasetError, match=r"no split 'cat_train' .*choose one of train"):
        open_dataset(f"voc:{root}:cat_train", tmp_path)
    (root / "ImageSets/Segmentation").mkdir()
    (root / "ImageSets/Segmentation/val.txt").write_text("b\n")
    assert splits("voc", str(root)) == ("val",)


def test_one_name_with_two_files_is_refused_by_name(tmp_path):
    write(tmp_path)
    picture(5, 8, 5).save(tmp_path / "JPEGImages/a.png")
    with pytest.raises(DatasetError, match=r"train\.txt: 'a' is ambiguous: a\.jpg or a\.png"):
        open_dataset(f"voc:{tmp_path}:train", tmp_path)


def test_lines_that_name_no_image_are_shown(tmp_path):
    write(tmp_path, lines=["x.txt", "y"])
    with pytest.raises(DatasetError, match=r"train\.txt: none of its 2 images .*the first is 'x\.txt'"):
        open_dataset(f"voc:{tmp_path}:train", tmp_path)


def test_a_tools_own_classes_and_colours_replace_those_of_voc(tmp_path):
    """As CVAT's "Segmentation mask" has them: masks of colours, and labelmap.txt."""
    write(tmp_path)
    (tmp_path / "labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:9,9,9::\ndog:7,0,0::\n"
    )
    palette = np.zeros((256, 3), np.uint8)
    palette[2], palette[255] = (7, 0, 0), (224, 224, 192)
    Image.fromarray(palette[MASK]).save(tmp_path / "SegmentationClass/a.png")
    dataset = open_dataset(f"voc:{tmp_path}:train", tmp_path)
    assert dataset.truth.classes == ("background", "cat", "dog")
    assert tmp_path / "labelmap.txt" in dataset.truth.files()
    np.testing.assert_array_equal(dataset.truth.mask("a"), MASK)
    assert summarise(f"voc:{tmp_path}:train").classes == 2


def test_labelmes_masks_and_names_are_found(tmp_path):
    write(tmp_path, masks="SegmentationClassPNG")
    (tmp_path / "class_names.txt").write_text("_background_\ncat\ndog\n")
    truth = open_dataset(f"voc:{tmp_path}:train", tmp_path).truth
    assert truth.classes == ("background", "cat", "dog")
    np.testing.assert_array_equal(truth.mask("a"), MASK)


@pytest.mark.real
def test_real_voc_masks_saved_in_their_colours_give_the_same_indices(photographs, tmp_path):
    for path in sorted((photographs / "VOCdevkit/VOC2012/SegmentationClass").glob("*.png"))[:40]:
        Image.open(path).convert("RGB").save(tmp_path / "mask.png")
        np.testing.assert_array_equal(read_index_mask(tmp_path / "mask.png"), np.asarray(Image.open(path)))


def test_masks_of_no_image_are_counted(tmp_path):
    root = write(tmp_path / "VOC2012")
    Image.fromarray(MASK).save(root / "SegmentationClass" / "stray.png")
    report = open_dataset(f"voc:{root}:train", tmp_path).truth_report
    assert report.masks_without_image.first == ("SegmentationClass/stray.png",)
    assert "1 mask without image (SegmentationClass/stray.png)" in report.line
