import io
import stat
import struct
import zipfile

import pytest
from PIL import Image

from comus_core.errors import DatasetError
from comus_core.images.dataset import open_dataset
from comus_core.uploads import Limits, unpack, uploaded_folders
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


def everything_in(folder) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


@pytest.mark.parametrize("top", ["", "shapes/"])
def test_a_zipped_data_set_is_the_same_data_set(tmp_path, top):
    source = draw_folder(tmp_path / "source", count=4, empty=1)
    entries = [(top + p.relative_to(source).as_posix(), p.read_bytes()) for p in source.rglob("*") if p.is_file()]
    done = unpack(zipped(entries), "My Shapes.zip", tmp_path / "w")
    assert done.folder == tmp_path / "w" / "uploads" / "my-shapes"
    assert (done.images, done.left_out) == (8, 0)
    given, unpacked = (open_dataset(str(folder), tmp_path) for folder in (source, done.folder))
    assert [f.image_id for f in unpacked.files] == [f.image_id for f in given.files]
    assert unpacked.truth.classes == given.truth.classes
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
    with pytest.raises(DatasetError, match="no plain path inside the zip"):
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
    with pytest.raises(DatasetError, match=r"'a.bmp' would grow 1,0\d\d-fold"):
        unpack(bomb, "bomb.zip", tmp_path)
    assert everything_in(tmp_path) == []


def test_many_files_that_grow_beyond_measure_together_are_refused(tmp_path):
    bomb = zipped([(f"{n}.bmp", bytes(20 * 2**20)) for n in range(3)])
    with pytest.raises(DatasetError, match="would grow"):
        unpack(bomb, "bomb.zip", tmp_path)


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (Limits(files=2), "3 images; at most 2"),
        (Limits(total_bytes=2 * len(PICTURE)), "bytes unpacked; at most"),
        (Limits(file_bytes=len(PICTURE) - 1), "at most .* each"),
        (Limits(spare_bytes=2**62), "make room"),
    ],
)
def test_each_limit_is_named_and_nothing_is_left_behind(tmp_path, limits, says):
    entries = [(f"{n}.png", PICTURE) for n in range(3)]
    with pytest.raises(DatasetError, match=says):
        unpack(zipped(entries, zipfile.ZIP_STORED), "much.zip", tmp_path, limits)
    assert [p for p in everything_in(tmp_path) if p != "uploads"] == []


def test_a_file_larger_than_its_listing_says_is_refused(tmp_path):
    """The listing is shortened by hand in both headers, as a bomb that hides its size would do."""
    content = bytes(range(256)) * 40
    whole = zipped([("x.png", content)], zipfile.ZIP_DEFLATED).getvalue()
    lying = whole.replace(struct.pack("<L", len(content)), struct.pack("<L", 100))
    assert lying != whole
    with pytest.raises(DatasetError, match="not a zip that can be read"):
        unpack(io.BytesIO(lying), "lie.zip", tmp_path)
    assert everything_in(tmp_path) == ["uploads"]


def test_damaged_content_is_refused_and_nothing_is_left_behind(tmp_path):
    whole = bytearray(zipped([("x.png", PICTURE)], zipfile.ZIP_STORED).getvalue())
    whole[40] ^= 0xFF
    with pytest.raises(DatasetError, match="not a zip that can be read"):
        unpack(io.BytesIO(bytes(whole)), "bad.zip", tmp_path)
    assert everything_in(tmp_path) == ["uploads"]


def test_encrypted_files_are_refused(tmp_path):
    whole = bytearray(zipped([("x.png", PICTURE)]).getvalue())
    whole[whole.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DatasetError, match="without a password"):
        unpack(io.BytesIO(bytes(whole)), "secret.zip", tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a zip", PICTURE])
def test_what_is_no_zip_is_a_sentence(tmp_path, content):
    with pytest.raises(DatasetError, match="not a zip that can be read"):
        unpack(io.BytesIO(content), "photo.zip", tmp_path)


def test_a_zip_without_images_or_with_two_of_one_name_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="no image in it"):
        unpack(zipped([("notes.txt", b"words"), ("classes.txt", b"dog")]), "none.zip", tmp_path)
    with pytest.raises(DatasetError, match="two files of the same name"):
        unpack(zipped([("a/x.png", PICTURE), ("a/X.png", PICTURE)]), "twice.zip", tmp_path)


def test_progress_counts_every_file(tmp_path):
    seen = []
    unpack(zipped([(f"{n}.png", PICTURE) for n in range(3)]), "p.zip", tmp_path, on_file=lambda *at: seen.append(at))
    assert seen == [(1, 3), (2, 3), (3, 3)]
