import pickle
from pathlib import Path

import numpy as np
import pytest

from comus_core.datasets.dataset import open_dataset
from comus_core.errors import DatasetError
from tests.datasets.broken_files import picture


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("", "no data set: give a folder"),
        ("voc:x", r"write voc:ROOT:SPLIT, such as voc:x:trainval"),
        ("coco:x", r"write coco:ROOT:SPLIT, such as coco:x:val2017"),
        ("nowhere at all", "no such folder nowhere at all"),
    ],
)
def test_a_string_that_names_no_data_set_says_what_to_write(spec, words, tmp_path):
    with pytest.raises(DatasetError, match=words):
        open_dataset(spec, tmp_path)


def test_an_unknown_image_id_is_an_error_that_names_it(tmp_path):
    picture(1).save(tmp_path / "x.png")
    with pytest.raises(DatasetError, match=r"no image 'y\.png'"):
        open_dataset(str(tmp_path), tmp_path).read("y.png")


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "photos").mkdir()
    picture(1).save(tmp_path / "photos/x.png")
    assert open_dataset("~/photos", tmp_path).root == tmp_path / "photos"


def test_a_folder_called_demo_is_reached_by_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("demo").mkdir()
    picture(1).save("demo/x.png")
    dataset = open_dataset("./demo", tmp_path / "drawings")
    assert [file.image_id for file in dataset.files] == ["x.png"] and not dataset.synthetic


def test_a_data_set_can_be_sent_to_another_process(tmp_path):
    picture(1).save(tmp_path / "x.png")
    dataset = open_dataset(str(tmp_path), tmp_path)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(dataset)).read("x.png"), dataset.read("x.png"))
