"""COCO in the classes of PASCAL VOC: the others are background."""

from types import SimpleNamespace

import numpy as np
import pytest

from comus_core.datasets.coco_voc import COCO_NAMES, in_voc_classes
from comus_core.datasets.dataset import open_dataset, parse_dataset
from comus_core.datasets.voc import CLASSES
from comus_core.errors import DatasetError


def truth(names, mask, ignore=None):
    return SimpleNamespace(classes=names, ignore=ignore, mask=lambda _: np.asarray(mask, np.uint8))


def all_names():
    return ("background", "zebra", *(COCO_NAMES.get(name, name) for name in CLASSES[1:]), "kite")


def test_classes_have_vocs_numbers_and_the_others_are_background():
    names = all_names()
    airplane, tv = names.index("airplane"), names.index("tv")
    coco = truth(names, [[0, 1, airplane], [tv, names.index("kite"), 255]], ignore=255)
    mask = in_voc_classes(coco, "x").mask("a")
    expected = [[0, 0, CLASSES.index("aeroplane")], [CLASSES.index("tvmonitor"), 0, 255]]
    assert mask.tolist() == expected and mask.dtype == np.uint8
    assert in_voc_classes(coco, "x").classes == CLASSES


def test_annotations_without_a_class_of_voc_are_refused():
    with pytest.raises(DatasetError, match="lack couch, which PASCAL VOC has"):
        in_voc_classes(truth([n for n in all_names() if n != "couch"], [[0]]), "x")


def test_the_string_is_opened_as_coco(tmp_path):
    address = parse_dataset("coco-voc:/data/coco:val2017")
    assert (address.format, address.split) == ("coco-voc", "val2017")
    with pytest.raises(DatasetError, match="coco-voc"):
        open_dataset(f"coco-voc:{tmp_path}:val2017", tmp_path)


@pytest.mark.real
def test_a_person_of_coco_is_a_person_of_voc(photographs, tmp_path):
    coco, voc = (open_dataset(f"{form}:{photographs / 'coco'}:val2017", tmp_path) for form in ("coco", "coco-voc"))
    assert voc.truth.classes == CLASSES and [f.image_id for f in voc.files] == [f.image_id for f in coco.files]
    person = coco.truth.classes.index("person")
    for file in coco.files[:10]:
        theirs, ours = coco.truth.mask(file.image_id), voc.truth.mask(file.image_id)
        assert ((theirs == person) == (ours == CLASSES.index("person"))).all()
