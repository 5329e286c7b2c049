"""The images that the settings of a run choose, by id or by path."""

from pathlib import Path

import pytest

from comus_core.datasets.chosen_images import choose, unknown_words
from comus_core.datasets.records import Dataset, image_file
from comus_core.errors import DatasetError

ROOT = Path("/photos")
FILES = tuple(image_file(ROOT, f"img/{name}.jpg", name) for name in "abcd")
DATASET = Dataset("voc:/photos:val", "voc-val", ROOT, FILES, None, False, ())


def ids(dataset):
    return [file.image_id for file in dataset.files]


def test_nothing_chosen_is_the_very_data_set():
    assert choose(DATASET) is DATASET


def test_images_are_left_out_by_id_or_path():
    chosen = choose(DATASET, exclude=["b", "img/d.jpg"])
    assert (ids(chosen), chosen.excluded, chosen.unknown) == (["a", "c"], 2, ())
    assert chosen.by_id.keys() == {"a", "c"}


def test_only_some_are_used_without_the_excluded_ones():
    assert ids(choose(DATASET, only=["d", "img/a.jpg", "b"], exclude=["b"])) == ["a", "d"]


def test_what_is_no_image_is_named_and_the_rest_goes_on():
    chosen = choose(DATASET, only=["a", "gone"], exclude=["img/old.jpg"])
    assert ids(chosen) == ["a"] and chosen.unknown == ("gone", "img/old.jpg")
    assert unknown_words(chosen.unknown) == (
        "2 images named in the settings are not in the data set: gone, img/old.jpg"
    )
    assert unknown_words(("x",)).startswith("1 image named in the settings is not")
    assert unknown_words(()) == ""


def test_no_image_left_says_why():
    with pytest.raises(DatasetError, match="all 4 images are excluded: include at least one"):
        choose(DATASET, exclude=list("abcd"))
    with pytest.raises(DatasetError, match="all 1 image"):
        choose(DATASET, only=["a"], exclude=["a"])
    with pytest.raises(DatasetError, match=r"none of the 2 images to use is in the data set \(x, y\)"):
        choose(DATASET, only=["x", "y"])
