import json
import os
import shutil
import threading
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from comus_core import open_workspace, predict_photographs
from comus_core.cli import paths
from comus_core.cli.main import COMMANDS, cli
from comus_core.errors import SettingsError
from comus_core.export.bundle import bundle
from comus_core.files.output_file import writable_file, writable_folder, write_json_output, write_output
from comus_core.pipelines import discover
from tests.unprivileged import comus_unprivileged, open_to_all

pytestmark = pytest.mark.thorough


def test_folders_above_are_made_and_a_file_there_is_replaced_leaving_nothing_else(tmp_path):
    file = tmp_path / "a" / "b" / "c.csv"
    write_output(file, b"first")
    write_output(file, b"second")
    assert file.read_bytes() == b"second" and os.listdir(file.parent) == ["c.csv"]
    write_json_output(tmp_path / "x.json", {"name": "Käse"})
    assert json.loads((tmp_path / "x.json").read_text("utf-8")) == {"name": "Käse"}


def test_looking_makes_nothing(tmp_path):
    assert writable_file(tmp_path / "a" / "b.csv") == tmp_path / "a" / "b.csv"
    assert writable_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert os.listdir(tmp_path) == []


def test_what_cannot_be_written_is_refused_with_its_path_and_advice(tmp_path):
    (tmp_path / "file").touch()
    for check, path, words in [
        (writable_file, tmp_path, "is a folder; name a file in it"),
        (writable_file, tmp_path / "file" / "x.csv", f"{tmp_path / 'file'} is not a folder; choose another place"),
        (writable_file, tmp_path / "file" / "a" / "x.csv", "is not a folder"),
        (writable_folder, tmp_path / "file", "is not a folder"),
        (writable_folder, tmp_path / "file" / "a" / "b", "is not a folder"),
        (lambda path: write_output(path, b""), tmp_path / "file" / "x.csv", "is not a folder"),
        (lambda path: write_output(path, b""), tmp_path / ("x" * 300), "File name too long"),
    ]:
        with pytest.raises(SettingsError, match="cannot write") as refused:
            check(path)
        assert str(path) in str(refused.value) and words in str(refused.value)


def test_a_pipe_stays_a_pipe_and_a_link_a_link(tmp_path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_output(pipe, b"through")
    reader.join(10)
    assert got == [b"through"] and pipe.is_fifo()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_output(tmp_path / "link", b"there")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "target").read_bytes() == b"there"


def refusal(file: Path) -> str:
    return (
        f"cannot write {file}: the file that is there was not written by this program, or has changed since; name "
        "another file, or --force to replace it"
    )


def options(command: click.Command) -> list[click.Parameter]:
    below = command.commands.values() if isinstance(command, click.Group) else []
    return [*command.params, *(option for other in below for option in options(other))]


def test_every_option_that_names_what_is_written_is_looked_at_before_the_work():
    checked = {paths.output_file, paths.output_file_or_dash, paths.output_bundle, paths.output_folder}
    written = [o for c in COMMANDS for o in options(c) if o.name in ("json_file", "output", "out")]
    assert len(written) > 15
    assert [o.opts for o in written if getattr(o.type, "func", None) not in checked] == []


@pytest.mark.parametrize("words", [["run", "demo", "--json"], ["images", "demo", "--json"], ["show", "x", "--json"]])
def test_a_wrong_place_is_refused_before_anything_else(tmp_path, monkeypatch, words):
    monkeypatch.setattr(discover, "discover", None)
    (tmp_path / "file").touch()
    place = str(tmp_path / "file" / "x.json")
    done = CliRunner().invoke(cli, [*words, place, "--workspace", str(tmp_path / "workspace")])
    assert isinstance(done.exception, SettingsError) and place in str(done.exception)
    assert sorted(os.listdir(tmp_path)) == ["file"]


def test_the_verbs_themselves_refuse_too_when_they_are_called_from_python(finished, drawn, tmp_path):
    workspace, run = finished
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="is not a folder"):
        bundle(workspace, run.id, tmp_path / "file" / "x.zip")
    with pytest.raises(SettingsError, match="is not a folder"):
        predict_photographs(run, 0, [drawn / "images"], workspace, tmp_path / "file")


def test_a_place_that_may_only_be_read_is_refused(finished, tmp_path):
    place = open_to_all(tmp_path / "mine")
    for word, option, file in [("proposals", "-o", "x.csv"), ("show", "--json", "x.json")]:
        words = [word, finished[1].id, option]
        done = comus_unprivileged(*words, str(tmp_path / file), "--workspace", str(finished[0].root))
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            f"comus: cannot write {tmp_path / file}: you may not write in {tmp_path}; choose another place, or change "
            "its permissions\n"
        )
        done = comus_unprivileged(*words, str(place / "new" / file), "--workspace", str(finished[0].root))
        assert done.returncode == 0 and (place / "new" / file).stat().st_size > 0, done.stderr


def test_a_file_named_in_the_home_folder_is_found_there(finished, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    words = ["proposals", finished[1].id, "-o", "~/chosen.csv", "--workspace", str(finished[0].root)]
    assert CliRunner().invoke(cli, words).exit_code == 0
    assert Path(tmp_path / "chosen.csv").is_file() and open_workspace(finished[0].root)


def test_no_result_is_written_over_an_image(finished, drawn, tmp_path):
    workspace, _ = finished
    picture = Path(shutil.copy(drawn / "images" / "000.png", tmp_path / "result"))
    before = picture.read_bytes()
    done = CliRunner().invoke(cli, ["show", "latest", "--json", str(picture), "--workspace", str(workspace.root)])
    assert isinstance(done.exception, SettingsError) and str(done.exception) == refusal(picture)
    assert picture.read_bytes() == before
