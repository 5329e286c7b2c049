"""The rule for file names against what file systems refuse and confuse, told independently of how it is worked out."""

import os
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comus_core.files.file_names import file_names, free_name, name_key, plain_name, plain_path

WINDOWS = {"con", "prn", "aux", "nul", "com1", "com9", "lpt1", "lpt9", "com0", "com¹", "conin$"}
LETTERS = st.sampled_from([*'abAB.. -_/\\:*?"<>|#%é', "e", "\u0301", "É", "字", "ß", "İ", "\0", "\x1f", "\udce9", "😀"])
NAMES = st.one_of(
    st.text(LETTERS, min_size=1, max_size=8),
    st.sampled_from(["con.jpg", "NUL", "..", ".x", "a.jpg", "A.JPG", "a.png", "a", "a/b.png", "字" * 90 + ".jpg"]),
    st.integers(240, 300).map(lambda n: "x" * n + ".jpg"),
    st.text(max_size=40),
)


def is_taken_everywhere(part: str) -> bool:
    """Whether Linux, macOS and Windows take this name, by what their documentation forbids."""
    return (
        0 < len(part.encode("utf-8", "surrogatepass")) <= 255
        and part == part.encode("utf-8", "replace").decode()
        and not set(part) & set('<>:"|?*\\/')
        and not any(ord(letter) < 32 for letter in part)
        and not part.startswith((".", " "))
        and not part.endswith((".", " "))
        and part.split(".")[0].strip().lower() not in WINDOWS
    )


def folded(path: str) -> str:
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())


@given(NAMES)
def test_a_plain_name_is_taken_everywhere_and_stays_itself(name):
    plain = plain_name(name)
    assert is_taken_everywhere(plain)
    assert plain_name(plain) == plain
    assert plain == name or not is_taken_everywhere(name) or not name.isprintable()


@settings(max_examples=300)
@given(st.lists(NAMES, unique=True, max_size=12), st.randoms())
def test_every_owner_gets_one_file_of_its_own_on_every_file_system(owners, random):
    wanted = {owner: [owner.rsplit(".", 1)[0] + ".png", owner + ".png"] for owner in owners}
    found = file_names(wanted)
    assert set(found) == set(owners)
    for path in found.values():
        assert all(is_taken_everywhere(part) for part in path.split("/"))
    assert len({folded(path) for path in found.values()}) == len(owners)
    back = {path: owner for owner, path in found.items()}
    assert all(back[found[owner]] == owner for owner in owners)
    files = {folded(path) for path in found.values()}
    assert not files & {folded(path[:at]) for path in found.values() for at in range(len(path)) if path[at] == "/"}
    random.shuffle(owners)
    assert file_names({owner: wanted[owner] for owner in owners}) == found


def test_a_name_that_nobody_contests_is_the_one_wanted():
    wanted = {"a/x.jpg": ["a/x.png"], "b/x.jpg": ["b/x.png"], "2007_000032": ["2007_000032.png"]}
    assert file_names(wanted) == {owner: path for owner, (path,) in wanted.items()}


def test_the_second_choice_counts_before_a_hash():
    wanted = {i: [i[:-4] + ".png", i + ".png"] for i in ("a.jpg", "a.png", "b.jpg")}
    assert file_names(wanted) == {"a.jpg": "a.jpg.png", "a.png": "a.png.png", "b.jpg": "b.png"}


def test_names_that_differ_in_case_or_in_the_writing_of_an_accent_are_told_apart():
    for one, other in (("IMG.JPG", "img.jpg"), ("\u00e9.jpg", "e\u0301.jpg"), ("A/x.jpg", "a/X.jpg")):
        found = file_names({one: [one], other: [other]})
        assert folded(found[one]) != folded(found[other])
        assert found[one].startswith(one[:-4] + "-") and found[one].endswith(one[-4:])


def test_a_file_is_never_where_a_folder_must_be():
    found = file_names({"a.jpg": ["a.png"], "a.png/b.jpg": ["a.png/b.png"]})
    assert len(set(found.values())) == 2 and "a.png" not in found.values()


def test_a_name_made_to_look_like_a_hash_cannot_take_anothers_place():
    made = file_names({"x.jpg": ["x.jpg"], "X.jpg": ["X.jpg"]})["x.jpg"]
    longer = {owner: [owner] for owner in ("x.jpg", "X.jpg", made)}
    assert len({folded(path) for path in file_names(longer).values()}) == 3


@pytest.mark.parametrize("name", ["x" * 251 + ".jpg", "字" * 83 + "xx.jpg"])
def test_a_name_of_up_to_255_bytes_stays_and_can_be_written(tmp_path, name):
    assert plain_name(name) == name
    (tmp_path / name).touch()


def test_two_long_names_of_one_beginning_are_shortened_apart(tmp_path):
    one, other = ("字" * 90 + end for end in ("a.jpg", "b.jpg"))
    short = [plain_name(one), plain_name(other)]
    assert short[0] != short[1] and all(name.endswith(".jpg") for name in short)
    for name in short:
        (tmp_path / name).touch()
    assert sorted(os.listdir(tmp_path)) == sorted(short)


def test_a_path_too_deep_becomes_one_name():
    deep = "/".join(["f" * 200] * 10) + "/x.png"
    found = plain_path(deep)
    assert "/" not in found and found.startswith("x-") and found.endswith(".png")


def test_a_taken_name_gets_the_next_free_number():
    assert free_name("a.jpg", {"b.jpg"}) == "a.jpg"
    assert free_name("A.jpg", {"a.jpg", "a-2.jpg"}) == "A-3.jpg"
    assert free_name("plain", {"plain"}) == "plain-2"
    assert name_key("A-2.JPG") == "a-2.jpg"
    assert len(free_name("x" * 300, {name_key(plain_name("x" * 300))}).encode()) <= 255
