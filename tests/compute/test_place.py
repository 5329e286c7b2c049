"""What `--compute` says, and what is said where it cannot be."""

import pytest
from click.testing import CliRunner

from comus_core import make_config, open_workspace
from comus_core.cli.main import cli
from comus_core.compute import VARIABLE, computing, current, place_of
from comus_core.compute.place import crowding
from comus_core.datasets.dataset import parse_dataset
from comus_core.errors import DatasetError, SettingsError, WorkspaceError
from comus_core.jobs import submit
from comus_core.machine.device import cpu_cores
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.workspace.shards import write_here


@pytest.mark.parametrize(
    ("text", "kind", "processes", "address"),
    [
        ("local", "local", 0, ""),
        ("processes:3", "processes", 3, ""),
        ("processes", "processes", cpu_cores(), ""),
        ("ray", "ray", 0, ""),
        ("ray:10.0.0.1:6379", "ray", 0, "10.0.0.1:6379"),
    ],
)
def test_the_places(text, kind, processes, address):
    place = place_of(text)
    assert (place.kind, place.processes, place.address) == (kind, processes, address)
    assert place_of(place.text) == place


@pytest.mark.parametrize("text", ["", "locally", "local:2", "processes:0", "processes:two", "processes:", "ray:"])
def test_anything_else_is_refused_with_what_to_write(text):
    with pytest.raises(SettingsError, match=r"write local, processes\[:N\] or ray\[:ADDRESS\]"):
        place_of(text)


def test_the_command_refuses_it_before_any_work(tmp_path):
    said = CliRunner().invoke(cli, ["run", "demo", "--workspace", str(tmp_path / "w"), "--compute", "cloud"])
    assert isinstance(said.exception, SettingsError) and not (tmp_path / "w").exists()


def test_without_ray_the_error_gives_the_command(monkeypatch):
    monkeypatch.setattr("comus_core.compute.ray_workers.find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"pip install 'comus-explorer\[ray\]'"), computing("ray"):
        pass


@pytest.mark.parametrize(
    "address", ["s3://bucket/photos", "gs://bucket/photos", "coco:s3://bucket/coco:val2017", "classes:s3://bucket/x"]
)
def test_an_object_store_is_to_be_mounted(address, tmp_path):
    with pytest.raises(DatasetError, match=r"data set .*//.* mount it on every machine at the same path"):
        parse_dataset(address)
    with pytest.raises(WorkspaceError, match=r"workspace s3://b/w is an address, not a folder"):
        open_workspace("s3://b/w")


@pytest.mark.parametrize(
    ("text", "threads", "share"), [("processes:4", "", 2), ("processes:16", "1", 1), ("processes:3", "4", 2)]
)
def test_more_threads_than_cores_are_said(monkeypatch, capsys, text, threads, share):
    monkeypatch.setattr("comus_core.compute.place.cpu_cores", lambda: 8)
    monkeypatch.setattr("comus_core.machine.threads.cpu_cores", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    with computing(text):
        pass
    said = capsys.readouterr().err
    assert f"of {threads or 8} thread" in said and "8 cores" in said and f"OMP_NUM_THREADS={share} " in said


@pytest.mark.parametrize(("text", "threads"), [("processes:4", "2"), ("processes:1", "8"), ("local", ""), ("ray", "8")])
def test_as_many_threads_as_cores_are_no_crowd(monkeypatch, text, threads):
    monkeypatch.setattr("comus_core.compute.place.cpu_cores", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    assert crowding(place_of(text)) == ""


def test_it_comes_from_the_variable_and_ends_with_the_block(monkeypatch):
    monkeypatch.setenv(VARIABLE, "processes:2")
    with computing():
        assert current() is not write_here
        with computing("local"):
            assert current() is write_here
    assert current() is write_here


def test_a_job_keeps_it(tmp_path):
    workspace, settings = open_workspace(tmp_path / "w"), DiscoverSettings()
    job = submit(workspace, "discover", make_config(dataset="demo"), settings, compute="processes:2")
    assert job.environment[VARIABLE] == "processes:2"
    with pytest.raises(SettingsError, match="compute"):
        submit(workspace, "discover", make_config(dataset="demo"), settings, compute="everywhere")
