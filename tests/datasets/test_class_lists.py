"""Lists of classes as tools write them: no name may shift."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comus_core.datasets.class_lists import class_list_text, distinct_names, find_classes, read_classes
from comus_core.errors import DatasetError

CVAT = "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:128,0,0::\ndog: 0,128,0::\n".replace(": 0", ":0")


@pytest.mark.parametrize(
    "text",
    [
        "cat\ndog\n",  # YOLACT's, and most others'
        "background\ncat\ndog\n",
        "_background_\ncat\ndog\n",  # labelme's class_names.txt
        "__ignore__\n_background_\ncat\ndog\n",  # labelme's labels.txt, whose first line is index -1
        "Background\ncat\ndog\n",  # CVAT's
        "__background__\r\ncat\r\n\r\ndog\r\n",  # torchvision's, from Windows
        "\ufeffBACKGROUND\ncat\ndog",
        CVAT,
    ],
)
def test_the_first_object_class_is_index_1_in_every_tools_list(tmp_path, text):
    path = tmp_path / "classes.txt"
    path.write_text(text, encoding="utf-8")
    assert read_classes(path).classes == ("background", "cat", "dog")


def test_a_label_map_gives_its_colours(tmp_path):
    path = tmp_path / "labelmap.txt"
    path.write_text(CVAT)
    assert read_classes(path).colours == {(0, 0, 0): 0, (128, 0, 0): 1, (0, 128, 0): 2}
    path.write_text("cat:128,0,0::\ndog:::\n")
    assert read_classes(path).classes == ("background", "cat", "dog") and read_classes(path).colours is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("__ignore__\ncat\ndog\n", "the second line is index 0 and must be _background_"),
        ("cat\ndog\nbackground\n", "'background' is in line 3.*move it to the first line"),
        ("_background_\n__ignore__\ncat\n", "'__ignore__' is in line 2"),
        ("background\n_background_\ncat\n", "'_background_' is in line 2"),
        ("cat:1,1,1::\ndog:1,1,1::\n", "two classes have the colour 1,1,1"),
        ("cat\ndog\ncat\n", "duplicate name cat"),
        ("__ignore__\n_background_\n", "no class besides background"),
    ],
)
def test_a_list_that_leaves_open_whose_index_is_whose_is_refused(tmp_path, text, words):
    path = tmp_path / "classes.txt"
    path.write_text(text)
    with pytest.raises(DatasetError, match=words):
        read_classes(path)


def test_two_lists_must_agree(tmp_path):
    assert find_classes(tmp_path) is None
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    (tmp_path / "labelmap.txt").write_text(CVAT)
    assert find_classes(tmp_path).file.name == "labelmap.txt"  # it has the colours too
    (tmp_path / "class_names.txt").write_text("_background_\ndog\ncat\n")
    with pytest.raises(DatasetError, match=r"labelmap\.txt and class_names\.txt list different classes"):
        find_classes(tmp_path)


@pytest.mark.parametrize(
    ("names", "distinct"),
    [
        (["dog", "cat"], ["dog", "cat"]),
        (["dog", "cat", "dog", "dog"], ["dog", "cat", "dog (2)", "dog (3)"]),
        (["dog", "dog", "dog (2)"], ["dog", "dog (3)", "dog (2)"]),
        (["dog (2)", "dog (2)", "dog"], ["dog (2)", "dog (2) (2)", "dog"]),
        (["background", "Background", "_background_"], ["background (2)", "Background (2)", "_background_ (2)"]),
        (["__ignore__", "cat"], ["__ignore__ (2)", "cat"]),
        (["grey\nwolf", "grey wolf", "a\x00\u2028\x1b[31mb"], ["grey wolf", "grey wolf (2)", "a [31mb"]),
    ],
)
def test_each_name_of_a_written_list_stands_for_one_class(names, distinct):
    assert distinct_names(names) == tuple(distinct)


ODD_NAMES = st.one_of(
    st.sampled_from(
        ["dog", "dog (2)", "dog (3)", "Background", "__ignore__", "# a", "a:1,2,3::", "a 1 2 3", "\ufeffa"]
    ),
    st.text(st.characters(categories=("L", "N", "P", "S", "Z", "Cc", "Cf")), min_size=1, max_size=6),
).filter(lambda name: distinct_names([name]) != ("",))


@given(st.lists(ODD_NAMES, min_size=1, max_size=8))
def test_a_written_list_reads_as_it_was(tmp_path_factory, names):
    path = tmp_path_factory.getbasetemp() / "classes.txt"
    path.write_text(class_list_text(names), encoding="utf-8")
    assert read_classes(path).classes == ("background", *distinct_names(names))
    assert len(read_classes(path).classes) == len(names) + 1
