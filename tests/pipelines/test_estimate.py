import time

import pytest

from comus_core.config import ClusteringSettings, FeatureSettings, RunConfig, SaliencySettings
from comus_core.pipelines import estimate as estimate_module
from comus_core.pipelines.estimate import estimate, remember_speeds
from comus_core.workspace import open_workspace

CONFIG = RunConfig("photos", SaliencySettings("u2netp"), FeatureSettings("efficientnet-lite0"))


def test_what_was_measured_decides_the_next_estimate(tmp_path):
    workspace = open_workspace(tmp_path)
    assert not estimate(CONFIG, 1000, workspace).measured
    remember_speeds(workspace, CONFIG, "cpu", {"soft_maps": 0.5, "features": 0.25, "images": 0.01, "counts": 9.0})
    cost = estimate(CONFIG, 1000, workspace)
    assert cost.measured
    assert (cost.seconds["saliency"], cost.seconds["features"], cost.seconds["images"]) == (500, 250, 10)
    assert cost.total == sum(cost.seconds.values())


def test_speeds_of_one_device_say_nothing_of_another(tmp_path):
    workspace = open_workspace(tmp_path)
    remember_speeds(workspace, CONFIG, "cuda:0", {"soft_maps": 0.001, "features": 0.001})
    assert not estimate(CONFIG, 1000, workspace, "cpu").measured


def test_the_speed_is_that_of_the_fastest_product_whatever_else_the_machine_does(monkeypatch):
    times = iter([0.0, 4.0, 5.0, 5.5, 6.0, 6.25, 7.0, 9.0, 9.0, 10.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(times))
    assert estimate_module.matrix_speed.__wrapped__() == 2 * 1024**3 / 1e9 / 0.25


@pytest.mark.parametrize("detector", ["tokencut", "basnet", "masks:/somewhere"])
def test_every_detector_has_an_estimate_that_grows_with_the_images(tmp_path, detector):
    config = RunConfig("photos", SaliencySettings(detector, ncut_encoder="dino-vits16"), FeatureSettings("dino-vits8"))
    small, large = (estimate(config, n, open_workspace(tmp_path)) for n in (100, 10_000))
    assert 0 < small.total < large.total and small.disk_bytes * 100 == large.disk_bytes


def test_the_papers_encoder_costs_more_than_the_small_ones(tmp_path):
    workspace = open_workspace(tmp_path)
    costs = [
        estimate(RunConfig("p", SaliencySettings("u2netp"), FeatureSettings(name)), 500, workspace).seconds["features"]
        for name in ("efficientnet-lite0", "dino-vits16", "dino-vits8")
    ]
    assert costs == sorted(costs)


def test_the_largest_image_is_in_the_estimate_of_memory(tmp_path):
    """Measured: eight JPEGs of 88 million pixels took 0.4 GB more at the peak than the same at 640 x 480."""
    workspace = open_workspace(tmp_path)
    small, large = (estimate(CONFIG, 8, workspace, largest=pixels).memory_bytes for pixels in (640 * 480, 88_000_000))
    assert 0.4e9 < large - small < 1e9
    assert estimate(CONFIG, 1000, workspace, largest=640 * 480).memory_bytes < 1.3e9


def test_clustering_costs_what_docs_scale_md_measured_and_joining_landmarks_grows_with_the_points(monkeypatch):
    monkeypatch.setattr(estimate_module, "cpu_cores", lambda: 2)
    plain, few = ClusteringSettings(), ClusteringSettings(landmarks=200_000)
    seconds = estimate_module.clustering_seconds
    assert seconds(100_000, plain) == pytest.approx(42, rel=0.2) and seconds(10**6, plain) == pytest.approx(
        692, rel=0.1
    )
    joined = seconds(10**7, plain) - seconds(10**6, plain)
    assert joined == pytest.approx(9e6 * 0.026 / 2)
    assert seconds(10**7, few) < joined / 4
    assert seconds(10**7, ClusteringSettings(method="kmeans")) > seconds(10**6, plain)
