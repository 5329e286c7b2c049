"""What is held at once is bounded by pixels, counted here, however many images and threads there are."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageFile

from comus_core.datasets import decoding, reading
from comus_core.datasets.dataset import open_dataset
from comus_core.datasets.decoding import fraction, read_rgb
from comus_core.datasets.pixel_budget import PixelBudget
from comus_core.datasets.reading import batches, image_batches, read_ahead
from comus_core.datasets.truth_check import check_images
from tests.datasets.broken_files import picture

SIDE = 100


@pytest.fixture
def photographs(tmp_path):
    """Nine images of 100 x 100 pixels and one of 300 x 300."""
    for number in range(10):
        side = 3 * SIDE if number == 4 else SIDE
        picture(number, side, side).save(tmp_path / f"{number}.jpg", quality=95)
    return open_dataset(str(tmp_path), tmp_path)


def test_threads_wait_until_there_is_room_and_a_large_one_is_alone():
    budget, seen, lock = PixelBudget(100), [], threading.Lock()

    def hold(pixels: int) -> None:
        with budget.holding(pixels):
            with lock:
                seen.append(budget.held)
            time.sleep(0.002)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(hold, [40, 30, 250, 50, 60, 20, 250, 10] * 5))
    assert len(seen) == 40 and budget.held == 0
    assert {held for held in seen if held > 100} == {250}


def test_a_fault_gives_the_room_back():
    budget = PixelBudget(10)
    with pytest.raises(RuntimeError), budget.holding(10):
        raise RuntimeError
    assert budget.held == 0


def test_decoding_in_all_threads_stays_within_the_budget(photographs, monkeypatch):
    budget, most = PixelBudget(2 * SIDE**2), []
    monkeypatch.setattr(decoding, "DECODING", budget)
    monkeypatch.setattr("comus_core.datasets.truth_check._THREADS", 6)
    load = ImageFile.ImageFile.load

    def noting(image):
        most.append(budget.held)
        return load(image)

    monkeypatch.setattr("PIL.JpegImagePlugin.JpegImageFile.load", noting)
    rows = check_images(photographs.files).to_pylist()
    assert [row["reason"] for row in rows] == [None] * 10
    assert max(most) == 9 * SIDE**2 and all(held <= 2 * SIDE**2 or held == 9 * SIDE**2 for held in most)


def test_images_read_ahead_are_bounded_by_pixels(photographs, monkeypatch):
    monkeypatch.setattr(reading, "WAITING_PIXELS", 3 * SIDE**2)
    begun: list[str] = []
    real = type(photographs).read

    def noting(dataset, image_id, at_least=None):
        begun.append(image_id)
        return real(dataset, image_id, at_least)

    monkeypatch.setattr(type(photographs), "read", noting)
    ids = [file.image_id for file in photographs.files]
    pixels = {i: (9 if i == "4.jpg" else 1) * SIDE**2 for i in ids}
    for given, image in enumerate(read_ahead(photographs, ids), start=1):
        time.sleep(0.02)  # whatever may be begun is begun
        waiting = set(begun) - set(ids[:given])
        assert image.shape[0] * image.shape[1] == pixels[ids[given - 1]]
        assert sum(pixels[i] for i in waiting) <= 3 * SIDE**2 or len(waiting) == 1
    assert sorted(begun) == ids  # two threads begin them, in whichever order


def test_the_images_come_in_order_and_at_the_size_asked_for(photographs):
    ids = [file.image_id for file in photographs.files]
    for at_least, sides in ((None, (100, 300)), (50, (50, 75)), (150, (100, 150))):
        found = list(read_ahead(photographs, ids, at_least))
        assert [image.shape[0] for image in found] == [sides[i == "4.jpg"] for i in ids]


def test_batches_are_bounded_by_number_and_by_pixels(monkeypatch):
    monkeypatch.setattr(reading, "BATCH_PIXELS", 10)
    found = [list(part) for part in batches([4, 4, 4, 1, 1, 30, 2, 2, 2, 2], 3, lambda pixels: pixels)]
    assert found == [[4, 4], [4, 1, 1], [30], [2, 2, 2], [2]]
    assert list(batches([], 3, lambda pixels: pixels)) == []


def test_crops_are_encoded_as_soon_as_no_more_fit(monkeypatch):
    monkeypatch.setattr(reading, "BATCH_PIXELS", 1000)
    sides, cut = [10, 20, 20, 10, 10, 50, 10], []

    def crops():
        for side in sides:
            cut.append(side)
            yield np.zeros((side, side, 3), np.uint8)

    parts = []
    for batch in image_batches(crops(), 3):
        parts.append([len(crop) for crop in batch])
        if 50 in parts[-1]:
            assert cut[-1] == 50  # the next one is not cut before a large one is done
        del batch
    assert parts == [[10, 20, 20], [10, 10], [50], [10]]


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_fraction_is_the_whole_scaled_down_and_turned(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    smooth = Image.effect_noise((20, 15), 90).convert("RGB").resize((400, 304), Image.Resampling.BICUBIC)
    smooth.save(tmp_path / f"x.{suffix}", exif=exif, quality=95)
    whole = read_rgb(tmp_path / f"x.{suffix}")
    for at_least, k in ((304, 1), (152, 2), (76, 4), (38, 8), (1, 8)):
        found = read_rgb(tmp_path / f"x.{suffix}", at_least)
        expected = -(-whole.shape[0] // k), -(-whole.shape[1] // k)
        assert found.shape == (*expected, 3) and min(found.shape[:2]) >= at_least
        mean = np.asarray(Image.fromarray(whole).reduce(k) if k > 1 else whole).astype(int)
        assert np.abs(found - mean).mean() < 2


def test_a_fraction_leaves_the_shorter_side_enough():
    assert [fraction((4000, 3000), least) for least in (None, 3000, 1500, 1501, 640, 375, 1)] == [1, 1, 2, 1, 4, 8, 8]


def test_strips_make_the_same_picture(tmp_path, monkeypatch):
    picture(1, 90, 70).convert("RGBA").save(tmp_path / "x.png")
    whole, half = read_rgb(tmp_path / "x.png"), read_rgb(tmp_path / "x.png", 35)
    monkeypatch.setattr(decoding, "_STRIP_PIXELS", 90 * 8)
    np.testing.assert_array_equal(read_rgb(tmp_path / "x.png"), whole)
    np.testing.assert_array_equal(read_rgb(tmp_path / "x.png", 35), half)
