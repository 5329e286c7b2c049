"""What cannot be packaged: each gets a sentence that says what to do, and leaves nothing behind."""

import errno
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from comus_core import find_round, package, predict, train
from comus_core.cli.main import cli
from comus_core.errors import Cancelled, DatasetError, SettingsError, WorkspaceError
from comus_core.export import package as packaging
from comus_core.pipelines import package_folder
from comus_core.pipelines.verb_settings import PackageSettings, PredictSettings
from comus_core.training import TrainSettings, make_training
from comus_core.verbs import VERBS
from tests.builders import TINY_TRAINING, copy_of

pytestmark = pytest.mark.thorough
QUICK = {"example": False, "scored_images": 0}


@pytest.fixture(scope="module")
def once(finished, tmp_path_factory):
    """(workspace, run) trained for one round; copy it before changing it."""
    workspace, run = copy_of(finished, tmp_path_factory.mktemp("once"))
    train(run, workspace, TrainSettings(make_training(**TINY_TRAINING)), device="cpu")
    return workspace, run


@pytest.fixture
def mine(once, tmp_path):
    return copy_of(once, tmp_path)


@pytest.fixture
def no_export(monkeypatch):
    """The models as short files: for faults that come after them or have nothing to do with them."""
    from comus_core.training import packaged_network

    monkeypatch.setattr(packaged_network, "exported", lambda network: None)
    monkeypatch.setattr(packaged_network, "onnx_bytes", lambda program: b"onnx")
    monkeypatch.setattr(packaged_network, "program_bytes", lambda program: b"program")
    monkeypatch.setattr(packaging, "PackagedModel", lambda content, settings: None)
    monkeypatch.setattr(packaging, "_example", lambda *_: (0, 1))


def test_the_clusters_of_a_run_are_no_network(once, tmp_path):
    workspace, run = once
    with pytest.raises(SettingsError, match=f"round 0 of run {run.id} is its clusters.*comus train {run.id}"):
        package(find_round(workspace, run.id, 0), workspace, PackageSettings(str(tmp_path / "p")))
    settings = PredictSettings((str(tmp_path),), str(tmp_path / "q"), network_only=True)
    with pytest.raises((SettingsError, DatasetError)):
        predict(find_round(workspace, run.id, 0), workspace, settings)
    assert list(tmp_path.glob("p*")) == []


def test_a_run_that_was_not_trained_or_whose_training_was_cancelled_says_so(finished, tmp_path):
    workspace, run = copy_of(finished, tmp_path)
    words = ["package", f"{run.id}@1", "--out", str(tmp_path / "p"), "--workspace", str(workspace.root)]
    with pytest.raises(WorkspaceError, match="it was not trained yet; `comus train"):
        CliRunner().invoke(cli, words, catch_exceptions=False)

    def stop(progress):
        if progress.stage == "round 1" and progress.step:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        train(run, workspace, TrainSettings(make_training(**TINY_TRAINING)), device="cpu", on_progress=stop)
    assert workspace.trainings.of_run(run.id)[0].state == "cancelled"
    with pytest.raises(WorkspaceError, match="it was not trained yet; `comus train"):
        CliRunner().invoke(cli, words, catch_exceptions=False)
    assert not (tmp_path / "p").exists()


def test_a_network_that_is_missing_or_damaged_is_named(mine, tmp_path):
    workspace, run = mine
    subject = find_round(workspace, run.id, 1)
    folder = workspace.artifacts.root / "network" / subject.training.artifacts["network-1"]
    weights = folder / "network.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(WorkspaceError, match=r"network\.safetensors"):
        package(subject, workspace, PackageSettings(str(tmp_path / "p")))
    weights.unlink()
    with pytest.raises(WorkspaceError, match=r"network\.safetensors"):
        package(subject, workspace, PackageSettings(str(tmp_path / "p")))
    shutil.rmtree(folder)
    with pytest.raises(WorkspaceError, match=f"the network of .* is missing.*comus train {run.id}"):
        package(subject, workspace, PackageSettings(str(tmp_path / "p")))
    assert not (tmp_path / "p").exists()


def test_a_folder_that_is_not_empty_and_a_file_are_left_alone(once, tmp_path):
    workspace, run = once
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    for place, words in (
        (tmp_path / "full", "not empty, it holds thesis.txt"),
        (tmp_path / "full" / "thesis.txt", "a file"),
    ):
        with pytest.raises(SettingsError, match=words):
            VERBS["package"].check(PackageSettings(str(place)))
        with pytest.raises(SettingsError, match=words):
            package(find_round(workspace, run.id, 1), workspace, PackageSettings(str(place)))
    assert [p.name for p in tmp_path.rglob("*")] == ["full", "thesis.txt"]


def test_a_full_disk_leaves_no_half_package(once, tmp_path, monkeypatch, no_export):
    workspace, run = once
    real = Path.write_bytes

    def write(path, content):
        if path.name == "model.safetensors":
            real(path, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real(path, content)

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(SettingsError, match="the disk is full; free some space"):
        package(find_round(workspace, run.id, 1), workspace, PackageSettings(str(tmp_path / "p"), **QUICK))
    assert list(tmp_path.iterdir()) == []


def test_a_package_is_not_there_before_it_is_complete(once, tmp_path, no_export):
    workspace, run = once
    seen = []

    def look(progress):
        seen.append(sorted(p.name for p in tmp_path.iterdir()))
        if progress.step == 3:
            raise Cancelled("stopped")

    settings = PackageSettings(str(tmp_path / "p"), **QUICK)
    with pytest.raises(Cancelled):
        package(find_round(workspace, run.id, 1), workspace, settings, on_progress=look)
    assert all("p" not in names and ".p.comus-partial" in names for names in seen) and len(seen) == 4
    assert list(tmp_path.iterdir()) == []


def test_without_onnx_it_says_what_to_install(once, tmp_path, monkeypatch):
    workspace, run = once
    monkeypatch.setattr(package_folder, "find_spec", lambda name: None if name.startswith("onnxs") else object())
    for attempt in (
        lambda: VERBS["package"].check(PackageSettings(str(tmp_path / "p"))),
        lambda: package(find_round(workspace, run.id, 1), workspace, PackageSettings(str(tmp_path / "p"))),
    ):
        with pytest.raises(
            SettingsError, match=r"onnxscript, which is not installed: `pip install 'comus-explorer\[package\]'`"
        ):
            attempt()


def test_images_that_are_gone_are_missed_only_where_they_are_wanted(mine, tmp_path, no_export, monkeypatch):
    workspace, run = mine
    subject = find_round(workspace, run.id, 1)

    def gone(*_):
        raise DatasetError("the folder is gone")

    monkeypatch.setattr(packaging, "open_own", gone)
    with pytest.raises(DatasetError, match="gone"):
        package(subject, workspace, PackageSettings(str(tmp_path / "p")))
    result = package(subject, workspace, PackageSettings(str(tmp_path / "p"), **QUICK))
    assert {file["name"] for file in result["files"]} >= {"README.md", "labels.json"} and result["scores"][
        "models"
    ] == []
