"""Files of names as spreadsheets save them, and as nobody should."""

import csv
import io

import pytest

from comus_core.curation.names_csv import NOT_UTF_8, NameRow, names_csv, read_names
from comus_core.errors import SettingsError

TABLE = "id,name,size\n0,Käse,3\n2,wild boar,5\n"
ROWS = (NameRow(2, 0, "Käse"), NameRow(3, 2, "wild boar"))


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode(),
        TABLE.encode("utf-8-sig"),
        TABLE.replace(",", ";").encode("utf-8-sig"),
        TABLE.replace(",", "\t").encode("utf-16"),
        TABLE.replace("\n", "\r\n").encode(),
        TABLE.replace("id,name,size", " ID , Name,size").encode(),
        b"name,size,id\nK\xc3\xa4se,3,0\nwild boar,5,2.0\n\n,,\n",
        b'"cluster","name"\n"0","K\xc3\xa4se"\n"2"," wild  boar "\n',
    ],
)
def test_what_spreadsheets_save_is_read(content):
    read = read_names(content)
    assert read.rows == ROWS and read.notes == ()


def test_a_separator_line_of_excel_is_skipped_and_counted():
    assert read_names(b"sep=;\r\nid;name\r\n4;a,b\r\n").rows == (NameRow(3, 4, "a,b"),)


def test_windows_1252_is_read_and_said():
    read = read_names(TABLE.replace(",", ";").encode("cp1252"))
    assert read.rows == ROWS and read.notes == (NOT_UTF_8,)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n , \n", "is empty"),
        (b"id,name\n", "no line below its header"),
        (b"0,dog\n1,cat\n", "line 1, has no column id: it reads '0, dog'; it must name id and name"),
        (b"id,title\n0,dog\n", "has no column name"),
        (b"id,name,name\n0,dog,dog\n", "has the column name 2 times"),
        (b"id,name\nthree,dog\n", "line 2: 'three' is not the id of a cluster"),
        (b"id,name\n-1,dog\n", "line 2: '-1' is not the id"),
        (b"id,name\n1.5,dog\n", "line 2: '1.5' is not the id"),
        (b"id,name\n99999999999999999999,dog\n", "is not the id of a cluster"),
        ("id,name\n\u0663,dog\n".encode(), "is not the id of a cluster"),
        (b"id,name\n3\n", "line 2: cluster 3 has no name; write one, or remove the line"),
        (b"id,name\n3,  \n", "cluster 3 has no name"),
        (b"id,name\n3,=HYPERLINK(1)\n", "line 2: '=HYPERLINK(1)' is a formula; write the name as text"),
        (b"id,name\n3,#NAME?\n", "'#NAME?' is an error of the spreadsheet"),
        (b"id,name\n3,dog\n4,cat\n3,dog\n", "cluster 3 is on 2 lines (2, 4); keep one"),
        (b"id,name\n3," + b"x" * 201 + b"\n", "has 201 letters; the limit is 200"),
        (b'id,name\n3,"dog\n4,cat\n', "cannot be read at line 3"),
        (b"PK\x03\x04\x00\x00id,name", "is not text: save the table as CSV UTF-8, not as a workbook"),
        (b"\xff\xfeabc", "is damaged"),
        (b"id,name\n0,\x81\x8d\n", "encoding of the file of names is unknown"),
        (b"id,name\n" + b"x" * (4 << 20), "the limit is 4,194,304"),
    ],
)
def test_what_is_not_clear_is_refused_whole_with_what_to_do(content, words):
    with pytest.raises(SettingsError) as fault:
        read_names(content)
    assert words in str(fault.value) and len(str(fault.value)) < 400


def test_all_faults_are_listed_the_first_five_in_words():
    with pytest.raises(SettingsError) as fault:
        read_names(b"id,name\n" + b"x,dog\n" * 8)
    assert str(fault.value).startswith("no name was changed: line 2: ") and str(fault.value).endswith("; and 3 more")


NAMES = ["dog", "=1+1", "'=1+1", "''-x", "'quoted'", "+1", "@home", "a,b;c", 'say "hi"', "Käse", "猫", "-"]


def test_every_name_survives_the_file_and_none_runs_in_a_spreadsheet():
    content = names_csv(range(len(NAMES)), NAMES, [1] * len(NAMES))
    assert content.startswith(b"\xef\xbb\xbf")
    assert [row.name for row in read_names(content).rows] == NAMES
    cells = [line["name"] for line in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))]
    assert cells[0] == "dog" and not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
