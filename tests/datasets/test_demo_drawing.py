import io

import numpy as np
import pytest
from PIL import Image

from comus_core.datasets.demo import drawing
from comus_core.errors import ImageError

pytestmark = pytest.mark.thorough

SCALES = [(100, (150, 100), 8), (300, (300, 200), 4), (700, (1200, 800), 1)]


@pytest.fixture
def flat(tmp_path):
    """A grey 200 × 120 PNG and a square mask in it."""
    Image.new("RGB", (200, 120), (100, 100, 100)).save(tmp_path / "flat.png")
    mask = np.zeros((120, 200), bool)
    mask[40:80, 60:100] = True
    return tmp_path / "flat.png", mask, np.array([60, 40, 100, 80])


def write_photo(path, size, orientation=1):
    """A JPEG whose left half is red and right half is blue, as stored."""
    picture = Image.new("RGB", size, (200, 30, 30))
    picture.paste((30, 30, 200), (size[0] // 2, 0, *size))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(path, quality=95, exif=exif)


def test_a_window_is_a_square_with_context_around_a_box_in_the_open():
    assert drawing.window(np.array([100, 100, 140, 120]), (400, 400)) == (97, 87, 143, 133)


def test_a_window_at_the_border_is_moved_into_the_image_and_keeps_its_size():
    left, top, right, bottom = drawing.window(np.array([0, 380, 40, 400]), (400, 400))
    assert (left, bottom) == (0, 400)
    assert (right - left, bottom - top) == (46, 46)


def test_a_window_is_never_larger_than_the_image():
    assert drawing.window(np.array([0, 0, 300, 90]), (90, 300)) == (0, 0, 300, 90)


def test_a_crop_has_the_size_asked_for_and_the_colour_runs_along_the_masks_edge_only(flat):
    path, mask, box = flat
    picture = np.asarray(drawing.crop(path, mask, box, 160, "#ff0000")).astype(int)
    assert picture.shape == (160, 160, 3)
    red = (picture[..., 0] > 200) & (picture[..., 1] < 60)
    left, top, right, _ = drawing.window(box, (120, 200))
    scale = 160 / (right - left)
    edge = [(60 - left) * scale, (40 - top) * scale, (100 - left) * scale, (80 - top) * scale]
    rows, columns = np.nonzero(red)
    away = np.minimum.reduce([abs(columns - edge[0]), abs(rows - edge[1]), abs(columns - edge[2]), abs(rows - edge[3])])
    assert len(rows) > 300 and away.max() <= 4
    assert (picture[75:85, 75:85] == 100).all(), "the middle of the object is untouched"


def test_a_crop_without_a_colour_is_the_photograph_alone(flat):
    path, mask, box = flat
    assert (np.asarray(drawing.crop(path, mask, box, 96, None)) == 100).all()


def test_the_mask_lies_where_the_object_is_in_a_turned_and_reduced_photograph(tmp_path):
    write_photo(tmp_path / "turned.jpg", (1200, 800), orientation=6)  # upright it is 800 wide, 1200 high, red on top
    mask = np.zeros((1200, 800), bool)
    mask[:600] = True
    box = np.array([0, 0, 800, 600])
    picture = np.asarray(drawing.crop(tmp_path / "turned.jpg", mask, box, 160, None)).astype(int)
    _, top, _, bottom = drawing.window(box, (1200, 800))
    red_rows = (600 - top) * 160 / (bottom - top)
    is_red = picture[:, 80, 0] > 120
    assert is_red[: int(red_rows) - 2].all() and not is_red[int(red_rows) + 2 :].any()


@pytest.mark.parametrize(
    ("least", "size", "factor"), [(100, (150, 100), 8), (300, (300, 200), 4), (700, (1200, 800), 1)]
)
def test_a_jpeg_is_decoded_at_the_smallest_scale_that_is_large_enough(tmp_path, least, size, factor):
    write_photo(tmp_path / "photo.jpg", (1200, 800))
    picture, found = drawing.read_picture(tmp_path / "photo.jpg", at_least=least)
    assert (picture.size, found) == (size, factor)


def test_a_damaged_photograph_is_named_as_such(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    with pytest.raises(ImageError):
        drawing.read_picture(tmp_path / "broken.jpg", at_least=100)


def test_an_index_layer_is_transparent_at_background_grey_where_ignored_and_coloured_elsewhere():
    mask = np.array([[0, 1], [2, 255]], np.uint8)
    layer = np.asarray(drawing.index_layer(mask, drawing.rgb(["#102030", "#aabbcc"]), 255, (4, 4)))
    assert layer[0, 0].tolist() == [0, 0, 0, 0]
    assert layer[0, 3].tolist() == [16, 32, 48, 255]
    assert layer[3, 0].tolist() == [170, 187, 204, 255]
    assert layer[3, 3].tolist() == list(drawing.IGNORED)


def test_a_soft_layer_is_brighter_and_more_opaque_where_the_map_is_surer():
    stored = np.tile(np.arange(256, dtype=np.uint8), (2, 1))
    layer = np.asarray(drawing.soft_layer(stored, (2, 256))).astype(int)[0]
    luminance = layer[:, :3] @ [299, 587, 114]
    assert (np.diff(luminance) >= -1500).all() and luminance[-1] > 10 * max(luminance[0], 1)
    assert (np.diff(layer[:, 3]) >= 0).all() and (layer[0, 3], layer[-1, 3]) == (60, 255)


def test_a_size_is_fitted_to_the_longer_side_and_never_enlarged():
    assert drawing.fitted((300, 600), 200) == (100, 200)
    assert drawing.fitted((300, 600), 1000) == (300, 600)
    assert drawing.fitted((300, 600), 0) == (300, 600)


def test_layers_survive_their_png_file_exactly():
    layer = drawing.index_layer(np.array([[0, 1], [1, 0]], np.uint8), drawing.rgb(["#123456"]), None, (2, 2))
    again = Image.open(io.BytesIO(drawing.to_png(layer)))
    assert again.mode == "RGBA" and (np.asarray(again) == np.asarray(layer)).all()
