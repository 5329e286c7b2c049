import os
import unicodedata
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from comus_core.config import SaliencySettings
from comus_core.errors import DatasetError, SettingsError
from comus_core.saliency.detectors import detector_fingerprint, load_detector
from comus_core.saliency.soft_maps import quantise
from comus_core.saliency.thresholding import find_proposals

SHAPE = (30, 40)
BOX = np.zeros(SHAPE, bool)
BOX[5:25, 10:35] = True
SMOOTH = np.linspace(0, 1, SHAPE[0] * SHAPE[1]).reshape(SHAPE)


@dataclass(frozen=True)
class NamedImage:
    image_id: str


def named(*image_ids: str) -> list[NamedImage]:
    return [NamedImage(i) for i in image_ids]


def settings(folder) -> SaliencySettings:
    return SaliencySettings(detector=f"masks:{folder}", min_area=0)


def write(file, array, palette=False) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".npy":
        np.save(file, array)
        return
    picture = Image.fromarray(array)
    if palette:
        picture.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0] + [224] * 759)
    picture.save(file)


def read(folder, image_id):
    [soft] = load_detector(settings(folder)).soft_maps([np.zeros((*SHAPE, 3), np.uint8)], [image_id])
    return soft


HARD = {
    "0 and 255": ("a.png", BOX.astype(np.uint8) * 255, False),
    "0 and 1": ("a.png", BOX.astype(np.uint8), False),
    "16-bit 0 and 1": ("a.png", BOX.astype(np.uint16), False),
    "1-bit": ("a.png", BOX, False),
    "palette with void": ("a.png", np.where(BOX, 2, 255).astype(np.uint8), True),
    "palette of two": ("a.png", BOX.astype(np.uint8) * 255, True),
    "boolean array": ("a.npy", BOX, False),
    "integer array": ("a.npy", BOX.astype(np.int64), False),
    "float array": ("a.npy", BOX.astype(np.float64), False),
    "RGB of equal channels": ("a.png", np.repeat(BOX.astype(np.uint8)[..., None] * 255, 3, axis=2), False),
    "capital suffix": ("a.PNG", BOX.astype(np.uint8) * 255, False),
    "bmp": ("a.bmp", BOX.astype(np.uint8) * 255, False),
    "tiff": ("a.tif", BOX.astype(np.uint8) * 255, False),
}


@pytest.mark.parametrize("kind", HARD)
def test_a_hard_mask_of_every_kind_is_read_as_zero_and_one(kind, tmp_path):
    name, array, palette = HARD[kind]
    write(tmp_path / name, array, palette)
    soft = read(tmp_path, "a.jpg")
    assert soft.dtype == np.float32 and np.array_equal(soft, BOX.astype(np.float32))


SOFT = {
    "8-bit": ("a.png", np.round(SMOOTH * 255).astype(np.uint8), 0.5 / 255),
    "16-bit": ("a.png", np.round(SMOOTH * 65535).astype(np.uint16), 0.5 / 65535),
    "float": ("a.npy", SMOOTH.astype(np.float32), 0),
    "unsigned array": ("a.npy", np.round(SMOOTH * 65535).astype(np.uint16), 0.5 / 65535),
    "jpeg": ("a.jpg", np.round(SMOOTH * 255).astype(np.uint8), 4 / 255),
}


@pytest.mark.parametrize("kind", SOFT)
def test_a_soft_map_of_every_kind_is_divided_by_the_largest_value_of_its_type(kind, tmp_path):
    name, array, tolerance = SOFT[kind]
    write(tmp_path / name, array)
    assert np.abs(read(tmp_path, "a") - SMOOTH).max() <= tolerance + 1e-7


def test_a_faint_map_among_soft_maps_is_not_taken_for_a_mask_of_zero_and_one(tmp_path):
    write(tmp_path / "faint.png", BOX.astype(np.uint8))
    write(tmp_path / "strong.png", BOX.astype(np.uint8) * 200)
    assert read(tmp_path, "faint").max() == pytest.approx(1 / 255)


@pytest.mark.parametrize(
    ("image_id", "file"),
    [
        ("a.jpg", "a.png"),
        ("a.jpg", "a.jpg.png"),
        ("in/deep/a.jpg", "in/deep/a.png"),
        ("in/deep/a.jpg", "a.png"),
        ("2007_000033", "2007_000033.png"),
        ("v1.2", "v1.2.png"),
        ("139", "000000000139.png"),
    ],
)
def test_a_mask_belongs_to_the_image_of_its_stem(image_id, file, tmp_path):
    write(tmp_path / file, BOX.astype(np.uint8) * 255)
    assert np.array_equal(read(tmp_path, image_id) > 0.5, BOX)


def test_the_same_relative_path_comes_before_the_top_of_the_folder(tmp_path):
    write(tmp_path / "in" / "a.png", BOX.astype(np.uint8) * 255)
    write(tmp_path / "a.png", (~BOX).astype(np.uint8) * 255)
    assert np.array_equal(read(tmp_path, "in/a.jpg") > 0.5, BOX)


def test_a_mask_of_another_size_is_resized_to_the_image(tmp_path):
    write(tmp_path / "a.png", BOX.astype(np.uint8) * 255)
    found = find_proposals("a", quantise(read(tmp_path, "a")), (60, 80), settings(tmp_path))
    assert np.array_equal(found.mask(0), BOX.repeat(2, axis=0).repeat(2, axis=1))
    assert found.score[0] > 0.95


