"""Files made to be expensive or of wrong types: read in bounds, and only sentences come back."""

import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from app.forms.import_form import _size
from comus_core import curation
from comus_core.datasets.class_lists import read_classes
from comus_core.errors import ComusError, SettingsError
from comus_core.export.export_facts import facts_of
from comus_core.export.formats.voc import held_name
from comus_core.imports import source as sources
from comus_core.imports.brush import decode
from comus_core.imports.formats import read_file
from comus_core.imports.records import ReadFile
from comus_core.imports.source import Source
from comus_core.runs.run_view import open_run_view
from tests.imports.test_readers import brush
from tests.imports.writing import write

VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "a#1", "x", "10", 10**400]),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.sampled_from(["id", "x", "rle"]), some, max_size=3),
    max_leaves=4,
)


def entry(*names):
    return VALUE | st.dictionaries(st.sampled_from(names), VALUE, max_size=len(names))


SHAPE = entry("label", "points", "group_id", "shape_type", "mask", "flags", "description")
REGION = entry("id", "type", "value", "original_width", "original_height", "meta")
TASK = st.fixed_dictionaries(
    {"data": entry("image", "other")},
    optional={"annotations": VALUE | st.lists(st.fixed_dictionaries({"result": VALUE | st.lists(REGION, max_size=3)}))},
)
FILE = st.one_of(
    VALUE,
    st.lists(TASK, max_size=2),
    st.fixed_dictionaries({"imagePath": VALUE, "shapes": VALUE | st.lists(SHAPE, max_size=3)}),
    st.fixed_dictionaries(
        {
            "images": VALUE | st.lists(entry("id", "file_name", "height", "width"), max_size=3),
            "annotations": VALUE | st.lists(entry("id", "image_id", "category_id", "bbox", "segmentation"), max_size=3),
        },
        optional={"categories": VALUE, "info": VALUE},
    ),
)
HOSTILE = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@HOSTILE
@given(content=FILE)
def test_any_json_is_read_or_refused_with_a_sentence(tmp_path, content):
    path = write(tmp_path / "a.json", content)
    for name in (None, "coco", "label-studio", "labelme"):
        try:
            assert isinstance(read_file(path, name), ReadFile)
        except ComusError:
            continue


@HOSTILE
@given(
    about=st.dictionaries(st.sampled_from(["run", "round", "decisions", "clustering", "categories"]), VALUE), more=VALUE
)
def test_any_description_of_an_export_is_used_or_ignored(finished, about, more):
    view = open_run_view(*finished)
    about = {"run": view.run.id, "settings": {"proposals": more, "categories": more, "selection": more}} | about
    for name in ("coco", "csv"):
        facts_of(view, curation.decided_in(view), replace(ReadFile(name, "x"), export=about))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([{"data": {"image": "a.png"}, "annotations": [{"result": [{"value": {"points": None}}]}]}], "are not three"),
        ({"imagePath": "a.png", "shapes": [{"points": 3}]}, "are not pairs of numbers"),
    ],
)
def test_wrong_types_are_problems(tmp_path, content, words):
    read = read_file(write(tmp_path / "a.json", content))
    assert len(read.problems) == 1 and words in read.problems[0].message


def test_a_list_as_label_and_annotations_that_are_no_list(tmp_path):
    shape = {"label": ["a"], "group_id": 1, "points": [[0, 0], [5, 0], [5, 5]]}
    assert len(read_file(write(tmp_path / "a.json", {"imagePath": "a.png", "shapes": [shape]})).objects) == 1
    assert read_file(write(tmp_path / "b.json", [{"data": {"image": "a"}, "annotations": 5}])).images == ()


def test_yaml_that_multiplies_itself_or_is_deep(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    bomb += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 30)]
    (tmp_path / "data.yaml").write_text("\n".join([*bomb, "names: [dog, *a29, null, no]"]))
    assert [(c.name, c.key) for c in read_file(tmp_path).categories] == [("dog", "0"), ("no", "3")]
    (tmp_path / "data.yaml").write_text("names: " + "[" * 2_000)
    assert any("nested too deeply" in p.message for p in read_file(tmp_path).problems)


def test_a_mask_of_an_impossible_size_allocates_nothing(tmp_path):
    size = 900_000_000
    mask = f'<mask label="a" rle="{size * 100}" left="0" top="0" width="{size}" height="100"/>'
    image = f'<annotations><image name="a" width="{size}" height="100">{mask}</image></annotations>'
    (tmp_path / "a.xml").write_text(image)
    read = read_file(tmp_path / "a.xml")
    assert "larger than the largest readable image" in read.problems[0].message and not read.objects


def test_a_zip_is_measured_by_what_it_expands_to_and_has_an_absolute_limit(tmp_path, monkeypatch):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.json", b" " * 1_000_000)
    assert _size(path) == 1_000_000 > 100 * path.stat().st_size
    assert len(Source(path).content("a.json")) == 1_000_000
    monkeypatch.setattr(sources, "LARGEST", 999_999)
    with pytest.raises(ValueError, match="too much"):
        Source(path).content("a.json")


