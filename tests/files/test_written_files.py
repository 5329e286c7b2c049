"""A file that this program did not write is not written over; its own results are, without a word."""

import json
import os
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from comus_core.cli.main import cli
from comus_core.errors import SettingsError
from comus_core.export.bundle import bundle
from comus_core.files.output_file import write_json_output, write_output
from comus_core.files.user_folders import cache_folder
from comus_core.jobs import submit
from comus_core.pipelines.verb_settings import BundleSettings
from tests.files.test_output_file import options, refusal

pytestmark = pytest.mark.thorough

WRITERS = [("show", "--json", "x.json"), ("proposals", "-o", "x.csv"), ("filter-curve", "-o", "x.parquet")]
WRITERS += [("bundle", "--out", "x.zip"), ("clusters list", "--json", "x.json")]


@pytest.fixture(autouse=True)
def notes(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def comus(finished, words, option, file, *more):
    place = ["--workspace", str(finished[0].root)]
    return CliRunner().invoke(cli, [*words.split(), finished[1].id, option, str(file), *more, *place])


@pytest.mark.parametrize(("words", "option", "name"), WRITERS)
def test_a_command_replaces_its_own_result_and_a_file_of_somebodys_only_when_forced(
    finished, tmp_path, words, option, name
):
    file = tmp_path / name
    file.write_text("my notes of a year")
    done = comus(finished, words, option, file)
    assert isinstance(done.exception, SettingsError) and str(done.exception) == refusal(file)
    assert file.read_text() == "my notes of a year" and sorted(os.listdir(tmp_path)) == [name]
    done = comus(finished, words, option, file, "--force")
    replaced = [line for line in done.output.splitlines() if line.startswith("replaced ")]
    assert (done.exit_code, replaced) == (0, [f"replaced {file}, which this program had not written"]), done.output
    written = file.stat().st_mtime_ns
    for more in ([], ["--force"]):
        done = comus(finished, words, option, file, *more)
        assert done.exit_code == 0 and "replaced" not in done.output
    assert file.stat().st_mtime_ns > written


def test_a_result_that_somebody_changed_is_theirs(finished, tmp_path):
    file = tmp_path / "x.csv"
    assert comus(finished, "proposals", "-o", file).exit_code == 0
    file.write_text(file.read_text().replace("cluster 1", "geese"))
    mine = file.read_bytes()
    assert str(comus(finished, "proposals", "-o", file).exception) == refusal(file) and file.read_bytes() == mine
    assert not (tmp_path / "y.csv").exists() and comus(finished, "proposals", "-o", tmp_path / "y.csv").exit_code == 0


def test_it_is_refused_before_the_work_for_every_command_that_takes_json(tmp_path):
    file = tmp_path / "x.json"
    file.write_text("{}")
    tried = 0
    for command in cli.commands.values():
        takes = {option for parameter in options(command) for option in parameter.opts}
        if "--json" not in takes or hasattr(command, "commands"):
            continue
        tried += 1
        done = CliRunner().invoke(cli, [command.name, "--json", str(file), "latest"])
        assert isinstance(done.exception, SettingsError) and str(done.exception) == refusal(file), command.name
        assert "--force" in takes
    assert tried == 27 and file.read_text() == "{}"


def test_the_verbs_refuse_too_from_python_and_as_jobs(finished, tmp_path):
    workspace, run = finished
    file = tmp_path / "mine"
    file.write_bytes(b"mine")
    with zipfile.ZipFile(tmp_path / "holiday.zip", "w") as archive:
        archive.writestr("a.jpg", b"x")
    for call in (
        lambda: write_output(file, b"result"),
        lambda: write_json_output(file, {}),
        lambda: bundle(run, workspace, BundleSettings(str(file))),
        lambda: bundle(run, workspace, BundleSettings(str(tmp_path / "holiday.zip"))),
        lambda: submit(workspace, "bundle", run, BundleSettings(str(file))),
    ):
        with pytest.raises(SettingsError, match="COMUS did not write the existing file"):
            call()
    assert file.read_bytes() == b"mine" and zipfile.ZipFile(tmp_path / "holiday.zip").namelist() == ["a.jpg"]
    assert write_output(file, b"result", force=True) and not write_output(file, b"result 2")
    assert bundle(run, workspace, BundleSettings(str(file), force=True)).replaced
    assert not bundle(run, workspace, BundleSettings(str(file))).replaced


def test_an_empty_file_holds_nothing_to_lose(tmp_path):
    (tmp_path / "x").touch()
    assert not write_output(tmp_path / "x", b"result") and (tmp_path / "x").read_bytes() == b"result"


def test_a_file_is_known_by_any_way_to_it_and_not_at_another_place(tmp_path):
    write_json_output(tmp_path / "x.json", {"a": 1})
    (tmp_path / "link").symlink_to("x.json")
    write_json_output(tmp_path / "link", {"a": 2})
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": 2}
    (tmp_path / "x.json").rename(tmp_path / "kept.json")
    with pytest.raises(SettingsError, match="another file, or replace it with --force"):
        write_json_output(tmp_path / "kept.json", {"a": 3})


def test_without_notes_a_result_is_written_and_counts_as_somebodys(tmp_path, monkeypatch):
    write_output(tmp_path / "x", b"first")
    for note in (cache_folder() / "comus" / "written").iterdir():
        note.unlink()
    with pytest.raises(SettingsError, match="--force"):
        write_output(tmp_path / "x", b"second")
    monkeypatch.setattr("comus_core.files.written_files.writable_cache_folder", lambda: Path("/dev/null"))
    assert not write_output(tmp_path / "y", b"first") and (tmp_path / "y").read_bytes() == b"first"
    with pytest.raises(SettingsError, match="--force"):
        write_output(tmp_path / "y", b"second")
