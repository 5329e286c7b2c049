import io
import json
import stat
import struct
import unicodedata
import zipfile
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from comus_core.datasets.dataset import open_dataset
from comus_core.datasets.upload_names import upload_names
from comus_core.datasets.uploads import Limits, unpack, uploaded_folders
from comus_core.errors import DatasetError
from comus_core.files.output_folder import OutputFolder
from comus_core.files.own_folders import MARKER
from comus_core.files.own_places import MARK
from tests.builders import draw_folder


def zipped(entries, method=zipfile.ZIP_DEFLATED) -> io.BytesIO:
    """A zip of (name or ZipInfo, bytes)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    buffer.seek(0)
    return buffer


def a_picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), (200, 60, 50)).save(buffer, "PNG")
    return buffer.getvalue()


PICTURE = a_picture()


EMPTY = ["uploads", f"uploads/{MARK}"]


def everything_in(folder) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


@pytest.mark.parametrize(("top", "classes"), [("", "classes.txt"), ("shapes/", "class_names.txt")])
def test_a_zipped_data_set_is_the_same_data_set(tmp_path, top, classes):
    source = draw_folder(tmp_path / "source", count=4, empty=1)
    (source / "classes.txt").rename(source / classes)
    entries = [(top + p.relative_to(source).as_posix(), p.read_bytes()) for p in source.rglob("*") if p.is_file()]
    done = unpack(zipped(entries), "My Shapes.zip", tmp_path / "w")
    assert done.folder == tmp_path / "w" / "uploads" / "my-shapes"
    assert (done.images, done.left_out) == (8, 0)
    given, unpacked = (open_dataset(str(folder), tmp_path) for folder in (source, done.folder))
    assert [f.image_id for f in unpacked.files] == [f.image_id for f in given.files]
    assert unpacked.truth.classes == given.truth.classes == ("background", "disc", "square", "bar")
    for file in given.files:
        assert (unpacked.read(file.image_id) == given.read(file.image_id)).all()


def test_what_is_no_image_is_left_out_and_counted(tmp_path):
    odd = ["a/run.sh", "a/.hidden.png", "__MACOSX/a/._x.png", "a/page.html", "a/deep/er/classes.txt"]
    done = unpack(zipped([("a/x.png", PICTURE), *((name, b"#") for name in odd)]), "a.zip", tmp_path)
    assert (done.images, done.left_out) == (1, 5)
    assert everything_in(done.folder) == ["x.png"]


def test_pictures_are_known_by_content_where_their_names_say_nothing(tmp_path):
    entries = [
        ("x", PICTURE),
        ("y.jpg_large", PICTURE),
        ("z.HEIC", b"####"),
        ("no suffix", b"text"),
        ("w.json", PICTURE),
    ]
    done = unpack(zipped(entries), "a.zip", tmp_path)
    assert (done.images, done.left_out) == (3, 2)
    assert everything_in(done.folder) == ["x", "y.jpg_large", "z.HEIC"]


def test_a_second_upload_of_the_same_name_gets_a_folder_of_its_own(tmp_path):
    first, second = (unpack(zipped([("x.png", PICTURE)]), "same.zip", tmp_path).folder for _ in range(2))
    assert [first.name, second.name] == ["same", "same-2"]
    assert set(uploaded_folders(tmp_path)) == {first, second}


@pytest.mark.parametrize(
    "name", ["../x.png", "a/../../x.png", "/x.png", "..\\x.png", "C:\\x.png", "C:/x.png", "a/../x.png", "x.png\0.sh"]
)
def test_a_path_that_leads_out_stops_everything(tmp_path, name):
    entry = zipfile.ZipInfo("PLACEHOLDER")
    entry.filename = entry.orig_filename = name
    with pytest.raises(DatasetError, match="not a path inside the zip"):
        unpack(zipped([("good.png", PICTURE), (entry, PICTURE)]), "slip.zip", tmp_path / "w")
    assert everything_in(tmp_path) == []


def test_a_link_stops_everything(tmp_path):
    link = zipfile.ZipInfo("link.png")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(DatasetError, match="link or device"):
        unpack(zipped([("good.png", PICTURE), (link, b"/etc/passwd")]), "link.zip", tmp_path / "w")
    assert everything_in(tmp_path) == []


def test_one_file_that_grows_beyond_measure_is_refused(tmp_path):
    bomb = zipped([("a.bmp", bytes(40 * 2**20))])
    with pytest.raises(DatasetError, match=r"'a.bmp' expands 1,0\d\d-fold"):
        unpack(bomb, "bomb.zip", tmp_path)
    assert everything_in(tmp_path) == []


def test_many_files_that_grow_beyond_measure_together_are_refused(tmp_path):
    bomb = zipped([(f"{n}.bmp", bytes(20 * 2**20)) for n in range(3)])
    with pytest.raises(DatasetError, match="expands"):
        unpack(bomb, "bomb.zip", tmp_path)


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (Limits(files=2), "3 images; upload at most 2"),
        (Limits(total_bytes=2 * len(PICTURE)), "bytes unpacked; the limit is"),
        (Limits(file_bytes=len(PICTURE) - 1), "bytes; the limit is"),
        (Limits(spare_bytes=2**62), "free some space"),
    ],
)
def test_each_limit_is_named_and_nothing_is_left_behind(tmp_path, limits, says):
    entries = [(f"{n}.png", PICTURE) for n in range(3)]
    with pytest.raises(DatasetError, match=says):
        unpack(zipped(entries, zipfile.ZIP_STORED), "much.zip", tmp_path, limits)
    assert [p for p in everything_in(tmp_path) if p not in EMPTY] == []


def test_a_file_larger_than_its_listing_says_is_refused(tmp_path):
    """The listing is shortened by hand in both headers, as a bomb that hides its size would do."""
    content = bytes(range(256)) * 40
    whole = zipped([("x.png", content)], zipfile.ZIP_DEFLATED).getvalue()
    lying = whole.replace(struct.pack("<L", len(content)), struct.pack("<L", 100))
    assert lying != whole
    with pytest.raises(DatasetError, match="not a readable zip"):
        unpack(io.BytesIO(lying), "lie.zip", tmp_path)
    assert everything_in(tmp_path) == EMPTY


def test_damaged_content_is_refused_and_nothing_is_left_behind(tmp_path):
    whole = bytearray(zipped([("x.png", PICTURE)], zipfile.ZIP_STORED).getvalue())
    whole[40] ^= 0xFF
    with pytest.raises(DatasetError, match="not a readable zip"):
        unpack(io.BytesIO(bytes(whole)), "bad.zip", tmp_path)
    assert everything_in(tmp_path) == EMPTY


def test_encrypted_files_are_refused(tmp_path):
    whole = bytearray(zipped([("x.png", PICTURE)]).getvalue())
    whole[whole.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DatasetError, match="without a password"):
        unpack(io.BytesIO(bytes(whole)), "secret.zip", tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a zip", PICTURE])
def test_what_is_no_zip_is_a_sentence(tmp_path, content):
    with pytest.raises(DatasetError, match="not a readable zip"):
        unpack(io.BytesIO(content), "photo.zip", tmp_path)


def test_a_zip_without_images_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="no images in it"):
        unpack(zipped([("notes.txt", b"words"), ("classes.txt", b"dog")]), "none.zip", tmp_path)


def test_two_files_of_one_name_are_both_there_and_told(tmp_path):
    done = unpack(zipped([("a/x.png", PICTURE), ("a/X.png", PICTURE[:-1]), ("a/y.png", PICTURE)]), "two.zip", tmp_path)
    assert done.images == 3 and [given for given, _ in done.renamed] == ["x.png", "X.png"]
    table = json.loads((done.folder / ".comus-names.json").read_text())
    assert table == {now: given for given, now in done.renamed}
    found = {name.lower() for name in everything_in(done.folder)} - {".comus-names.json"}
    assert len(found) == 3 and found == {"y.png", *(now.lower() for _, now in done.renamed)}
    assert (done.folder / done.renamed[1][1]).read_bytes() == PICTURE[:-1]
    with pytest.warns(UserWarning, match="Duplicate name"):
        same = zipped([("x.png", PICTURE), ("x.png", PICTURE[:-1])])
    assert everything_in(unpack(same, "same.zip", tmp_path).folder) == [".comus-names.json", "x-2.png", "x.png"]
    cases = unpack(zipped([("x.png", PICTURE), ("x.PNG", PICTURE)]), "cases.zip", tmp_path).folder
    assert everything_in(cases) == [".comus-names.json", "x-2.PNG", "x.png"]


def test_an_image_and_its_mask_are_renamed_alike(tmp_path):
    source = draw_folder(tmp_path / "source", count=4, empty=1)
    names = {"000": "字" * 90, "001": "IMG", "002": "img", "003": "con"}
    entries = [("classes.txt", (source / "classes.txt").read_bytes())]
    for top in ("images", "masks"):
        entries += [(f"{top}/{new}.png", (source / top / f"{old}.png").read_bytes()) for old, new in names.items()]
    done = unpack(zipped(entries), "odd.zip", tmp_path / "w")
    assert (done.images, len(done.renamed)) == (8, 8)
    for top in ("images", "masks"):
        assert all(len(path.name.encode()) <= 255 for path in (done.folder / top).iterdir())
    given, unpacked = (open_dataset(str(folder), tmp_path) for folder in (source, done.folder))
    now = {given: now for given, now in done.renamed}
    for old, new in names.items():
        image_id = now[f"images/{new}.png"]
        assert (unpacked.read(image_id) == given.read(f"images/{old}.png")).all()
        assert (unpacked.truth.mask(image_id) == given.truth.mask(f"images/{old}.png")).all()


def test_backslashes_separate_folders_where_they_lead_nowhere_else(tmp_path):
    done = unpack(zipped([("images\\a.png", PICTURE), ("masks\\a.png", PICTURE)]), "old.zip", tmp_path)
    assert everything_in(done.folder) == ["images", "images/a.png", "masks", "masks/a.png"]


@pytest.mark.parametrize("top", ["", "photos/"])
def test_what_this_program_made_is_left_out(tmp_path, top):
    """A folder with photographs, the workspace in it or in its place, predictions, and a bundle that was unpacked."""
    with OutputFolder(tmp_path / "out", "predictions").writing({}, "predictions.json") as new:
        (new / "x.png").write_bytes(PICTURE)
        (new / "predictions.json").write_text("{}")
    marker = (tmp_path / "out" / MARKER).read_bytes()
    mine = [(f"{top}x.png", PICTURE), (f"{top}deep/y.png", PICTURE)]
    own = {
        "below": [("w/comus.sqlite", b""), ("w/artifacts/m/x.png", PICTURE), ("w/any.png", PICTURE)],
        "here": [("comus.sqlite", b""), (f"artifacts/{MARK}", b""), ("artifacts/m/x.png", PICTURE)],
        "results": [(f"out/{MARKER}", marker), ("out/x.png", PICTURE), ("out/predictions.json", b"{}")],
        "bundle": [("b/bundle.json", b"{}"), ("b/artifacts/x.png", PICTURE), ("b/photographs/x.png", PICTURE)],
    }
    for name, entries in own.items():
        done = unpack(zipped([*mine, *((top + path, content) for path, content in entries)]), f"{name}.zip", tmp_path)
        assert everything_in(done.folder) == ["deep", "deep/y.png", "x.png"], name
        assert (done.images, done.left_out) == (2, len(entries))


def test_a_marker_that_lies_leaves_out_its_own_folder_at_most(tmp_path):
    for content in (b"", b"[]", b'{"version": 99}'):
        entries = [("x.png", PICTURE), (f"out/{MARKER}", content), ("out/x.png", PICTURE)]
        assert everything_in(unpack(zipped(entries), "odd.zip", tmp_path).folder) == ["x.png"]


NAMES = st.text(st.sampled_from([*"aAbé. ", "e", "\u0301", "字"]), min_size=1, max_size=4)


PLACES = st.tuples(st.sampled_from(["images", "masks", "x", ""]), NAMES, st.sampled_from([".png", ".jpg"]))


@given(st.lists(PLACES, unique=True, max_size=12))
def test_no_two_entries_lie_in_one_place_and_an_image_is_called_as_its_mask(places):
    given = {n: PurePosixPath(top, f"{stem}{suffix}") for n, (top, stem, suffix) in enumerate(places)}
    named = upload_names(given)
    assert len({unicodedata.normalize("NFD", str(path).casefold()) for path in named.values()}) == len(given)
    for n, one in given.items():
        assert named[n].parent == one.parent and named[n].suffix == one.suffix
        for m, two in given.items():
            if (one.parent.name, two.parent.name) == ("images", "masks") and one.stem == two.stem:
                assert named[n].stem == named[m].stem


def test_progress_counts_every_file(tmp_path):
    seen = []
    unpack(zipped([(f"{n}.png", PICTURE) for n in range(3)]), "p.zip", tmp_path, on_file=lambda *at: seen.append(at))
    assert seen == [(1, 3), (2, 3), (3, 3)]