def test_a_name_of_three_hundred_letters_in_a_zip(tmp_path):
    Image.fromarray(np.eye(9, dtype=np.uint8)).save(tmp_path / "m.png")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.write(tmp_path / "m.png", f"masks/{'x' * 300}.png")
    assert len(read_file(tmp_path / "a.zip").objects) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
def test_definitions_are_refused_in_every_encoding(tmp_path, encoding):
    head = "" if encoding != "utf-16-be" else "\ufeff"
    text = f'{head}<!DOCTYPE x [<!ENTITY a "b">]><annotation><filename>&a;</filename></annotation>'
    (tmp_path / "a.xml").write_bytes(text.encode(encoding))
    with pytest.raises(ValueError, match="document type definition"):
        Source(tmp_path / "a.xml").xml("a.xml")
    (tmp_path / "b.xml").write_bytes(f"{head}<annotation><!-- <!DOCTYPE --></annotation>".encode(encoding))
    assert Source(tmp_path / "b.xml").xml("b.xml").tag == "annotation"


def test_a_brush_is_unpacked_bit_for_bit():
    mask = np.random.default_rng(0).random((37, 41)) < 0.3
    assert np.array_equal(decode(brush(mask), mask.shape), mask)
    flat = np.repeat(np.where(mask.ravel(), 255, 0), 4)[:800].astype(np.uint8)  # one run of single values
    bits = f"{800:032b}{7:05b}" + f"{15:04b}" * 4 + f"000{799:016b}" + "".join(f"{v:08b}" for v in flat)
    bits += "0" * (-len(bits) % 8)
    packed = [int(bits[k : k + 8], 2) for k in range(0, len(bits), 8)]
    assert np.array_equal(decode(packed, (10, 20)), mask.ravel()[:200].reshape(10, 20))
    for wrong in (packed[:-2], [], "text", 7, [300], [1.5]):
        with pytest.raises(ValueError, match="its brush"):
            decode(wrong, (10, 20))


def voc(folder, index, labelmap):
    for name in ("SegmentationClass", "SegmentationObject"):
        (folder / name).mkdir(parents=True)
    Image.fromarray((index > 0).astype(np.uint8)).save(folder / "SegmentationClass" / "a.png")
    Image.fromarray(index).save(folder / "SegmentationObject" / "a.png")
    if labelmap is not None:
        (folder / "labelmap.txt").write_text(labelmap)
    return read_file(folder)


def test_a_label_map_that_cannot_be_read_is_not_replaced_by_the_classes_of_voc(tmp_path):
    index = np.eye(5, dtype=np.uint8)
    broken = voc(tmp_path / "a", index, "background:0,0,0::\ndog:1,1,1::\ndog:2,2,2::\n")
    assert broken.categories == () and any("duplicate name" in p.message for p in broken.problems)
    assert [o.category for o in broken.objects] == [None]
    assert [o.category for o in voc(tmp_path / "b", index, None).objects] == ["aeroplane"]


def test_a_category_called_background_reads_back(tmp_path):
    names = [held_name(n) for n in ("background", "_background_", "Background", "__ignore__", "a:b,c", "#d")]
    lines = ["# label:color_rgb:parts:actions", "background:0,0,0::"]
    lines += [f"{name}:{k},0,0::" for k, name in enumerate(names, 1)]
    (tmp_path / "labelmap.txt").write_text("\n".join(lines))
    assert read_classes(tmp_path / "labelmap.txt").classes == ("background", *names)


@pytest.mark.parametrize("count", [254, 255, 300])
def test_masks_of_many_objects_have_no_void_among_them(tmp_path, count):
    index = np.zeros((20, 20), np.uint8 if count < 255 else np.uint16)
    index.ravel()[:count] = np.arange(1, count + 1)
    read = voc(tmp_path, index, "background:0,0,0::\ndog:1,1,1::\n")
    assert len(read.objects) == count and not any(o.void for o in read.objects)


def test_eight_bits_have_void(tmp_path):
    index = np.zeros((5, 5), np.uint8)
    index[0], index[1] = 1, 255
    assert [o.void for o in voc(tmp_path, index, None).objects] == [False, True]


@pytest.mark.parametrize("name", ["package.json", "comus.json"])
def test_files_of_images_with_names_of_our_own_files_are_read(tmp_path, name):
    content = {"imagePath": name.replace("json", "jpg"), "shapes": [{"points": [[0, 0], [5, 0], [5, 5]]}]}
    write(tmp_path / name, content)
    read = read_file(tmp_path)
    assert read.format == "labelme" and len(read.objects) == 1 and read.export == {}


def test_json_that_is_nested_too_deeply(tmp_path):
    (tmp_path / "a.json").write_text("[" * 100_000)
    with pytest.raises(SettingsError):
        read_file(tmp_path / "a.json")
    assert json.loads("[]") == []
