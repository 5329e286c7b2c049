"""A whole run by several processes equals one by this process: every artifact, byte for byte."""

from collections import Counter
from importlib import import_module

import pytest

from comus_core import computing, discover, make_config, open_workspace
from comus_core.compute.dispatch import Dispatcher
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.stages.context import StageContext
from comus_core.types import no_progress
from comus_core.workspace.manifest import read_manifest
from tests.builders import draw_folder

SMALL = 8  # images of a shard: several shards of few images


def artifacts(workspace) -> dict[str, object]:
    """Every artifact's files with their hashes."""
    root = workspace.artifacts.root
    return {
        p.parent.relative_to(root).as_posix(): read_manifest(p.parent)["files"] for p in root.rglob("manifest.json")
    }


def counted_shards(monkeypatch) -> Counter[str]:
    """Grows by the shards that are given to workers, by stage."""
    given, plain = Counter(), Dispatcher.spread

    def spread(self, plan, starts, tell):
        given[plan.stage] += len(starts)
        plain(self, plan, starts, tell)

    monkeypatch.setattr(Dispatcher, "spread", spread)
    return given


def run_of(folder, place, compute, monkeypatch, on_progress=no_progress):
    monkeypatch.setitem(StageContext.make.__kwdefaults__, "unit", SMALL)
    monkeypatch.setattr(import_module("comus_core.stages.proposals"), "SHARD_SIZE", SMALL)
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
    given = counted_shards(monkeypatch)
    spread, several = run_of(folder, tmp_path / "processes", "processes:2", monkeypatch)
    assert given["saliency"] == given["features"] == 3  # of 20 images, 8 each
    assert spread.id == here.id and several == alone
    assert {"soft_maps", "features", "counts"} <= {name.split("/")[0] for name in alone}