def test_an_image_without_a_mask_has_no_proposal_and_is_counted(tmp_path):
    write(tmp_path / "a.png", BOX.astype(np.uint8) * 255)
    identity = detector_fingerprint(settings(tmp_path), named("a.jpg", "b.jpg", "c.jpg"))
    assert identity.missing == ("b.jpg", "c.jpg") and identity.weights == {}
    assert len(find_proposals("b.jpg", quantise(read(tmp_path, "b.jpg")), SHAPE, settings(tmp_path))) == 0


def test_masks_missing_for_all_images_is_an_error_that_counts_them(tmp_path):
    write(tmp_path / "z.png", BOX.astype(np.uint8))
    with pytest.raises(DatasetError, match=r"no masks for the 2 images, such as 'a\.jpg'"):
        detector_fingerprint(settings(tmp_path), named("a.jpg", "b.jpg"))


def test_two_images_that_would_share_a_mask_are_an_error_that_names_both(tmp_path):
    write(tmp_path / "a.png", BOX.astype(np.uint8))
    with pytest.raises(DatasetError, match=r"'x/a\.jpg' and 'y/a\.jpg' share the mask a\.png"):
        detector_fingerprint(settings(tmp_path), named("x/a.jpg", "y/a.jpg"))
    write(tmp_path / "x" / "a.jpg.png", BOX.astype(np.uint8))
    write(tmp_path / "y" / "a.jpg.png", BOX.astype(np.uint8))
    assert detector_fingerprint(settings(tmp_path), named("x/a.jpg", "y/a.jpg")).missing == ()


def test_a_missing_folder_is_named(tmp_path):
    for ask in (lambda s: load_detector(s), lambda s: detector_fingerprint(s, named("a"))):
        with pytest.raises(DatasetError, match="nowhere: no such folder"):
            ask(settings(tmp_path / "nowhere"))
    with pytest.raises(SettingsError, match="masks:DIR"):
        load_detector(SaliencySettings(detector="masks:"))


COLOURED = np.zeros((*SHAPE, 3), np.uint8)
COLOURED[..., 0] = 200
BROKEN = {
    "colours": ("a.png", COLOURED, "a mask must be a grey"),
    "large floats": ("a.npy", SMOOTH * 255, r"must be finite and between 0 and 1"),
    "not a number": ("a.npy", np.full(SHAPE, np.nan), r"must be finite and between 0 and 1"),
    "class ids": ("a.npy", BOX.astype(np.int32) * 7, "signed integers must be 0 and 1"),
    "three axes": ("a.npy", SMOOTH[None], r"has shape \(1, 30, 40\)"),
    "objects": ("a.npy", np.array([{}], object), "cannot read the mask"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_file_that_is_no_mask_is_refused_by_name(kind, tmp_path):
    name, array, report = BROKEN[kind]
    write(tmp_path / name, array)
    with pytest.raises(DatasetError, match=report) as caught:
        read(tmp_path, "a")
    assert str(tmp_path / name) in str(caught.value)


def test_a_damaged_picture_is_refused_by_name(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    with pytest.raises(DatasetError, match=r"cannot read the mask .*a\.png"):
        read(tmp_path, "a")


def test_a_changed_mask_changes_the_fingerprint_and_a_moved_folder_does_not(tmp_path):
    write(tmp_path / "one" / "a.png", BOX.astype(np.uint8) * 255)
    before = detector_fingerprint(settings(tmp_path / "one"), named("a"))
    os.rename(tmp_path / "one", tmp_path / "two")
    assert detector_fingerprint(settings(tmp_path / "two"), named("a")) == before
    write(tmp_path / "two" / "a.png", (~BOX).astype(np.uint8) * 255)
    assert detector_fingerprint(settings(tmp_path / "two"), named("a")).inputs != before.inputs


def test_a_batch_gives_the_same_maps_as_single_images(tmp_path):
    for i in range(3):
        write(tmp_path / f"{i}.png", np.full((4 + i, 6), 80 * (i + 1), np.uint8))
    detector = load_detector(settings(tmp_path))
    blank = np.zeros((*SHAPE, 3), np.uint8)
    together = detector.soft_maps([blank] * 4, ["0", "1", "2", "none"])
    for image_id, soft in zip(["0", "1", "2", "none"], together, strict=True):
        assert np.array_equal(detector.soft_maps([blank], [image_id])[0], soft)


def test_a_mask_that_lies_on_its_side_is_refused_rather_than_stretched(tmp_path):
    write(tmp_path / "a.png", BOX.T.astype(np.uint8))
    with pytest.raises(DatasetError, match=r"a\.png: 30 x 40 pixels, but the upright image 'a\.jpg' is 40 x 30"):
        read(tmp_path, "a.jpg")


@pytest.mark.parametrize(("image", "file"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_may_be_stored_either_way(tmp_path, image, file):
    write(tmp_path / (unicodedata.normalize(file, "Käse") + ".png"), BOX.astype(np.uint8))
    np.testing.assert_array_equal(read(tmp_path, unicodedata.normalize(image, "Käse") + ".jpg"), BOX)
