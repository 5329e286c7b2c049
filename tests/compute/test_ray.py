"""Two nodes of Ray on this machine give the bytes that one process gives, also when one of them is killed half way."""

import os
import signal

import numpy as np
import pytest
import ray
from PIL import Image

from comus_core import computing, discover, make_config, open_workspace
from comus_core.compute.ray_nodes import list_nodes, start_nodes, stop_nodes
from comus_core.errors import ComputeError
from comus_core.pipelines.verb_settings import DiscoverSettings
from tests.builders import draw_folder
from tests.compute.letters import dies_once, make
from tests.compute.test_same_run import artifacts, run_of

pytestmark = pytest.mark.slow
PORT = 6390  # below those that workers of Ray take


@pytest.fixture
def nodes(tmp_path, monkeypatch):
    monkeypatch.setattr("comus_core.compute.ray_nodes._state_file", lambda: tmp_path / "nodes.json")
    started = start_nodes(2, cpus=1, port=PORT)
    yield started
    ray.shutdown()
    stop_nodes()
    assert list_nodes() == []


@pytest.fixture
def folder(tmp_path):
    return draw_folder(tmp_path / "shapes", count=40)


def test_saliency_features_and_counts_are_the_same(tmp_path, folder, nodes, monkeypatch):
    _, alone = run_of(folder, tmp_path / "local", "local", monkeypatch)
    _, spread = run_of(folder, tmp_path / "ray", f"ray:127.0.0.1:{PORT}", monkeypatch)
    assert spread == alone and {"soft_maps", "features", "counts"} <= {name.split("/")[0] for name in alone}


def test_also_when_a_node_is_killed_half_way(tmp_path, folder, nodes, monkeypatch):
    _, alone = run_of(folder, tmp_path / "local", "local", monkeypatch)
    killed = []

    def kill_half_way(progress):
        if progress.stage == "saliency" and progress.total / 2 <= progress.step < progress.total and not killed:
            os.killpg(nodes[1].process.pid, signal.SIGKILL)
            killed.append(progress)

    _, spread = run_of(folder, tmp_path / "ray", "ray", monkeypatch, kill_half_way)
    assert killed and [node.lives for node in nodes] == [True, False]
    assert spread == alone


def test_a_worker_that_is_killed_is_replaced(tmp_path, nodes):
    there = make(tmp_path / "local", "local").manifest()["files"]
    assert make(tmp_path / "ray", "ray", {"image05.png": dies_once}).manifest()["files"] == there
    assert (tmp_path / "ray" / "marks" / "image05.png.killed").exists()


def test_a_second_cluster_is_refused(nodes):
    with pytest.raises(ComputeError, match="runs here already"):
        start_nodes(1, port=PORT + 1)


def test_no_cluster_there_is_told(tmp_path):
    with pytest.raises(ComputeError, match="comus cluster up"):
        make(tmp_path, "ray:127.0.0.1:9")


def test_5000_small_images(tmp_path, nodes):
    """Images to features: every image has its map, and every proposal its vector."""
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for number in range(5000):
        pixels = np.full((64, 64, 3), rng.integers(0, 90, 3), np.uint8)
        x, y = rng.integers(4, 24, 2)
        pixels[y : y + 34, x : x + 34] = rng.integers(130, 255, 3)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{number:05d}.png")
    workspace = open_workspace(tmp_path / "w")
    config = make_config(dataset=str(tmp_path / "images"), features={"encoder": "efficientnet-lite0"})
    with computing("ray"):
        run = discover(config, workspace, DiscoverSettings(until="features"), device="cpu")
    print(run.result["seconds"], run.result["proposals"])
    assert run.state == "done" and run.result["skipped"] == 0 and run.result["proposals"] >= 4000
    assert {"images", "soft_maps", "features"} <= {name.split("/")[0] for name in artifacts(workspace)}
