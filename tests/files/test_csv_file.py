import ast
import csv
import io
import tomllib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from app.components.shared.score_table import as_csv
from comus_core.cli.main import cli
from comus_core.curation import rename
from comus_core.files.csv_file import csv_bytes

ROOT = Path(__file__).parents[2]
# Written out: what OWASP's page on CSV injection lists.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
CELL = st.one_of(
    TEXT, st.builds("{}{}".format, st.sampled_from(DANGEROUS), TEXT), st.sampled_from(['"', ",", ";", "a\rb"])
)


def read(content: bytes) -> list[list[str]]:
    """The rows as Python's own reader finds them, the head first."""
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6), CELL)
def test_every_text_comes_back_with_an_apostrophe_exactly_where_it_begins_like_a_formula(rows, head):
    def shown(text: str) -> str:
        return f"'{text}" if text.startswith(DANGEROUS) else text

    columns = {f"{head}1": [row[0] for row in rows], "other": [row[1] for row in rows]}
    expected = [[shown(f"{head}1"), "other"], *([shown(cell) for cell in row] for row in rows)]
    assert read(csv_bytes(columns)) == expected
    assert read(csv_bytes(pa.table(columns))) == expected


def test_numbers_stay_numbers_alone_and_among_texts():
    columns = {"n": [-1, 2], "f": [-0.1, float("nan")], "mixed": [-3.5, "-"], "none": [None, "=x"], "b": [True, False]}
    assert read(csv_bytes(columns))[1:] == [["-1", "-0.1", "-3.5", "", "true"], ["2", "", "'-", "'=x", "false"]]


def test_lines_end_in_a_line_feed_alone_and_the_mark_is_there_on_request():
    assert csv_bytes({"a": ["Käse", "b"]}) == '"a"\n"Käse"\n"b"\n'.encode()
    assert csv_bytes({"a": ["Käse"]}, bom=True) == b"\xef\xbb\xbf" + '"a"\n"Käse"\n'.encode()
    assert csv_bytes({"a": []}) == b'"a"\n'


def test_the_command_writes_safe_text_to_csv_and_the_text_itself_to_parquet(curated_view, tmp_path):
    view, formula = curated_view, '=HYPERLINK("http://x.test","x")'
    rename(view, 0, formula)
    names = {}
    for file, options in [("plain.csv", []), ("marked.csv", ["--bom"]), ("raw.parquet", [])]:
        words = [
            "proposals",
            view.run.id,
            "-o",
            str(tmp_path / file),
            *options,
            "--workspace",
            str(view.workspace.root),
        ]
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == 0, done.output
        content = (tmp_path / file).read_bytes()
        assert content.startswith(b"\xef\xbb\xbf") == (file == "marked.csv")
        if file.endswith(".csv"):
            names[file] = {row["name"] for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))}
        else:
            names[file] = set(pq.read_table(tmp_path / file).column("name").to_pylist())
    assert formula in names["raw.parquet"] and f"'{formula}" not in names["raw.parquet"]
    assert names["plain.csv"] == names["marked.csv"]
    assert f"'{formula}" in names["plain.csv"] and formula not in names["plain.csv"]


def test_a_page_s_download_is_safe_and_marked(curated_view):
    import pandas as pd

    content = as_csv(pd.DataFrame({"Class": ["@SUM(1)", "b"], "IoU": [-1.5, None]}), None)
    assert content == b'\xef\xbb\xbf"Class","IoU"\n"\'@SUM(1)",-1.5\n"b",\n'


def test_no_csv_is_written_but_by_the_one_writer():
    found = []
    for path in [p for folder in ("comus_core", "app", "pages") for p in (ROOT / folder).rglob("*.py")]:
        if path == ROOT / "comus_core" / "files" / "csv_file.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(node, "attr", None) or getattr(node, "id", None)
            imported = [a.name for a in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            ours = getattr(getattr(node, "value", None), "id", "") == "csv" and name == "writer"
            if name in ("to_csv", "write_csv", "DictWriter") or ours or "pyarrow.csv" in imported:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


def test_streamlit_s_own_csv_of_a_table_is_off():
    settings = tomllib.loads((ROOT / "app" / ".streamlit" / "config.toml").read_text())
    assert settings["client"]["disableDataExport"] is True
