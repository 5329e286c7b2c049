"""A whole run by several processes equals one by this process: every artifact, byte for byte."""

import pytest

from comus_core import computing, discover, make_config, open_workspace
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.types import no_progress
from comus_core.workspace.artifacts import ArtifactStore
from comus_core.workspace.manifest import read_manifest
from tests.builders import draw_folder

SMALL = 8  # images of a shard: several shards of few images


def artifacts(workspace) -> dict[str, object]:
    """Every artifact's files with their hashes."""
    root = workspace.artifacts.root
    return {
        p.parent.relative_to(root).as_posix(): read_manifest(p.parent)["files"] for p in root.rglob("manifest.json")
    }


def run_of(folder, place, compute, monkeypatch, on_progress=no_progress):
    monkeypatch.setitem(ArtifactStore.make_sharded.__kwdefaults__, "shard_size", SMALL)
    workspace = open_workspace(place)
    settings = {"features": {"encoder": "efficientnet-lite0"}, "clustering": {"clusters": 3}}
    settings["saliency"] = {"detector": "comus"}
    how = {"device": "cpu", "on_progress": on_progress}
    with computing(compute):
        run = discover(make_config(dataset=str(folder), **settings), workspace, DiscoverSettings(), **how)
    return run, artifacts(workspace)


@pytest.mark.thorough
def test_processes(tmp_path, monkeypatch):
    folder = draw_folder(tmp_path / "shapes", count=20)
    here, alone = run_of(folder, tmp_path / "local", "local", monkeypatch)
    spread, several = run_of(folder, tmp_path / "processes", "processes:2", monkeypatch)
    assert spread.id == here.id and several == alone
    assert {"soft_maps", "features", "counts"} <= {name.split("/")[0] for name in alone}
